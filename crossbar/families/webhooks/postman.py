"""Following the log of events, and turning what happens into deliveries: one process of all does.

Nothing of it is on the way of a write: a write makes its event, as ever, and who delivers reads
the log. Where nobody has a webhook nothing is read either.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog

from crossbar.core.directory import ACCOUNT_TYPE
from crossbar.core.services import Services
from crossbar.documents import Document
from crossbar.errors import Conflict, CrossbarError
from crossbar.families.accounts import HOOK_PLACE_TYPE as PLACE_TYPE
from crossbar.families.webhooks.deliveries import QUEUED, delivery_of, key_of
from crossbar.families.webhooks.kinds import OBJECT_TYPES
from crossbar.families.webhooks.lanes import TICK, Lanes
from crossbar.families.webhooks.lease import Lease
from crossbar.families.webhooks.reports import HOOK_TYPE, Hooks, report_of
from crossbar.storage import SYSTEM, Event, Key, Numbered, Span, StoreError

log = structlog.get_logger(__name__)

STANDBY = 2.0
"""Seconds between two looks whether nobody delivers any more."""

BRISK, CALM = 0.02, 0.05
"""Seconds between two looks at the log, for a while after something was found, and later. What
this process commits is looked for at once."""

WHILE = 2.0
"""Seconds."""

PACE = 0.005
"""Seconds between two looks while there is something: one that finds more costs less for each."""

BREATH = 50
"""Events after which others get a turn."""


class Postman:
    """The part of one process in delivering: it does, or waits until nobody else does."""

    def __init__(self) -> None:
        self._woken = asyncio.Event()
        self._hooks = Hooks()
        self._ahead = 0
        self._found = 0.0
        self._is_leading = False

    def notice(self, event: Event) -> None:
        """Something is in the log. See :class:`crossbar.events.Subscriber`."""
        if self._is_leading or event.key.doc_type == HOOK_TYPE:
            self._woken.set()

    def forget(self) -> None:
        """Something may be in the log."""
        self._woken.set()

    @asynccontextmanager
    async def working(self, services: Services) -> AsyncIterator[None]:
        """Deliver for as long as the context is open, if nobody else does."""
        if not services.settings.webhooks.deliver:
            yield
            return
        task = asyncio.create_task(self._for_ever(services), name="webhooks")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _for_ever(self, services: Services) -> None:
        while True:
            self._woken.clear()
            has_any = False
            try:
                has_any = await _has_any(services)
                lease = Lease(services)
                if has_any and await lease.take():
                    has_any = await self._lead(services, lease)
            except Conflict:
                pass  # another process was quicker, or is the one by now
            except (StoreError, CrossbarError) as error:
                log.warning("webhooks_interrupted", error=repr(error))
                has_any = True
            except Exception:  # whatever it is, the next look may be luckier
                log.exception("webhooks_failed")
                has_any = True
            await self._wait(STANDBY if has_any else None)

    async def _wait(self, seconds: float | None) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()

    async def _lead(self, services: Services, lease: Lease) -> bool:
        """Deliver until there is no webhook to deliver to; whether there still is one."""
        self._hooks, self._ahead = Hooks(), lease.ahead
        lanes = Lanes(services, self._hooks, lease)
        self._is_leading = True
        writing = asyncio.create_task(lanes.clerk.work(), name="webhooks-written")
        ticking = asyncio.create_task(_tick(lanes), name="webhooks-due")
        try:
            await self._load(services, lanes)
            if self._hooks:
                since = min(hook["pvt_since"] for hook in self._hooks.every())
                lanes.clerk.reached = max(lanes.clerk.reached, since)
            while self._hooks:
                self._woken.clear()
                await self._follow_on(services, lanes)
                if writing.done():
                    await writing
            return False
        finally:
            self._is_leading = False
            ticking.cancel()
            lanes.clerk.end()
            await asyncio.gather(ticking, writing, return_exceptions=True)
            await lanes.stop()

    async def _follow_on(self, services: Services, lanes: Lanes) -> None:
        """Begin what the log has; wait for more if it has nothing, or more than can be held."""
        before = lanes.clerk.reached
        if not lanes.clerk.is_behind:
            await self._follow(services, lanes)
        if lanes.clerk.is_behind:
            await asyncio.sleep(CALM)
        elif lanes.clerk.reached == before:
            is_calm = time.monotonic() - self._found > WHILE
            await self._wait(CALM if is_calm else BRISK)
        else:
            self._found = time.monotonic()
            await asyncio.sleep(PACE)

    async def _load(self, services: Services, lanes: Lanes) -> None:
        async for row in services.store.scan(Span(account_id=SYSTEM, doc_type=PLACE_TYPE)):
            place = row.document
            await self._reload(services, lanes, place["pvt_account_id"], place["pvt_hook_id"])

    async def _reload(
        self, services: Services, lanes: Lanes, account_id: str, hook_id: str
    ) -> None:
        hook = await services.store.get(Key(account_id, HOOK_TYPE, hook_id))
        if hook is None or hook.get("pvt_deleted") or hook.get("enabled") is False:
            self._hooks.put(account_id, hook_id, None)
        else:
            self._hooks.put(account_id, hook_id, hook)
            lanes.look(account_id, hook_id)

    async def _follow(self, services: Services, lanes: Lanes) -> None:
        """Turn the next events of the log into deliveries."""
        clerk = lanes.clerk
        numbered = await services.store.events(clerk.reached)
        if numbered and numbered[0].number != clerk.reached + 1:
            log.warning("webhook_events_missed", after=clerk.reached, before=numbered[0].number)
        for index, each in enumerate(numbered):
            for delivery in await self._deliveries(services, lanes, each):
                lanes.offer(each.number, delivery)
            clerk.reached = each.number
            if index % BREATH == BREATH - 1:
                await asyncio.sleep(0)

    async def _deliveries(
        self, services: Services, lanes: Lanes, numbered: Numbered
    ) -> list[Document]:
        """What is to be delivered of an event, after noting what it says of webhooks."""
        key = numbered.event.key
        if key.doc_type == HOOK_TYPE:
            await self._reload(services, lanes, key.account_id, key.doc_id)
        elif key.doc_type == QUEUED:
            lanes.look(key.account_id, key.doc_id)
        elif key.doc_type == ACCOUNT_TYPE and numbered.event.action == "deleted":
            self._hooks.drop(key.doc_id)
        types = services.settings.webhooks.object_types or OBJECT_TYPES
        report = report_of(numbered, types)
        if report is None:
            return []
        found = [
            delivery_of(services.clock, hook, report)
            for hook in await self._hooks.telling(services, report)
        ]
        if numbered.number > self._ahead:
            return found
        # Who delivered before has stored some of these.
        return [each for each in found if await services.store.get(key_of(each)) is None]


async def _tick(lanes: Lanes) -> None:
    while True:
        await asyncio.sleep(TICK)
        lanes.tick()


async def _has_any(services: Services) -> bool:
    return await services.store.count(Span(account_id=SYSTEM, doc_type=PLACE_TYPE), 1) > 0
