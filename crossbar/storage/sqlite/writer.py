"""The thread that writes the embedded store's file, and what waits for it.

Everything that waits to be written is committed in one transaction, so that writers at the same
time share one flush to disk. What is written is not known here: it comes as functions.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple, TypeVar

from crossbar.storage import Key, Observer, Unreachable
from crossbar.storage.sqlite.encoding import Columns
from crossbar.storage.sqlite.layout import patiently
from crossbar.storage.sqlite.place import Place

GROUP = 512
"""Batches committed together at most, so that the first does not wait for all too long."""

CALM = 2
"""Turns of the event loop without a new batch after which a group is committed."""

Work = Callable[[sqlite3.Connection], object]

T = TypeVar("T")

Written = Sequence[tuple[Key, Columns | None]]
"""Documents, and what is stored of each now; ``None`` for one that is removed."""


class Job(NamedTuple):
    """Work that waits. ``written`` is what it writes, ``None`` if that may be any document."""

    work: Work
    is_large: bool
    written: Written | None
    done: asyncio.Future[Any]


Committed = Callable[[Sequence[Job], Callable[[], bool]], None]
"""Told of jobs that are committed and not acknowledged yet, and asked with what tells whether
nobody else has written since the last of them."""


Outcome = object
"""What work returned, or the exception with which it refused."""


class Writer:
    """Writes what waits, group after group. It owns ``connection`` and closes it at the end.

    What must wait for the disk or for another process does so in a thread. Small work is done on
    the event loop itself: its few dozen microseconds are less than two threads lose that take the
    interpreter's lock from each other at every statement.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        path: str,
        place: Place,
        patience: float,
        observer: Observer,
        committed: Committed,
    ) -> None:
        self.is_writing = False
        self._connection = connection
        self._path = path
        self._place = place
        self._patience = patience
        self._observer = observer
        self._committed = committed
        self._version: int | None = self._found_version()
        self._loop = asyncio.get_running_loop()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-writer")
        self._waiting: list[Job] = []
        self._writing: asyncio.Task[None] | None = None

    async def run(
        self,
        work: Callable[[sqlite3.Connection], T],
        *,
        is_large: bool,
        written: Written | None,
    ) -> T:
        """What ``work`` returns, once it is committed; raise what it raised, undoing it alone.

        Large work, which would hold up the event loop, is done in the thread.
        """
        job = Job(work, is_large, written, self._loop.create_future())
        self._waiting.append(job)
        if self._writing is None:
            self._writing = self._loop.create_task(self._write())
        result: T = await job.done
        return result

    async def close(self) -> None:
        """Finish what waits. Nothing may be run from now on."""
        if self._writing is not None:
            await asyncio.wait((self._writing,))  # who is cancelled here does not cancel it
        await self._in_thread(self._connection.close)
        self._thread.shutdown()

    async def _write(self) -> None:
        """Commit groups until nothing waits."""
        while self._waiting:
            outcomes: list[Outcome] = []
            jobs: list[Job] = []
            began = time.perf_counter()
            try:
                self._place.require_lately()
                await self._gathered()
                self.is_writing = True
                await self._begin()
                jobs, self._waiting = self._waiting[:GROUP], self._waiting[GROUP:]
                outcomes = await self._attempt_all(jobs, self._attempt)
                if any(isinstance(outcome, Exception) for outcome in outcomes):
                    # Refusals are rare, so only now is each job made separable from the others.
                    self._connection.execute("ROLLBACK")
                    await self._begin()
                    outcomes = await self._attempt_all(jobs, self._attempt_alone)
                await self._in_thread(partial(self._connection.execute, "COMMIT"))
                self._place.require()  # or what is acknowledged would be gone
                self._tell(jobs, outcomes)
                self._observer(len(jobs), time.perf_counter() - began)
            except Exception as error:
                with suppress(sqlite3.Error):
                    self._connection.rollback()
                self._version = None  # nobody is told of what may be committed all the same
                if not jobs:
                    jobs, self._waiting = self._waiting, []
                outcomes = [self._unreachable(error) for _ in jobs]
            self.is_writing = False
            _settle(jobs, outcomes)
        self._writing = None

    def _tell(self, jobs: list[Job], outcomes: list[Outcome]) -> None:
        done = [
            job
            for job, outcome in zip(jobs, outcomes, strict=True)
            if not isinstance(outcome, Exception)
        ]
        try:
            self._committed(done, self._is_alone)
        except Unreachable:  # it is committed all the same; whoever reads now is told, too
            self._version = None

    def _found_version(self) -> int:
        [(version,)] = self._connection.execute("PRAGMA data_version").fetchall()
        return int(version)

    def _is_alone(self) -> bool:
        """Whether nothing else was written since this was asked last.

        What others write is counted by this connection's ``data_version``, which its own commits
        leave as it is. A commit that has failed may be in the file all the same.
        """
        before, self._version = self._version, self._found_version()
        return self._version == before

    async def _gathered(self) -> None:
        """Let those come along who are about to write: a flush costs more than their wait."""
        quiet = 0
        while quiet < CALM and len(self._waiting) < GROUP:
            waiting = len(self._waiting)
            await asyncio.sleep(0)
            quiet = quiet + 1 if len(self._waiting) == waiting else 0

    def _unreachable(self, error: Exception) -> Unreachable:
        return error if isinstance(error, Unreachable) else Unreachable(f"{self._path}: {error}")

    async def _begin(self) -> None:
        begin = partial(self._connection.execute, "BEGIN IMMEDIATE")
        try:
            begin()
        except sqlite3.OperationalError:  # another process writes: wait, but not on the loop
            await self._in_thread(partial(patiently, begin, self._patience))

    async def _in_thread(self, function: Callable[[], T]) -> T:
        return await self._loop.run_in_executor(self._thread, function)

    async def _attempt_all(
        self, jobs: list[Job], attempt: Callable[[Work], Outcome]
    ) -> list[Outcome]:
        outcomes = []
        for job in jobs:
            one = partial(attempt, job.work)
            outcomes.append(await self._in_thread(one) if job.is_large else one())
        return outcomes

    def _attempt(self, work: Work) -> Outcome:
        """Do the work, or a part of it. A fault of the file, unlike a refusal, is raised."""
        try:
            return work(self._connection)
        except sqlite3.Error:
            raise
        except Exception as error:
            return error

    def _attempt_alone(self, work: Work) -> Outcome:
        """Do the work or none of it."""
        self._connection.execute("SAVEPOINT job")
        outcome = self._attempt(work)
        if isinstance(outcome, Exception):
            self._connection.execute("ROLLBACK TO job")
        self._connection.execute("RELEASE job")
        return outcome


def _settle(jobs: list[Job], outcomes: list[Outcome]) -> None:
    for job, outcome in zip(jobs, outcomes, strict=True):
        if job.done.done():  # cancelled: whoever waited has gone
            continue
        if isinstance(outcome, Exception):
            job.done.set_exception(outcome)
        else:
            job.done.set_result(outcome)
