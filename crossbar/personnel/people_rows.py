"""People, as they are read: the users of the account, by their numbers.

Name, e-mail and whether they are approved are the user's own fields, so that every interface shows
the same ones. The other columns are private fields beside them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

from crossbar.clock import instant_of, moment
from crossbar.core.requests import Actor
from crossbar.documents import Document, lookup
from crossbar.errors import NoSuchDocument
from crossbar.families.endpoints import HUNDRED, PERSON, PERSON_NUMBER, USERS
from crossbar.personnel.addresses import Address, file_address
from crossbar.personnel.people_columns import PHOTOS, USER_FIELDS
from crossbar.personnel.work import last_number
from crossbar.storage import Entry, Key, Span

NUMBER = PERSON_NUMBER

SEQUENCE = "user"
"""The sequence that numbers are taken from."""

OWN_FIELDS = ("name", "email", "approved", *PHOTOS)
"""Columns that are the user's own fields."""

ONLINE = 300
"""Seconds after somebody's last activity."""


def name_of(stored: Document) -> str:
    """Given and family name; the given one alone where that is all there is."""
    first, last = stored.get("first_name", ""), stored.get("last_name", "")
    if first == last and lookup(stored, (PERSON, "has_one_name")):
        return str(first)
    return f"{first} {last}".strip()


def flat(stored: Document) -> Document:
    """The columns of a user as they are shown."""
    person: Document = stored.get(PERSON, {})
    shown: Document = {**person.get("data", {}), "id": stored[NUMBER], "name": name_of(stored)}
    shown["email"] = stored.get("email")
    for field in USER_FIELDS:
        if field.name not in OWN_FIELDS and not field.hidden:
            shown[field.name] = person.get(field.name)
    for column in PHOTOS:
        shown[column] = photo_path(stored, column)
    shown["approved"] = stored.get("enabled", True)
    changed = instant_of(moment(stored["pvt_modified"]))
    shown["created_at"] = person.get("created_at") or instant_of(moment(stored["pvt_created"]))
    shown["updated_at"] = max(changed, person.get("updated_at", ""))
    if stored.get("pvt_deleted"):
        shown["deleted_at"] = changed
    return shown


def photo_path(stored: Document, column: str) -> str | None:
    """What is shown of a picture beside its address, and ignored when it is sent back."""
    address = file_address(stored, PHOTOS[column])
    return None if address is None else address.removeprefix("/")


def computed(actor: Actor, stored: Document) -> Document:
    """What is shown of a user beside the columns."""
    person: Document = stored.get(PERSON, {})
    now = actor.services.clock.precise() - ONLINE
    since = instant_of(datetime.fromtimestamp(now, UTC))
    path = f"/users/{stored[NUMBER]}"
    return {
        "online": (person.get("last_seen_at") or "") > since,
        "url": Address(path),
        "relative_url": path,
        **{f"{column}_url": file_address(stored, name) for column, name in PHOTOS.items()},
    }


def span_of(actor: Actor, entry: str) -> Span:
    """The users that have an entry of the index of people (``families.users``)."""
    return Span(account_id=actor.account_id, doc_type=USERS.doc_type, entry=Entry("person", entry))


async def find(actor: Actor, number: int) -> Document:
    """The user with this number. Raises :class:`NoSuchDocument`."""
    async for row in actor.services.store.scan(span_of(actor, f"number:{number}")):
        return row.document
    raise NoSuchDocument(str(number))


async def find_caller(actor: Actor) -> Document | None:
    """The user who calls; ``None`` for a key that is nobody's."""
    user_id = actor.require_caller().user_id
    if user_id is None:
        return None
    stored = await actor.services.store.get(Key(actor.account_id, USERS.doc_type, user_id))
    return None if stored is None or stored.get("pvt_deleted") else stored


async def count(actor: Actor) -> int:
    """How many people there are, also those who are yet to get a number."""
    count_of = actor.services.store.count
    return await count_of(span_of(actor, "known")) + await count_of(span_of(actor, "new"))


async def everybody(actor: Actor, start: int = 0) -> AsyncIterator[Document]:
    """The users that have numbers, by number, from the ``start``-th on, counted from 0.

    A hundred of them are read at a time; those before are counted, not read.
    """
    hundreds = await last_number(actor, SEQUENCE) // HUNDRED + 1
    first, start = await _hundred_of(actor, start, hundreds) if start else (0, 0)
    for hundred in range(first, hundreds):
        people = await _with_entry(actor, f"hundred:{hundred}")
        for stored in people[start:]:
            yield stored
        start = max(0, start - len(people))


async def _hundred_of(actor: Actor, start: int, hundreds: int) -> tuple[int, int]:
    """The hundred in which the ``start``-th person is, and its place there, both from 0."""
    tally = actor.services.store.tally
    for first in range(0, hundreds, HUNDRED):
        numbers = {f"hundred:{each}": each for each in range(first, first + HUNDRED)}
        found = await tally(actor.account_id, USERS.doc_type, "person", numbers)
        for name, number in numbers.items():
            count = found.get(name, 0)
            if count > start:
                return number, start
            start -= count
    return hundreds, 0


async def referring(actor: Actor, column: str, number: int) -> AsyncIterator[Document]:
    """The users whose column holds the id of a row, by number."""
    for stored in await _with_entry(actor, f"{column}:{number}"):
        yield stored


async def _with_entry(actor: Actor, entry: str) -> list[Document]:
    scanned = actor.services.store.scan(span_of(actor, entry))
    return sorted([row.document async for row in scanned], key=lambda each: int(each[NUMBER]))
