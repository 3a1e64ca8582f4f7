"""A telephone number as a document of the system, and what is shown of it.

Its id is its E.164 form, so whose it is is one document's matter: of two that want it one commit
succeeds. A number that documents of accounts carry, and that nobody has registered, has a document
without a state: it is only where writers meet (:mod:`crossbar.families.numbers.uses`), and for
everybody else it does not exist.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Any

from crossbar.core.change import event_of
from crossbar.core.directory import OWNER
from crossbar.core.requests import Actor
from crossbar.core.shapes import Collection, Index
from crossbar.documents import Document, public
from crossbar.families.accounts import NUMBER_TYPE
from crossbar.families.billing import ALL, COUNTED
from crossbar.numbers import to_e164
from crossbar.storage import SYSTEM, Event, Key, Remove

LOCAL, MANAGED, MDN = "knm_local", "knm_managed", "knm_mdn"
"""Who a number is from: the account itself, the operator's inventory, a mobile device."""

STATE, ASSIGNED_TO, MODULE = "pvt_state", "pvt_assigned_to", "pvt_module_name"
USED_BY, USED_BY_ID = "pvt_used_by", "pvt_used_by_id"
HISTORY, FEATURES = "pvt_reserve_history", "pvt_features"
CLASS = "pvt_class"
"""The class of a number, by which it is billed; mobile devices are billed, not their numbers."""

TOUCHED_BY = "pvt_touched_by"
"""Of a document without a state: the account whose document has last named the number."""

OFFERED = "offered"
"""The index of the numbers that everybody may take."""


class State(StrEnum):
    """Where in its life a number is."""

    AGING = "aging"
    AVAILABLE = "available"
    DELETED = "deleted"
    DISCOVERY = "discovery"
    IN_SERVICE = "in_service"
    PORT_IN = "port_in"
    PORT_OUT = "port_out"
    RELEASED = "released"
    RESERVED = "reserved"


GONE = (State.DELETED, State.DISCOVERY, State.PORT_OUT, State.RELEASED)
"""The states of numbers that are not here, though they were, or might be."""


def _owners(document: Document) -> Iterable[str]:
    owner = document.get(ASSIGNED_TO if STATE in document else TOUCHED_BY)
    return (owner,) if owner else ()


def _assignees(document: Document) -> Iterable[str]:
    return (document[ASSIGNED_TO],) if document.get(ASSIGNED_TO) else ()


def _reservers(document: Document) -> Iterable[str]:
    return _assignees(document) if document.get(STATE) == State.RESERVED else ()


def _offers(document: Document) -> Iterable[str]:
    # One that a callflow of its former account still carries is not to be had by others.
    is_free = document.get(STATE) == State.AVAILABLE and not document.get(USED_BY)
    return ("true",) if is_free else ()


def billed_items(document: Document) -> Iterator[tuple[str, str]]:
    """What the number counts as for its account: nothing unless it is in service."""
    if document.get(STATE) == State.IN_SERVICE and CLASS in document:
        yield "phone_numbers", document[CLASS]
        yield "number_carriers", document.get(MODULE, LOCAL).removeprefix("knm_")
        yield from (("number_services", name) for name in document.get(FEATURES, ()))


def _billed(category: str) -> Index:
    """The index by which the numbers of an account are counted in a category."""

    def values(document: Document) -> Iterable[str]:
        owner = document.get(ASSIGNED_TO)
        for each, item in billed_items(document) if owner else ():
            if each == category:
                yield f"{owner}/{item}"
                yield f"{owner}/{ALL}"

    return Index(name=COUNTED[category].index, values=values)


def _number(document: Document) -> str:
    """The number."""
    return str(document["_id"])


NUMBERS = Collection(
    noun="phone_numbers",
    doc_type=NUMBER_TYPE,
    schema="phone_numbers",
    summary=(),
    actions=frozenset(),
    scopes=(),
    order=_number,
    indexes=(
        Index(name=OWNER, values=_owners),
        Index(name="assigned", values=_assignees),
        Index(name="reserved", values=_reservers),
        Index(name=OFFERED, values=_offers),
        *(_billed(each) for each in ("phone_numbers", "number_carriers", "number_services")),
    ),
)
"""The numbers of all accounts. Nothing is done to one but through the paths of the family."""


def normalize(number: str) -> str | None:
    """The E.164 form of a full number; ``None`` for what is none."""
    return to_e164(number)


def number_key(number: str) -> Key:
    """Where the document of a number is, in E.164."""
    return Key(SYSTEM, NUMBER_TYPE, number)


def is_registered(document: Document | None) -> bool:
    """Whether somebody has made it a number, or documents only carry it."""
    return document is not None and STATE in document


def lost(actor: Actor, document: Document) -> Event:
    """That the account which had the number has it no more: of what follows it is not told."""
    key = Key(document[ASSIGNED_TO], NUMBER_TYPE, document["_id"])
    return event_of(actor, "deleted", Remove(key), document)


def shown(document: Document, available: Iterable[str]) -> Document:
    """A number as clients see it; ``available`` are the features that it may have."""
    settings = {name: document[name] for name in document.get(FEATURES, ()) if document.get(name)}
    features = {"available": [*available], "settings": settings}
    facts = {
        "created": document.get("pvt_created"),
        "modified": document.get("pvt_modified"),
        "features": {name: value for name, value in features.items() if value},
        "carrier_module": document.get(MODULE),
        "assigned_to": document.get(ASSIGNED_TO),
        "used_by_id": document.get(USED_BY_ID),
        "is_deleted": document.get(STATE) == State.DELETED,
    }
    told: Document = {
        **public(document),
        "id": document["_id"],
        "state": document[STATE],
        "features": document.get(FEATURES, []),
        "_read_only": {name: value for name, value in facts.items() if value},
    }
    if document.get(USED_BY):
        told["used_by"] = document[USED_BY]
    return told


def row(document: Document, available: Iterable[str]) -> Document:
    """A number in a list."""
    values: dict[str, Any] = {
        "state": document[STATE],
        "features": document.get(FEATURES, []),
        "features_available": [*available],
        "assigned_to": document.get(ASSIGNED_TO),
        "used_by": document.get(USED_BY),
        "created": document.get("pvt_created"),
        "updated": document.get("pvt_modified"),
        "features_allowed": document.get("pvt_features_allowed"),
        "features_denied": document.get("pvt_features_denied"),
        "locality": document.get("pvt_locality"),
    }
    return {name: value for name, value in values.items() if value is not None}


def seen(document: Document) -> Document:
    """What filters of lists judge: with the private facts that lists show."""
    return {**document, **row(document, ()), "features": document.get(FEATURES, [])}
