"""The socket: who may subscribe to what, what is told, and when a connection ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType, WSServerHandshakeError

from crossbar.clock import Clock
from crossbar.core.telling import happening
from crossbar.families.websockets import LEASE, REMOVE_ENDED, Listed
from crossbar.storage import Batch
from tests.conftest import Api
from tests.families.porting.support import Customer, customer_of
from tests.families.support import make

BAD = "failed to authenticate token"


@pytest.fixture
async def child(api: Api) -> Customer:
    return await customer_of(api)


class Client:
    """A client of the socket."""

    def __init__(self, api: Api, socket: ClientWebSocketResponse, token: str) -> None:
        self.api = api
        self.socket = socket
        self.token = token

    async def ask(self, action: str, account_id: str = "", *bindings: str, **more: Any) -> Any:
        """Send a frame; the answer to it."""
        data: dict[str, Any] = {"account_id": account_id} if account_id else {}
        if bindings:
            data |= {"binding": bindings[0]} if len(bindings) == 1 else {"bindings": bindings}
        frame = {"action": action, "auth_token": self.token, "request_id": "r1", "data": data}
        await self.socket.send_json({**frame, **more})
        answer = await self.next()
        assert answer["action"] == "reply", answer
        assert answer["request_id"] == "r1"
        return answer

    async def subscribe(self, account_id: str, *bindings: str) -> list[str]:
        answer = await self.ask("subscribe", account_id, *bindings)
        assert answer["status"] == "success", answer
        subscribed: list[str] = answer["data"]["subscribed"]
        return subscribed

    async def refused(self, action: str, account_id: str, *bindings: str, **more: Any) -> str:
        """The one thing that is wrong with a frame."""
        answer = await self.ask(action, account_id, *bindings, **more)
        assert answer["status"] == "error", answer
        [error] = answer["data"]["errors"]
        return str(error)

    async def next(self) -> Any:
        return await self.socket.receive_json(timeout=20)

    async def pong(self) -> None:
        """Be sure that nothing else was to be told."""
        assert (await self.ask("ping"))["data"] == {"response": "pong"}


@asynccontextmanager
async def connected(api: Api, token: str | None = None, **options: Any) -> AsyncIterator[Client]:
    async with api.client.ws_connect("/websockets", **options) as socket:
        yield Client(api, socket, api.token if token is None else token)


async def settled(api: Api) -> None:
    """Wait until followers have been told of everything."""
    feed = api.gateway.services.feed
    while feed.position < await api.gateway.services.store.last_event():
        feed.forget()
        await asyncio.sleep(0.001)


async def test_a_client_is_told_of_what_it_asks_for(api: Api) -> None:
    mine = api.master.account_id
    async with connected(api) as client:
        assert await client.subscribe(mine, "object.doc_created.menu") == [
            "object.doc_created.menu"
        ]
        assert len(await client.subscribe(mine, "doc_edited.*", "doc_deleted.*")) == 3
        menu = await make(api, "menus", name="Main")
        event = await client.next()
        assert event["action"] == "event"
        assert event["subscribed_key"] == "object.doc_created.menu"
        assert event["name"] == "doc_created"
        assert (event["data"]["id"], event["data"]["name"]) == (menu, "Main")
        assert event["data"]["account_id"] == mine
        await make(api, "devices")
        await api.patch(f"{api.account}/menus/{menu}", {"name": "Other"})
        assert (await client.next())["data"]["action"] == "doc_edited"
        await api.delete(f"{api.account}/menus/{menu}")
        assert (await client.next())["name"] == "doc_deleted"
        answer = await client.ask("unsubscribe", mine, "doc_deleted.*")
        assert answer["data"] == {
            "unsubscribed": ["doc_deleted.*"],
            "subscribed": ["object.doc_created.menu", "doc_edited.*"],
        }
        answer = await client.ask("unsubscribe")
        assert answer["data"]["subscribed"] == []
        await make(api, "menus")
        await settled(api)
        await client.pong()


async def test_calls_are_told_to_who_may_see_them(api: Api, child: Customer) -> None:
    told = happening(Clock(), child.account_id, "channel_create", {"call_id": "c1"}, about="c1")
    rule = [{"rules": {"#": ["_"]}}]
    async with connected(api, child.user) as client, connected(api) as above:
        await client.subscribe(child.account_id, "call.*")
        await above.subscribe("*", "call.CHANNEL_CREATE.c1")
        await api.gateway.services.commit(Batch(events=(told,)))
        for each, binding in ((client, "call.*"), (above, "call.CHANNEL_CREATE.c1")):
            event = await each.next()
            assert event["subscribed_key"] == binding
            assert event["data"]["call_id"] == "c1"
        by_noun = {"restrictions": {"_": {"_": {"menus": rule}}}}
        (await api.post(f"{child.path}/token_restrictions", by_noun)).expect(200)
        await api.gateway.services.commit(Batch(events=(told,)))
        await above.next()
        await settled(api)
        await client.pong()


async def test_nobody_hears_of_another_account(api: Api, child: Customer) -> None:
    async with connected(api, child.admin) as client:
        for account_id in (api.master.account_id, "0" * 32, "nobody"):
            why = await client.refused("subscribe", account_id, "object.*")
            assert why == "unauthorized account id"
        why = await client.refused("subscribe", "*", "object.*")
        assert why == "unauthorized wildcard account id"
        await client.subscribe(child.account_id, "object.*")
        await make(api, "menus", name="Secret")
        (await api.put(f"{child.path}/menus", {"name": "Theirs"})).expect(201)
        assert (await client.next())["data"]["name"] == "Theirs"
    async with connected(api) as above:
        await above.subscribe(child.account_id, "doc_created.menu")
        (await api.put(f"{child.path}/menus", {"name": "Below"})).expect(201)
        assert (await above.next())["data"]["name"] == "Below"


async def test_nobody_hears_of_what_it_may_not_read(api: Api, child: Customer) -> None:
    key = {"name": "Robot", "scopes": ["view:menu"]}
    robot = (await api.put(f"{child.path}/api_keys", key, token=child.admin)).expect(201).data
    text = robot["_read_only"]["key"]
    async with connected(api, child.user) as client, connected(api, text) as limited:
        await client.subscribe(child.account_id, "object.*")
        await limited.subscribe(child.account_id, "object.*")
        (await api.put(f"{child.path}/api_keys", {**key, "name": "B"}, token=child.admin)).expect(
            201
        )
        (await api.put(f"{child.path}/devices", {"name": "Desk"})).expect(201)
        (await api.put(f"{child.path}/menus", {"name": "Main"})).expect(201)
        heard = [(await client.next())["data"]["type"] for _ in range(2)]
        assert heard == ["device", "menu"]
        assert (await limited.next())["data"]["type"] == "menu"


async def test_each_frame_says_who_sends_it(api: Api, child: Customer) -> None:
    async with connected(api, "") as client:
        why = await client.refused("subscribe", child.account_id, "object.*")
        assert why == "authentication token required"
        why = await client.refused("ping", "", auth_token="nonsense")
        assert why == BAD
        client.token = child.user
        await client.pong()
        client.token = ""  # it is known by now
        await client.subscribe(child.account_id, "object.*")
        why = await client.refused("ping", "", auth_token="nonsense")
        assert why == BAD


async def test_a_revoked_token_ends_its_subscriptions_and_no_others(
    api: Api, child: Customer
) -> None:
    async with connected(api, child.user) as client:
        await client.subscribe(child.account_id, "doc_created.*")
        client.token = child.admin
        await client.subscribe(child.account_id, "doc_edited.*")
        (await api.delete("/v2/token_auth", token=child.user)).expect(200)
        menu = (await api.put(f"{child.path}/menus", {"name": "Main"})).expect(201).data["id"]
        told = await client.next()
        assert (told["status"], told["data"]["errors"]) == ("error", [BAD])
        assert told["data"]["unsubscribed"] == ["doc_created.*"]
        await api.patch(f"{child.path}/menus/{menu}", {"name": "Other"})
        assert (await client.next())["name"] == "doc_edited"


async def test_a_token_that_expires_ends_its_subscriptions(
    api: Api, child: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crossbar.websockets.session.TICK", 0.01)
    async with connected(api, child.user) as client:
        await client.subscribe(child.account_id, "object.*")
        api.clock.advance(7200)
        assert (await client.next())["data"]["errors"] == [BAD]
        assert await client.refused("ping", "") == BAD


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        ("{", "a frame has to be a JSON object"),
        ("[]", "a frame has to be a JSON object"),
        ("[" * 30 + "]" * 30, "a frame has to be a JSON object"),
        ("[" * 30 + "]" * 30, "nested deeper than"),
        ('{"action": "ping", "action": "noop"}', "duplicate key"),
        ('{"data": {"bindings": ["x"' + ',"x"' * 1000 + "]}}", "a frame has at most 1000 values"),
        ('{"action": 5}', "action has to be a text"),
        ('{"auth_token": {}}', "auth_token has to be a text"),
        ('{"data": []}', "data has to be an object"),
        ('{"data": {"binding": 5}}', "a binding has to be a text, bindings a list of texts"),
        ('{"data": {"bindings": "a"}}', "a binding has to be a text, bindings a list of texts"),
        ('{"metadata": {"n": 99999999999999999999999999}}', "a frame has to be a JSON object"),
        ('{"metadata": []}', "metadata has to be an object"),
        ('{"metadata": {"n": "' + "x" * 3000 + '"}}', "metadata has to be an object"),
    ],
)
async def test_bad_frames_are_refused_with_words(api: Api, frame: str, why: str) -> None:
    async with connected(api) as client:
        await client.socket.send_str(frame)
        answer = await client.next()
        assert answer["status"] == "error"
        assert why in answer["data"]["errors"][0]
        await client.socket.send_bytes(b"x")
        assert (await client.next())["data"]["errors"] == ["frames have to be text"]
        await client.pong()


async def test_bad_frames_of_who_is_known(api: Api) -> None:
    mine = api.master.account_id
    async with connected(api) as client:
        assert await client.refused("dance", "") == "action dance not supported"
        why = await client.refused("subscribe", "")
        assert why == "missing required keys : account_id,binding"
        why = await client.refused("subscribe", mine)
        assert why == "missing required keys : binding"
        why = await client.refused("subscribe", mine, "object.*", "nonsense.a")
        assert why == "event nonsense.a not supported"
        assert (await client.ask("unsubscribe"))["data"]["unsubscribed"] == []
        assert (await client.ask("noop"))["data"] == {}


class TestLimits:
    @pytest.fixture
    def overrides(self) -> dict[str, Any]:
        return {
            "websockets.max_bindings": 3,
            "websockets.frames_per_second": 5,
            "websockets.max_connections": 3,
            "websockets.max_connections_per_address": 2,
            "websockets.max_frame": 1024,
        }

    async def test_of_bindings(self, api: Api) -> None:
        mine = api.master.account_id
        async with connected(api) as client:
            await client.subscribe(mine, "doc_created.*", "doc_edited.*")
            why = await client.refused("subscribe", mine, "doc_deleted.*", "call.*")
            assert why == "a connection can have 3 bindings at most"
            assert len(await client.subscribe(mine, "doc_created.*", "call.*")) == 3

    async def test_of_the_rate_of_frames(self, api: Api) -> None:
        async with connected(api) as client:
            for _ in range(40):
                await client.socket.send_str("{}")
            errors = [(await client.next())["data"]["errors"][0] for _ in range(40)]
            assert "rate limiting threshold hit for 127.0.0.1:" in errors[-1]
            assert "rate" not in errors[0]

    async def test_of_the_size_of_frames(self, api: Api) -> None:
        async with connected(api) as client:
            await client.socket.send_str("x" * 5000)
            message = await client.socket.receive(timeout=20)
            assert message.type is WSMsgType.CLOSE
            assert message.data == 1009

    async def test_of_connections(self, api: Api) -> None:
        async with connected(api), connected(api):
            with pytest.raises(WSServerHandshakeError) as caught:
                await api.client.ws_connect("/websockets")
            assert caught.value.status == 429
            proxied = {"X-Forwarded-For": "192.0.2.1"}
            async with connected(api, headers=proxied):
                with pytest.raises(WSServerHandshakeError) as caught:
                    await api.client.ws_connect("/websockets", headers=proxied)
                assert caught.value.status == 503


async def test_what_is_no_websocket_is_told_so(api: Api) -> None:
    async with api.client.get("/websockets") as response:
        assert response.status == 426
    with pytest.raises(WSServerHandshakeError) as caught:
        await api.client.ws_connect("/websockets", protocols=["chat"])
    assert caught.value.status == 400


async def test_who_does_not_say_who_it_is_is_dropped(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crossbar.websockets.session.UNKNOWN_TIME", 0.05)
    async with connected(api) as client:
        message = await client.socket.receive(timeout=20)
        assert (message.type, message.data) == (WSMsgType.CLOSE, 1008)


async def test_a_reader_that_is_too_slow_is_dropped(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crossbar.core.feed.KEPT", 5)
    async with connected(api) as client:
        await client.subscribe(api.master.account_id, "doc_created.menu")
        async with api.gateway.services.feed._turn:  # all of them come at once
            for number in range(7):
                await make(api, "menus", name=f"Menu {number}")
        while (message := await client.socket.receive(timeout=20)).type is WSMsgType.TEXT:
            pass
        assert message.type in (WSMsgType.CLOSED, WSMsgType.ERROR)
    async with connected(api) as client:
        await client.pong()


class TestOfWhoReadsNothing:
    @pytest.fixture
    def overrides(self) -> dict[str, Any]:
        return {"http.send_timeout": 0.2}

    async def test_nothing_is_kept_for_long(self, api: Api) -> None:
        mine = api.master.account_id
        told = happening(Clock(), mine, "channel_create", {"x": "y" * 10_000}, about="c")
        async with connected(api) as client:
            await client.subscribe(mine, "call.*", "call.*.*", "call.CHANNEL_CREATE.*")
            for _ in range(8):  # more than the system keeps for the client, and the client itself
                await api.gateway.services.commit(Batch(events=[told] * 100))
            for _ in range(2000):
                if not api.gateway.services.feed.watched:
                    return
                await asyncio.sleep(0.01)
        pytest.fail("the connection is still there")


async def test_connections_end_with_the_server(api: Api) -> None:
    async with connected(api) as client:
        await client.pong()
        api.gateway.services.feed.end()
        message = await client.socket.receive(timeout=20)
        assert (message.type, message.data) == (WSMsgType.CLOSE, 1001)


async def listed(api: Api, path: str, count: int, **options: Any) -> list[Any]:
    """The connections of an account, once there are so many."""
    while True:
        rows: list[Any] = (await api.get(f"{path}/websockets", **options)).expect(200).data
        if len(rows) == count:
            return rows
        await asyncio.sleep(0.01)


async def test_connections_are_listed_while_they_last(api: Api, child: Customer) -> None:
    assert (await api.get("/v2/websockets", token="")).expect(200).data.keys() == {
        *("agent", "call", "conference", "fax", "object", "presence", "queue", "registration")
    }
    theirs = {"token": child.admin}
    async with connected(api, child.user) as client:
        await client.ask("noop", name="Panel", metadata={"version": 1})
        await client.subscribe(child.account_id, "call.*", "object.*")
        [row] = await listed(api, child.path, 1, **theirs)
        while len(row["bindings"]) < 2:
            [row] = await listed(api, child.path, 1, **theirs)
        assert (row["bindings"], row["name"]) == (["call.*", "object.*"], "Panel")
        assert row["metadata"] == {"version": 1}
        assert row["websocket_session_id"].startswith("127.0.0.1:")
        async with connected(api) as above:
            await above.pong()
            assert len(await listed(api, api.account, 1)) == 1
            await listed(api, child.path, 2)  # those of the account, and the caller's own
            await listed(api, child.path, 1, **theirs)
        name = row["websocket_session_id"]
        found = (await api.get(f"{child.path}/websockets/{name}", **theirs)).expect(200).data
        assert found == row
        for path, options in (
            (f"{api.account}/websockets/{name}", {}),
            (f"{child.path}/websockets/x", theirs),
        ):
            assert (await api.get(path, **options)).expect(200).data == {}
    await listed(api, child.path, 0, **theirs)
    (await api.get(f"{api.account}/websockets", **theirs)).expect(403)


async def test_connections_of_killed_servers_end_by_themselves(api: Api, child: Customer) -> None:
    services = api.gateway.services
    left = Listed(services, "left", {"websocket_session_id": "192.0.2.1:5"})
    await left.tell(child.account_id, [], "", {})
    await left.tell(child.account_id, ["call.*"], "", {})
    assert len(await listed(api, child.path, 1, token=child.admin)) == 1
    await REMOVE_ENDED.run(services, {})
    assert await services.store.get(left._key) is not None
    api.clock.advance(LEASE)
    await listed(api, child.path, 0, token=child.admin)
    await REMOVE_ENDED.run(services, {})
    assert await services.store.get(left._key) is None
    with pytest.raises(Exception, match="conflict"):
        await left.tell(child.account_id, [], "", {})
    await left.tell(child.account_id, [], "", {})  # it is there after all
    (await api.delete(f"/v2/accounts/{child.account_id}")).expect(200)
    assert await services.store.get(left._key) is None
