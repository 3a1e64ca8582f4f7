"""Waiting until a phone is in no call any more, to call back who wants to speak with it."""

from __future__ import annotations

import asyncio
from collections import Counter

import structlog

from crossbar.core.ports import Command
from crossbar.switch.asterisk.exchange import Exchange
from crossbar.switch.asterisk.introducing import quickcall
from crossbar.switch.asterisk.lines import Line

log = structlog.get_logger(__name__)

MOST = 50
"""Who wait in one account at a time; the others are not called back."""


class Camping:
    """Who waits. They are forgotten when the switch ends."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._waiting: Counter[str] = Counter()

    async def camp(self, command: Command) -> None:
        """Wait beside everything else."""
        if self._waiting[command.account_id] < MOST:
            self._waiting[command.account_id] += 1
            self._exchange.begin(self._wait(command))

    async def _wait(self, command: Command) -> None:
        try:
            async with asyncio.timeout(command.data["seconds"]):
                while busy := self._busy(command):
                    await _over(busy[0])
            outcome = await quickcall(self._exchange, command)
            if cause := outcome.get("cause"):
                log.info("nobody_called_back", account_id=command.account_id, reason=cause)
        except TimeoutError:
            log.info("nobody_called_back", account_id=command.account_id, reason="still in a call")
        finally:
            self._waiting[command.account_id] -= 1
            self._waiting += Counter()  # without those that nobody waits in

    def _busy(self, command: Command) -> list[Line]:
        """The calls that are waited for to end."""
        ids = command.data["device_ids"]
        lines = self._exchange.lines.values()
        ours = (each for each in lines if each.account_id == command.account_id)
        return [each for each in ours if each.party.device_id in ids]


async def _over(line: Line) -> None:
    await line.until(lambda: line.cause, survives=True)
