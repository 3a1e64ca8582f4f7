"""Journals in the embedded store's file.

A *book* is one account's bucket of one journal. All that is stored of a record begins with the
number of its book, so a list is one range of a tree whose rows lie in the order of the list, and
nothing about an account's name is stored with every row. Book numbers are never used twice: who
takes a book out of ``books`` has forgotten all its records, however many there are.

Their rows are removed after that, by :func:`reclaim`, in steps of 4 ms with a commit of their own.
Why not a table for each bucket, or a file? ``DROP TABLE`` reads every page of the table:
with 50,000 records of 2 kB it held the writer for 5.4 s, and it cannot stop in between. Files that
are attached are not committed together in WAL mode. A table with row ids in the order of arrival
and two indexes took as long to write and as much space as this one, whose primary key is the
order.

Measured with 1,000,000 records of 500 bytes, of 1000 accounts in two months, on two busy cores:
2000 a second were appended (500 a commit; 1400 with a commit each, 100 at a time), 1 kB each on
disk; a page of 50 took 0.2 ms and 1 ms by an index, one record 0.03 ms; a scan met 343,000 a
second of its own time. To drop a month of 500,000 took 7 ms, and 52 s until their space was free.
Of one account 225,000 took 6 ms, and 15 s: half of all commits meanwhile took less than 6 ms, and
none more than 97.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable

from crossbar.storage import Put, Remove, RevisionConflict, bucket_of
from crossbar.storage.sqlite.encoding import Columns, Mark, entries_of

SCHEMA = (
    """CREATE TABLE books (
        book INTEGER PRIMARY KEY AUTOINCREMENT, account_id TEXT NOT NULL, journal TEXT NOT NULL,
        bucket TEXT NOT NULL, UNIQUE (account_id, journal, bucket))""",
    "CREATE INDEX buckets ON books (journal, bucket)",
    "CREATE TABLE forgotten_books (book INTEGER PRIMARY KEY)",
    """CREATE TABLE records (
        book INTEGER NOT NULL, sort TEXT NOT NULL, doc_id TEXT NOT NULL, rev TEXT NOT NULL,
        marks BLOB NOT NULL, body BLOB NOT NULL,
        PRIMARY KEY (book, sort, doc_id)) WITHOUT ROWID""",
    "CREATE UNIQUE INDEX record_ids ON records (book, doc_id)",
    """CREATE TABLE record_entries (
        book INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, sort TEXT NOT NULL,
        doc_id TEXT NOT NULL, PRIMARY KEY (book, name, value, sort, doc_id)) WITHOUT ROWID""",
)

STEP = 0.004
"""Seconds that :func:`reclaim` works before it lets others write."""

_FEW = 20
"""Rows that are removed between two looks at the clock."""

BOOK = "SELECT book FROM books WHERE account_id = ? AND journal = ? AND bucket = ?"
BOOKS = (
    "SELECT book FROM books WHERE account_id = ? AND journal = ? AND bucket BETWEEN ? AND ?"
    " ORDER BY bucket"
)
BODY = f"SELECT body FROM records WHERE book = ({BOOK}) AND doc_id = ?"  # noqa: S608
BODY_OF_ENTRY = (
    "(SELECT body FROM records WHERE records.book = record_entries.book"
    " AND records.sort = record_entries.sort AND records.doc_id = record_entries.doc_id)"
)
WALK = (
    "SELECT '', doc_id, rev, sort, marks, body, NULL, NULL FROM records"
    " WHERE book = ? AND doc_id > ? ORDER BY doc_id LIMIT ?"
)
_THIS = "WHERE book = ? AND doc_id = ?"
_OPEN = "INSERT INTO books (account_id, journal, bucket) VALUES (?, ?, ?)"
_INSERT = (
    "INSERT INTO records (book, doc_id, rev, sort, marks, body) VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT DO NOTHING"
)
_STORED = f"SELECT rev, sort, marks FROM records {_THIS}"  # noqa: S608 - constants only
_UPDATE = f"UPDATE records SET rev = ?, sort = ?, marks = ?, body = ? {_THIS}"  # noqa: S608
_DELETE = f"DELETE FROM records {_THIS}"  # noqa: S608
_ENTER = "INSERT INTO record_entries (book, doc_id, name, value, sort) VALUES (?, ?, ?, ?, ?)"
_LEAVE = f"DELETE FROM record_entries {_THIS} AND name = ? AND value = ? AND sort = ?"  # noqa: S608
_FORGET = (
    "INSERT INTO forgotten_books SELECT book FROM books WHERE {0}",
    "DELETE FROM books WHERE {0}",
)
_KEYS = {
    "record_entries": ("book", "name", "value", "sort", "doc_id"),
    "records": ("book", "sort", "doc_id"),
}
_RECLAIM = tuple(
    (
        f"SELECT {','.join(key)} FROM {table} WHERE book = ?"  # noqa: S608
        f" ORDER BY {','.join(key)} LIMIT {_FEW}",
        f"DELETE FROM {table} WHERE {' AND '.join(f'{name} = ?' for name in key)}",  # noqa: S608
    )
    for table, key in _KEYS.items()
)
"""By table: what finds some rows of a book, and what removes one. One statement for both, with
``IN``, would look at all rows of the book every time.
"""


def write(record: Put | Remove, columns: Columns, connection: sqlite3.Connection) -> None:
    """Append a record, replace or remove it; ``columns`` are what a put stores."""
    place = (record.key.account_id, record.key.doc_type, bucket_of(record.key.doc_id))
    found = connection.execute(BOOK, place).fetchone()
    if isinstance(record, Put):
        book = found[0] if found else connection.execute(_OPEN, place).lastrowid or 0
        _put(record, (book, record.key.doc_id), columns, connection)
    elif found:
        _remove(record, (found[0], record.key.doc_id), connection)


def _put(
    put: Put, this: tuple[int, str], columns: Columns, connection: sqlite3.Connection
) -> None:
    had: set[Mark] = set()
    if put.expected is None:
        if connection.execute(_INSERT, (*this, *columns[:4])).rowcount == 0:
            raise RevisionConflict(put.key)
    else:
        stored = connection.execute(_STORED, this).fetchone()
        if stored is None or stored[0] != put.expected:
            raise RevisionConflict(put.key)
        had = entries_of(*stored[1:])
        connection.execute(_UPDATE, (*columns[:4], *this))
    has = entries_of(columns.sort, columns.marks)
    _leave(this, had - has, connection)
    connection.executemany(_ENTER, ((*this, *entry) for entry in has - had))


def _remove(remove: Remove, this: tuple[int, str], connection: sqlite3.Connection) -> None:
    stored = connection.execute(_STORED, this).fetchone()
    if stored is None:
        return
    if remove.expected not in (None, stored[0]):
        raise RevisionConflict(remove.key)
    _leave(this, entries_of(*stored[1:]), connection)
    connection.execute(_DELETE, this)


def _leave(this: tuple[int, str], entries: Iterable[Mark], connection: sqlite3.Connection) -> None:
    connection.executemany(_LEAVE, ((*this, *entry) for entry in entries))


def drop_bucket(bucket: tuple[str, str], connection: sqlite3.Connection) -> None:
    """Forget a bucket of a journal, of every account."""
    for statement in _FORGET:
        connection.execute(statement.format("journal = ? AND bucket = ?"), bucket)


def purge(account_id: str, connection: sqlite3.Connection) -> None:
    """Forget every record of an account."""
    for statement in _FORGET:
        connection.execute(statement.format("account_id = ?"), (account_id,))


def reclaim(connection: sqlite3.Connection) -> bool:
    """Remove some of the rows of forgotten books. Whether there may be more of them."""
    until = time.perf_counter() + STEP
    while book := connection.execute("SELECT book FROM forgotten_books LIMIT 1").fetchone():
        for find, remove in _RECLAIM:
            while found := connection.execute(find, book).fetchall():
                connection.executemany(remove, found)
                if time.perf_counter() > until:
                    return True
        connection.execute("DELETE FROM forgotten_books WHERE book = ?", book)
    return False
