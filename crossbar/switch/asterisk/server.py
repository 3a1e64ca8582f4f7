"""What Asterisk asks, and what the servers of the API want done, over HTTP on loopback.

The first part of every path is a secret that only Asterisk's files and ours know.
"""

from __future__ import annotations

import hmac
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import parse_qsl

import orjson
import structlog
from aiohttp import web

from crossbar.core.ports import Command
from crossbar.documents import Document
from crossbar.errors import CrossbarError
from crossbar.switch.asterisk.contacts import Row
from crossbar.switch.asterisk.tables import Tables

log = structlog.get_logger(__name__)

COMMANDS = "commands"

Obey = Callable[[str, Command, float], Awaitable[object]]
"""Does what is told, asked or ordered (the first argument), within so many seconds."""


@asynccontextmanager
async def serving(
    listener: socket.socket, secret: str, tables: Tables, obey: Obey
) -> AsyncIterator[None]:
    """Answer for as long as the context is open."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        parts = request.path.split("/")
        if len(parts) < 3 or not hmac.compare_digest(parts[1].encode(), secret.encode()):
            return web.Response(status=404)
        if parts[2] == COMMANDS:
            return await _obey(request, obey)
        return await _answer(request, tables, parts)

    runner = web.ServerRunner(web.Server(handle, access_log=None), shutdown_timeout=1)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    try:
        yield
    finally:
        await runner.cleanup()


async def _answer(request: web.BaseRequest, tables: Tables, parts: list[str]) -> web.Response:
    sent = _pairs(await request.text())
    new = sent if parts[4:] == [] and parts[-1] in ("store", "update") else {}
    asked = _pairs(request.query_string) if parts[-1] in ("store", "update") else sent
    text = await tables.answer(parts[2], parts[-1], asked, new)
    return web.Response(text=text)


def _pairs(text: str) -> Row:
    return dict(parse_qsl(text.strip(), keep_blank_values=True))


async def _obey(request: web.BaseRequest, obey: Obey) -> web.Response:
    asked: Document = orjson.loads(await request.read())
    command = Command(asked["name"], asked["account_id"], asked["data"])
    try:
        done = await obey(asked["manner"], command, asked.get("timeout", 0))
    except CrossbarError as error:
        return web.json_response({"error": error.code}, status=error.status)
    return web.Response(body=orjson.dumps({"done": done}), content_type="application/json")
