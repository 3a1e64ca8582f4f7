"""Linking rows that exist: attach, detach, sync, toggle, pivot; associate and dissociate."""

from __future__ import annotations

from typing import Any

from crossbar.core.requests import Request, Result
from crossbar.core.writing import Work
from crossbar.documents import Document
from crossbar.errors import NoSuchDocument, ValidationFailed
from crossbar.personnel import links
from crossbar.personnel.places import Place
from crossbar.personnel.reading import shown_row, tree_asked
from crossbar.personnel.rows import exists, find
from crossbar.personnel.scopes import Need, may
from crossbar.personnel.shapes import HasMany, Linked
from crossbar.personnel.work import perform
from crossbar.personnel.writing import LARGEST_BATCH, linked, updated
from crossbar.storage import Key

Pivots = dict[int, Document]
"""The columns of links by the id of the row that they lead to."""


async def attach(place: Place, request: Request) -> Result:
    """Link rows to the parent; those that are linked already only with ``duplicates``."""
    again = request.data.get("duplicates") in (True, 1, "1", "true")

    async def build(work: Work) -> Document:
        number, wanted = await place.parent_number(request), await _wanted(place, request)
        return {"attached": await _link(work, place, number, wanted, again=again)}

    return Result(data=await perform(request.actor, build, request))


async def detach(place: Place, request: Request) -> Result:
    """Unlink rows from the parent."""

    async def build(work: Work) -> Document:
        number, wanted = await place.parent_number(request), await _wanted(place, request)
        return {"detached": await _unlink(work, place, number, set(wanted))}

    return Result(data=await perform(request.actor, build, request))


async def sync(place: Place, request: Request) -> Result:
    """Link exactly these rows; with ``detaching`` false, at least these."""
    detaching = request.data.get("detaching") not in (False, 0, "0", "false")

    async def build(work: Work) -> Document:
        relation = _relation(place)
        number, wanted = await place.parent_number(request), await _wanted(place, request)
        known = [link async for link in links.links_of(request.actor, relation, number)]
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

    return Result(data=await perform(request.actor, build, request))


async def toggle(place: Place, request: Request) -> Result:
    """Unlink those of the rows that are linked, and link the others."""

    async def build(work: Work) -> Document:
        relation = _relation(place)
        number, wanted = await place.parent_number(request), await _wanted(place, request)
        ends = {
            links.other_end(relation, link)
            async for link in links.links_of(request.actor, relation, number)
        }
        fresh = {end: pivot for end, pivot in wanted.items() if end not in ends}
        return {
            "attached": await _link(work, place, number, fresh),
            "detached": await _unlink(work, place, number, ends & set(wanted)),
        }

    return Result(data=await perform(request.actor, build, request))


async def update_pivot(place: Place, request: Request) -> Result:
    """Change the columns of the links to one row."""
    sent = request.data.get("pivot")
    if not isinstance(sent, dict):
        raise ValidationFailed.of("pivot", "required", "The field must be an object")
    pivot = links.pivot_of(_relation(place), sent, "pivot")

    async def build(work: Work) -> Document:
        relation = _relation(place)
        number = await place.parent_number(request)
        wanted = request.ids[place.component.param]
        found = [
            link
            async for link in links.links_of(request.actor, relation, number)
            if str(links.other_end(relation, link)) == wanted
        ]
        if not found:
            raise NoSuchDocument(wanted)
        for link in found:
            await _rewrite(work, link, pivot)
        return {"updated": [int(wanted)]}

    return Result(data=await perform(request.actor, build, request))


async def associate(place: Place, request: Request) -> Result:
    """Make a row that exists belong to the parent."""
    key = request.data.get("related_key")
    if key is None:
        raise ValidationFailed.of("related_key", "required", "The field is required")
    tree = tree_asked(place, request)

    async def build(work: Work) -> Document:
        stored = await find(request.actor, place.component, key)
        here = await place.columns_here(request)
        return await updated(work, place.component, stored, {}, here)

    stored = await perform(request.actor, build, request)
    return Result(data=await shown_row(place, request, stored, None, tree))


async def dissociate(place: Place, request: Request) -> Result:
    """Make a row belong to no parent any more."""
    tree = tree_asked(place, request)

    async def build(work: Work) -> Document:
        stored, _ = await place.pair(request)
        here = dict.fromkeys(await place.columns_here(request))
        return await updated(work, place.component, stored, {}, here)

    stored = await perform(request.actor, build, request)
    return Result(data=await shown_row(place, request, stored, None, tree))


def _relation(place: Place) -> Linked:
    if isinstance(place.relation, HasMany) or place.relation is None:
        raise LookupError("rows are linked here by no links")
    return place.relation


async def _wanted(place: Place, request: Request) -> Pivots:
    """The rows that the body names, with their links' columns.

    Left out are those that do not exist, and all of them if the caller may not view any.
    """
    if "resources" not in request.data:
        raise ValidationFailed.of("resources", "required", "The field must be present")
    sent = request.data["resources"] or []
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
    if not await may(request, Need("view", place.component.scope)):
        return {}
    return {
        number: pivot
        for number, pivot in wanted.items()
        if await exists(request.actor, place.component, number)
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
    async for link in links.links_of(work.actor, relation, number):
        end = links.other_end(relation, link)
        if end in wanted:
            work.remove(Key(work.actor.account_id, links.LINKS.doc_type, link["_id"]), link)
            gone.append(end)
    return list(dict.fromkeys(gone))


async def _rewrite(work: Work, link: Document, pivot: Document) -> None:
    key = Key(work.actor.account_id, links.LINKS.doc_type, link["_id"])
    stored = await work.other(links.LINKS, key)
    if stored is not None:
        stored.update(pivot, updated_at=work.actor.services.clock.instant())
