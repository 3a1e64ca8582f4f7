"""What a group of batches changes in the MongoDB store, judged before anything is written.

Pure functions and one class over plain dicts: no driver, no input or output.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from crossbar.storage import (
    Batch,
    Claim,
    ClaimTaken,
    Key,
    Missing,
    Put,
    Remove,
    RevisionConflict,
    StoreError,
)
from crossbar.storage.mongodb.records import (
    Record,
    document_id,
    document_record,
    holder,
    key_of,
    named,
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


class RecordChange(NamedTuple):
    """A record of a journal that becomes another, as :class:`Change` is one of a document."""

    key: Key
    rev: str | None
    record: Record | None


def puts_of(batches: Iterable[Batch]) -> Iterator[Put]:
    """The records that the batches append or replace."""
    for batch in batches:
        yield from (each for each in batch.records if isinstance(each, Put))


class Plan:
    """What a group of batches changes, judged in turn against what was read.

    :meth:`admit` takes a batch in or raises; a batch that was refused changes nothing for those
    after it. The net changes are read off at the end, so that a document which several batches
    wrote is written once.
    """

    def __init__(
        self,
        documents: Iterable[Record],
        claims: Iterable[Record],
        revisions: Mapping[Key, str] = MappingProxyType({}),
    ) -> None:
        self._before: dict[str, Stored] = {
            record["_id"]: Stored(key_of(record), record["rev"], tuple(record["claims"]), record)
            for record in documents
        }
        self._held: dict[str, Key] = {record["_id"]: holder(record) for record in claims}
        self._documents: MutableMapping[str, Stored | None] = dict(self._before)
        self._claims: MutableMapping[str, Key | None] = dict(self._held)
        self._revisions = revisions
        self._records: dict[Key, Put | None] = {}

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
        written = self._judged(batch.records)
        step.require(batch.requires)
        step.claim(batch.puts)
        self._documents.update(changed)
        self._claims.update(moved)
        self._records.update(written)

    def _judged(self, writes: Iterable[Put | Remove]) -> dict[Key, Put | None]:
        """What becomes of the records that one batch writes."""
        after: dict[Key, Put | None] = {}
        for each in writes:
            current = self._revisions.get(each.key)
            if each.key in (known := ChainMap(after, self._records)):
                put = known[each.key]
                current = put.document["_rev"] if put else None
            if isinstance(each, Put):
                if each.expected != current:
                    raise RevisionConflict(each.key)
                after[each.key] = each
            elif current is not None:
                if each.expected not in (None, current):
                    raise RevisionConflict(each.key)
                after[each.key] = None
        return after

    def record_changes(self) -> Iterator[RecordChange]:
        """Every record of a journal that becomes another."""
        for key, put in self._records.items():
            rev = self._revisions.get(key)
            if put or rev:
                yield RecordChange(key, rev, document_record(put) if put else None)

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
            record = document_record(put)
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
