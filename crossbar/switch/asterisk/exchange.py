"""The exchange: takes calls from Asterisk, has their flows run, and knows every running leg."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import structlog

from crossbar.core.services import Services
from crossbar.documents import Document
from crossbar.switch.acd import CallCenter
from crossbar.switch.asterisk.ari import Ari, AriError
from crossbar.switch.asterisk.arriving import arrive
from crossbar.switch.asterisk.calling import call_of
from crossbar.switch.asterisk.carrier_rows import address_of
from crossbar.switch.asterisk.carriers import Carriers
from crossbar.switch.asterisk.causes import CAUSES, FINISHED, NUMBERS
from crossbar.switch.asterisk.conferences import Conferences
from crossbar.switch.asterisk.contacts import Contacts
from crossbar.switch.asterisk.fax_facts import FAX_FACTS
from crossbar.switch.asterisk.faxing import Faxing
from crossbar.switch.asterisk.files import APP, BACK, DEVICE_VARIABLE
from crossbar.switch.asterisk.lamps import Lamps
from crossbar.switch.asterisk.lines import Line, interaction_id_of
from crossbar.switch.asterisk.naming import CallerNames
from crossbar.switch.asterisk.originating import ARRIVAL, DIALED
from crossbar.switch.asterisk.phones import Party, Phones
from crossbar.switch.asterisk.seen import Seen
from crossbar.switch.asterisk.sounds import Sounds
from crossbar.switch.asterisk.telling import Teller
from crossbar.switch.asterisk.tolls import Tolls
from crossbar.switch.asterisk.transfers import transfer
from crossbar.switch.executor import Call, HungUp, Media, TakenOver
from crossbar.switch.leases import Lease

log = structlog.get_logger(__name__)

KEPT = 60
"""Seconds for which what a caller has recorded stays after the flow."""

LOST = "NETWORK_OUT_OF_ORDER"
"""Why legs are over that went with an Asterisk that died."""

Flow = Callable[[Call, Media], Awaitable[None]]
"""What runs the flow of a call to its end."""


class Talking(Media, Protocol):
    """A leg that can be connected with another."""

    async def converse(self, peer: Line) -> None:
        """Connect the caller with another leg until one of them hangs up."""
        ...


MediaOf = Callable[["Exchange", Line], Talking]
"""What makes of a leg what its flow works with."""


class Exchange:
    """The running legs, by their ids. ``ari`` is the connection to Asterisk."""

    def __init__(
        self,
        services: Services,
        ari: Ari,
        phones: Phones,
        carriers: Carriers,
        contacts: Contacts,
        teller: Teller,
        lamps: Lamps,
        sounds: Sounds,
        flow: Flow,
        media_of: MediaOf,
        take_over: Callable[[Exchange], Awaitable[None]],
        seen: Seen,
        faxes: Path,
    ) -> None:
        self.services = services
        self.ari = ari
        self.phones = phones
        self.carriers = carriers
        self.contacts = contacts
        self.seen = seen
        self.lines: dict[str, Line] = {}
        self.lease = Lease(services, teller.source)
        self.tolls = Tolls(services, self.lines, self.lease)
        self.expected: dict[str, Line] = {}
        """Far ends of calls to numbers: their flows begin once they are in our hands."""

        self.recorders: dict[str, Line] = {}
        """Who is being recorded, by the name of the recording."""

        self._snoops: dict[str, Line] = {}
        self._arrivals: dict[str, asyncio.Event] = {}
        self.caller_names = CallerNames(services)
        self.conferences = Conferences(ari, teller)
        self.faxing = Faxing(self, faxes)
        self.call_center = CallCenter(services, teller.tell, self.lease, self.begin, lamps.set)
        self.distributor = self.call_center.distributor
        teller.listeners.append(self.distributor.hear)
        self.ready = asyncio.Event()
        self.teller = teller
        self.lamps = lamps
        self.sounds = sounds
        self._flow = flow
        self.media_of = partial(media_of, self)
        """Makes of a leg what its flow works with."""

        self._take_over = take_over
        self._tasks: set[asyncio.Task[None]] = set()
        self._chores: set[asyncio.Task[None]] = set()
        """What is no part of a call any more."""

        self._acts = self._known_events()

    def _known_events(self) -> dict[str, Callable[[Document], None]]:
        """What is done about events, by their type."""
        return {
            "StasisStart": self._enter,
            "ChannelStateChange": self._change_state,
            "Dial": self._sound,
            "ChannelDtmfReceived": self._press,
            "ChannelVarset": self._note,
            "ChannelHold": self._hold,
            "ChannelUnhold": self._unhold,
            "ChannelDestroyed": self._end,
            "ChannelTransfer": partial(transfer, self),
            "PlaybackFinished": self._finish_playback,
            "RecordingFinished": self._finish_recording,
            "RecordingFailed": self._finish_recording,
        }

    async def work(self) -> None:
        """Take what Asterisk tells, for ever."""
        async for event in self.ari.events():
            if event is None:
                await self._begin()
            elif act := self._acts.get(event["type"]):
                try:
                    act(event)
                except (KeyError, TypeError, ValueError):
                    log.exception("event_not_understood", event_type=event["type"])

    async def leave(self) -> None:
        """Let calls go on, without us."""
        self.ari.is_given_up = True
        await self._end_flows()

    async def _end_flows(self) -> None:
        tasks = (*self._tasks, *self._chores)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def stop(self) -> None:
        """End all calls."""
        await self._end_flows()
        self.distributor.stop()
        for line in tuple(self.lines.values()):
            await self.hang_up(line)
            self.forget(line, FINISHED)

    @property
    def is_recording(self) -> bool:
        """Whether somebody is being recorded."""
        return any(line.is_recording for line in self.lines.values())

    async def quiet(self) -> None:
        """Return when no flow runs any more."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    # Legs

    def adopt(self, channel_id: str, party: Party, *, like: Line | None) -> Line:
        """A leg from now on; of one conversation with that which it is ``like``."""
        interaction_id = like.interaction_id if like else interaction_id_of(self.services.clock)
        line = Line(
            channel_id,
            party,
            is_inbound=like is None,
            interaction_id=interaction_id,
            clock=self.services.clock,
            teller=self.teller,
            lamp=partial(self.lamps.show, party, channel_id),
        )
        self.lines[channel_id] = line
        return line

    @asynccontextmanager
    async def overheard(self, line: Line, *, whisper: str = "none") -> AsyncIterator[str]:
        """The id of a leg, in our hands, that hears both sides of another one.

        ``whisper`` says who hears it: ``none``, the other one itself (``out``), or ``both`` sides.
        """
        snoop = self.new_id("snoop")
        self._snoops[snoop] = line
        how: Document = {"spy": "both", "whisper": whisper, "app": APP, "appArgs": DIALED}
        try:
            with self.awaited(snoop) as arrival:
                await self.ari.post("channels", line.channel_id, "snoop", snoopId=snoop, **how)
                async with asyncio.timeout(ARRIVAL):
                    await arrival.wait()
            yield snoop
        finally:
            del self._snoops[snoop]
            await self.ari.delete("channels", snoop)

    @contextmanager
    def awaited(self, name: str) -> Iterator[asyncio.Event]:
        """What is set when that leg is in our hands, or that recording is over."""
        self._arrivals[name] = asyncio.Event()
        try:
            yield self._arrivals[name]
        finally:
            del self._arrivals[name]

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Have something done beside the flows, as long as calls run."""
        self._begin_task(work)

    async def hang_up(self, line: Line, cause: str = FINISHED) -> None:
        """End a leg, once; one that is over already is no error.

        A phone that transfers ends its leg itself, as soon as it is told that it may.
        """
        if line.cause or line.is_ending or line.is_transferring:
            return
        line.is_ending = True  # a second reason would take the place of the first
        try:
            await self.ari.delete(
                "channels", line.channel_id, reason_code=NUMBERS.get(cause, NUMBERS[FINISHED])
            )
        except AriError as error:
            line.is_ending = False
            log.warning("leg_not_ended", error=str(error))

    def new_id(self, kind: str) -> str:
        """A name that nothing in Asterisk has yet."""
        return f"{kind}-{secrets.token_hex(12)}"

    # What Asterisk tells

    async def _begin(self) -> None:
        """Legs that went while nobody listened are over; those that came are taken over."""
        self.lamps.begin_anew()
        try:
            running = {each["id"] for each in await self.ari.get("channels")}
            for line in tuple(self.lines.values()):
                if line.channel_id not in running:
                    self.forget(line, LOST)
            await self._take_over(self)
        except AriError as error:
            log.warning("calls_not_taken_over", error=str(error))
            return
        self.ready.set()

    def _enter(self, event: Document) -> None:
        channel = event["channel"]
        line = self.lines.get(channel["id"])
        if (arrival := self._arrivals.get(channel["id"])) is not None:
            arrival.set()
        elif (expected := self.expected.pop(channel["id"], None)) is not None:
            expected.is_here = True
            self.run_flow(expected)
        elif line is not None and event["args"][:1] == [BACK]:
            line.come_back(event["args"][1])
        elif line is not None:
            line.is_here = True
            line.answer()
        elif event["args"]:  # a leg of ours that we know nothing of belongs to nobody
            self._begin_task(self.ari.delete("channels", channel["id"]))
        else:
            self._begin_task(self._take(channel))

    def _begin_task(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._end_task)

    def _end_task(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("work_on_a_call_failed", error=repr(error))

    async def _take(self, channel: Document) -> None:
        """A phone calls, or a carrier."""
        mark = channel.get("channelvars", {}).get(DEVICE_VARIABLE, "")
        address = address_of(mark)
        try:
            line = await (arrive(self, channel, address) if address else self.take(channel, mark))
        except Exception:  # its caller is not left waiting, and may be sent elsewhere
            log.exception("call_not_taken", call_id=channel["id"])
            reason = NUMBERS["NORMAL_TEMPORARY_FAILURE"]
            await self.ari.delete("channels", channel["id"], reason_code=reason)
            return
        if line is not None:
            await self._run_flow(line)

    async def take(self, channel: Document, name: str) -> Line | None:
        """The leg of a phone of that name, which calls; ``None`` if it may not any more."""
        phone = await self.phones.find(name)
        if phone is None:  # it was switched off just now
            await self.ari.delete("channels", channel["id"], reason_code=NUMBERS["CALL_REJECTED"])
            return None
        line = self.adopt(channel["id"], phone.party, like=None)
        line.is_here = True
        line.destination = line.callee_number = channel["dialplan"]["exten"]
        line.caller_name = channel["caller"]["name"] or phone.device.get("name", "")
        line.caller_number = channel["caller"]["number"] or phone.username
        line.begin()
        return line

    async def _run_flow(self, line: Line, resumed: Document | None = None) -> None:
        """Do with a leg what the flow of its number says, and hang up."""
        line.is_free.clear()
        line.call = call_of(line)
        line.call.resumed = resumed or {}
        try:
            await self._flow(line.call, self.media_of(line))
        except (HungUp, TakenOver):
            pass
        except AriError as error:
            log.warning("call_failed", call_id=line.channel_id, error=str(error))
        except Exception:  # whatever a flow does, its caller is not left hanging
            log.exception("flow_failed", call_id=line.channel_id)
        finally:
            line.is_free.set()
            names, line.recordings = line.recordings, []
            if names:
                chore = asyncio.create_task(self._drop(names))
                self._chores.add(chore)
                chore.add_done_callback(self._chores.discard)
        if not line.taken_over:
            await self.hang_up(line)

    async def _drop(self, names: Sequence[str]) -> None:
        """Remove what callers have recorded, which documents have by now if anybody wanted it."""
        await asyncio.sleep(KEPT)  # a conference may say a name still
        for name in names:
            with suppress(AriError):
                await self.ari.delete("recordings", "stored", name)

    def redirect(
        self,
        line: Line,
        target: str,
        *,
        callflow_id: str = "",
        steps: Document | None = None,
        transferor_id: str | None = None,
    ) -> None:
        """Send a leg to another number, out of whatever it is in; into a callflow, or through
        steps.

        A transfer may do what the phone may that has transferred it: ``transferor_id``.
        """
        self._begin_task(self._go_on(line, target, callflow_id, steps, transferor_id))

    async def release(self, *lines: Line) -> None:
        """Get legs out of whatever they are in: a flow, a conversation."""
        for line in lines:
            line.taken_over = True
        for line in lines:
            line.poke()
            if other := self.lines.get(line.other):
                other.poke()
        for line in lines:
            await line.is_free.wait()
        for line in lines:
            line.taken_over = False
            line.other = ""

    async def _go_on(
        self,
        line: Line,
        target: str,
        callflow_id: str,
        steps: Document | None,
        transferor_id: str | None,
    ) -> None:
        line.redirects = turn = line.redirects + 1
        await self.release(line)
        if turn != line.redirects:
            return  # somebody has sent it elsewhere since
        line.keys.clear()
        line.callflow_id, line.steps, line.transferor_id = callflow_id, steps, transferor_id
        line.destination = target
        await self._run_flow(line)

    def run_flow(self, line: Line, resumed: Document | None = None) -> None:
        """Have a leg do what the flow of its number says.

        ``resumed`` is its call in a queue, where it has waited before.
        """
        self._begin_task(self._run_flow(line, resumed))

    def _change_state(self, event: Document) -> None:
        channel = event["channel"]
        line = self.lines.get(channel["id"])
        if line is not None and channel["state"] == "Up":
            line.is_here = line.is_here or line.is_dialed
            line.answer()
        elif line is not None and channel["state"] == "Ringing":
            line.ring()

    def _sound(self, event: Document) -> None:
        line = self.lines.get(event["peer"]["id"])
        if line is not None and event["dialstatus"] == "PROGRESS":
            line.sound()

    def _press(self, event: Document) -> None:
        if line := self.lines.get(event["channel"]["id"]):
            line.press(event["digit"], event.get("duration_ms", 0))

    def _note(self, event: Document) -> None:
        channel = event.get("channel") or {}
        if event["variable"] in FAX_FACTS and (line := self.lines.get(channel.get("id", ""))):
            line.fax = {**line.fax, event["variable"]: event["value"]}

    def _hold(self, event: Document) -> None:
        if line := self.lines.get(event["channel"]["id"]):
            line.tell("channel.hold")

    def _unhold(self, event: Document) -> None:
        if line := self.lines.get(event["channel"]["id"]):
            line.tell("channel.unhold")

    def _end(self, event: Document) -> None:
        if line := self.lines.get(event["channel"]["id"]):
            self.forget(line, CAUSES.get(event["cause"], FINISHED))

    def _finish_playback(self, event: Document) -> None:
        playback = event["playback"]
        if line := self._target(playback["target_uri"]):
            line.finish(playback["id"], playback)

    def _finish_recording(self, event: Document) -> None:
        recording = event["recording"]
        if (over := self._arrivals.get(recording["name"])) is not None:
            over.set()
        line = self.recorders.get(recording["name"])
        if line is not None:  # it may be over already
            line.finish(recording["name"], recording)

    def _target(self, uri: str) -> Line | None:
        name = uri.removeprefix("channel:")
        return self.lines.get(name) or self._snoops.get(name)

    def forget(self, line: Line, cause: str, *, at: int | None = None) -> None:
        """A leg is over, since ``at`` if that is some time ago."""
        self.lines.pop(line.channel_id, None)
        self.expected.pop(line.channel_id, None)
        line.end(cause, at)
