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
)

EVENTS: Mapping[str, tuple[str, ...]] = {
    "call": CALL_EVENTS,
    "conference": ("event", "command"),
    "fax": ("status", "object"),
    OBJECT: tuple(OBJECT_EVENTS.values()),
    "presence": ("dialog", "mwi_updates", "update"),
}
"""The kinds, and the events of each."""

ADVERTISED: Document = {
    "call": [*(f"call.{event}.*" for event in CALL_EVENTS), "call.*.*"],
    "conference": ["conference.event.{CONFERENCE_ID}.*", "conference.command.{CONFERENCE_ID}"],
    "fax": ["fax.status.*", "fax.object.*"],
    OBJECT: [*(f"object.{event}.*" for event in EVENTS[OBJECT]), "object.*.*"],
    "presence": ["presence.dialog.*", "presence.mwi_updates.*", "presence.update.*"],
}
"""What clients are told that they can bind to."""

PLACES: Mapping[str, tuple[str, ...]] = {
    "call": ("channels", ANY),
    "conference": ("conferences", ANY),
    "fax": ("faxes", "outgoing", ANY),
    "presence": ("devices", ANY),
}
"""Where below an account one reads who may be told of a kind; ``*`` is what an event is about."""

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
        raise BadBinding(f"invalid format for {kind} subscription : {text}")
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
    word = event.action if event.key.doc_type == HAPPENING else event.summary.get("event", "")
    name = str(word).upper().replace(".", "_")
    if name in CALL_EVENTS:
        return Heard("call", name, event.key.doc_id)
    for kind in ("conference", "fax", "presence"):
        if name.startswith(f"{kind.upper()}_"):
            rest = name.removeprefix(f"{kind.upper()}_").lower()
            told = rest if rest in EVENTS[kind] else EVENTS[kind][0]
            return Heard(kind, told, event.key.doc_id)
    if event.key.doc_type == HAPPENING or event.action not in OBJECT_EVENTS:
        return None
    return Heard(OBJECT, OBJECT_EVENTS[event.action], event.key.doc_type)


def place_of(heard: Heard) -> Sequence[str]:
    """Where below the account one reads who may be told of something that is no document."""
    return [heard.about if part == ANY else part for part in PLACES[heard.kind]]


def facts_of(event: Event, account_id: str, heard: Heard) -> Document:
    """What is told of an event: public facts, in the names that clients know."""
    facts = {"account_id": account_id, "event_name": heard.event, "timestamp": event.at}
    if heard.kind != OBJECT:
        return {**event.summary, **facts, _ID.get(heard.kind, "id"): heard.about}
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


_ID = {"call": "call_id", "conference": "conference_id", "fax": "fax_id"}
