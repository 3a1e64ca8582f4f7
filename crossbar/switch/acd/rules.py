"""What the document of a queue says of how its callers wait and its agents are rung."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from crossbar.documents import Document, lookup
from crossbar.switch.executor import Taping

RING_TIMEOUT = 15
INTERVAL = 30
SHORTEST_INTERVAL = 15
MOST_PRIORITY = 255
LONGEST_TAPE = 10_800
"""Seconds that a conversation is recorded at most."""


@dataclass(frozen=True, slots=True)
class Rules:
    """A queue's document, read with its defaults; what makes no sense counts as not said."""

    queue: Mapping[str, object]

    def _whole(self, name: str, default: int, least: int = 0) -> int:
        value = self.queue.get(name)
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        return value if is_whole and value >= least else default  # type: ignore[operator, return-value]

    def _text(self, name: str) -> str:
        value = self.queue.get(name)
        return value if isinstance(value, str) else ""

    @property
    def is_by_idleness(self) -> bool:
        """Whether the agent is rung who waits longest for a call; otherwise it goes in turn."""
        return self._text("strategy") == "most_idle"

    @property
    def rung_at_once(self) -> int:
        """How many agents are rung for one caller."""
        return self._whole("ring_simultaneously", 1, 1)

    @property
    def ring_timeout(self) -> int:
        """Seconds that an agent is rung."""
        return self._whole("agent_ring_timeout", RING_TIMEOUT, 1)

    @property
    def wrapup(self) -> int:
        """Seconds that an agent has after a call."""
        return self._whole("agent_wrapup_time", 0)

    @property
    def most_callers(self) -> int:
        """How many may wait; 0: any number."""
        return self._whole("max_queue_size", 0)

    @property
    def most_priority(self) -> int:
        """The highest priority that a caller can have."""
        return min(self._whole("max_priority", MOST_PRIORITY), MOST_PRIORITY)

    @property
    def briefing(self) -> str:
        """The id of what agents hear before they are connected, or ""."""
        return self._text("announce")

    def taping(self, *, is_wanted: bool) -> Taping | None:
        """How a conversation is recorded, if the queue or the agent wants that."""
        if not (is_wanted or self.queue.get("record_caller") is True):
            return None
        return Taping(label="queue", url=self._text("recording_url"), time_limit=LONGEST_TAPE)

    # Announcements

    @property
    def interval(self) -> int:
        """Seconds between two announcements."""
        value = self._announced("interval")
        return max(value, SHORTEST_INTERVAL) if isinstance(value, int) else INTERVAL

    @property
    def tells_position(self) -> bool:
        """Whether callers are told their position."""
        return self._announced("position_announcements_enabled") is True

    @property
    def tells_wait(self) -> bool:
        """Whether callers are told how long they will probably wait."""
        return self._announced("wait_time_announcements_enabled") is True

    def own_sound(self, name: str) -> str:
        """The id of the queue's own sound in the place of one of the system's, or ""."""
        value = self._announced("media", name)
        return value if isinstance(value, str) else ""

    def _announced(self, *path: str) -> object:
        announcements = self.queue.get("announcements")
        found: Document = announcements if isinstance(announcements, dict) else {}
        return lookup(found, path)
