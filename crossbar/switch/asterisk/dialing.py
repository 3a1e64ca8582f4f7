"""Ringing phones for a caller: all at once or one after the other, until one answers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence, Set
from contextlib import nullcontext

import structlog

from crossbar.switch.asterisk.carriers import name_of
from crossbar.switch.asterisk.causes import PICKED_OFF
from crossbar.switch.asterisk.contacts import fixed_address
from crossbar.switch.asterisk.exchange import Exchange
from crossbar.switch.asterisk.faxing import PLAIN
from crossbar.switch.asterisk.hearing import Hearing
from crossbar.switch.asterisk.lines import Line
from crossbar.switch.asterisk.originating import (
    originate,
    originate_to_number,
    with_headers,
)
from crossbar.switch.asterisk.phones import Party, Phone
from crossbar.switch.asterisk.tolls import MOST_TO_ONE
from crossbar.switch.asterisk.wishes import OUT, Refused, Wish
from crossbar.switch.executor import (
    CallerId,
    Dialed,
    Dialing,
    HungUp,
    Leg,
    Prompt,
    Strategy,
    TakenOver,
    ToDevice,
    ToGateway,
    ToNumber,
    rewritten_headers,
    ringing_time,
)

log = structlog.get_logger(__name__)

ANSWERS_ITSELF: Mapping[str, str] = {
    "Alert-Info": "info=alert-autoanswer",
    "Call-Info": "<sip:crossbar>;answer-after=0",
}
"""Headers by which phones are asked to answer by themselves."""

CONFIRM = "ivr-group_confirm"
CONFIRMING = 7
"""Seconds within which who was asked has to press 1."""

UNREGISTERED = "USER_NOT_REGISTERED"
UNROUTED = "NO_ROUTE_DESTINATION"
MOST_FORWARDS = 5
"""How often a call may be forwarded: phones that forward to each other end there."""

PROGRESS = 8
"""Seconds within which a carrier says that it rings, unless its gateway says otherwise."""

WEIGHTS = (PICKED_OFF, UNROUTED, UNREGISTERED, "NO_ANSWER", "USER_BUSY", "CALL_REJECTED")
"""Of several reasons why nobody has answered the last one of these is told."""

CODES = {"USER_BUSY": 486, "CALL_REJECTED": 603, UNREGISTERED: 480, UNROUTED: 404}
"""The SIP status that goes with a reason."""


class Hunt:
    """The search for somebody who answers. ``line`` is the caller's leg."""

    def __init__(
        self,
        exchange: Exchange,
        line: Line,
        dialing: Dialing,
        *,
        is_heard: bool = True,
    ) -> None:
        """``is_heard``: whether the caller hears that it rings."""
        self._exchange = exchange
        self._line = line
        self._dialing = dialing
        self._ringing: set[Line] = set()
        self._causes: set[str] = set()
        self._hearing = Hearing(exchange, line, wanted=is_heard)
        self._is_settled = False
        """Whether no other carrier could reach more."""

    async def run(self, legs: Sequence[Leg]) -> tuple[Leg, Line] | None:
        """The leg that was answered; all others have stopped ringing.

        Raises :class:`~crossbar.switch.executor.HungUp` when the caller gives up.
        """
        winner: Line | None = None
        try:
            async with asyncio.timeout(self._dialing.seconds):
                if self._dialing.strategy is Strategy.SINGLE:
                    found = await self._one_by_one(legs)
                else:
                    found = await self._at_once(legs)
        except TimeoutError:
            self._causes.add("NO_ANSWER")
            found = None
        else:
            winner = found[1] if found else None
        finally:
            # Whoever is cancelled once more meanwhile leaves no phone ringing.
            await asyncio.shield(self.stop(winner))
        return found

    def outcome(self) -> Dialed:
        """Why nobody has answered."""
        cause = most_telling(self._causes)
        return Dialed(cause=cause, code=CODES.get(cause, 0))

    async def _one_by_one(self, legs: Sequence[Leg]) -> tuple[Leg, Line] | None:
        for leg in legs:
            if (answered := await self._at_once([leg])) is not None:
                return answered
            if self._is_settled:
                break
        return None

    async def _at_once(self, legs: Sequence[Leg]) -> tuple[Leg, Line] | None:
        ringing = {asyncio.create_task(self._ring(leg)): leg for leg in legs}
        gone = asyncio.create_task(self._line.until(lambda: False))
        left = set(ringing)
        try:
            while left:
                await asyncio.wait({*left, gone}, return_when=asyncio.FIRST_COMPLETED)
                if gone.done():
                    gone.result()  # raises HungUp
                for each in [task for task in left if task.done()]:
                    left.discard(each)
                    if (line := each.result()) is not None:
                        return ringing[each], line
                    if self._dialing.fails_on_reject and "CALL_REJECTED" in self._causes:
                        return None
            return None
        finally:
            for task in (*left, gone):
                task.cancel()
            await asyncio.gather(*left, gone, return_exceptions=True)

    async def _ring(self, leg: Leg) -> Line | None:
        """Ring all places at which a device is registered; the leg that was answered."""
        if leg.delay:
            await asyncio.sleep(leg.delay)
        seconds = ringing_time(leg.timeout or self._dialing.timeout)
        lines = await self.begin(leg, seconds)
        # A phone's own sound would only take the place of the ringing.
        if lines and not (lines[0].party.device_id or leg.ignores_early_media):
            self._hearing.listen(lines[0])
        if isinstance(leg.to, ToGateway) and lines:
            return await self._try_gateway(lines[0], leg.to, seconds)
        patience = leg.progress_timeout
        waits = [asyncio.create_task(self._answered(line, patience)) for line in lines]
        answered: Line | None = None
        try:
            async with asyncio.timeout(seconds):
                for wait in asyncio.as_completed(waits):
                    if (answered := await wait) is not None:
                        break
        except TimeoutError:
            self._causes.add("NO_ANSWER")
        finally:
            for each in waits:
                each.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
        if answered is not None and not await self._is_wanted(leg, answered):
            self._causes.add("NO_ANSWER")
            await self._exchange.hang_up(answered)
            return None
        return answered

    async def _is_wanted(self, leg: Leg, answered: Line) -> bool:
        """Whether who has answered takes the call: some forwarded calls are asked about.

        They press 1 then, which a voicemail box elsewhere does not.
        """
        if not isinstance(leg.to, ToNumber) or not leg.to.confirms:
            return True
        language = self._line.call.language if self._line.call else ""
        question = Prompt(name=CONFIRM, language=language)
        asking = self._exchange.media_of(answered)
        try:
            return await asking.collect(1, question, first=CONFIRMING) == "1"
        except (HungUp, TakenOver):
            return False

    async def begin(self, leg: Leg, seconds: float) -> list[Line]:
        """The legs that ring: one for each place at which a device is registered."""
        if isinstance(leg.to, ToNumber):
            return await self._dial_number(leg, leg.to, seconds)
        if isinstance(leg.to, ToGateway):
            return await self._dial_gateway(leg, leg.to, seconds)
        if not leg.to.device_id:
            self._causes.add("USER_BUSY")
            return []
        exchange = self._exchange
        phone = await exchange.phones.find(f"{self._line.account_id}.{leg.to.device_id}")
        uris = self._uris(leg.to, phone) if phone else []
        if phone is None or not uris:
            self._causes.add(UNREGISTERED)
            return []
        if phone.server_id and self._goes_in_circles(phone.server_id):
            self._causes.add(UNROUTED)
            return []
        return [await self._dial(leg, phone, uri, seconds) for uri in uris]

    def _goes_in_circles(self, server_id: str) -> bool:
        """Whether a server is called by itself, again and again: it takes its own numbers for
        those of others."""
        legs = [
            each
            for each in self._exchange.lines.values()
            if each.party.server_id == server_id and each.account_id == self._line.account_id
        ]
        begun = {each.interaction_id for each in legs if each.is_inbound}
        back = [each for each in legs if each.is_dialed and each.interaction_id in begun]
        return self._line.interaction_id in begun and len(back) >= MOST_TO_ONE

    def _uris(self, to: ToDevice, phone: Phone) -> list[str]:
        """Where a device is called."""
        if to.route:
            private = self._exchange.services.settings.switch.allow_private_carriers
            route = fixed_address(to.route, private=private)
            if not route:
                log.warning("route_not_taken", device_id=to.device_id, route=to.route)
            return [route] if route else []
        return self._exchange.contacts.uris(phone, self._line.destination, to.user)

    async def _dial_number(self, leg: Leg, to: ToNumber, seconds: float) -> list[Line]:
        """Begin a call of its own to a number, as if the device that forwards had dialed it."""
        exchange, caller = self._exchange, self._line
        if caller.forwards >= MOST_FORWARDS:
            self._causes.add(UNROUTED)
            return []
        phone = await exchange.phones.find(f"{caller.account_id}.{to.device_id}")
        # Nobody's phone: who speaks there is wherever the number leads.
        nobody = Party(account_id=caller.account_id, realm=caller.party.realm)
        party = phone.party if phone else nobody
        there = await self._party_there(party, to)
        line = self._prepared(leg, party)
        line.is_forwarded = not to.account_id
        line.destination = line.callee_number = to.number
        line.begin()
        if there is None:
            exchange.forget(line, UNROUTED)
            return [line]
        far = exchange.adopt(exchange.new_id("forward"), there, like=caller)
        far.is_external = far.is_told = bool(to.account_id)
        far.is_forwarded, far.is_inbound = not to.account_id, True
        far.keeps_caller = to.keeps_caller
        far.destination = to.number
        far.caller_name, far.caller_number = line.caller_name, line.caller_number
        far.forwards = caller.forwards + 1
        line.twin, far.twin = far, line
        await originate_to_number(exchange, line, far, seconds=seconds)
        return [line]

    async def _party_there(self, caller: Party, to: ToNumber) -> Party | None:
        """Whose the call is where it comes out: in the account of its number, nobody's there."""
        if not to.account_id:
            return caller
        services = self._exchange.services
        account = await services.accounts.get(to.account_id)
        if account is None or not account.is_in_good_standing(services.clock.gregorian()):
            return None
        return Party(account_id=account.account_id, realm=account.realm)

    async def _dial_gateway(self, leg: Leg, to: ToGateway, seconds: float) -> list[Line]:
        """Begin a call by a carrier."""
        exchange, caller = self._exchange, self._line
        name = name_of(to.account_id, to.resource_id, to.at, to.realm)
        gateway = await exchange.carriers.gateway(name)
        if gateway is None:
            self._causes.add(UNROUTED)
            return []
        party = Party(
            account_id=caller.account_id,
            realm=caller.party.realm,
            resource_id=to.resource_id,
            resource_of=to.account_id,
        )
        wish = Wish(
            call_id=caller.channel_id,
            account_id=caller.account_id,
            direction=OUT,
            number=to.called,
            other=to.calling,
            resource=gateway.resource,
            resource_of=to.account_id,
            interaction_id=caller.interaction_id,
            is_emergency=to.is_emergency,
        )
        # An emergency call takes nobody's place, and waits for nobody who does.
        turn = nullcontext() if to.is_emergency else exchange.tolls.turn(caller.account_id)
        try:
            async with turn:
                terms = await exchange.tolls.terms(wish)
                line = self._prepared(leg, party)
                line.terms = terms
        except Refused as refused:
            self._causes, self._is_settled = {refused.cause}, True
            return []
        line.destination = line.callee_number = to.called
        line.hides = leg.caller.hides
        line.begin()
        wanted = {**gateway.headers(leg.caller), **leg.headers}
        more = rewritten_headers(wanted, to.formatters, gateway.document.get("invite_format"))
        headers = with_headers(more)
        await originate(
            exchange,
            gateway.dialed,
            gateway.uri(to.number),
            line,
            seconds=seconds,
            formats=self._formats,
            **headers,
        )
        return [line]

    async def _try_gateway(self, line: Line, to: ToGateway, seconds: float) -> Line | None:
        """The leg, once it was answered by whom the number reaches.

        A carrier that does not say in time that it rings is passed over, and so is one that
        refuses; once it has rung, it is the one who was called who does not want to, or is not
        there.
        """
        try:
            await _progress(line, _progress_timeout(to))
            async with asyncio.timeout(seconds):
                answered = await self._answered(line)
        except TimeoutError:
            self._causes = {"NO_ANSWER" if line.has_progressed else "NO_USER_RESPONSE"}
            answered = None
        if answered is None:
            # What a carrier lets hear may be why it cannot reach anybody.
            self._is_settled = line.is_ringing or line.cause == "USER_BUSY"
            if line.cause:
                self._causes = {line.cause}
            else:
                self._is_settled |= line.has_sound
            await self._exchange.hang_up(line)
        return answered

    async def _dial(self, leg: Leg, phone: Phone, uri: str, seconds: float) -> Line:
        """Have a phone ring."""
        line = self._prepared(leg, phone.party)
        line.begin()
        alert = {"Alert-Info": leg.alert} if leg.alert else {}
        itself = ANSWERS_ITSELF if leg.auto_answer else {}
        headers = with_headers({**itself, **leg.headers, **alert})
        await originate(
            self._exchange,
            phone.name,
            uri,
            line,
            seconds=seconds,
            formats=self._formats,
            **headers,
        )
        return line

    @property
    def _formats(self) -> str:
        """The formats of the sound, if they matter: few leave the tones of a fax whole."""
        return PLAIN if self._line.party.is_fax else ""

    def _prepared(self, leg: Leg, party: Party) -> Line:
        """A leg that is going to ring, with whom it shows."""
        line = self._exchange.adopt(self._exchange.new_id("leg"), party, like=self._line)
        shown = leg.caller
        if shown == CallerId():  # nothing says otherwise
            shown = CallerId(name=self._line.caller_name, number=self._line.caller_number)
        line.caller_name, line.caller_number = shown.name, shown.number
        line.callee_name = leg.to.name if isinstance(leg.to, ToDevice) else ""
        line.callee_number = line.destination = self._line.destination
        if call := self._line.call:
            line.callflow_id, line.queue_id = call.flow_id, call.queue_id
        line.other = self._line.channel_id
        self._ringing.add(line)
        return line

    async def _answered(self, line: Line, patience: float = 0) -> Line | None:
        """The leg, once it was answered; ``None`` when it is over before.

        So it is when it does not ring within ``patience`` seconds, if there are any.
        """
        try:
            await _progress(line, patience)
        except TimeoutError:
            self._causes.add("NO_USER_RESPONSE")
            await self._exchange.hang_up(line)
            return None
        await line.until(lambda: line.cause or line.is_here or line.is_ringing, survives=True)
        if not (line.cause or line.is_here):
            self._hearing.ring()
            await line.until(lambda: line.cause or line.is_here, survives=True)
        if line.cause:
            self._causes.add(line.cause)
            return None
        return line

    async def stop(self, winner: Line | None) -> None:
        """End all legs that were begun, but one."""
        await self._hearing.stop()
        for line in self._ringing:
            if line is not winner:
                await self._exchange.hang_up(line, "NORMAL_CLEARING")


def most_telling(causes: Set[str]) -> str:
    """The one to tell of several reasons why nobody has answered."""
    return max(causes or {"NO_ANSWER"}, key=_weight)


def _weight(cause: str) -> int:
    return WEIGHTS.index(cause) if cause in WEIGHTS else len(WEIGHTS)


async def _progress(line: Line, seconds: float) -> None:
    """Wait until a leg rings, sounds, is answered or is over; 0: however long.

    Raises ``TimeoutError``.
    """
    async with asyncio.timeout(seconds or None):
        await line.until(lambda: line.cause or line.is_here or line.has_progressed, survives=True)


def _progress_timeout(to: ToGateway) -> float:
    seconds = to.gateway.get("progress_timeout")
    return seconds if isinstance(seconds, int) and seconds > 0 else PROGRESS
