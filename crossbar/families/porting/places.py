"""Where port requests are found, whichever account has them.

A request is a document of its account. Who decides about the requests of many accounts, and who
looks for a number, finds it by a second document beside it, among those of the system. It is
written in the commit of the request, so the two never disagree.
"""

from __future__ import annotations

from collections.abc import Iterable

from crossbar.core.change import Change
from crossbar.core.directory import OWNER
from crossbar.core.ranges import time_key
from crossbar.core.shapes import Index
from crossbar.documents import Document, next_revision
from crossbar.families.accounts import PORT_PLACE_TYPE
from crossbar.families.porting.states import state_of
from crossbar.storage import SYSTEM, Entry, Key, Put, Remove

BY_STATE, BY_NUMBER = "state", "number"


def numbers_of(document: Document) -> Iterable[str]:
    """The numbers that a request is about."""
    numbers = document.get("numbers")
    return numbers.keys() if isinstance(numbers, dict) else ()


def _states(document: Document) -> Iterable[str]:
    return (state_of(document),)


INDEXES = (Index(name=BY_STATE, values=_states), Index(name=BY_NUMBER, values=numbers_of))


def modified_key(document: Document) -> str:
    """The time of the last change."""
    return time_key(document.get("pvt_modified", 0))


async def keep_place(change: Change) -> None:
    """Have the request found by its state and numbers as they are from now on."""
    key = _key_of(change.key)
    if change.current is not None:
        change.removes.append(Remove(key))
    place = {
        "_id": key.doc_id,
        "_rev": next_revision(None),
        "pvt_type": PORT_PLACE_TYPE,
        "pvt_account_id": change.key.account_id,
        "pvt_port_id": change.key.doc_id,
    }
    entries = [
        Entry(OWNER, change.key.account_id),
        Entry(BY_STATE, state_of(change.document)),
        *(Entry(BY_NUMBER, number) for number in numbers_of(change.document)),
    ]
    sort = time_key(change.actor.services.clock.gregorian())
    change.more.append(Put(key, place, None, sort, entries))


async def give_place_up(change: Change) -> None:
    """Have the request found no more."""
    change.removes.append(Remove(_key_of(change.key)))


def _key_of(key: Key) -> Key:
    # Clients may choose the ids of documents: two accounts can have the same.
    return Key(SYSTEM, PORT_PLACE_TYPE, f"{key.account_id}-{key.doc_id}")
