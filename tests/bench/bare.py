"""What the gateway is compared with: an aiohttp handler that answers fixed bytes.

Run as ``python -m tests.bench.bare LOOP PORT FILE``: answers every request with the head and body
of the HTTP answer in FILE, after reading the request's body. LOOP is ``asyncio``, aiohttp as it
comes, or ``uvloop``, the event loop that the gateway runs on.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from pathlib import Path

from aiohttp import web

from crossbar.server import run_loop

DROPPED = (b"content-length", b"date", b"server")


def parse(answer: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of a recorded answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    pairs = (line.split(b": ", 1) for line in lines)
    headers = {
        name.decode(): value.decode() for name, value in pairs if name.lower() not in DROPPED
    }
    return int(first.split(b" ")[1]), headers, body


async def main(port: int, answer: bytes) -> None:
    """Serve until killed."""
    status, headers, body = parse(answer)

    async def handler(request: web.Request) -> web.Response:
        if request.can_read_body:
            await request.read()
        return web.Response(status=status, headers=headers, body=body)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    listener = socket.create_server(("127.0.0.1", port), backlog=1024)
    await web.SockSite(runner, listener).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    on = {"asyncio": asyncio.run, "uvloop": run_loop}[sys.argv[1]]
    on(main(int(sys.argv[2]), Path(sys.argv[3]).read_bytes()))
