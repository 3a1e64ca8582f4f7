"""Everything that one request writes, in one commit: rows, what follows from them, their numbers.

A batch is several changes, and a change may alter other documents; two of them may alter the same
one. So what a request writes is gathered here and is committed once, all of it or nothing. When
another writer was quicker, it is done again from the start.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from crossbar.core import recipes
from crossbar.core.change import Change, event_of, put_of
from crossbar.core.requests import Context
from crossbar.core.shapes import Collection
from crossbar.core.stamping import stamped
from crossbar.core.uniqueness import clashes
from crossbar.documents import Document, next_revision
from crossbar.errors import Conflict, ValidationFailed
from crossbar.storage import Batch, ClaimTaken, Event, Key, Put, Remove, RevisionConflict

T = TypeVar("T")

COUNTER = "perscom_counter"
WORK = "work"
"""The note of a change under which its hooks find the work that it is part of."""

VALUES = "values"
"""The note with the columns that the body sets, converted; ``None`` empties one."""

BODY = "body"
"""The note with the body as it was sent."""


class Work:
    """What a request is about to write.

    ``orders`` remembers the highest place that it has given to a row, by component.
    """

    def __init__(self, context: Context) -> None:
        self.context = context
        self.orders: dict[str, int] = {}
        self._batches: list[tuple[Change, Batch]] = []
        self._counters: dict[Key, Document] = {}
        self._others: dict[Key, tuple[Collection, Document]] = {}
        self._removes: dict[Key, tuple[Remove, Event]] = {}

    async def number(self, kind: str) -> int:
        """The next number of a sequence of the account; used up by this commit only."""
        key = _counter_key(self.context, kind)
        counter = self._counters.get(key)
        if counter is None:
            counter = await self.context.services.store.get(key) or {"pvt_last": 0}
            self._counters[key] = counter
        counter["pvt_last"] += 1
        return int(counter["pvt_last"])

    async def save(self, change: Change) -> Document:
        """Add a created or changed document, through the stages of its family."""
        change.notes[WORK] = self
        final = await recipes.settled(change)
        action = "changed" if change.current else "created"
        self._batches.append((change, change.batch(action, final)))
        return change.document

    async def delete(self, change: Change, *, is_soft: bool) -> None:
        """Add a deletion, through the stages of its family."""
        change.notes[WORK] = self
        final, _ = await recipes.settled_removal(change, is_soft=is_soft)
        self._batches.append((change, change.batch("deleted", final)))

    async def other(self, family: Collection, key: Key) -> Document | None:
        """A document that follows from the changes, to be altered in place; it will be written."""
        if key not in self._others:
            document = await self.context.services.store.get(key)
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
        self._removes[key] = (remove, event_of(self.context, "deleted", remove, document))

    async def commit(self) -> None:
        """Write it all. Raises :class:`Conflict` and :class:`ValidationFailed`."""
        batch = self._batch()
        if not (batch.puts or batch.removes):
            return
        try:
            await self.context.services.commit(batch)
        except ClaimTaken as taken:
            for change, _ in self._batches:
                if errors := await clashes(change, taken.holders):
                    raise ValidationFailed(errors) from None
            raise Conflict from None
        except RevisionConflict:
            raise Conflict from None
        for change, _ in self._batches:
            await recipes.react(change)

    def _batch(self) -> Batch:
        batches = [batch for _, batch in self._batches]
        others = [self._put_of(key, *other) for key, other in self._others.items()]
        told = [
            event_of(self.context, "changed" if put.expected else "created", put) for put in others
        ]
        return Batch(
            puts=[
                *(put for batch in batches for put in batch.puts),
                *others,
                *(_counted(key, counter) for key, counter in self._counters.items()),
            ],
            removes=[
                *(remove for batch in batches for remove in batch.removes),
                *(remove for remove, _ in self._removes.values()),
            ],
            events=[
                *(event for batch in batches for event in batch.events),
                *told,
                *(event for _, event in self._removes.values()),
            ],
            drop_attachments=[each for batch in batches for each in batch.drop_attachments],
        )

    def _put_of(self, key: Key, family: Collection, document: Document) -> Put:
        expected = document.get("_rev")
        return put_of(family, key, stamped(self.context, key, document), expected)


def _counter_key(context: Context, kind: str) -> Key:
    return Key(context.account_id, COUNTER, f"{COUNTER}-{kind}")


async def last_number(context: Context, kind: str) -> int:
    """The last number of a sequence of the account that was used; 0 for none."""
    counter = await context.services.store.get(_counter_key(context, kind))
    return int(counter["pvt_last"]) if counter else 0


def _counted(key: Key, counter: Document) -> Put:
    expected = counter.get("_rev")
    document = {
        "_id": key.doc_id,
        "_rev": next_revision(expected),
        "pvt_type": COUNTER,
        "pvt_account_id": key.account_id,
        "pvt_last": counter["pvt_last"],
    }
    return Put(key, document, expected, sort=None)


def work_of(change: Change) -> Work:
    """The work that a change is part of, for its hooks."""
    work: Work = change.notes[WORK]
    return work


async def perform(context: Context, build: Callable[[Work], Awaitable[T]]) -> T:
    """Build the work, commit it, answer what building it gave; again while others are quicker.

    The writers of one account and process take turns, so that only those of other processes race.
    """
    async with context.services.turns.of(Key(context.account_id, COUNTER, COUNTER)):
        for _ in range(recipes.ATTEMPTS):
            work = Work(context)
            outcome = await build(work)
            with suppress(Conflict):
                await work.commit()
                return outcome
    raise Conflict
