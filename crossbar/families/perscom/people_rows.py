"""People, as they are read: the users of the account, by their numbers.

Name, e-mail and whether they are approved are the user's own fields, so that every interface shows
the same ones. The other columns are private fields beside them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

from crossbar.clock import instant_of, moment
from crossbar.core.actions import Context
from crossbar.documents import Document, lookup
from crossbar.errors import NoSuchDocument
from crossbar.families.perscom.addresses import Address, file_address
from crossbar.families.perscom.people_columns import PHOTOS, USER_FIELDS
from crossbar.families.photos import PHOTO
from crossbar.families.users import PERSON, PERSON_NUMBER, USERS
from crossbar.storage import Entry, Span

NUMBER = PERSON_NUMBER

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
    shown["approved"] = stored.get("enabled", True)
    changed = instant_of(moment(stored["pvt_modified"]))
    shown["created_at"] = person.get("created_at") or instant_of(moment(stored["pvt_created"]))
    shown["updated_at"] = max(changed, person.get("updated_at", ""))
    if "pvt_deleted_at" in stored:
        shown["deleted_at"] = stored["pvt_deleted_at"]
    return shown


def computed(context: Context, stored: Document) -> Document:
    """What is shown of a user beside the columns."""
    person: Document = stored.get(PERSON, {})
    now = context.services.clock.precise() - ONLINE
    since = instant_of(datetime.fromtimestamp(now, UTC))
    path = f"/users/{stored[NUMBER]}"
    return {
        "online": (person.get("last_seen_at") or "") > since,
        "url": Address(path),
        "relative_url": path,
        "profile_photo_url": file_address(stored, PHOTO),
        "cover_photo_url": file_address(stored, "cover_photo"),
    }


async def find(context: Context, number: int) -> Document:
    """The user with this number. Raises :class:`NoSuchDocument`."""
    span = Span(
        account_id=context.account_id,
        doc_type=USERS.doc_type,
        entry=Entry("person_id", str(number)),
    )
    async for row in context.services.store.scan(span):
        return row.document
    raise NoSuchDocument(str(number))


async def everybody(context: Context) -> AsyncIterator[Document]:
    """The users that have numbers, by number."""
    span = Span(account_id=context.account_id, doc_type=USERS.doc_type)
    users = [row.document async for row in context.services.store.scan(span)]
    for stored in sorted(
        (each for each in users if NUMBER in each), key=lambda each: each[NUMBER]
    ):
        yield stored
