"""The seam between flows and what carries sound: verbs over one caller's leg, and their words.

:class:`Media` is the caller's leg as a flow sees it. A telephone switch implements it, and so does
a script that answers what would happen. Times are in seconds unless a name says otherwise. Every
verb that waits raises :class:`HungUp` when the caller has gone, and :class:`TakenOver` when
somebody else has taken the call: the flow is over then, and the call is not.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from crossbar.switch.executor.heard import Recording, Sound, Winding

ANY_KEY = "1234567890*#"
NO_KEY = ""


class HungUp(Exception):
    """The caller has gone. ``cause`` is the reason as telephone networks name it."""

    def __init__(self, cause: str = "NORMAL_CLEARING") -> None:
        super().__init__(cause)
        self.cause = cause


class TakenOver(Exception):
    """The call goes on elsewhere: it was picked up, or transferred."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerId:
    """Who is shown as the caller; ``hides`` is ``""``, ``full``, ``name`` or ``number``."""

    name: str = ""
    number: str = ""
    hides: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToDevice:
    """All addresses at which a device is registered, or its fixed one: ``route``.

    ``label`` is its own name, ``name`` that of whose it is. ``user`` is who is asked for there;
    empty: who has registered.
    """

    device_id: str
    label: str = ""
    name: str = ""
    owner_id: str = ""
    user: str = ""
    route: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToNumber:
    """A number that is dialed anew: a new call with a flow of its own, and one hop more.

    The device dials it that forwards calls there; with an ``account_id`` the call arrives in that
    account, from outside.
    """

    number: str
    device_id: str = ""
    account_id: str = ""
    for_account: bool = False
    """Whether it is dialed for the account itself (``authorizing_type`` ``account``)."""

    confirms: bool = False
    """Who answers has to press 1, after ``ivr-group_confirm``."""

    keeps_caller: bool = False
    when_unregistered: bool = False
    """Rung only while the device is registered nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToGateway:
    """A carrier's gateway, the one at a place of its resource.

    ``number`` is what it is to dial, ``called`` whom that reaches, in E.164; ``calling`` is who
    calls, before ``formatters`` have rewritten it. ``account_id`` is whose carrier it is; "" for
    one of the system. ``shows`` is which caller id it wants, if it says so, and ``realm`` what the
    call says that it is from, where that is not what the gateway wants of all calls.
    """

    resource_id: str
    gateway: Mapping[str, object]
    number: str
    called: str = ""
    calling: str = ""
    at: int = 0
    account_id: str = ""
    shows: str = ""
    realm: str = ""
    is_emergency: bool = False
    formatters: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taping:
    """How the conversation is recorded from now on, as ``record_call`` and settings name it."""

    label: str = ""
    media_name: str = ""
    format: str = "mp3"
    url: str = ""
    method: str = "put"
    time_limit: int = 3600
    record_min_sec: int = 0
    on_answer: bool = False
    on_bridge: bool = False
    follows_transfer: bool = True
    on_demand: bool = False
    """Whether somebody in the call has asked for it, and may end it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """Somebody to be rung: after ``delay``, for at most ``timeout`` (0: as long as the others)."""

    to: ToDevice | ToNumber | ToGateway
    caller: CallerId = CallerId()
    delay: float = 0
    timeout: float = 0
    progress_timeout: float = 0
    """Seconds within which it has to ring, or is given up; 0: it need not."""

    ignores_early_media: bool = False
    auto_answer: bool = False
    barges: bool = False
    """Whether a phone that is in a call answers by itself, too."""

    headers: Mapping[str, str] = field(default_factory=dict)
    alert: str = ""
    """What its phone is told of how to ring (``Alert-Info``)."""

    taping: Taping | None = None
    """How it is recorded once it has answered."""


LONGEST_RING = 300.0
"""Seconds for which anybody is rung at most, whatever is asked for.

What a carrier lets hear before somebody answers costs nothing.
"""


class Strategy(StrEnum):
    """How legs are rung: all at once, or one after the other."""

    SIMULTANEOUS = "simultaneous"
    SINGLE = "single"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialing:
    """How to ring: for at most ``timeout`` in all (0: as long as may be), while the caller hears
    ``ringback``."""

    timeout: float = 20
    strategy: Strategy = Strategy.SIMULTANEOUS
    ringback: str = ""
    fails_on_reject: bool = False
    """Whether one who declines ends it for all."""

    ignores_forward: bool = False
    """Whether phones that ask to be called elsewhere are not followed."""

    @property
    def seconds(self) -> float:
        """For how long it rings at most."""
        return ringing_time(self.timeout)


def ringing_time(asked: float) -> float:
    """For how many seconds somebody is rung where so many are asked for, or none (0)."""
    return min(asked or LONGEST_RING, LONGEST_RING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialed:
    """What came of ringing: who answered, after that conversation is over, or why nobody has."""

    answered: Leg | None = None
    cause: str = "NO_ANSWER"
    code: int = 0
    """The SIP status, where there was one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """How the caller takes part in a conference."""

    conference_id: str
    name: str = ""
    is_moderator: bool = False
    is_muted: bool = False
    is_deaf: bool = False
    entry: tuple[Sound, ...] = ()
    exit: tuple[Sound, ...] = ()
    settings: Mapping[str, object] = field(default_factory=dict)


async def _no_legs(user_id: str) -> Sequence[Leg]:
    return ()


async def _no_wait() -> int:
    return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """How the caller waits in a queue: at most ``timeout``, or until the exit key.

    ``queue`` is the document, ``music`` the id of what is heard meanwhile.
    """

    queue_id: str
    priority: int = 0
    timeout: float = 3600
    exit_key: str = "#"
    enters_empty: bool = True
    queue: Mapping[str, object] = field(default_factory=dict)
    music: str = ""
    language: str = ""
    most_failures: int = 3
    """How often in a row an agent may not answer before it is logged out; 0: any number."""

    legs_of: Callable[[str], Awaitable[Sequence[Leg]]] = _no_legs
    """Finds the phones of a user who is an agent, as they are now."""

    resumed: Mapping[str, Any] = field(default_factory=dict)
    """What is known of a caller who has waited here before the switch was replaced."""

    average_wait: Callable[[], Awaitable[int]] = _no_wait
    """Finds how many seconds callers have waited lately."""


class Waited(StrEnum):
    """How waiting in a queue, or parked, has ended."""

    CONNECTED = "connected"
    TIMEOUT = "timeout"
    KEY = "key"
    EMPTY = "empty"
    FULL = "full"


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A leg of another running call."""

    call_id: str
    device_id: str
    answered: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Faxed:
    """What came of receiving a fax."""

    ok: bool
    pages: int = 0


class Media(Protocol):
    """The caller's leg."""

    async def answer(self) -> None:
        """Answer the call; harmless when it is answered."""
        ...

    async def play(self, *sounds: Sound, keys: str = ANY_KEY, times: int = 1) -> str:
        """Play sounds to their end, or until one of ``keys``, which is returned. 0: for ever.

        What cannot be found is silent.
        """
        ...

    async def collect(
        self,
        most: int,
        *sounds: Sound,
        first: float = 5,
        between: float = 2,
        ends: str = "#",
        winding: Winding | None = None,
    ) -> str:
        """Keys, from those pressed since the last verb on; the first one ends the sounds.

        It ends at ``most`` keys, at one of ``ends`` (which is no part of it), or when after the
        sounds nothing is pressed for ``first``, and after a key for ``between``, seconds. Keys of
        a ``winding`` do not end the sounds.
        """
        ...

    async def flush(self) -> None:
        """Forget keys that were pressed and not collected."""
        ...

    async def record(
        self, seconds: float, *, ends: str = ANY_KEY, silence: float = 5
    ) -> Recording:
        """Record the caller until a key, so many seconds of silence, the limit, or until the
        caller hangs up.

        Does not raise :class:`HungUp`: what was said counts.
        """
        ...

    def audio(self, recording: Recording) -> AsyncIterator[bytes]:
        """What was recorded, as WAV; also after the caller has hung up."""
        ...

    async def tape(self, taping: Taping) -> None:
        """Record both sides from now on."""
        ...

    async def stop_tape(self) -> None:
        """End what was begun last of that."""
        ...

    async def dial(self, legs: Sequence[Leg], dialing: Dialing) -> Dialed:
        """Ring, and connect the caller with the first who answers, until one of them hangs up."""
        ...

    async def page(self, legs: Sequence[Leg], *, two_way: bool, timeout: float) -> bool:
        """Speak to all legs, which answer by themselves, until the caller hangs up.

        Whether there was anybody.
        """
        ...

    async def confer(self, seat: Seat) -> None:
        """Take part in a conference until the caller leaves it."""
        ...

    async def people_in(self, conference_id: str) -> int:
        """How many take part in a conference now."""
        ...

    async def queue(self, place: Place) -> Waited:
        """Wait until an agent has taken the call and the conversation is over, or it is left."""
        ...

    async def park(self, slot: str, seconds: float) -> Waited:
        """Wait with music until somebody takes the call, or for so long (0: for ever)."""
        ...

    async def channels(self, device_ids: Sequence[str]) -> list[Channel]:
        """The running calls of the account's devices, the oldest first."""
        ...

    async def take(self, call_id: str) -> bool:
        """Be connected in place of that leg, until one hangs up; whether it was still there."""
        ...

    async def listen(self, call_id: str) -> bool:
        """Hear that leg's conversation until one hangs up; whether it was still there."""
        ...

    async def transfer(self, target: str, *, kind: str = "blind", leg: str = "self") -> None:
        """Send the caller (``self``) or the other side (``bleg``) to another number."""
        ...

    async def send_keys(self, keys: str, milliseconds: int) -> None:
        """Press keys for the other side to hear."""
        ...

    async def label(self, variables: Mapping[str, object]) -> None:
        """Set variables of the call that events show."""
        ...

    async def receive_fax(self, settings: Mapping[str, object]) -> Faxed:
        """Receive a fax."""
        ...

    async def detect_fax(self, seconds: float) -> bool:
        """Whether the caller is a fax machine."""
        ...

    async def echo(self, seconds: float) -> None:
        """Have the caller hear what the caller says, for so long. Nothing but the end of the call
        may follow."""
        ...

    async def wait(self, seconds: float) -> None:
        """Do nothing, neither answer, for a while."""
        ...

    async def wait_for_hangup(self) -> None:
        """Do nothing until the caller hangs up, which it tells by :class:`HungUp`."""
        ...

    async def hang_up(self, cause: str = "NORMAL_CLEARING", code: int = 0, text: str = "") -> None:
        """End the call; one that is not answered is refused with the SIP status ``code``."""
        ...
