"""Calls that come from carriers: whose number is called, and which carrier may bring it.

A carrier of the system brings calls for the numbers of all accounts. One of an account brings them
for the account and those below it: so nobody makes calls for others' numbers by saying that an
address is a carrier's. What no carrier may bring is the call of a server of an account
(``connectivity``), if one is at that address.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import structlog

from crossbar.core.directory import Account, is_at_or_below
from crossbar.documents import Document, lookup
from crossbar.families.numbers import ASSIGNED_TO, STATE, State, number_key
from crossbar.numbers import spellings
from crossbar.storage import SYSTEM
from crossbar.switch.asterisk.ari import AriError
from crossbar.switch.asterisk.carriers import Gateway
from crossbar.switch.asterisk.causes import NUMBERS
from crossbar.switch.asterisk.lines import Line
from crossbar.switch.asterisk.originating import mark
from crossbar.switch.asterisk.phones import Party
from crossbar.switch.asterisk.tolls import IN, Refused, Wish

if TYPE_CHECKING:
    from crossbar.switch.asterisk.exchange import Exchange

log = structlog.get_logger(__name__)

NOT_HERE = "UNALLOCATED_NUMBER"
BUSY = "NORMAL_CIRCUIT_CONGESTION"
HIDDEN = "prohib"
"""What the presentation of a caller begins with who does not want to be shown."""

NAMELESS = ("", "anonymous")

_USER = re.compile(r"sips?:([^@;>]+)@")


async def arrive(exchange: Exchange, channel: Document, address: str) -> Line | None:
    """The leg of a call from an address that is known: from a carrier, in the account whose number
    it is, or from a server. ``None`` if it was refused."""
    gateways = await exchange.carriers.at(address)
    called = await _called(exchange, channel, gateways)
    found = await _whose(exchange, called)
    gateway = _bringer(gateways, found[1]) if found else None
    if found is None or gateway is None:
        if server := await _server(exchange, address, gateways):
            return await _take(exchange, channel, server)
        log.info("call_of_carrier_refused", address=address, number=called[:64])
        reason = NUMBERS[NOT_HERE]
        await exchange.ari.delete("channels", channel["id"], reason_code=reason)
        return None
    number, account = found
    caller = channel["caller"]["number"]
    wish = Wish(
        call_id=channel["id"],
        account_id=account.account_id,
        direction=IN,
        number=number["_id"],
        other=caller,
        resource=gateway.resource,
        resource_of="" if gateway.owner == SYSTEM else gateway.owner,
    )
    try:
        async with exchange.tolls.turn(account.account_id):
            terms = await exchange.tolls.terms(wish)
            line = exchange.adopt(channel["id"], _party(account, gateway), like=None)
            line.terms = terms
    except Refused:
        reason = NUMBERS[BUSY]
        await exchange.ari.delete("channels", channel["id"], reason_code=reason)
        return None
    line.is_here = line.is_external = True
    line.destination = line.callee_number = number["_id"]
    line.caller_name = _shown_name(number, channel["caller"]["name"])
    line.caller_number = caller
    line.is_anonymous = await _hides(exchange, line)
    await mark(exchange, line)
    line.begin()
    return line


async def _server(exchange: Exchange, address: str, gateways: Sequence[Gateway]) -> str:
    """The name of the server of an account at an address; "" if that is the system's carrier's:
    nobody takes the calls of others by naming it."""
    if not await exchange.carriers.are_asked_for():
        return ""  # one of them may be there
    is_ours = any(gateway.owner == SYSTEM for gateway in gateways)
    return "" if is_ours else await exchange.phones.servers.at(address)


async def _take(exchange: Exchange, channel: Document, server: str) -> Line | None:
    """The leg of a server that calls; ``None`` if it may not."""
    if (line := await exchange.take(channel, server)) is not None:
        await mark(exchange, line)
    return line


def _party(account: Account, gateway: Gateway) -> Party:
    return Party(
        account_id=account.account_id,
        realm=account.realm,
        resource_id=gateway.resource["_id"],
        resource_of="" if gateway.owner == SYSTEM else gateway.owner,
    )


async def _called(exchange: Exchange, channel: Document, gateways: Sequence[Gateway]) -> str:
    """The number that is called. Some carriers call the name that they know us by, and have the
    number in another header."""
    user: str = channel["dialplan"]["exten"]
    if user not in {gateway.username for gateway in gateways if gateway.username}:
        return user
    match = _USER.search(await read(exchange, channel["id"], "PJSIP_HEADER(read,To)"))
    return match[1] if match else user


async def _whose(exchange: Exchange, called: str) -> tuple[Document, Account] | None:
    """The number's document and the account that has it, if it is in service."""
    services = exchange.services
    for number in spellings(called):
        document = await services.store.get(number_key(number))
        if document is None or document.get(STATE) != State.IN_SERVICE:
            continue
        account = await services.accounts.get(str(document.get(ASSIGNED_TO, "")))
        if account and account.is_in_good_standing(services.clock.gregorian()):
            return document, account
    return None


def _bringer(gateways: Sequence[Gateway], account: Account) -> Gateway | None:
    """The carrier that may bring calls for an account; the system's own come first."""
    for gateway in gateways:
        if gateway.owner == SYSTEM or is_at_or_below(account, gateway.owner):
            return gateway
    return None


def _shown_name(number: Document, name: str) -> str:
    """The caller's name, after what the number has put before it."""
    if lookup(number, ("prepend", "enabled")) in (None, False):
        return name
    return f"{lookup(number, ('prepend', 'name')) or ''}{name}"


async def _hides(exchange: Exchange, line: Line) -> bool:
    """Whether the caller wants to stay unknown."""
    if line.caller_number.lower() in NAMELESS:
        return True
    presented = await read(exchange, line.channel_id, "CALLERID(num-pres)")
    return presented.startswith(HIDDEN)


async def read(exchange: Exchange, channel_id: str, variable: str) -> str:
    """A variable of a leg; "" where it has none."""
    try:
        found = await exchange.ari.get("channels", channel_id, "variable", variable=variable)
    except AriError:
        return ""
    return str(found["value"])
