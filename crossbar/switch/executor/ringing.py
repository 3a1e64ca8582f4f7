"""Who is rung for a device, a user or a group, and how: the legs of a ring."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from crossbar.documents import Document, lookup, merge
from crossbar.switch.executor.callers import caller_id, chain_of, last_in, name_of
from crossbar.switch.executor.formatters import rewritten_caller, written
from crossbar.switch.executor.media import (
    Dialed,
    Dialing,
    Leg,
    Strategy,
    TakenOver,
    ToDevice,
    ToNumber,
)
from crossbar.switch.executor.recording import recording_of, taping_of_leg
from crossbar.switch.executor.step import Go, Next, Step, is_number

BUSY = "USER_BUSY"

MOST_HOPS = 5
"""How often a call may be forwarded, by phones or from account to account."""

REACHED_BY = ("username", "ip", "route", "static_route")
LATER_WINS = (
    "call_forward",
    "dial_plan",
    "formatters",
    "language",
    "metaflows",
    "music_on_hold",
    "presence_id",
    "ringtones",
)
"""What of an endpoint its user may overrule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """How one endpoint is to be rung. ``is_direct``: not as one of a ring group or a queue."""

    delay: float = 0
    timeout: float = 0
    can_call_self: bool = False
    static_invite: str = ""
    hides_caller: bool = False
    is_direct: bool = True
    alert: str = ""
    headers: Mapping[str, str] | None = None
    auto_answer: bool = False
    barges: bool = False


def ring_of(step: Step, **changes: Any) -> Ring:
    """How the data of a step says to ring."""
    headers = step.data.get("custom_sip_headers")
    ring = Ring(
        delay=step.number("delay", 0),
        can_call_self=step.says("can_call_self"),
        static_invite=step.text("static_invite"),
        hides_caller=step.says("suppress_clid"),
        alert=step.call.alert,
        headers=headers if isinstance(headers, dict) else None,
        auto_answer=step.call.auto_answers,
        barges=step.call.barges,
    )
    return replace(ring, **changes)


async def legs_of_user(step: Step, user_id: object, ring: Ring) -> list[Leg]:
    """The legs of every device of a user."""
    user = await step.book.get("user", user_id)
    if user is None:
        step.note("there is no such user")
        return []
    devices = await step.book.devices_of(user["_id"])
    if not devices:
        step.note(f"{name_of([{}, user]) or 'the user'} has no devices")
    return [leg for device in devices for leg in await legs_of(step, device, ring)]


async def legs_of_device(step: Step, device_id: object, ring: Ring) -> list[Leg]:
    """The legs of a device."""
    device = await step.book.get("device", device_id)
    if device is None:
        step.note("there is no such device")
        return []
    return await legs_of(step, device, ring)


async def legs_of(step: Step, device: Document, ring: Ring) -> list[Leg]:
    """The device itself, where it forwards calls to, both or neither; a note says why neither."""
    chain = await chain_of(step.book, device)
    reason = _why_not(step, device, chain, ring)
    if reason:
        step.note(f"{device.get('name', device['_id'])} is not rung: {reason}")
        return []
    endpoint = merged(chain)
    forward = _forward(endpoint, ring)
    if forward is not None and step.call.hops >= MOST_HOPS:
        step.note(f"{endpoint.get('name')} does not forward: the call was forwarded too often")
        return []
    common = await _common(step, endpoint, ring)
    legs = []
    if forward is None or not forward.get("substitute") or _is_failover(forward):
        if await _is_busy(step, endpoint, chain):
            step.note(f"{endpoint.get('name')} is not rung: its user is in a call")
            legs.append(BUSY_LEG)
        elif not any(lookup(endpoint, ("sip", name)) for name in REACHED_BY):
            step.note(f"{endpoint.get('name')} is not rung: nothing says how it is reached")
        else:
            shown = rewritten_caller(common.caller, endpoint.get("formatters"))
            legs.append(replace(common, to=_to_device(step, endpoint, chain, ring), caller=shown))
    if forward is not None:
        kept = forward.get("keep_caller_id") is True and not step.call.is_external
        shown = await caller_id(step.book, step.call, "external") if kept else common.caller
        legs.append(_forwarded(replace(common, caller=shown), endpoint, forward))
    return legs


BUSY_LEG = Leg(to=ToDevice(device_id=""))
"""Stands for a phone that is busy, whatever it would do."""


def _why_not(step: Step, device: Document, chain: list[Document], ring: Ring) -> str:
    """Why an endpoint is not rung at all."""
    call, users = step.call, chain[2:]
    if not ring.can_call_self:
        if device["_id"] == call.device_id:
            return "it is the one that calls"
        if call.owner_id and any(user["_id"] == call.owner_id for user in users):
            return "its user is the one who calls"
    if any(each.get("enabled") is False for each in chain):
        return "it is disabled"
    if any(lookup(each, ("do_not_disturb", "enabled")) is True for each in chain):
        return "it is not to be disturbed"
    if call.queue_id and device.get("exclude_from_queues") is True:
        return "it takes no calls of queues"
    return ""


def merged(chain: Sequence[Document]) -> Document:
    """A device as its account and its users make it."""
    account, device, *users = chain
    endpoint = dict(device)
    for name in LATER_WINS:
        values = [each[name] for each in (account, device, *users) if each.get(name)]
        if values and all(isinstance(each, dict) for each in values):
            together: Document = {}
            for each in values:
                together = merge(together, _filled(each))
            endpoint[name] = together
        elif values:
            endpoint[name] = values[-1]
    if lookup(device, ("call_forward", "enabled")) is True:
        endpoint["call_forward"] = device["call_forward"]
    endpoint["call_recording"] = recording_of(chain)
    endpoint["owner_id"] = users[0]["_id"] if users else device.get("owner_id", "")
    return endpoint


def _filled(values: Document) -> Document:
    """What of a sub-object says something: empty values overrule nothing."""
    return {name: value for name, value in values.items() if value not in (None, "", {})}


def _forward(endpoint: Document, ring: Ring) -> Document | None:
    """Where the endpoint forwards calls to, if this call is to be."""
    forward = endpoint.get("call_forward")
    if not isinstance(forward, dict) or not forward.get("number"):
        return None
    if not (forward.get("enabled") or _is_failover(forward)):
        return None
    return None if forward.get("direct_calls_only") and not ring.is_direct else forward


def _is_failover(forward: Document) -> bool:
    return forward.get("failover") is True


def _forwarded(common: Leg, endpoint: Document, forward: Document) -> Leg:
    to = ToNumber(
        number=str(forward["number"]),
        device_id=endpoint["_id"],
        confirms=forward.get("require_keypress") is True,
        keeps_caller=forward.get("keep_caller_id") is True,
        when_unregistered=_is_failover(forward),
    )
    return replace(common, to=to, ignores_early_media=True, alert="", taping=None)


def _to_device(step: Step, endpoint: Document, chain: list[Document], ring: Ring) -> ToDevice:
    sip = lookup(endpoint, ("sip",), {})
    is_route = sip.get("invite_format") == "route"
    return ToDevice(
        device_id=endpoint["_id"],
        label=str(endpoint.get("name") or ""),
        name=name_of(chain),
        owner_id=str(endpoint.get("owner_id") or ""),
        user=ring.static_invite or _asked_for(sip, step.call.to_number),
        route=str(sip.get("route") or sip.get("static_route") or "") if is_route else "",
    )


def _asked_for(sip: Document, dialed: str) -> str:
    """Who is asked for at a device, whose calls come for many; empty: as it has registered."""
    if sip.get("static_invite"):
        return str(sip["static_invite"])
    match sip.get("invite_format"):
        case "username":
            return str(sip.get("username") or "")
        case "e164" | "npan" | "1npan" | "strip_plus" as wanted:
            return written(str(sip.get("number") or dialed), wanted)
    return ""


async def _common(step: Step, endpoint: Document, ring: Ring) -> Leg:
    """What all legs of an endpoint have in common."""
    alert = lookup(endpoint, ("ringtones", step.call.network), "")
    headers = lookup(endpoint, ("sip", "custom_sip_headers", "in"))
    given = headers if isinstance(headers, dict) else {}
    shown = await caller_id(step.book, step.call)
    if ring.hides_caller:
        shown = replace(shown, name="", number="", hides="full")
    return Leg(
        to=ToDevice(device_id=endpoint["_id"]),
        caller=shown,
        delay=ring.delay,
        timeout=ring.timeout,
        ignores_early_media=lookup(endpoint, ("media", "ignore_early_media")) is True,
        auto_answer=ring.auto_answer,
        barges=ring.barges,
        headers={**given, **(ring.headers or {})},
        alert=ring.alert or str(alert or ""),
        taping=taping_of_leg(step.call, endpoint),
    )


async def _is_busy(step: Step, endpoint: Document, chain: list[Document]) -> bool:
    """Whether the user of a phone without call waiting is in a call."""
    account, device, *users = chain
    if last_in([account, *users, device], "call_waiting", "enabled") is not False:
        return False
    devices = [each for user in users for each in await step.book.devices_of(user["_id"])]
    ids = [each["_id"] for each in devices] or [device["_id"]]
    return bool(await step.media.channels(ids))


async def ring(step: Step, legs: list[Leg], dialing: Dialing) -> Dialed | None:
    """Ring whoever can be; ``None`` when there is nobody."""
    rung = [leg for leg in legs if leg is not BUSY_LEG]
    if not rung:
        return Dialed(cause=BUSY, code=486) if legs else None
    dialed = await step.media.dial(rung, dialing)
    if dialed.answered is not None:
        step.call.was_connected = True
        await _afterwards(step)
    return dialed


async def _afterwards(step: Step) -> None:
    """What an earlier step has asked to do with the caller after a conversation."""
    wanted, step.call.after_bridge = step.call.after_bridge, {}
    if wanted.get("action") == "transfer" and isinstance(wanted.get("data"), str):
        await step.media.transfer(wanted["data"])
        raise TakenOver
    if wanted.get("action") == "park" and wanted.get("data") is True:
        await step.media.park("", 0)
        raise TakenOver


async def after(step: Step, dialed: Dialed | None, *, ends: bool = True) -> Next:
    """Where the flow goes on after ringing: nowhere after a conversation, unless not ``ends``."""
    if dialed is None:
        return Go(why="there is nobody to ring")
    if dialed.answered is not None:
        why = "the conversation is over"
        return await step.finish(why) if ends else Go(why=why)
    if key := failed_key(step, dialed):
        return Go(key=key, why=f"the call failed with {key}")
    return Go(why=f"nobody has answered ({dialed.cause})")


def failed_key(step: Step, dialed: Dialed) -> str:
    """The child for what went wrong, if there is one."""
    for key in (dialed.cause, f"sip:{dialed.code}"):
        if step.has(key):
            return key
    return ""


def dialing_of(step: Step, default: float = 20, **changes: Any) -> Dialing:
    """How the data of a step says to ring."""
    single = Strategy.SINGLE.value in (step.text("strategy"), step.text("dial_strategy"))
    dialing = Dialing(
        timeout=step.number("timeout", default) or 40,
        strategy=Strategy.SINGLE if single else Strategy.SIMULTANEOUS,
        ringback=step.text("ringback") or step.call.ringback,
        fails_on_reject=step.says("fail_on_single_reject"),
    )
    return replace(dialing, **changes)


def each_once(legs: Iterable[Leg]) -> list[Leg]:
    """Legs without those that are the same as an earlier one."""
    seen: dict[tuple[object, ...], Leg] = {}
    for leg in legs:
        number = leg.to.number if isinstance(leg.to, ToNumber) else ""
        device_id = "" if not isinstance(leg.to, ToDevice | ToNumber) else leg.to.device_id
        seen.setdefault((device_id, number, leg.delay, leg.timeout), leg)
    return list(seen.values())


def seconds(value: object, default: float) -> float:
    """A number of seconds in a document."""
    return value if is_number(value) and value >= 0 else default
