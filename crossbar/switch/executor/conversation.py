"""The seam between metaflows and what carries sound: a conversation, as one of its legs sees it.

Of the leg itself flows know the verbs of :class:`~crossbar.switch.executor.media.Media`; here is
what has to do with both legs. As there, what waits raises ``HungUp`` and ``TakenOver``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from crossbar.documents import Document
from crossbar.switch.executor.heard import Sound
from crossbar.switch.executor.media import Dialing, Leg, Media
from crossbar.switch.executor.step import Step


class Side(StrEnum):
    """Which of the legs: the one that has pressed keys, the other one, or both."""

    SELF = "self"
    PEER = "peer"
    BOTH = "both"


class Way(StrEnum):
    """Which way sound goes: from the phone of a leg (``read``), or to it (``write``)."""

    FROM = "read"
    TO = "write"


class Conversation(Protocol):
    """A leg, and whom it talks with."""

    @property
    def other(self) -> Media | None:
        """The other leg; ``None`` where there is no conversation."""
        ...

    @property
    def is_caller(self) -> bool:
        """Whether it is the leg of who called."""
        ...

    @property
    def is_held(self) -> bool:
        """Whether the two are parted for a while."""
        ...

    @property
    def is_taped(self) -> bool:
        """Whether a recording runs that somebody has asked for during the call."""
        ...

    async def hold(self, music: Sound | None, own: Sound | None, key: str) -> None:
        """Part the legs, until this leg presses ``key``: the other one hears music.

        ``None`` is the switch's own music for the other leg, and nothing for this one.
        """
        ...

    async def resume(self) -> None:
        """Connect the legs again."""
        ...

    async def stop_sounds(self) -> None:
        """End what this leg is played."""
        ...

    async def stop_tapes(self) -> None:
        """End the recordings that somebody has asked for during the call."""
        ...

    async def mask(self, is_masked: bool) -> None:
        """Have all recordings of the conversation be silent, or not any more."""
        ...

    async def send(
        self,
        side: Side,
        number: str,
        *,
        callflow_id: str = "",
        steps: Document | None = None,
        is_transfer: bool = False,
    ) -> None:
        """Send a leg to a number, into a callflow or through steps, out of the conversation.

        What a transfer may do is what the phone of this leg may.
        """
        ...

    async def consult(
        self, leg: Leg, *, seconds: float, music: Sound | None, takeback: str
    ) -> None:
        """Call somebody while the other leg hears music, and give it over by hanging up.

        The keys ``takeback`` give up and go back to the other leg, as does whoever is called by
        not answering or by leaving. Returns when all of it is over.
        """
        ...

    async def hand_over(self, legs: Sequence[Leg], dialing: Dialing, *, keeps: Side) -> bool:
        """Ring phones; who answers talks on with that side, and the other side is over.

        Whether somebody answered. Returns when that conversation is over.
        """
        ...

    async def set_level(self, way: Way, level: int) -> None:
        """Make what this leg says, or hears, louder (to 4) or less so (to -4); 0 is as it was."""
        ...

    async def set_pitch(self, way: Way, factor: float) -> None:
        """Change the pitch of what this leg says or hears; 1 is as it was."""
        ...


@dataclass(slots=True, kw_only=True)
class Press(Step):
    """One step of a metaflow. The leg is the one that has pressed the keys."""

    talk: Conversation
    by_keys: bool = False
    """Whether keys have asked for it, not the API."""
