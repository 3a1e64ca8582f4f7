"""What connections of one process hold, and how long they may wait for clients that do not read.

Everything here bounds memory: how many connections are open, how many bytes of bodies and of
answers that clients have not taken are held at a time, and how long such an answer lies here.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from typing import Any, cast

from aiohttp import web

from crossbar.errors import Overloaded
from crossbar.settings import Http

REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\nServer: Crossbar\r\nRetry-After: 1\r\n"
    b"Access-Control-Allow-Origin: *\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
)
"""What a connection is told that is one too many. Its request is not looked at."""

LOOKS = 4
"""How often a connection that sends is looked at until it is given up."""


class Room:
    """What all connections of a process have together."""

    def __init__(self, settings: Http) -> None:
        self.settings = settings
        self.connections = 0
        self.held = 0


class Connection(web.RequestHandler):
    """One connection, which counts what it holds and is cut off when its client does not read."""

    def __init__(self, manager: Any, room: Room, **options: Any) -> None:
        super().__init__(manager, **options)
        self._room = room
        self._held = 0
        self._owed = 0
        self._line: asyncio.Transport | None = None
        self._watching: asyncio.TimerHandle | None = None
        self._unsent = 0
        self._looks = 0

    def hold(self, size: int) -> None:
        """Note that so many bytes more of a body are in memory until its request is answered.

        Raises :class:`Overloaded` when all connections together hold too much.
        """
        self._held += size
        self._room.held += size
        self.require_room()

    def require_room(self) -> None:
        """Raise :class:`Overloaded` when all connections together hold too much."""
        if self._room.held > self._room.settings.max_held:
            raise Overloaded

    def _let_go(self) -> None:
        self._room.held -= self._held
        self._held = 0

    def _owe(self, size: int) -> None:
        """Note how many bytes of answers the client has not taken."""
        self._room.held += size - self._owed
        self._owed = size

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send an answer. Most are as long as the body was, so until then that counts."""
        try:
            return await super().finish_response(request, resp, start_time)
        finally:
            self._let_go()

    async def _drain_helper(self) -> None:
        """Wait until the client takes more. Raises :class:`ConnectionError` when it is gone.

        aiohttp's own method is left in a circle then: the error has the frames that it went
        through, one of them has the future, and the future has the error. The answer hangs on
        those frames, and would stay in memory until the collector walks everything.
        """
        try:
            await super()._drain_helper()
        except ConnectionError as error:
            error.__traceback__ = None
            raise

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, unless there are too many already."""
        self._line = cast(asyncio.Transport, transport)
        self._room.connections += 1
        if self._room.connections <= self._room.settings.max_connections:
            super().connection_made(transport)
        else:
            self._line.write(REFUSAL)
            self._line.close()

    def connection_lost(self, exc: BaseException | None) -> None:
        """End, whoever wanted it."""
        self._room.connections -= 1
        self._let_go()
        self._owe(0)
        self._line = None
        self._stop_watching()
        super().connection_lost(exc)

    async def start(self) -> None:
        """Answer requests. What is not sent at the end is watched: closing waits until it is."""
        try:
            await super().start()
        finally:
            if self._line is not None and self._line.get_write_buffer_size():
                self._watch()

    def pause_writing(self) -> None:
        """The client takes the answer more slowly than it is made."""
        super().pause_writing()
        if self._line is not None:
            self._owe(self._line.get_write_buffer_size())
        self._watch()

    def resume_writing(self) -> None:
        """Little is left to be sent."""
        self._owe(0)
        self._stop_watching()
        super().resume_writing()

    def _watch(self) -> None:
        if self._watching is None:
            self._unsent, self._looks = 0, 0
            self._look_later()

    def _look_later(self) -> None:
        delay = self._room.settings.send_timeout / LOOKS
        self._watching = asyncio.get_running_loop().call_later(delay, self._look)

    def _look(self) -> None:
        """Cut the client off if it has taken nothing in all the looks of a time-out."""
        line = self._line
        if line is None:
            return
        self._owe(line.get_write_buffer_size())
        unsent = _waiting(line)
        self._looks = self._looks + 1 if unsent == self._unsent else 1
        self._unsent = unsent
        if self._looks > LOOKS:
            line.abort()
        else:
            self._look_later()

    def _stop_watching(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            self._watching = None


def require_room(request: web.BaseRequest) -> None:
    """Refuse a request while connections hold too much. Raises :class:`Overloaded`."""
    connection = request.protocol
    if isinstance(connection, Connection):
        connection.require_room()


def connection_of(request: web.BaseRequest) -> Connection | None:
    """The connection that a request came by; ``None`` where another server took it."""
    connection = request.protocol
    return connection if isinstance(connection, Connection) else None


def _waiting(line: asyncio.Transport) -> int:
    """Bytes that the client has not taken: those here, and those that the system still has.

    The system takes megabytes and then nothing for long from whoever sends to a slow client.
    """
    waiting = line.get_write_buffer_size()
    with suppress(ImportError, OSError):  # where the system does not tell
        import fcntl
        import termios

        told = fcntl.ioctl(line.get_extra_info("socket").fileno(), termios.TIOCOUTQ, bytes(4))
        waiting += int.from_bytes(told, sys.byteorder)
    return waiting
