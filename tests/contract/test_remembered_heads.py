"""Requests that begin alike are answered each by itself; what they say is worked out once."""

from __future__ import annotations

import orjson

from crossbar.core.paging import encode_key
from crossbar.dialects.v2.told import LONG, MANY
from crossbar.storage import Position
from tests.conftest import Api
from tests.contract.conftest import on_any_store

pytestmark = on_any_store


async def test_a_document_looks_as_each_request_wants_it(api: Api) -> None:
    made = (await api.put(f"{api.account}/menus", {"name": "Main"})).expect(201)
    path = f"{api.account}/menus/{made.data['id']}"
    plain = (await api.get(path)).expect(200)
    for _ in range(2):
        pretty = (await api.get(path, headers={"X-Pretty-Print": "true"})).expect(200)
        assert pretty.content == orjson.dumps(pretty.body, option=orjson.OPT_INDENT_2)
        called = (await api.get(f"{path}?jsonp=show")).expect(200)
        assert called.content.startswith(b"/**/show({")
        again = (await api.get(path)).expect(200)
        assert again.data == pretty.data == plain.data == made.data
        assert again.body["request_id"] != plain.body["request_id"]
    (await api.patch(path, {"name": "Other"})).expect(200)
    changed = (await api.get(path)).expect(200)
    assert changed.data["name"] == "Other"
    assert changed.body["revision"] != plain.body["revision"]


async def test_a_page_says_where_it_begins_as_it_was_asked(api: Api) -> None:
    for name in ("Ann", "Ben", "Cid"):
        (await api.put(f"{api.account}/menus", {"name": name})).expect(201)
    first = (await api.get(f"{api.account}/menus?page_size=1")).expect(200)
    key = first.body["next_start_key"]
    second = (await api.get(f"{api.account}/menus?page_size=1&start_key={key}")).expect(200)
    for _ in range(2):
        again = (await api.get(f"{api.account}/menus?page_size=1&start_key={key}")).expect(200)
        assert again.body["start_key"] == second.body["start_key"] == key
        assert again.data == second.data != first.data
        narrow = (await api.get(f'{api.account}/menus?page_size=1&fields=["id"]')).expect(200)
        assert narrow.data == [{"id": first.data[0]["id"]}]
        assert "start_key" not in (await api.get(f"{api.account}/menus?page_size=1")).body


async def test_a_place_that_has_two_names_is_called_as_it_was_asked_for(api: Api) -> None:
    for name in ("Ann", "Ben"):
        (await api.put(f"{api.account}/users", {"first_name": name, "last_name": "Zoe"})).expect(
            201
        )
    for key in ("zoe ben", encode_key(Position("zoe ben", ""))) * 2:
        page = (await api.get(f"{api.account}/users?ascending=true&start_key={key}")).expect(200)
        assert page.body["start_key"] == key
        assert [row["first_name"] for row in page.data] == ["Ben"]


async def test_who_asks_is_found_out_each_time(api: Api) -> None:
    other = await api.create_account("Other")
    token = await api.account_token(other)
    for _ in range(2):
        mine = (await api.get("/v2/account")).expect(200)
        theirs = (await api.get("/v2/account", token=token)).expect(200)
        assert mine.data["id"] == api.account.rpartition("/")[2]
        assert theirs.data["id"] == other
    (await api.get(f"/v2/accounts/{other}/menus", token=token)).expect(200)
    (await api.delete(f"/v2/accounts/{other}")).expect(200)
    (await api.get("/v2/account", token=token)).expect(401)
    (await api.get(f"/v2/accounts/{other}/menus")).expect(404)


async def test_many_and_long_heads_are_no_matter(api: Api) -> None:
    path = f"{api.account}/menus"
    await api.put(path, {"name": "Main"})
    for number in range(MANY + 2):
        (await api.get(f"{path}?page_size={number + 1}")).expect(200)
    rows = (await api.get(path, headers={"X-Long": "x" * LONG})).expect(200)
    assert [row["name"] for row in rows.data] == ["Main"]
