"""What a caller hears until somebody answers: that it rings, or what comes from there meanwhile.

A carrier may announce something before the call is answered, or have its own ringing heard. Then
both are connected already; the call is answered, and counted, only when whom is called answers.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog

from crossbar.switch.asterisk.ari import AriError
from crossbar.switch.asterisk.exchange import Exchange
from crossbar.switch.asterisk.lines import Line

log = structlog.get_logger(__name__)

EARLY = "early"
"""What the names of bridges begin with whose legs are not all answered yet."""


class Hearing:
    """What the caller of a leg hears; nothing, where that is not ``wanted``."""

    def __init__(self, exchange: Exchange, line: Line, *, wanted: bool) -> None:
        self._exchange = exchange
        self._ari = exchange.ari
        self._line = line
        self._is_quiet = not wanted
        self._hears_something = False
        self._ringing: asyncio.Task[None] | None = None
        self._listening: list[asyncio.Task[None]] = []

    def ring(self) -> None:
        """Have the caller hear that it rings, unless there is something to hear already."""
        if not (self._is_quiet or self._hears_something):
            self._hears_something = True
            self._ringing = asyncio.create_task(self._ring())

    def listen(self, leg: Line) -> None:
        """Have the caller hear what comes from a leg before it is answered."""
        if not self._is_quiet:
            self._listening.append(asyncio.create_task(self._listen(leg)))

    async def stop(self) -> None:
        """End what is heard: who is called has answered, or nobody will."""
        for task in self._listening:
            task.cancel()
        await asyncio.gather(*self._listening, return_exceptions=True)
        await self._stop_ringing()

    async def _ring(self) -> None:
        await self._ari.post("channels", self._line.channel_id, "ring")

    async def _stop_ringing(self) -> None:
        if self._ringing is not None:
            await asyncio.gather(self._ringing, return_exceptions=True)
            if self._line.is_up and not self._line.cause:  # or it would be heard all the while
                with suppress(AriError):  # phones are not to ring on for that
                    await self._ari.delete("channels", self._line.channel_id, "ring")

    async def _listen(self, leg: Line) -> None:
        await leg.until(lambda: leg.cause or leg.is_here or leg.has_sound, survives=True)
        if leg.cause or leg.is_here:
            return
        was_ringing, self._hears_something = self._hears_something, True
        bridge = self._exchange.new_id(EARLY)
        try:
            await self._stop_ringing()
            if not self._line.is_up:
                await self._ari.post("channels", self._line.channel_id, "progress")
            await self._ari.post("bridges", type="mixing", bridgeId=bridge)
            both = f"{self._line.channel_id},{leg.channel_id}"
            await self._ari.post("bridges", bridge, "addChannel", channel=both)
            await leg.until(lambda: leg.cause or leg.is_here, survives=True)
            self._hears_something = leg.is_here
        except AriError as error:  # an older Asterisk cannot; or one of them has just hung up
            log.info("nothing_heard_before_answer", call_id=leg.channel_id, error=str(error))
            if not was_ringing:
                await self._ring()
        finally:
            await self._ari.delete("bridges", bridge)
