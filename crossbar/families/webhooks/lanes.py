"""Delivering: each webhook has a lane of its own, so that one that is dead holds up no other.

A lane keeps some deliveries in memory; the others wait in the store. Reports of one document are
begun in the order of their commits, and the next only when the one before was tried; one that
failed waits for its time, and those after it do not wait for it.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any

import structlog

from crossbar.core.services import Services
from crossbar.documents import Document
from crossbar.errors import CrossbarError
from crossbar.families.webhooks.attempts import SUCCESS, attempt_put, tried
from crossbar.families.webhooks.deliveries import (
    again_later,
    done,
    due_at,
    place_of,
    waiting_for,
)
from crossbar.families.webhooks.disabling import disable
from crossbar.families.webhooks.reports import HOOK_TYPE
from crossbar.families.webhooks.settling import Outcome, Settler
from crossbar.storage import Key, StoreError

log = structlog.get_logger(__name__)

AT_ONCE = 8
"""Deliveries of a webhook that are under way at a time; one while they fail."""

HEALTHY, FAILING = 256, 64
"""Deliveries that are under way at a time to webhooks that answer, and to those that fail."""

ROOM = 500
"""Deliveries of a webhook that wait in memory."""

TOO_MANY = 5
"""Failures in a row after which a webhook is asked less and less often, by one at a time."""

LONGEST_REST = 300.0
"""Seconds, at most, that it is left alone between two."""

TICK = 0.1
"""Seconds between two looks for what has become due."""

PATIENCE = 2.0
"""Seconds that deliveries under way get to finish when the gateway stops."""


@dataclass(eq=False)
class Lane:
    """The deliveries of one webhook: what is ready, what is under way, when to look for more."""

    account_id: str
    hook_id: str
    ready: deque[Document] = field(default_factory=deque)
    known: set[str] = field(default_factory=set)
    busy: set[str] = field(default_factory=set)
    next_due: float | None = None
    has_more: bool = True
    is_looking: bool = False
    failures: int = 0
    rests_until: float = 0.0

    def offer(self, delivery: Document) -> None:
        """One that is due. If there is no room, it stays where it is until there is."""
        if delivery["_id"] in self.known:
            return
        if len(self.ready) >= ROOM:
            self.has_more = True
            return
        self.ready.append(delivery)
        self.known.add(delivery["_id"])

    def take(self) -> Document | None:
        """The next that may be begun: none about what another is under way about."""
        allowed = 1 if self.failures >= TOO_MANY else AT_ONCE
        if len(self.busy) >= allowed or time.monotonic() < self.rests_until:
            return None
        for index, delivery in enumerate(self.ready):
            if delivery["report"]["about"] not in self.busy:
                del self.ready[index]
                self.busy.add(delivery["report"]["about"])
                return delivery
        return None

    def finished(self, delivery: Document) -> None:
        """One is not under way any more."""
        self.busy.discard(delivery["report"]["about"])
        self.known.discard(delivery["_id"])

    def note(self, *, success: bool) -> None:
        """How one went."""
        self.failures = 0 if success else self.failures + 1
        if self.failures >= TOO_MANY:
            rest = min(2.0 ** min(self.failures - TOO_MANY, 16), LONGEST_REST)
            self.rests_until = time.monotonic() + random.uniform(0.5, 1) * rest
        else:
            self.rests_until = 0.0

    def due(self, at: float) -> None:
        """Something in the store is to be looked for at a time, in Unix seconds."""
        self.next_due = at if self.next_due is None else min(self.next_due, at)

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits, here or in the store."""
        return not (self.known or self.has_more or self.is_looking or self.next_due is not None)


class Lanes:
    """The lanes of the process that delivers."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lanes: dict[str, Lane] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._settler = Settler(services)
        self._healthy = asyncio.Semaphore(HEALTHY)
        self._failing = asyncio.Semaphore(FAILING)

    def offer(self, deliveries: Iterable[Document]) -> None:
        """Deliveries that were just written."""
        for each in deliveries:
            lane = self._lane(each["account_id"], each["hook_id"], is_new=False)
            lane.offer(each)
            self._pump(lane)

    def look(self, account_id: str, hook_id: str) -> None:
        """There may be deliveries in the store, for this webhook."""
        lane = self._lane(account_id, hook_id, is_new=True)
        lane.has_more = True
        lane.rests_until = 0.0
        self._pump(lane)

    def _lane(self, account_id: str, hook_id: str, *, is_new: bool) -> Lane:
        place = place_of(account_id, hook_id)
        lane = self._lanes.get(place)
        if lane is None:
            lane = self._lanes[place] = Lane(account_id, hook_id, has_more=is_new)
        return lane

    def tick(self) -> None:
        """Begin what has become due, and forget lanes in which nothing waits."""
        now = self._services.clock.precise()
        for place, lane in list(self._lanes.items()):
            if lane.next_due is not None and lane.next_due <= now:
                lane.next_due, lane.has_more = None, True
            if lane.is_empty:
                del self._lanes[place]
            else:
                self._pump(lane)

    async def stop(self) -> None:
        """Wait a moment for what is under way; what is not done then is done by others."""
        if self._tasks:
            _, left = await asyncio.wait(self._tasks, timeout=PATIENCE)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
        await self._settler.finish()
        self._lanes.clear()

    def _pump(self, lane: Lane) -> None:
        while delivery := lane.take():
            self._start(self._deliver(lane, delivery))
        if lane.has_more and not lane.is_looking and len(lane.ready) < AT_ONCE:
            lane.is_looking, lane.has_more = True, False
            self._start(self._look(lane))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name="webhook")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _look(self, lane: Lane) -> None:
        """Read what is due, and when the next is."""
        now = self._services.clock.precise()
        try:
            async for row in waiting_for(self._services, place_of(lane.account_id, lane.hook_id)):
                if due_at(row) > now:
                    lane.due(due_at(row))
                    break
                lane.offer(row.document)
                if lane.has_more:
                    break
        except StoreError:
            lane.due(now + 1)
        finally:
            lane.is_looking = False
        if lane.ready:
            self._pump(lane)

    async def _deliver(self, lane: Lane, delivery: Document) -> None:
        try:
            key = Key(lane.account_id, HOOK_TYPE, lane.hook_id)
            hook = await self._services.store.get(key)
            if hook is None or hook.get("pvt_deleted"):
                await self._settler.settle(Outcome(done(delivery)))
            elif hook.get("enabled") is not False:
                await self._try(lane, hook, delivery)
        except (StoreError, CrossbarError) as error:
            log.warning("webhook_not_tried", error=repr(error))
            lane.due(self._services.clock.precise() + 1)
        except Exception:
            log.exception("webhook_failed", hook=lane.hook_id)
            lane.due(self._services.clock.precise() + 60)
        finally:
            lane.finished(delivery)
        self._pump(lane)

    async def _try(self, lane: Lane, hook: Document, delivery: Document) -> None:
        slots = self._failing if lane.failures >= TOO_MANY else self._healthy
        async with slots:
            attempt = await tried(self._services, hook, delivery["report"], delivery["message_id"])
        now = self._services.clock.precise()
        is_success = attempt["result"] == SUCCESS
        lane.note(success=is_success)
        attempt["try"] = delivery["tries"] + 1
        attempt["delay_ms"] = max(int((now - delivery["asked"]) * 1000), 0)
        is_over = now - delivery["asked"] >= self._services.settings.webhooks.give_up_after
        put = attempt_put(self._services, lane.account_id, attempt)
        if is_success or is_over:
            await self._settler.settle(Outcome(done(delivery), put))
        else:
            later = again_later(self._services.clock, delivery)
            await self._settler.settle(Outcome(later, put))
            lane.due(int(later.sort or "0") / 1000)
        if is_over and not is_success and lane.failures >= TOO_MANY:
            reason = "nothing was delivered for too long"
            await disable(self._services, lane.account_id, lane.hook_id, reason)
