"""Taking turns: writers of the same document wait for each other instead of failing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from crossbar.storage import Key


class Turns:
    """One lock for each document that is being written, within this process.

    That a write is based on the stored revision is the store's promise. Turns only spare the
    writers of one process from racing for it, since of many that race at once all but one lose.
    """

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[Key, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def of(self, key: Key) -> AsyncIterator[None]:
        """The writer's turn at the document ``key``: from reading it to having written it."""
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:
            yield
