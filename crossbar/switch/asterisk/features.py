"""What metaflows do in a conversation, done by Asterisk; asked for by keys, or by the API."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import structlog

from crossbar.documents import Document
from crossbar.switch.asterisk.ari import AriError
from crossbar.switch.asterisk.calling import call_of
from crossbar.switch.asterisk.consulting import consult, hand_over
from crossbar.switch.asterisk.exchange import Exchange
from crossbar.switch.asterisk.lines import Line
from crossbar.switch.asterisk.taping import Tape
from crossbar.switch.executor import (
    Book,
    Dialing,
    HungUp,
    Leg,
    Media,
    Side,
    Sound,
    TakenOver,
    Way,
    prepare,
    run_metaflow,
)

log = structlog.get_logger(__name__)

DIRECTIONS = {Way.FROM: "RX", Way.TO: "TX"}
"""How Asterisk names the ways of sound, from where it is."""


async def run_flow(
    exchange: Exchange, line: Line, flow: Document, *, by_keys: bool = False
) -> None:
    """Do what a metaflow says, for a leg."""
    book = await Book.of(exchange.services, line.account_id, line.channel_id)
    if book is None:
        return
    media, talk = exchange.media_of(line), AriConversation(exchange, line)
    call = call_of(line)
    await prepare(book, call)
    if line.call is not None:  # a step may have chosen another language
        call.language = line.call.language
    with suppress(HungUp, TakenOver):
        await run_metaflow(flow, book=book, call=call, media=media, talk=talk, by_keys=by_keys)


class AriConversation:
    """A leg, and whom it talks with (:class:`~crossbar.switch.executor.Conversation`)."""

    def __init__(self, exchange: Exchange, line: Line) -> None:
        self._exchange = exchange
        self._line = line

    @property
    def _other(self) -> Line | None:
        line = self._line
        return None if line.talk is None else line.talk.other(line)

    @property
    def _tapes(self) -> list[Tape]:
        other = self._other
        return [*self._line.tapes, *(other.tapes if other is not None else ())]

    @property
    def other(self) -> Media | None:
        """The other leg; ``None`` where there is no conversation."""
        return None if (other := self._other) is None else self._exchange.media_of(other)

    @property
    def is_caller(self) -> bool:
        """Whether it is the leg of who called."""
        return self._line.is_inbound

    @property
    def is_held(self) -> bool:
        """Whether the two are parted for a while."""
        return self._line.talk is not None and self._line.talk.is_held

    @property
    def is_taped(self) -> bool:
        """Whether a recording runs that somebody has asked for during the call."""
        return any(tape.is_on_demand for tape in self._tapes)

    async def hold(self, music: Sound | None, own: Sound | None, key: str) -> None:
        """Part the legs, until this leg presses ``key``."""
        if self._line.talk is not None:
            await self._line.talk.hold(self._line, music, own, key)

    async def resume(self) -> None:
        """Connect the legs again."""
        if self._line.talk is not None:
            await self._line.talk.resume()

    async def stop_sounds(self) -> None:
        """End what this leg is played."""
        for name in tuple(self._line.playing):
            self._line.playing.discard(name)
            await self._exchange.ari.delete("playbacks", name)

    async def stop_tapes(self) -> None:
        """End the recordings that somebody has asked for during the call."""
        for tape in self._tapes:
            if tape.is_on_demand:
                tape.stop()

    async def mask(self, is_masked: bool) -> None:
        """Have all recordings of the conversation be silent, or not any more."""
        for tape in self._tapes:
            with suppress(AriError):  # it has just ended
                await tape.mask(is_masked)

    async def send(
        self,
        side: Side,
        number: str,
        *,
        callflow_id: str = "",
        steps: Document | None = None,
        is_transfer: bool = False,
    ) -> None:
        """Send a leg to a number, into a callflow or through steps, out of the conversation."""
        leg = self._line if side is Side.SELF else self._other
        if leg is not None:
            by = self._line.party.device_id if is_transfer else None
            leg.taken_over = True  # at once: this leg may hang up before it is on its way
            self._exchange.redirect(
                leg, number, callflow_id=callflow_id, steps=steps, transferor_id=by
            )

    async def consult(
        self, leg: Leg, *, seconds: float, music: Sound | None, takeback: str
    ) -> None:
        """Call somebody while the other leg hears music, and give it over by hanging up."""
        if (other := self._other) is not None:
            await consult(
                self._exchange,
                self._line,
                other,
                leg,
                seconds=seconds,
                music=music,
                takeback=takeback,
            )

    async def hand_over(self, legs: Sequence[Leg], dialing: Dialing, *, keeps: Side) -> bool:
        """Ring phones; who answers talks on with that side, and the other side is over."""
        line, other = self._line, self._other
        kept, left = (line, other) if keeps is Side.SELF or other is None else (other, line)
        return await hand_over(self._exchange, kept, left, legs, dialing)

    async def set_level(self, way: Way, level: int) -> None:
        """Make what this leg says, or hears, louder, or less so."""
        factor = level + 1 if level >= 0 else level - 1  # below 0 it divides
        await self._set(f"VOLUME({DIRECTIONS[way]})", str(factor))

    async def set_pitch(self, way: Way, factor: float) -> None:
        """Change the pitch of what this leg says or hears."""
        await self._set(f"PITCH_SHIFT({DIRECTIONS[way].lower()})", f"{factor:.3f}")

    async def _set(self, variable: str, value: str) -> None:
        name = self._line.channel_id
        await self._exchange.ari.post("channels", name, "variable", variable=variable, value=value)
