"""How documents are written: read, decide, commit; again from the start when others were quicker.

A :class:`~crossbar.core.change.Change` is one document on its way through the stages of its
family. :func:`save`, :func:`remove` and :func:`commit_private` write one, each in a commit of its
own; a :class:`Work` gathers several, with what follows from them, for one commit. :func:`in_turn`
is the one loop in which all of them are tried again. Every commit goes through a
:class:`Writer`.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import structlog

from crossbar.core.change import Change, Note, Writes, event_of, put_of
from crossbar.core.directory import OWNER, account_key, gone_key
from crossbar.core.jobs import JOB_TYPE, Jobs, Kind, asked
from crossbar.core.powers import caller_without_powers, keep_guarded, require_powers
from crossbar.core.preconditions import require_writable
from crossbar.core.requests import Actor, Request
from crossbar.core.sequences import next_number
from crossbar.core.shapes import Collection
from crossbar.core.stamping import stamped
from crossbar.core.turns import Turns
from crossbar.core.uniqueness import clashes, holders_of
from crossbar.documents import Document, private
from crossbar.errors import Conflict, DocumentTooLarge, NoSuchDocument, ValidationFailed
from crossbar.events import Events
from crossbar.metrics import Metrics
from crossbar.storage import (
    SYSTEM,
    Batch,
    ClaimTaken,
    DocumentTooBig,
    Event,
    Key,
    Missing,
    Put,
    Remove,
    RevisionConflict,
    Store,
)

log = structlog.get_logger(__name__)

T = TypeVar("T")

ATTEMPTS = 20
"""How often at least a write without a precondition is tried when others write in between."""

PATIENCE = 10.0
"""Seconds for which at least it is tried: of many that write at once each has to be the quickest
once, and on a busy machine that takes its time."""

PAUSE = 0.01
"""Seconds that are waited at most before a write is tried again: a random time keeps two
processes from meeting again and again. After a try that took longer, as long as that took."""


class Writer:
    """Commits batches, and tells this process's subscribers what was written."""

    def __init__(self, store: Store, events: Events, jobs: Jobs, metrics: Metrics) -> None:
        self._store = store
        self._events = events
        self._jobs = jobs
        self._metrics = metrics

    async def commit(self, batch: Batch) -> None:
        """Write a batch: all of it, durably, or nothing.

        What is new in an account, or belongs to it, is written only while the account exists:
        otherwise it would stay behind when the account is deleted at the same moment. Raises
        :class:`~crossbar.errors.NoSuchDocument` then, :class:`~crossbar.errors.Conflict` when
        another writer was quicker, :class:`~crossbar.errors.DocumentTooLarge`, and
        :class:`~crossbar.storage.ClaimTaken` for a unique value that another document has.
        """
        if accounts := _required(batch):
            batch = batch.requiring(map(account_key, accounts))
        try:
            last = await self._over_leftovers(batch)
        except RevisionConflict as lost:
            conflict = Conflict()
            conflict.about = lost.key
            writes = (*batch.puts, *batch.records)
            conflict.is_new = any(
                isinstance(each, Put) and each.key == lost.key and each.expected is None
                for each in writes
            )
            raise conflict from None
        except Missing as missing:
            raise NoSuchDocument(missing.key.doc_id) from None
        except DocumentTooBig:
            raise DocumentTooLarge from None
        self._events.announce(batch.events, last)
        for event in batch.events:
            self._metrics.note_event(event.key.doc_type, event.action)
        for put in batch.puts:
            if put.key.doc_type == JOB_TYPE:
                self._jobs.wake()

    async def _over_leftovers(self, batch: Batch) -> int:
        """Commit, whatever documents have that wait to be removed with their account."""
        while True:
            try:
                return await self._store.commit(batch)
            except ClaimTaken as taken:
                left = [key for key in set(taken.holders.values()) if await self._is_left(key)]
                if not left:
                    raise
            await self._store.commit(Batch(removes=[Remove(key) for key in left]))

    async def _is_left(self, key: Key) -> bool:
        return await self._store.get(gone_key(key.account_id)) is not None


def _required(batch: Batch) -> set[str]:
    """The accounts that must exist: of what is new, and of what the system keeps for them."""
    accounts = set()
    for put in batch.puts:
        if put.key.account_id == SYSTEM:
            accounts.update([entry.value for entry in put.entries if entry.name == OWNER])
        elif put.expected is None:
            accounts.add(put.key.account_id)
    for each in batch.records:
        if isinstance(each, Put) and each.expected is None:
            accounts.add(each.key.account_id)
    accounts.discard(SYSTEM)
    return accounts


async def in_turn(
    actor: Actor, turn: Key, attempt: Callable[[], Awaitable[T]], *, once: bool = False
) -> T:
    """Read, decide and commit by ``attempt``; again from the start while others are quicker.

    The writers of one process that name the same ``turn`` wait for each other, so that only those
    of other processes race. ``once`` is for a client that named a revision: it asked to be told
    of the race for that document. Raises :class:`Conflict`.
    """
    turns = actor.services.turns
    async with turns.of(turn):
        return await persistently(attempt, once=turn if once else None, turns=turns)


async def persistently(
    attempt: Callable[[], Awaitable[T]], *, once: Key | None = None, turns: Turns | None = None
) -> T:
    """The same for who takes no turn at first; a race for the document ``once`` is lost only once.

    With ``turns`` those of one process that lost a race for the same document, the balance of an
    account, say, try again one after the other: of many at once all but one would lose again.
    """
    lost: Key | None = None
    began = started = time.monotonic()
    tried = 0
    while True:
        tried += 1
        try:
            if turns and lost:
                async with turns.after_loss(lost):
                    started = time.monotonic()
                    return await attempt()
            started = time.monotonic()
            return await attempt()
        except Conflict as conflict:
            if conflict.code != Conflict.code:  # no lost race: what is asked cannot be
                raise
            if once is not None and conflict.about in (None, once):
                raise
            lost = conflict.about if isinstance(conflict.about, Key) else None
            # It may be no race: what there is already stays.
            is_race = lost is not None and not conflict.is_new
            if tried >= ATTEMPTS and not (is_race and started - began < PATIENCE):
                raise
        await asyncio.sleep(random.random() * max(PAUSE, time.monotonic() - started))


async def save(change: Change, action: str) -> Document:
    """Write one created or changed document: judge, prepare, stamp, commit, react.

    Raises what :func:`judge` raises, and :class:`Conflict`.
    """
    final = await settled(change)
    try:
        await change.actor.services.commit(change.batch(action, final))
    except ClaimTaken as taken:
        raise ValidationFailed(await clashes(change, taken.holders)) from None
    await react(change)
    return change.document


async def remove(change: Change, *, is_soft: bool) -> Document:
    """Delete one document: hooks may refuse or add writes, then one commit does it all.

    What is left is the document as it was, marked as deleted.
    """
    final, revision = await settled_removal(change, is_soft=is_soft)
    await change.actor.services.commit(change.batch("deleted", final))
    await react(change)
    return {**(change.current or {}), "_rev": revision, "pvt_deleted": True}


async def commit_private(change: Change) -> Document:
    """Write private facts of a document: nothing that a schema describes is touched."""
    require_writable(change)
    document = stamped(change.actor, change.key, change.document)
    expected = change.current["_rev"] if change.current else None
    final = put_of(change.family, change.key, document, expected)
    await change.actor.services.commit(change.batch("changed", final))
    return document


async def judge(change: Change) -> None:
    """Normalise, validate and check what is proposed; afterwards it may be written.

    Raises :class:`Forbidden` for a field that is not the caller's to change,
    :class:`ValidationFailed` with every refused field, :class:`PreconditionFailed`,
    :class:`UnsupportedMediaType`.
    """
    services, hooks = change.actor.services, change.family.hooks
    limited = caller_without_powers(change)
    if limited:
        await keep_guarded(change, limited)
    for stage in hooks.normalize:
        await stage(change)
    change.document, errors = await services.schemas.judged(change.family.schema, change.document)
    if limited:
        await require_powers(change, limited)
    change.refusals.merge(errors)
    for stage in hooks.check:
        await stage(change)
    if change.refusals:
        # Uniqueness is reported together with the other refusals.
        change.refusals.merge(await clashes(change, await holders_of(change)))
        raise ValidationFailed(change.refusals)
    require_writable(change)


async def settled(change: Change) -> Put:
    """What a change is going to write: judged, prepared and stamped, not committed.

    Raises what :func:`judge` raises.
    """
    await judge(change)
    change.document |= private(change.current or {})
    for stage in change.family.hooks.prepare:
        await stage(change)
    change.document = stamped(change.actor, change.key, change.document)
    expected = change.current["_rev"] if change.current else None
    return put_of(change.family, change.key, change.document, expected)


async def settled_removal(change: Change, *, is_soft: bool) -> tuple[Put | Remove, str]:
    """What a deletion is going to write, after its hooks, and the revision that it leaves."""
    current = change.current or {}
    for stage in change.family.hooks.deleting:
        await stage(change)
    document = stamped(change.actor, change.key, {**current, "pvt_deleted": True})
    expected, revision = current.get("_rev"), str(document["_rev"])
    if is_soft and not change.is_final:
        return put_of(change.family, change.key, document, expected), revision
    return Remove(change.key, expected), revision


async def react(change: Change) -> None:
    """Run reactions. The write is done and stays done, so a failure here is logged only."""
    for stage in change.family.hooks.committed:
        try:
            await stage(change)
        except Exception:
            log.exception("committed_hook_failed", hook=stage.__name__, document=change.key.doc_id)


class Work:
    """Everything that one commit writes: changes, what follows from them, and their numbers.

    A change may alter other documents, and two of them the same one; so all is gathered here and
    committed once, all of it or nothing. ``places`` are the highest places that it has given to
    rows of lists that people order by hand, by the name of the list. ``also`` are further writes
    by the name of what asks for them, which may ask anew; ``notes`` are as those of a change.
    ``events`` are those to be told beside those of the documents (``core.telling``).
    ``written`` are, after the commit, the documents that were :meth:`put`, as they are stored.
    """

    def __init__(self, actor: Actor, request: Request | None = None) -> None:
        self.actor = actor
        self.request = request
        self.places: dict[str, int] = {}
        self.written: dict[Key, Document] = {}
        self.also: dict[str, Writes] = {}
        self.notes: dict[Note[Any], Any] = {}
        self.events: list[Event] = []
        self._changes: list[tuple[Change, Batch]] = []
        self._sequences: dict[Key, tuple[int, Put]] = {}
        self._others: dict[Key, tuple[Collection, Document]] = {}
        self._removes: dict[Key, tuple[Remove, Event]] = {}
        self._asked: list[Put] = []

    async def number(self, sequence: Key) -> int:
        """The next number of a sequence; used up by this commit only."""
        number, put = self._sequences.get(sequence, (0, None))
        number, put = await next_number(self.actor.services.store, sequence, put)
        self._sequences[sequence] = number, put
        return number

    async def save(self, change: Change) -> Document:
        """Add a created or changed document, through the stages of its family."""
        change.work = self
        final = await settled(change)
        action = "changed" if change.current else "created"
        self._changes.append((change, change.batch(action, final)))
        return change.document

    async def delete(self, change: Change, *, is_soft: bool) -> None:
        """Add a deletion, through the stages of its family."""
        change.work = self
        final, _ = await settled_removal(change, is_soft=is_soft)
        self._changes.append((change, change.batch("deleted", final)))

    async def other(self, family: Collection, key: Key) -> Document | None:
        """A document that follows from the changes, to be altered in place; it will be written."""
        if key not in self._others:
            document = await self.actor.services.store.get(key)
            if document is None or document.get("pvt_deleted"):
                return None
            self.put(family, key, document)
        return self._others[key][1]

    def put(self, family: Collection, key: Key, document: Document) -> None:
        """Write a document that needs no judgement: a link, a number given to somebody."""
        self._others[key] = (family, document)

    def writes(self, key: Key) -> bool:
        """Whether the work writes this document."""
        return key in self._others

    def remove(self, key: Key, document: Document) -> None:
        """Remove a document that follows from others for good."""
        remove = Remove(key, document.get("_rev"))
        self._others.pop(key, None)
        self._removes[key] = (remove, event_of(self.actor, "deleted", remove, document))

    def ask(self, kind: Kind, about: Document, *, after: float = 0) -> None:
        """Ask for a job in the same commit, which is due in so many seconds."""
        self._asked.append(asked(self.actor.services.clock, kind, about, after=after))

    async def commit(self) -> None:
        """Write it all. Raises :class:`Conflict` and :class:`ValidationFailed`."""
        batch = self._batch()
        if not (batch.puts or batch.removes or batch.events):
            return
        try:
            await self.actor.services.commit(batch)
        except ClaimTaken as taken:
            for change, _ in self._changes:
                if errors := await clashes(change, taken.holders):
                    raise ValidationFailed(errors) from None
            raise Conflict from None
        for change, _ in self._changes:
            await react(change)

    def _batch(self) -> Batch:
        batches = [batch for _, batch in self._changes]
        others = [self._put_of(key, *other) for key, other in self._others.items()]
        self.written = {put.key: put.document for put in others}
        told = [
            event_of(self.actor, "changed" if put.expected else "created", put) for put in others
        ]
        return Batch(
            puts=[
                *(put for batch in batches for put in batch.puts),
                *others,
                *(put for _, put in self._sequences.values()),
                *(put for writes in self.also.values() for put in writes.puts),
                *self._asked,
            ],
            removes=[
                *(remove for batch in batches for remove in batch.removes),
                *(remove for remove, _ in self._removes.values()),
            ],
            events=[
                *(event for batch in batches for event in batch.events),
                *told,
                *(event for _, event in self._removes.values()),
                *self.events,
            ],
            drop_attachments=[each for batch in batches for each in batch.drop_attachments],
            records=[
                *(each for batch in batches for each in batch.records),
                *(put for writes in self.also.values() for put in writes.records),
            ],
        )

    def _put_of(self, key: Key, family: Collection, document: Document) -> Put:
        expected = document.get("_rev")
        return put_of(family, key, stamped(self.actor, key, document), expected)


async def perform(
    actor: Actor,
    turn: Key,
    build: Callable[[Work], Awaitable[T]],
    request: Request | None = None,
) -> T:
    """Build the work, commit it, answer what building it gave; in turn (:func:`in_turn`)."""

    async def attempt() -> T:
        work = Work(actor, request)
        outcome = await build(work)
        await work.commit()
        return outcome

    return await in_turn(actor, turn, attempt)
