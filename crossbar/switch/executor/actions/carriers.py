"""Calls that leave by carriers."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import structlog

from crossbar.documents import Document, texts_at
from crossbar.families.numbers import ASSIGNED_TO, STATE, State
from crossbar.switch.executor.callers import authorizing, called, caller_id, chain_of
from crossbar.switch.executor.facts import property_of
from crossbar.switch.executor.formatters import rewritten_caller
from crossbar.switch.executor.heard import Prompt, Sound, Tone
from crossbar.switch.executor.media import (
    CallerId,
    Dialed,
    Dialing,
    Leg,
    Strategy,
    ToGateway,
    ToNumber,
)
from crossbar.switch.executor.notices import tell_of_emergency
from crossbar.switch.executor.ringing import MOST_HOPS, failed_key, ring
from crossbar.switch.executor.routing import Route, gateways_for
from crossbar.switch.executor.step import Go, Leave, Next, Step
from crossbar.switch.executor.tolls import BARRED, tell_of_barred, why_barred

log = structlog.get_logger(__name__)

NO_ROUTE = "NO_ROUTE_DESTINATION"
PATIENCE = 120
FAST_BUSY = Tone(frequencies=(480, 620), on_ms=250, off_ms=250, repeat=10)
BUSY = Tone(frequencies=(480, 620), on_ms=500, off_ms=500, repeat=10)
AS_DIALED = "fault-can_not_be_completed_as_dialed"
AT_THIS_TIME = "fault-can_not_be_completed_at_this_time"
TROUBLE = "fault-facility_trouble"
RESPONSES: dict[str, tuple[int, str | Tone]] = {
    "UNALLOCATED_NUMBER": (404, AS_DIALED),
    NO_ROUTE: (404, AS_DIALED),
    "NO_ROUTE_TRANSIT_NET": (404, ""),
    "USER_BUSY": (486, BUSY),
    "NO_USER_RESPONSE": (408, FAST_BUSY),
    "NO_ANSWER": (480, ""),
    "SUBSCRIBER_ABSENT": (480, ""),
    "NORMAL_UNSPECIFIED": (480, ""),
    "CALL_REJECTED": (603, FAST_BUSY),
    "NUMBER_CHANGED": (410, ""),
    "REDIRECTION_TO_NEW_DESTINATION": (410, ""),
    "EXCHANGE_ROUTING_ERROR": (483, TROUBLE),
    "DESTINATION_OUT_OF_ORDER": (502, AS_DIALED),
    "INVALID_NUMBER_FORMAT": (484, AS_DIALED),
    "FACILITY_REJECTED": (510, ""),
    "NORMAL_CIRCUIT_CONGESTION": (503, ""),
    "NETWORK_OUT_OF_ORDER": (503, ""),
    "SWITCH_CONGESTION": (503, AT_THIS_TIME),
    "REQUESTED_CHAN_UNAVAIL": (503, ""),
    "NORMAL_TEMPORARY_FAILURE": (503, AT_THIS_TIME),
    BARRED: (403, "cf-unauthorized_call"),
    "INCOMING_CALL_BARRED": (403, ""),
    "INCOMPATIBLE_DESTINATION": (488, TROUBLE),
    "FACILITY_NOT_IMPLEMENTED": (501, ""),
    "SERVICE_NOT_IMPLEMENTED": (501, TROUBLE),
    "RECOVERY_ON_TIMER_EXPIRE": (504, FAST_BUSY),
    "MEDIA_TIMEOUT": (504, FAST_BUSY),
    "ORIGINATOR_CANCEL": (487, ""),
    "PROGRESS_TIMEOUT": (486, AT_THIS_TIME),
}
"""What a caller is told, by cause: a SIP status and a sound."""


async def offnet(step: Step) -> Next:
    """Calls the number that was dialed by the carriers of the system."""
    return await _out(step, "")


async def resources(step: Step) -> Next:
    """Calls the number that was dialed by the account's own carriers, or the system's."""
    if not step.says("use_local_resources", True):
        return await _out(step, "")
    wanted = step.text("hunt_account_id") or step.book.account_id
    if wanted not in (step.book.account_id, *step.book.account.tree):
        step.note("carriers of an account that is not above this one cannot be used")
        wanted = step.book.account_id
    return await _out(step, wanted)


async def _out(step: Step, account_id: str) -> Next:
    number = await _number(step)
    is_emergency = step.book.class_of(number) == "emergency"
    if is_emergency and step.call.authorizing_type == "clicktocall":
        return await _bar(step, number, "buttons call no emergency numbers: strangers press them")
    kind = "emergency" if is_emergency else step.text("caller_id_type") or "external"
    shown = await caller_id(step.book, step.call, kind)
    if leg := await _local(step, number):
        legs = [Leg(to=leg, caller=shown)]
        step.note(f"{number} is a number of an account here")
    else:
        route = Route(
            number=number,
            caller=shown.number,
            flags=await _flags(step),
            account_id=account_id,
            realm=_realm(step),
            account_realm=step.book.account.realm,
        )
        found = await gateways_for(step.book, route)
        legs = [_leg(step, each, await _shown(step, each, shown, kind)) for each in found]
        step.note(f"{number} is tried at {len(legs)} gateways")
        if legs and (reason := await why_barred(step.book, number)):
            return await _bar(step, number, reason)
    dialed = await _ring(step, legs, number, shown if is_emergency else None)
    return await _after(step, dialed or Dialed(cause=NO_ROUTE, code=404))


async def _ring(
    step: Step, legs: list[Leg], number: str, emergency: CallerId | None
) -> Dialed | None:
    """Ring; of an emergency call the administrators are told meanwhile: it does not wait."""
    if emergency is None or not legs:
        return await ring(step, legs, _dialing(step))
    told = asyncio.create_task(tell_of_emergency(step.book, step.call, number, emergency))
    try:
        return await ring(step, legs, _dialing(step))
    finally:
        await told


async def _shown(step: Step, to: ToGateway, shown: CallerId, kind: str) -> CallerId:
    """Who is shown to a gateway, which may want another caller id than the call has."""
    if kind == "emergency" or to.shows in ("", kind):
        return shown
    return await caller_id(step.book, step.call, to.shows)


async def _bar(step: Step, number: str, reason: str) -> Next:
    """Do not let a call out, and say so."""
    step.note(reason)
    log.warning("call_refused", call_id=step.call.call_id, number=number, reason=reason)
    await tell_of_barred(step.book, step.call, number, reason)
    return await _after(step, Dialed(cause=BARRED, code=403))


def _leg(step: Step, to: ToGateway, shown: CallerId) -> Leg:
    return Leg(
        to=replace(to, calling=shown.number),
        caller=rewritten_caller(shown, to.formatters, to.gateway.get("invite_format")),
        ignores_early_media=step.says("ignore_early_media"),
    )


def _dialing(step: Step) -> Dialing:
    timeout = step.number("timeout", PATIENCE) or PATIENCE
    ringback = step.text("ringback") or step.call.ringback
    return Dialing(timeout=timeout, strategy=Strategy.SINGLE, ringback=ringback)


async def _number(step: Step) -> str:
    """The number that is called: as the step has it, or as it was dialed and plans make it."""
    if number := step.text("to_did"):
        return number
    if step.says("do_not_normalize") or step.says("bypass_e164"):
        return step.call.dialed
    return await called(step.book, step.call, step.call.dialed)


async def _flags(step: Step) -> frozenset[str]:
    """What the carrier has to have: of the endpoint, of its account, of the step.

    Some are named by a property of the call, and are what that is now.
    """
    chain = await chain_of(step.book, await authorizing(step.book, step.call))
    flags = [flag for each in (*chain, step.data) for flag in _outbound(each)]
    named = [name for each in chain for name in texts_at(each, "outbound_flags", "dynamic")]
    named += texts_at(step.data, "dynamic_flags")
    flags += filter(None, (property_of(step.call, name) for name in named))
    return frozenset(flags)


def _realm(step: Step) -> str:
    """What the call says that it is from, if the step says so."""
    if not step.says("format_from_uri"):
        return ""
    return step.text("from_uri_realm") or step.book.account.realm


def _outbound(document: Document) -> list[str]:
    return texts_at(document, "outbound_flags") or texts_at(document, "outbound_flags", "static")


async def _local(step: Step, number: str) -> ToNumber | None:
    """The account here whose number it is: the call need not leave."""
    found = await step.book.number(number)
    if step.call.hops >= MOST_HOPS or step.says("force_outbound"):
        return None
    if not found or found.get(STATE) != State.IN_SERVICE or found.get("force_outbound") is True:
        return None
    owner = found.get(ASSIGNED_TO)
    return ToNumber(number=number, account_id=str(owner)) if owner else None


async def _after(step: Step, dialed: Dialed) -> Next:
    if dialed.answered is not None or dialed.cause == "NORMAL_CLEARING":
        return await step.finish("the conversation is over")
    if key := failed_key(step, dialed):
        return Go(key=key, why=f"the call failed with {key}")
    code, sound = RESPONSES.get(dialed.cause, (dialed.code, ""))
    if sound:
        await step.media.play(_sound(step, sound))
    await step.media.hang_up(dialed.cause, code)
    return Leave(why=f"the call failed with {dialed.cause} ({code})")


def _sound(step: Step, sound: str | Tone) -> Sound:
    return sound if isinstance(sound, Tone) else Prompt(name=sound, language=step.call.language)
