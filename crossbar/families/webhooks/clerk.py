"""Writing what becomes of deliveries: of many in one commit, with the place in the log.

The place is the number of the last event before the first that is not dealt with. What is sent at
once and taken costs one record; what takes longer than a moment is stored, so that the place moves
on, whatever a receiver does. A process that is killed leaves the place where it is, so another
begins with what this one had not finished.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple

import structlog

from crossbar.core.services import Services
from crossbar.documents import Document
from crossbar.errors import Conflict, CrossbarError, NoSuchDocument
from crossbar.families.webhooks.deliveries import done, is_stored, place_of, waiting_put
from crossbar.families.webhooks.gaps import Gap, note_gap
from crossbar.families.webhooks.lease import STATE, Lease
from crossbar.storage import Batch, Put, StoreError

log = structlog.get_logger(__name__)

AT_ONCE = 250
"""Deliveries that are written in one commit."""

PACE = 0.04
"""Seconds between two commits, unless much waits: meanwhile others come together for the next."""

MOMENT = 0.3
"""Seconds that a delivery may hold the place in the log up, before it is stored."""

MOST = 4000
"""Deliveries that are not written, at which nothing more is begun."""

TICK = 0.1
"""Seconds between two looks whether something is to be stored, or the lease to be renewed."""

PAUSE = 0.5
"""Seconds until it is tried again to write what could not be."""


class Outcome(NamedTuple):
    """What has become of a delivery: the attempt, and when it is tried again; ``None``: never."""

    delivery: Document
    attempt: Put | None = None
    again: float | None = None


class Written(NamedTuple):
    """A delivery of which something was written: whether it was stored before, and is now."""

    delivery: Document
    was_stored: bool
    is_stored: bool
    again: float | None = None
    is_settled: bool = False


class Clerk:
    """Writes for the process that delivers; ``tell`` is called for all that was written."""

    def __init__(self, services: Services, lease: Lease, tell: Callable[[Written], None]) -> None:
        self.reached = lease.reached
        self._services = services
        self._lease = lease
        self._tell = tell
        self._open: OrderedDict[str, tuple[int, float, Document]] = OrderedDict()
        self._outcomes: list[Outcome] = []
        self._kept: list[Document] = []
        self._gaps: dict[str, Gap] = {}
        self._woken = asyncio.Event()
        self._is_ending = False

    def begin(self, number: int, delivery: Document) -> None:
        """A delivery is made of an event of the log, and holds up the place in it."""
        self._open[delivery["_id"]] = (number, time.monotonic(), delivery)

    def settle(self, outcome: Outcome) -> None:
        """Write it with the next commit."""
        self._outcomes.append(outcome)
        self._woken.set()

    def keep(self, delivery: Document) -> None:
        """Store a delivery with the next commit."""
        self._kept.append(delivery)
        self._woken.set()

    def leave_out(self, delivery: Document) -> None:
        """Count a report that is not delivered, since too many wait."""
        place = place_of(delivery["account_id"], delivery["hook_id"])
        self._gaps[place] = Gap.of(delivery).plus(self._gaps.get(place))
        self._woken.set()

    @property
    def is_behind(self) -> bool:
        """Whether so much is to be written that nothing more should be begun."""
        return len(self._open) + len(self._outcomes) + len(self._kept) >= MOST

    async def work(self) -> None:
        """Write until :meth:`end`. Raises :class:`Conflict` when another process delivers."""
        is_writable = True
        while not self._is_ending:
            with suppress(TimeoutError):
                async with asyncio.timeout(TICK):
                    await self._woken.wait()
            self._woken.clear()
            try:
                await self.write()
                is_writable = True
                has_many = len(self._outcomes) + len(self._kept) >= AT_ONCE
                await asyncio.sleep(0 if has_many else PACE)
            except (StoreError, CrossbarError) as error:
                if _is_lost(error):
                    raise
                if is_writable:
                    log.warning("webhook_outcomes_not_written", error=repr(error))
                is_writable = False
                self._woken.set()
                await asyncio.sleep(PAUSE)

    def end(self) -> None:
        """Have :meth:`work` return after the commit that is under way."""
        self._is_ending = True
        self._woken.set()

    async def write(self) -> None:
        """Write some of what waits, and what holds the place up."""
        await self._write_gaps()
        outcomes, stored = self._outcomes[:AT_ONCE], self._kept[:AT_ONCE]
        stored += self._unwritten(time.monotonic() - MOMENT)[:AT_ONCE]
        if outcomes or stored:
            await self._write(outcomes, stored)
        elif self._lease.is_old:
            await self._lease.write(self._place(()), self.reached)
        if self._outcomes or self._kept:
            self._woken.set()

    async def finish(self) -> None:
        """Write everything, and let another process deliver."""
        with suppress(StoreError, CrossbarError):
            self._kept += self._unwritten(time.monotonic())
            while self._outcomes or self._kept or self._gaps:
                await self.write()
            await self._lease.release(self._place(()), self.reached)

    def _unwritten(self, until: float) -> list[Document]:
        """What has held the place up since a time, and is not about to be written."""
        found: list[Document] = []
        writing = {each.delivery["_id"] for each in self._outcomes}
        writing.update(each["_id"] for each in self._kept)
        for name, (_, since, delivery) in self._open.items():
            if since > until:
                break
            if name not in writing:
                found.append(delivery)
        return found

    def _place(self, written: Iterable[str]) -> int:
        """The number of the last event before those that are not dealt with."""
        done = set(written)
        number = next((n for name, (n, _, _) in self._open.items() if name not in done), None)
        place = self.reached if number is None else number - 1
        return min([place, *(gap.number - 1 for gap in self._gaps.values())])

    async def _write(self, outcomes: Sequence[Outcome], stored: Sequence[Document]) -> None:
        """Write these in one commit; if one of them cannot be written, each in its own."""
        batch = _batch_of(outcomes, stored)
        names = [each.delivery["_id"] for each in outcomes] + [each["_id"] for each in stored]
        try:
            await self._lease.write(self._place(names), self.reached, batch)
        except StoreError:
            raise
        except Exception as error:  # whatever it is, it must not hold up all others for ever
            if _is_lost(error):
                raise
            if len(names) > 1:
                for outcome in outcomes:
                    await self._write([outcome], [])
                for delivery in stored:
                    await self._write([], [delivery])
                return
            # As a rule the account is gone, and with it what was to be written.
            if not isinstance(error, Conflict | NoSuchDocument):
                log.exception("webhook_outcome_not_written", delivery=names[0])
            if outcomes and outcomes[0].attempt is not None:
                await self._write([outcomes[0]._replace(attempt=None)], [])
                return
            batch = Batch()
        self._note(outcomes, stored, batch)

    def _note(self, outcomes: Sequence[Outcome], stored: Sequence[Document], batch: Batch) -> None:
        """Remember what is written by now, and tell of it."""
        revisions = {put.key.doc_id: put.document["_rev"] for put in batch.puts}
        settled, kept = {id(each.delivery) for each in outcomes}, set(map(id, stored))
        self._outcomes = [each for each in self._outcomes if id(each.delivery) not in settled]
        self._kept = [each for each in self._kept if id(each) not in kept]
        for outcome in outcomes:
            name, was_stored = outcome.delivery["_id"], is_stored(outcome.delivery)
            self._open.pop(name, None)
            self._tell(
                Written(
                    outcome.delivery, was_stored, name in revisions, outcome.again, is_settled=True
                )
            )
        for delivery in stored:
            name = delivery["_id"]
            self._open.pop(name, None)
            if name in revisions:
                delivery["_rev"] = revisions[name]
            self._tell(Written(delivery, was_stored=False, is_stored=name in revisions))

    async def _write_gaps(self) -> None:
        gaps, self._gaps = self._gaps, {}
        while gaps:
            place, gap = gaps.popitem()
            try:
                await note_gap(self._services, gap)
            except NoSuchDocument:
                pass  # the account is gone
            except BaseException:
                for name, each in ((place, gap), *gaps.items()):
                    self._gaps[name] = each.plus(self._gaps.get(name))
                raise


def _is_lost(error: Exception) -> bool:
    """Whether another process delivers by now."""
    return isinstance(error, Conflict) and error.about == STATE


def _batch_of(outcomes: Iterable[Outcome], stored: Iterable[Document]) -> Batch:
    again = [waiting_put(each.delivery, each.again) for each in outcomes if each.again is not None]
    over = [each.delivery for each in outcomes if each.again is None]
    return Batch(
        puts=[*again, *map(waiting_put, stored)],
        removes=[done(delivery) for delivery in over if is_stored(delivery)],
        records=[each.attempt for each in outcomes if each.attempt is not None],
    )
