"""What the embedded store keeps of a document or record: text and JSON in columns."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import orjson

from crossbar.documents import Document, json_of, private, public
from crossbar.storage import LARGEST, Claim, DocumentTooBig, Entry, Key, Put, Shown


class Columns(NamedTuple):
    """What is stored of a document: revision, place in listings, entries and claims, row of
    lists, body, and where the body is to be cut. A record has no row, and its body stays whole."""

    rev: str
    sort: str | None
    marks: bytes | str
    body: bytes | str
    row: bytes | None = None
    cut: int | None = None


NOTHING = Columns("", None, b"", b"")
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


def body_of(document: Document) -> tuple[int | None, bytes | str]:
    """A document's JSON, private fields first, and where these end; ``None`` if it is text."""
    try:
        hidden, shown = orjson.dumps(private(document)), orjson.dumps(public(document))
    except TypeError:
        return None, encode(document)
    between = b"," if len(hidden) > 2 and len(shown) > 2 else b""
    return len(hidden) - 1, b"".join((hidden[:-1], between, shown[1:]))


def shown_of(cut: int | None, body: bytes | str) -> Shown:
    """Both parts of a stored document; the public one is only cut out, where it can be."""
    if cut is None or isinstance(body, str):
        document = decode(body)
        return Shown(private(document), json_of(public(document)))
    start = cut + 1 if cut > 1 and body[cut : cut + 1] == b"," else cut
    return Shown(orjson.loads(body[:cut] + b"}"), b"{" + body[start:])


def columns_of(put: Put) -> Columns:
    """What is stored of a document, encoded. Raises :class:`~crossbar.storage.DocumentTooBig`."""
    entries = () if put.sort is None else put.entries
    marks = [[*map(list, entries)], [*map(list, put.claims)]]
    cut, body = body_of(put.document)
    if len(body) > LARGEST:
        raise DocumentTooBig
    return Columns(put.document["_rev"], put.sort, encode(marks), body, put.row, cut)


def put_from(key: Key, columns: Columns) -> Put:
    """The write that would store what is stored."""
    entries, claims = decode(columns.marks)
    return Put(
        key,
        decode(columns.body),
        columns.rev,
        columns.sort,
        [Entry(*entry) for entry in entries],
        [Claim(*claim) for claim in claims],
        columns.row,
    )


def entries_of(sort: str | None, marks: bytes | str) -> set[Mark]:
    """Name, value and sort key of every entry of what is stored."""
    return {(name, value, sort or "") for name, value in decode(marks)[0]}
