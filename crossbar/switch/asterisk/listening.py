"""Hearing the conversation of others, and speaking to one or both of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import structlog

from crossbar.core.ports import Command
from crossbar.documents import Document
from crossbar.errors import SwitchTimedOut
from crossbar.switch.asterisk.ari import AriError
from crossbar.switch.asterisk.exchange import Exchange
from crossbar.switch.asterisk.lines import Line
from crossbar.switch.asterisk.originating import originate
from crossbar.switch.executor import HungUp, TakenOver

log = structlog.get_logger(__name__)

WHISPERS: Mapping[str, str] = {"listen": "none", "whisper": "out", "full": "both"}
"""Who hears the one who listens, as Asterisk names it: nobody, the leg itself, both sides."""

USUAL_TIMEOUT = 20


async def listen(exchange: Exchange, line: Line, other: Line, mode: str = "listen") -> None:
    """Have a leg, which is answered, hear another's conversation until one of them hangs up."""
    bridge = exchange.new_id("bridge")
    async with exchange.overheard(other, whisper=WHISPERS[mode]) as snoop:
        try:
            await exchange.ari.post("bridges", type="mixing", bridgeId=bridge)
            both = f"{line.channel_id},{snoop}"
            await exchange.ari.post("bridges", bridge, "addChannel", channel=both)
            await line.until_other(lambda: other.cause, other)
        finally:
            await exchange.ari.delete("bridges", bridge)


async def eavesdrop(exchange: Exchange, command: Command) -> Document:
    """Ring a phone, which then hears a call of a queue: the one that is named, or the longest.

    Returns as soon as it rings. Raises :class:`~crossbar.errors.SwitchTimedOut` where there is no
    such call, or the phone is not there.
    """
    order, account_id = command.data, command.account_id
    call_id = order.get("call_id") or exchange.distributor.conversation(
        account_id, str(order.get("queue_id", ""))
    )
    other = exchange.lines.get(str(call_id))
    phone = await exchange.phones.find(f"{account_id}.{order['id']}")
    uris = exchange.contacts.uris(phone, other.destination if other else "")
    if other is None or other.account_id != account_id or phone is None or not uris:
        raise SwitchTimedOut
    line = exchange.adopt(exchange.new_id("leg"), phone.party, like=None)
    line.is_inbound = False
    line.caller_name = str(order.get("caller_id_name") or other.caller_name)
    line.caller_number = str(order.get("caller_id_number") or other.caller_number)
    line.destination = line.callee_number = other.destination
    line.begin()
    seconds = float(order.get("timeout") or USUAL_TIMEOUT)
    await originate(exchange, phone.name, uris[0], line, seconds=seconds)
    exchange.begin(_listen(exchange, line, _agent_of(exchange, other), str(order["mode"])))
    return {"call_id": line.channel_id, "eavesdrop_on": other.channel_id}


def _agent_of(exchange: Exchange, line: Line) -> Line:
    """The agent's leg of a conversation: the side that a whisper is for."""
    peer = exchange.lines.get(line.other)
    return peer if peer is not None and line.is_inbound else line


async def _listen(exchange: Exchange, line: Line, other: Line, mode: str) -> None:
    try:
        await line.until(lambda: line.is_here)
        await listen(exchange, line, other, mode)
    except (HungUp, TakenOver):
        return
    except (AriError, TimeoutError) as error:
        log.warning("nobody_listens", call_id=other.channel_id, error=str(error))
    finally:
        await asyncio.shield(exchange.hang_up(line))
