"""Calls that come from carriers: whose number is called, and which carrier may bring it.

A carrier of the system brings calls for the numbers of all accounts. One of an account brings them
for the account and those below it: so nobody makes calls for others' numbers by saying that an
address is a carrier's. What no carrier may bring is the call of a server of an account
(``connectivity``), if one is at that address.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
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
from crossbar.switch.asterisk.wishes import IN, Refused, Wish
from crossbar.switch.executor import (
    IN_TO,
    INBOUND,
    NAMES_IN,
    NUMBERS_IN,
    REQUESTED,
    formatters_of,
    rewritten,
    usual_formatters,
)

if TYPE_CHECKING:
    from crossbar.switch.asterisk.exchange import Exchange

log = structlog.get_logger(__name__)

NOT_HERE = "UNALLOCATED_NUMBER"
BUSY = "NORMAL_CIRCUIT_CONGESTION"
HIDDEN = "prohib"
"""What the presentation of a caller begins with who does not want to be shown."""

NAMELESS = {"", "anonymous"}

_USER = re.compile(r"sips?:([^@;>]+)@")


async def arrive(exchange: Exchange, channel: Document, address: str) -> Line | None:
    """The leg of a call from an address that is known: from a carrier, in the account whose number
    it is, or from a server. ``None`` if it was refused."""
    gateways = await exchange.carriers.at(address)
    brought = await _brought(exchange, channel, gateways)
    if brought is None:
        if server := await _server(exchange, address, gateways):
            return await _take(exchange, channel, server)
        called = channel["dialplan"]["exten"][:64]
        log.info("call_of_carrier_refused", address=address, number=called)
        reason = NUMBERS[NOT_HERE]
        await exchange.ari.delete("channels", channel["id"], reason_code=reason)
        return None
    caller = brought.rewritten(channel["caller"]["number"], NUMBERS_IN)
    if (line := await _admit(exchange, channel, brought, caller)) is None:
        reason = NUMBERS[BUSY]
        await exchange.ari.delete("channels", channel["id"], reason_code=reason)
        return None
    line.is_here = line.is_external = True
    line.destination = line.callee_number = brought.number["_id"]
    line.caller_number = caller
    line.is_anonymous = await _hides(exchange, channel, caller)
    name = brought.rewritten(channel["caller"]["name"], NAMES_IN)
    if lookup(brought.number, ("cnam", "inbound_lookup")) is True and not line.is_anonymous:
        name = await exchange.caller_names.of(caller) or name
    line.caller_name = _shown_name(brought.number, name)
    if line.cause:
        return None  # the caller has not waited
    await mark(exchange, line)
    line.begin()
    return line


async def _admit(
    exchange: Exchange, channel: Document, brought: _Brought, caller: str
) -> Line | None:
    """The leg, unless something holds it back."""
    gateway, account_id = brought.gateway, brought.account.account_id
    wish = Wish(
        call_id=channel["id"],
        account_id=account_id,
        direction=IN,
        number=brought.number["_id"],
        other=caller,
        resource=gateway.resource,
        resource_of="" if gateway.owner == SYSTEM else gateway.owner,
    )
    try:
        async with exchange.tolls.turn(account_id):
            terms = await exchange.tolls.terms(wish)
            line = exchange.adopt(channel["id"], _party(brought.account, gateway), like=None)
            line.terms = terms
    except Refused:
        return None
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Brought:
    """A call that a carrier may bring: for which number, whose it is, and by which rules."""

    gateway: Gateway
    number: Document
    account: Account
    formatters: Document

    def rewritten(self, text: str, fields: Sequence[str]) -> str:
        """What the carrier's rules make of what it tells."""
        return rewritten(text, self.formatters, fields, INBOUND)


async def _brought(
    exchange: Exchange, channel: Document, gateways: Sequence[Gateway]
) -> _Brought | None:
    """The call as the first carrier brings it that may; the system's own come first."""
    called, fields = await _called(exchange, channel, gateways)
    usual = usual_formatters(exchange.services)
    known: dict[str, tuple[Document, Account] | None] = {}
    for gateway in gateways:
        formatters = formatters_of(usual, gateway.resource)
        number = rewritten(called, formatters, fields, INBOUND)
        if number not in known:
            known[number] = await _whose(exchange, number)
        if (found := known[number]) and _may_bring(gateway, found[1]):
            return _Brought(
                gateway=gateway, number=found[0], account=found[1], formatters=formatters
            )
    return None


async def _called(
    exchange: Exchange, channel: Document, gateways: Sequence[Gateway]
) -> tuple[str, tuple[str, ...]]:
    """The number that is called, and by which fields it is rewritten.

    Some carriers call the name that they know us by, and have the number in another header.
    """
    user: str = channel["dialplan"]["exten"]
    if user not in {gateway.username for gateway in gateways if gateway.username}:
        return user, REQUESTED
    match = _USER.search(await read(exchange, channel["id"], "PJSIP_HEADER(read,To)"))
    return (match[1], IN_TO) if match else (user, REQUESTED)


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


def _may_bring(gateway: Gateway, account: Account) -> bool:
    """Whether a carrier may bring calls for an account."""
    return gateway.owner == SYSTEM or is_at_or_below(account, gateway.owner)


def _shown_name(number: Document, name: str) -> str:
    """The caller's name, after what the number has put before it."""
    if lookup(number, ("prepend", "enabled")) in (None, False):
        return name
    return f"{lookup(number, ('prepend', 'name')) or ''}{name}"


async def _hides(exchange: Exchange, channel: Document, number: str) -> bool:
    """Whether the caller wants to stay unknown, whatever rules make of the number."""
    if {number.lower(), channel["caller"]["number"].lower()} & NAMELESS:
        return True
    presented = await read(exchange, channel["id"], "CALLERID(num-pres)")
    return presented.startswith(HIDDEN)


async def read(exchange: Exchange, channel_id: str, variable: str) -> str:
    """A variable of a leg; "" where it has none."""
    try:
        found = await exchange.ari.get("channels", channel_id, "variable", variable=variable)
    except AriError:
        return ""
    return str(found["value"])
