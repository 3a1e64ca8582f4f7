"""Commits of the MongoDB store: the batches that wait are written together, in one transaction.

Every transaction first writes the counter of events. Of two that overlap, in whatever processes,
MongoDB then fails one at once, and it tries again: commits happen one after the other. So events
are numbered in commit order, no reader sees a number before a lower one, and what a transaction
has read (revisions, holders of claims) is still true when it commits.

A batch that is refused is left out, with its exception, and the others go on.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any

from pymongo import DeleteOne, InsertOne, ReplaceOne, ReturnDocument
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import PyMongoError

from crossbar.storage import Batch, DocumentTooBig, Key, Observer, Unreachable, check_records
from crossbar.storage.mongodb import plans, records
from crossbar.storage.mongodb.driver import (
    FAILURES,
    Connection,
    Record,
    Refused,
    outcome_unknown,
    passing,
    told,
    too_big,
    unreachable,
)
from crossbar.storage.mongodb.files import Files
from crossbar.storage.mongodb.journals import BucketGone, Journals

COUNTER = {"_id": "events"}

GROUP = 100
"""Batches that one transaction takes at most."""

PATIENCE = 10.0
"""Seconds for which a transaction is tried again before the store counts as unreachable."""

_SHORTEST, _LONGEST = 0.002, 0.1
"""Seconds between two tries: the first pause, and what it grows to."""

_READ = {"account_id": 1, "doc_type": 1, "doc_id": 1, "rev": 1, "claims": 1}

Write = InsertOne[Record] | ReplaceOne[Record] | DeleteOne
Outcome = int | Exception
"""The number of a batch's last event, 0 when it has none; or why the batch was not written."""


class Commits:
    """Gathers the batches of one process, and commits them."""

    def __init__(
        self, connection: Connection, files: Files, journals: Journals, observer: Observer
    ) -> None:
        database = connection.database
        self._connection = connection
        self._documents = database["documents"]
        self._claims = database["claims"]
        self._events = database["events"]
        self._counters = database["counters"]
        self._files = files
        self._journals = journals
        self._observer = observer
        self._waiting: deque[tuple[Batch, asyncio.Future[int]]] = deque()
        self._working: asyncio.Task[None] | None = None
        self._closed = False

    async def commit(self, batch: Batch) -> int:
        """Write the batch; see :meth:`crossbar.storage.Store.commit`."""
        if self._closed:
            raise Unreachable("the store is closed")
        check_records(batch)
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append((batch, done))
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work())
        return await done

    async def close(self) -> None:
        """Refuse further batches and finish those that wait."""
        self._closed = True
        if self._working is not None:
            await self._working

    async def _work(self) -> None:
        while self._waiting:
            group = [self._waiting.popleft()]
            while self._waiting and len(group) < GROUP and self._go_together(group[0][0]):
                group.append(self._waiting.popleft())
            outcomes = await self._outcomes([batch for batch, _ in group])
            for (_, done), outcome in zip(group, outcomes, strict=True):
                if done.cancelled():
                    continue
                if isinstance(outcome, Exception):
                    done.set_exception(outcome)
                else:
                    done.set_result(outcome)

    def _go_together(self, batch: Batch) -> bool:
        """Whether the batch and the next one that waits may be committed together.

        What is appended after a bucket was dropped belongs to its successor, which is made between
        two transactions.
        """
        return not batch.drop_buckets and not self._waiting[0][0].drop_buckets

    async def _outcomes(self, batches: Sequence[Batch]) -> list[Outcome]:
        """Commit the batches, trying again as long as that makes sense; what became of each."""
        clock = asyncio.get_running_loop().time
        deadline, pause = clock() + PATIENCE, _SHORTEST
        while True:
            began = time.perf_counter()
            try:
                outcomes = await self._try(batches, deadline)
                self._observer(len(batches), time.perf_counter() - began)
                return outcomes
            except Unreachable as failure:
                return [Unreachable(*failure.args) for _ in batches]
            except Exception as failure:
                if not isinstance(failure, BucketGone) and not passing(failure):
                    return await self._apart(batches, failure)
                if clock() > deadline:
                    return [unreachable(failure) for _ in batches]
            await asyncio.sleep(random.uniform(pause / 2, pause))
            pause = min(2 * pause, _LONGEST)

    async def _apart(self, batches: Sequence[Batch], failure: Exception) -> list[Outcome]:
        """Something in the group cannot be written: find the culprit, let the others through."""
        if len(batches) > 1:
            return [outcome for batch in batches for outcome in await self._outcomes([batch])]
        if too_big(failure):
            return [DocumentTooBig()]
        if isinstance(failure, FAILURES):
            return [Refused(f"MongoDB refuses the write: {told(failure)}")]
        return [failure]

    async def _try(self, batches: Sequence[Batch], deadline: float) -> list[Outcome]:
        """One transaction. Leaving it without a commit undoes all."""
        await self._journals.prepare(batches)
        async with self._connection.transaction() as session:
            total = sum(len(batch.events) for batch in batches)
            last = await self._advance(session, total)
            buckets, revisions = await self._journals.read(session, batches)
            plan = await self._read(session, plans.needs(batches), revisions)
            refusals = plans.verdicts(plan, batches)
            pairs = zip(batches, refusals, strict=True)
            admitted = [batch for batch, refusal in pairs if refusal is None]
            if admitted:
                await self._write(session, plan)
                await self._journals.write(session, buckets, plan.record_changes())
                await self._log(session, admitted, last - total, total)
                dropped = await self._drop(session, admitted)
                await _finish(session, deadline)
                if dropped:
                    self._files.sweep_soon()
        return list(_outcomes(batches, refusals, last - total))

    async def _advance(self, session: AsyncClientSession, by: int) -> int:
        """Count events, and this commit: a write even without events, so that it excludes others.

        Returns the number of the last event.
        """
        counter: Any = await self._counters.find_one_and_update(
            COUNTER,
            {"$inc": {"number": by, "commits": 1}},
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        number: int = counter["number"]
        return number

    async def _read(
        self, session: AsyncClientSession, needed: plans.Needs, revisions: Mapping[Key, str]
    ) -> plans.Plan:
        """What the plan must know. The accounts beside the ids tell a cluster which shards."""
        documents: list[Record] = []
        claims: list[Record] = []
        if needed.documents:
            wanted: Record = {
                "_id": {"$in": needed.documents},
                "account_id": {"$in": needed.accounts},
            }
            documents += await self._documents.find(wanted, _READ, session=session).to_list(None)
        if needed.purged:
            wanted = {"account_id": {"$in": needed.purged}}
            documents += await self._documents.find(wanted, _READ, session=session).to_list(None)
        if needed.claims:
            wanted = {"_id": {"$in": needed.claims}}
            claims += await self._claims.find(wanted, session=session).to_list(None)
        return plans.Plan(documents, claims, revisions)

    async def _write(self, session: AsyncClientSession, plan: plans.Plan) -> None:
        documents = list(_document_writes(plan))
        if documents:
            await self._documents.bulk_write(documents, session=session)
        claims = list(_claim_writes(plan))
        if claims:
            await self._claims.bulk_write(claims, session=session)

    async def _log(
        self, session: AsyncClientSession, admitted: Sequence[Batch], before: int, total: int
    ) -> None:
        """Write the events, and give back the numbers that refused batches do not need."""
        events = [event for batch in admitted for event in batch.events]
        if events:
            await self._events.insert_many(
                map(records.event_record, count(before + 1), events), session=session
            )
        if len(events) < total:
            surplus = {"$inc": {"number": len(events) - total}}
            await self._counters.update_one(COUNTER, surplus, session=session)

    async def _drop(self, session: AsyncClientSession, admitted: Sequence[Batch]) -> bool:
        """Make attachments and records litter; whether there were any to look for."""
        attachments = [dropped for batch in admitted for dropped in batch.drop_attachments]
        accounts = [account for batch in admitted for account in batch.purge]
        buckets = [bucket for batch in admitted for bucket in batch.drop_buckets]
        if not attachments and not accounts and not buckets:
            return False
        await self._files.drop(session, attachments, accounts)
        await self._journals.forget(session, buckets, accounts)
        return True


def _outcomes(
    batches: Sequence[Batch], refusals: Sequence[Exception | None], before: int
) -> Iterator[Outcome]:
    """What became of each batch, ``before`` being the last number of earlier events."""
    number = before
    for batch, refusal in zip(batches, refusals, strict=True):
        if refusal is None:
            number += len(batch.events)
        yield refusal or (number if batch.events else 0)


async def _finish(session: AsyncClientSession, deadline: float) -> None:
    """Commit. While the outcome is unknown the same commit is asked for again, which is harmless.

    Raises :class:`~crossbar.storage.Unreachable` when it stays unknown: such a group must not be
    written anew.
    """
    clock = asyncio.get_running_loop().time
    while True:
        try:
            await session.commit_transaction()
        except PyMongoError as failure:
            if passing(failure):
                raise
            if not outcome_unknown(failure) or clock() > deadline:
                raise unreachable(failure) from failure
            await asyncio.sleep(_LONGEST)
        else:
            return


def _document_writes(plan: plans.Plan) -> Iterator[Write]:
    for name, account_id, rev, record in plan.document_changes():
        # As in reads, the account tells a cluster which shard.
        place = {"_id": name, "account_id": account_id}
        if record is None:
            yield DeleteOne(place)
        elif rev is None:
            yield InsertOne(record)
        else:
            yield ReplaceOne({**place, "rev": rev}, record)


def _claim_writes(plan: plans.Plan) -> Iterator[Write]:
    for name, before, after in plan.claim_changes():
        if after is None:
            yield DeleteOne({"_id": name})
        elif before is None:
            yield InsertOne({"_id": name, **after._asdict()})
        else:
            yield ReplaceOne({"_id": name}, {"_id": name, **after._asdict()})
