"""What connections may hold: how many there are, how much of bodies, answers that nobody reads."""

from __future__ import annotations

import asyncio
import gc
import socket
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from structlog.testing import capture_logs

from crossbar.dialects.connections import Room
from crossbar.dialects.v2.protocol import Server
from tests.conftest import Api
from tests.contract.kit import http
from tests.dialects.v1.support import client_of

FILLER = "x" * 7_000_000
PATIENCE = 20


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {
        "http.send_timeout": 0.4,
        "http.idle_timeout": 0.5,
        "http.max_connections": 6,
        "http.max_held": 100_000_000,
    }


def room_of(api: Api) -> Room:
    """What the server's connections have together."""
    runner: Any = api.client.server.runner
    server = runner.server
    assert isinstance(server, Server)
    return server.room


@asynccontextmanager
async def connection(
    api: Api, *, buffer: int = 65_536
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection whose client takes little before it reads."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    client.setblocking(False)
    await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", api.client.port))
    reader, writer = await asyncio.open_connection(sock=client, limit=1024)
    try:
        yield reader, writer
    finally:
        writer.close()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that has to happen."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.02)


async def large_menu(api: Api) -> str:
    """The path of a document that is too large for the buffers of a connection."""
    path = f"{api.account}/menus"
    body = orjson.dumps({"data": {"name": "x", "filler": FILLER}})
    async with connection(api) as (reader, writer):
        head = (f"X-Auth-Token: {api.token}", "Content-Type: application/json")
        writer.write(http("PUT", path, *head, body=body))
        content = (await asyncio.wait_for(reader.read(-1), PATIENCE)).partition(b"\r\n\r\n")[2]
    return f"{path}/{orjson.loads(content)['data']['id']}"


async def large_file(api: Api) -> str:
    """The path of a file of the same size."""
    media = f"{api.account}/media"
    created = (await api.put(media, {"name": "x"})).expect(201)
    path = f"{media}/{created.data['id']}/raw"
    async with connection(api) as (reader, writer):
        head = (f"X-Auth-Token: {api.token}", "Content-Type: audio/mpeg")
        writer.write(http("POST", path, *head, body=FILLER.encode()))
        answer = await asyncio.wait_for(reader.read(-1), PATIENCE)
    assert answer.startswith(b"HTTP/1.1 200"), answer[:500]
    return path


async def whole(api: Api) -> str:
    return await large_menu(api)


async def streamed(api: Api) -> str:
    await large_menu(api)
    return f"{api.account}/menus?is_chunked=true&full_docs=true&paginate=false"


async def table(api: Api) -> str:
    await large_menu(api)
    return f"{api.account}/menus?accept=csv&full_docs=true&paginate=false"


async def downloaded(api: Api) -> str:
    return await large_file(api)


@pytest.mark.parametrize("kind", [whole, streamed, table, downloaded])
async def test_a_client_that_does_not_read_is_cut_off(api: Api, kind: Any) -> None:
    path, room = await kind(api), room_of(api)
    await until(lambda: room.connections == 0)
    async with connection(api, buffer=2048) as (_, writer):
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(http("GET", path, f"X-Auth-Token: {api.token}"))
        await until(lambda: room.connections == 1)
        await until(lambda: room.connections == 0)
    assert room.held == 0


@pytest.mark.parametrize("kind", [whole, streamed, table, downloaded])
async def test_what_a_client_did_not_take_is_gone_at_once(api: Api, kind: Any) -> None:
    path, room = await kind(api), room_of(api)
    await until(lambda: room.connections == 0)
    gc.collect()
    gc.disable()  # it is not to be what frees memory
    tracemalloc.start()
    try:
        for _ in range(3):
            async with connection(api, buffer=2048) as (reader, writer):
                writer.write(http("GET", path, f"X-Auth-Token: {api.token}"))
                await asyncio.wait_for(reader.read(1000), PATIENCE)
                writer.transport.abort()
            await until(lambda: room.connections == 0)
        await until(lambda: tracemalloc.get_traced_memory()[0] < len(FILLER))
    finally:
        tracemalloc.stop()
        gc.enable()


async def test_a_client_that_reads_slowly_gets_it_all(api: Api) -> None:
    path = await large_menu(api)
    received = 0
    async with connection(api, buffer=2048) as (reader, writer):
        writer.write(http("GET", path, f"X-Auth-Token: {api.token}"))
        while chunk := await asyncio.wait_for(reader.read(1_000_000), PATIENCE):
            received += len(chunk)
            if received < 200_000:  # for longer than a client may take nothing
                await asyncio.sleep(0.01)
    assert received > len(FILLER)


async def test_what_is_left_when_the_connection_ends_is_given_up_too(api: Api) -> None:
    """Answers that fit into the buffers of the server wait for nobody."""
    room = room_of(api)
    await until(lambda: room.connections == 0)
    async with connection(api, buffer=2048) as (_, writer):
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(b"GET /v2/schemas/callflows HTTP/1.1\r\nHost: x\r\n\r\n" * 300)
        await until(lambda: room.connections == 1)
        await until(lambda: room.connections == 0)


class TestPatience:
    @pytest.fixture
    def overrides(self) -> dict[str, Any]:
        return {"http.idle_timeout": 60, "http.max_connections": 5}

    async def test_one_connection_too_many_is_told_so(self, api: Api) -> None:
        room = room_of(api)
        async with (
            connection(api),
            connection(api),
            connection(api),
            connection(api),
            connection(api),
        ):
            await until(lambda: room.connections == 5)
            async with connection(api) as (reader, _):
                answer = await asyncio.wait_for(reader.read(-1), PATIENCE)
            assert answer.startswith(b"HTTP/1.1 503 ")
            assert b"\r\nAccess-Control-Allow-Origin: *\r\n" in answer
            assert b"Retry-After: 1\r\n" in answer
        await until(lambda: not room.connections)
        (await api.get(api.account)).expect(200)


class TestLittleRoom:
    @pytest.fixture
    def overrides(self) -> dict[str, Any]:
        return {"http.max_held": 1_000_000, "http.send_timeout": 0.4}

    async def test_bodies_that_are_held_are_bounded(self, api: Api) -> None:
        room, token = room_of(api), f"X-Auth-Token: {api.token}"
        large = b'{"data":{"name":"x","filler":"' + b"x" * 600_000 + b'"}}'
        menus = f"{api.account}/menus"
        async with connection(api) as (reader, writer):
            request = http("PUT", menus, token, "Content-Type: application/json", body=large)
            writer.write(request[:-1])
            await until(lambda: room.held > 500_000)
            refused = await api.put(menus, {"name": "y", "filler": "y" * 600_000})
            assert refused.expect(503).body["message"] == "overloaded"
            assert refused.headers["Retry-After"] == "1"
            (await api.put(menus, {"name": "y"})).expect(201)
            v1 = await client_of(api)
            assert (await v1.post("/ranks", {"name": "y" * 600_000})).status == 503
            writer.write(request[-1:])
            answer = await asyncio.wait_for(reader.read(-1), PATIENCE)
            assert answer.startswith(b"HTTP/1.1 201 ")
        await until(lambda: room.held == 0)
        (await api.put(menus, {"name": "y", "filler": "y" * 600_000})).expect(201)

    async def test_answers_that_are_not_taken_are_bounded(self, api: Api) -> None:
        room, menus = room_of(api), f"{api.account}/menus"
        for name in "abcdefgh":
            (await api.put(menus, {"name": name, "filler": name * 600_000})).expect(201)
        async with connection(api, buffer=2048) as (_, writer):
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            writer.write(http("GET", f"{menus}?full_docs=true", f"X-Auth-Token: {api.token}"))
            await until(lambda: room.held > 1_000_000)
            refused = (await api.get(menus)).expect(503)
            assert refused.body["message"] == "overloaded"
            await until(lambda: room.held == 0)  # it is cut off
        (await api.get(menus)).expect(200)


async def test_a_body_that_breaks_off_is_let_go(api: Api) -> None:
    room = room_of(api)
    async with connection(api) as (_, writer):
        head = (f"X-Auth-Token: {api.token}", "Content-Length: 900000")
        writer.write(http("PUT", f"{api.account}/menus", *head) + b"x" * 600_000)
        await until(lambda: room.held > 500_000)
    await until(lambda: room.held == 0)


async def test_what_clients_do_wrong_fills_no_log(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    room = room_of(api)
    kind = "Content-Type: application/json"
    garbled = b"\x1f\x8b\x08 this is no gzip"
    with capture_logs() as logged:
        for body, length, coding in (
            (garbled, len(garbled), "gzip"),
            (b'{"data":{', 100, "identity"),
        ):
            head = (kind, f"Content-Encoding: {coding}", f"Content-Length: {length}")
            async with connection(api) as (reader, writer):
                writer.write(http("PUT", "/v2/user_auth", *head) + body)
                if coding == "gzip":
                    answer = await asyncio.wait_for(reader.read(-1), PATIENCE)
                    assert answer.startswith(b"HTTP/1.1 400 ")
                else:
                    await until(lambda: room.held > 0)
            await until(lambda: room.connections == 0)
        await asyncio.sleep(0)
    assert [entry for entry in logged if entry["log_level"] in ("error", "critical")] == []
    assert [entry for entry in caplog.records if entry.levelname == "ERROR"] == []
