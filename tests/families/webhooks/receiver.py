"""A receiver on loopback that keeps what it is sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import orjson
from aiohttp import web
from aiohttp.test_utils import TestServer


@dataclass
class Got:
    """A report that came in."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, object]:
        """The body, which is JSON."""
        read: dict[str, object] = orjson.loads(self.body)
        return read

    @property
    def message_id(self) -> str:
        """What the report is known by."""
        return self.headers["webhook-id"]


@dataclass
class Receiver:
    """What came in, by the path that it came to; ``answer`` makes the answer to each."""

    url: str = ""
    got: list[Got] = field(default_factory=list)
    answer: Callable[[Got], web.StreamResponse] = lambda got: web.Response(text="thanks")
    is_open: asyncio.Event = field(default_factory=asyncio.Event)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Keep a report and answer it, as soon as the receiver is open."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = await request.read()
        got = Got(request.method, request.path, dict(request.query), headers, body)
        self.got.append(got)
        self._changed.set()
        await self.is_open.wait()
        return self.answer(got)

    async def until(self, count: int, path: str = "", seconds: float = 20) -> list[Got]:
        """The reports at a path, as soon as there are so many."""
        async with asyncio.timeout(seconds):
            while len(found := [each for each in self.got if each.path.startswith(path)]) < count:
                self._changed.clear()
                await self._changed.wait()
        return found


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver that is there."""
    receiver = Receiver()
    receiver.is_open.set()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", receiver.handle)
    async with TestServer(application) as server:
        receiver.url = str(server.make_url("")).rstrip("/")
        yield receiver
