"""The shape of what the MongoDB store keeps.

Pure functions over plain dicts: no driver, no input or output.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from crossbar.documents import Document
from crossbar.storage import (
    Claim,
    Entry,
    Event,
    Hint,
    Key,
    Line,
    Numbered,
    Position,
    Put,
    Row,
    Span,
)

Record = dict[str, Any]

DEEPEST = 60
"""Levels of a body that is stored as BSON; a server refuses 100, counting its own."""


def named(*parts: str) -> str:
    """One text for several, readable and unambiguous: an ``_id``, or a value of ``entries``."""
    return "/".join(part.replace("~", "~0").replace("/", "~1") for part in parts)


def parts(name: str) -> list[str]:
    """The texts that :func:`named` was given."""
    return [part.replace("~1", "/").replace("~0", "~") for part in name.split("/")]


def place(sort: str, doc_id: str) -> str:
    """One text that orders as the pair (sort, id) does, so that a page is one index range."""
    return f"{_before(sort)}{doc_id}"


def _before(sort: str) -> str:
    """Below every place with this sort key, above every place with a lower one.

    A NUL within the key becomes NUL, 1; the key ends with NUL, NUL, which is below that and below
    any other character that could follow.
    """
    return sort.replace("\0", "\0\1") + "\0\0"


def _behind(sort: str) -> str:
    """Above every place with this sort key, below every place with a higher one."""
    return sort.replace("\0", "\0\1") + "\0\1"


def within(span: Span) -> Record:
    """The filter that finds the listed documents of a span."""
    places: Record = {"$gte": _before(span.low or "")}
    if span.high is not None:
        places["$lt"] = _behind(span.high)
    edges = (span.end, span.start) if span.descending else (span.start, span.end)
    first, last = (place(*edge) if edge else None for edge in edges)
    if first is not None:
        places["$gte"] = max(first, places["$gte"])
    if last is not None:
        places["$lte"] = last
    found: Record = {"account_id": span.account_id, "place": places}
    if span.buckets is None:  # the records of a journal are apart already
        found["doc_type"] = span.doc_type
    if span.entry is not None:
        found["entries"] = named(*span.entry)
    return found


def having(hints: Iterable[Hint]) -> Record:
    """The filter that finds all that may have what the hints say.

    A path of MongoDB leads into arrays as well, and its numbers are equal whatever their type: so
    it may find more. What is kept as JSON text is found always.
    """
    each = [{"$or": [{"text": {"$exists": True}}, *_may_be(hint)]} for hint in hints]
    return {"$and": each} if each else {}


def _may_be(hint: Hint) -> list[Record]:
    """Conditions on the body of what is kept as one, of which one holds."""
    if len(hint.path) > DEEPEST or not all(map(_plain_name, hint.path)):
        return []
    field = ".".join(("body", *hint.path))
    if not hint.texts or any(text[0] == "{" for text in hint.texts):
        return [{field: {"$exists": True}}]
    values = [value for text in hint.texts for value in _values(text) if _plain(value)]
    return [{field: {"$in": values}}, {f"{field}.0": {"$exists": True}}]


def _values(text: str) -> list[Any]:
    """What a value is that has this text, if it is neither an array nor an object."""
    try:
        parsed = orjson.loads(text)
    except ValueError:
        return [text]
    return [text] if isinstance(parsed, str | list | dict) else [text, parsed]


def _plain(value: Any, depth: int = 0) -> bool:
    """Whether BSON keeps the value exactly and every MongoDB tool can handle it.

    What is not plain: integers beyond 64 bits, keys that are empty, dotted, or start with a
    dollar sign (they mean something in a query), NUL in a key, lone surrogates, deep nesting.
    """
    if isinstance(value, str):
        return _encodable(value)
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    if isinstance(value, dict):
        return depth < DEEPEST and all(
            _plain_name(name) and _plain(inner, depth + 1) for name, inner in value.items()
        )
    if isinstance(value, list):
        return depth < DEEPEST and all(_plain(inner, depth + 1) for inner in value)
    return True


def _plain_name(name: str) -> bool:
    return name != "" and name[0] != "$" and "." not in name and "\0" not in name and _plain(name)


def _encodable(text: str) -> bool:
    try:
        return text.isascii() or bool(text.encode())
    except UnicodeEncodeError:
        return False


def packed(document: Document) -> Record:
    """The document as ``body``, a real sub-document, or as JSON ``text`` if BSON will not do."""
    return {"body": document} if _plain(document) else {"text": json.dumps(document)}


def unpacked(record: Mapping[str, Any]) -> Document:
    """The document of a record, equal in values and types to the one that was packed."""
    document: Document = json.loads(record["text"]) if "text" in record else record["body"]
    return document


def document_id(account_id: str, doc_id: str) -> str:
    """The ``_id`` in ``documents``. Types share it: ids are unique within an account."""
    return named(account_id, doc_id)


def document_record(put: Put) -> Record:
    """A document, or a record of a journal, as it is kept."""
    listed: Record = {}
    if put.sort is not None:
        listed = {
            "sort": put.sort,
            "place": place(put.sort, put.key.doc_id),
            "entries": sorted({named(*entry) for entry in put.entries}),
        }
    return {
        "_id": document_id(put.key.account_id, put.key.doc_id),
        **put.key._asdict(),
        "rev": put.document["_rev"],
        **listed,
        "claims": [named(*claim) for claim in put.claims],
        **({} if put.row is None else {"row": put.row}),
        **packed(put.document),
    }


def put_from(record: Mapping[str, Any]) -> Put:
    """The write that would keep what is kept."""
    return Put(
        key_of(record),
        unpacked(record),
        record["rev"],
        record.get("sort"),
        [Entry(*parts(name)) for name in record.get("entries", ())],
        [Claim(*parts(name)) for name in record["claims"]],
        record.get("row"),
    )


def row(record: Mapping[str, Any]) -> Row:
    """A listed record as a scan yields it."""
    return Row(Position(record["sort"], record["doc_id"]), unpacked(record))


def line(record: Mapping[str, Any]) -> Line:
    """A listed record as a list shows it."""
    return record["sort"], record["doc_id"], record.get("row")


def key_of(record: Mapping[str, Any]) -> Key:
    """The key of a document that was kept."""
    return Key(record["account_id"], record["doc_type"], record["doc_id"])


def holder(record: Mapping[str, Any]) -> Key:
    """Who holds the claim of a record of ``claims``."""
    return key_of(record)


def event_record(number: int, event: Event) -> Record:
    """The event as it is kept in ``events``."""
    return {
        "_id": number,
        "action": event.action,
        **event.key._asdict(),
        "revision": event.revision,
        "at": event.at,
        **packed(event.summary),
    }


def numbered(record: Mapping[str, Any]) -> Numbered:
    """The event that was kept."""
    summary = unpacked(record)
    event = Event(record["action"], key_of(record), record["revision"], record["at"], summary)
    return Numbered(record["_id"], event)
