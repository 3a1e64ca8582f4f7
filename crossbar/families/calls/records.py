"""Call records as they are kept: one a leg, and one an interaction, which is all legs together.

An interaction keeps its place in the list, that of its own time, whichever of its legs is heard of
first: so who walks pages of interactions while calls end meets each once. What it shows is its
earliest leg so far, and below a user the earliest of that user.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from crossbar.core.journals import bucket_at
from crossbar.core.shapes import Index, Journal
from crossbar.documents import Document, lookup
from crossbar.storage import Key

RETENTION = "calls.records_kept"
MOST_OWNERS = 50
"""Users whose own first legs an interaction shows; a conference may have more."""

INTERACTION_ID = re.compile(r"[0-9]{11}-[!-~]{1,64}", re.ASCII)


def owner_of(call: Document) -> str:
    """The user whose leg it is, if it is anybody's."""
    owner = lookup(call, ("custom_channel_vars", "owner_id"))
    return owner if isinstance(owner, str) else ""


def _owners(call: Document) -> tuple[str, ...]:
    owner = owner_of(call)
    return (owner,) if owner else ()


def start_of(call: Document) -> int:
    """When the leg began, in Gregorian seconds."""
    return int(call["timestamp"] - call.get("duration_seconds", 0))


INTERACTIONS = Journal(
    noun="cdrs",
    doc_type="interaction",
    time="timestamp",
    retention=RETENTION,
    indexes=(Index(name="owner", values=lambda each: each["owners"].keys()),),
    actions=frozenset(),
    scopes=(),
)
"""The entry of the records; they are read by routes of call records."""


def interaction_id_of(call: Document) -> str:
    """The id that the leg says, or one of its own: the time that it began, and its name."""
    said = call.get("interaction_id")
    if isinstance(said, str) and INTERACTION_ID.fullmatch(said):
        return said
    digest = hashlib.sha256(call["call_id"].encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{max(start_of(call), 0):011d}-{digest}"


def interaction_key(account_id: str, interaction_id: str) -> Key:
    """Where an interaction is: in the bucket of the time that its id begins with."""
    bucket = bucket_at(INTERACTIONS, int(interaction_id[:11]))
    return Key(account_id, INTERACTIONS.doc_type, f"{bucket}-{interaction_id}")


def with_leg(stored: Document | None, call: Document) -> Document | None:
    """The interaction with one more leg; ``None`` when that changes nothing of it."""
    owner = owner_of(call)
    if stored is None:
        return {
            "timestamp": int(call["interaction_id"][:11]),
            "first": call,
            "owners": {owner: None} if owner else {},
        }
    owners: dict[str, Any] = dict(stored["owners"])
    first: Document = stored["first"]
    if _is_before(call, first):
        if owners.get(owner_of(first), first) is None:
            owners[owner_of(first)] = first
        first = call
    if owner in owners:
        if _is_before(call, owners[owner] or stored["first"]):
            owners[owner] = call
    elif owner and len(owners) < MOST_OWNERS:
        owners[owner] = call
    if owners.get(owner_of(first)) is first:
        owners[owner_of(first)] = None  # it is kept once
    if first is stored["first"] and owners == stored["owners"]:
        return None
    return {**stored, "first": first, "owners": owners}


def _is_before(call: Document, other: Document) -> bool:
    return (start_of(call), call["call_id"]) < (start_of(other), other["call_id"])


def first_leg(interaction: Document, owner: str | None = None) -> Document:
    """The leg that an interaction shows; ``owner`` is whose it is to be, if not anybody's."""
    own = interaction["owners"].get(owner) if owner else None
    shown: Document = own or interaction["first"]
    return shown


def indexes() -> tuple[Index, ...]:
    """By what call records are found."""
    return (
        Index(name="owner", values=_owners),
        Index(name="interaction", values=lambda call: (call["interaction_id"],)),
    )
