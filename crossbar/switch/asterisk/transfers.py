"""Transfers that phones ask for: Asterisk only tells of them (from 22 on), and we do them."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog

from crossbar.documents import Document
from crossbar.switch.asterisk.ari import AriError
from crossbar.switch.asterisk.lines import Line
from crossbar.switch.executor import HungUp, TakenOver

if TYPE_CHECKING:
    from crossbar.switch.asterisk.exchange import Exchange

log = structlog.get_logger(__name__)

LEG_THREAD = "CHANNEL(pjsip,call-id)"
"""What Asterisk has to ask the thread for that handles the SIP messages of a leg."""

PATIENCE = 5.0
"""Seconds within which a phone hangs up that has transferred."""


def transfer(exchange: Exchange, event: Document) -> None:
    """A phone sends who it talks with to a number, or to whom it talks with elsewhere."""
    by, to = event["referred_by"], event["refer_to"]
    line = exchange.lines.get(by["source_channel"]["id"])
    other = exchange.lines.get((by.get("connected_channel") or {}).get("id", ""))
    if line is None or other is None or line.is_transferring:
        return
    line.is_transferring = True  # it is told several times
    elsewhere = (to.get("destination_channel") or {}).get("id", "")
    number = (to.get("requested_destination") or {}).get("destination", "")
    # At once: a phone that has transferred hangs up, which must not end the other side too.
    other.taken_over = True
    if elsewhere:
        exchange.begin(_go_to(exchange, other, elsewhere))
    else:
        exchange.redirect(other, number, transferor_id=line.party.device_id)
    exchange.begin(_confirm(exchange, line))


async def _confirm(exchange: Exchange, line: Line) -> None:
    """Tell the phone that it is done, and end its leg if it does not."""
    try:
        # Asterisk tells of a transfer before it can hear how that went, and dies of an answer
        # that is too quick (seen in 22.10). What only the thread of this leg can tell, it tells
        # when it is through with the transfer.
        await exchange.ari.get("channels", line.channel_id, "variable", variable=LEG_THREAD)
        await exchange.ari.post(
            "channels", line.channel_id, "transfer_progress", states="channel_answered"
        )
    except AriError as error:  # the phone need not be told
        log.info("transfer_not_confirmed", call_id=line.channel_id, error=str(error))
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            await line.until(lambda: line.cause, survives=True)
    line.is_transferring = False
    await exchange.hang_up(line)


async def _go_to(exchange: Exchange, line: Line, call_id: str) -> None:
    """Connect a leg with who talks with another one, in its place."""
    await exchange.release(line)
    line.is_free.clear()
    try:
        await exchange.media_of(line).take(call_id)
    except (HungUp, TakenOver):
        pass
    finally:
        line.is_free.set()
    if not line.taken_over:
        await exchange.hang_up(line)
