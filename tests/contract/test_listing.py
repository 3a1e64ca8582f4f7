"""Lists: order, pages, streams (docs/protocol.md §8.1 to §8.3, §8.6)."""

from __future__ import annotations

import csv
import io
from typing import Any

import orjson
import pytest

from crossbar.core import reading
from crossbar.core.requests import Action
from crossbar.dialects.v2 import sheets
from tests.conftest import NOW, Answer, Api
from tests.contract.conftest import on_every_store
from tests.contract.kit import COLLECTIONS, bare_exchange, create_all, http, ids
from tests.each import one_gateway_for_each

pytestmark = on_every_store

SEVEN = 7


@pytest.fixture
async def users(api: Api) -> str:
    """The path of seven users: with the admin eight, four of them with the same sort key."""
    account_id = await api.create_account("Listed")
    path = f"/v2/accounts/{account_id}/users"
    last_names = ("Lee", "Lee", "Abel", "Lee", "Zorn", "lee", "Moss")
    people = [{"first_name": "Ann", "last_name": name} for name in last_names]
    await create_all(api, path, people)
    return path


async def walk(api: Api, path: str, query: str, limit: int = 20) -> list[Answer]:
    """All pages, following ``next_start_key``."""
    pages = [(await api.get(f"{path}?{query}")).expect(200)]
    while "next_start_key" in pages[-1].body and len(pages) < limit:
        key = pages[-1].body["next_start_key"]
        pages.append((await api.get(f"{path}?{query}&start_key={key}")).expect(200))
        assert pages[-1].body["start_key"] == key
    return pages


LISTED = [
    family
    for family in COLLECTIONS
    if not any(route.path == "" and route.action is Action.LIST for route in family.routes)
]


@one_gateway_for_each(LISTED, lambda family: family.noun)
async def test_an_empty_list_is_a_list(api: Api, family: Any) -> None:
    account_id = await api.create_account(f"Without {family.noun}")
    answer = (await api.get(f"/v2/accounts/{account_id}/{family.noun}")).expect(200)
    assert answer.data == []
    assert answer.body["page_size"] == 0
    assert not {"start_key", "next_start_key"} & answer.body.keys()


async def test_lists_descend_unless_told_otherwise(api: Api, users: str) -> None:
    down = ids(await api.get(users))
    names = [row["last_name"].lower() for row in (await api.get(users)).data]
    assert names == sorted(names, reverse=True)
    for query in ("ascending=true", "descending=false"):
        assert ids(await api.get(f"{users}?{query}")) == down[::-1], query
    for query in ("ascending=false", "descending=true", "_=123", "ascending=maybe"):
        assert ids(await api.get(f"{users}?{query}")) == down, query


async def test_what_has_no_other_order_is_listed_by_id(api: Api) -> None:
    path = f"{api.account}/menus"
    created = await create_all(api, path, [{"name": str(number)} for number in range(SEVEN)])
    assert ids(await api.get(path)) == sorted(created, reverse=True)


@pytest.mark.parametrize("size", [1, 2, 3, 6, 7, 8])
@pytest.mark.parametrize("way", ["true", "false"])
async def test_pages_hold_every_row_once(api: Api, users: str, size: int, way: str) -> None:
    whole = ids(await api.get(f"{users}?paginate=false&ascending={way}"))
    pages = await walk(api, users, f"page_size={size}&ascending={way}")
    assert [row["id"] for page in pages for row in page.data] == whole
    assert len(pages) == -(-SEVEN // size)
    assert [page.body["page_size"] for page in pages] == [len(page.data) for page in pages]
    assert all(len(page.data) == size for page in pages[:-1])
    assert "start_key" not in pages[0].body
    assert "next_start_key" not in pages[-1].body


async def test_the_bookmark_is_another_name_of_the_start_key(api: Api, users: str) -> None:
    first = await api.get(f"{users}?page_size=2")
    key = first.body["next_start_key"]
    by_key = await api.get(f"{users}?page_size=2&start_key={key}")
    by_bookmark = await api.get(f"{users}?page_size=2&bookmark={key}")
    assert by_bookmark.data == by_key.data
    assert by_bookmark.body["start_key"] == key


async def test_a_start_key_that_is_none_of_ours_is_a_sort_value(api: Api, users: str) -> None:
    answer = (await api.get(f"{users}?ascending=true&start_key=moss")).expect(200)
    assert [row["last_name"] for row in answer.data] == ["Moss", "Zorn"]
    answer = (await api.get(f"{users}?start_key=lee")).expect(200)
    assert [row["last_name"] for row in answer.data] == ["Abel"]


async def test_a_list_may_end_where_another_page_begins(api: Api, users: str) -> None:
    whole = ids(await api.get(users))
    key = (await api.get(f"{users}?page_size=2")).body["next_start_key"]
    assert ids(await api.get(f"{users}?end_key={key}")) == whole[:3]
    assert ids(await api.get(f"{users}?end_key={key}&paginate=false")) == whole[:3]
    assert ids(await api.get(f"{users}?end_key={key}&start_key={key}")) == whole[2:3]
    assert ids(await api.get(f"{users}?end_key={key}&ascending=true")) == whole[2:][::-1]


@pytest.mark.parametrize("query", ["", "&filter_name=same", "&full_docs=true", "&is_chunked=true"])
async def test_a_list_by_id_begins_and_ends_at_ids(api: Api, query: str) -> None:
    path = f"{api.account}/menus"
    for _ in range(6):
        (await api.put(path, {"name": "same"})).expect(201)
    whole = ids(await api.get(path))
    one, other = whole[1], whole[3]
    assert whole == sorted(whole, reverse=True)
    assert ids(await api.get(f"{path}?start_key={one}{query}")) == whole[1:]
    assert ids(await api.get(f"{path}?end_key={other}{query}")) == whole[:4]
    assert ids(await api.get(f"{path}?start_key={one}&end_key={other}{query}")) == whole[1:4]
    turned = f"start_key={other}&end_key={one}&ascending=true"
    assert ids(await api.get(f"{path}?{turned}{query}")) == whole[1:4][::-1]
    between = f"{other[:-1]}{'0' if other[-1] != '0' else ''}"
    assert other not in ids(await api.get(f"{path}?start_key={between}&page_size=9{query}"))


@pytest.mark.parametrize("name", ["start_key", "end_key"])
async def test_a_key_that_was_broken_on_its_way_is_refused(
    api: Api, users: str, name: str
) -> None:
    key = (await api.get(f"{users}?page_size=2")).body["next_start_key"]
    for broken in (f"{key}x", key[:-1], "WyI", f"{key[:4]}*{key[5:]}"):
        refused = (await api.get(f"{users}?{name}={broken}")).expect(400)
        assert list(refused.data) == [name]
        assert list(refused.data[name]) == ["invalid"]


async def test_an_end_key_is_a_sort_value_that_ends_the_list(api: Api, users: str) -> None:
    answer = (await api.get(f"{users}?ascending=true&end_key=lee%20ann")).expect(200)
    assert [row["last_name"].lower() for row in answer.data] == ["abel", *["lee"] * 4]
    answer = (await api.get(f"{users}?end_key=moss")).expect(200)
    assert [row["last_name"] for row in answer.data] == ["Zorn", "Moss"]
    answer = (await api.get(f"{users}?ascending=true&start_key=z&end_key=a")).expect(200)
    assert answer.data == []


async def test_without_pages_the_keys_of_pages_are_gone(api: Api, users: str) -> None:
    first = await api.get(f"{users}?page_size=2")
    key = first.body["next_start_key"]
    for query in ("paginate=false", f"paginate=false&page_size=2&start_key={key}"):
        answer = (await api.get(f"{users}?{query}")).expect(200)
        assert len(answer.data) == SEVEN
        assert not {"page_size", "start_key", "next_start_key"} & answer.body.keys()


async def test_a_page_of_the_default_size_has_fifty_rows(api: Api) -> None:
    path = f"{api.account}/menus"
    await create_all(api, path, [{"name": "x"}] * 51)
    pages = await walk(api, path, "")
    assert [len(page.data) for page in pages] == [50, 1]


async def test_filters_are_applied_before_the_page_is_filled(api: Api, users: str) -> None:
    answer = await api.get(f"{users}?page_size=3&filter_last_name=Lee&ascending=true")
    assert [row["last_name"] for row in answer.expect(200).data] == ["Lee"] * 3
    assert "next_start_key" not in answer.body
    pages = await walk(api, users, "page_size=2&filter_last_name=Lee")
    assert [len(page.data) for page in pages] == [2, 1]


@pytest.mark.parametrize("way", ["true", "false"])
async def test_rows_that_come_while_paging_neither_hide_nor_repeat_others(
    api: Api, users: str, way: str
) -> None:
    before = ids(await api.get(f"{users}?paginate=false&ascending={way}"))
    seen, key = [], ""
    for number in range(20):
        answer = await api.get(f"{users}?page_size=2&ascending={way}{key}")
        seen += ids(answer)
        for name in ("Aaa", "Lee", "Zzz"):
            sent = {"first_name": "Ann", "last_name": name, "number": number}
            (await api.put(users, sent)).expect(201)
        if "next_start_key" not in answer.body:
            break
        key = f"&start_key={answer.body['next_start_key']}"
    assert len(seen) == len(set(seen))
    assert [one for one in seen if one in before] == before


async def test_the_row_that_a_key_names_may_have_gone(api: Api, users: str) -> None:
    whole = ids(await api.get(f"{users}?paginate=false"))
    key = (await api.get(f"{users}?page_size=2")).body["next_start_key"]
    (await api.delete(f"{users}/{whole[2]}")).expect(200)
    assert ids(await api.get(f"{users}?start_key={key}")) == whole[3:]


async def test_fields_select_the_keys_of_a_summary(api: Api, users: str) -> None:
    answer = (await api.get(f'{users}?fields=["last_name","nope","password"]')).expect(200)
    assert {key for row in answer.data for key in row} == {"id", "last_name"}
    assert len(answer.data) == SEVEN


async def test_fields_select_the_keys_of_every_list(api: Api) -> None:
    child = await api.create_account("Child")
    (ann,) = await create_all(
        api, f"{api.account}/users", [{"first_name": "Ann", "last_name": "Lee"}]
    )
    device = {"name": "Desk", "owner_id": ann, "hotdesk": {"users": {ann: {}}}}
    (desk,) = await create_all(api, f"{api.account}/devices", [device])
    (box,) = await create_all(api, f"{api.account}/vmboxes", [{"name": "Ann", "mailbox": "1"}])
    message = (await api.put(f"{api.account}/vmboxes/{box}/messages", {})).expect(201)
    fax = {"to_number": "+14155550100", "from_number": "1", "document": {"url": "http://a"}}
    (job,) = await create_all(api, f"{api.account}/faxes/outgoing", [fax])
    rows: dict[str, dict[str, Any]] = {
        "children": {"id": child, "descendants_count": 0},
        "descendants": {"id": child, "flags": []},
        f"users/{ann}/devices": {"id": desk, "hotdesked": False},
        f"devices/{desk}/hotdesks": {"id": ann, "last_name": "Lee"},
        "hotdesks": {"device_id": desk},
        "vmboxes": {"id": box, "mailbox": "1"},
        f"vmboxes/{box}/messages": {"media_id": message.data["id"]},
        "faxes/outgoing": {"id": job, "status": "pending"},
    }
    for path, row in rows.items():
        fields = orjson.dumps([name for name in row if name != "id"]).decode()
        for more in ("", "&is_chunked=true"):
            answer = await api.get(f"{api.account}/{path}?fields={fields}{more}")
            assert answer.expect(200).data == [row], path
    whole = (await api.get(f'{api.account}/devices?full_docs=true&fields=["sip"]')).expect(200)
    assert whole.data[0].keys() == {"id", "sip"}
    (await api.put(f"{api.account}/connectivity", {})).expect(201)
    (bare,) = (await api.get(f'{api.account}/connectivity?fields=["name"]')).expect(200).data
    assert isinstance(bare, str)
    slots = (await api.get(f'{api.account}/parked_calls?fields=["name"]')).expect(200).data
    assert slots == {"slots": {}}


async def test_devices_of_a_user_are_listed_whole_too(api: Api) -> None:
    (ann,) = await create_all(
        api, f"{api.account}/users", [{"first_name": "Ann", "last_name": "Lee"}]
    )
    (desk,) = await create_all(api, f"{api.account}/devices", [{"name": "A", "owner_id": ann}])
    await create_all(api, f"{api.account}/devices", [{"name": "B"}])
    (row,) = (await api.get(f"{api.account}/users/{ann}/devices?full_docs=true")).data
    assert row == (await api.get(f"{api.account}/devices/{desk}")).data


async def test_full_docs_are_whole_public_documents(api: Api, users: str) -> None:
    row = (await api.get(f"{users}?full_docs=true&page_size=1")).expect(200).data[0]
    one = (await api.get(f"{users}/{row['id']}")).expect(200)
    assert row == one.data
    assert not any(key.startswith(("pvt_", "_")) for key in row)


async def test_a_nested_list_holds_what_belongs_to_the_user(api: Api) -> None:
    users, devices = f"{api.account}/users", f"{api.account}/devices"
    ann, bob = await create_all(
        api, users, [{"first_name": name, "last_name": "Lee"} for name in ("Ann", "Bob")]
    )
    owned = await create_all(
        api, devices, [{"name": str(number), "owner_id": ann} for number in range(5)]
    )
    await create_all(api, devices, [{"name": "x", "owner_id": bob}, {"name": "free"}])
    nested = f"{users}/{ann}/devices"
    pages = await walk(api, nested, "page_size=2")
    assert [row["id"] for page in pages for row in page.data] == sorted(owned, reverse=True)
    (await api.patch(f"{devices}/{owned[0]}", {"owner_id": bob})).expect(200)
    assert owned[0] not in ids(await api.get(nested))
    assert ids(await api.get(f"{nested}?filter_name=1")) == [owned[1]]


async def test_a_stream_is_the_same_list_with_its_data_first(api: Api, users: str) -> None:
    whole = (await api.get(f"{users}?page_size=3&ascending=true")).expect(200)
    answer = (
        await api.get(f"{users}?page_size=3&ascending=true&is_chunked=true&chunk_size=1")
    ).expect(200)
    assert answer.content.startswith(b'{"data":[{')
    assert answer.headers["Content-Type"] == "application/json"
    envelope = orjson.loads(answer.content)
    assert envelope["data"] == whole.data
    trailer = {key: value for key, value in envelope.items() if key != "data"}
    assert all(isinstance(value, str) for value in trailer.values())
    assert trailer["page_size"] == "3"
    assert trailer["next_start_key"] == whole.body["next_start_key"]
    assert trailer["auth_token"] == api.token
    assert "tokens" not in trailer


async def test_a_stream_of_everything_is_complete(api: Api) -> None:
    path = f"{api.account}/menus"
    created = await create_all(api, path, [{"name": "x"}] * 120)
    answer = (await api.get(f"{path}?is_chunked=true&paginate=false")).expect(200)
    assert ids(answer) == sorted(created, reverse=True)
    assert "page_size" not in answer.body


async def test_a_long_list_is_sent_as_it_is_read(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"{api.account}/menus"
    rows = [{"name": f"Menu {number}"} for number in range(120)]
    created = await create_all(api, path, rows)
    whole = (await api.get(f"{path}?paginate=false")).expect(200)
    monkeypatch.setattr(reading, "PORTION", 100)
    long = (await api.get(f"{path}?paginate=false")).expect(200)
    assert long.content.startswith(b'{"data":[{')
    assert long.data == whole.data
    assert sorted(ids(long)) == sorted(created)
    assert ("ETag" in whole.headers, "ETag" in long.headers) == (True, False)
    assert long.body.keys() == whole.body.keys()
    some = (await api.get(f"{path}?paginate=false&filter_name=Menu 7")).expect(200)
    assert "ETag" in some.headers, "it is by the rows that are answered"
    script = (await api.get(f"{path}?paginate=false&jsonp=show")).expect(200)
    assert script.content.startswith(b"/**/show({")
    table = (await api.get(f"{path}?paginate=false&accept=csv&full_docs=true")).expect(200)
    lines = list(csv.DictReader(io.StringIO(table.content.decode())))
    assert [line["ID"] for line in lines] == ids(long)
    assert lines[0].keys() >= {"name", "retries"}


async def test_a_page_of_large_documents_is_sent_as_it_is_read(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"{api.account}/menus"
    await create_all(api, path, [{"name": f"Menu {number}"} for number in range(6)])
    query = "full_docs=true&page_size=4&chunk_size=1"
    whole = (await api.get(f"{path}?{query}")).expect(200)
    monkeypatch.setattr(reading, "LONG", 100)
    heavy = (await api.get(f"{path}?{query}")).expect(200)
    assert heavy.content.startswith(b'{"data":[{')
    assert heavy.data == whole.data
    assert ("ETag" in whole.headers, "ETag" in heavy.headers) == (True, False)
    for name in ("page_size", "next_start_key"):
        assert heavy.body[name] == whole.body[name]


@pytest.mark.parametrize(
    ("query", "chunks"), [("", 1), ("&chunk_size=4", 2), ("&chunk_size=1", 7)]
)
async def test_a_stream_comes_in_chunks_of_so_many_rows(api: Api, query: str, chunks: int) -> None:
    await create_all(api, f"{api.account}/menus", [{"name": "x"}] * 7)
    target = f"{api.account}/menus?is_chunked=true&auth_token={api.token}{query}"
    content = (await bare_exchange(api, http("GET", target))).expect(200).content
    sent = [part for part in content.split(b"\r\n") if part.startswith((b",{", b'{"data":[{'))]
    assert len(sent) == chunks


async def test_an_empty_stream_is_an_envelope_too(api: Api) -> None:
    answer = (await api.get(f"{api.account}/menus?is_chunked=true")).expect(200)
    assert answer.data == []


async def test_times_of_a_summary_are_of_the_clock(api: Api) -> None:
    path = f"{api.account}/menus"
    await create_all(api, path, [{"name": "old"}])
    api.clock.advance(60)
    await create_all(api, path, [{"name": "new"}])
    bound = NOW + 62_167_219_200 + 30
    for query, name in (("created_from", "new"), ("created_to", "old")):
        answer = (await api.get(f"{path}?{query}={bound}")).expect(200)
        assert [row["name"] for row in answer.data] == [name]


class TestAWholeListThatIsTooLarge:
    """With a limit on rows, a list without pages is refused instead of filling the memory."""

    @pytest.fixture
    def overrides(self) -> dict[str, Any]:
        return {"lists.memory_limit": 5}

    async def test_it_is_refused_and_pages_are_not(self, api: Api) -> None:
        path = f"{api.account}/menus"
        await create_all(api, path, [{"name": "x"}] * 6)
        answer = (await api.get(f"{path}?paginate=false")).expect(416)
        assert answer.body["message"] == "range not satisfiable"
        assert answer.body["data"]["limit"] == 5
        assert len(ids(await api.get(f"{path}?page_size=5"))) == 5


async def test_a_list_that_ends_with_a_portion_is_whole(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also a page that does, and one after which so much follows."""
    monkeypatch.setattr(reading, "PORTION", 10)
    path = f"{api.account}/menus"
    made = await create_all(api, path, [{"name": "x"}] * 64)
    for _ in range(2):
        for query in ("paginate=false", "page_size=64", "page_size=64&is_chunked=true"):
            listed = ids(await api.get(f"{path}?{query}&ascending=true"))
            assert listed == sorted(made)[: len(listed)], query
            assert len(listed) == (len(made) if query == "paginate=false" else 64), query
        made += await create_all(api, path, [{"name": "x"}] * 64)


async def test_a_table_is_the_same_in_whatever_pieces_it_is_made(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(7):
        user = {"first_name": "A", "last_name": f"L{number}", "custom": {f"k{number}": number}}
        (await api.put(f"{api.account}/users", user)).expect(201)
    path = f"{api.account}/users?accept=csv&full_docs=true"
    whole = (await api.get(path)).expect(200).content
    monkeypatch.setattr(sheets, "CELLS", 30)
    assert (await api.get(path)).expect(200).content == whole
    for bytes_in_memory in (700, 0):  # a part in a file, or all
        monkeypatch.setattr(sheets, "SPOOLED", bytes_in_memory)
        assert (await api.get(path)).expect(200).content == whole
    assert len(list(csv.DictReader(io.StringIO(whole.decode())))) == 8
