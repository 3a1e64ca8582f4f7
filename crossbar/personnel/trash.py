"""Rows that were deleted without ``force``: they are kept, and shown to whoever asks for them.

They are in no list of the store, so they are found by their numbers. Deleted people are not shown,
nor is a deleted row where a link led to it: the link is gone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from enum import Enum

from crossbar.core.requests import Request, is_true
from crossbar.documents import Document
from crossbar.errors import NoSuchDocument
from crossbar.personnel.links import Pair
from crossbar.personnel.places import Place
from crossbar.personnel.rows import PORTION, find, key_of
from crossbar.personnel.searching import ID, Column, Search, Sort
from crossbar.personnel.shapes import HasMany
from crossbar.personnel.values import TIMES
from crossbar.personnel.work import last_number


class Trash(Enum):
    """Which rows are asked for: all with the deleted ones, or those alone."""

    WITH = "with_trashed"
    ONLY = "only_trashed"


def trash_asked(request: Request) -> Trash | None:
    """What the query asks for; ``None`` for the rows that are not deleted."""
    for each in (Trash.ONLY, Trash.WITH):
        value = request.controls.get(each.value)
        if value == "1" or is_true(value):
            return each
    return None


async def pairs_of(place: Place, request: Request, trash: Trash) -> AsyncIterator[Pair]:
    """Walk the stored rows at a place, by number."""
    if not _keeps_deleted(place):
        if trash is Trash.WITH:
            async for pair in place.pairs(request):
                yield pair
        return
    here = await place.columns_here(request)
    last = await last_number(request.actor, place.component.scope)
    for start in range(1, last + 1, PORTION):
        numbers = range(start, min(start + PORTION, last + 1))
        keys = [key_of(request.account_id, place.component, number) for number in numbers]
        ids = [key.doc_id for key in keys]
        found = await request.services.store.get_many(request.account_id, ids)
        for stored in (found[doc_id] for doc_id in ids if doc_id in found):
            if _fits(stored, trash) and here.items() <= stored.items():
                yield stored, None


async def pair_of(place: Place, request: Request, trash: Trash, number: str | None = None) -> Pair:
    """The stored row that the path names, or the one with this id.

    Raises :class:`NoSuchDocument`.
    """
    wanted = request.ids.get(place.component.param) if number is None else number
    if wanted is None or not _keeps_deleted(place):
        if trash is Trash.ONLY:
            raise NoSuchDocument(str(wanted))
        return await place.pair(request, number)
    stored = await find(request.actor, place.component, wanted, deleted=True)
    if _fits(stored, trash) and (await place.columns_here(request)).items() <= stored.items():
        return stored, None
    raise NoSuchDocument(wanted)


def in_order(place: Place, search: Search) -> Search:
    """The search, with the default order of the rows as the last of its orders."""
    if not _keeps_deleted(place):
        return search
    return replace(search, sorts=(*search.sorts, *_ORDERS[place.component.order]))


def _keeps_deleted(place: Place) -> bool:
    is_direct = place.parent is None or isinstance(place.relation, HasMany)
    return is_direct and place.component.noun != "users"


def _fits(stored: Document, trash: Trash) -> bool:
    return trash is Trash.WITH or bool(stored.get("pvt_deleted"))


_CREATED = TIMES[0]
_ORDER = replace(ID, name="order")

_ORDERS: Mapping[str, tuple[Sort, ...]] = {
    "id": (),
    "order": (Sort(column=Column(field=_ORDER), descending=False),),
    "newest": (
        Sort(column=Column(field=_CREATED), descending=True),
        Sort(column=Column(field=ID), descending=True),
    ),
}
"""The default orders, of rows that come by number."""
