"""Comments: an array inside of any document, oldest first."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.conftest import Api
from tests.families.support import make, refusal


def comment(at: Any, content: str = "x") -> dict[str, Any]:
    return {"author": "Ann", "content": content, "timestamp": at}


async def base(api: Api) -> str:
    return f"{api.account}/menus/{await make(api, 'menus')}/comments"


async def test_comments_are_kept_in_order_in_any_document(api: Api) -> None:
    for place in (api.account, f"{api.account}/users/{await make(api, 'users')}"):
        path = f"{place}/comments"
        assert (await api.get(path)).expect(200).data == {"comments": []}
        later, first = comment(5), {"content": "no time"}
        answer = await api.put(path, {"comments": [later]})
        assert answer.expect(201).data == {"comments": [later]}
        answer = await api.put(path, {"comments": [first, comment(1)]})
        everything = {"comments": [first, comment(1), later]}
        assert answer.expect(201).data == everything
        assert (await api.get(path)).expect(200).data == everything
        assert (await api.get(place)).expect(200).data["comments"] == everything["comments"]
        assert (await api.delete(path)).expect(200).data == {"comments": []}


async def test_one_comment_is_read_replaced_and_deleted_by_its_place(api: Api) -> None:
    path = await base(api)
    (await api.put(path, {"comments": [comment(number) for number in (1, 2, 3)]})).expect(201)
    assert (await api.get(f"{path}/0")).expect(200).data == comment(1)
    # The replaced comment moves to the end, so another one is at its place.
    assert (await api.post(f"{path}/0", comment(9))).expect(200).data == comment(2)
    assert (await api.get(f"{path}/2")).expect(200).data == comment(9)
    rest = (await api.delete(f"{path}/1")).expect(200).data
    assert rest == {"comments": [comment(2), comment(9)]}


@pytest.mark.parametrize("place", ["1", "-1", "x", "%C2%B2", "9" * 5000])
async def test_there_is_no_comment_elsewhere(api: Api, place: str) -> None:
    path = await base(api)
    (await api.put(path, {"comments": [comment(1)]})).expect(201)
    for verb in ("GET", "POST", "DELETE"):
        answer = await api.request(verb, f"{path}/{place}", comment(1))
        assert answer.expect(404).body["message"] == "bad_identifier"
    assert len((await api.get(path)).expect(200).data["comments"]) == 1


async def test_odd_comments_are_refused_and_odd_fields_do_no_harm(api: Api) -> None:
    path = await base(api)
    assert refusal(await api.put(path, {"comments": "x"}), "comments", "type")["value"] == "x"
    refusal(await api.put(path, {"comments": [{}, 5]}), "comments.1", "type")
    assert (await api.put(path, {})).expect(201).data == {"comments": []}
    odd: tuple[Any, ...] = ("x", True, None, {})
    (await api.put(path, {"comments": [comment(at) for at in odd]})).expect(201)
    menu = path.removesuffix("/comments")
    (await api.patch(menu, {"comments": 5})).expect(200)
    assert (await api.get(path)).expect(200).data == {"comments": []}


async def test_comments_that_are_added_at_once_are_all_kept(api: Api) -> None:
    path = await base(api)
    sent = [{"comments": [comment(number)]} for number in range(8)]
    await asyncio.gather(*(api.put(path, one) for one in sent))
    kept = (await api.get(path)).expect(200).data["comments"]
    assert kept == [comment(number) for number in range(8)]


async def test_a_client_that_names_a_revision_is_told_of_others(api: Api) -> None:
    path = await base(api)
    revision = (await api.get(path)).expect(200).body["revision"]
    (await api.put(path, {"comments": [comment(1)]})).expect(201)
    stale = {"If-Match": f'"{revision}"'}
    (await api.put(path, {"comments": [comment(2)]}, headers=stale)).expect(412)
