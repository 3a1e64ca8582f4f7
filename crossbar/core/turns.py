"""Taking turns: writers of the same document wait for each other instead of failing."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from crossbar.storage import Key

LONGEST_WAIT = 1.0
"""Seconds without anybody's turn after which a writer that lost a race waits no more for others
that did: whoever has the turn may wait for what the writer itself holds."""


class _Line:
    """Those who wait for a turn, first come, first served; ``moved`` counts the turns they got."""

    __slots__ = ("moved", "waiting")

    def __init__(self) -> None:
        self.moved = 0
        self.waiting: deque[asyncio.Future[None]] = deque()


Lines = dict[Key, _Line | None]
"""Who waits for the turns that somebody has; ``None`` until the first comes."""


class Turn:
    """What a writer of a document holds from reading it to having written it."""

    __slots__ = ("_key", "_lines")

    def __init__(self, key: Key, lines: Lines) -> None:
        self._key = key
        self._lines = lines

    async def __aenter__(self) -> None:
        """Take it. Nearly always nobody has it, and then that costs next to nothing."""
        if self._key in self._lines:
            await self._wait()
        else:
            self._lines[self._key] = None

    async def __aexit__(self, *_: object) -> None:
        self.pass_on()

    @property
    def moved(self) -> int:
        """How often it was passed on since somebody began to wait for it."""
        line = self._lines.get(self._key)
        return line.moved if line else 0

    def pass_on(self) -> None:
        """Give it to the next one who waits, if there is one."""
        line = self._lines[self._key]
        while line and line.waiting:
            first = line.waiting.popleft()
            if not first.done():  # or it was cancelled
                line.moved += 1
                first.set_result(None)
                return
        del self._lines[self._key]

    async def _wait(self) -> None:
        line = self._lines[self._key] = self._lines[self._key] or _Line()
        mine = asyncio.get_running_loop().create_future()
        line.waiting.append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if not mine.cancelled():  # it had come, at the same moment
                self.pass_on()
            raise


class Turns:
    """One turn for each document that is being written, within this process.

    That a write is based on the stored revision is the store's promise. Turns only spare the
    writers of one process from racing for it, since of many that race at once all but one lose.
    """

    def __init__(self) -> None:
        self._lines: Lines = {}

    def of(self, key: Key) -> Turn:
        """The turn of the writers of the document ``key``, to be used with ``async with``."""
        return Turn(key, self._lines)

    @asynccontextmanager
    async def after_loss(self, key: Key) -> AsyncIterator[None]:
        """What a writer holds while it tries again, after it lost a race for the document ``key``.

        It is another turn than that of :meth:`of`, which the writer may have already. In a long
        line each waits as long as it takes, while others have their turns.
        """
        turn = self.of(Key(key.account_id, f"{key.doc_type} lost", key.doc_id))
        has_turn = await _taken(turn)
        try:
            yield
        finally:
            if has_turn:
                turn.pass_on()


async def _taken(turn: Turn) -> bool:
    """Wait for the turn; in vain if nobody has it for too long."""
    waiting = asyncio.create_task(turn.__aenter__())
    try:
        moved = -1
        while not waiting.done() and turn.moved != moved:
            moved = turn.moved
            await asyncio.wait((waiting,), timeout=LONGEST_WAIT)
    except asyncio.CancelledError:
        if not waiting.cancel() and not waiting.cancelled():
            turn.pass_on()
        raise
    return not waiting.cancel() and not waiting.cancelled()
