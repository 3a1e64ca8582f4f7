"""Rows: where they are kept, how they are found, and what of them is shown.

A row is a document of type ``perscom_<noun>``; its id is a number counted per component and
account, and is part of the document's id. People are users of the account (``people``).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from crossbar.clock import instant_of, moment
from crossbar.core.requests import Actor
from crossbar.documents import Document
from crossbar.errors import NoSuchDocument
from crossbar.personnel import people_rows as people
from crossbar.personnel.shapes import Component
from crossbar.personnel.values import TIMES
from crossbar.storage import Entry, Key, Position, Span

PORTION = 100
"""Rows that are read and judged at a time."""

LINES = 500
"""Rows that are passed over at a time."""


def key_of(account_id: str, component: Component, number: int) -> Key:
    """Where a row is kept."""
    return Key(account_id, component.doc_type, f"{component.doc_type}-{number}")


async def find(
    actor: Actor, component: Component, number: Any, *, deleted: bool = False
) -> Document:
    """The stored row with this id, also a ``deleted`` one. Raises :class:`NoSuchDocument`."""
    if isinstance(number, str) and number.isascii() and number.isdigit() and len(number) < 19:
        number = int(number)
    if type(number) is not int:
        raise NoSuchDocument(str(number)[:64])
    if component.noun == "users":
        return await people.find(actor, number)
    stored = await actor.services.store.get(key_of(actor.account_id, component, number))
    if stored is None or (stored.get("pvt_deleted") and not deleted):
        raise NoSuchDocument(str(number))
    return stored


async def exists(actor: Actor, component: Component, number: Any) -> bool:
    """Whether there is such a row."""
    try:
        await find(actor, component, number)
    except NoSuchDocument:
        return False
    return True


async def find_many(
    actor: Actor, component: Component, numbers: Iterable[int]
) -> dict[int, Document]:
    """Those of the stored rows that exist, by id."""
    wanted = set(numbers)
    if component.noun == "users":
        users = {}
        for number in wanted:
            with suppress(NoSuchDocument):
                users[number] = await people.find(actor, number)
        return users
    ids = [key_of(actor.account_id, component, number).doc_id for number in wanted]
    found = await actor.services.store.get_many(actor.account_id, ids) if ids else {}
    return {
        stored["pvt_seq"]: stored for stored in found.values() if not stored.get("pvt_deleted")
    }


def span_of(actor: Actor, component: Component, entry: tuple[str, Any] | None = None) -> Span:
    """The rows of a component, or those with a value in an indexed column, in default order."""
    return Span(
        account_id=actor.account_id,
        doc_type=component.doc_type,
        entry=Entry(entry[0], str(entry[1])) if entry else None,
        descending=component.order == "newest",
    )


async def every(
    actor: Actor, component: Component, entry: tuple[str, Any] | None = None, start: int = 0
) -> AsyncIterator[Document]:
    """Walk stored rows in default order; ``entry`` is a column and the value it must have.

    Without one the first ``start`` rows are passed over, and not read.
    """
    if component.noun == "users":
        found = people.referring(actor, *entry) if entry else people.everybody(actor, start)
        async for stored in found:
            yield stored
        return
    span = span_of(actor, component, entry)
    if start:
        place = await _place(actor, span, start)
        if place is None:
            return
        span = replace(span, start=place)
    async for row in actor.services.store.scan(span):
        yield row.document


async def _place(actor: Actor, span: Span, start: int) -> Position | None:
    """Where the row with this index is; ``None`` if there are not so many."""
    async for lines in actor.services.store.lines(replace(span, portion=LINES)):
        if start < len(lines):
            return Position(*lines[start][:2])
        start -= len(lines)
    return None


async def count(actor: Actor, component: Component, entry: tuple[str, Any] | None = None) -> int:
    """How many rows there are; ``entry``, not for people, is a column and the value it has."""
    if component.noun == "users":
        return await people.count(actor)
    return await actor.services.store.count(span_of(actor, component, entry))


def number_of(component: Component, stored: Document) -> int:
    """The id of a stored row."""
    number: int = stored[people.NUMBER if component.noun == "users" else "pvt_seq"]
    return number


def flat(component: Component, stored: Document) -> Document:
    """The columns of a stored row as they are shown, and its id."""
    if component.noun == "users":
        return people.flat(stored)
    shown: Document = {"id": stored["pvt_seq"]}
    for field in (*component.fields, *TIMES):
        if not field.hidden:
            shown[field.name] = stored.get(field.name)
    if stored.get("pvt_deleted"):
        shown["deleted_at"] = instant_of(moment(stored["pvt_modified"]))
    return stored.get("data", {}) | shown if component.noun == "submissions" else shown
