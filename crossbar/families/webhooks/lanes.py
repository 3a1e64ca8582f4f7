"""Delivering: each webhook has a lane of its own, so that one that is dead holds up no other.

A lane keeps some deliveries in memory; the others wait in the store. Reports of one document are
begun in the order of their commits, and the next only when the one before was tried; one that
failed waits for its time, and those after it do not wait for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

from crossbar.core.services import Services
from crossbar.documents import Document
from crossbar.errors import CrossbarError
from crossbar.families.webhooks.attempts import SUCCESS, attempt_put, tried
from crossbar.families.webhooks.clerk import Clerk, Outcome, Written
from crossbar.families.webhooks.deliveries import (
    due_at,
    is_stored,
    next_try,
    place_of,
    waiting_for,
)
from crossbar.families.webhooks.disabling import disable
from crossbar.families.webhooks.lane import TOO_MANY, Lane
from crossbar.families.webhooks.lease import Lease
from crossbar.families.webhooks.reports import HOOK_TYPE, Hooks
from crossbar.storage import Key, StoreError

log = structlog.get_logger(__name__)

HEALTHY, FAILING = 512, 64
"""Deliveries that are under way at a time to webhooks that answer, and to those that fail."""

TICK = 0.1
"""Seconds between two looks for what has become due."""

PATIENCE = 2.0
"""Seconds that deliveries under way get to finish when the gateway stops."""


class Lanes:
    """The lanes of the process that delivers."""

    def __init__(self, services: Services, hooks: Hooks, lease: Lease) -> None:
        self.clerk = Clerk(services, lease, self._written)
        self._services = services
        self._hooks = hooks
        self._lanes: dict[str, Lane] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._healthy = asyncio.Semaphore(HEALTHY)
        self._failing = asyncio.Semaphore(FAILING)

    def offer(self, number: int, delivery: Document) -> None:
        """A delivery of an event of the log; it is begun, stored, or left out."""
        lane = self._lane(delivery["account_id"], delivery["hook_id"], is_new=False)
        if lane.has_room:
            self.clerk.begin(number, delivery)
            lane.add(delivery)
            self._pump(lane)
        elif lane.waiting >= self._services.settings.webhooks.max_waiting:
            self.clerk.leave_out(delivery)
        else:
            self.clerk.begin(number, delivery)
            self._keep(lane, delivery)

    def _keep(self, lane: Lane, delivery: Document) -> None:
        lane.unwritten += 1
        self.clerk.keep(delivery)

    def look(self, account_id: str, hook_id: str) -> None:
        """There may be deliveries in the store, for this webhook."""
        lane = self._lane(account_id, hook_id, is_new=True)
        lane.has_more, lane.stored = True, None
        lane.rests_until = 0.0
        self._pump(lane)

    def _lane(self, account_id: str, hook_id: str, *, is_new: bool) -> Lane:
        place = place_of(account_id, hook_id)
        lane = self._lanes.get(place)
        if lane is None:
            stored = None if is_new else 0
            lane = self._lanes[place] = Lane(account_id, hook_id, stored=stored, has_more=is_new)
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
        await self.clerk.finish()
        self._lanes.clear()

    def _pump(self, lane: Lane) -> None:
        while not self.clerk.is_behind and (delivery := lane.take()):
            self._start(self._deliver(lane, delivery))
        if lane.wants_more:
            lane.is_looking, lane.has_more = True, False
            self._start(self._look(lane))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name="webhook")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _look(self, lane: Lane) -> None:
        """Read what is due, and when the next is."""
        now, span = self._services.clock.precise(), waiting_for(place_of(*lane.place))
        try:
            if lane.stored is None:
                most = self._services.settings.webhooks.max_waiting
                lane.stored = await self._services.store.count(span, most)
            async for row in self._services.store.scan(span):
                if due_at(row) > now:
                    lane.due(due_at(row))
                    break
                lane.refill(row.document)
                if lane.has_more:
                    break
        except StoreError:
            lane.due(now + 1)
        finally:
            lane.is_looking = False
        if lane.ready:
            self._pump(lane)

    def _written(self, written: Written) -> None:
        """The store has something new of a delivery."""
        delivery = written.delivery
        lane = self._lane(delivery["account_id"], delivery["hook_id"], is_new=False)
        lane.count(written.is_stored - written.was_stored)
        if written.is_settled:
            lane.known.discard(delivery["_id"])
            if written.again is not None:
                lane.due(int(written.again * 1000) / 1000)
        elif delivery["_id"] not in lane.known:
            lane.unwritten -= 1
            lane.has_more = True
            self._pump(lane)

    async def _deliver(self, lane: Lane, delivery: Document) -> None:
        try:
            hook = self._hooks.get(lane.account_id, lane.hook_id)
            if hook is not None:
                await self._try(lane, hook, delivery)
            else:
                await self._leave(lane, delivery)
        except (StoreError, CrossbarError) as error:
            log.warning("webhook_not_tried", error=repr(error))
            self._later(lane, delivery, 1)
        except Exception:
            log.exception("webhook_failed", hook=lane.hook_id)
            self._later(lane, delivery, 60)
        finally:
            lane.free(delivery)
        self._pump(lane)

    def _later(self, lane: Lane, delivery: Document, seconds: float) -> None:
        """Try it again in so many seconds, as if it had not been tried."""
        lane.due(self._services.clock.precise() + seconds)
        self._put_back(lane, delivery)

    def _put_back(self, lane: Lane, delivery: Document) -> None:
        """Let it wait in the store."""
        lane.known.discard(delivery["_id"])
        if not is_stored(delivery):
            self._keep(lane, delivery)

    async def _leave(self, lane: Lane, delivery: Document) -> None:
        """Reports for a webhook that is off wait; for one that is gone they do not."""
        hook = await self._services.store.get(Key(lane.account_id, HOOK_TYPE, lane.hook_id))
        if hook is None or hook.get("pvt_deleted"):
            self.clerk.settle(Outcome(delivery))
        else:
            self._put_back(lane, delivery)

    async def _try(self, lane: Lane, hook: Document, delivery: Document) -> None:
        services, settings = self._services, self._services.settings.webhooks
        async with self._failing if lane.failures >= TOO_MANY else self._healthy:
            attempt = await tried(services, hook, delivery["report"], delivery["message_id"])
        now = services.clock.precise()
        is_success = attempt["result"] == SUCCESS
        for each in lane.note(success=is_success):
            self._put_back(lane, each)
        attempt["try"] = delivery["tries"] + 1
        attempt["delay_ms"] = max(int((now - delivery["asked"]) * 1000), 0)
        is_over = now - delivery["asked"] >= settings.give_up_after
        put = None
        if settings.keep_successes or not is_success:
            put = attempt_put(services, lane.account_id, attempt)
        again = None if is_success or is_over else next_try(services.clock, delivery)
        self.clerk.settle(Outcome(delivery, put, again))
        if not is_success and settings.switch_off:
            is_dead = is_over and lane.failures >= TOO_MANY
            self._start(self._judge(lane, is_dead=is_dead))

    async def _judge(self, lane: Lane, *, is_dead: bool) -> None:
        """Switch the webhook off if nothing reaches it, or as the account has it configured."""
        try:
            reason = "nothing was delivered for too long" if is_dead else await self._fault(lane)
            if reason:
                await disable(self._services, lane.account_id, lane.hook_id, reason)
        except (StoreError, CrossbarError) as error:  # the next failure is a reason, too
            log.warning("webhook_not_disabled", error=repr(error))

    async def _fault(self, lane: Lane) -> str:
        """What is wrong, if more have failed than the account or the system allows."""
        account = await self._services.accounts.get(lane.account_id)
        if account is None:
            return ""
        found = await self._services.configuration.of_account(account, "webhooks")
        most, seconds = found["attempt_failure_count"], found["attempt_failure_expiry_ms"] / 1000
        if most <= 0 or lane.failed_within(seconds) < most:
            return ""
        return f"{most} deliveries failed within {seconds:g} seconds"
