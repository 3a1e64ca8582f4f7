"""What the embedded store keeps of a document or record: text and JSON in columns."""

from __future__ import annotations

import json
from typing import Any

import orjson

from crossbar.storage import LARGEST, Claim, DocumentTooBig, Entry, Key, Put

Columns = tuple[str, str | None, bytes | str, bytes | str]
"""What is stored of a document: revision, place in listings, entries and claims, body."""

NOTHING: Columns = ("", None, b"", b"")
"""What is stored of what is removed."""

Mark = tuple[str, ...]
"""An entry, as name, value and sort key, or a claim."""


def encode(value: Any) -> bytes | str:
    """JSON; as text, not bytes, when it is beyond orjson: integers over 64 bits, deep nesting."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value)


def decode(encoded: bytes | str) -> Any:
    """The value that :func:`encode` was given."""
    return orjson.loads(encoded) if isinstance(encoded, bytes) else json.loads(encoded)


def columns_of(put: Put) -> Columns:
    """What is stored of a document, encoded. Raises :class:`~crossbar.storage.DocumentTooBig`."""
    entries = () if put.sort is None else put.entries
    marks = [[*map(list, entries)], [*map(list, put.claims)]]
    body = encode(put.document)
    if len(body) > LARGEST:
        raise DocumentTooBig
    return put.document["_rev"], put.sort, encode(marks), body


def put_from(key: Key, rev: str, sort: str | None, marks: bytes | str, body: bytes | str) -> Put:
    """The write that would store what is stored."""
    entries, claims = decode(marks)
    return Put(
        key,
        decode(body),
        rev,
        sort,
        [Entry(*entry) for entry in entries],
        [Claim(*claim) for claim in claims],
    )


def entries_of(sort: str | None, marks: bytes | str) -> set[Mark]:
    """Name, value and sort key of every entry of what is stored."""
    return {(name, value, sort or "") for name, value in decode(marks)[0]}
