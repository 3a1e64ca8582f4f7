"""The change feed: pages and streams of what changes in an account, for who may read it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from aiohttp import ClientResponse

from crossbar.documents import Document
from crossbar.families import changes
from tests.conftest import Api
from tests.families.porting.support import Customer, customer_of, make_port, move
from tests.families.support import make
from tests.families.voicemail.test_vm_messages import leave


@pytest.fixture
async def child(api: Api) -> Customer:
    return await customer_of(api)


async def page(api: Api, query: str = "", **options: Any) -> Any:
    path = options.pop("path", api.account)
    return (await api.get(f"{path}/changes{query}", **options)).expect(200).data


async def end(api: Api, **options: Any) -> int:
    """Where the log ends."""
    told: int = (await page(api, **options))["last_seq"]
    return told


class Stream:
    """The events of a stream, as a browser would know them."""

    def __init__(self, response: ClientResponse) -> None:
        self.response = response
        self.last_id = ""

    async def block(self) -> dict[str, str]:
        """The next block of lines, as fields."""
        fields: dict[str, str] = {}
        while line := (await self.response.content.readline()).decode().rstrip("\n"):
            name, _, value = line.partition(": ")
            fields[name] = value
        self.last_id = fields.get("id", self.last_id)
        return fields

    async def event(self, kind: str = "change") -> Any:
        """The data of the next event that is shown."""
        while not (fields := await self.block()).get("data"):
            assert not self.response.content.at_eof(), "the stream has ended"
        assert fields["event"] == kind, fields
        return orjson.loads(fields["data"])

    async def up_to_date(self) -> None:
        """Wait until the stream says so."""
        while "" not in await self.block():
            assert not self.response.content.at_eof(), "the stream has ended"


@asynccontextmanager
async def stream(api: Api, query: str = "", **options: Any) -> AsyncIterator[Stream]:
    token = options.get("token") or api.token
    path = options.get("path") or api.account
    headers = {"X-Auth-Token": token, "Accept": "text/event-stream", **options.get("headers", {})}
    async with api.client.get(f"{path}/changes{query}", headers=headers) as response:
        assert response.status == 200, await response.read()
        assert response.headers["Content-Type"] == "text/event-stream"
        yield Stream(response)


async def test_each_write_is_told_once_in_order(api: Api) -> None:
    began = await page(api)
    assert (began["changes"], began["has_more"]) == ([], False)
    menu = await make(api, "menus", name="Main")
    await api.patch(f"{api.account}/menus/{menu}", {"name": "Other"})
    (await api.delete(f"{api.account}/menus/{menu}")).expect(200)
    told = await page(api, f"?since={began['last_seq']}")
    assert [(each["action"], each["type"], each["id"]) for each in told["changes"]] == [
        ("created", "menu", menu),
        ("changed", "menu", menu),
        ("deleted", "menu", menu),
    ]
    first = told["changes"][0]
    assert first["path"] == f"{api.account.removeprefix('/v2/')}/menus/{menu}"
    assert first["name"] == "Main"
    assert first["revision"].startswith("1-")
    numbers = [each["seq"] for each in told["changes"]]
    assert numbers == sorted(set(numbers))
    assert told["last_seq"] >= numbers[-1]
    assert (await page(api, f"?since={told['last_seq']}"))["changes"] == []


async def test_pages_follow_each_other_without_a_hole(api: Api) -> None:
    since = await end(api)
    made = [await make(api, "menus", name=f"Menu {number}") for number in range(7)]
    found: list[str] = []
    while True:
        told = await page(api, f"?since={since}&page_size=3")
        assert len(told["changes"]) <= 3
        found += [each["id"] for each in told["changes"]]
        since = told["last_seq"]
        if not told["has_more"]:
            break
    assert found == made


async def test_a_change_can_have_its_document_as_it_is_now(api: Api) -> None:
    since = await end(api)
    menu = await make(api, "menus", name="Main")
    gone = await make(api, "menus", name="Gone")
    friends = await make(api, "lists")
    entry = (await api.put(f"{api.account}/lists/{friends}/entries", {"number": "1"})).data
    (await api.delete(f"{api.account}/menus/{gone}")).expect(200)
    await api.patch(api.account, {"timezone": "Europe/Berlin"})
    told = await page(api, f"?since={since}&include_docs=true")
    found = {each["id"]: each["document"] for each in told["changes"]}
    assert found[menu] == (await api.get(f"{api.account}/menus/{menu}")).data
    assert found[gone] is None
    path = f"{api.account}/lists/{friends}/entries/{entry['id']}"
    assert found[entry["id"]] == (await api.get(path)).data
    assert found[api.master.account_id]["timezone"] == "Europe/Berlin"


async def test_documents_of_others_are_read_where_they_are(api: Api) -> None:
    since = await end(api)
    box = await make(api, "vmboxes")
    message = await leave(api, box)
    friends = await make(api, "lists")
    entry = (await api.put(f"{api.account}/lists/{friends}/entries", {"number": "1"})).data["id"]
    path = f"{api.account}/lists/{friends}/entries/{entry}"
    (await api.delete(f"{path}?should_soft_delete=false")).expect(200)
    told = await page(api, f"?since={since}&include_docs=true")
    found = {each["id"]: each["document"] for each in told["changes"]}
    path = f"{api.account}/vmboxes/{box}/messages/{message}"
    assert found[message] == (await api.get(path)).expect(200).data
    assert found[entry] is None
    types = [each["type"] for each in told["changes"]]
    assert types.count("mailbox_message") == 1


async def numbers_told(api: Api, since: int, path: str) -> list[Document]:
    changes = (await page(api, f"?since={since}&include_docs=true", path=path))["changes"]
    return [each for each in changes if each["type"] == "phone_number"]


async def test_who_has_a_number_is_told_of_it(api: Api, child: Customer) -> None:
    since, number = await end(api), "+14155550123"
    mine, theirs = (f"{path}/phone_numbers/{number}" for path in (api.account, child.path))
    (await api.put(mine, {})).expect(201)
    flow = await make(api, "callflows", numbers=[number], flow={"module": "hangup", "data": {}})
    told = await numbers_told(api, since, api.account)
    assert [each["id"] for each in told] == [number] * 2
    assert told[0]["path"] == mine.removeprefix("/v2/")
    assert told[1]["document"] == (await api.get(mine)).expect(200).data
    assert await numbers_told(api, since, child.path) == []

    (await api.delete(f"{api.account}/callflows/{flow}")).expect(200)
    since = await end(api)
    (await api.delete(mine)).expect(200)
    (await api.put(theirs, {})).expect(201)
    [gone] = await numbers_told(api, since, api.account)
    assert (gone["action"], gone["id"], gone["document"]) == ("deleted", number, None)
    [got] = await numbers_told(api, since, child.path)
    assert got["document"] == (await api.get(theirs)).expect(200).data


async def test_whose_port_request_it_is_is_told_of_it(api: Api, child: Customer) -> None:
    since = await end(api)
    port = await make_port(api, child.path, child.admin)
    await move(api, f"{child.path}/port_requests/{port}", "submitted")
    told = await page(api, f"?since={since}&include_docs=true", path=child.path)
    changes = [each for each in told["changes"] if each["id"] == port]
    assert [each["action"] for each in changes] == ["created", "changed"]
    assert changes[-1]["document"]["port_state"] == "submitted"
    assert (await page(api, f"?since={since}"))["changes"] == []


async def test_nobody_is_told_of_another_account(api: Api, child: Customer) -> None:
    since = await end(api)
    menu = await make(api, "menus")
    (await api.put(f"{child.path}/menus", {"name": "Theirs"})).expect(201)
    told = await page(api, f"?since={since}", path=child.path, token=child.user)
    assert [each["name"] for each in told["changes"]] == ["Theirs"]
    (await api.get(f"{api.account}/changes", token=child.admin)).expect(403)
    (await api.get(f"{api.account}/changes", token="")).expect(401)
    assert [each["id"] for each in (await page(api, f"?since={since}"))["changes"]] == [menu]


async def test_nobody_is_told_of_what_it_may_not_read(api: Api, child: Customer) -> None:
    since = await end(api)
    key = {"name": "Robot", "scopes": ["view:menu"]}
    robot = (await api.put(f"{child.path}/api_keys", key, token=child.admin)).expect(201).data
    (await api.put(f"{child.path}/menus", {"name": "Main"})).expect(201)
    (await api.put(f"{child.path}/devices", {"name": "Desk"})).expect(201)
    path = {"path": child.path}
    for token, types in (
        (child.admin, ["api_key", "menu", "device"]),
        (child.user, ["menu", "device"]),
    ):
        told = await page(api, f"?since={since}", token=token, **path)
        assert [each["type"] for each in told["changes"]] == types
    (await api.get(f"{child.path}/changes", token=robot["_read_only"]["key"])).expect(403)
    rule = [{"rules": {"#": ["GET"]}}]
    restricted = {"_": {"_": {"changes": rule, "menus": rule}}}
    answer = await api.post(f"{child.path}/token_restrictions", {"restrictions": restricted})
    answer.expect(200)
    told = await page(api, f"?since={since}", token=child.user, **path)
    assert [each["type"] for each in told["changes"]] == ["menu"]


@pytest.mark.parametrize("since", ["x", "-1", "1.5", "9" * 19, "\u0661"])
async def test_what_is_no_number_is_refused(api: Api, since: str) -> None:
    answer = await api.get(f"{api.account}/changes?since={since}")
    assert answer.expect(400).data["since"]["invalid"]["value"] == since


async def test_who_was_away_for_too_long_is_told(api: Api) -> None:
    since = await end(api)
    for number in range(3):
        await make(api, "menus", name=f"Menu {number}")
    await api.gateway.services.store.trim_events(since + 2)
    answer = await api.get(f"{api.account}/changes?since={since}")
    assert answer.expect(410).body["message"] == "changes_forgotten"
    last = answer.data["last_seq"]
    assert last == await end(api)
    assert (await page(api, f"?since={last}"))["changes"] == []
    headers = {"Accept": "text/event-stream", "Last-Event-ID": str(since)}
    (await api.get(f"{api.account}/changes", headers=headers)).expect(410)


async def test_a_number_of_another_log_is_unknown(api: Api) -> None:
    since = await end(api) + 1000
    (await api.get(f"{api.account}/changes?since={since}")).expect(410)


async def test_a_page_looks_through_so_many_events_of_others(
    api: Api, child: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "LOOKED_AT", 4)
    monkeypatch.setattr(changes, "PORTION", 2)
    since = await end(api)
    for number in range(6):
        (await api.put(f"{child.path}/menus", {"name": f"Menu {number}"})).expect(201)
    mine = await make(api, "menus")
    told = await page(api, f"?since={since}")
    assert (told["changes"], told["has_more"]) == ([], True)
    told = await page(api, f"?since={told['last_seq']}")
    assert [each["id"] for each in told["changes"]] == [mine]


async def test_a_stream_tells_what_was_and_what_happens(api: Api) -> None:
    since = await end(api)
    before = await make(api, "menus", name="Before")
    async with stream(api, f"?since={since}&include_docs=true") as told:
        event = await told.event()
        assert (event["id"], event["document"]["name"]) == (before, "Before")
        await told.up_to_date()
        for number in range(5):
            made = await make(api, "menus", name=f"Menu {number}")
            event = await told.event()
            assert (event["id"], event["document"]["name"]) == (made, f"Menu {number}")
            assert told.last_id == str(event["seq"])
    again = await make(api, "menus", name="Meanwhile")
    headers = {"Last-Event-ID": told.last_id}
    async with stream(api, f"?since={since}", headers=headers) as told:
        assert (await told.event())["id"] == again


async def test_a_silent_stream_says_how_far_it_has_got(
    api: Api, child: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "HEARTBEAT", 0.01)
    async with stream(api) as told:
        await told.up_to_date()
        began = int(told.last_id)
        (await api.put(f"{child.path}/menus", {"name": "Theirs"})).expect(201)
        while int(told.last_id) <= began:
            await told.up_to_date()


async def test_a_stream_ends_with_the_token_that_reads_it(
    api: Api, child: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crossbar.dialects.v2.streaming.ASKED_AGAIN", 0.0)
    token = child.user
    async with stream(api, path=child.path, token=token) as told:
        await told.up_to_date()
        (await api.delete("/v2/token_auth", token=token)).expect(200)
        (await api.put(f"{child.path}/menus", {"name": "Secret"})).expect(201)
        assert b"Secret" not in await told.response.read()


async def test_who_is_late_reads_on_in_the_log(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crossbar.core.feed.KEPT", 2)
    async with stream(api) as told:
        await told.up_to_date()
        async with api.gateway.services.feed._turn:  # so that it reads all of them at once
            made = [await make(api, "menus", name=f"Menu {number}") for number in range(9)]
        assert [(await told.event())["id"] for _ in made] == made


async def test_a_stream_ends_when_events_are_forgotten_before_they_are_told(api: Api) -> None:
    async with stream(api) as told:
        await told.up_to_date()
        feed = api.gateway.services.feed
        async with feed._turn:  # it reads nothing while others write and forget
            for number in range(3):
                await make(api, "menus", name=f"Menu {number}")
            await api.gateway.services.store.trim_events(feed.position + 2)
        assert (await told.event("gone"))["last_seq"] == feed.position
        assert await told.response.read() == b""


async def test_streams_end_with_the_server(api: Api) -> None:
    async with stream(api) as told:
        await told.up_to_date()
        api.gateway.services.feed.end()
        assert await told.response.read() == b""


async def test_a_look_at_the_head_of_a_stream_does_not_stay(api: Api) -> None:
    headers = {"X-Auth-Token": api.token, "Accept": "text/event-stream"}
    async with api.client.head(f"{api.account}/changes", headers=headers) as response:
        assert response.status == 200
    assert not api.gateway.services.feed.watched
