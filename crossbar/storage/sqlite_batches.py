"""What a batch changes in the embedded store's file, statement by statement.

These functions run in the writing thread, within a transaction that is not theirs: they raise to
refuse, and whatever they did is undone. The tables are in ``sqlite_file``.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import orjson

from crossbar.documents import Document
from crossbar.storage import (
    LARGEST,
    Attachment,
    Batch,
    ClaimTaken,
    DocumentTooBig,
    Key,
    Missing,
    Put,
    Remove,
    RevisionConflict,
    Unreachable,
)

HOLDER = (
    "SELECT account_id, doc_type, doc_id FROM claims WHERE space = ? AND scope = ? AND value = ?"
)
CLAIM = (
    "INSERT INTO claims (space, scope, value, account_id, doc_type, doc_id)"
    " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
EXISTS = "SELECT 1 FROM documents WHERE account_id = ? AND doc_type = ? AND doc_id = ?"
RELEASE = "DELETE FROM claims WHERE space = ? AND scope = ? AND value = ?"
THIS = "WHERE account_id = ? AND doc_type = ? AND doc_id = ?"
# A document that stays at its place in listings is not taken out of their index and put back.
REWRITE = f"UPDATE documents SET rev = ?, body = ? {THIS} AND rev = ? AND sort IS ?"  # noqa: S608
MOVE = f"UPDATE documents SET rev = ?, sort = ?, body = ? {THIS} AND rev = ?"  # noqa: S608
MARKS = (
    "SELECT 0, name, value, sort FROM entries WHERE account_id = ? AND doc_id = ?"
    " UNION ALL SELECT 1, space, scope, value FROM claims WHERE account_id = ? AND doc_id = ?"
)
LOG = (
    "INSERT INTO events (action, account_id, doc_type, doc_id, revision, at, summary)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
)


Columns = tuple[str, str | None, bytes | str]
"""What is stored of a document: its revision, its place in listings, its body."""

Mark = tuple[str, ...]
"""An entry, as name, value and sort key, or a claim."""


def encode(document: Document) -> bytes | str:
    """JSON; as text, not bytes, when it is beyond orjson: integers over 64 bits, deep nesting.

    Raises :class:`~crossbar.storage.DocumentTooBig`.
    """
    encoded: bytes | str
    try:
        encoded = orjson.dumps(document)
    except TypeError:
        encoded = json.dumps(document)
    if len(encoded) > LARGEST:
        raise DocumentTooBig
    return encoded


def decode(body: bytes | str) -> Document:
    """The document that :func:`encode` was given."""
    document: Document = orjson.loads(body) if isinstance(body, bytes) else json.loads(body)
    return document


def apply(
    batch: Batch,
    stored: Sequence[Columns],
    logged: Sequence[tuple[Any, ...]],
    connection: sqlite3.Connection,
) -> int:
    """Write a batch, its documents and summaries being encoded already.

    Returns the number of its last event, 0 when it has none.
    """
    for account_id in batch.purge:
        for table in ("documents", "entries", "claims", "attachments", "pieces"):
            connection.execute(f"DELETE FROM {table} WHERE account_id = ?", (account_id,))  # noqa: S608
    drop(batch.drop_attachments, connection)
    for remove in batch.removes:
        _remove(remove, connection)
    held: dict[Key, set[Mark]] = {}
    for put, columns in zip(batch.puts, stored, strict=True):
        if put.expected is None:
            _insert(put, columns, connection)
        else:
            held[put.key] = _replace(put, columns, connection)
    for key in batch.requires:
        if connection.execute(EXISTS, key).fetchone() is None:
            raise Missing(key)
    # Claims come last: a conflict is reported rather than a claim that is taken, and what one
    # document of the batch gives up another may take. Of two puts of a document the later holds.
    puts = {put.key: put for put in batch.puts}
    for key, claims in held.items():
        for claim in claims.difference(puts[key].claims):
            connection.execute(RELEASE, claim)
    _take(puts.values(), held, connection)
    return _log(logged, connection)


def _log(logged: Sequence[tuple[Any, ...]], connection: sqlite3.Connection) -> int:
    """Write events. Returns the number of the last one, 0 when there is none."""
    number = None
    for event in logged:
        number = connection.execute(LOG, event).lastrowid
    return number or 0


def _insert(put: Put, columns: Columns, connection: sqlite3.Connection) -> None:
    cursor = connection.execute(
        "INSERT INTO documents (rev, sort, body, account_id, doc_type, doc_id)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (*columns, *put.key),
    )
    if cursor.rowcount == 0:
        raise RevisionConflict(put.key)
    _enter(_entries(put), put.key, connection)


def _replace(put: Put, columns: Columns, connection: sqlite3.Connection) -> set[Mark]:
    """Store a document anew and keep up its entries. Returns the claims that it holds so far."""
    rev, sort, body = columns
    this = (*put.key, put.expected)
    is_stored = (
        connection.execute(REWRITE, (rev, body, *this, sort)).rowcount
        or connection.execute(MOVE, (*columns, *this)).rowcount
    )
    if not is_stored:
        raise RevisionConflict(put.key)
    account_id, _, doc_id = put.key
    had: set[Mark] = set()
    held: set[Mark] = set()
    for is_claim, *mark in connection.execute(MARKS, (account_id, doc_id) * 2):
        (held if is_claim else had).add(tuple(mark))
    has = _entries(put)
    for entry in had - has:
        connection.execute(
            "DELETE FROM entries WHERE account_id = ? AND doc_type = ? AND doc_id = ?"
            " AND name = ? AND value = ? AND sort = ?",
            (*put.key, *entry),
        )
    _enter(has - had, put.key, connection)
    return held


def _entries(put: Put) -> set[Mark]:
    """Name, value and sort key of every entry; an unlisted document has none."""
    return set() if put.sort is None else {(*entry, put.sort) for entry in put.entries}


def _enter(entries: Iterable[Mark], key: Key, connection: sqlite3.Connection) -> None:
    for entry in entries:
        connection.execute(
            "INSERT INTO entries (account_id, doc_type, doc_id, name, value, sort)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (*key, *entry),
        )


def _remove(remove: Remove, connection: sqlite3.Connection) -> None:
    found = connection.execute(f"SELECT rev FROM documents {THIS}", remove.key).fetchone()  # noqa: S608
    if found is None:
        return
    if remove.expected not in (None, *found):
        raise RevisionConflict(remove.key)
    for table in ("documents", "entries", "claims"):
        connection.execute(f"DELETE FROM {table} {THIS}", remove.key)  # noqa: S608


def _take(
    puts: Iterable[Put], held: Mapping[Key, Collection[Mark]], connection: sqlite3.Connection
) -> None:
    """Take the claims that are not held already."""
    taken = {}
    for put in puts:
        own = held.get(put.key, ())
        for claim in put.claims:
            if claim in own:
                continue
            if connection.execute(CLAIM, (*claim, *put.key)).rowcount == 0:
                holder = Key(*connection.execute(HOLDER, claim).fetchone())
                if holder != put.key:
                    taken[claim] = holder
    if taken:
        raise ClaimTaken(taken)


def add_piece(
    name: tuple[str, str],
    position: int,
    data: bytes,
    whole: Attachment | None,
    connection: sqlite3.Connection,
) -> None:
    """Store a piece of an attachment; with ``whole``, the last one: it can be read from now on."""
    if position == 0:
        connection.execute(
            "INSERT INTO attachments (account_id, attachment_id, begun) VALUES (?, ?, ?)",
            (*name, int(time.time())),
        )
    cursor = connection.execute(
        "INSERT INTO pieces (account_id, attachment_id, position, data)"
        " SELECT account_id, attachment_id, ?, ? FROM attachments"
        " WHERE account_id = ? AND attachment_id = ?",
        (position, data, *name),
    )
    if cursor.rowcount == 0:
        raise Unreachable(f"account {name[0]} was purged while storing an attachment")
    if whole:
        connection.execute(
            "UPDATE attachments SET length = ?, md5 = ?"
            " WHERE account_id = ? AND attachment_id = ?",
            (whole.length, whole.md5, *name),
        )


def drop(names: Iterable[tuple[str, str]], connection: sqlite3.Connection) -> None:
    """Remove attachments, given as pairs of account id and attachment id."""
    for name in names:
        for table in ("attachments", "pieces"):
            connection.execute(
                f"DELETE FROM {table} WHERE account_id = ? AND attachment_id = ?",  # noqa: S608
                name,
            )
