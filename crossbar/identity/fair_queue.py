"""Turns at something costly, shared out fairly: nobody waits for all that another has sent."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from crossbar.core.clients import CLIENT, Client, network_of
from crossbar.errors import Busy


class _Waiting(NamedTuple):
    client: Client | None
    turn: asyncio.Future[None]

    @property
    def is_wanted(self) -> bool:
        return self.client is None or self.client.is_there


class FairQueue:
    """Lets ``at_once`` in at a time and ``limit`` wait.

    Each client waits in a line of its own, and the lines take turns: whoever has sent one request
    waits for one of every other client at most. When ``limit`` wait, the last one of the longest
    line gives way to a client with a shorter one; so who sends most is refused first. Who is
    gone when its turn comes, or when places are short, gives its place up.
    """

    def __init__(self, at_once: int, limit: int) -> None:
        self._free = at_once
        self._limit = limit
        self._lines: dict[str, deque[_Waiting]] = {}  # the next to have a turn is first

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """A turn, for as long as the block takes.

        Raises :class:`Busy` when too many wait, and when the client is gone, whom nobody answers.
        """
        if self._free:
            self._free -= 1
        else:
            await self._wait()
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self) -> None:
        client = CLIENT.get()
        name = network_of(client.address) if client else ""
        self._make_room(name)
        waiting = _Waiting(client, asyncio.get_running_loop().create_future())
        self._lines.setdefault(name, deque()).append(waiting)
        try:
            await waiting.turn
        except asyncio.CancelledError:
            if waiting.turn.cancelled():
                self._drop(name, waiting)
            elif waiting.turn.exception() is None:  # it had its turn just now
                self._pass_on()
            raise

    def _make_room(self, name: str) -> None:
        """Free a place for one more in a line, or raise :class:`Busy`."""
        if sum(map(len, self._lines.values())) < self._limit:
            return
        if self._drop_gone():
            return
        longest = max(self._lines, key=lambda each: len(self._lines[each]), default=name)
        if len(self._lines.get(longest, ())) <= len(self._lines.get(name, ())) + 1:
            raise Busy
        self._refuse(longest, self._lines[longest][-1])

    def _drop_gone(self) -> bool:
        gone = [(name, each) for name, each in self._everybody() if not each.is_wanted]
        for name, each in gone:
            self._refuse(name, each)
        return bool(gone)

    def _everybody(self) -> Iterator[tuple[str, _Waiting]]:
        for name, line in self._lines.items():
            for each in line:
                yield name, each

    def _refuse(self, name: str, waiting: _Waiting) -> None:
        self._drop(name, waiting)
        if not waiting.turn.done():
            waiting.turn.set_exception(Busy())

    def _drop(self, name: str, waiting: _Waiting) -> None:
        line = self._lines.get(name, deque())
        if waiting in line:
            line.remove(waiting)
            if not line:
                del self._lines[name]

    def _pass_on(self) -> None:
        """Give the turn that has just ended to the next line's first."""
        while self._lines:
            name = next(iter(self._lines))
            line = self._lines.pop(name)
            waiting = line.popleft()
            if line:
                self._lines[name] = line  # behind all others
            if waiting.turn.done():  # cancelled, and has not run since
                continue
            if waiting.is_wanted:
                waiting.turn.set_result(None)
                return
            waiting.turn.set_exception(Busy())
        self._free += 1
