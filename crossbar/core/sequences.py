"""Sequences: consecutive numbers that are given out in order, each once.

A sequence is a document that keeps the last number. Taking one is a write of that document, which
belongs into the commit that uses the number: so none is lost, and no two users get the same,
whichever processes ask at once.
"""

from __future__ import annotations

from crossbar.documents import next_revision
from crossbar.storage import Key, Put, Store

LAST = "pvt_last"
"""The field that holds the last number that was given out."""


async def last_number(store: Store, sequence: Key) -> int:
    """The last number that was given out; 0 for none."""
    stored = await store.get(sequence)
    return int(stored[LAST]) if stored else 0


async def next_number(
    store: Store, sequence: Key, taken: Put | None = None, *, field: str = LAST
) -> tuple[int, Put]:
    """The next number, and the write that uses it up.

    ``taken`` is what an earlier number of the same commit got: both are used up by one write. A
    document may keep several sequences, each in a ``field`` of its own.
    """
    if taken is not None:
        number = int(taken.document[field]) + 1
        return number, taken._replace(document={**taken.document, field: number})
    stored = await store.get(sequence) or {}
    number, expected = int(stored.get(field, 0)) + 1, stored.get("_rev")
    document = {
        **stored,
        "_id": sequence.doc_id,
        "_rev": next_revision(expected),
        "pvt_type": sequence.doc_type,
        "pvt_account_id": sequence.account_id,
        field: number,
    }
    return number, Put(sequence, document, expected, sort=None)
