"""What lets a call out by a carrier, or in: ceilings that hold for every account, and who pays.

All of it is counted over the legs that run in this switch. A call counts at its account and at
those above it, up to the nearest reseller: nobody gets more by making accounts. Whoever asks holds
the turn of all these until the leg is among them, so two calls never take the same place. Calls
that were let out are looked at again while they run: what an account may call in a day, or has
credit for, ends.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import structlog

from crossbar.core.services import Services
from crossbar.core.telling import happening
from crossbar.documents import Document
from crossbar.errors import CrossbarError
from crossbar.families.billing import limits_of
from crossbar.families.carriers import BILLING
from crossbar.families.switch import EMERGENCY, seconds_of_today
from crossbar.numbers import normalized, spellings
from crossbar.storage import Batch, Key, StoreError
from crossbar.switch.asterisk.lines import Line
from crossbar.switch.asterisk.paying import NOTHING, Payers, is_paid_by
from crossbar.switch.asterisk.wishes import OUT, Refused, Wish, by_carriers
from crossbar.switch.executor import BARRED, REFUSED

log = structlog.get_logger(__name__)

MOST_TO_ONE = 3
"""Calls from outside that may leave again to the same number at a time: the rest go in circles."""

LOOK = 1.0
"""Seconds between looks at the calls that run."""

QUIET = 60
"""Seconds within which an account is told once of the same reason."""


class Tolls:
    """Decides over the legs in ``lines``, and ends those that may not go on by ``end``."""

    def __init__(self, services: Services, lines: Mapping[str, Line]) -> None:
        self._services = services
        self._lines = lines
        self._payers = Payers(services, lines)
        self._told: dict[tuple[str, str], float] = {}

    @asynccontextmanager
    async def turn(self, account_id: str) -> AsyncIterator[None]:
        """What is held from asking until the leg is among those that run."""
        async with AsyncExitStack() as held:
            # From the top, so that no two wait for each other.
            for each in reversed(await self._counted_at(account_id)):
                lock = self._services.turns.of(Key(each, "tolls", "tolls"))
                await held.enter_async_context(lock)
            yield

    async def _counted_at(self, account_id: str) -> tuple[str, ...]:
        account = await self._services.accounts.get(account_id)
        return account.counted_at if account else (account_id,)

    async def terms(self, wish: Wish) -> dict[str, str]:
        """By what the call is let through, for its variables. Raises :class:`Refused`."""
        if wish.is_emergency:
            return {EMERGENCY: "true", BILLING: EMERGENCY}
        wish = replace(wish, number=normalized(wish.number), other=normalized(wish.other))
        try:
            return await self._judge(wish)
        except Refused as refused:
            await self._tell(wish, refused)
            raise

    async def _judge(self, wish: Wish) -> dict[str, str]:
        if wish.direction == OUT:
            self._refuse_circles(wish)
        await self._hold_to_ceilings(wish)
        if not self._services.settings.switch.authorize_calls or wish.is_own:
            return {BILLING: NOTHING}
        return await self._payers.terms(wish)

    def _carried(self, account_id: str, direction: str = "") -> list[Line]:
        """The running legs of the account itself by carriers."""
        own = (line for line in self._lines.values() if line.account_id == account_id)
        return by_carriers(own, direction)

    async def _running(self) -> Mapping[str, list[Line]]:
        """The running legs, by the accounts at which they count."""
        own = {line.account_id for line in self._lines.values()}
        counted_at = {each: await self._counted_at(each) for each in own}
        found: dict[str, list[Line]] = defaultdict(list)
        for line in self._lines.values():
            for account_id in counted_at.get(line.account_id, (line.account_id,)):
                found[account_id].append(line)
        return found

    async def _hold_to_ceilings(self, wish: Wish) -> None:
        """Hold the call to what may run at a time, and in a day, wherever it counts."""
        accounts = await self._counted_at(wish.account_id)
        limits = {each: await limits_of(self._services, each) for each in accounts}
        used = {each: await seconds_of_today(self._services, each) for each in accounts}
        running = await self._running()
        for each in accounts:
            whose = "the account" if each == wish.account_id else "an account above"
            legs = running.get(each, [])
            self._count(wish, limits[each], legs, whose)
            if wish.direction == OUT and self._seconds_left(limits[each], used[each], legs) <= 0:
                message = f"{whose} has called by carriers for as long as it may in a day"
                raise Refused("too_many_minutes", message, BARRED)

    def _count(self, wish: Wish, limits: Document, legs: Sequence[Line], whose: str) -> None:
        """Hold an account to how many calls it may have at a time."""
        most = limits.get("resource_consuming_calls")
        if most is not None and len(by_carriers(legs)) >= most:
            message = f"{whose} may have {most} calls by carriers at a time"
            raise Refused("too_many_calls", message)
        usual = self._services.settings.switch.outbound_calls
        is_usual = most is None and wish.direction == OUT
        if is_usual and len(by_carriers(legs, OUT)) >= usual:
            message = f"{whose} may have {usual} calls out by carriers at a time"
            raise Refused("too_many_calls", message)
        all_calls = limits.get("calls")
        calls = {line.interaction_id for line in legs} - {wish.interaction_id}
        if all_calls is not None and len(calls) >= all_calls:
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
            for line in self._carried(wish.account_id, OUT)
            if line.interaction_id in came and normalized(line.destination) == wish.number
        ]
        if len(same) >= MOST_TO_ONE:
            message = f"{MOST_TO_ONE} calls from outside go to this number already"
            raise Refused("loop", message, BARRED)

    def _seconds_left(self, limits: Document, used: int, legs: Sequence[Line]) -> float:
        """Seconds that may still be called today at an account, of all calls together."""
        own = limits.get("outbound_minutes")
        minutes = self._services.settings.switch.outbound_minutes if own is None else int(own)
        if not minutes:
            return float("inf")
        return minutes * 60 - used - sum(line.seconds for line in by_carriers(legs, OUT))

    async def work(self, end: Callable[[Line], Awaitable[None]]) -> None:
        """End what may not go on, for ever."""
        while True:
            await asyncio.sleep(LOOK)
            await self.look(end)

    async def look(self, end: Callable[[Line], Awaitable[None]]) -> None:
        """End what may not go on now."""
        try:
            running = await self._running()
        except StoreError as error:
            log.warning("running_calls_not_looked_at", error=repr(error))
            return
        for account_id, legs in running.items():
            try:
                await self._look(account_id, legs, end)
            except (CrossbarError, StoreError, Refused) as error:
                log.warning("running_calls_not_looked_at", error=repr(error))

    async def _look(
        self, account_id: str, legs: Sequence[Line], end: Callable[[Line], Awaitable[None]]
    ) -> None:
        if out := by_carriers(legs, OUT):
            limits = await limits_of(self._services, account_id)
            used = await seconds_of_today(self._services, account_id)
            if self._seconds_left(limits, used, legs) <= 0:
                await self._end(out, "too_many_minutes", end)
        charged = [line for line in by_carriers(legs) if is_paid_by(line, account_id)]
        if charged and await self._payers.left(await self._payers.account(account_id)) < 0:
            await self._end(charged, "no_credit", end)

    async def _end(
        self, lines: list[Line], reason: str, end: Callable[[Line], Awaitable[None]]
    ) -> None:
        for line in lines:
            if not line.is_ending:
                log.warning("call_ended", call_id=line.channel_id, reason=reason)
                await end(line)
        for account_id, line in {line.account_id: line for line in lines}.items():
            await self._publish(account_id, line.channel_id, reason, {})

    async def _tell(self, wish: Wish, refused: Refused) -> None:
        log.warning("call_refused", call_id=wish.call_id, number=wish.number, reason=str(refused))
        facts = {
            "call_direction": wish.direction,
            "caller_id_number": wish.other,
            "callee_id_number": wish.number,
            "message": str(refused),
        }
        await self._publish(wish.account_id, wish.call_id, refused.reason, facts)

    async def _publish(self, account_id: str, call_id: str, reason: str, facts: Document) -> None:
        """Tell webhooks and sockets; who is refused again and again is told of now and then."""
        now, place = asyncio.get_running_loop().time(), (account_id, reason)
        if now - self._told.get(place, -QUIET) < QUIET:
            return
        self._told = {each: at for each, at in self._told.items() if now - at < QUIET}
        self._told[place] = now
        clock = self._services.clock
        told = {
            "type": REFUSED,
            "call_id": call_id,
            "reason": reason,
            "timestamp": clock.gregorian(),
            **facts,
        }
        event = happening(clock, account_id, "notifications", told, about=call_id)
        try:
            await self._services.commit(Batch(events=[event]))
        except (CrossbarError, StoreError):
            log.exception("refusal_was_not_told", call_id=call_id)
