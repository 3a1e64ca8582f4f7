"""Bindings: what a client of the socket asks to be told of, and which events that is.

A binding is a kind, an event of it and what it is about: ``object.doc_created.user``,
``call.CHANNEL_ANSWER.<id of the call>``. ``*`` stands for any event or subject, and at the end for
all that is left; the kind of ``doc_created.…`` goes without saying.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from crossbar.core.telling import HAPPENING
from crossbar.documents import Document
from crossbar.storage import Event

ANY = "*"
OBJECT = "object"

OBJECT_EVENTS = {"created": "doc_created", "changed": "doc_edited", "deleted": "doc_deleted"}
"""What is told of documents, by the action of the event."""

CALL_EVENTS = (
    "CHANNEL_CREATE",
    "CHANNEL_ANSWER",
    "CHANNEL_BRIDGE",
    "CHANNEL_HOLD",
    "CHANNEL_UNHOLD",
    "CHANNEL_DESTROY",
    "PARK_PARKED",
    "PARK_RETRIEVED",
    "PARK_ABANDONED",
    "DTMF",
)

EVENTS: Mapping[str, tuple[str, ...]] = {
    "agent": ("status",),
    "call": CALL_EVENTS,
    "conference": ("event", "command"),
    "fax": ("status", "object"),
    OBJECT: tuple(OBJECT_EVENTS.values()),
    "presence": ("dialog", "mwi_updates", "update"),
    "queue": ("waiting", "handled", "abandoned", "processed"),
    "registration": ("registered", "unregistered"),
}
"""The kinds, and the events of each."""

ADVERTISED: Document = {
    "agent": ["agent.status.*"],
    "call": [*(f"call.{event}.*" for event in CALL_EVENTS), "call.*.*"],
    "conference": ["conference.event.{CONFERENCE_ID}.*", "conference.command.{CONFERENCE_ID}"],
    "fax": ["fax.status.*", "fax.object.*"],
    OBJECT: [*(f"object.{event}.*" for event in EVENTS[OBJECT]), "object.*.*"],
    "presence": ["presence.dialog.*", "presence.mwi_updates.*", "presence.update.*"],
    "queue": [*(f"queue.{event}.*" for event in EVENTS["queue"]), "queue.*.*"],
    "registration": ["registration.registered.*", "registration.unregistered.*"],
}
"""What clients are told that they can bind to."""

PLACES: Mapping[str, tuple[str, ...]] = {
    "agent": ("agents", ANY, "status"),
    "call": ("channels", ANY),
    "conference": ("conferences", ANY),
    "fax": ("faxes", "outgoing", ANY),
    "presence": ("devices", ANY),
    "queue": ("queues", ANY),
    "registration": ("registrations", "count"),
}
"""Where below an account one reads who may be told of a kind; ``*`` is what an event is about."""

PARKING = "parking"
"""What webhooks call all that happens to parked calls, which bindings tell apart."""

HOLDING_CALLS = ("conference", "queue")
"""Kinds that are about a call in something."""

LONGEST = 256
"""Characters that a binding may have."""

_TYPE = re.compile(r"[a-z0-9_]{1,64}|\*", re.ASCII)


class BadBinding(ValueError):
    """There is no such binding; the text says why."""


class Binding(NamedTuple):
    """Kind, event and subject, each of which may be any but the kind. ``text`` is as it came."""

    text: str
    kind: str
    event: str
    about: str

    def covers(self, heard: Heard) -> bool:
        """Whether it asks for this."""
        return (
            self.kind == heard.kind
            and self.event in (ANY, heard.event)
            and (
                self.about == heard.about
                or (ANY in self.about and _covers(self.about, heard.about))
            )
        )


class Heard(NamedTuple):
    """An event as bindings know it."""

    kind: str
    event: str
    about: str

    @property
    def key(self) -> str:
        """The one binding that asks for nothing else."""
        return f"{self.kind}.{self.event}.{self.about}"


def binding_of(text: str) -> Binding:
    """The binding that a client has written. Raises :class:`BadBinding`."""
    if len(text) > LONGEST:
        raise BadBinding(f"event {text[:40]}… not supported")
    parts = text.split(".", 2)
    if parts[0] in EVENTS[OBJECT]:
        parts = [OBJECT, parts[0], ".".join(parts[1:])]
    kind = parts[0]
    if kind not in EVENTS:
        raise BadBinding(f"event {text} not supported")
    event = parts[1] if len(parts) > 1 else ""
    about = parts[2] if len(parts) > 2 else ""
    if event == ANY and not about:
        about = ANY
    if event not in (ANY, *EVENTS[kind]) or not _is_subject(kind, about):
        example = ADVERTISED[kind][0]
        raise BadBinding(f"invalid format for {kind} subscription : {text} (write {example})")
    return Binding(text, kind, event, about)


def _is_subject(kind: str, about: str) -> bool:
    if kind == OBJECT:
        return _TYPE.fullmatch(about) is not None
    if kind == "conference":  # one has to know which
        return about.partition(".")[0] not in ("", ANY)
    return bool(about)


def _covers(pattern: str, about: str) -> bool:
    """Whether a subject fits; a ``*`` at the end stands for all that is left."""
    wanted, found = pattern.split("."), about.split(".")
    if wanted[-1] == ANY:
        wanted = wanted[:-1]
        found = found[: len(wanted)]
    return len(wanted) == len(found) and all(
        each in (ANY, other) for each, other in zip(wanted, found, strict=True)
    )


def heard(event: Event) -> Heard | None:
    """What bindings call an event; ``None`` for one of a kind that they do not know."""
    if event.key.doc_type != HAPPENING:
        told = OBJECT_EVENTS.get(event.action)
        return Heard(OBJECT, told, event.key.doc_type) if told else None
    word = event.summary.get("event_name", "") if event.action == PARKING else event.action
    name = str(word).upper()
    if name in CALL_EVENTS:
        return Heard("call", name, event.key.doc_id)
    kind, _, rest = event.action.partition("_")
    if kind not in EVENTS or kind in ("call", OBJECT):
        return None
    return Heard(kind, rest if rest in EVENTS[kind] else EVENTS[kind][0], event.key.doc_id)


def place_of(heard: Heard) -> Sequence[str]:
    """Where below the account one reads who may be told of something that is no document."""
    about = _subject(heard)
    return [about if part == ANY else part for part in PLACES[heard.kind]]


def _subject(heard: Heard) -> str:
    """What it is about: of a conference or a queue without the call that is in it."""
    return heard.about.partition(".")[0] if heard.kind in HOLDING_CALLS else heard.about


def facts_of(event: Event, account_id: str, heard: Heard) -> Document:
    """What is told of an event: public facts, in the names that clients know."""
    facts = {"account_id": account_id, "event_name": heard.event, "timestamp": event.at}
    if heard.kind != OBJECT:
        return {**event.summary, **facts, _ID.get(heard.kind, "id"): _subject(heard)}
    facts |= {
        "id": event.key.doc_id,
        "type": event.key.doc_type,
        "action": heard.event,
        "rev": event.revision,
        "event_category": "configuration",
    }
    if "name" in event.summary:
        facts["name"] = event.summary["name"]
    return facts


_ID = {
    "agent": "agent_id",
    "call": "call_id",
    "conference": "conference_id",
    "fax": "fax_id",
    "queue": "queue_id",
}
