"""The file of the embedded store: its layout, its connections, and the thread that writes it.

Everything that waits to be written is committed in one transaction, so that writers at the same
time share one flush to disk. Several processes of one machine may have the file open. What is
written is not known here: it comes as functions.
"""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import structlog

from crossbar.storage import Key, Observer, StoreError, Unreachable
from crossbar.storage.sqlite import journals
from crossbar.storage.sqlite.encoding import Columns

log = structlog.get_logger(__name__)

FORMAT = 4
"""The layout that this module writes, kept in the file's ``user_version``."""

PIECE = 256 * 1024
"""Bytes of an attachment kept in one row. Part of the layout: offsets are computed from it."""

GROUP = 512
"""Batches committed together at most, so that the first does not wait for all too long."""

CALM = 2
"""Turns of the event loop without a new batch after which a group is committed."""

READ_PATIENCE = 1000
"""Milliseconds that a read may wait for another process. Reads hardly ever wait for anybody."""

ABANDONED = 24 * 3600
"""Seconds after which an attachment that was never finished belongs to a process that died."""

SCHEMA = (
    # ``marks`` are the document's entries and claims, so that a write that changes neither need
    # not look for them, and one that does knows which. Before the body: that may be long.
    # ``row`` is what lists show, ``cut`` where in the body its private part ends.
    """CREATE TABLE documents (
        account_id TEXT NOT NULL, doc_id TEXT NOT NULL, doc_type TEXT NOT NULL, rev TEXT NOT NULL,
        sort TEXT, row BLOB, marks BLOB NOT NULL, cut INTEGER, body BLOB NOT NULL,
        PRIMARY KEY (account_id, doc_id))""",
    # It holds the rows of lists too: a page of a list is read from few pages of the file.
    """CREATE INDEX listing ON documents (account_id, doc_type, sort, doc_id, row)
        WHERE sort IS NOT NULL""",
    """CREATE TABLE entries (
        account_id TEXT NOT NULL, doc_type TEXT NOT NULL, name TEXT NOT NULL,
        value TEXT NOT NULL, sort TEXT NOT NULL, doc_id TEXT NOT NULL,
        PRIMARY KEY (account_id, doc_type, name, value, sort, doc_id)) WITHOUT ROWID""",
    """CREATE TABLE claims (
        space TEXT NOT NULL, scope TEXT NOT NULL, value TEXT NOT NULL, account_id TEXT NOT NULL,
        doc_type TEXT NOT NULL, doc_id TEXT NOT NULL,
        PRIMARY KEY (space, scope, value)) WITHOUT ROWID""",
    """CREATE TABLE events (
        number INTEGER PRIMARY KEY, action TEXT NOT NULL, account_id TEXT NOT NULL,
        doc_type TEXT NOT NULL, doc_id TEXT NOT NULL, revision TEXT NOT NULL,
        at INTEGER NOT NULL, summary BLOB NOT NULL)""",
    # An attachment has no length until all of it is there.
    """CREATE TABLE attachments (
        account_id TEXT NOT NULL, attachment_id TEXT NOT NULL, begun INTEGER NOT NULL,
        length INTEGER, md5 TEXT, PRIMARY KEY (account_id, attachment_id)) WITHOUT ROWID""",
    "CREATE INDEX unfinished ON attachments (begun) WHERE length IS NULL",
    """CREATE TABLE pieces (
        account_id TEXT NOT NULL, attachment_id TEXT NOT NULL, position INTEGER NOT NULL,
        data BLOB NOT NULL, PRIMARY KEY (account_id, attachment_id, position))""",
    *journals.SCHEMA,
)

FROM_FORMAT_1 = (
    # It found a document's entries and claims through two more indexes.
    "ALTER TABLE documents RENAME TO documents_1",
    "DROP INDEX listing",
    *SCHEMA[:2],
    """INSERT INTO documents SELECT account_id, doc_id, doc_type, rev, sort, NULL, CAST(json_array(
            json((SELECT json_group_array(json_array(name, value)) FROM entries
                WHERE account_id = old.account_id AND doc_id = old.doc_id)),
            json((SELECT json_group_array(json_array(space, scope, value)) FROM claims
                WHERE account_id = old.account_id AND doc_id = old.doc_id))) AS BLOB), NULL, body
        FROM documents_1 AS old ORDER BY rowid""",
    "DROP TABLE documents_1",
    "DROP INDEX entries_of",
    "DROP INDEX claims_of",
    *journals.SCHEMA,
)

FROM_FORMAT_3 = (
    # It kept no rows of lists. They are made when they are asked for, and by a reindex kept.
    "ALTER TABLE documents RENAME TO documents_3",
    "DROP INDEX listing",
    *SCHEMA[:2],
    """INSERT INTO documents
        SELECT account_id, doc_id, doc_type, rev, sort, NULL, marks, NULL, body
        FROM documents_3 ORDER BY rowid""",
    "DROP TABLE documents_3",
)

UPGRADES = {
    0: SCHEMA,
    1: FROM_FORMAT_1,
    2: (*journals.SCHEMA, *FROM_FORMAT_3),
    3: FROM_FORMAT_3,
}
"""What makes this version's layout of a file in each earlier format; 0 is an empty file."""

WAL_PAGES = 16_000
"""Pages of 4 kB in the log of writes when a commit moves them into the database proper."""

SETTINGS = (
    "journal_mode = WAL",
    "synchronous = FULL",
    # Where a savepoint keeps what it may have to undo: on disk it would double a write's cost.
    "temp_store = MEMORY",
    # 16 MB: a group that outgrows the default of 2 MB is written twice.
    "cache_size = -16384",
    # 64 MB: writers wait while pages move into the database proper, and a page that was written
    # many times in between moves once.
    f"wal_autocheckpoint = {WAL_PAGES}",
)

Work = Callable[[sqlite3.Connection], object]

T = TypeVar("T")


LOOK_INTERVAL = 0.25
"""Seconds that reads go on trusting that the file is in its place; no acknowledgement does."""


class Place:
    """Whether a path still leads to the file that was opened there, and to its log of writes.

    SQLite does not notice when a file is removed or replaced: it goes on in one that nobody will
    ever open again. Whoever puts the right one back, the same and no copy, is believed.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._paths = (Path(path), Path(f"{path}-wal"))
        self._files = self._found()
        self._is_good = True
        self._trusted_until = 0.0

    def _found(self) -> list[tuple[int, int]]:
        try:
            found = [path.stat() for path in self._paths]
        except OSError:
            return []
        return [(status.st_dev, status.st_ino) for status in found]

    def require(self) -> None:
        """Look. Raises :class:`Unreachable` when a file is not there, or another one is."""
        is_good = self._found() == self._files
        if is_good != self._is_good:
            self._is_good = is_good
            if is_good:
                log.warning("database_file_is_back", path=self._path)
            else:
                log.error("database_file_removed_or_replaced", path=self._path)
        if not is_good:
            self._trusted_until = 0.0
            raise Unreachable(f"{self._path}: the file was removed or replaced while it was open")
        self._trusted_until = time.monotonic() + LOOK_INTERVAL

    def require_lately(self) -> None:
        """The same, for what nobody relies on: what was looked at a moment ago is not again."""
        if time.monotonic() > self._trusted_until:
            self.require()


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
            await self._in_thread(partial(_patiently, begin, self._patience))

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


def connect(path: str, patience: float) -> tuple[sqlite3.Connection, sqlite3.Connection]:
    """A connection that reads and one that writes, to a file that is ready for use."""
    with ExitStack() as undo:
        try:
            _create(path)
            # Neither waits within SQLite, whose sleeps grow: a busy process would starve others.
            reader, writer = (
                undo.enter_context(
                    closing(
                        sqlite3.connect(
                            path, timeout=0, isolation_level=None, check_same_thread=False
                        )
                    )
                )
                for _ in range(2)
            )
            for connection, setting in product((writer, reader), SETTINGS):
                _patiently(partial(connection.execute, f"PRAGMA {setting}"), patience)
            _patiently(partial(writer.execute, "BEGIN IMMEDIATE"), patience)
            _prepare(writer, path)
            writer.execute("COMMIT")
            # The event loop cannot try again and again, so reads do wait within SQLite.
            reader.execute(f"PRAGMA busy_timeout = {READ_PATIENCE}")
            reader.execute("PRAGMA query_only = ON")
        except sqlite3.Error as error:
            raise Unreachable(f"{path}: {error}") from error
        undo.pop_all()
    return reader, writer


def move_pages_at(pages: int, connection: sqlite3.Connection) -> None:
    """Have commits move the log's pages into the database whenever it has so many."""
    connection.execute(f"PRAGMA wal_autocheckpoint = {pages}")


def _create(path: str) -> None:
    """Make the file when it is missing, for its owner alone: SQLite goes by the umask.

    The files that SQLite puts beside it get its mode. What cannot be made SQLite complains of.
    """
    with suppress(OSError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))


def _prepare(connection: sqlite3.Connection, path: str) -> None:
    """Create what is missing and remove what a process left behind that died while storing."""
    [found] = connection.execute("PRAGMA user_version").fetchone()
    if found > FORMAT:
        raise StoreError(
            f"{path} was made by a newer version: its format is {found}, this one knows {FORMAT}"
        )
    if found < FORMAT:
        for statement in UPGRADES[found]:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {FORMAT}")
    abandoned = (
        "SELECT account_id, attachment_id FROM attachments WHERE length IS NULL AND begun < ?"
    )
    before = (int(time.time()) - ABANDONED,)
    for table in ("pieces", "attachments"):
        connection.execute(
            f"DELETE FROM {table} WHERE (account_id, attachment_id) IN ({abandoned})",  # noqa: S608
            before,
        )


def _patiently(step: Callable[[], object], patience: float) -> None:
    """Take a step as soon as no other process is in the way, giving up after ``patience``."""
    deadline = time.monotonic() + patience
    while True:
        try:
            step()
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or time.monotonic() > deadline:
                raise
            time.sleep(random.uniform(0.0003, 0.0015))
        else:
            return
