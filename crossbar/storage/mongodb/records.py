"""What the MongoDB store writes: the shape of its records, and what a group of batches changes.

Pure functions and one class over plain dicts: no driver, no input or output. ``storage.mongodb``
and its mates are the only users.
"""

from __future__ import annotations

import json
from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from crossbar.documents import Document
from crossbar.storage import (
    Batch,
    Claim,
    ClaimTaken,
    Event,
    Key,
    Missing,
    Numbered,
    Position,
    Put,
    Remove,
    RevisionConflict,
    Row,
    Span,
    StoreError,
)

Record = dict[str, Any]

DEEPEST = 60
"""Levels of a body that is stored as BSON; a server refuses 100, counting its own."""


def named(*parts: str) -> str:
    """One text for several, readable and unambiguous: an ``_id``, or a value of ``entries``."""
    return "/".join(part.replace("~", "~0").replace("/", "~1") for part in parts)


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
    if span.start is not None:
        start = place(*span.start)
        if span.descending:
            places["$lte"] = start
        else:
            places["$gte"] = max(start, places["$gte"])
    found: Record = {"account_id": span.account_id, "doc_type": span.doc_type, "place": places}
    if span.entry is not None:
        found["entries"] = named(*span.entry)
    return found


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


def _document_record(put: Put) -> Record:
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
        **packed(put.document),
    }


def row(record: Mapping[str, Any]) -> Row:
    """A listed record as a scan yields it."""
    return Row(Position(record["sort"], record["doc_id"]), unpacked(record))


def _key(record: Mapping[str, Any]) -> Key:
    return Key(record["account_id"], record["doc_type"], record["doc_id"])


def holder(record: Mapping[str, Any]) -> Key:
    """Who holds the claim of a record of ``claims``."""
    return _key(record)


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
    return Numbered(
        record["_id"],
        Event(record["action"], _key(record), record["revision"], record["at"], unpacked(record)),
    )


@dataclass(frozen=True, slots=True)
class Needs:
    """What must be read before a group of batches can be judged."""

    accounts: list[str]
    documents: list[str]
    claims: list[str]
    purged: list[str]


def needs(batches: Iterable[Batch]) -> Needs:
    """The ids of every document and claim that the batches touch or require."""
    keys = [
        key
        for batch in batches
        for key in (
            *(put.key for put in batch.puts),
            *(remove.key for remove in batch.removes),
            *batch.requires,
        )
    ]
    claims = {named(*claim) for batch in batches for put in batch.puts for claim in put.claims}
    return Needs(
        accounts=sorted({key.account_id for key in keys}),
        documents=sorted({document_id(key.account_id, key.doc_id) for key in keys}),
        claims=sorted(claims),
        purged=sorted({account for batch in batches for account in batch.purge}),
    )


@dataclass(frozen=True, slots=True)
class Stored:
    """What is known of a stored document while a group is judged.

    ``record`` is all of it when it is new, else what was read to judge it.
    """

    key: Key
    rev: str
    claims: tuple[str, ...]
    record: Record


class Change(NamedTuple):
    """A document that becomes another; no ``rev`` if it is new, no ``record`` if it goes."""

    doc_id: str
    account_id: str
    rev: str | None
    record: Record | None


class Plan:
    """What a group of batches changes, judged in turn against what was read.

    :meth:`admit` takes a batch in or raises; a batch that was refused changes nothing for those
    after it. The net changes are read off at the end, so that a document which several batches
    wrote is written once.
    """

    def __init__(self, documents: Iterable[Record], claims: Iterable[Record]) -> None:
        self._before: dict[str, Stored] = {
            record["_id"]: Stored(_key(record), record["rev"], tuple(record["claims"]), record)
            for record in documents
        }
        self._held: dict[str, Key] = {record["_id"]: holder(record) for record in claims}
        self._documents: MutableMapping[str, Stored | None] = dict(self._before)
        self._claims: MutableMapping[str, Key | None] = dict(self._held)

    def admit(self, batch: Batch) -> None:
        """Take the batch in.

        Raises :class:`RevisionConflict`, :class:`Missing` or :class:`ClaimTaken`.
        """
        changed: dict[str, Stored | None] = {}
        moved: dict[str, Key | None] = {}
        step = _Step(ChainMap(changed, self._documents), ChainMap(moved, self._claims))
        step.purge(batch.purge)
        step.remove(batch.removes)
        step.put(batch.puts)
        step.require(batch.requires)
        step.claim(batch.puts)
        self._documents.update(changed)
        self._claims.update(moved)

    def document_changes(self) -> Iterator[Change]:
        """Every document that becomes another."""
        for name, after in self._documents.items():
            before = self._before.get(name)
            if after is not before:
                yield Change(
                    name,
                    (after or self._before[name]).key.account_id,
                    before.rev if before else None,
                    after.record if after else None,
                )

    def claim_changes(self) -> Iterator[tuple[str, Key | None, Key | None]]:
        """Id, holder before as far as it was read, and holder after, of every claim that moves."""
        for name, after in self._claims.items():
            before = self._held.get(name)
            if after is None or after != before:
                yield name, before, after


class _Step:
    """One batch, applied to maps that its caller keeps or throws away.

    Departures come before arrivals: a batch may move an id or a claim from one document to
    another. Conflicts are found before claims are looked at.
    """

    def __init__(
        self,
        documents: MutableMapping[str, Stored | None],
        claims: MutableMapping[str, Key | None],
    ) -> None:
        self._documents = documents
        self._claims = claims

    def purge(self, accounts: Iterable[str]) -> None:
        doomed = set(accounts)
        for name, stored in list(self._documents.items()):
            if stored is not None and stored.key.account_id in doomed:
                self._replace(name, None)

    def remove(self, removes: Iterable[Remove]) -> None:
        for key, expected in removes:
            name = document_id(key.account_id, key.doc_id)
            stored = self._documents.get(name)
            if stored is None or stored.key != key:
                continue
            if expected is not None and expected != stored.rev:
                raise RevisionConflict(key)
            self._replace(name, None)

    def put(self, puts: Iterable[Put]) -> None:
        for put in puts:
            record = _document_record(put)
            stored = self._documents.get(record["_id"])
            current = None if stored is None else stored.rev
            if current != put.expected or (stored is not None and stored.key != put.key):
                raise RevisionConflict(put.key)
            claims = tuple(record["claims"])
            self._replace(record["_id"], Stored(put.key, record["rev"], claims, record))

    def require(self, keys: Iterable[Key]) -> None:
        for key in keys:
            stored = self._documents.get(document_id(key.account_id, key.doc_id))
            if stored is None or stored.key != key:
                raise Missing(key)

    def claim(self, puts: Iterable[Put]) -> None:
        taken: dict[Claim, Key] = {}
        # Of two puts of one document the last one counts.
        for put in {put.key: put for put in puts}.values():
            for claim in put.claims:
                owner = self._claims.get(named(*claim))
                if owner is not None and owner != put.key:
                    taken[claim] = owner
                else:
                    self._claims[named(*claim)] = put.key
        if taken:
            raise ClaimTaken(taken)

    def _replace(self, name: str, after: Stored | None) -> None:
        before = self._documents.get(name)
        if before is not None:
            self._claims.update(dict.fromkeys(before.claims))
        self._documents[name] = after


def verdicts(plan: Plan, batches: Iterable[Batch]) -> list[StoreError | None]:
    """Let the plan judge each batch: ``None`` where it was admitted, its exception where not."""
    outcomes: list[StoreError | None] = []
    for batch in batches:
        try:
            plan.admit(batch)
        except StoreError as refusal:
            outcomes.append(refusal)
        else:
            outcomes.append(None)
    return outcomes
