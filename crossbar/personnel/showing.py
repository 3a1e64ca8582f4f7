"""What is shown of a row: its columns, and what is computed from them and from rows around it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from html import escape
from typing import Any

from crossbar.core.requests import Actor
from crossbar.documents import Document
from crossbar.errors import NoSuchDocument
from crossbar.personnel import people_rows, recurring
from crossbar.personnel.addresses import Address, file_address
from crossbar.personnel.components import COMPONENTS, LIKES, USERS
from crossbar.personnel.links import Pair, linked_rows, shown_pivot
from crossbar.personnel.records import RECORDS
from crossbar.personnel.rows import find, flat
from crossbar.personnel.shapes import Component, Linked, Relation

Computed = Callable[[Actor, Document], Awaitable[Document]]

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


async def show(actor: Actor, component: Component, stored: Document) -> Document:
    """A stored row as clients see it, without relations."""
    shown = flat(component, stored)
    compute = _COMPUTED.get(component.noun)
    return {**shown, **await compute(actor, stored)} if compute else shown


async def show_pair(
    actor: Actor, component: Component, pair: Pair, relation: Relation | None
) -> Document:
    """The same for a row that a relation leads to: with the columns of its link, if it has one."""
    stored, link = pair
    shown = await show(actor, component, stored)
    if link is not None and isinstance(relation, Linked):
        shown[relation.shown_as] = shown_pivot(actor, relation, link)
    return shown


async def _found(actor: Actor, noun: str, number: Any) -> Document | None:
    if number is None:
        return None
    try:
        return await find(actor, COMPONENTS[noun], number)
    except NoSuchDocument:
        return None


async def _of_event(actor: Actor, stored: Document) -> Document:
    now = datetime.fromtimestamp(actor.services.clock.precise(), UTC)
    return recurring.computed(stored, now)


async def _of_form(actor: Actor, stored: Document) -> Document:
    return {"url": Address(f"/forms/{stored['pvt_seq']}"), "is_public": int(stored["is_public"])}


async def _of_image(actor: Actor, stored: Document) -> Document:
    return {"image_url": file_address(stored, "image")}


async def _of_user(actor: Actor, stored: Document) -> Document:
    return people_rows.computed(actor, stored)


async def _of_news(actor: Actor, stored: Document) -> Document:
    shown: Document = {}
    for role in ("author", "recipient"):
        person = await _found(actor, "users", stored.get(f"{role}_id"))
        shown[role] = people_rows.name_of(person) if person else None
        photo = people_rows.computed(actor, person)["profile_photo_url"] if person else None
        shown[f"{role}_profile_photo"] = photo
    rows = linked_rows(actor, LIKES, stored["pvt_seq"])
    shown["likes"] = [flat(USERS, person) async for person, _ in rows]
    noun, number = stored.get("subject_noun"), stored.get("subject_id")
    shown["url"] = Address(f"/{noun}/{number}") if noun else None
    return shown


async def _of_record(actor: Actor, stored: Document) -> Document:
    document = await _found(actor, "documents", stored.get("document_id"))
    if document is None:
        return {"document_parsed": None}
    known = await _placeholders(actor, stored)
    parsed = _PLACEHOLDER.sub(
        lambda match: escape(known.get(match[1], match[0])), document["content"]
    )
    return {"document_parsed": parsed}


async def _placeholders(actor: Actor, record: Document) -> dict[str, str]:
    """What the placeholders of a record's document stand for; all that is known is text."""
    kind = record["pvt_type"].removeprefix("perscom_").removesuffix("record")
    known = {
        f"{kind}_record_text": record.get("text") or "",
        f"{kind}_record_date": record["created_at"][:10],
    }
    component = COMPONENTS[f"{kind}-records"]
    for field in component.fields:
        if field.refers not in ("", "users", "documents"):
            row = await _found(actor, field.refers, record.get(field.name))
            known[f"{kind}_record_{field.relation}"] = row["name"] if row else ""
    person = await _found(actor, "users", record.get("user_id"))
    if person is not None:
        shown = people_rows.flat(person)
        known |= {"user_name": shown["name"], "user_email": shown["email"] or ""}
        for relation in ("position", "rank", "specialty", "status", "unit"):
            noun = USERS.by_name[f"{relation}_id"].refers
            row = await _found(actor, noun, shown[f"{relation}_id"])
            known[f"user_{relation}"] = row["name"] if row else ""
    return known


_COMPUTED: dict[str, Computed] = {
    **{record.noun: _of_record for record in RECORDS},
    "events": _of_event,
    "forms": _of_form,
    "images": _of_image,
    "newsfeed": _of_news,
    "users": _of_user,
}
