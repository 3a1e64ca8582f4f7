"""Music for who waits: the one that is wanted, else the switch's own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from crossbar.switch.asterisk.ari import AriError
from crossbar.switch.asterisk.exchange import Exchange
from crossbar.switch.asterisk.lines import Line
from crossbar.switch.asterisk.playing import Player, act
from crossbar.switch.executor import HungUp, Sound, TakenOver


class Music:
    """What a leg hears that waits; ``sound`` is played over and over, if it is there."""

    def __init__(self, exchange: Exchange, line: Line, sound: Sound | None = None) -> None:
        self._exchange = exchange
        self._line = line
        self._sound = sound
        self._playing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Have it be heard. Raises :class:`HungUp` when the leg has gone."""
        exchange, line = self._exchange, self._line
        wanted = [self._sound] if self._sound else []
        if files := await exchange.sounds.addresses(line.account_id, wanted):
            self._playing = asyncio.create_task(self._play(files))
        else:
            await act(exchange, line, "moh")

    async def _play(self, files: Sequence[str]) -> None:
        """Play files over and over."""
        player = Player(self._exchange, self._line)
        with suppress(HungUp, TakenOver, AriError):
            while True:  # also when somebody has had it end
                await player.play(files, times=0)

    async def stop(self) -> None:
        """End it."""
        if self._playing is not None:
            self._playing.cancel()
            await asyncio.gather(self._playing, return_exceptions=True)
            self._playing = None
        elif not self._line.cause:
            with suppress(AriError):  # a call is not to fail for its music
                await self._exchange.ari.delete("channels", self._line.channel_id, "moh")
