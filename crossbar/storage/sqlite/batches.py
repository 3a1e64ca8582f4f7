"""What a batch changes in the embedded store's file, statement by statement.

These functions run in the writing thread, within a transaction that is not theirs: they raise to
refuse, and whatever they did is undone. The tables are in ``layout``.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from crossbar.storage import (
    Attachment,
    Batch,
    ClaimTaken,
    Key,
    Missing,
    Put,
    Remove,
    RevisionConflict,
    Unreachable,
)
from crossbar.storage.sqlite import journals
from crossbar.storage.sqlite.encoding import Columns, Mark, decode, entries_of

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
INSERT = (
    "INSERT INTO documents (rev, sort, marks, body, row, cut, account_id, doc_type, doc_id)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
# Most writes leave a document where it is found: it need not be taken out of indexes and put back.
# Many do not change what lists show of it, either, which an index holds as well.
SAME_PLACE = f"{THIS} AND rev = ? AND sort IS ? AND marks = ?"
SAME_ROW = f"UPDATE documents SET rev = ?, body = ?, cut = ? {SAME_PLACE} AND row IS ?"  # noqa: S608
OTHER_ROW = f"UPDATE documents SET rev = ?, body = ?, cut = ?, row = ? {SAME_PLACE}"  # noqa: S608
PLACE = f"SELECT sort, marks FROM documents {THIS} AND rev = ?"  # noqa: S608
MOVE = f"UPDATE documents SET rev = ?, sort = ?, marks = ?, body = ?, row = ?, cut = ? {THIS}"  # noqa: S608
ENTER = (
    "INSERT INTO entries (account_id, doc_type, doc_id, name, value, sort)"
    " VALUES (?, ?, ?, ?, ?, ?)"
)
LEAVE = f"DELETE FROM entries {THIS} AND name = ? AND value = ? AND sort = ?"  # noqa: S608
WALK = (
    "SELECT doc_type, doc_id, rev, sort, marks, body, row, cut FROM documents"
    " WHERE account_id = ? AND doc_id > ? ORDER BY doc_id LIMIT ?"
)
LOG = (
    "INSERT INTO events (action, account_id, doc_type, doc_id, revision, at, summary)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
)


def apply(
    batch: Batch,
    stored: Sequence[Columns],
    records: Sequence[Columns],
    logged: Sequence[tuple[Any, ...]],
    altered: Collection[Key],
    connection: sqlite3.Connection,
) -> int:
    """Write a batch, its documents, records and summaries being encoded already.

    ``altered`` are documents of which lists are likely to show something else afterwards.
    Returns the number of its last event, 0 when it has none.
    """
    for account_id in batch.purge:
        _purge(account_id, connection)
    if batch.drop_attachments:
        drop(batch.drop_attachments, connection)
    for bucket in batch.drop_buckets:
        journals.drop_bucket(bucket, connection)
    for remove in batch.removes:
        _remove(remove, connection)
    # Of two puts of a document the later holds, over what there was before the first.
    puts = {put.key: put for put in batch.puts}
    held: dict[Key, Collection[Mark]] = {}
    for put, columns in zip(batch.puts, stored, strict=True):
        before = _store(put, columns, put.key in altered, connection)
        held.setdefault(put.key, before)
    for record, columns in zip(batch.records, records, strict=True):
        journals.write(record, columns, connection)
    if batch.requires:
        _require(batch.requires, connection)
    # Claims come last: a conflict is reported rather than a claim that is taken, and what one
    # document of the batch gives up another may take.
    for key, put in puts.items():
        if held[key] and held[key] is not put.claims:
            _release(set(held[key]).difference(put.claims), connection)
    _take(puts.values(), held, connection)
    return _log(logged, connection)


def _require(keys: Iterable[Key], connection: sqlite3.Connection) -> None:
    for key in keys:
        if connection.execute(EXISTS, key).fetchone() is None:
            raise Missing(key)


def _log(logged: Sequence[tuple[Any, ...]], connection: sqlite3.Connection) -> int:
    """Write events. Returns the number of the last one, 0 when there is none."""
    number = None
    for event in logged:
        number = connection.execute(LOG, event).lastrowid
    return number or 0


def _store(
    put: Put, columns: Columns, is_altered: bool, connection: sqlite3.Connection
) -> Collection[Mark]:
    """Insert or replace a document, with its entries. Returns the claims that it holds so far."""
    rev, sort, marks, body, row, cut = columns
    if put.expected is None:
        if connection.execute(INSERT, (*columns, *put.key)).rowcount == 0:
            raise RevisionConflict(put.key)
        _enter(entries_of(sort, marks), put.key, connection)
        return ()
    this = (*put.key, put.expected)
    place = (*this, sort, marks)
    if not is_altered and connection.execute(SAME_ROW, (rev, body, cut, *place, row)).rowcount:
        return put.claims
    if connection.execute(OTHER_ROW, (rev, body, cut, row, *place)).rowcount:
        return put.claims
    before = connection.execute(PLACE, this).fetchone()
    if before is None:
        raise RevisionConflict(put.key)
    connection.execute(MOVE, (*columns, *put.key))
    had, has = entries_of(*before), entries_of(sort, marks)
    _leave(had - has, put.key, connection)
    _enter(has - had, put.key, connection)
    return _claims(before[1])


def _claims(marks: bytes | str) -> set[Mark]:
    return {tuple(claim) for claim in decode(marks)[1]}


def _enter(entries: Iterable[Mark], key: Key, connection: sqlite3.Connection) -> None:
    connection.executemany(ENTER, [(*key, *entry) for entry in entries])


def _leave(entries: Iterable[Mark], key: Key, connection: sqlite3.Connection) -> None:
    connection.executemany(LEAVE, [(*key, *entry) for entry in entries])


def _release(claims: Iterable[Mark], connection: sqlite3.Connection) -> None:
    connection.executemany(RELEASE, claims)


def _remove(remove: Remove, connection: sqlite3.Connection) -> None:
    found = connection.execute(f"SELECT rev, sort, marks FROM documents {THIS}", remove.key)  # noqa: S608
    for rev, sort, marks in found.fetchall():
        if remove.expected not in (None, rev):
            raise RevisionConflict(remove.key)
        _leave(entries_of(sort, marks), remove.key, connection)
        _release(_claims(marks), connection)
        connection.execute(f"DELETE FROM documents {THIS}", remove.key)  # noqa: S608


def _purge(account_id: str, connection: sqlite3.Connection) -> None:
    """Remove all that an account has; its events stay."""
    for (marks,) in connection.execute(
        "SELECT marks FROM documents WHERE account_id = ?", (account_id,)
    ):
        _release(_claims(marks), connection)
    for table in ("documents", "entries", "attachments", "pieces"):
        connection.execute(f"DELETE FROM {table} WHERE account_id = ?", (account_id,))  # noqa: S608
    journals.purge(account_id, connection)


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
    requires: Sequence[Key],
    connection: sqlite3.Connection,
) -> None:
    """Store a piece of an attachment; with ``whole``, the last one: it can be read from now on."""
    _require(requires, connection)
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
