"""Who waits in which queue, and who is rung for whom: priority first, then arrival."""

from __future__ import annotations

import asyncio
from bisect import insort
from collections.abc import Awaitable, Callable, Mapping
from itertools import count

import structlog

from crossbar.clock import Clock
from crossbar.documents import Document
from crossbar.errors import CrossbarError
from crossbar.storage import StoreError
from crossbar.switch.acd.agents import Agent, Agents, Later, Status, Tell
from crossbar.switch.acd.holds import Holds, NoOthers
from crossbar.switch.acd.members import Member, QueueKey, Who
from crossbar.switch.acd.reports import record_report, report_of
from crossbar.switch.acd.rules import Rules
from crossbar.switch.executor import Place, Waited

log = structlog.get_logger(__name__)

PAUSE = 1.0
"""Seconds until it is tried again where a store does not answer, or another switch has an agent.
"""

MOST_MISSES = 100
"""Misses that are told of a call: the latest."""

Roster = Mapping[str, Document]
"""The users who answer a queue, by their ids."""

Rosters = Callable[[str, str], Awaitable[Roster]]
"""Finds the roster of a queue of an account."""


def _nobody(about: Document) -> None:
    """Nobody is told."""


class Distributor:
    """The queues of a switch. ``agents`` says what each agent does."""

    def __init__(
        self,
        tell: Tell,
        rosters: Rosters,
        clock: Clock,
        later: Later | None = None,
        *,
        source: str = "",
        report: Callable[[Document], None] = _nobody,
        holds: Holds | None = None,
    ) -> None:
        """``source`` is the name of the switch; ``report`` has servers told of calls; ``holds``
        says whom it may ring."""
        self._holds = holds or NoOthers()
        self._refused: set[tuple[str, str]] = set()
        """The agents whom other switches have, as far as was seen in this round."""

        self._tell = tell
        self._report = report
        self.source = source
        self._rosters = rosters
        self._clock = clock
        self._woken = asyncio.Event()
        self._waiting: dict[QueueKey, list[Member]] = {}
        self._talking: dict[str, tuple[Member, Agent | None]] = {}
        self._recorded: dict[str, Place] = {}
        """The queues that calls were in whose records servers want to know."""

        self._expected: dict[str, Member] = {}
        self.is_settled = False
        """Whether it is known what has become of calls from before."""

        self._resumed: dict[str, tuple[Member, Agent | None, str]] = {}
        """Conversations that go on without us, by both legs; and who ends them by hanging up."""

        self._numbers = count(1)
        self._later = later or _later
        self._wakes_later = False
        self.agents = Agents(tell, self._later, self.wake)

    def wake(self) -> None:
        """Have it looked again who can be rung for whom."""
        self._woken.set()

    def _wake_later(self) -> None:
        """The same after a pause, once for all who ask for it meanwhile."""
        if not self._wakes_later:
            self._wakes_later = True
            self._later(PAUSE, self._wake_at_last)

    def _wake_at_last(self) -> None:
        self._wakes_later = False
        self.wake()

    async def work(self) -> None:
        """Offer callers to agents, for ever."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            try:
                await self.distribute()
            except (CrossbarError, StoreError, OSError) as error:
                log.warning("callers_not_distributed", error=repr(error))
                self._wake_later()

    # Callers

    async def enter(self, who: Who, place: Place) -> Member | Waited:
        """A caller comes into a queue; :class:`Waited` says why not."""
        key = (who.account_id, place.queue_id)
        if not place.enters_empty and not await self._on_duty(key):
            return Waited.EMPTY
        self._expected.pop(who.call_id, None)
        most = Rules(place.queue).most_callers
        if not place.resumed and 0 < most <= self.waiting(*key):
            return Waited.FULL
        member = self.member(who, place)
        insort(self._waiting.setdefault(key, []), member, key=lambda each: each.order)
        position = None if place.resumed else self.position(member)
        self._note(member, "waiting", entered_position=position)
        if place.queue.get("cdr_url"):
            self._recorded[who.call_id] = place
        self._light(member.key)
        self.wake()
        return member

    def member(self, who: Who, place: Place) -> Member:
        """A caller for a queue, in which it is not yet."""
        before = place.resumed
        priority = before.get("caller_priority", place.priority)
        return Member(
            who=who,
            place=place,
            number=next(self._numbers),
            priority=min(max(priority, 0), Rules(place.queue).most_priority),
            entered=before.get("entered_timestamp", self._clock.gregorian()),
            misses=list(before.get("misses", ())),
        )

    def seconds_left(self, member: Member) -> float | None:
        """How long a caller may wait on; ``None``: for ever."""
        if not member.place.timeout:
            return None
        return max(0, member.place.timeout - (self._clock.gregorian() - member.entered))

    def position(self, member: Member) -> int:
        """How many are before it, and itself."""
        return self._waiting[member.key].index(member) + 1

    def waiting(self, account_id: str, queue_id: str) -> int:
        """How many wait in a queue."""
        return len(self._waiting.get((account_id, queue_id), ()))

    def abandon(self, member: Member, reason: str) -> None:
        """A caller has left without having been served."""
        self.leave(member)
        now = self._clock.gregorian()
        self._note(
            member,
            "abandoned",
            abandoned_timestamp=now,
            abandoned_reason=reason,
            wait_time=max(0, now - member.entered),
        )

    def miss(self, member: Member, agent: Agent, reason: str) -> None:
        """An agent was rung for a caller and did not answer."""
        now = self._clock.gregorian()
        member.misses.append(
            {"agent_id": agent.agent_id, "miss_reason": reason, "miss_timestamp": now}
        )
        del member.misses[:-MOST_MISSES]
        self._note(member, "waiting")
        self.agents.fail(agent, member.place.most_failures)

    def handle(self, member: Member, agent: Agent) -> None:
        """An agent talks with a caller from now on."""
        self._talking[member.who.call_id] = (member, agent)
        member.handled = self._clock.gregorian()
        self._note(
            member,
            "handled",
            agent_id=agent.agent_id,
            handled_timestamp=member.handled,
            wait_time=max(0, member.handled - member.entered),
        )
        self.agents.connect(agent, member.place.queue_id, member.facts)
        self._report_of(member, agent, "pickup")

    def resume(self, member: Member, agent: Agent | None, peer_id: str) -> None:
        """A conversation goes on without us, or is over if there is no ``peer_id``."""
        if not peer_id:
            self.process(member, agent, "")
            return
        self._talking[member.who.call_id] = (member, agent)
        if agent is not None and agent.status is not Status.CONNECTED:
            self.agents.connect(agent, member.place.queue_id, member.facts)
        conversation = (member, agent)
        self._resumed[member.who.call_id] = (*conversation, "member")
        self._resumed[peer_id] = (*conversation, "agent")

    def expect(self, member: Member) -> None:
        """A caller who has waited before is about to come back."""
        self._expected[member.who.call_id] = member

    def settle(self) -> None:
        """Have agents go on whose calls are over."""
        self.is_settled = True
        self.agents.settle([agent for _, agent, _ in self._resumed.values() if agent])

    def process(self, member: Member, agent: Agent | None, by: str) -> None:
        """The conversation is over; ``by`` says who has ended it: ``member`` or ``agent``."""
        self._talking.pop(member.who.call_id, None)
        now = self._clock.gregorian()
        self._note(
            member,
            "processed",
            agent_id=agent.agent_id if agent else None,
            processed_timestamp=now,
            hung_up_by=by or None,
            talk_time=max(0, now - member.handled),
        )
        if agent is not None:
            self.agents.finish(agent, member.rules.wrapup)
        self._report_of(member, agent, "hangup")

    def stop(self) -> None:
        """All calls are over: the switch ends."""
        for member in [each for waiting in self._waiting.values() for each in waiting]:
            self.abandon(member, "")
        for member, agent in tuple(self._talking.values()):
            self.process(member, agent, "")
        self.agents.settle()

    def conversation(self, account_id: str, queue_id: str) -> str:
        """The call of a queue that has been talking for longest, or ""."""
        found = (
            member.who.call_id
            for member, _ in self._talking.values()
            if member.key == (account_id, queue_id)
        )
        return next(found, "")

    def _report_of(self, member: Member, agent: Agent | None, moment: str) -> None:
        facts = {
            **member.facts,
            "account_id": member.who.account_id,
            "agent_id": agent.agent_id if agent else "",
            "queue_id": member.place.queue_id,
            "queue_name": str(member.place.queue.get("name", "")),
            "wait_time": max(0, member.handled - member.entered),
        }
        if about := report_of(member.place.queue, moment, facts):
            self._report(about)

    def leave(self, member: Member) -> None:
        """A caller does not wait any more, whatever comes of it."""
        waiting = self._waiting.get(member.key, [])
        if member in waiting:
            waiting.remove(member)
            if not waiting:
                del self._waiting[member.key]
            self._light(member.key)

    def _light(self, key: QueueKey) -> None:
        """Have the lamp of a queue flash while somebody waits."""
        number = len(self._waiting.get(key, ()))
        if number < 2:
            facts = {"presence_id": key[1], "state": "early" if number else "terminated"}
            self._tell("presence", key[0], facts)

    def _note(self, member: Member, status: str, **facts: object) -> None:
        told = {
            **member.facts,
            "queue_id": member.place.queue_id,
            "status": status,
            "entered_timestamp": member.entered,
            "caller_priority": member.priority,
            "media_server": self.source,
            "misses": list(member.misses) or None,
            **facts,
        }
        self._tell("queue.call", member.who.account_id, told)

    # Who is rung for whom

    async def pause(self, seconds: float) -> None:
        """Return after so many seconds."""
        over = asyncio.Event()
        timer = self._later(seconds, over.set)
        try:
            await over.wait()
        finally:
            timer.cancel()

    async def distribute(self) -> None:
        """Offer those who wait, the first first, to agents who are ready."""
        self._refused.clear()
        await self._holds.keep(self.agents.busy())
        ready: dict[QueueKey, list[Agent]] = {}
        for key in tuple(self._waiting):
            on_duty = await self._on_duty(key)
            if not on_duty:
                self._dismiss(key)
            ready[key] = [agent for agent in on_duty if agent.is_ready]
        first = [
            member for key, agents in ready.items() for member in self._free(key)[: len(agents)]
        ]
        for member in sorted(first, key=lambda each: each.order):
            await self._offer(member, ready[member.key])

    def _free(self, key: QueueKey) -> list[Member]:
        """Who waits and is not offered to anybody yet."""
        return [member for member in self._waiting.get(key, ()) if not member.offered]

    async def _offer(self, member: Member, agents: list[Agent]) -> None:
        held = await self._held(member, agents)
        if member not in self._waiting.get(member.key, ()):
            self.wake()  # it has left meanwhile; those who are held are given up
            return
        for agent in held:
            if agent.is_ready:
                self.agents.ring(agent, member.place.queue_id, member.facts)
                member.offered.append(agent)
                member.changed.set()

    async def _held(self, member: Member, agents: list[Agent]) -> list[Agent]:
        """The agents whose turn it is and whom no other switch has."""
        ready = [agent for agent in agents if agent.is_ready]  # another caller may have taken one
        held: list[Agent] = []
        for agent in sorted(ready, key=lambda agent: _turn(agent, member)):
            if len(held) == member.rules.rung_at_once:
                break
            if agent.key not in self._refused and await self._holds.take(agent.key):
                held.append(agent)
            elif agent.key not in self._refused:
                self._refused.add(agent.key)
                self._wake_later()
        return held

    def _dismiss(self, key: QueueKey) -> None:
        for member in self._waiting.get(key, ()):
            if not member.place.enters_empty:
                member.is_dismissed = True
                member.changed.set()

    async def _on_duty(self, key: QueueKey) -> list[Agent]:
        found = []
        for user_id, user in (await self._rosters(*key)).items():
            if agent := self.agents.find(key[0], user_id):
                agent.is_recorded = user.get("record_call") is True
                found.append(agent)
        return found

    # What else happens in the switch

    def hear(self, type: str, account_id: str, facts: Document) -> None:
        """What agents do with their phones beside queues, and what becomes of calls."""
        if type == "cdr" and (place := self._recorded.pop(facts["call_id"], None)):
            if about := record_report(place.queue, facts):
                self._report(about)
            return
        agent_id, call_id = facts.get("owner_id"), facts.get("uuid")
        if type == "channel.destroy" and call_id in self._resumed:
            self._end_resumed(*self._resumed[call_id])
        if type == "channel.destroy" and (expected := self._expected.pop(call_id or "", None)):
            self.abandon(expected, "member_hangup")
        if not agent_id or not call_id:
            return
        is_own = facts.get("direction") == "inbound"
        if type == "channel.destroy":
            self.agents.end_call(account_id, agent_id, call_id)
        elif (facts.get("custom_channel_vars") or {}).get("queue_id"):
            return
        elif type == ("channel.create" if is_own else "channel.answer"):
            self.agents.begin_call(account_id, agent_id, call_id)

    def _end_resumed(self, member: Member, agent: Agent | None, by: str) -> None:
        ours = [name for name, each in self._resumed.items() if each[0] is member]
        for name in ours:
            del self._resumed[name]
        self.process(member, agent, by)


def _turn(agent: Agent, member: Member) -> tuple[int, str]:
    """Whose turn it is: who waits longest for a call, or was not rung for longest."""
    if member.rules.is_by_idleness:
        return agent.idle_since, agent.agent_id
    return agent.turns.get(member.place.queue_id, 0), agent.agent_id


def _later(seconds: float, act: Callable[[], None]) -> asyncio.TimerHandle:
    return asyncio.get_running_loop().call_later(seconds, act)
