"""A MongoDB that accepts transactions and ignores them, as some that only speak the protocol do.

It passes every message on to a real server, without the fields that make it part of a transaction.
No test lives here.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

import bson

_MESSAGE = 2013
_FORGOTTEN = ("startTransaction", "autocommit", "txnNumber", "readConcern")
_ENDS = {"abortTransaction", "commitTransaction"}


def _forgetful(message: bytes) -> bytes:
    """The message, if it is a command, outside of its transaction."""
    _, request, answered, code = struct.unpack_from("<iiii", message)
    if code != _MESSAGE or message[20] != 0:
        return message
    [size] = struct.unpack_from("<i", message, 21)
    command = bson.decode(message[21 : 21 + size])
    kept = {name: value for name, value in command.items() if name not in _FORGOTTEN}
    if not _ENDS.isdisjoint(command):
        kept = {"ping": 1, "$db": "admin"}
    body = message[16:21] + bson.encode(kept) + message[21 + size :]
    return struct.pack("<iiii", 16 + len(body), request, answered, code) + body


async def _pass_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, forget: bool
) -> None:
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            header = await reader.readexactly(16)
            message = header + await reader.readexactly(struct.unpack_from("<i", header)[0] - 16)
            writer.write(_forgetful(message) if forget else message)
            await writer.drain()


@asynccontextmanager
async def forgetful_server(uri: str) -> AsyncIterator[str]:
    """The URI of such a server in front of the one of ``uri``."""
    place = urlsplit(uri)
    served: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection(place.hostname, place.port)
        ways = {
            asyncio.create_task(_pass_on(reader, there_writer, forget=True)),
            asyncio.create_task(_pass_on(there_reader, writer, forget=False)),
        }
        served.update(ways)
        await asyncio.wait(ways)
        for closing in (writer, there_writer):
            closing.close()
            with suppress(ConnectionError):
                await closing.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        port = server.sockets[0].getsockname()[1]
        # Else the driver goes where the server behind says that it is.
        yield f"mongodb://127.0.0.1:{port}{place.path}?directConnection=true"
    finally:
        server.close()
        await server.wait_closed()
        # A driver may keep its monitoring connection for seconds after it was closed.
        for way in served:
            way.cancel()
        await asyncio.wait(served)
        await asyncio.sleep(0.05)
