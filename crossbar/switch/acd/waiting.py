"""One caller's way through a queue: music, the ringing of agents, a conversation, or an end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from crossbar.switch.acd.agents import Agent
from crossbar.switch.acd.announcing import announce
from crossbar.switch.acd.distributor import Distributor
from crossbar.switch.acd.members import Member, Who
from crossbar.switch.executor import HungUp, Leg, Place, Sound, TakenOver, Taping, Waited, sound_of

P = TypeVar("P")

LEFT = {
    Waited.TIMEOUT: "member_timeout",
    Waited.KEY: "member_exit",
    Waited.EMPTY: "member_exit_empty",
}
"""Why a call counts as abandoned, as statistics name it."""

HUNG_UP = "member_hangup"

REASONS = {
    "NO_ANSWER": "timeout",
    "USER_BUSY": "rejected",
    "CALL_REJECTED": "rejected",
    "NO_USER_RESPONSE": "rejected",
}
"""Why an agent has missed a call, as statistics name it; what is not here keeps its name."""


@dataclass(frozen=True, slots=True)
class Rung(Generic[P]):
    """What came of ringing an agent: the leg that was answered, or the cause why none was."""

    peer: P | None = None
    cause: str = ""


NO_PHONES: Rung[Any] = Rung(cause="NO_PHONES")
"""The agent has no phone that takes calls of queues."""


class Voice(Protocol[P]):
    """A caller's leg, as a queue uses it. ``P`` is a leg that an agent has answered.

    What waits raises :class:`~crossbar.switch.executor.HungUp` when the caller has gone.
    """

    @property
    def who(self) -> Who:
        """Who calls."""
        ...

    async def answer(self) -> None:
        """Answer the call; harmless when it is answered."""
        ...

    def music(self, media_id: str) -> AbstractAsyncContextManager[None]:
        """Have the caller hear music for as long as the context is open; "": the usual."""
        ...

    async def announce(self, *sounds: Sound) -> None:
        """Have the caller hear something in between."""
        ...

    async def until_key(self, key: str) -> None:
        """Return when the caller has pressed a key."""
        ...

    async def ring(self, legs: Sequence[Leg], seconds: float) -> Rung[P]:
        """Ring an agent's phones."""
        ...

    async def brief(self, peer: P, sound: Sound) -> bool:
        """Have an agent hear something first; whether it is still there."""
        ...

    async def drop(self, peer: P) -> None:
        """End an agent's leg."""
        ...

    async def connect(self, peer: P, taping: Taping | None) -> None:
        """Let both talk until the agent hangs up."""
        ...


class Taken(NamedTuple, Generic[P]):
    """Who has answered, and where."""

    agent: Agent
    peer: P


async def wait(distributor: Distributor, voice: Voice[P], place: Place) -> Waited:
    """Wait in a queue until an agent has taken the call and the conversation is over."""
    member = await distributor.enter(voice.who, place)
    if isinstance(member, Waited):
        return member
    try:
        await voice.answer()
        async with voice.music(place.music):
            found = await _until_taken(distributor, voice, member)
    except HungUp:
        distributor.abandon(member, HUNG_UP)
        raise
    except TakenOver:
        distributor.abandon(member, LEFT[Waited.KEY])
        raise
    except Exception:
        distributor.abandon(member, "")
        raise
    if isinstance(found, Waited):
        distributor.abandon(member, LEFT[found])
        return found
    await _talk(distributor, voice, member, found)
    return Waited.CONNECTED


async def _until_taken(
    distributor: Distributor, voice: Voice[P], member: Member
) -> Taken[P] | Waited:
    place = member.place
    taking = asyncio.create_task(_offers(distributor, voice, member))
    leaving = asyncio.create_task(voice.until_key(place.exit_key))
    saying = asyncio.create_task(announce(distributor, voice.announce, member))
    try:
        await asyncio.wait(
            (taking, leaving),
            timeout=distributor.seconds_left(member),
            return_when=asyncio.FIRST_COMPLETED,
        )
    finally:
        distributor.leave(member)  # first, or it would be offered again
        for task in (taking, leaving, saying):
            task.cancel()
        await asyncio.gather(taking, leaving, saying, return_exceptions=True)
        if taking.cancelled() or taking.exception():
            _release(distributor, member, member.offered)
    if not taking.cancelled():
        return taking.result()
    if not leaving.cancelled():
        leaving.result()
        return Waited.KEY
    return Waited.TIMEOUT


def _release(distributor: Distributor, member: Member, agents: Sequence[Agent]) -> None:
    """Agents need not be rung any more, through no fault of their own."""
    for agent in tuple(agents):
        member.offered.remove(agent)
        distributor.agents.release(agent)


async def _offers(distributor: Distributor, voice: Voice[P], member: Member) -> Taken[P] | Waited:
    """Ring whoever the caller is offered to, until somebody takes the call."""
    while agents := await member.offer():
        taken = await _ring(distributor, voice, member, agents)
        if taken is None:
            continue
        sound = member.rules.briefing
        try:
            if not sound or await voice.brief(taken.peer, sound_of(sound)):
                return taken
        except BaseException:
            await voice.drop(taken.peer)
            raise
        _miss(distributor, member, taken.agent, "ORIGINATOR_CANCEL")
    return Waited.EMPTY


async def _ring(
    distributor: Distributor, voice: Voice[P], member: Member, agents: Sequence[Agent]
) -> Taken[P] | None:
    """Ring agents at once; the first who answers has the call."""
    ringing = {asyncio.create_task(_ring_one(voice, member, each)): each for each in agents}
    winner: asyncio.Task[Rung[P]] | None = None
    taken: Taken[P] | None = None
    left = set(ringing)
    try:
        while left and taken is None:
            done, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                agent, rung = ringing[task], task.result()
                if rung is NO_PHONES:
                    member.offered.remove(agent)
                    distributor.agents.dismiss(agent)
                elif rung.peer is None:
                    _miss(distributor, member, agent, rung.cause)
                elif taken is None:
                    winner, taken = task, Taken(agent, rung.peer)
        await _stop(voice, [task for task in ringing if task is not winner])
    except BaseException:
        await asyncio.shield(_stop(voice, tuple(ringing)))  # whoever has answered, too
        raise
    if taken is not None:
        others = [each for each in member.offered if each is not taken.agent]
        _release(distributor, member, others)
    return taken


async def _ring_one(voice: Voice[P], member: Member, agent: Agent) -> Rung[P]:
    legs = await member.place.legs_of(agent.agent_id)
    if not legs:
        return NO_PHONES
    return await voice.ring(legs, member.rules.ring_timeout)


async def _stop(voice: Voice[P], tasks: Sequence[asyncio.Task[Rung[P]]]) -> None:
    """End the ringing of those who are not needed, also of one who has answered just now."""
    for task in tasks:
        task.cancel()
    for rung in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(rung, Rung) and rung.peer is not None:
            await voice.drop(rung.peer)


def _miss(distributor: Distributor, member: Member, agent: Agent, cause: str) -> None:
    member.offered.remove(agent)
    distributor.miss(member, agent, REASONS.get(cause, cause))


async def _talk(
    distributor: Distributor, voice: Voice[P], member: Member, taken: Taken[P]
) -> None:
    """Have caller and agent talk until one of them hangs up.

    Who is cancelled goes on talking: another process takes the call over.
    """
    distributor.handle(member, taken.agent)
    taping = member.rules.taping(is_wanted=taken.agent.is_recorded)
    try:
        await voice.connect(taken.peer, taping)
    except HungUp:
        distributor.process(member, taken.agent, "member")
        raise
    except Exception:
        distributor.process(member, taken.agent, "agent")
        raise
    distributor.process(member, taken.agent, "agent")
