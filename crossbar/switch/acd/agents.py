"""Agents: what each of them does, and what comes next. No switch and no queue is known here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import count
from typing import Protocol

from crossbar.documents import Document
from crossbar.switch.leases import MEDIA_SERVER

KEPT = 31_536_000
"""Seconds for which it is remembered that an agent is on duty while nothing new is told."""

LAMPS: Mapping[str, str] = {
    "ready": "terminated",
    "wrapup": "terminated",
    "paused": "early",
    "logged_out": "confirmed",
}
"""What the lamp of an agent shows: nothing, a flash, a steady light."""


REST = 1.0
"""Seconds until an agent is rung again who did not answer."""


class Status(StrEnum):
    """What an agent does, as the API shows it."""

    LOGGED_OUT = "logged_out"
    LOGGED_IN = "logged_in"
    PENDING_LOGGED_OUT = "pending_logged_out"
    READY = "ready"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    WRAPUP = "wrapup"
    PAUSED = "paused"
    OUTBOUND = "outbound"


BUSY = (Status.CONNECTING, Status.CONNECTED)

Tell = Callable[[str, str, Document], None]
"""Tells an event: its type, the account, what happened."""


class Timer(Protocol):
    """Something that is going to happen."""

    def cancel(self) -> None:
        """Have it not happen."""
        ...


Later = Callable[[float, Callable[[], None]], Timer]
"""Has something happen after so many seconds."""


@dataclass(eq=False, slots=True, kw_only=True)
class Agent:
    """A user who answers queues, and what it does. Only :class:`Agents` changes it."""

    account_id: str
    agent_id: str
    status: Status = Status.LOGGED_OUT
    idle_since: int = 0
    """When it last became idle: a number that rises with time."""

    turns: dict[str, int] = field(default_factory=dict)
    """When each queue has last had it rung, in the same way."""

    failures: int = 0
    """How often in a row it was rung and did not answer."""

    calls: set[str] = field(default_factory=set)
    """The calls that it is in beside queues."""

    afterwards: Status | None = None
    """What it is to do when its call is over: pause, or be logged out."""

    is_recorded: bool = False
    """Whether its conversations are to be recorded, as the user's document says."""

    elsewhere: str = ""
    """The switch that has told last what it does; "": this one."""

    ends: int = 0
    """When a pause is over that another switch has told, in Gregorian seconds; 0: nobody knows."""

    pause: int = 0
    timer: Timer | None = None
    is_resting: bool = False
    """Whether it was rung in vain just now: a phone that is off is not tried without a break."""

    @property
    def key(self) -> tuple[str, str]:
        """The account, and its id."""
        return self.account_id, self.agent_id

    @property
    def is_busy_here(self) -> bool:
        """Whether this switch rings it, or has it talk with a caller of a queue."""
        return self.status in BUSY and not self.elsewhere

    @property
    def is_logged_in(self) -> bool:
        """Whether it is on duty, whatever it does."""
        return self.status is not Status.LOGGED_OUT

    @property
    def is_ready(self) -> bool:
        """Whether it can be rung."""
        return self.status is Status.READY and not self.is_resting


class Agents:
    """All agents who are on duty. ``changed`` is called whenever one does something else."""

    def __init__(self, tell: Tell, later: Later, changed: Callable[[], None]) -> None:
        self._tell = tell
        self._later = later
        self._changed = changed
        self._known: dict[tuple[str, str], Agent] = {}
        self._numbers = count(1)

    def find(self, account_id: str, agent_id: str) -> Agent | None:
        """The agent, if it is on duty."""
        return self._known.get((account_id, agent_id))

    # What an agent is told to do

    def order(self, account_id: str, agent_id: str, order: str, pause: int = 0) -> None:
        """Log in or out, pause (so many seconds, 0: until it resumes), resume, end a wrap-up."""
        agent = self.find(account_id, agent_id)
        if order == "login":
            self._log_in(account_id, agent_id, agent)
        elif agent is None:
            if order == "logout":
                self._tell_of(account_id, agent_id, Status.LOGGED_OUT)
        elif order == "logout":
            self._log_out(agent)
        elif order == "pause":
            self._pause_soon(agent, pause)
        elif order == "resume":
            self._resume(agent)
        elif order == "end_wrapup" and agent.status is Status.WRAPUP:
            self._go_on(agent)

    def _log_in(self, account_id: str, agent_id: str, agent: Agent | None) -> None:
        if agent is None:
            agent = self.adopt(account_id, agent_id)
            self._tell_of(account_id, agent_id, Status.LOGGED_IN)
            self._set(agent, Status.READY)
        elif agent.afterwards is Status.LOGGED_OUT:
            agent.afterwards = None
            self._tell_of(account_id, agent_id, agent.status)

    def adopt(self, account_id: str, agent_id: str) -> Agent:
        """An agent who is on duty from now on."""
        agent = Agent(account_id=account_id, agent_id=agent_id, idle_since=next(self._numbers))
        self._known[account_id, agent_id] = agent
        return agent

    def restore(self, stored: Document, now: int) -> None:
        """An agent as it was told last; whether that is still so, :meth:`settle` sees."""
        status = str(stored["status"])
        if status == Status.LOGGED_OUT or status not in [*Status]:
            return
        agent = self.adopt(stored["pvt_account_id"], stored["agent_id"])
        agent.status = Status(status)
        if agent.status is Status.PENDING_LOGGED_OUT:
            agent.status, agent.afterwards = Status.CONNECTED, Status.LOGGED_OUT
        since = now - int(stored["timestamp"])
        lasts = {Status.PAUSED: "pause_time", Status.WRAPUP: "wait_time"}.get(agent.status, "")
        if seconds := stored.get(lasts, 0):
            self._after(agent, max(0, seconds - since))

    def settle(self, talking: Collection[Agent] = ()) -> None:
        """Have those go on whose calls here are over; not those who are ``talking``."""
        for agent in [each for each in self._known.values() if not each.elsewhere]:
            is_over = agent.status in (Status.CONNECTING, Status.CONNECTED, Status.LOGGED_IN)
            if (is_over and agent not in talking) or (
                agent.status is Status.OUTBOUND and not agent.calls
            ):
                self._go_on(agent)

    # What other switches tell

    def busy(self) -> list[tuple[str, str]]:
        """The agents who are busy here."""
        return [key for key, agent in self._known.items() if agent.is_busy_here]

    def elsewhere(self) -> set[str]:
        """The other switches that have told what agents do."""
        return {agent.elsewhere for agent in self._known.values()} - {""}

    def follow(self, account_id: str, told: Document) -> None:
        """Do as another switch has told of an agent; one who is busy here does so afterwards."""
        agent, status = self.find(account_id, str(told["agent_id"])), str(told["status"])
        if status not in [*Status]:
            return
        if agent is not None and agent.is_busy_here:
            self._follow_later(agent, status, told)
        elif status == Status.LOGGED_OUT:
            if agent is not None:
                self._leave(agent)
        else:
            agent = agent or self.adopt(account_id, str(told["agent_id"]))
            self._follow(agent, Status(status), told)

    def _follow_later(self, agent: Agent, status: str, told: Document) -> None:
        if status in (Status.LOGGED_OUT, Status.PENDING_LOGGED_OUT):
            agent.afterwards = Status.LOGGED_OUT
        elif status == Status.CONNECTED:
            agent.afterwards = None  # it has logged in again
        elif status == Status.PAUSED:
            agent.afterwards, agent.pause = Status.PAUSED, int(told.get("pause_time", 0))

    def _follow(self, agent: Agent, status: Status, told: Document) -> None:
        _stop(agent)
        if status is Status.PENDING_LOGGED_OUT:
            status, agent.afterwards = Status.CONNECTED, Status.LOGGED_OUT
        elif status is Status.CONNECTING:
            agent.turns[str(told.get("queue_id", ""))] = next(self._numbers)
        elif agent.status is Status.CONNECTED:
            agent.idle_since = next(self._numbers)
        agent.status, agent.elsewhere = status, str(told[MEDIA_SERVER])
        pause = int(told.get("pause_time", 0))
        agent.ends = int(told["timestamp"]) + pause if pause else 0
        if status is Status.READY and (agent.afterwards is not None or agent.calls):
            self._go_on(agent)  # it was asked for that here, or is in a call here
        self._changed()

    def inherit(self, alive: Collection[str], now: int) -> None:
        """Have those go on whose switch is gone: it is none of those that are ``alive``."""
        for agent in tuple(self._known.values()):
            if not agent.elsewhere or agent.elsewhere in alive or agent.status is Status.READY:
                continue
            if agent.status is not Status.PAUSED or 0 < agent.ends <= now:
                self._go_on(agent)

    def _leave(self, agent: Agent) -> None:
        _stop(agent)
        agent.status = Status.LOGGED_OUT
        self._known.pop(agent.key, None)
        self._changed()

    # What it is told to do here

    def _log_out(self, agent: Agent) -> None:
        if agent.status in BUSY:
            agent.afterwards = Status.LOGGED_OUT
            self._tell_of(agent.account_id, agent.agent_id, Status.PENDING_LOGGED_OUT)
        else:
            self.dismiss(agent)

    def dismiss(self, agent: Agent) -> None:
        """Log an agent out at once."""
        self._set(agent, Status.LOGGED_OUT)
        self._known.pop((agent.account_id, agent.agent_id), None)

    def _pause_soon(self, agent: Agent, seconds: int) -> None:
        agent.pause = seconds
        if agent.status in BUSY or agent.calls:
            agent.afterwards = Status.PAUSED
        else:
            self._pause(agent, seconds)

    def _pause(self, agent: Agent, seconds: int) -> None:
        agent.afterwards = None
        self._set(agent, Status.PAUSED, pause_time=seconds)
        if seconds:
            self._after(agent, seconds)

    def _resume(self, agent: Agent) -> None:
        if agent.afterwards is Status.PAUSED:
            agent.afterwards = None
        if agent.status in (Status.PAUSED, Status.OUTBOUND, Status.WRAPUP):
            agent.calls.clear()
            self._set(agent, Status.READY)

    # What happens to an agent

    def ring(self, agent: Agent, queue_id: str, call: Document) -> None:
        """It is about to be rung for a queue: nobody else has it meanwhile."""
        agent.turns[queue_id] = next(self._numbers)
        self._set(agent, Status.CONNECTING, queue_id=queue_id, **call)

    def release(self, agent: Agent) -> None:
        """It need not be rung any more, through no fault of its own."""
        self._go_on(agent)

    def fail(self, agent: Agent, most: int) -> None:
        """It was rung and did not answer; at the ``most``-th time in a row it is logged out."""
        agent.failures += 1
        agent.is_resting = True
        self._later(REST, lambda: self._rested(agent))
        if 0 < most <= agent.failures:
            agent.afterwards = Status.LOGGED_OUT
        self._go_on(agent)

    def _rested(self, agent: Agent) -> None:
        agent.is_resting = False
        self._changed()

    def connect(self, agent: Agent, queue_id: str, call: Document) -> None:
        """It talks with a caller of a queue."""
        agent.failures = 0
        self._set(agent, Status.CONNECTED, queue_id=queue_id, **call)
        if agent.afterwards is Status.LOGGED_OUT:
            self._tell_of(agent.account_id, agent.agent_id, Status.PENDING_LOGGED_OUT)

    def finish(self, agent: Agent, wrapup: int) -> None:
        """The conversation is over; it has so many seconds until the next."""
        agent.idle_since = next(self._numbers)
        if agent.afterwards is not None or not wrapup:
            self._go_on(agent)
        else:
            self._set(agent, Status.WRAPUP, wait_time=wrapup)
            self._after(agent, wrapup)

    def begin_call(self, account_id: str, agent_id: str, call_id: str) -> None:
        """A user has begun a call of its own, or has answered one."""
        agent = self.find(account_id, agent_id)
        if agent is not None:
            agent.calls.add(call_id)
            if agent.status in (Status.READY, Status.WRAPUP):
                self._set(agent, Status.OUTBOUND, call_id=call_id)

    def end_call(self, account_id: str, agent_id: str, call_id: str) -> None:
        """That call is over."""
        agent = self.find(account_id, agent_id)
        if agent is not None and call_id in agent.calls:
            agent.calls.discard(call_id)
            if agent.status is Status.OUTBOUND:
                self._go_on(agent)

    def forget_call(self, account_id: str, agent_id: str, call_id: str) -> None:
        """That call does not count as one: by it the agent says what it does."""
        agent = self.find(account_id, agent_id)
        if agent is not None:
            agent.calls.discard(call_id)

    # How it goes on

    def _go_on(self, agent: Agent) -> None:
        if agent.afterwards is Status.LOGGED_OUT:
            self.dismiss(agent)
        elif agent.afterwards is Status.PAUSED and not agent.calls:
            self._pause(agent, agent.pause)
        else:
            self._set(agent, Status.OUTBOUND if agent.calls else Status.READY)

    def _after(self, agent: Agent, seconds: float) -> None:
        agent.timer = self._later(seconds, lambda: self._go_on(agent))

    def _set(self, agent: Agent, status: Status, **facts: object) -> None:
        _stop(agent)
        agent.status, agent.elsewhere = status, ""
        self._tell_of(agent.account_id, agent.agent_id, status, **facts)
        self._changed()

    def _tell_of(self, account_id: str, agent_id: str, status: Status, **facts: object) -> None:
        told = {"agent_id": agent_id, "status": status.value, **facts}
        if status is not Status.LOGGED_OUT:
            told["expires"] = KEPT
        self._tell("agent", account_id, told)
        if lamp := LAMPS.get(status):
            self._tell("presence", account_id, {"presence_id": agent_id, "state": lamp})


def _stop(agent: Agent) -> None:
    """What was going to happen with it does not."""
    if agent.timer is not None:
        agent.timer.cancel()
        agent.timer = None
