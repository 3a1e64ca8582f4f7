"""Taking turns: writers of the same document wait for each other instead of failing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from weakref import WeakValueDictionary

from crossbar.storage import Key

LONGEST_WAIT = 1.0
"""Seconds that a writer that lost a race waits for others that did: it may hold what they need."""


class Turns:
    """One lock for each document that is being written, within this process.

    That a write is based on the stored revision is the store's promise. Turns only spare the
    writers of one process from racing for it, since of many that race at once all but one lose.
    """

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[Key, asyncio.Lock] = WeakValueDictionary()

    def of(self, key: Key) -> asyncio.Lock:
        """What a writer of the document ``key`` holds from reading it to having written it."""
        lock = self._locks.get(key)
        if lock is None:
            lock = self._locks[key] = asyncio.Lock()
        return lock

    @asynccontextmanager
    async def after_loss(self, key: Key) -> AsyncIterator[None]:
        """What a writer holds while it tries again, after it lost a race for the document ``key``.

        It is another lock than that of :meth:`of`, which the writer may have already.
        """
        lock = self.of(Key(key.account_id, f"{key.doc_type} lost", key.doc_id))
        has_turn = False
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_WAIT):
                has_turn = await lock.acquire()
        try:
            yield
        finally:
            if has_turn:
                lock.release()
