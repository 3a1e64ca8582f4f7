"""Taking turns: writers of the same document wait for each other instead of failing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal
from weakref import WeakValueDictionary

from crossbar.storage import Key

LONGEST_WAIT = 1.0
"""Seconds without anybody's turn after which a writer that lost a race waits no more for others
that did: whoever has the turn may wait for what the writer itself holds."""


class Turn(asyncio.Lock):
    """A lock that counts how often it was taken."""

    def __init__(self) -> None:
        super().__init__()
        self.taken = 0

    async def acquire(self) -> Literal[True]:
        """Wait for it, first come, first served."""
        await super().acquire()
        self.taken += 1
        return True


class Turns:
    """One lock for each document that is being written, within this process.

    That a write is based on the stored revision is the store's promise. Turns only spare the
    writers of one process from racing for it, since of many that race at once all but one lose.
    """

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[Key, Turn] = WeakValueDictionary()

    def of(self, key: Key) -> Turn:
        """What a writer of the document ``key`` holds from reading it to having written it."""
        lock = self._locks.get(key)
        if lock is None:
            lock = self._locks[key] = Turn()
        return lock

    @asynccontextmanager
    async def after_loss(self, key: Key) -> AsyncIterator[None]:
        """What a writer holds while it tries again, after it lost a race for the document ``key``.

        It is another lock than that of :meth:`of`, which the writer may have already. In a long
        line each waits as long as it takes, while others have their turns.
        """
        lock = self.of(Key(key.account_id, f"{key.doc_type} lost", key.doc_id))
        has_turn = await _acquired(lock)
        try:
            yield
        finally:
            if has_turn:
                lock.release()


async def _acquired(lock: Turn) -> bool:
    """Wait for the lock; in vain if nobody takes it for too long."""
    waiting = asyncio.create_task(lock.acquire())
    try:
        taken = -1
        while not waiting.done() and lock.taken != taken:
            taken = lock.taken
            await asyncio.wait((waiting,), timeout=LONGEST_WAIT)
    except asyncio.CancelledError:
        if not waiting.cancel():
            lock.release()
        raise
    return waiting.done() or not waiting.cancel()
