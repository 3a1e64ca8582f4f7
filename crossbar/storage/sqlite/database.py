"""The embedded store's file while it is open: its connections, and what is remembered of it."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

from crossbar.storage import Observer, Unreachable
from crossbar.storage.sqlite.layout import connect
from crossbar.storage.sqlite.place import Place
from crossbar.storage.sqlite.recent import Recent, State
from crossbar.storage.sqlite.walindex import WalIndex
from crossbar.storage.sqlite.writer import Job, Writer, Written

T = TypeVar("T")


class Database:
    """One file: a connection that reads on the event loop, and a thread that writes.

    ``":memory:"`` means a private file that is removed on close. ``recent`` is what is remembered,
    whether it may be relied on or not (:meth:`recalled`).
    """

    def __init__(self, path: str, patience: float, observer: Observer) -> None:
        self.recent = Recent()
        self._path = path
        self._patience = patience
        self._observer = observer
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._reader: sqlite3.Connection | None = None
        self._writer: Writer | None = None
        self._place: Place | None = None
        self._state: Callable[[], State] = self._version

    async def open(self) -> None:
        """Open the file, creating it when missing. Refuses one that a newer version has made."""
        path = self._path
        if path == ":memory:":
            self._folder = tempfile.TemporaryDirectory(prefix="crossbar-")
            path = str(Path(self._folder.name, "store.db"))
        self._reader, connection = await asyncio.to_thread(connect, path, self._patience)
        self._place = Place(path)
        self._writer = Writer(
            connection, path, self._place, self._patience, self._observer, self._committed
        )
        self.recent = Recent()
        self._state = self._version
        with suppress(OSError, TypeError):  # where the system has no such mapping, SQLite is asked
            self._state = WalIndex(path).state

    async def close(self) -> None:
        """Finish waiting writes and disconnect. Closing twice is no error."""
        writer, self._writer = self._writer, None
        if writer:
            await writer.close()
        reader, folder = self._reader, self._folder
        self._reader = self._folder = None
        if reader:
            reader.close()
        if folder:
            folder.cleanup()

    def read(
        self,
        sql: str,
        values: Sequence[Any] = (),
        take: Callable[[sqlite3.Cursor], Any] = sqlite3.Cursor.fetchall,
    ) -> Any:
        """What ``take`` makes of what is found. Raises :class:`Unreachable`."""
        try:
            return take(self._opened().execute(sql, values))
        except sqlite3.Error as error:
            raise Unreachable(f"{self._path}: {error}") from error

    async def write(
        self,
        work: Callable[[sqlite3.Connection], T],
        *,
        is_large: bool = True,
        written: Written | None = (),
    ) -> T:
        """What the work returns, once it is committed (:meth:`.Writer.run`)."""
        if self._writer is None:
            raise Unreachable(f"{self._path}: not open")
        return await self._writer.run(work, is_large=is_large, written=written)

    def recalled(self) -> Recent:
        """What is remembered and may be relied on now.

        While this process writes, the file may be in another state by what it writes itself, or
        another does, which is known when it has written: until then nothing is recalled, and
        nothing need be forgotten.
        """
        self._opened()
        recent, state = self.recent, self._state()
        if state != recent.state:
            if self._writer is not None and self._writer.is_writing:
                return Recent()
            recent.forget(state)
        return recent

    def _opened(self) -> sqlite3.Connection:
        """The connection that reads. Raises :class:`Unreachable` without the file."""
        if self._reader is None or self._place is None:
            raise Unreachable(f"{self._path}: not open")
        self._place.require_lately()
        return self._reader

    def _version(self) -> int:
        """A number that changes with every commit of others than the reading connection."""
        [(version,)] = self.read("PRAGMA data_version")
        return int(version)

    def _committed(self, jobs: Sequence[Job], is_alone: Callable[[], bool]) -> None:
        """Note what was written; forget everything if others may have written as well."""
        state = self._state()
        if is_alone() and all(job.written is not None for job in jobs):
            self.recent.settle(chain.from_iterable(job.written or () for job in jobs), state)
        else:
            self.recent.forget(state)
