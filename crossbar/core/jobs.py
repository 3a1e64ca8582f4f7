"""Durable jobs: work that no answer waits for, and that is done all the same.

A job is a document of the system. It is written in the commit that causes it (:func:`asked`), so
it exists exactly when that commit does, and a server that is killed loses none. Every process
works: who takes a job replaces its document by one that says until when it is taken. A job that
fails is tried again, later each time; one that cannot be done is kept for the operator. So a job
is done at least once: one whose process dies at the last moment is done again.

Some jobs are done again and again (``Kind.every``): of all processes one does it each time.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import structlog

from crossbar.clock import Clock
from crossbar.core.stamping import fresh_id
from crossbar.documents import Document, next_revision
from crossbar.errors import Conflict, CrossbarError
from crossbar.storage import SYSTEM, Batch, Entry, Key, Put, Remove, Row, Span, StoreError

if TYPE_CHECKING:
    from crossbar.core.services import Services

log = structlog.get_logger(__name__)

JOB_TYPE = "job"
FAILED_TYPE = "failed_job"

LONGEST = 270
"""Seconds that a job may take; what takes longer does a part and asks for the rest."""

LEASE = 30
"""Seconds after which another process may take a job, unless who has it says that it goes on.

So one whose process is killed is soon done by another. A store that does not answer for so long
may have a job done twice.
"""

RENEWED = 5.0
"""Seconds after which who does a job says that it goes on."""

AT_ONCE = 8
"""Jobs of a kind that a process does at a time: slow ones of one kind hold up no other.

A kind may say otherwise, whose jobs do little but wait.
"""

LOOKED_AT = 4 * AT_ONCE
"""Jobs that are looked at together: more than are begun, since other processes take some."""

KIND = "kind"
"""The entry by which the jobs of a kind are found."""

POLL = 1.0
"""Seconds between two looks for jobs that are due. Those of this process are begun at once."""

FIRST_PAUSE = 5
LONGEST_PAUSE = 3600
"""Seconds, at most, until a job that failed is tried again: the first time, and later."""

PATIENCE = 5.0
"""Seconds that jobs under way get to finish when the gateway stops."""


class CannotBeDone(Exception):
    """No further attempt at the job would help."""


class NeverFinished(Exception):
    """Each process that tried the job ended before it was done; perhaps the job ended them."""


Run = Callable[["Services", Document], Awaitable[Document | None]]
"""Does a job, given what it is about; may return that for the next time (``Kind.every``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of jobs: its name, and what does them.

    ``attempts`` is how often one is tried, ``at_once`` how many a process does at a time.
    ``lease`` is after how many seconds without news another process may take it: fewer where a
    second one that begins it finds that out. With ``every`` there is one job of the kind
    for ever, done every so many seconds. ``unfinished`` is for what must not be done twice: it is
    done instead of ``run`` when that was begun and has failed, or its process ended.
    """

    name: str
    run: Run
    attempts: int = 12
    every: int = 0
    at_once: int = AT_ONCE
    lease: float = LEASE
    unfinished: Run | None = None


def asked(clock: Clock, kind: Kind | str, about: Document, *, after: float = 0) -> Put:
    """The write that asks for a job of a kind, or of its name, for the commit that causes it.

    ``about`` is what the job needs to know; it holds no secret. ``after`` is in how many seconds
    it is due.
    """
    name = kind if isinstance(kind, str) else kind.name
    return _waiting(clock, Key(SYSTEM, JOB_TYPE, fresh_id(clock)), name, about, after=after)


def due(clock: Clock, put: Put, *, after: float) -> Put:
    """The write by which a job that was just asked for, and waits, is due at another time."""
    return _put(clock, put.key, put.document, after=after)


def _waiting(clock: Clock, key: Key, name: str, about: Document, *, after: float) -> Put:
    document: Document = {"kind": name, "about": about, "attempts": 0, "asked": clock.unix()}
    return _put(clock, key, document, after=after)


def _put(clock: Clock, key: Key, document: Document, *, after: float) -> Put:
    """A job, placed where it is due after so many seconds."""
    before = document.get("_rev")
    stored = {
        **document,
        "_id": key.doc_id,
        "_rev": next_revision(before),
        "pvt_type": key.doc_type,
    }
    entries = (Entry(KIND, document["kind"]),)
    return Put(key, stored, before, sort=_place(clock, after), entries=entries)


def _place(clock: Clock, after: float = 0) -> str:
    return f"{int((clock.precise() + after) * 1000):015d}"


class Jobs:
    """The jobs of one process: what is due, and what is under way."""

    def __init__(self, kinds: Iterable[Kind]) -> None:
        self._kinds = {kind.name: kind for kind in kinds}
        self._woken = asyncio.Event()
        self._under_way: dict[Key, asyncio.Task[None]] = {}
        self._busy: Counter[str] = Counter()
        self._taking = asyncio.Lock()

    def wake(self) -> None:
        """There may be something to do."""
        self._woken.set()

    @asynccontextmanager
    async def working(self, services: Services) -> AsyncIterator[None]:
        """Do jobs for as long as the context is open."""
        await self._begin_recurring(services)
        task = asyncio.create_task(self._for_ever(services), name="jobs")
        try:
            yield
        finally:
            async with self._taking:  # or a job might be taken and never begun
                task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await self._finish()

    async def idle(self, services: Services) -> None:
        """Do what is due now, and return when nothing is left to begin or under way."""
        while await self._take(services) or self._under_way:
            await asyncio.gather(*self._under_way.values(), return_exceptions=True)

    async def _begin_recurring(self, services: Services) -> None:
        for kind in self._kinds.values():
            key = Key(SYSTEM, JOB_TYPE, f"{JOB_TYPE}_{kind.name}")
            if kind.every and await services.store.get(key) is None:
                put = _waiting(
                    services.clock, key, kind.name, {}, after=random.random() * kind.every
                )
                with suppress(Conflict):  # another process is starting too
                    await services.commit(Batch(puts=(put,)))

    async def _for_ever(self, services: Services) -> None:
        while True:
            self._woken.clear()
            try:
                await self._take(services)
            except Exception as error:  # whatever it is, the next look may be luckier
                log.warning("jobs_not_read", error=repr(error))
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL):
                    await self._woken.wait()

    async def _take(self, services: Services) -> bool:
        """Begin jobs that are due, as many as there is room for; whether there was one."""
        begun = False
        async with self._taking:  # one after the other, or both might find the same room
            found = await self._due(services)
            random.shuffle(found)  # other processes look at the same ones
            for row in found:
                key = Key(SYSTEM, JOB_TYPE, row.position.doc_id)
                if self._has_room(row.document) and key not in self._under_way:
                    begun = await self._begin(services, key, row.document) or begun
        return begun

    async def _due(self, services: Services) -> list[Row]:
        """Jobs that are due: all if they are few, else some of each kind that there is room for.

        So jobs of one kind, however many, hide those of no other.
        """
        due = Span(account_id=SYSTEM, doc_type=JOB_TYPE, high=_place(services.clock))
        found = await _first(services, due)
        if len(found) < LOOKED_AT:
            return found
        kinds = [each for each in self._kinds.values() if self._busy[each.name] < each.at_once]
        spans = [replace(due, entry=Entry(KIND, each.name)) for each in kinds]
        return [row for span in spans for row in await _first(services, span)]

    def _has_room(self, job: Document) -> bool:
        """Whether one more job of the kind may be begun; none of a newer version beside us."""
        kind = self._kinds.get(job["kind"])
        return kind is not None and self._busy[kind.name] < kind.at_once

    async def _begin(self, services: Services, key: Key, job: Document) -> bool:
        kind = self._kinds[job["kind"]]
        if job["attempts"] >= kind.attempts and not kind.every:
            error = NeverFinished()
            await self._settle(
                services, self._outcome(services.clock, kind, key, job, None, error)
            )
            return False
        taken = {**job, "attempts": job["attempts"] + 1}
        put = _put(services.clock, key, taken, after=kind.lease)
        try:
            await services.commit(Batch(puts=(put,)))
        except Conflict:
            return False  # another process has it
        task = asyncio.create_task(self._do(services, key, put.document), name=job["kind"])
        self._under_way[key] = task
        self._busy[kind.name] += 1
        task.add_done_callback(lambda _: self._done(key, kind))
        return True

    def _done(self, key: Key, kind: Kind) -> None:
        self._under_way.pop(key, None)
        self._busy[kind.name] -= 1
        self.wake()

    async def _do(self, services: Services, key: Key, job: Document) -> None:
        """Do a job, and write what has become of it."""
        kind = self._kinds[job["kind"]]
        run = kind.unfinished if kind.unfinished and job["attempts"] > 1 else kind.run
        error: BaseException | None = None
        about: Document | None = None
        try:
            hold = partial(_hold, services, key, job, kind)
            async with repeated(hold, every=RENEWED), asyncio.timeout(LONGEST):
                about = await run(services, job["about"])
        except (Exception, asyncio.CancelledError) as failure:
            if _is_stopped():
                # It did not fail. What must not be done twice counts as begun all the same.
                again = {**job, "attempts": max(job["attempts"] - 1, 1 if kind.unfinished else 0)}
                put = _put(services.clock, key, again, after=0)
                await self._settle(services, Batch(puts=(put,)))
                raise
            error = failure
            # What it is about may name people, and an error may repeat it.
            log.warning("job_failed", job=job["kind"], error=type(failure).__name__)
        await self._settle(services, self._outcome(services.clock, kind, key, job, about, error))

    def _outcome(
        self,
        clock: Clock,
        kind: Kind,
        key: Key,
        job: Document,
        about: Document | None,
        error: BaseException | None,
    ) -> Batch:
        if kind.every:
            again = {**job, "attempts": 0, "about": job["about"] if about is None else about}
            return Batch(puts=(_put(clock, key, again, after=kind.every),))
        done = Remove(key, job["_rev"])
        if error is None:
            return Batch(removes=(done,))
        if isinstance(error, CannotBeDone) or job["attempts"] >= kind.attempts:
            log.error("job_given_up", job=kind.name, attempts=job["attempts"])
            failed = {name: job[name] for name in ("kind", "about", "attempts", "asked")}
            failed |= {"error": type(error).__name__, "failed": clock.unix()}
            kept = _put(clock, Key(SYSTEM, FAILED_TYPE, f"failed_{key.doc_id}"), failed, after=0)
            return Batch(puts=(kept,), removes=(done,))
        pause = min(FIRST_PAUSE * 2.0 ** min(job["attempts"] - 1, 16), LONGEST_PAUSE)
        later = random.uniform(0.5, 1) * pause
        return Batch(puts=(_put(clock, key, job, after=later),))

    async def _settle(self, services: Services, batch: Batch) -> None:
        try:
            await services.commit(batch)
        except Conflict:
            log.warning("job_overtaken")  # it took too long, and another process has it now
        except (StoreError, CrossbarError) as error:
            log.warning("job_not_settled", error=repr(error))  # it will be done again

    async def _finish(self) -> None:
        """Wait a moment for the jobs under way; what is not done then is done by others."""
        tasks = set(self._under_way.values())
        if tasks:
            _, left = await asyncio.wait(tasks, timeout=PATIENCE)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)


@asynccontextmanager
async def repeated(do: Callable[[], Awaitable[None]], *, every: float) -> AsyncIterator[None]:
    """Do something every so many seconds, for as long as the context is open.

    At its end what is being done is waited for, not cancelled: what it writes is written then, and
    known.
    """
    is_over = asyncio.Event()
    repeating = asyncio.create_task(_repeat(do, every, is_over))
    try:
        yield
    finally:
        is_over.set()
        await repeating


async def _repeat(do: Callable[[], Awaitable[None]], every: float, is_over: asyncio.Event) -> None:
    while True:
        with suppress(TimeoutError):
            async with asyncio.timeout(every):
                await is_over.wait()
            return
        await do()


async def _hold(services: Services, key: Key, job: Document, kind: Kind) -> None:
    """Put off when another process may take a job, whose document is altered."""
    put = _put(services.clock, key, job, after=kind.lease)
    try:
        await services.commit(Batch(puts=(put,)))
    except Conflict:
        return  # another process has it, as whoever settles it will find out
    except (StoreError, CrossbarError) as error:
        log.warning("job_not_held", error=repr(error))
    else:
        job |= put.document


def _is_stopped() -> bool:
    """Whether the job that asks is cancelled, not only something that it waited for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _first(services: Services, span: Span) -> list[Row]:
    """The first jobs of a span, as many as are looked at together."""
    found = []
    async for row in services.store.scan(replace(span, portion=LOOKED_AT)):
        found.append(row)
        if len(found) == LOOKED_AT:
            break
    return found


async def waiting(services: Services) -> tuple[list[Document], list[Document]]:
    """For operators: the jobs that wait, next ones first, and those that were given up."""
    spans = (
        Span(account_id=SYSTEM, doc_type=JOB_TYPE),
        Span(account_id=SYSTEM, doc_type=FAILED_TYPE, descending=True),
    )
    waiting, failed = [[row.document async for row in services.store.scan(span)] for span in spans]
    return waiting, failed
