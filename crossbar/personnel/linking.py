"""Linking rows that exist: attach, detach, sync, toggle, pivot; associate and dissociate."""

from __future__ import annotations

from typing import Any

from crossbar.core.requests import Context, Result
from crossbar.documents import Document
from crossbar.errors import NoSuchDocument, ValidationFailed
from crossbar.personnel import links
from crossbar.personnel.places import Place
from crossbar.personnel.reading import shown_row, tree_asked
from crossbar.personnel.rows import exists, find
from crossbar.personnel.scopes import Need, may
from crossbar.personnel.shapes import HasMany, Linked
from crossbar.personnel.work import Work, perform
from crossbar.personnel.writing import LARGEST_BATCH, linked, updated
from crossbar.storage import Key

Pivots = dict[int, Document]
"""The columns of links by the id of the row that they lead to."""


async def attach(place: Place, context: Context) -> Result:
    """Link rows to the parent; those that are linked already only with ``duplicates``."""
    again = context.data.get("duplicates") in (True, 1, "1", "true")

    async def build(work: Work) -> Document:
        number, wanted = await place.parent_number(context), await _wanted(place, context)
        return {"attached": await _link(work, place, number, wanted, again=again)}

    return Result(data=await perform(context, build))


async def detach(place: Place, context: Context) -> Result:
    """Unlink rows from the parent."""

    async def build(work: Work) -> Document:
        number, wanted = await place.parent_number(context), await _wanted(place, context)
        return {"detached": await _unlink(work, place, number, set(wanted))}

    return Result(data=await perform(context, build))


async def sync(place: Place, context: Context) -> Result:
    """Link exactly these rows; with ``detaching`` false, at least these."""
    detaching = context.data.get("detaching") not in (False, 0, "0", "false")

    async def build(work: Work) -> Document:
        relation = _relation(place)
        number, wanted = await place.parent_number(context), await _wanted(place, context)
        known = [link async for link in links.links_of(context, relation, number)]
        ends = {links.other_end(relation, link) for link in known}
        updated_ids = []
        for link in known:
            end = links.other_end(relation, link)
            pivot = wanted.get(end)
            if pivot and any(link.get(name) != value for name, value in pivot.items()):
                await _rewrite(work, link, pivot)
                updated_ids.append(end)
        gone = ends - set(wanted) if detaching else set()
        return {
            "attached": await _link(work, place, number, wanted),
            "detached": await _unlink(work, place, number, gone),
            "updated": list(dict.fromkeys(updated_ids)),
        }

    return Result(data=await perform(context, build))


async def toggle(place: Place, context: Context) -> Result:
    """Unlink those of the rows that are linked, and link the others."""

    async def build(work: Work) -> Document:
        relation = _relation(place)
        number, wanted = await place.parent_number(context), await _wanted(place, context)
        ends = {
            links.other_end(relation, link)
            async for link in links.links_of(context, relation, number)
        }
        fresh = {end: pivot for end, pivot in wanted.items() if end not in ends}
        return {
            "attached": await _link(work, place, number, fresh),
            "detached": await _unlink(work, place, number, ends & set(wanted)),
        }

    return Result(data=await perform(context, build))


async def update_pivot(place: Place, context: Context) -> Result:
    """Change the columns of the links to one row."""
    sent = context.data.get("pivot")
    if not isinstance(sent, dict):
        raise ValidationFailed.of("pivot", "required", "The field must be an object")
    pivot = links.pivot_of(_relation(place), sent, "pivot")

    async def build(work: Work) -> Document:
        relation = _relation(place)
        number = await place.parent_number(context)
        wanted = context.params[place.component.param]
        found = [
            link
            async for link in links.links_of(context, relation, number)
            if str(links.other_end(relation, link)) == wanted
        ]
        if not found:
            raise NoSuchDocument(wanted)
        for link in found:
            await _rewrite(work, link, pivot)
        return {"updated": [int(wanted)]}

    return Result(data=await perform(context, build))


async def associate(place: Place, context: Context) -> Result:
    """Make a row that exists belong to the parent."""
    key = context.data.get("related_key")
    if key is None:
        raise ValidationFailed.of("related_key", "required", "The field is required")
    tree = tree_asked(place, context)

    async def build(work: Work) -> Document:
        stored = await find(context, place.component, key)
        here = await place.columns_here(context)
        return await updated(work, place.component, stored, {}, here)

    stored = await perform(context, build)
    return Result(data=await shown_row(place, context, stored, None, tree))


async def dissociate(place: Place, context: Context) -> Result:
    """Make a row belong to no parent any more."""
    tree = tree_asked(place, context)

    async def build(work: Work) -> Document:
        stored, _ = await place.pair(context)
        here = dict.fromkeys(await place.columns_here(context))
        return await updated(work, place.component, stored, {}, here)

    stored = await perform(context, build)
    return Result(data=await shown_row(place, context, stored, None, tree))


def _relation(place: Place) -> Linked:
    if isinstance(place.relation, HasMany) or place.relation is None:
        raise LookupError("rows are linked here by no links")
    return place.relation


async def _wanted(place: Place, context: Context) -> Pivots:
    """The rows that the body names, with their links' columns.

    Left out are those that do not exist, and all of them if the caller may not view any.
    """
    if "resources" not in context.data:
        raise ValidationFailed.of("resources", "required", "The field must be present")
    sent = context.data["resources"] or []
    if not isinstance(sent, list | dict):
        raise ValidationFailed.of("resources", "type", "The field must be a list or an object")
    if len(sent) > LARGEST_BATCH:
        message = f"There must not be more than {LARGEST_BATCH} rows"
        raise ValidationFailed.of("resources", "maxItems", message, target=LARGEST_BATCH)
    pairs = sent.items() if isinstance(sent, dict) else ((each, {}) for each in sent)
    relation = _relation(place)
    wanted = {
        number: links.pivot_of(relation, pivot, f"resources.{number}")
        for each, pivot in pairs
        if (number := _number(each)) is not None
    }
    if not await may(context, Need("view", place.component.scope)):
        return {}
    return {
        number: pivot
        for number, pivot in wanted.items()
        if await exists(context, place.component, number)
    }


def _number(sent: Any) -> int | None:
    text = str(sent)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


async def _link(
    work: Work, place: Place, number: int, wanted: Pivots, *, again: bool = False
) -> list[int]:
    relation = _relation(place)
    return [
        other
        for other, pivot in wanted.items()
        if await linked(work, relation, number, other, pivot, again=again) is not None
    ]


async def _unlink(work: Work, place: Place, number: int, wanted: set[int]) -> list[int]:
    relation, gone = _relation(place), []
    async for link in links.links_of(work.context, relation, number):
        end = links.other_end(relation, link)
        if end in wanted:
            work.remove(Key(work.context.account_id, links.LINKS.doc_type, link["_id"]), link)
            gone.append(end)
    return list(dict.fromkeys(gone))


async def _rewrite(work: Work, link: Document, pivot: Document) -> None:
    key = Key(work.context.account_id, links.LINKS.doc_type, link["_id"])
    stored = await work.other(links.LINKS, key)
    if stored is not None:
        stored.update(pivot, updated_at=work.context.services.clock.instant())
