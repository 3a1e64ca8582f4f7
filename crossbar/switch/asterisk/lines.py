"""A leg of a running call: what Asterisk has told of it, and what the gateway is told in turn."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from crossbar.clock import Clock
from crossbar.documents import Document
from crossbar.families.carriers import terms_in
from crossbar.families.endpoints import tags_in
from crossbar.switch.asterisk.fax_facts import record_of
from crossbar.switch.asterisk.phones import Party
from crossbar.switch.asterisk.telling import Teller
from crossbar.switch.executor import Call, HungUp, TakenOver
from crossbar.switch.leases import MEDIA_SERVER

if TYPE_CHECKING:
    from crossbar.switch.asterisk.talking import Talk
    from crossbar.switch.asterisk.taping import Tape

T = TypeVar("T")

ANSWERED_AT = "answered_at"
"""The variable of a leg by a carrier that says when it was answered, in Gregorian seconds."""

EARLY, UP, OVER = "early", "confirmed", "terminated"
"""How far a leg is, in the words of dialogs (RFC 4235)."""

MOST_KEYS = 128
"""Keys that are remembered until somebody asks for them."""

ANONYMOUS = "Anonymous"
"""As whom those are shown who hide."""


def interaction_id_of(clock: Clock) -> str:
    """A new name for all legs of a conversation, which begins with its time."""
    return f"{clock.gregorian():011d}-{secrets.token_hex(4)}"


class Line:
    """A leg. Whoever waits for something about it looks again whenever something happens."""

    cause = ""
    """Why it is over; "" while it is not."""

    is_ringing = has_sound = False
    """Whether whom is called is told of it; whether something is heard before the answer."""

    is_recording = False
    is_forwarded = False
    is_told = True
    """Whether the gateway is told of it: not of the far end of a forwarded call."""

    queue_id = ""
    """The queue for which it rings an agent, if it does."""

    forwards = 0
    """How often the call was forwarded to come here."""

    is_external = False
    """Whether the call has come from outside of the account."""

    is_anonymous = False
    """Whether the caller asked to stay unknown."""

    hides = ""
    """What of the caller whoever is called is not told: ``full``, ``name`` or ``number``."""

    redirects = 0
    """How often it was sent elsewhere, out of whatever it was in."""

    is_introduced = False
    """Whether it was rung by order of the API, to call somebody then as whom the order says."""

    keeps_caller = False
    """Whether it shows who called at first, and not the phone that forwards."""

    asks_to_answer = False
    """Whether phones that it rings are asked to answer by themselves."""

    ringback = ""
    """The media that is heard while others are rung, instead of ringing."""

    terms: Mapping[str, str] = MappingProxyType({})
    """By what it was let through to or from a carrier, and what it costs."""

    fax: Mapping[str, str] = MappingProxyType({})
    """What is known of a fax that was sent or received here."""

    back = ""
    """With which word it has come back from the dial plan, where it was sent."""

    transferor_id: str | None = None
    """The phone by which it was sent here; "" where no phone of the account has."""

    steps: Document | None = None
    """The first of the steps that it is to go through, whatever was dialed."""

    talk: Talk | None = None
    """The conversation that it is in."""

    has_talked = False
    twin: Line | None = None
    """The other end, of a leg that leads to a call of its own."""

    _ended_at: int | None = None

    def __init__(
        self,
        channel_id: str,
        party: Party,
        *,
        is_inbound: bool,
        interaction_id: str,
        clock: Clock,
        teller: Teller,
        lamp: Callable[[str], None],
    ) -> None:
        self.channel_id = channel_id
        self.party = party
        self.is_inbound = is_inbound
        self.interaction_id = interaction_id
        self.caller_name = self.caller_number = ""
        self.callee_name = self.callee_number = ""
        self.destination = ""
        self.callflow_id = ""
        """The callflow that it is to go through, whatever was dialed."""

        self.call: Call | None = None
        """The call, once its flow has begun."""

        self.other = ""
        self.is_here = self.is_dialed = False
        """Whether it is in our hands: a leg that rings is not yet."""

        self.variables: Document = {}
        self.recordings: list[str] = []  # of the caller, by the names of the files
        self.keys: list[str] = []
        self.finished: dict[str, Document] = {}
        """Playbacks and recordings that are over, by their names."""

        self.playing: set[str] = set()
        """The playbacks that nobody has asked to end."""

        self.tapes: list[Tape] = []
        """The recordings of its conversation that run."""

        self.is_ending = self.is_transferring = False
        self.taken_over = False
        """Whether it is to go elsewhere, out of whatever it is in."""

        self.is_free = asyncio.Event()
        """Set while neither a flow nor a conversation has it."""

        self.is_free.set()
        self._lamp = lamp
        """What is told how far the leg is, for the lamps of others."""

        self._clock = clock
        self._teller = teller
        self._began = clock.gregorian()
        self._rang_at: int | None = None
        self.answered_at: int | None = None  # in Gregorian seconds
        self._waiting: set[asyncio.Future[None]] = set()
        self.watchers: set[Callable[[], None]] = set()
        """Who wants to know whenever something happens here."""

    @property
    def account_id(self) -> str:
        """The account that it is of."""
        return self.party.account_id

    @property
    def shown_as(self) -> tuple[str, str]:
        """The name and the number of the caller, as the one who is called is told."""
        name = ANONYMOUS if self.hides in ("full", "name") else self.caller_name
        hides_number = self.hides in ("full", "number")
        return name, ANONYMOUS.lower() if hides_number else self.caller_number

    @property
    def itself(self) -> tuple[str, str]:
        """The name and the number of who is at this leg, whoever has called whom."""
        if self.is_inbound or self.is_introduced:
            return self.caller_name, self.caller_number
        return self.party.name or self.callee_name, self.party.username or self.callee_number

    @property
    def is_up(self) -> bool:
        """Whether it was answered."""
        return self.answered_at is not None

    @property
    def has_progressed(self) -> bool:
        """Whether something has come of calling it, short of an answer."""
        return self.is_ringing or self.has_sound

    @property
    def seconds(self) -> int:
        """For how long it has been answered."""
        if self.answered_at is None:
            return 0
        return max(0, self._clock.gregorian() - self.answered_at)

    def label(self, variables: object) -> None:
        """Set variables of the call that events show."""
        self.variables = tags_in({**self.variables, **tags_in(variables)})

    # Waiting

    def poke(self) -> None:
        """Have those look again who wait, also those who wait for this as part of another leg."""
        self._wake()
        for watcher in tuple(self.watchers):
            watcher()

    def _wake(self) -> None:
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)

    async def until(self, look: Callable[[], T | None], *, survives: bool = False) -> T:
        """What ``look`` finds, as soon as it finds something.

        Raises :class:`HungUp` when the leg is over before, and :class:`TakenOver` when it is to go
        elsewhere, unless who waits ``survives`` that.
        """
        while True:
            found = look()
            if found:
                return found
            if self.cause and not survives:
                raise HungUp(self.cause)
            if self.taken_over and not survives:
                raise TakenOver
            waiting = asyncio.get_running_loop().create_future()
            self._waiting.add(waiting)
            try:
                await waiting
            finally:
                self._waiting.discard(waiting)

    async def until_other(self, look: Callable[[], object], other: Line) -> None:
        """The same, where it is about another leg."""
        other.watchers.add(self._wake)
        try:
            await self.until(lambda: bool(look()))
        finally:
            other.watchers.discard(self._wake)

    # What happens

    def begin(self) -> None:
        """Tell that there is the leg."""
        self.tell("channel.create")
        if self.is_inbound:
            self._show(UP)

    def ring(self) -> None:
        """It rings."""
        self.is_ringing = True
        self._rang_at = self._rang_at or self._clock.gregorian()
        if not self.is_up:
            self._show(EARLY)
        self.poke()

    def sound(self) -> None:
        """Something is heard there, before it is answered."""
        self.has_sound = True
        self.poke()

    def answer(self) -> None:
        """It was answered; told once."""
        if self.answered_at is None:
            self.answered_at = self._clock.gregorian()
            self.tell("channel.answer")
            self._show(UP)
        self.poke()

    def join(self, other: Line) -> None:
        """It is connected with another leg."""
        self.other = other.channel_id
        self.has_talked = True
        self.tell("channel.bridge")

    def press(self, digit: str, milliseconds: int) -> None:
        """A key was pressed."""
        self.keys.append(digit)
        del self.keys[:-MOST_KEYS]
        facts = {"uuid": self.channel_id, "digit": digit, "duration_ms": milliseconds}
        self._teller.tell("dtmf", self.account_id, facts)
        self.poke()
        if self.talk is not None:
            self.talk.press(self, digit)

    def come_back(self, word: str) -> None:
        """It is in our hands again."""
        self.back = word
        self.poke()

    def finish(self, name: str, facts: Document) -> None:
        """A playback or recording is over."""
        self.finished[name] = facts
        self.poke()

    def end(self, cause: str, at: int | None = None) -> None:
        """It is over, since ``at`` if that is some time ago; told once, with its record."""
        if not self.cause:
            self.cause = cause
            self.ended_at(at)
            self._show(OVER)
            self.tell("channel.destroy", hangup_cause=cause)
            if self.is_told:
                self._teller.tell("cdr", self.account_id, self._record())
        self.poke()

    def ended_at(self, at: int | None) -> None:
        """Count no longer than until then, if that is known."""
        if at is not None:
            self._ended_at = max(at, self.answered_at or self._began)

    def restore(self, stored: Document, other: str) -> None:
        """Be the leg that the gateway knows from before; ``other`` is whom it talks with."""
        self.is_here = True
        self.other = other
        self.is_inbound = stored.get("direction") != "outbound"
        self.interaction_id = stored.get("interaction_id", self.interaction_id)
        for name, field in (
            ("caller_name", "caller_id_name"),
            ("caller_number", "caller_id_number"),
            ("callee_name", "callee_id_name"),
            ("callee_number", "callee_id_number"),
            ("destination", "destination"),
            ("callflow_id", "callflow_id"),
        ):
            setattr(self, name, str(stored.get(field, "")))
        self._began = int(stored.get("timestamp", self._began))
        variables = stored.get("custom_channel_vars") or {}
        self.is_external = stored.get("inception") == "offnet"
        self.terms = terms_in(variables)
        if stored.get("answered"):
            told = str(variables.get(ANSWERED_AT, ""))
            self.answered_at = int(told) if told.isdecimal() else self._began
        self._show(UP if self.is_up or self.is_inbound else EARLY)

    def _show(self, state: str) -> None:
        if self.is_told:
            self._lamp(state)

    # What is told

    def tell(self, type: str, **more: object) -> None:
        """Tell an event of the leg, with all that is known of it."""
        if self.is_told:
            self._teller.tell(type, self.account_id, {**self._facts(), **more})

    def _facts(self) -> Document:
        return {
            "uuid": self.channel_id,
            "username": self.party.username,
            "call_forwarded": self.is_forwarded or None,
            "direction": self._direction,
            **self._ends,
            "destination": self.destination,
            "callflow_id": self.call.flow_id if self.call else self.callflow_id,
            "other_leg": self.other,
            "authorizing_id": self.party.authorizing_id,
            "authorizing_type": self.party.kind,
            "owner_id": self.party.owner_id,
            "is_internal_leg": not self.party.resource_id,
            "inception": "offnet" if self.is_external else "onnet",
            "custom_channel_vars": self._channel_variables,
            "custom_application_vars": self.variables or None,
        }

    @property
    def _direction(self) -> str:
        """As the switch sees it: a phone that calls comes in."""
        return "inbound" if self.is_inbound else "outbound"

    @property
    def _ends(self) -> Document:
        """Who speaks with whom: the names, and the addresses of SIP."""
        realm = self.party.realm
        itself = self.party.username or self.destination
        return {
            "interaction_id": self.interaction_id,
            "caller_id_name": self.caller_name,
            "caller_id_number": self.caller_number,
            "callee_id_name": self.callee_name,
            "callee_id_number": self.callee_number,
            "from": f"{self._from_user}@{realm}",
            "to": f"{self.destination if self.is_inbound else itself}@{realm}",
            "request": f"{self.destination if self.is_inbound else itself}@{realm}",
        }

    @property
    def _from_user(self) -> str:
        return (self.is_inbound and self.party.username) or self.caller_number

    @property
    def _channel_variables(self) -> Document:
        facts = {
            "account_id": self.account_id,
            "authorizing_id": self.party.authorizing_id,
            "authorizing_type": self.party.kind,
            MEDIA_SERVER: self._teller.source,
            "owner_id": self.party.owner_id,
            "resource_id": self.party.resource_id,
            "queue_id": self.queue_id,
        }
        if self.party.resource_id:
            facts["global_resource"] = "false" if self.party.resource_of else "true"
            facts |= self.terms
            if self.answered_at is not None:
                facts[ANSWERED_AT] = str(self.answered_at)
        return {name: value for name, value in facts.items() if value}

    def _record(self) -> Document:
        now = self._clock.gregorian()
        if self._ended_at is not None:
            now = min(now, self._ended_at)
        billed = now - self.answered_at if self.answered_at is not None else 0
        rang = (self.answered_at or now) - self._rang_at if self._rang_at is not None else 0
        return {
            "call_id": self.channel_id,
            "call_direction": self._direction,
            **self._ends,
            "timestamp": now,
            "channel_created_time": self._began,
            "duration_seconds": max(0, now - self._began),
            "billing_seconds": max(0, billed),
            "ringing_seconds": max(0, rang),
            "digits_dialed": self.destination if self.is_inbound else None,
            "hangup_cause": self.cause,
            "disposition": "ANSWER" if self.is_up else self.cause,
            "other_leg_call_id": self.other,
            "custom_channel_vars": self._channel_variables,
            "custom_application_vars": self.variables or None,
            **record_of(self.fax),
        }
