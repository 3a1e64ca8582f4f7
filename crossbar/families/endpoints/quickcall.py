"""Quickcall: ring a user's devices or one device, then dial (resources/ENDPOINT_TYPE.md).

The answer is what the switch was asked to do. GET does not wait for the switch; POST does, and is
refused while there is none.
"""

from __future__ import annotations

import re
import secrets
from typing import Any

from crossbar.core.answers import SOME_OBJECT, Answers
from crossbar.core.ports import Command
from crossbar.core.reading import load
from crossbar.core.requests import Action, Actor, Request, Result, is_false
from crossbar.core.shapes import Route
from crossbar.documents import Document, lookup
from crossbar.errors import NobodyAnswered, ValidationFailed
from crossbar.families.endpoints.endpoints import devices_behind, usable
from crossbar.validation import Expression, Unusable

COMMAND = "quickcall"
EXPORTED = ["Account-ID", "Retain-CID", "Authorizing-ID", "Authorizing-Type"]
RING_SECONDS = 30
MARGIN = 5
"""Seconds that the switch has, beyond those of ringing, to tell that nobody has answered."""

LEAST_RING_SECONDS = 3
LONGEST_RING_SECONDS = 3600

TUNING = (
    "auto_answer",
    "cid-name",
    "cid-number",
    "custom_application_vars",
    "ignore-early-media",
    "media",
    "number_filter",
    "target_call_id",
    "timeout",
)
PROTOCOL = (
    "accept",
    "accept_charges",
    "action",
    "auth_token",
    "authorization",
    "file_name",
    "filename",
    "jsonp",
    "pretty_print",
    "verb",
)
"""Parameters that are for the gateway: what is left over becomes a tag of the call."""

_DECORATION = re.compile(r"[ ,.()-]")
LONGEST_NUMBER = 64
MOST_TAGS, LONGEST_TAG = 50, 256
"""Tags of a call, and characters of one: what events of channels may have."""


def quickcall_routes(id_param: str) -> tuple[Route, ...]:
    """The operations below an endpoint, whose id is the path parameter ``id_param``."""
    path = f"{{{id_param}}}/quickcall/{{number}}"
    return (
        Route(
            path=path,
            action=Action.FETCH,
            handler=start,
            about="Start a call without waiting",
            answers=Answers(SOME_OBJECT),
        ),
        Route(
            path=path,
            action=Action.REPLACE,
            handler=connect,
            about="Start a call and wait",
            answers=Answers(SOME_OBJECT),
        ),
    )


async def start(request: Request) -> Result:
    """Tell the switch to ring and dial; answer what it was told."""
    order = await request_of(request)
    if request.changes_nothing:
        return Result(data=order)
    await request.services.switch.tell(Command(COMMAND, request.account_id, order))
    return Result(data=order)


async def connect(request: Request) -> Result:
    """Have the switch ring and dial; answer that with what came of it.

    Raises :class:`~crossbar.errors.NobodyAnswered`.
    """
    order = await request_of(request)
    command = Command(COMMAND, request.account_id, order)
    outcome = await request.services.switch.order(command, order["timeout"] + MARGIN)
    if cause := outcome.get("cause"):
        raise NobodyAnswered(cause=cause)
    return Result(data={**order, **outcome})


async def request_of(request: Request) -> Document:
    """What the switch is to do. Refused when there is no telephone that could ring."""
    endpoint = await load(request)
    _charge(request.actor)
    number = filtered(request.ids["number"], request.controls.get("number_filter"))
    devices = usable(await devices_behind(request.actor, endpoint))
    if not devices:
        message = "There is no device that can be called"
        raise ValidationFailed.of("endpoints", "minItems", message, target=1)
    answers_itself = len(devices) == 1 and not is_false(request.controls.get("auto_answer"))
    call_id = request.control("target_call_id")
    order = {
        "application_name": "transfer",
        "application_data": {"route": number},
        "continue_on_fail": False,
        "custom_application_vars": tags_of(request),
        "custom_channel_vars": _channel_vars(request, endpoint),
        "dial_endpoint_method": "simultaneous",
        "endpoints": [_leg(request.actor, device, number, answers_itself) for device in devices],
        "existing_call_id": call_id if isinstance(call_id, str) else None,
        "export_custom_channel_vars": EXPORTED,
        "ignore_early_media": not request.says_no("ignore-early-media"),
        "media": "bypass" if request.control("media") == "bypass" else "process",
        "outbound_caller_id_name": "Device QuickCall",
        "outbound_caller_id_number": number,
        "timeout": seconds_of(request.control("timeout")),
        **_callee(request, endpoint),
    }
    return {name: value for name, value in order.items() if value is not None}


def _charge(actor: Actor) -> None:
    """Keep a client from making telephones ring without end, who is known and not charged else."""
    if actor.services.settings.limits.enabled:
        caller = actor.require_caller()
        actor.services.pace.charge((COMMAND, actor.address, caller.account_id), cost=1)


def _channel_vars(request: Request, endpoint: Document) -> Document:
    return {
        "account_id": request.account_id,
        "authorizing_id": endpoint["_id"],
        "authorizing_type": endpoint["pvt_type"],
        "inherit_codec": False,
        "retain_cid": isinstance(request.control("cid-number"), str),
    }


def _callee(request: Request, endpoint: Document) -> Document:
    """Who the telephone shows as called: as asked for, else the endpoint itself."""
    shown = {}
    for part in ("name", "number"):
        asked = request.control(f"cid-{part}")
        own = lookup(endpoint, ("caller_id", "internal", part))
        shown[f"outbound_callee_id_{part}"] = asked if isinstance(asked, str) else own
    return shown


def _leg(actor: Actor, device: Document, number: str, answers_itself: bool) -> Document:
    """One telephone that is to ring."""
    sip = device.get("sip") or {}
    leg = {
        "endpoint_id": device["_id"],
        "invite_format": sip.get("invite_format", "contact"),
        "outbound_call_id": f"{secrets.token_hex(18)}-quickcall",
        "route": sip.get("route"),
        "to_did": sip.get("number") or number,
        "to_ip": sip.get("ip") if sip.get("method") == "ip" else None,
        "to_realm": sip.get("realm") or actor.require_account().realm,
        "to_user": sip.get("static_invite") or sip.get("username"),
        "to_username": sip.get("username"),
        "custom_channel_vars": {"auto_answer": True} if answers_itself else None,
    }
    return {name: value for name, value in leg.items() if value is not None}


def tags_in(sent: object) -> Document:
    """What of tags can go with a call: short values, and not too many; the rest is left out."""
    known = sent.items() if isinstance(sent, dict) else ()
    kept = [
        (name[:LONGEST_TAG], value)
        for name, value in known
        if isinstance(value, str | int | float) and len(str(value)) <= LONGEST_TAG
    ]
    return dict(kept[:MOST_TAGS])


def tags_of(request: Request) -> Document:
    """The tags of a call: those that were sent as such, and what is left of the parameters."""
    sent = request.control("custom_application_vars")
    left = {
        name: value
        for name, value in request.controls.items()
        if name not in TUNING and name not in PROTOCOL and isinstance(value, str)
    }
    return tags_in(left | sent if isinstance(sent, dict) else left)


def seconds_of(value: Any) -> int:
    """How long to ring: more than three seconds, or as long as usual."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return RING_SECONDS
    return min(value, LONGEST_RING_SECONDS) if value > LEAST_RING_SECONDS else RING_SECONDS


def filtered(number: str, number_filter: Any) -> str:
    """The number to dial: without its decoration, as it is, or what the pattern captures."""
    if len(number) > LONGEST_NUMBER:
        message = f"String must not be more than {LONGEST_NUMBER} characters"
        raise ValidationFailed.of("number", "maxLength", message, target=LONGEST_NUMBER)
    if number_filter is None or number_filter in (True, "true", ""):
        return _DECORATION.sub("", number)
    if number_filter in (False, "false"):
        return number
    try:
        captured = Expression(str(number_filter)).captured(number)
    except Unusable as error:
        raise ValidationFailed.of(
            "number_filter", "invalid", str(error), value=number_filter
        ) from None
    if not captured:
        message = "The number has nothing that the filter captures"
        raise ValidationFailed.of("number_filter", "pattern", message, value=number)
    return captured
