"""A queue without a switch: callers who hear nothing, agents whose phones do as they are told."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from crossbar.clock import FixedClock
from crossbar.documents import Document
from crossbar.switch.acd import Distributor, Rung, Who, wait
from crossbar.switch.executor import HungUp, Leg, Place, Sound, Taping, ToDevice, Waited

ACCOUNT = "acme"
QUEUE = "sales"
TURNS = 50
"""Turns of the loop within which everything happens that is to happen."""


async def settle() -> None:
    """Let all have their turn."""
    for _ in range(TURNS):
        await asyncio.sleep(0)


@dataclass(eq=False)
class Timer:
    """Something that happens when the test says so."""

    seconds: float
    act: Callable[[], None]
    is_cancelled: bool = False

    def cancel(self) -> None:
        """See :class:`crossbar.switch.acd.agents.Timer`."""
        self.is_cancelled = True


@dataclass(eq=False)
class Bell:
    """An agent's phone that rings: the test answers, or lets it be."""

    agent_id: str
    caller: ScriptedVoice
    done: asyncio.Future[Rung[str]] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    def answer(self) -> None:
        """Take the call."""
        self.done.set_result(Rung(self.agent_id))

    def fail(self, cause: str = "NO_ANSWER") -> None:
        """Do not."""
        self.done.set_result(Rung(cause=cause))


@dataclass(eq=False)
class ScriptedVoice:
    """A caller's leg. ``heard`` is what was done to it."""

    hall: Hall
    call_id: str
    heard: list[Any] = field(default_factory=list)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    keys: str = ""
    over: asyncio.Event = field(default_factory=asyncio.Event)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    result: asyncio.Task[Waited] | None = None
    dropped: list[str] = field(default_factory=list)
    briefs: bool = True
    is_slow: bool = False
    """Whether ending a leg takes until it ``is_quick``."""

    is_quick: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def who(self) -> Who:
        """Who calls."""
        return Who(account_id=self.hall.account_id, call_id=self.call_id, name="Ann", number="101")

    async def _until(self, look: Callable[[], object]) -> None:
        while not look():
            if self.gone.is_set():
                raise HungUp
            self.changed.clear()
            await self.changed.wait()

    def hang_up(self) -> None:
        """The caller goes."""
        self.gone.set()
        self.changed.set()

    def press(self, key: str) -> None:
        """The caller presses a key."""
        self.keys += key
        self.changed.set()

    def end(self) -> None:
        """The agent hangs up."""
        self.over.set()
        self.changed.set()

    async def answer(self) -> None:
        """See :class:`crossbar.switch.acd.Voice`."""
        self.heard.append("answer")

    @asynccontextmanager
    async def music(self, media_id: str) -> AsyncIterator[None]:
        """See :class:`crossbar.switch.acd.Voice`."""
        self.heard.append(f"music {media_id}")
        yield
        self.heard.append("no music")

    async def announce(self, *sounds: Sound) -> None:
        """See :class:`crossbar.switch.acd.Voice`."""
        self.heard.append(sounds)

    async def until_key(self, key: str) -> None:
        """See :class:`crossbar.switch.acd.Voice`."""
        await self._until(lambda: key in self.keys)

    async def ring(self, legs: Sequence[Leg], seconds: float) -> Rung[str]:
        """See :class:`crossbar.switch.acd.Voice`."""
        to = legs[0].to
        assert isinstance(to, ToDevice)
        bell = Bell(to.device_id, self)
        self.hall.bells.append(bell)
        gone = asyncio.create_task(self._until(lambda: False))
        try:
            both: set[asyncio.Future[Any]] = {gone, bell.done}
            done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            return bell.done.result() if bell.done in done else gone.result() or Rung()
        finally:
            gone.cancel()
            self.hall.bells.remove(bell)
            await asyncio.gather(gone, return_exceptions=True)

    async def brief(self, peer: str, sound: Sound) -> bool:
        """See :class:`crossbar.switch.acd.Voice`."""
        self.heard.append(("briefed", peer))
        return self.briefs

    async def drop(self, peer: str) -> None:
        """See :class:`crossbar.switch.acd.Voice`."""
        if self.is_slow:
            await self.is_quick.wait()
        self.dropped.append(peer)

    async def connect(self, peer: str, taping: Taping | None) -> None:
        """See :class:`crossbar.switch.acd.Voice`."""
        self.heard.append(("talks", peer, taping.label if taping else ""))
        await self._until(self.over.is_set)


@dataclass(eq=False)
class Hall:
    """A distributor, the clock, and all that it tells."""

    clock: FixedClock
    account_id: str = ACCOUNT
    told: list[tuple[str, Document]] = field(default_factory=list)
    timers: list[Timer] = field(default_factory=list)
    bells: list[Bell] = field(default_factory=list)
    roster: dict[str, Document] = field(default_factory=dict)
    without_phones: set[str] = field(default_factory=set)
    voices: list[ScriptedVoice] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.reports: list[Document] = []
        self.distributor = Distributor(
            self._tell, self._roster, self.clock, self._later, report=self.reports.append
        )
        self.agents = self.distributor.agents

    def _tell(self, type: str, account_id: str, data: Document) -> None:
        self.told.append((type, {name: each for name, each in data.items() if each is not None}))

    async def _roster(self, account_id: str, queue_id: str) -> Mapping[str, Document]:
        if account_id != ACCOUNT:
            return {}
        return {name: user for name, user in self.roster.items() if queue_id in user["queues"]}

    def _later(self, seconds: float, act: Callable[[], None]) -> Timer:
        timer = Timer(seconds, act)
        self.timers.append(timer)
        return timer

    async def pass_time(self, seconds: float) -> None:
        """Let time pass, and happen what is due."""
        self.clock.advance(seconds)
        for timer in self.timers[:]:
            timer.seconds -= seconds
            if timer.seconds <= 0:
                self.timers.remove(timer)
                if not timer.is_cancelled:
                    timer.act()
        await settle()

    async def agent(self, *names: str, queues: Sequence[str] = (QUEUE,), **fields: Any) -> None:
        """Agents who are on duty."""
        for name in names:
            self.roster[name] = {"_id": name, "queues": queues, **fields}
            self.agents.order(ACCOUNT, name, "login")
        await settle()

    async def caller(
        self, call_id: str = "c1", queue: Document | None = None, **place: Any
    ) -> ScriptedVoice:
        """Somebody who calls a queue."""
        voice = ScriptedVoice(self, call_id)
        self.voices.append(voice)
        place = {"queue_id": QUEUE, "timeout": 0, **place}
        asked = Place(queue=queue or {}, legs_of=self._legs, **place)
        voice.result = asyncio.create_task(wait(self.distributor, voice, asked))
        await settle()
        return voice

    async def _legs(self, user_id: str) -> Sequence[Leg]:
        if user_id in self.without_phones:
            return ()
        return [Leg(to=ToDevice(device_id=user_id))]

    def rung(self) -> list[str]:
        """The agents whose phones ring."""
        return [bell.agent_id for bell in self.bells]

    def bell(self, agent_id: str) -> Bell:
        """The phone of an agent, which rings."""
        return next(bell for bell in self.bells if bell.agent_id == agent_id)

    async def answers(self, agent_id: str) -> None:
        """An agent takes the call."""
        self.bell(agent_id).answer()
        await settle()

    async def misses(self, agent_id: str, cause: str = "NO_ANSWER") -> None:
        """An agent does not."""
        self.bell(agent_id).fail(cause)
        await settle()

    def statuses(self, agent_id: str) -> list[str]:
        """What an agent was told to do, in order."""
        facts = [data for type, data in self.told if type == "agent"]
        return [each["status"] for each in facts if each["agent_id"] == agent_id]

    def calls(self, call_id: str = "c1") -> list[Document]:
        """What was told of a call in the queue."""
        facts = [data for type, data in self.told if type == "queue.call"]
        return [each for each in facts if each["call_id"] == call_id]

    def count(self) -> Mapping[str, int]:
        """How often each kind was told."""
        found: defaultdict[str, int] = defaultdict(int)
        for type, _ in self.told:
            found[type] += 1
        return found


@asynccontextmanager
async def hall() -> AsyncIterator[Hall]:
    """A hall that works."""
    opened = Hall(FixedClock(1_700_000_000))
    work = asyncio.create_task(opened.distributor.work())
    try:
        yield opened
    finally:
        tasks = [work, *(voice.result for voice in opened.voices if voice.result)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
