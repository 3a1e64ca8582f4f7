"""Taking turns: writers of the same document wait for each other instead of failing."""

from __future__ import annotations

import asyncio
from weakref import WeakValueDictionary

from crossbar.storage import Key


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
