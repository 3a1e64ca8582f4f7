"""A lane: the deliveries of one webhook that are in memory, and when to look for more."""

from __future__ import annotations

import random
import time
from collections import deque
from dataclasses import dataclass, field

from crossbar.documents import Document

WIDEST, FIRST = 32, 8
"""Deliveries of a webhook that are under way at a time, at most and at first: each success makes
it one more, each failure half as many."""

ROOM, SMALL = 500, 16
"""Deliveries of a webhook that wait in memory, and of one that fails."""

TOO_MANY = 5
"""Failures in a row after which a webhook is asked less and less often, by one at a time."""

MOST_FAILURES = 1000
"""Failures of which the time is remembered."""

LONGEST_REST = 300.0
"""Seconds, at most, that it is left alone between two."""


@dataclass(eq=False)
class Lane:
    """What is ready, what is under way.

    ``known`` are those in memory, until it is written what became of them; ``unwritten`` is how
    many are about to be stored, ``stored`` how many are, when that is known. ``busy`` has what
    those are about that are under way.
    """

    account_id: str
    hook_id: str
    ready: deque[Document] = field(default_factory=deque)
    known: set[str] = field(default_factory=set)
    busy: set[str] = field(default_factory=set)
    unwritten: int = 0
    stored: int | None = None
    next_due: float | None = None
    has_more: bool = True
    is_looking: bool = False
    width: int = FIRST
    failures: int = 0
    failed_at: deque[float] = field(default_factory=lambda: deque(maxlen=MOST_FAILURES))
    rests_until: float = 0.0

    @property
    def place(self) -> tuple[str, str]:
        """Whose lane it is."""
        return self.account_id, self.hook_id

    @property
    def room(self) -> int:
        """How many may wait in memory."""
        return ROOM if self.failures < TOO_MANY else SMALL

    @property
    def waiting(self) -> int:
        """How many wait in the store, as far as is known."""
        return (self.stored or 0) + self.unwritten

    @property
    def has_room(self) -> bool:
        """Whether one more may wait in memory, and none that is older waits in the store."""
        is_first = not (self.has_more or self.is_looking or self.unwritten)
        return is_first and len(self.ready) < self.room

    @property
    def wants_more(self) -> bool:
        """Whether it is time to look into the store."""
        return self.has_more and not self.is_looking and len(self.ready) < min(self.room, FIRST)

    def add(self, delivery: Document) -> None:
        """One that may be begun."""
        self.ready.append(delivery)
        self.known.add(delivery["_id"])

    def refill(self, delivery: Document) -> None:
        """One from the store. If there is no room, it stays there until there is."""
        if delivery["_id"] in self.known:
            return
        if len(self.ready) >= self.room:
            self.has_more = True
        else:
            self.add(delivery)

    def take(self) -> Document | None:
        """The next that may be begun: none about what another is under way about."""
        allowed = 1 if self.failures >= TOO_MANY else self.width
        if not self.ready or len(self.busy) >= allowed or time.monotonic() < self.rests_until:
            return None
        for index, delivery in enumerate(self.ready):
            if delivery["report"]["about"] not in self.busy:
                del self.ready[index]
                self.busy.add(delivery["report"]["about"])
                return delivery
        return None

    def free(self, delivery: Document) -> None:
        """One is not under way any more."""
        self.busy.discard(delivery["report"]["about"])

    def note(self, *, success: bool) -> list[Document]:
        """How one went; what there is no room for any more."""
        if success:
            self.failures, self.rests_until = 0, 0.0
            self.width = min(self.width + 1, WIDEST)
            return []
        self.failures += 1
        self.failed_at.append(time.monotonic())
        self.width = max(self.width // 2, 1)
        if self.failures < TOO_MANY:
            self.rests_until = 0.0
            return []
        rest = min(2.0 ** min(self.failures - TOO_MANY, 16), LONGEST_REST)
        self.rests_until = time.monotonic() + random.uniform(0.5, 1) * rest
        excess = [self.ready.pop() for _ in range(len(self.ready) - SMALL)]
        self.has_more = self.has_more or bool(excess)
        return excess[::-1]

    def failed_within(self, seconds: float) -> int:
        """How many have failed in the last so many seconds."""
        since = time.monotonic() - seconds
        return sum(at >= since for at in self.failed_at)

    def due(self, at: float) -> None:
        """Something in the store is to be looked for at a time, in Unix seconds."""
        self.next_due = at if self.next_due is None else min(self.next_due, at)

    def count(self, more: int) -> None:
        """So many more are stored."""
        if self.stored is not None:
            self.stored = max(self.stored + more, 0)

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits, here or in the store."""
        is_idle = not (self.known or self.unwritten or self.has_more or self.is_looking)
        return is_idle and self.next_due is None
