"""Calls that the API begins: one is rung, and then another is called for who answers."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from crossbar.core.ports import Command
from crossbar.documents import Document, lookup
from crossbar.errors import SwitchUnavailable
from crossbar.switch.asterisk.causes import FINISHED
from crossbar.switch.asterisk.dialing import ANSWERS_ITSELF, UNREGISTERED, most_telling
from crossbar.switch.asterisk.exchange import Exchange
from crossbar.switch.asterisk.lines import Line
from crossbar.switch.asterisk.originating import (
    originate,
    originate_to_number,
    with_headers,
)
from crossbar.switch.asterisk.phones import Party

UNANSWERED = "NO_ANSWER"
LATER = 1
"""Seconds by which Asterisk gives up later than we do, or it would not be known why nobody has
answered."""

MOST_OF_ACCOUNT = 10
"""Calls of an account that are begun here at a time: strangers press its buttons, too."""


async def quickcall(exchange: Exchange, command: Command) -> Document:
    """Ring phones; the one that answers calls a number.

    The ``cause`` is why none has, if none has.
    """
    order, lines = command.data, list[Line]()
    ringing = _ring(exchange, command, lines)
    if (answered := await _first(exchange, lines, ringing, _seconds(order))) is None:
        causes = {line.cause or UNANSWERED for line in lines}
        return {"cause": most_telling(causes or {UNREGISTERED})}
    answered.caller_name, answered.caller_number = answered.party.name, answered.party.username
    if lookup(order, ("custom_channel_vars", "retain_cid")):
        _show_callee(answered, order)
        answered.keeps_caller = True
    exchange.run_flow(answered)
    return {"call_id": answered.channel_id}


async def _ring(exchange: Exchange, command: Command, lines: list[Line]) -> None:
    """Ring phones at all places where they are registered; their legs are added to ``lines``."""
    order = command.data
    for endpoint in order.get("endpoints", ()):
        phone = await exchange.phones.find(f"{command.account_id}.{endpoint['endpoint_id']}")
        if phone is None:
            continue
        itself = lookup(endpoint, ("custom_channel_vars", "auto_answer"))
        headers = with_headers(ANSWERS_ITSELF) if itself else {}
        for uri in exchange.contacts.uris(phone, _target(order)):
            line = _begun(exchange, order, phone.party, exchange.new_id("leg"))
            line.destination = line.callee_number = _target(order)
            lines.append(line)
            line.begin()
            seconds = _seconds(order) + LATER
            await originate(exchange, phone.name, uri, line, seconds=seconds, **headers)


async def click_to_call(exchange: Exchange, command: Command) -> Document:
    """Call a number as if somebody had dialed it, and another one for who answers there.

    The ``cause`` is why nobody has, if nobody has.
    """
    order, services = command.data, exchange.services
    account = await services.accounts.get(command.account_id)
    if account is None or not account.is_in_good_standing(services.clock.gregorian()):
        raise SwitchUnavailable
    party = Party(
        account_id=account.account_id,
        realm=account.realm,
        button_id=str(lookup(order, ("custom_channel_vars", "authorizing_id"))),
        lamp=str(order.get("presence_id", "")).partition("@")[0],
    )
    lines = exchange.lines.values()
    own = [each for each in lines if each.is_introduced and each.account_id == account.account_id]
    if len(own) >= MOST_OF_ACCOUNT:
        raise SwitchUnavailable
    near = _begun(exchange, order, party, str(order["outbound_call_id"]))
    far = _far_end(exchange, order, near)
    near.destination = near.callee_number = far.destination
    near.begin()
    seconds = _seconds(order)
    ringing = originate_to_number(exchange, near, far, seconds=seconds + LATER)
    if await _first(exchange, [near], ringing, seconds) is None:
        return {"call_id": near.channel_id, "cause": near.cause or UNANSWERED}
    _show_callee(near, order)
    near.keeps_caller = bool(lookup(order, ("custom_channel_vars", "retain_cid")))
    near.destination = _target(order)
    near.ringback = str(order.get("hold_media") or order.get("ringback") or "")
    exchange.run_flow(near)
    return {"call_id": near.channel_id}


def _far_end(exchange: Exchange, order: Document, near: Line) -> Line:
    """The end of the call that goes through the flow of the first number."""
    far = exchange.adopt(exchange.new_id("first"), near.party, like=near)
    far.is_inbound, far.is_told = True, False
    far.caller_name, far.caller_number = near.caller_name, near.caller_number
    far.variables.update(near.variables)
    leg = order["endpoints"][0]
    far.destination = str(leg["route"])
    far.keeps_caller = bool(lookup(leg, ("custom_channel_vars", "retain_cid")))
    far.asks_to_answer = bool(lookup(order, ("custom_channel_vars", "auto_answer_loopback")))
    return far


def _begun(exchange: Exchange, order: Document, party: Party, channel_id: str) -> Line:
    """A leg that rings somebody, with whom it shows."""
    line = exchange.adopt(channel_id, party, like=None)
    line.is_inbound, line.is_introduced = False, True
    line.caller_name = str(order.get("outbound_caller_id_name", ""))
    line.caller_number = str(order.get("outbound_caller_id_number", _target(order)))
    line.label(order.get("custom_application_vars"))
    return line


def _show_callee(line: Line, order: Document) -> None:
    """Have whom it calls now see who was rung first."""
    line.caller_name = str(order.get("outbound_callee_id_name", ""))
    line.caller_number = str(order.get("outbound_callee_id_number", line.caller_number))


def _target(order: Document) -> str:
    """The number that is called for who answers."""
    return str(lookup(order, ("application_data", "route")) or "")


def _seconds(order: Document) -> float:
    return float(order.get("timeout", 30))


async def _first(
    exchange: Exchange, lines: list[Line], ringing: Coroutine[Any, Any, None], seconds: float
) -> Line | None:
    """Have legs ring: the one that is answered first; ``None`` when none is in time.

    All others are over then, also when who waits for it has given up.
    """
    answered = None
    try:
        async with asyncio.timeout(seconds):
            await ringing
            answered = await _first_of(lines)
    except TimeoutError:
        pass
    finally:
        cause = FINISHED if answered else UNANSWERED
        for line in lines:
            if line is not answered:
                await asyncio.shield(exchange.hang_up(line, cause))
    return answered


async def _first_of(lines: list[Line]) -> Line | None:
    waits = [asyncio.create_task(_answered(line)) for line in lines]
    try:
        for wait in asyncio.as_completed(waits):
            if (line := await wait) is not None:
                return line
    finally:
        for each in waits:
            each.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
    return None


async def _answered(line: Line) -> Line | None:
    await line.until(lambda: line.cause or line.is_here, survives=True)
    return None if line.cause else line
