"""The space of what is forgotten, which is freed step by step while others write."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial

from crossbar.storage import StoreError
from crossbar.storage.sqlite import journals
from crossbar.storage.sqlite.database import Database
from crossbar.storage.sqlite.layout import WAL_PAGES, move_pages_at

PAUSE = 0.01
"""Seconds between two steps, for others to write."""

PAGES = 2000
"""As :data:`~crossbar.storage.sqlite.layout.WAL_PAGES` meanwhile: steps write many pages, and the
commit that happens to move them is held up for less.
"""


class Reclaiming:
    """Frees in the background what a file has forgotten, if it has."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._task: asyncio.Task[None] | None = None
        self._is_littered = False

    def begin(self) -> None:
        """Have it freed, what a process left behind that ended before it was done, too."""
        if self._database.read("SELECT 1 FROM forgotten_books LIMIT 1"):
            self.soon()

    def soon(self) -> None:
        """Have freed what was just forgotten."""
        self._is_littered = True
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._reclaim())

    async def stop(self) -> None:
        """Leave the rest to the next start."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _reclaim(self) -> None:
        write = self._database.write
        with suppress(StoreError):  # what a failure leaves is found at the next start
            # Whatever is forgotten before this has ended is left to it.
            while self._is_littered:
                await write(partial(move_pages_at, PAGES))
                while self._is_littered:
                    self._is_littered = False
                    if await write(journals.reclaim):
                        self._is_littered = True
                        await asyncio.sleep(PAUSE)
                await write(partial(move_pages_at, WAL_PAGES))
