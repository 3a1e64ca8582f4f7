"""Links: what joins rows of two components, with columns of its own (a pivot).

A link is a document; a pair is linked once, unless duplicates are asked for.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from crossbar.core.paging import in_groups
from crossbar.core.requests import Actor
from crossbar.core.shapes import Collection, Index
from crossbar.core.writing import Work
from crossbar.documents import Document
from crossbar.errors import ValidationFailed
from crossbar.personnel.components import COMPONENTS, FIELDS_OF_USER
from crossbar.personnel.rows import PORTION, find_many
from crossbar.personnel.shapes import Component, Field, Linked
from crossbar.personnel.values import converted
from crossbar.personnel.work import sequence_of
from crossbar.storage import Entry, Key, Span
from crossbar.validation import Refusals

Pair = tuple[Document, Document | None]
"""A stored row, and the link that leads to it where it is linked."""

LINKS = Collection(
    noun="links",
    doc_type="perscom_link",
    schema="perscom_links",
    summary=None,
    order=lambda document: f"{document['pvt_seq']:020d}",
    indexes=(
        Index(name="left", values=lambda document: (document["pvt_left"],)),
        Index(name="right", values=lambda document: (document["pvt_right"],)),
    ),
)
"""The family of links. It has no path and its schema is never asked: nobody sends a link."""


def key_of(account_id: str, link: str, left: int, right: int, duplicate: int = 0) -> Key:
    """Where a link is kept. Those of a pair that is linked more than once have further numbers."""
    again = f"-{duplicate}" if duplicate else ""
    return Key(account_id, LINKS.doc_type, f"perscom_link-{link}-{left}-{right}{again}")


async def links_of(actor: Actor, relation: Linked, number: int) -> AsyncIterator[Document]:
    """The links of a row, oldest first."""
    side = "right" if relation.is_inverse else "left"
    span = Span(
        account_id=actor.account_id,
        doc_type=LINKS.doc_type,
        entry=Entry(side, f"{relation.link}:{number}"),
    )
    async for row in actor.services.store.scan(span):
        yield row.document


def other_end(relation: Linked, link: Document) -> int:
    """The id of the row that a link leads to."""
    end = link["pvt_left" if relation.is_inverse else "pvt_right"]
    return int(end.rpartition(":")[2])


async def linked_rows(
    actor: Actor, relation: Linked, number: int
) -> AsyncIterator[tuple[Document, Document]]:
    """The stored rows that a row is linked to, each with its link, oldest link first."""
    component = COMPONENTS[relation.component]
    async for links in in_groups(links_of(actor, relation, number), PORTION):
        ends = [other_end(relation, link) for link in links]
        found = await find_many(actor, component, ends)
        for end, link in zip(ends, links, strict=True):
            if end in found:
                yield found[end], link


async def add(
    work: Work, relation: Linked, number: int, other: int, pivot: Document, *, again: bool = False
) -> Document | None:
    """Link two rows; ``None`` where they are linked already and may not be again."""
    left, right = (other, number) if relation.is_inverse else (number, other)
    account_id = work.actor.account_id
    key = key_of(account_id, relation.link, left, right)
    is_linked = work.writes(key) or await work.actor.services.store.get(key) is not None
    if is_linked and not again:
        return None
    sequence = await work.number(sequence_of(work.actor, "link"))
    if is_linked:
        key = key_of(account_id, relation.link, left, right, sequence)
    now = work.actor.services.clock.instant()
    document = {
        **pivot,
        "created_at": now,
        "updated_at": now,
        "pvt_seq": sequence,
        "pvt_left": f"{relation.link}:{left}",
        "pvt_right": f"{relation.link}:{right}",
    }
    work.put(LINKS, key, document)
    return document


def pivot_of(relation: Linked, sent: Any, path: str) -> Document:
    """The columns of a link that a body sets. Raises :class:`ValidationFailed`."""
    refusals = Refusals()
    columns = sent if isinstance(sent, dict) else {}
    pivot = {}
    for name, kind in relation.pivot.items():
        if name in columns:
            field = Field(name=f"{path}.{name}", about="", kind=kind)
            value = pivot[name] = converted(field, columns[name], refusals)
            is_right = type(value) is int if kind == "integer" else isinstance(value, str)
            if value is not None and not is_right:
                refusals.add(field.name, "type", f"The value must be of type {kind}")
    if refusals:
        raise ValidationFailed(refusals)
    return pivot


async def remove_all(work: Work, component: Component, number: int) -> None:
    """Remove every link of a row that goes away, from whichever end."""
    for other in COMPONENTS.values():
        for relation in other.relations.values():
            if not isinstance(relation, Linked):
                continue
            if other is component:
                await _remove(work, relation, number)
            elif relation.component == component.noun:
                await _remove(work, _inverse(relation, other), number)


async def _remove(work: Work, relation: Linked, number: int) -> None:
    async for link in links_of(work.actor, relation, number):
        work.remove(Key(work.actor.account_id, LINKS.doc_type, link["_id"]), link)


def _inverse(relation: Linked, owner: Component) -> Linked:
    return Linked(component=owner.noun, link=relation.link, is_inverse=not relation.is_inverse)


def shown_pivot(actor: Actor, relation: Linked, link: Document) -> Document:
    """The columns of a link, as the row that it leads to shows them."""
    shown: dict[str, Any] = {name: link.get(name) for name in relation.pivot}
    shown["created_at"] = link["created_at"]
    if relation.shown_as == "assignment":
        shown |= _assignment(actor, link)
    return shown


def _assignment(actor: Actor, link: Document) -> Document:
    """What an assignment of a task shows beside its times: ids, and how it stands."""
    now = actor.services.clock.instant()
    left, right = (int(link[end].rpartition(":")[2]) for end in ("pvt_left", "pvt_right"))
    is_complete = link.get("completed_at") is not None
    is_expired = _is_before(link.get("expires_at"), link.get("completed_at") or now)
    is_late = _is_before(link.get("due_at"), link.get("completed_at") or now)
    status = "_".join(
        word
        for word, applies in (
            ("complete", is_complete),
            ("expired", is_expired),
            ("past_due", is_late and not is_expired),
        )
        if applies
    )
    return {
        "id": link["pvt_seq"],
        "user_id": left,
        "task_id": right,
        "complete": is_complete,
        "expired": is_expired,
        "past_due": is_late,
        "status": status or "assigned",
    }


def _is_before(moment: str | None, other: str) -> bool:
    return moment is not None and moment < other


async def field_keys(actor: Actor, number: int) -> list[str]:
    """The keys of the custom fields that a user has."""
    rows = linked_rows(actor, FIELDS_OF_USER, number)
    return [field["key"] async for field, _ in rows if field.get("key")]
