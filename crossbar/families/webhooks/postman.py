"""Following the log of events, and turning what happens into deliveries: one process of all does.

Nothing of it is on the way of a write: a write makes its event, as ever, and who delivers reads
the log. Where nobody has a webhook nothing is read either.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog

from crossbar.core.directory import ACCOUNT_TYPE
from crossbar.core.services import Services
from crossbar.errors import Conflict, CrossbarError
from crossbar.families.accounts import HOOK_PLACE_TYPE as PLACE_TYPE
from crossbar.families.webhooks.deliveries import QUEUED, delivery_put
from crossbar.families.webhooks.lanes import TICK, Lanes
from crossbar.families.webhooks.lease import Lease
from crossbar.families.webhooks.reports import HOOK_TYPE, Hooks, report_of
from crossbar.storage import SYSTEM, Event, Key, Numbered, Put, Span, StoreError

log = structlog.get_logger(__name__)

STANDBY = 2.0
"""Seconds between two looks whether nobody delivers any more."""

POLL = 0.05
"""Seconds between two looks at the log. What this process commits is looked for at once."""

PORTION = 500
"""Deliveries that are written at a time, at most by about as many as there are webhooks."""

BREATH = 50
"""Events after which others get a turn."""


class Postman:
    """The part of one process in delivering: it does, or waits until nobody else does."""

    def __init__(self) -> None:
        self._woken = asyncio.Event()
        self._hooks = Hooks()
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
            await self._wait(STANDBY if has_any else None)

    async def _wait(self, seconds: float | None) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()

    async def _lead(self, services: Services, lease: Lease) -> bool:
        """Deliver until there is no webhook to deliver to; whether there still is one."""
        lanes, number = Lanes(services), lease.reached
        self._is_leading = True
        ticking = asyncio.create_task(_tick(lanes), name="webhooks-due")
        try:
            await self._load(services, lanes)
            if self._hooks:
                number = max(number, min(hook["pvt_since"] for hook in self._hooks.every()))
            while self._hooks:
                self._woken.clear()
                reached = await self._follow(services, lease, lanes, number)
                if reached == number:
                    await self._wait(POLL)
                number = reached
                await lease.renew(number)
            return False
        finally:
            self._is_leading = False
            ticking.cancel()
            await asyncio.gather(ticking, return_exceptions=True)
            await lanes.stop()
            with suppress(StoreError, CrossbarError):
                await lease.release(number)

    async def _load(self, services: Services, lanes: Lanes) -> None:
        self._hooks = Hooks()
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

    async def _follow(self, services: Services, lease: Lease, lanes: Lanes, number: int) -> int:
        """Turn the next events of the log into deliveries; the number of the last one."""
        numbered = await services.store.events(number)
        if numbered and numbered[0].number != number + 1:
            log.warning("webhook_events_missed", after=number, before=numbered[0].number)
        puts: list[Put] = []
        for index, each in enumerate(numbered):
            puts += await self._deliveries(services, lanes, each)
            if len(puts) >= PORTION:
                await lease.write(each.number, puts)
                lanes.offer(put.document for put in puts)
                puts = []
            if index % BREATH == BREATH - 1:
                await asyncio.sleep(0)
        last = numbered[-1].number if numbered else number
        if puts:
            await lease.write(last, puts)
            lanes.offer(put.document for put in puts)
        return last

    async def _deliveries(self, services: Services, lanes: Lanes, numbered: Numbered) -> list[Put]:
        """What is to be delivered of an event, after noting what it says of webhooks."""
        key = numbered.event.key
        if key.doc_type == HOOK_TYPE:
            await self._reload(services, lanes, key.account_id, key.doc_id)
        elif key.doc_type == QUEUED:
            lanes.look(key.account_id, key.doc_id)
        elif key.doc_type == ACCOUNT_TYPE and numbered.event.action == "deleted":
            self._hooks.drop(key.doc_id)
        report = report_of(numbered)
        if report is None:
            return []
        wanting = await self._hooks.telling(services, report)
        return [delivery_put(services.clock, hook, report) for hook in wanting]


async def _tick(lanes: Lanes) -> None:
    while True:
        await asyncio.sleep(TICK)
        lanes.tick()


async def _has_any(services: Services) -> bool:
    return await services.store.count(Span(account_id=SYSTEM, doc_type=PLACE_TYPE), 1) > 0
