"""A caller's leg as queues use it, done by Asterisk."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from crossbar.switch.acd import Rung, Who
from crossbar.switch.asterisk.ari import AriError
from crossbar.switch.asterisk.dialing import Hunt
from crossbar.switch.asterisk.exchange import Exchange, Talking
from crossbar.switch.asterisk.lines import Line
from crossbar.switch.asterisk.music import Music
from crossbar.switch.executor import (
    NO_KEY,
    Dialing,
    Leg,
    Sound,
    Taping,
    sound_of,
)


class AriVoice:
    """A caller's leg (:class:`~crossbar.switch.acd.Voice`)."""

    def __init__(self, exchange: Exchange, line: Line, media: Talking) -> None:
        self._exchange = exchange
        self._line = line
        self._media = media
        self._music = Music(exchange, line)

    @property
    def who(self) -> Who:
        """Who calls."""
        line = self._line
        return Who(
            account_id=line.account_id,
            call_id=line.channel_id,
            name=line.caller_name,
            number=line.caller_number,
        )

    async def answer(self) -> None:
        """Answer the call; harmless when it is answered."""
        await self._media.answer()

    @asynccontextmanager
    async def music(self, media_id: str) -> AsyncIterator[None]:
        """Have the caller hear music for as long as the context is open."""
        sound = sound_of(media_id) if media_id else None
        self._music = Music(self._exchange, self._line, sound)
        await self._music.start()
        try:
            yield
        finally:
            await self._music.stop()

    async def announce(self, *sounds: Sound) -> None:
        """Have the caller hear something in between."""
        await self._music.stop()
        try:
            await self._media.play(*sounds, keys=NO_KEY)
        finally:
            await self._music.start()

    async def until_key(self, key: str) -> None:
        """Return when the caller has pressed a key; what was pressed before does not count."""
        self._line.keys.clear()
        await self._line.until(lambda: key in self._line.keys)
        self._line.keys.clear()

    async def ring(self, legs: Sequence[Leg], seconds: float) -> Rung[Line]:
        """Ring an agent's phones."""
        hunt = Hunt(self._exchange, self._line, Dialing(timeout=seconds), is_heard=False)
        found = await hunt.run(legs)
        return Rung(cause=hunt.outcome().cause) if found is None else Rung(found[1])

    async def brief(self, peer: Line, sound: Sound) -> bool:
        """Have an agent hear something first; whether it is still there."""
        files = await self._exchange.sounds.addresses(peer.account_id, [sound])
        name = self._exchange.new_id("play")
        if not files or peer.cause:
            return not peer.cause
        with suppress(AriError):
            await self._exchange.ari.post(
                "channels", peer.channel_id, "play", media=",".join(files), playbackId=name
            )
            await self._line.until_other(lambda: name in peer.finished or peer.cause, peer)
        return not peer.cause

    async def drop(self, peer: Line) -> None:
        """End an agent's leg."""
        await self._exchange.hang_up(peer)

    async def connect(self, peer: Line, taping: Taping | None) -> None:
        """Let both talk until the agent hangs up."""
        if taping is not None:
            await self._media.tape(taping)
        try:
            await self._media.converse(peer)
        finally:
            if taping is not None:
                await self._media.stop_tape()
