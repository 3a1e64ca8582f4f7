"""A write on its way: what was stored, what is proposed, what speaks against it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from crossbar.core.directory import ACCOUNT_TYPE, OWNER
from crossbar.core.jobs import Kind, asked
from crossbar.core.requests import Actor, Request
from crossbar.core.shapes import Collection, Scope, Singleton, Unique
from crossbar.core.stamping import stamped
from crossbar.core.summaries import row_of
from crossbar.documents import Document
from crossbar.storage import SYSTEM, Batch, Claim, Entry, Event, Key, Put, Remove
from crossbar.validation import Refusals

if TYPE_CHECKING:
    from crossbar.core.writing import Work

T = TypeVar("T")


class Note(Generic[T]):
    """A place in a change where an early stage leaves something for a later one."""

    def __init__(self, default: T) -> None:
        self._default = default

    def leave(self, change: Change | Work, value: T) -> None:
        """Leave something in a change, or in the work that it is a part of."""
        change.notes[self] = value

    def found(self, change: Change | Work) -> T:
        """What was left there, else the default."""
        value: T = change.notes.get(self, self._default)
        return value


@dataclass(slots=True, kw_only=True)
class Writes:
    """What a commit writes beside its changes: documents, and records of journals."""

    puts: list[Put] = field(default_factory=list)
    records: list[Put] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Change:
    """What the hooks of a write see and may alter.

    ``document`` is the proposed document; before ``prepare`` it has public fields only.
    ``current`` is the stored one, ``None`` on create. ``more`` collects further writes for the
    same commit, ``records`` those to journals, ``dropped`` attachments that no document refers to
    afterwards. ``is_final`` makes a deletion a removal, whatever was asked. ``notes`` holds what
    stages leave for later ones (:class:`Note`). ``request`` is the one that asks for the write,
    if one does; ``work`` is what the change is a part of, if it is not committed by itself.
    """

    actor: Actor
    family: Collection | Singleton
    key: Key
    document: Document
    current: Document | None = None
    refusals: Refusals = field(default_factory=Refusals)
    more: list[Put] = field(default_factory=list)
    removes: list[Remove] = field(default_factory=list)
    records: list[Put] = field(default_factory=list)
    purge: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    is_final: bool = False
    notes: dict[Note[Any], Any] = field(default_factory=dict)
    request: Request | None = None
    work: Work | None = None

    def says_yes(self, name: str) -> bool:
        """Whether a control value of the request says yes; not without a request."""
        return self.request is not None and self.request.says_yes(name)

    def says_no(self, name: str) -> bool:
        """Whether a control value of the request says no; not without a request."""
        return self.request is not None and self.request.says_no(name)

    def value(self, name: str) -> Any:
        """A top-level field of the proposed document."""
        return self.document.get(name)

    def changed(self, name: str) -> bool:
        """Whether a top-level field differs from the stored document."""
        before = self.current.get(name) if self.current else None
        return bool(self.document.get(name) != before)

    def also_put(self, family: Collection | Singleton, key: Key, document: Document) -> None:
        """Write another document in the same commit: an insert, or a replace of its revision."""
        expected = document.get("_rev")
        self.more.append(put_of(family, key, stamped(self.actor, key, document), expected))
        self.events.append(event_of(self.actor, "changed", self.more[-1]))

    def also_remove(self, key: Key, document: Document) -> None:
        """Remove another document for good in the same commit, whatever its revision is."""
        self.removes.append(Remove(key))
        self.events.append(event_of(self.actor, "deleted", self.removes[-1], document))
        attachments = document.get("pvt_attachments", {})
        self.dropped += [facts["id"] for facts in attachments.values()]

    def ask(self, kind: Kind, about: Document) -> None:
        """Ask for a job in the same commit."""
        self.more.append(asked(self.actor.services.clock, kind, about))

    def batch(self, action: str, final: Put | Remove) -> Batch:
        """Everything that this change writes."""
        return Batch(
            puts=(final, *self.more) if isinstance(final, Put) else tuple(self.more),
            removes=tuple(self.removes) if isinstance(final, Put) else (final, *self.removes),
            events=(event_of(self.actor, action, final, self.current), *self.events),
            purge=tuple(self.purge),
            records=tuple(self.records),
            drop_attachments=tuple((self.key.account_id, name) for name in self.dropped),
        )


def claims_of(family: Collection | Singleton, key: Key, document: Document) -> list[Claim]:
    """The unique values that a document of the family claims."""
    uniques = family.unique if isinstance(family, Collection) else ()
    return [
        claim_of(unique, key, value) for unique in uniques for value in unique.values(document)
    ]


def claim_of(unique: Unique, key: Key, value: str) -> Claim:
    """The claim for one value."""
    scope = key.account_id if unique.within is Scope.ACCOUNT else SYSTEM
    return Claim(unique.space or f"{key.doc_type}.{unique.path}", scope, value)


def put_of(
    family: Collection | Singleton, key: Key, document: Document, expected: str | None
) -> Put:
    """The write that stores a document with its listing place, entries and claims."""
    if document.get("pvt_deleted"):
        return Put(key, document, expected, sort=None)
    sort, entries, row = "", [], None
    if isinstance(family, Collection):
        row = row_of(family, document)
        sort = family.order(document) if family.order else ""
        entries = [
            Entry(index.name, value)
            for index in family.indexes
            for value in index.values(document)
        ]
    claims = claims_of(family, key, document)
    return Put(key, document, expected, sort, _each_once(entries), _each_once(claims), row)


def _each_once(values: list[T]) -> list[T]:
    return list(dict.fromkeys(values)) if len(values) > 1 else values


def event_of(
    actor: Actor, action: str, write: Put | Remove, current: Document | None = None
) -> Event:
    """The event of a write, with the public facts that subscribers need."""
    document = write.document if isinstance(write, Put) else current or {}
    caller = actor.caller
    facts = (
        ("name", document.get("name")),
        ("request_id", actor.request_id),
        ("auth_account_id", caller.account_id if caller else None),
        ("auth_user_id", caller.user_id if caller else None),
        # Who is above an account cannot be asked any more when it is gone.
        ("tree", document.get("pvt_tree") if write.key.doc_type == ACCOUNT_TYPE else None),
        (OWNER, _owner_of(write)),
    )
    return Event(
        action=action,
        key=write.key,
        revision=document.get("_rev", ""),
        at=actor.services.clock.gregorian(),
        summary={name: value for name, value in facts if value is not None},
    )


def _owner_of(write: Put | Remove) -> str | None:
    """The account that a document of the system is kept for, if it is one's."""
    if write.key.account_id != SYSTEM or isinstance(write, Remove):
        return None
    return next((entry.value for entry in write.entries if entry.name == OWNER), None)
