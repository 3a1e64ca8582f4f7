"""What a call by a carrier leaves behind beside its record: what it cost, and how long it was.

Both are written in the commit of the record. A record is kept once, so a call is charged once, and
counts once, whoever tells of it and however often.
"""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

from crossbar.core.directory import Account
from crossbar.core.services import Services
from crossbar.documents import Document
from crossbar.errors import ValidationFailed
from crossbar.families.billing import Repeated
from crossbar.families.carriers import (
    BILLING,
    COST,
    RESELLER,
    RESELLER_COST,
    NoTerms,
    cost_of,
    for_reseller,
    is_charged,
)
from crossbar.families.switch.board import Board, Told
from crossbar.storage import Key

DAY = 86_400
USAGE_TYPE = "outbound_usage"
"""How long an account, and those below it that count with it, have called by carriers in a day."""

SERVICE = "per-minute-voip"
"""The ledger of calls."""

EMERGENCY = "emergency"
"""The variable of calls that do not count."""


def usage_key(account_id: str) -> Key:
    """Where it is kept how long an account has called."""
    return Key(account_id, USAGE_TYPE, USAGE_TYPE)


async def seconds_of_today(services: Services, account_id: str) -> int:
    """How many seconds of calls by carriers that are over count at an account today (UTC)."""
    stored = await services.store.get(usage_key(account_id))
    return _seconds(stored, services.clock.gregorian() // DAY)


def _seconds(stored: Document | None, day: int) -> int:
    return int(stored["seconds"]) if stored and stored["day"] == day else 0


class Costs(NamedTuple):
    """What a call costs its account, and the reseller, in units."""

    account: int
    reseller: int


def with_costs(call: Document) -> tuple[Document, Costs]:
    """A record, and what the call cost by the terms that it names.

    The record says that, too, as far as it is charged here. Raises 400 for terms that are none.
    """
    variables = call.get("custom_channel_vars") or {}
    seconds, theirs = int(call.get("billing_seconds", 0)), for_reseller(variables)
    try:
        costs = Costs(cost_of(variables, seconds), cost_of(theirs, seconds))
    except NoTerms as error:
        path = "data.custom_channel_vars"
        raise ValidationFailed.of(path, "invalid", str(error)) from None
    told = {COST: str(costs.account)} if is_charged(variables) else {}
    if is_charged(theirs):
        told[RESELLER_COST] = str(costs.reseller)
    return ({**call, "custom_channel_vars": {**variables, **told}} if told else call), costs


async def charge(board: Board, told: Told, call: Document, costs: Costs) -> None:
    """Book what a call cost: with its account, and with the reseller."""
    if costs.account:
        await _book(board, told.account, told, call, costs.account)
    if costs.reseller and (reseller := await _reseller(board, told, call)):
        await _book(board, reseller, told, call, costs.reseller)


async def _reseller(board: Board, told: Told, call: Document) -> Account | None:
    """The reseller who has agreed to pay, too, if that is still an account above."""
    account_id = str(call["custom_channel_vars"].get(RESELLER, ""))
    if not told.account.is_below(account_id):
        return None
    return await board.services.accounts.get(account_id)


async def _book(board: Board, payer: Account, told: Told, call: Document, units: int) -> None:
    books = await board.books(payer)
    with suppress(Repeated):  # it was charged by a record that was told at another time
        await books.add(_entry(call), -units, whose=told.account)


def _entry(call: Document) -> Document:
    variables = call["custom_channel_vars"]
    facts = ("rate_cost", "rate_surcharge", "rate_name", "resource_id")
    return {
        "source": {"service": SERVICE, "id": call["call_id"]},
        "usage": {"type": "voice", "quantity": int(call["billing_seconds"]), "unit": "sec"},
        "period": {
            "start": int(call["timestamp"]) - int(call.get("duration_seconds", 0)),
            "end": int(call["timestamp"]),
        },
        "description": str(call.get("callee_id_number", "")),
        "metadata": {
            "direction": call.get("call_direction", ""),
            "from": call.get("caller_id_number", ""),
            "to": call.get("callee_id_number", ""),
            **{name: variables[name] for name in facts if variables.get(name)},
        },
    }


async def count(board: Board, told: Told, call: Document) -> None:
    """Count the time of a call that went out by a carrier to its day, wherever it counts."""
    variables = call.get("custom_channel_vars") or {}
    is_out = call.get("call_direction") == "outbound" and variables.get("resource_id")
    seconds = int(call.get("billing_seconds", 0))
    is_emergency = variables.get(EMERGENCY) or variables.get(BILLING) == EMERGENCY
    if not is_out or not seconds or is_emergency:
        return
    day = int(call["timestamp"]) // DAY
    for key in map(usage_key, told.account.counted_at):
        stored = await board.document(key)
        if not stored or stored["day"] <= day:  # or that day is over
            await board.note(key, {"day": day, "seconds": _seconds(stored, day) + seconds})
