"""What goes on all the while does so whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from structlog.testing import capture_logs

from crossbar.switch.asterisk import background
from crossbar.switch.asterisk.ari import TRIES, Ari
from crossbar.switch.asterisk.background import working


async def test_work_that_fails_begins_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "PAUSE", 0)
    begun = 0
    goes_on, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        nonlocal begun
        begun += 1
        if begun < 3:
            raise RuntimeError("broken")
        goes_on.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with asyncio.timeout(5), working(work):
        await goes_on.wait()
    assert begun == 3
    assert ended.is_set()


@asynccontextmanager
async def asked_for(events: Callable[[web.Request], Any]) -> AsyncIterator[AsyncIterator[Any]]:
    """What the switch is told by a server that stands for Asterisk, for five seconds at most."""
    app = web.Application()
    app.router.add_get("/ari/events", events)
    async with TestServer(app) as server, asyncio.timeout(5):
        assert server.port is not None
        ari = Ari(server.port, "secret")
        told = ari.events()
        yield told
        await told.aclose()  # type: ignore[attr-defined]
        await ari.close()


async def test_what_is_no_event_does_not_end_the_taking_of_events() -> None:
    async def events(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        for told in ('{"type":', "[1]", "{}", '{"type":7}', '{"type":"StasisStart"}'):
            await socket.send_str(told)
        async for _ in socket:
            pass
        return socket

    async with asked_for(events) as told:
        assert await anext(told) is None
        assert await anext(told) == {"type": "StasisStart"}


@pytest.mark.parametrize(("refused", "said"), [(TRIES - 1, 0), (3 * TRIES, 1)])
async def test_that_asterisk_is_not_reached_is_said_once_and_not_while_it_starts(
    monkeypatch: pytest.MonkeyPatch, refused: int, said: int
) -> None:
    monkeypatch.setattr("crossbar.switch.asterisk.ari.PAUSE", 0)
    asked = 0

    async def events(request: web.Request) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        if asked <= refused:
            return web.Response(status=503)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        return socket

    async with asked_for(events) as told:
        with capture_logs() as logs:
            assert await anext(told) is None
        found = [each["event"] for each in logs]
        assert found == ["asterisk_not_reached"] * said + ["asterisk_connected"]
