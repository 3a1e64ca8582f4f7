"""What flows do with a caller's leg, done by Asterisk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import structlog

from crossbar.switch.acd import wait
from crossbar.switch.asterisk.ari import AriError
from crossbar.switch.asterisk.causes import CAUSES, FINISHED, NUMBERS
from crossbar.switch.asterisk.dialing import Hunt
from crossbar.switch.asterisk.exchange import Exchange
from crossbar.switch.asterisk.files import ECHO_CONTEXT
from crossbar.switch.asterisk.lines import Line
from crossbar.switch.asterisk.listening import listen
from crossbar.switch.asterisk.music import Music
from crossbar.switch.asterisk.paging import page
from crossbar.switch.asterisk.playing import Player, act
from crossbar.switch.asterisk.queueing import AriVoice
from crossbar.switch.asterisk.talking import Talk
from crossbar.switch.asterisk.taping import Tape
from crossbar.switch.executor import (
    ANY_KEY,
    Channel,
    Dialed,
    Dialing,
    Faxed,
    Leg,
    Place,
    Recording,
    Seat,
    Sound,
    TakenOver,
    Taping,
    Waited,
    Winding,
    sound_of,
)

log = structlog.get_logger(__name__)

CHUNK = 65_536
FINISHING = 10.0
"""Seconds within which Asterisk has finished a recording."""

SILENCE = 5
"""Seconds of silence that end a recording."""

REFUSALS: Mapping[int, str] = {
    403: "CALL_REJECTED",
    404: "UNALLOCATED_NUMBER",
    408: "NO_USER_RESPONSE",
    410: "NUMBER_CHANGED",
    480: "SUBSCRIBER_ABSENT",
    484: "INVALID_NUMBER_FORMAT",
    486: "USER_BUSY",
    488: "BEARERCAPABILITY_NOTAVAIL",
    500: "NETWORK_OUT_OF_ORDER",
    503: "NORMAL_CIRCUIT_CONGESTION",
    603: "NORMAL_UNSPECIFIED",
}
"""The reason by which Asterisk refuses a call with a SIP status."""


class AriMedia:
    """A caller's leg (:class:`~crossbar.switch.executor.Media`)."""

    def __init__(self, exchange: Exchange, line: Line) -> None:
        self._exchange = exchange
        self._ari = exchange.ari
        self._line = line
        self._sounds = exchange.sounds
        self._player = Player(exchange, line)
        self._tapes: list[Tape] = []
        self._unanswered: Dialed | None = None

    async def answer(self) -> None:
        """Answer the call; harmless when it is answered."""
        line = self._line
        if not line.is_up:
            await self._do("answer")
            await line.until(lambda: line.is_up)

    async def _do(self, what: str, **query: Any) -> None:
        await act(self._exchange, self._line, what, **query)

    async def play(self, *sounds: Sound, keys: str = ANY_KEY, times: int = 1) -> str:
        """Play sounds to their end, or until a key; what cannot be found is silent."""
        files = await self._sounds.addresses(self._line.account_id, sounds)
        return await self._player.play(files, keys, times)

    async def collect(
        self,
        most: int,
        *sounds: Sound,
        first: float = 5,
        between: float = 2,
        ends: str = "#",
        winding: Winding | None = None,
    ) -> str:
        """Keys, until there are enough, one of ``ends``, or nothing more is pressed."""
        line, taken = self._line, ""
        if not line.keys and sounds:
            files = await self._sounds.addresses(line.account_id, sounds)
            key = await self._player.play(files, ANY_KEY, winding=winding)
            line.keys[:0] = [key] if key else []
        while len(taken) < most:
            try:
                async with asyncio.timeout(between if taken else first):
                    await line.until(lambda: bool(line.keys))
            except TimeoutError:
                break
            key = line.keys.pop(0)
            if key in ends:
                break
            taken += key
        return taken

    async def flush(self) -> None:
        """Forget keys that were pressed and not collected."""
        self._line.keys.clear()

    async def record(
        self, seconds: float, *, ends: str = ANY_KEY, silence: float = SILENCE
    ) -> Recording:
        """Record the caller until a key, silence, the limit, or until the caller hangs up."""
        line, name = self._line, self._exchange.new_id("recording")
        line.keys.clear()
        await self._do(
            "record",
            name=name,
            format="wav",
            maxDurationSeconds=max(1, round(seconds)),
            maxSilenceSeconds=max(1, round(silence)),
            ifExists="overwrite",
        )
        line.is_recording = True
        self._exchange.recorders[name] = line
        line.recordings.append(name)
        try:
            await line.until(
                lambda: name in line.finished or any(k in ends for k in line.keys) or line.cause,
                survives=True,
            )
            if name not in line.finished:
                await self._stop_recording(name)
            async with asyncio.timeout(FINISHING):
                await line.until(lambda: name in line.finished, survives=True)
        except TimeoutError:
            log.warning("recording_never_finished", call_id=line.channel_id)
        finally:
            del self._exchange.recorders[name]
        line.is_recording = False
        facts = line.finished.pop(name, {})
        return Recording(
            name=name,
            milliseconds=round(float(facts.get("duration", 0)) * 1000),
            key=self._player.pressed(ends),
            hung_up=bool(line.cause),
        )

    async def _stop_recording(self, name: str) -> None:
        try:
            await self._ari.post("recordings", "live", name, "stop")
        except AriError as error:
            if error.status != 404:  # it is over, since the caller has hung up
                raise

    async def audio(self, recording: Recording) -> AsyncIterator[bytes]:
        """What was recorded, as WAV."""
        content = await self._ari.content("recordings", "stored", recording.name, "file")
        for begin in range(0, len(content), CHUNK):
            yield content[begin : begin + CHUNK]

    async def tape(self, taping: Taping) -> None:
        """Record both sides from now on, once somebody is there to be recorded."""
        tape = Tape(self._exchange, self._line, taping)
        self._tapes.append(tape)
        self._exchange.begin(tape.run())

    async def stop_tape(self) -> None:
        """End what was begun last of that."""
        if self._tapes:
            self._tapes.pop().stop()

    async def dial(self, legs: Sequence[Leg], dialing: Dialing) -> Dialed:
        """Ring, and connect the caller with the first who answers, until one of them hangs up."""
        async with self._ringback(dialing.ringback) as is_own:
            hunt = Hunt(
                self._exchange,
                self._line,
                dialing,
                is_heard=not is_own,
            )
            found = await hunt.run(legs)
        if found is None:
            self._unanswered = hunt.outcome()
            return self._unanswered
        leg, peer = found
        if leg.taping is not None:  # as whoever is called wants it
            await AriMedia(self._exchange, peer).tape(leg.taping)
        await self.converse(peer)
        return Dialed(answered=leg, cause=peer.cause or "NORMAL_CLEARING")

    @asynccontextmanager
    async def _ringback(self, media_id: str) -> AsyncIterator[bool]:
        """Have the caller hear a sound instead of ringing; whether it is there."""
        sound = sound_of(media_id)
        if not media_id or not await self._sounds.addresses(self._line.account_id, [sound]):
            yield False
            return
        music = Music(self._exchange, self._line, sound)
        await music.start()
        try:
            yield True
        finally:
            await music.stop()

    async def converse(self, peer: Line) -> None:
        """Connect the caller with another leg until one of them hangs up."""
        await Talk(self._exchange, self._line, peer).run()

    async def page(self, legs: Sequence[Leg], *, two_way: bool, timeout: float) -> bool:
        """Speak to all legs, which answer by themselves, until the caller hangs up."""
        await self.answer()
        return await page(self._exchange, self._line, legs, two_way=two_way, timeout=timeout)

    async def confer(self, seat: Seat) -> None:
        """Take part in a conference until the caller leaves it."""
        await self.answer()
        account_id = self._line.account_id
        entry = await self._sounds.addresses(account_id, seat.entry)
        leaving = await self._sounds.addresses(account_id, seat.exit)
        await self._exchange.conferences.confer(self._line, seat, entry, leaving)

    async def people_in(self, conference_id: str) -> int:
        """How many take part in a conference now."""
        return self._exchange.conferences.count(self._line.account_id, conference_id)

    async def queue(self, place: Place) -> Waited:
        """Wait until an agent has taken the call and the conversation is over, or it is left."""
        exchange = self._exchange
        voice = AriVoice(exchange, self._line, self)
        return await wait(exchange.distributor, voice, place)

    async def park(self, slot: str, seconds: float) -> Waited:
        """Wait with music until somebody takes the call, or for so long (0: for ever)."""
        await self.answer()
        await self._do("moh")
        try:
            async with asyncio.timeout(seconds or None):
                await self._line.until(lambda: False)
        except TimeoutError:
            return Waited.TIMEOUT
        finally:
            await self._ari.delete("channels", self._line.channel_id, "moh")
        return Waited.CONNECTED

    async def channels(self, device_ids: Sequence[str]) -> list[Channel]:
        """The running calls of the account's devices, the oldest first."""
        return [
            Channel(call_id=each.channel_id, device_id=each.party.device_id, answered=each.is_up)
            for each in self._exchange.lines.values()
            if each.account_id == self._line.account_id and each.party.device_id in device_ids
        ]

    async def take(self, call_id: str) -> bool:
        """Be connected in place of that leg, until one hangs up; whether it was still there.

        A leg that is alone, such as one that is parked, is taken itself.
        """
        leg = self._exchange.lines.get(call_id)
        if leg is None or leg.account_id != self._line.account_id or leg is self._line:
            return False
        peer = self._exchange.lines.get(leg.other, leg)
        await self._exchange.release(peer)
        if leg is not peer:
            await self._exchange.hang_up(leg)
        if peer.cause:
            return False
        if not peer.is_up:
            await self._ari.post("channels", peer.channel_id, "answer")
        await self.converse(peer)
        return True

    async def listen(self, call_id: str) -> bool:
        """Hear that leg's conversation until one hangs up; whether it was still there."""
        other = self._exchange.lines.get(call_id)
        if other is None or other.account_id != self._line.account_id or not other.is_up:
            return False
        await self.answer()
        await listen(self._exchange, self._line, other)
        return True

    async def transfer(self, target: str, *, kind: str = "blind", leg: str = "self") -> None:
        """Send the caller (``self``) or the other side (``bleg``) to another number."""
        name = self._line.channel_id if leg == "self" else self._line.other
        if other := self._exchange.lines.get(name):
            self._exchange.redirect(other, target)
        if leg == "self":
            raise TakenOver

    async def send_keys(self, keys: str, milliseconds: int) -> None:
        """Press keys for the other side to hear."""
        await self._do("dtmf", dtmf=keys, duration=milliseconds)

    async def label(self, variables: Mapping[str, object]) -> None:
        """Set variables of the call that events show."""
        self._line.label(variables)

    async def receive_fax(self, settings: Mapping[str, object]) -> Faxed:
        """Receive a fax, until it or the call is over; what came of it is told."""
        return await self._exchange.faxing.receive(self._line, settings)

    async def detect_fax(self, seconds: float) -> bool:
        """Whether the caller is a fax machine."""
        return await self._exchange.faxing.detect(self._line, seconds)

    async def echo(self, seconds: float) -> None:
        """Have the caller hear what the caller says, for so long."""
        await self.answer()
        await self._do("continue", context=ECHO_CONTEXT, extension="s", priority=1)
        await self.wait(seconds)

    async def wait(self, seconds: float) -> None:
        """Do nothing, neither answer, for a while."""
        try:
            async with asyncio.timeout(seconds):
                await self._line.until(lambda: False)
        except TimeoutError:
            return

    async def wait_for_hangup(self) -> None:
        """Do nothing until the caller hangs up, which it tells by ``HungUp``."""
        await self._line.until(lambda: False)

    async def hang_up(self, cause: str = "NORMAL_CLEARING", code: int = 0, text: str = "") -> None:
        """End the call; one that is not answered is refused with the SIP status ``code``.

        If nothing else is said, it is refused as whoever was dialed last has refused it.
        """
        if cause == FINISHED and self._unanswered is not None:
            cause, code = self._unanswered.cause, self._unanswered.code
        if not self._line.is_up and code:
            cause = REFUSALS.get(code, cause)
        await self._exchange.hang_up(self._line, cause if cause in NUMBERS else CAUSES[16])
