"""Playing files to a leg, until they end or somebody presses a key."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from time import monotonic
from typing import Any

from crossbar.switch.asterisk.ari import AriError
from crossbar.switch.asterisk.exchange import Exchange
from crossbar.switch.asterisk.lines import Line
from crossbar.switch.executor import NO_KEY, Winding

SHORTEST = 1.0
"""Seconds that what is repeated lasts at least, or a very short file would keep Asterisk busy."""


async def act(
    exchange: Exchange, line: Line, what: str, channel_id: str = "", **query: Any
) -> None:
    """Do something with a leg, or another channel for it. Raises ``HungUp`` when it is over."""
    try:
        await exchange.ari.post("channels", channel_id or line.channel_id, what, **query)
    except AriError as error:
        if error.status != 404:
            raise
        await line.until(lambda: False)


class Player:
    """Plays files to a leg. Files are addresses, as Asterisk takes them."""

    def __init__(self, exchange: Exchange, line: Line) -> None:
        self._exchange = exchange
        self._ari = exchange.ari
        self._line = line

    async def play(
        self,
        files: Sequence[str],
        keys: str = NO_KEY,
        times: int = 1,
        winding: Winding | None = None,
    ) -> str:
        """Play files, one after the other, so many times (0: for ever); the key that ended it."""
        turn = 0
        while files and (times == 0 or turn < times):
            turn += 1
            began = monotonic()
            key = await self._once(files, keys, winding)
            if key or key is None:
                return key or NO_KEY
            if turn != times:
                await asyncio.sleep(began + SHORTEST - monotonic())
        return NO_KEY

    async def _once(self, files: Sequence[str], keys: str, winding: Winding | None) -> str | None:
        """The key that has ended it; ``None`` when somebody else has."""
        line, name = self._line, self._exchange.new_id("play")
        step = {"skipms": winding.milliseconds} if winding else {}
        async with self._speaker() as channel_id:
            media = ",".join(files)
            how = {"media": media, "playbackId": name, **step}
            await act(self._exchange, line, "play", channel_id, **how)
            line.playing.add(name)
            try:
                while True:
                    await line.until(
                        lambda: name in line.finished or any(k in keys for k in line.keys)
                    )
                    if winding is None or not line.keys or line.keys[0] not in winding.keys:
                        break
                    await self._wind(name, line.keys.pop(0) == winding.back)
            finally:
                if line.finished.pop(name, None) is None:
                    await self._ari.delete("playbacks", name)
                is_stopped = name not in line.playing
                line.playing.discard(name)
        return None if is_stopped else self.pressed(keys)

    @asynccontextmanager
    async def _speaker(self) -> AsyncIterator[str]:
        """The channel to play on: in a conversation one that does not silence it meanwhile."""
        line = self._line
        if line.talk is None or line.talk.is_held:
            yield line.channel_id
        else:
            async with self._exchange.overheard(line, whisper="out") as snoop:
                yield snoop

    async def _wind(self, playback: str, is_back: bool) -> None:
        """Wind what is played, if it still is."""
        operation = "reverse" if is_back else "forward"
        with suppress(AriError):
            await self._ari.post("playbacks", playback, "control", operation=operation)

    def pressed(self, keys: str) -> str:
        """The first of these keys that was pressed; it and what came before it are forgotten."""
        pressed = self._line.keys
        for at, key in enumerate(pressed):
            if key in keys:
                del pressed[: at + 1]
                return key
        return NO_KEY
