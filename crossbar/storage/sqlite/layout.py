"""The layout of the embedded store's file, and the connections to it.

Several processes of one machine may have the file open.
"""

from __future__ import annotations

import os
import random
import sqlite3
import time
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from functools import partial
from itertools import product

from crossbar.storage import StoreError, Unreachable
from crossbar.storage.sqlite import journals

FORMAT = 4
"""The layout that this module writes, kept in the file's ``user_version``."""

PIECE = 256 * 1024
"""Bytes of an attachment kept in one row. Part of the layout: offsets are computed from it."""

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
                patiently(partial(connection.execute, f"PRAGMA {setting}"), patience)
            patiently(partial(writer.execute, "BEGIN IMMEDIATE"), patience)
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


def patiently(step: Callable[[], object], patience: float) -> None:
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
