"""Writers at the same time: no update is lost, and a unique value has one holder."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from tests.conftest import Answer, Api
from tests.contract.conftest import on_every_store
from tests.contract.kit import create_all

pytestmark = on_every_store

WRITERS = 20
USER = {"first_name": "Ann", "last_name": "Lee"}


async def at_once(*requests: Any) -> list[Answer]:
    answers: list[Answer] = await asyncio.gather(*requests)
    return answers


def statuses(answers: list[Answer]) -> Counter[int]:
    return Counter(answer.status for answer in answers)


@pytest.mark.parametrize("verb", ["POST", "PATCH"])
async def test_of_writers_with_the_same_condition_exactly_one_wins(api: Api, verb: str) -> None:
    created = (await api.put(f"{api.account}/menus", {"name": "Main"})).expect(201)
    path, headers = f"{api.account}/menus/{created.data['id']}", {"If-Match": "*"}
    headers = {"If-Match": f'"{created.body["revision"]}"'}
    answers = await at_once(
        *(
            api.request(verb, path, {"name": f"Writer {number}"}, headers=headers)
            for number in range(WRITERS)
        )
    )
    assert statuses(answers) == {200: 1, 412: WRITERS - 1}
    [winner] = [answer for answer in answers if answer.status == 200]
    after = (await api.get(path)).expect(200)
    assert after.data == winner.data
    assert after.body["revision"] == winner.body["revision"]


async def test_patches_of_different_fields_all_survive(api: Api) -> None:
    created = (await api.put(f"{api.account}/menus", {"name": "Main"})).expect(201)
    path = f"{api.account}/menus/{created.data['id']}"
    answers = await at_once(*(api.patch(path, {f"f{n}": n}) for n in range(WRITERS)))
    assert statuses(answers) == {200: WRITERS}
    after = (await api.get(path)).expect(200)
    assert {name: after.data[name] for name in after.data if name[:1] == "f"} == {
        f"f{n}": n for n in range(WRITERS)
    }
    assert after.body["revision"].startswith(f"{WRITERS + 1}-")


async def test_first_writes_of_a_singleton_all_succeed(api: Api) -> None:
    path = f"{api.account}/limits"
    answers = await at_once(*(api.post(path, {"twoway_trunks": n}) for n in range(WRITERS)))
    assert statuses(answers) == {200: WRITERS}
    assert (await api.get(path)).body["revision"].startswith(f"{WRITERS}-")


async def test_a_document_is_deleted_once(api: Api) -> None:
    [menu] = await create_all(api, f"{api.account}/menus", [{"name": "Main"}])
    path = f"{api.account}/menus/{menu}"
    answers = await at_once(*(api.delete(path) for _ in range(WRITERS)))
    assert statuses(answers) == {200: 1, 404: WRITERS - 1}


async def test_what_is_deleted_is_not_brought_back_by_a_late_writer(api: Api) -> None:
    [menu] = await create_all(api, f"{api.account}/menus", [{"name": "Main"}])
    path = f"{api.account}/menus/{menu}"
    answers = await at_once(
        *(api.patch(path, {f"f{n}": n}) for n in range(5)),
        api.delete(path),
        *(api.patch(path, {f"f{n}": n}) for n in range(5)),
    )
    assert set(statuses(answers)) <= {200, 404}
    (await api.get(path)).expect(404)


UNIQUE: dict[str, tuple[str, str, dict[str, Any]]] = {
    "user name": ("users", "username", {**USER, "username": "ann", "password": "s3cret"}),
    "hotdesk id": ("users", "hotdesk.id", {**USER, "hotdesk": {"id": "7"}}),
    "SIP user name": ("devices", "sip.username", {"name": "x", "sip": {"username": "ann"}}),
    "MAC address": ("devices", "mac_address", {"name": "x", "mac_address": "00:11:22:33:44:55"}),
    "mailbox": ("vmboxes", "mailbox", {"name": "x", "mailbox": "12"}),
    "number": ("callflows", "numbers", {"numbers": ["2001"]}),
    "pattern": ("callflows", "patterns", {"patterns": ["^1$"]}),
    "conference number": ("conferences", "numbers", {"name": "x", "conference_numbers": ["5"]}),
}


@pytest.mark.parametrize("name", UNIQUE)
async def test_of_creators_of_the_same_value_exactly_one_succeeds(api: Api, name: str) -> None:
    noun, field, sent = UNIQUE[name]
    path = f"{api.account}/{noun}"
    answers = await at_once(*(api.put(path, sent) for _ in range(WRITERS)))
    assert statuses(answers) == {201: 1, 400: WRITERS - 1}
    for answer in answers:
        if answer.status == 400:
            assert answer.data.keys() == {field}
            assert answer.data[field].keys() == {"unique"}
            assert {"message", "cause"} <= answer.data[field]["unique"].keys()
    winner = next(answer.data["id"] for answer in answers if answer.status == 201)
    (await api.delete(f"{path}/{winner}")).expect(200)
    (await api.put(path, sent)).expect(201)


@pytest.mark.parametrize("field", ["name", "realm"])
async def test_an_account_name_and_a_realm_have_one_holder_in_the_system(
    api: Api, field: str
) -> None:
    same = {"name": "Same", "realm": "same.example.com"}[field]
    parents = [await api.create_account(f"Parent {number}") for number in range(2)]
    answers = await at_once(
        *(
            api.put(f"/v2/accounts/{parents[n % 2]}", {"name": f"Account {n}", field: same})
            for n in range(WRITERS)
        )
    )
    assert statuses(answers) == {201: 1, 400: WRITERS - 1}
    assert {tuple(answer.data) for answer in answers if answer.status == 400} == {(field,)}


async def test_of_creators_with_the_same_id_one_succeeds(api: Api) -> None:
    path, sent = f"{api.account}/menus", {"name": "Main", "id": "a" * 32}
    answers = await at_once(*(api.put(path, sent) for _ in range(WRITERS)))
    assert statuses(answers) == {201: 1, 409: WRITERS - 1}


async def test_changes_to_the_same_value_leave_one_holder(api: Api) -> None:
    path = f"{api.account}/vmboxes"
    boxes = [{"name": "x", "mailbox": str(100 + n)} for n in range(WRITERS)]
    created = await create_all(api, path, boxes)
    answers = await at_once(*(api.patch(f"{path}/{one}", {"mailbox": "7"}) for one in created))
    assert statuses(answers) == {200: 1, 400: WRITERS - 1}
    rows = (await api.get(f"{path}?filter_mailbox=7")).expect(200).data
    assert len(rows) == 1
