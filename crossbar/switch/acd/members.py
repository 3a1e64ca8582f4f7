"""Who calls a queue, and what is known of it while it waits."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from crossbar.documents import Document
from crossbar.switch.acd.agents import Agent
from crossbar.switch.acd.rules import Rules
from crossbar.switch.executor import Place

QueueKey = tuple[str, str]
"""The account and the id of a queue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """Who calls."""

    account_id: str
    call_id: str
    name: str = ""
    number: str = ""


@dataclass(eq=False, slots=True, kw_only=True)
class Member:
    """A caller in a queue."""

    who: Who
    place: Place
    number: int
    priority: int
    entered: int
    handled: int = 0
    misses: list[Document] = field(default_factory=list)
    offered: list[Agent] = field(default_factory=list)
    """The agents who are to be rung for it."""

    is_dismissed: bool = False
    """Whether the queue has no agents left, and wants no callers then."""

    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def key(self) -> QueueKey:
        """The queue."""
        return self.who.account_id, self.place.queue_id

    @property
    def rules(self) -> Rules:
        """What the queue says."""
        return Rules(self.place.queue)

    @property
    def order(self) -> tuple[int, int, int]:
        """Its place among those who wait."""
        return -self.priority, self.entered, self.number

    @property
    def facts(self) -> Document:
        """Its call, as agents' statuses show it."""
        return {
            "call_id": self.who.call_id,
            "caller_id_name": self.who.name,
            "caller_id_number": self.who.number,
        }

    async def offer(self) -> list[Agent]:
        """The agents who are to be rung now, as soon as there are some; none: it is dismissed."""
        while not (self.offered or self.is_dismissed):
            self.changed.clear()
            await self.changed.wait()
        return list(self.offered)
