"""Speaking to many phones at once, which answer by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from crossbar.switch.asterisk.dialing import Hunt
from crossbar.switch.asterisk.exchange import Exchange
from crossbar.switch.asterisk.lines import Line
from crossbar.switch.executor import Dialing, Leg


async def page(
    exchange: Exchange, line: Line, legs: Sequence[Leg], *, two_way: bool, timeout: float
) -> bool:
    """Have all who answer hear the caller, until it hangs up; whether anybody could be rung.

    With ``two_way`` all hear each other.
    """
    bridge = exchange.new_id("page")
    hunt = Hunt(exchange, line, Dialing(timeout=timeout))
    await exchange.ari.post("bridges", type="mixing", bridgeId=bridge)
    joins: list[asyncio.Task[None]] = []
    try:
        await exchange.ari.post("bridges", bridge, "addChannel", channel=line.channel_id)
        rung = [
            each
            for leg in legs
            for each in await hunt.begin(replace(leg, auto_answer=True), timeout)
        ]
        joins = [asyncio.create_task(_join(exchange, bridge, each, two_way)) for each in rung]
        if rung:
            await line.until(lambda: False)
        return bool(rung)
    finally:
        for each in joins:
            each.cancel()
        await hunt.stop(None)
        await exchange.ari.delete("bridges", bridge)


async def _join(exchange: Exchange, bridge: str, line: Line, two_way: bool) -> None:
    """Add a leg, once it has answered."""
    await line.until(lambda: line.is_here or line.cause, survives=True)
    if not line.cause:
        mute = "false" if two_way else "true"
        await exchange.ari.post(
            "bridges", bridge, "addChannel", channel=line.channel_id, mute=mute
        )
