"""What is shown of a row: its columns, and what is computed from them and from rows around it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from html import escape
from typing import Any

from crossbar.core.requests import Context
from crossbar.documents import Document
from crossbar.errors import NoSuchDocument
from crossbar.personnel import people_rows, recurring
from crossbar.personnel.addresses import Address, file_address
from crossbar.personnel.components import COMPONENTS, LIKES, USERS
from crossbar.personnel.links import Pair, linked_rows, shown_pivot
from crossbar.personnel.records import RECORDS
from crossbar.personnel.rows import find, flat
from crossbar.personnel.shapes import Component, Linked, Relation

Computed = Callable[[Context, Document], Awaitable[Document]]

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


async def show(context: Context, component: Component, stored: Document) -> Document:
    """A stored row as clients see it, without relations."""
    shown = flat(component, stored)
    compute = _COMPUTED.get(component.noun)
    return {**shown, **await compute(context, stored)} if compute else shown


async def show_pair(
    context: Context, component: Component, pair: Pair, relation: Relation | None
) -> Document:
    """The same for a row that a relation leads to: with the columns of its link, if it has one."""
    stored, link = pair
    shown = await show(context, component, stored)
    if link is not None and isinstance(relation, Linked):
        shown[relation.shown_as] = shown_pivot(context, relation, link)
    return shown


async def _found(context: Context, noun: str, number: Any) -> Document | None:
    if number is None:
        return None
    try:
        return await find(context, COMPONENTS[noun], number)
    except NoSuchDocument:
        return None


async def _of_event(context: Context, stored: Document) -> Document:
    now = datetime.fromtimestamp(context.services.clock.precise(), UTC)
    return recurring.computed(stored, now)


async def _of_form(_: Context, stored: Document) -> Document:
    return {"url": Address(f"/forms/{stored['pvt_seq']}"), "is_public": int(stored["is_public"])}


async def _of_image(_: Context, stored: Document) -> Document:
    return {"image_url": file_address(stored, "image")}


async def _of_user(context: Context, stored: Document) -> Document:
    return people_rows.computed(context, stored)


async def _of_news(context: Context, stored: Document) -> Document:
    shown: Document = {}
    for role in ("author", "recipient"):
        person = await _found(context, "users", stored.get(f"{role}_id"))
        shown[role] = people_rows.name_of(person) if person else None
        photo = people_rows.computed(context, person)["profile_photo_url"] if person else None
        shown[f"{role}_profile_photo"] = photo
    rows = linked_rows(context, LIKES, stored["pvt_seq"])
    shown["likes"] = [flat(USERS, person) async for person, _ in rows]
    noun, number = stored.get("subject_noun"), stored.get("subject_id")
    shown["url"] = Address(f"/{noun}/{number}") if noun else None
    return shown


async def _of_record(context: Context, stored: Document) -> Document:
    document = await _found(context, "documents", stored.get("document_id"))
    if document is None:
        return {"document_parsed": None}
    known = await _placeholders(context, stored)
    parsed = _PLACEHOLDER.sub(
        lambda match: escape(known.get(match[1], match[0])), document["content"]
    )
    return {"document_parsed": parsed}


async def _placeholders(context: Context, record: Document) -> dict[str, str]:
    """What the placeholders of a record's document stand for; all that is known is text."""
    kind = record["pvt_type"].removeprefix("perscom_").removesuffix("record")
    known = {
        f"{kind}_record_text": record.get("text") or "",
        f"{kind}_record_date": record["created_at"][:10],
    }
    component = COMPONENTS[f"{kind}-records"]
    for field in component.fields:
        if field.refers not in ("", "users", "documents"):
            row = await _found(context, field.refers, record.get(field.name))
            known[f"{kind}_record_{field.relation}"] = row["name"] if row else ""
    person = await _found(context, "users", record.get("user_id"))
    if person is not None:
        shown = people_rows.flat(person)
        known |= {"user_name": shown["name"], "user_email": shown["email"] or ""}
        for relation in ("position", "rank", "specialty", "status", "unit"):
            noun = USERS.by_name[f"{relation}_id"].refers
            row = await _found(context, noun, shown[f"{relation}_id"])
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
