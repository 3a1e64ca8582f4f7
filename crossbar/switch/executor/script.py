"""A caller's leg that answers from a script: what is pressed, who answers, when somebody hangs up.

No time passes but on the clock of the script, and nobody hears a thing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from crossbar.clock import FixedClock
from crossbar.documents import Document
from crossbar.switch.executor.heard import Recorded, Recording, Silence, Sound, Tone, Winding
from crossbar.switch.executor.media import (
    ANY_KEY,
    Channel,
    Dialed,
    Dialing,
    Faxed,
    HungUp,
    Leg,
    Place,
    Seat,
    Strategy,
    Taping,
    Waited,
)
from crossbar.switch.executor.shown import name_of_target, names_of_target, shown_leg, shown_sound

SOUND_SECONDS = 2.0
KEY_SECONDS = 1.0
MOST_VERBS = 1000
MOST_SECONDS = 86_400
CAUSES = {
    "no_answer": ("NO_ANSWER", 480),
    "busy": ("USER_BUSY", 486),
    "decline": ("CALL_REJECTED", 603),
    "unregistered": ("SUBSCRIBER_ABSENT", 480),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ringing:
    """What somebody does who is rung: ``result`` after so many seconds, then talks so long."""

    result: str = "no_answer"
    after: float = 5
    talks: float = 60


@dataclass(slots=True, kw_only=True)
class Script:
    """What happens to the leg. What is used up is taken out.

    ``keys`` are pressed when the caller is asked for some, one text a question; ``interrupts``
    are pressed during a sound, by its name or id; ``rings`` are by the id of a device, a number or
    the id of a resource.
    """

    keys: list[str] = field(default_factory=list)
    interrupts: dict[str, str] = field(default_factory=dict)
    rings: Mapping[str, Ringing] = field(default_factory=dict)
    otherwise: str = "no_answer"
    hangs_up_after: float | None = None
    records_ms: list[int] = field(default_factory=list)
    channels: Sequence[Channel] = ()
    waits: Waited = Waited.TIMEOUT
    people: int = 0
    is_fax: bool = False


@dataclass(slots=True, kw_only=True)
class ScriptedMedia:
    """Carries a script out; ``told`` is what was asked of it, verb by verb."""

    script: Script
    clock: FixedClock
    told: list[Document] = field(default_factory=list)
    began: float = 0
    verbs: int = 0
    ended: Document | None = None
    recordings: int = 0

    def __post_init__(self) -> None:
        self.began = self.clock.precise()

    @property
    def elapsed(self) -> float:
        """Seconds since the call began."""
        return round(self.clock.precise() - self.began, 3)

    async def _note(self, verb: str, **facts: Any) -> None:
        """Note a verb, unless the call has ended; others have their turn meanwhile."""
        await asyncio.sleep(0)
        if self.ended is not None:
            raise HungUp(str(self.ended["cause"]))
        self.verbs += 1
        if self.verbs > MOST_VERBS:
            self._end("caller", "NORMAL_CLEARING", why=f"after {MOST_VERBS} things to do")
        shown = {name: value for name, value in facts.items() if value not in (None, "", [], 0)}
        self.told.append({"verb": verb, "at": self.elapsed, **shown})

    def _end(self, who: str, cause: str, code: int = 0, why: str = "") -> None:
        self.ended = {"who": who, "cause": cause, "code": code, "at": self.elapsed, "why": why}
        raise HungUp(cause)

    def _pass(self, seconds: float) -> None:
        """Let time pass; the caller may hang up meanwhile."""
        left = MOST_SECONDS - self.elapsed
        hangs_up = self.script.hangs_up_after
        if hangs_up is not None:
            left = min(left, max(hangs_up - self.elapsed, 0))
        if seconds >= left:
            self.clock.advance(left)
            self._end("caller", "NORMAL_CLEARING")
        self.clock.advance(seconds)

    async def answer(self) -> None:
        """See :class:`Media`."""
        await self._note("answer")

    async def play(self, *sounds: Sound, keys: str = ANY_KEY, times: int = 1) -> str:
        """See :class:`Media`."""
        if not sounds:
            return ""
        await self._note(
            "play", sounds=[*map(shown_sound, sounds)], times=times if times != 1 else None
        )
        for sound in sounds:
            shown = shown_sound(sound)
            pressed = self.script.interrupts.get(str(shown.get("name", "")), "")
            if pressed and pressed in keys:
                del self.script.interrupts[shown["name"]]
                self.told[-1]["pressed"] = pressed
                self._pass(KEY_SECONDS)
                return pressed
        self._pass(sum(map(_seconds, sounds)) * times if times else MOST_SECONDS)
        return ""

    async def collect(
        self,
        most: int,
        *sounds: Sound,
        first: float = 5,
        between: float = 2,
        ends: str = "#",
        winding: Winding | None = None,
    ) -> str:
        """See :class:`Media`."""
        await self._note("collect", sounds=[*map(shown_sound, sounds)], most=most)
        typed = self.script.keys.pop(0) if self.script.keys else ""
        if winding and (wound := typed[: len(typed) - len(typed.lstrip(winding.keys))]):
            self.told[-1]["wound"] = wound
            typed = typed.removeprefix(wound)
        digits, rest = _taken(typed, most, ends)
        if rest:
            self.script.keys.insert(0, rest)
        self.told[-1]["pressed"] = digits
        is_whole = len(digits) == most or len(typed) > len(digits)
        sounding = 0.0 if typed else sum(map(_seconds, sounds))
        waiting = 0 if is_whole and typed else between if typed else first
        self._pass(sounding + len(digits) * KEY_SECONDS + waiting)
        return digits

    async def flush(self) -> None:
        """See :class:`Media`."""
        await asyncio.sleep(0)

    async def record(
        self, seconds: float, *, ends: str = ANY_KEY, silence: float = 5
    ) -> Recording:
        """See :class:`Media`."""
        await self._note("record", most=seconds, silence=silence)
        self.recordings += 1
        lasts = self.script.records_ms.pop(0) if self.script.records_ms else 5000
        milliseconds, before = min(lasts, int(seconds * 1000)), self.elapsed
        hung_up = False
        try:
            self._pass(milliseconds / 1000)
        except HungUp:
            hung_up, milliseconds = True, int((self.elapsed - before) * 1000)
        self.told[-1]["milliseconds"] = milliseconds
        name = f"recording {self.recordings}"
        return Recording(name=name, milliseconds=milliseconds, hung_up=hung_up)

    async def audio(self, recording: Recording) -> AsyncIterator[bytes]:
        """See :class:`Media`."""
        yield b"RIFF"

    async def tape(self, taping: Taping) -> None:
        """See :class:`Media`."""
        await self._note("tape", label=taping.label, url=taping.url, seconds=taping.time_limit)

    async def stop_tape(self) -> None:
        """See :class:`Media`."""
        await self._note("stop_tape")

    def _ringing(self, leg: Leg) -> Ringing:
        for name in names_of_target(leg.to):
            if name in self.script.rings:
                return self.script.rings[name]
        return Ringing(result=self.script.otherwise)

    async def dial(self, legs: Sequence[Leg], dialing: Dialing) -> Dialed:
        """See :class:`Media`."""
        shown = [{**shown_leg(leg), "result": self._ringing(leg).result} for leg in legs]
        await self._note(
            "ring", legs=shown, strategy=dialing.strategy.value, seconds=dialing.seconds
        )
        attempt = self._one_by_one if dialing.strategy is Strategy.SINGLE else self._all
        dialed = attempt(legs, dialing)
        if dialed.answered is None:
            self.told[-1] |= {"cause": dialed.cause, "code": dialed.code}
        else:
            self.told[-1]["answered"] = name_of_target(dialed.answered.to)
            self._pass(self._ringing(dialed.answered).talks)
        return dialed

    def _all(self, legs: Sequence[Leg], dialing: Dialing) -> Dialed:
        """All at once: the first who answers is connected."""
        tried: list[tuple[float, str, Leg]] = []
        for leg in legs:
            ringing = self._ringing(leg)
            longest = min(leg.delay + (leg.timeout or dialing.seconds), dialing.seconds)
            at = leg.delay + ringing.after
            if ringing.result == "unregistered":
                tried.append((0, "unregistered", leg))
            elif at > longest or ringing.result == "no_answer":
                tried.append((longest, "no_answer", leg))
            else:
                tried.append((at, ringing.result, leg))
        tried.sort(key=lambda each: each[0])
        for at, result, leg in tried:
            if result == "answer":
                self._pass(at)
                return Dialed(answered=leg, cause="NORMAL_CLEARING")
            if dialing.fails_on_reject and result in ("busy", "decline"):
                self._pass(at)
                return Dialed(cause=CAUSES[result][0], code=CAUSES[result][1])
        self._pass(tried[-1][0])
        results = {result for _, result, _ in tried}
        cause, code = CAUSES[results.pop() if len(results) == 1 else "no_answer"]
        return Dialed(cause=cause, code=code)

    def _one_by_one(self, legs: Sequence[Leg], dialing: Dialing) -> Dialed:
        dialed, left = Dialed(code=480), dialing.seconds
        for leg in legs:
            if left <= 0:
                break
            seconds = min(leg.timeout or dialing.seconds, left)
            before = self.elapsed
            dialed = self._all([leg], Dialing(timeout=leg.delay + seconds))
            if dialed.answered is not None:
                break
            left -= self.elapsed - before
        return dialed

    async def page(self, legs: Sequence[Leg], *, two_way: bool, timeout: float) -> bool:
        """See :class:`Media`."""
        await self._note("page", legs=[*map(shown_leg, legs)], two_way=two_way)
        reached = [leg for leg in legs if self._ringing(leg).result == "answer"]
        if reached:
            self._pass(max(self._ringing(leg).talks for leg in reached))
        else:
            self._pass(timeout)
        return bool(reached)

    async def confer(self, seat: Seat) -> None:
        """See :class:`Media`."""
        await self._note(
            "confer",
            conference_id=seat.conference_id,
            moderator=seat.is_moderator,
            muted=seat.is_muted,
            deaf=seat.is_deaf,
        )
        await self.wait_for_hangup()

    async def people_in(self, conference_id: str) -> int:
        """See :class:`Media`."""
        return self.script.people

    async def queue(self, place: Place) -> Waited:
        """See :class:`Media`."""
        await self._note("queue", queue_id=place.queue_id, priority=place.priority)
        return self._waited(place.timeout)

    async def park(self, slot: str, seconds: float) -> Waited:
        """See :class:`Media`."""
        await self._note("park", slot=slot, seconds=seconds)
        return self._waited(seconds)

    def _waited(self, seconds: float) -> Waited:
        waits = self.script.waits
        self.told[-1]["waits"] = waits.value
        if waits is Waited.TIMEOUT:
            self._pass(seconds or MOST_SECONDS)
        elif waits in (Waited.CONNECTED, Waited.KEY):
            self._pass(KEY_SECONDS)
        return waits

    async def channels(self, device_ids: Sequence[str]) -> list[Channel]:
        """See :class:`Media`."""
        await asyncio.sleep(0)
        return [each for each in self.script.channels if each.device_id in device_ids]

    async def take(self, call_id: str) -> bool:
        """See :class:`Media`."""
        await self._note("take", call_id=call_id)
        return True

    async def listen(self, call_id: str) -> bool:
        """See :class:`Media`."""
        await self._note("listen", call_id=call_id)
        return True

    async def transfer(self, target: str, *, kind: str = "blind", leg: str = "self") -> None:
        """See :class:`Media`."""
        await self._note("transfer", target=target, kind=kind, leg=leg)

    async def send_keys(self, keys: str, milliseconds: int) -> None:
        """See :class:`Media`."""
        await self._note("send_keys", keys=keys, milliseconds=milliseconds)
        self._pass(len(keys) * milliseconds / 1000)

    async def label(self, variables: Mapping[str, object]) -> None:
        """See :class:`Media`."""
        await self._note("label", variables=dict(variables))

    async def receive_fax(self, settings: Mapping[str, object]) -> Faxed:
        """See :class:`Media`."""
        names = ("identity", "header", "t38")
        await self._note("receive_fax", **{name: settings[name] for name in names})
        return Faxed(ok=self.script.is_fax, pages=1 if self.script.is_fax else 0)

    async def detect_fax(self, seconds: float) -> bool:
        """See :class:`Media`."""
        await self._note("detect_fax", seconds=seconds)
        self._pass(seconds)
        return self.script.is_fax

    async def echo(self, seconds: float) -> None:
        """See :class:`Media`."""
        await self._note("echo", seconds=seconds)
        self._pass(seconds)

    async def wait(self, seconds: float) -> None:
        """See :class:`Media`."""
        await self._note("wait", seconds=seconds)
        self._pass(seconds)

    async def wait_for_hangup(self) -> None:
        """See :class:`Media`."""
        await self._note("wait_for_hangup")
        self._pass(MOST_SECONDS)

    async def hang_up(self, cause: str = "NORMAL_CLEARING", code: int = 0, text: str = "") -> None:
        """See :class:`Media`."""
        if self.ended is None:
            await self._note("hang_up", cause=cause, code=code, text=text)
            self.ended = {"who": "flow", "cause": cause, "code": code, "at": self.elapsed}


def _taken(typed: str, most: int, ends: str) -> tuple[str, str]:
    """What of the keys is an answer, and what is left for the next question."""
    for place, key in enumerate(typed):
        if key in ends:
            return typed[:place], typed[place + 1 :]
        if place + 1 == most:
            rest = typed[most:]
            return typed[:most], rest[1:] if rest[:1] and rest[0] in ends else rest
    return typed, ""


def _seconds(sound: Sound) -> float:
    """How long a sound lasts, or about."""
    if isinstance(sound, Tone):
        return (sound.on_ms + sound.off_ms) * sound.repeat / 1000
    if isinstance(sound, Silence):
        return sound.milliseconds / 1000
    return SOUND_SECONDS * (2 if isinstance(sound, Recorded) else 1)
