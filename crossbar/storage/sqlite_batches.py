"""What a batch changes in the embedded store's file, statement by statement.

These functions run in the writing thread, within a transaction that is not theirs: they raise to
refuse, and whatever they did is undone. The tables are in ``sqlite_file``.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from crossbar.documents import Document
from crossbar.storage import (
    Attachment,
    Batch,
    Claim,
    ClaimTaken,
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
LOG = (
    "INSERT INTO events (action, account_id, doc_type, doc_id, revision, at, summary)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
)


def encode(document: Document) -> bytes | str:
    """JSON; as text, not bytes, when it is beyond orjson: integers over 64 bits, deep nesting."""
    try:
        return orjson.dumps(document)
    except TypeError:
        return json.dumps(document)


def decode(body: bytes | str) -> Document:
    """The document that :func:`encode` was given."""
    document: Document = orjson.loads(body) if isinstance(body, bytes) else json.loads(body)
    return document


def apply(
    batch: Batch,
    stored: Sequence[tuple[str, str | None, bytes | str]],
    logged: Sequence[tuple[Any, ...]],
    connection: sqlite3.Connection,
) -> None:
    """Write a batch, its documents and summaries being encoded already."""
    for account_id in batch.purge:
        for table in ("documents", "entries", "claims", "attachments", "pieces"):
            connection.execute(f"DELETE FROM {table} WHERE account_id = ?", (account_id,))  # noqa: S608
    drop(batch.drop_attachments, connection)
    for remove in batch.removes:
        _remove(remove, connection)
    for put, columns in zip(batch.puts, stored, strict=True):
        _put(put, columns, connection)
    for key in batch.requires:
        if connection.execute(EXISTS, key).fetchone() is None:
            raise Missing(key)
    # Claims come last: a conflict is reported rather than a claim that is taken, and what one
    # document of the batch gives up another may take. Of two puts of a document the later holds.
    puts = {put.key: put for put in batch.puts}
    for key, put in puts.items():
        if put.expected is not None:
            _release(key, put.claims, connection)
    _take(puts.values(), connection)
    connection.executemany(LOG, logged)


def _put(
    put: Put, columns: tuple[str, str | None, bytes | str], connection: sqlite3.Connection
) -> None:
    account_id, doc_type, doc_id = put.key
    if put.expected is None:
        cursor = connection.execute(
            "INSERT INTO documents (rev, sort, body, account_id, doc_type, doc_id)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (*columns, *put.key),
        )
        had = set()
    else:
        cursor = connection.execute(
            "UPDATE documents SET rev = ?, sort = ?, body = ?"
            " WHERE account_id = ? AND doc_type = ? AND doc_id = ? AND rev = ?",
            (*columns, *put.key, put.expected),
        )
        had = set(
            connection.execute(
                "SELECT name, value, sort FROM entries WHERE account_id = ? AND doc_id = ?",
                (account_id, doc_id),
            )
        )
    if cursor.rowcount == 0:
        raise RevisionConflict(put.key)
    has = set() if put.sort is None else {(*entry, put.sort) for entry in put.entries}
    for entry in had - has:
        connection.execute(
            "DELETE FROM entries WHERE account_id = ? AND doc_type = ?"
            " AND name = ? AND value = ? AND sort = ? AND doc_id = ?",
            (account_id, doc_type, *entry, doc_id),
        )
    for entry in has - had:
        connection.execute(
            "INSERT INTO entries (account_id, doc_type, name, value, sort, doc_id)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (account_id, doc_type, *entry, doc_id),
        )


def _remove(remove: Remove, connection: sqlite3.Connection) -> None:
    this = "WHERE account_id = ? AND doc_type = ? AND doc_id = ?"
    found = connection.execute(f"SELECT rev FROM documents {this}", remove.key).fetchone()  # noqa: S608
    if found is None:
        return
    if remove.expected not in (None, *found):
        raise RevisionConflict(remove.key)
    for table in ("documents", "entries", "claims"):
        connection.execute(f"DELETE FROM {table} {this}", remove.key)  # noqa: S608


def _release(key: Key, kept: Iterable[Claim], connection: sqlite3.Connection) -> None:
    """Let go of the claims of a document that are not kept."""
    held = connection.execute(
        "SELECT space, scope, value FROM claims WHERE account_id = ? AND doc_id = ?",
        (key.account_id, key.doc_id),
    ).fetchall()
    for claim in set(held).difference(kept):
        connection.execute("DELETE FROM claims WHERE space = ? AND scope = ? AND value = ?", claim)


def _take(puts: Iterable[Put], connection: sqlite3.Connection) -> None:
    taken = {}
    for put in puts:
        for claim in put.claims:
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
