"""What lets a call out by a carrier, or in: ceilings that hold for every account, and who pays.

All of it is counted over the legs that run in this switch, and in the others of the store
(``tallies.py``). A call counts at its account and at those above it, up to the nearest reseller:
nobody gets more by making accounts. Whoever asks holds the turn of all these until the leg is
among them, and is in the tally before it is let through, so two calls never take the same place.
Calls that were let out are looked at again while they run: what an account may call in a day, or
has credit for, ends.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from functools import partial

import structlog

from crossbar.core.services import Services
from crossbar.core.turns import Turn
from crossbar.core.writing import persistently
from crossbar.documents import Document
from crossbar.errors import Conflict, CrossbarError, NoSuchDocument
from crossbar.families.billing import limits_of
from crossbar.families.carriers import BILLING
from crossbar.families.switch import EMERGENCY, seconds_of_today
from crossbar.numbers import normalized, spellings
from crossbar.storage import Key, StoreError
from crossbar.switch.asterisk.lines import Line
from crossbar.switch.asterisk.paying import NOTHING, Payers, is_paid_by
from crossbar.switch.asterisk.refusals import Refusals
from crossbar.switch.asterisk.tallies import (
    Standing,
    Tallies,
    Tally,
    charged_in,
    paid_by,
    trunks_in,
)
from crossbar.switch.asterisk.wishes import OUT, Refused, Wish, by_carriers
from crossbar.switch.executor import BARRED
from crossbar.switch.leases import Lease

log = structlog.get_logger(__name__)

MOST_TO_ONE = 3
"""Calls from outside that may leave again to the same number at a time: the rest go in circles."""

LOOK = 1.0
"""Seconds between looks at the calls that run."""


class Tolls:
    """Decides over the legs in ``lines``, and ends those that may not go on by ``end``.

    ``lease`` is that of this switch.
    """

    def __init__(self, services: Services, lines: Mapping[str, Line], lease: Lease) -> None:
        self._services = services
        self._lines = lines
        self._lease = lease
        self._tallies = Tallies(services, lease)
        self._payers = Payers(services)
        self._refusals = Refusals(services)
        self._touched: set[str] = set()
        """Accounts at which a call may have been let through since the legs were counted."""

    async def begin(self) -> None:
        """Know which places are left of a switch that was killed, and keep them for now."""
        await self._lease.hold()
        await self._tallies.begin()

    @asynccontextmanager
    async def turn(self, account_id: str) -> AsyncIterator[None]:
        """What is held from asking until the leg is among those that run."""
        accounts = await self._counted_at(account_id)
        async with AsyncExitStack() as held:
            # From the top, so that no two wait for each other.
            for each in reversed(accounts):
                await held.enter_async_context(self._turn_of(each))
            try:
                yield
            finally:
                self._touched.update(accounts)

    def _turn_of(self, account_id: str) -> Turn:
        return self._services.turns.of(Key(account_id, "tolls", "tolls"))

    async def _counted_at(self, account_id: str) -> tuple[str, ...]:
        account = await self._services.accounts.get(account_id)
        return account.counted_at if account else (account_id,)

    async def terms(self, wish: Wish) -> dict[str, str]:
        """By what the call is let through, for its variables. Raises :class:`Refused`."""
        if wish.is_emergency:
            return {EMERGENCY: "true", BILLING: EMERGENCY}
        wish = replace(wish, number=normalized(wish.number), other=normalized(wish.other))
        try:
            return await persistently(partial(self._let_through, wish))
        except Refused as refused:
            await self._refusals.tell(wish, refused)
            raise

    async def _let_through(self, wish: Wish) -> dict[str, str]:
        """Judge, and take the places in the store, unless another switch was quicker."""
        await self._lease.hold()
        accounts, running = await self._counted_at(wish.account_id), await self._running()
        standings = [await self._tallies.read(each, running.get(each, ())) for each in accounts]
        terms = await self._judge(wish, standings)
        try:
            await self._tallies.write(*((each, _with(wish, terms, each)) for each in standings))
        except NoSuchDocument:
            raise Refused("no_account", "the account is gone", BARRED) from None
        return terms

    async def _judge(self, wish: Wish, standings: Sequence[Standing]) -> dict[str, str]:
        if wish.direction == OUT:
            self._refuse_circles(wish)
        await self._hold_to_ceilings(wish, standings)
        if not self._services.settings.switch.authorize_calls or wish.is_own:
            return {BILLING: NOTHING}
        return await self._payers.terms(wish, standings)

    async def _running(self) -> Mapping[str, list[Line]]:
        """The running legs, by the accounts at which they count."""
        own = {line.account_id for line in self._lines.values()}
        counted_at = {each: await self._counted_at(each) for each in own}
        found: dict[str, list[Line]] = defaultdict(list)
        for line in self._lines.values():
            for account_id in counted_at.get(line.account_id, (line.account_id,)):
                found[account_id].append(line)
        return found

    async def _hold_to_ceilings(self, wish: Wish, standings: Sequence[Standing]) -> None:
        """Hold the call to what may run at a time, and in a day, wherever it counts."""
        for each in standings:
            whose = "the account" if each.account_id == wish.account_id else "an account above"
            running = each.everywhere(but=wish.interaction_id)
            self._count(wish, each.limits, running, whose)
            if wish.direction == OUT and await self._seconds_left(each, running) <= 0:
                message = f"{whose} has called by carriers for as long as it may in a day"
                raise Refused("too_many_minutes", message, BARRED)

    def _count(self, wish: Wish, limits: Document, running: Tally, whose: str) -> None:
        """Hold an account to how many calls it may have at a time."""
        most = limits.get("resource_consuming_calls")
        if most is not None and running.by_carriers >= most:
            message = f"{whose} may have {most} calls by carriers at a time"
            raise Refused("too_many_calls", message)
        usual = self._services.settings.switch.outbound_calls
        is_usual = most is None and wish.direction == OUT
        if is_usual and running.outbound >= usual:
            message = f"{whose} may have {usual} calls out by carriers at a time"
            raise Refused("too_many_calls", message)
        all_calls = limits.get("calls")
        if all_calls is not None and running.calls >= all_calls:
            message = f"{whose} may have {all_calls} calls at a time"
            raise Refused("too_many_calls", message)

    def _refuse_circles(self, wish: Wish) -> None:
        """Refuse what looks like a call that comes back by a carrier whenever it leaves."""
        came = {
            line.interaction_id: line
            for line in self._lines.values()
            if line.is_inbound and line.party.resource_id
        }
        caller = came.get(wish.interaction_id)
        if caller is None:
            return
        if wish.number in spellings(caller.caller_number):
            raise Refused("loop", "a call from outside would go back to who calls", BARRED)
        same = [
            line
            for line in by_carriers(self._lines.values())
            if not line.is_inbound
            and line.account_id == wish.account_id
            and line.interaction_id in came
            and normalized(line.destination) == wish.number
        ]
        if len(same) >= MOST_TO_ONE:
            message = f"{MOST_TO_ONE} calls from outside go to this number already"
            raise Refused("loop", message, BARRED)

    async def _seconds_left(self, standing: Standing, running: Tally) -> float:
        """Seconds that may still be called today at an account, of all calls together."""
        own = standing.limits.get("outbound_minutes")
        minutes = self._services.settings.switch.outbound_minutes if own is None else int(own)
        if not minutes:
            return float("inf")
        used = await seconds_of_today(self._services, standing.account_id)
        return minutes * 60 - used - running.seconds(self._services.clock.gregorian())

    async def work(self, ready: asyncio.Event, end: Callable[[Line], Awaitable[None]]) -> None:
        """End what may not go on, for ever, once it is known what runs."""
        await ready.wait()
        while True:
            await asyncio.sleep(LOOK)
            await self.look(end)

    async def look(self, end: Callable[[Line], Awaitable[None]]) -> None:
        """End what may not go on now, and have the other switches know what does."""
        try:
            await self._lease.hold()
            self._touched.clear()
            running = await self._running()
        except (CrossbarError, StoreError) as error:
            log.warning("running_calls_not_looked_at", error=repr(error))
            return
        for account_id in {*running, *self._tallies.accounts}:
            try:
                await self._look(account_id, running.get(account_id, ()), end)
            except (CrossbarError, StoreError, Refused) as error:
                log.warning("running_calls_not_looked_at", error=repr(error))

    async def _look(
        self, account_id: str, legs: Sequence[Line], end: Callable[[Line], Awaitable[None]]
    ) -> None:
        limits = await limits_of(self._services, account_id)
        is_known = account_id in self._tallies.accounts
        if not (is_known or by_carriers(legs) or limits.get("calls") is not None):
            return
        async with self._turn_of(account_id):
            standing = await self._tallies.read(account_id, legs)
            await self._end_what_may_not_go_on(standing, end)
            if account_id not in self._touched:  # else a leg has come since they were counted
                with suppress(Conflict, NoSuchDocument):  # at the next look; the account is gone
                    await self._tallies.write((standing, standing.here()))

    async def _end_what_may_not_go_on(
        self, standing: Standing, end: Callable[[Line], Awaitable[None]]
    ) -> None:
        carried = by_carriers(standing.legs)
        out = [line for line in carried if not line.is_inbound]
        if out and await self._seconds_left(standing, standing.everywhere()) <= 0:
            await self._end(out, "too_many_minutes", end)
        charged = [line for line in carried if is_paid_by(line, standing.account_id)]
        if charged and await self._left(standing) < 0:
            await self._end(charged, "no_credit", end)

    async def _left(self, standing: Standing) -> int:
        account = await self._payers.account(standing.account_id)
        return await self._payers.left(account, standing)

    async def finish(self) -> None:
        """Give up all places: the calls of this switch are over."""
        for account_id in tuple(self._tallies.accounts):
            standing = await self._tallies.read(account_id, ())
            with suppress(Conflict, NoSuchDocument):  # they are not counted without the lease
                await self._tallies.write((standing, standing.here()))
        await self._lease.release()

    async def _end(
        self, lines: list[Line], reason: str, end: Callable[[Line], Awaitable[None]]
    ) -> None:
        for line in lines:
            if not line.is_ending:
                log.warning("call_ended", call_id=line.channel_id, reason=reason)
                await end(line)
        for account_id, line in {line.account_id: line for line in lines}.items():
            await self._refusals.publish(account_id, line.channel_id, reason, {})


def _with(wish: Wish, terms: Mapping[str, str], standing: Standing) -> Tally:
    """What runs here at an account once the call does, too."""
    paid = paid_by(standing.account_id, wish.account_id, terms)
    is_out = wish.direction == OUT
    new = Tally(
        outbound=int(is_out),
        inbound=int(not is_out),
        calls=int(standing.limits.get("calls") is not None),
        trunks=[name for each in paid for name in trunks_in(each)],
        charged=[each for by in paid for each in charged_in(by, None)],
    )
    return standing.here(but=wish.interaction_id).plus(new)
