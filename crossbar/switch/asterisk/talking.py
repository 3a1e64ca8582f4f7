"""Two legs that talk with each other, and whose keys do something meanwhile."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial

import structlog

from crossbar.documents import Document
from crossbar.errors import CrossbarError
from crossbar.storage import StoreError
from crossbar.switch.asterisk.ari import AriError
from crossbar.switch.asterisk.exchange import Exchange
from crossbar.switch.asterisk.features import run_flow
from crossbar.switch.asterisk.lines import Line
from crossbar.switch.asterisk.music import Music
from crossbar.switch.asterisk.originating import ARRIVAL
from crossbar.switch.executor import Book, Ear, Side, Sound, TakenOver, metaflows_of

log = structlog.get_logger(__name__)

MOST_FLOWS = 8
"""Metaflows of one conversation that run at a time."""


class Talk:
    """A conversation of who called with who was called, until one of them leaves it."""

    def __init__(self, exchange: Exchange, line: Line, peer: Line, bridge: str = "") -> None:
        """``bridge`` is the one in which both talk already."""
        self._exchange = exchange
        self._ari = exchange.ari
        self.line = line
        self.peer = peer
        self._bridge = bridge or exchange.new_id("bridge")
        self._ears: dict[Line, list[Ear]] = {}
        self._flows = 0
        self._music: list[Music] = []
        self._turn = asyncio.Lock()
        self._holder: tuple[Line, str] | None = None
        """Who has put the other on hold, and the key that ends it."""

    @property
    def is_held(self) -> bool:
        """Whether the two are parted for a while."""
        return self._holder is not None

    def other(self, line: Line) -> Line:
        """Whom a leg talks with."""
        return self.peer if line is self.line else self.line

    async def run(self) -> None:
        """Let both talk until one of them hangs up, or is taken elsewhere."""
        line, peer = self.line, self.peer
        peer.is_free.clear()
        try:
            await self._exchange.media_of(line).answer()
            self._ears = await self._listeners()
            # Keys are told of only where nobody passes the sound on past Asterisk.
            kind = "mixing,dtmf_events" if self._ears else "mixing"
            await self._ari.post("bridges", type=kind, bridgeId=self._bridge)
            if await self._connect():
                line.talk = peer.talk = self
                await self._refresh_beyond()
                line.join(peer)
                peer.join(line)
                if line.party.is_fax or peer.party.is_fax:
                    await self._exchange.faxing.make_plain(line)
                await self._until_over()
        finally:
            await self._end()

    async def go_on(self) -> None:
        """The same, where both talk already, since before we were there."""
        line, peer = self.line, self.peer
        peer.is_free.clear()
        line.has_talked = peer.has_talked = True
        line.talk = peer.talk = self
        try:
            self._ears = await self._listeners()
            await self._until_over()
        finally:
            await self._end()

    async def _until_over(self) -> None:
        line, peer = self.line, self.peer
        await line.until_other(lambda: peer.cause or peer.taken_over, peer)
        if line.taken_over:  # both are: its flow must not end the leg
            raise TakenOver

    async def _connect(self) -> bool:
        """Put both legs into the bridge; ``False`` when the other one is over already."""
        try:
            await self._both("addChannel")
        except AriError:
            # One of them may have hung up just now, of which we are told in a moment.
            with suppress(TimeoutError):
                async with asyncio.timeout(ARRIVAL):
                    await self.line.until_other(lambda: self.peer.cause, self.peer)
                return False
            raise
        return True

    async def _refresh_beyond(self) -> None:
        """Have those at the far ends of legs hear whom these talk with now.

        What turns the sound of one codec into another, at a far end, takes sound that does not
        go on where that of somebody else has ended for sound that comes too late, and drops it
        (seen in 22.10).
        """
        for each in (self.line, self.peer):
            beyond = each.twin.talk if each.has_talked and each.twin is not None else None
            if beyond is not None and not beyond.is_held:
                with suppress(AriError):  # it is over just now
                    await beyond.join_anew()

    async def join_anew(self) -> None:
        """Put both legs into the bridge once more."""
        await self._both("removeChannel")
        await self._both("addChannel")

    async def _both(self, what: str) -> None:
        both = f"{self.line.channel_id},{self.peer.channel_id}"
        await self._ari.post("bridges", self._bridge, what, channel=both)

    async def _end(self) -> None:
        peer = self.peer
        for each in (self.line, peer):
            each.talk = None if each.talk is self else each.talk
        for ear in (ear for ears in self._ears.values() for ear in ears):
            ear.close()
        try:
            await self._stop_music()
            await self._ari.delete("bridges", self._bridge)
        finally:
            if not peer.taken_over:
                await self._exchange.hang_up(peer)
            peer.is_free.set()

    # Keys

    async def _listeners(self) -> dict[Line, list[Ear]]:
        """Who listens to which leg: each phone says whether to its own, the other or both."""
        ears: dict[Line, list[Ear]] = {}
        try:
            for own in (self.line, self.peer):
                await self._hear_for(own, ears)
        except (CrossbarError, StoreError):  # a call is not to fail for its keys
            log.exception("metaflows_not_found", call_id=self.line.channel_id)
        return ears

    async def _hear_for(self, own: Line, ears: dict[Line, list[Ear]]) -> None:
        """Add who listens for the phone of a leg; one that leads to another call is at none."""
        if not own.party.device_id or own.twin is not None:
            return
        book = await Book.of(self._exchange.services, own.account_id, own.channel_id)
        found = await metaflows_of(book, own.party.device_id) if book else None
        for side, line in ((Side.SELF, own), (Side.PEER, self.other(own))):
            heard = [ear.metaflows for ear in ears.get(line, ())]
            if found is not None and found.listens_to(side) and found not in heard:
                ears.setdefault(line, []).append(Ear(found, partial(self._begin, line)))

    def press(self, line: Line, key: str) -> None:
        """A leg has pressed a key."""
        if self._holder == (line, key):
            self._exchange.begin(self.resume())
            return
        for ear in self._ears.get(line, ()):
            ear.hear(key)

    def _begin(self, line: Line, flow: Document) -> None:
        if line.talk is not self or self._flows >= MOST_FLOWS:
            log.info("metaflow_not_run", call_id=line.channel_id)
            return
        self._flows += 1
        self._exchange.begin(self._run(line, flow))

    async def _run(self, line: Line, flow: Document) -> None:
        try:
            await run_flow(self._exchange, line, flow, by_keys=True)
        finally:
            self._flows -= 1

    # Holding

    async def hold(self, line: Line, music: Sound | None, own: Sound | None, key: str) -> None:
        """Part the legs: the other side hears music until ``line`` presses a key."""
        async with self._turn:
            if self.is_held or line.talk is not self:
                return
            self._holder = (line, key)
            other = self.other(line)
            await self._both("removeChannel")
            if line.talk is not self:  # it is over meanwhile
                return
            self._music.append(Music(self._exchange, other, music))
            if own is not None:
                self._music.append(Music(self._exchange, line, own))
            for each in self._music:
                await each.start()
            await self._refresh_beyond()
            other.tell("channel.hold")

    async def resume(self) -> None:
        """Connect the legs again."""
        async with self._turn:
            if self._holder is None:
                return
            other, self._holder = self.other(self._holder[0]), None
            await self._stop_music()
            await self._both("addChannel")
            await self._refresh_beyond()
            other.tell("channel.unhold")

    async def _stop_music(self) -> None:
        music, self._music = self._music, []
        for each in music:
            await each.stop()
