"""Reading rows: lists, searches, single ones, with what they include."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any

from crossbar.aside import aside
from crossbar.core.paging import in_groups
from crossbar.core.requests import Actor, Request, Result
from crossbar.documents import Document, lookup
from crossbar.errors import ValidationFailed
from crossbar.personnel import recurring
from crossbar.personnel.components import COMPONENTS, NEWSFEED
from crossbar.personnel.includes import Tree, include, target_of, tree_of
from crossbar.personnel.links import Pair, linked_rows
from crossbar.personnel.people import number_everybody
from crossbar.personnel.people_rows import find_caller
from crossbar.personnel.places import Place
from crossbar.personnel.rows import PORTION, find_many, flat, number_of
from crossbar.personnel.scopes import Need, may
from crossbar.personnel.searching import (
    Scope,
    Search,
    Seen,
    everything,
    search_of,
    searchable,
)
from crossbar.personnel.shapes import Component, Linked
from crossbar.personnel.showing import show_pair
from crossbar.personnel.trash import in_order, pair_of, pairs_of, trash_asked
from crossbar.personnel.values import instant

PAGE_SIZE = 15
LARGEST_PAGE = 1000
DEEPEST = 10_000
"""Rows of a sorted search that can be seen: so many are kept while the others are looked at."""

SORTED = 5_000
"""Rows that are gathered before they are put in order with those that are kept so far."""

QUICK = 500
"""Rows that take a millisecond or two to be put in order."""

AGGREGATES = tuple(f"with_{name}" for name in ("count", "exists", "min", "max", "avg", "sum"))

ROSTER: Tree = {"units": {"users": {"rank": {}, "position": {}, "specialty": {}}}}
"""What the search ``orderForRoster`` includes."""


async def list_rows(place: Place, request: Request) -> Result:
    """A page of rows in default order."""
    return await _page(place, request, Search(keep=everything))


async def search_rows(place: Place, request: Request) -> Result:
    """A page of the rows that the body asks for."""
    columns = searchable(place.component, place.columns)
    return await _page(place, request, search_of(request.data, place.component, columns))


async def show_row(place: Place, request: Request) -> Result:
    """One row."""
    _refuse_aggregates(request)
    tree = tree_asked(place, request)
    await _prepare(place, request.actor)
    trash = trash_asked(request)
    stored, link = await (pair_of(place, request, trash) if trash else place.pair(request))
    await require_news(place.component, request, stored)
    return Result(data=await shown_row(place, request, stored, link, tree))


async def shown_row(
    place: Place, request: Request, stored: Document, link: Document | None, tree: Tree
) -> Document:
    """A row as the answer to reading or writing it."""
    [shown] = await shown_rows(place, request, [(stored, link)], tree)
    return shown


async def shown_rows(
    place: Place, request: Request, pairs: Sequence[Pair], tree: Tree
) -> list[Document]:
    """Rows as clients see them, with what is included and the columns of their links."""
    component, relation = place.component, place.relation
    rows = [(await show_pair(request.actor, component, pair, relation), pair[0]) for pair in pairs]
    if tree:
        await include(request.actor, component, rows, tree)
        _narrow(component, request, [shown for shown, _ in rows])
    return [shown for shown, _ in rows]


def tree_asked(place: Place, request: Request) -> Tree:
    """The relations that query and body ask for. Raises :class:`ValidationFailed`."""
    asked = request.controls.get("include") or ""
    names = [each.strip() for each in str(asked).split(",") if each.strip()]
    names += [each["relation"] for each in _asked_in_body(request)]
    return tree_of(names, place.includes, place.component)


def _refuse_aggregates(request: Request) -> None:
    """Refuse parameters that ask for sums over relations, as the original does for every one."""
    for name in AGGREGATES:
        if request.controls.get(name):
            raise ValidationFailed.of(name, "invalid", "No aggregates are offered")


def _asked_in_body(request: Request) -> list[Document]:
    asked = request.data.get("includes") if isinstance(request.data, dict) else None
    if asked is None:
        return []
    if not isinstance(asked, list) or not all(
        isinstance(each, dict) and isinstance(each.get("relation"), str) for each in asked
    ):
        raise ValidationFailed.of("includes", "invalid", "Each include must name a relation")
    return asked


def _narrow(component: Component, request: Request, rows: Sequence[Document]) -> None:
    """Keep of included lists what the body asks for: rows that pass filters, so many of them."""
    for asked in _asked_in_body(request):
        name, limit = asked["relation"], asked.get("limit")
        target = target_of(component, name)
        if target is None:
            continue
        filters = {"filters": asked.get("filters")}
        keep = search_of(filters, target, searchable(target, ())).keep
        for row in rows:
            if isinstance(row.get(name), list):
                kept = [each for each in row[name] if keep(each)]
                row[name] = kept[:limit] if isinstance(limit, int) and limit > 0 else kept


async def _prepare(place: Place, actor: Actor) -> None:
    """Give numbers to new people where people are looked at."""
    if place.component.noun == "users":
        await number_everybody(actor)


async def _page(place: Place, request: Request, search: Search) -> Result:
    _refuse_aggregates(request)
    limit, page = _paging(request)
    tree = tree_asked(place, request)
    await _prepare(place, request.actor)
    start, trash, rows = (page - 1) * limit, trash_asked(request), place.pairs(request)
    if trash is not None:
        search, rows = in_order(place, search), pairs_of(place, request, trash)
    if search.sorts and start + limit > DEEPEST:
        message = f"A sorted search shows its first {DEEPEST} rows"
        raise ValidationFailed.of("page", "maximum", message, target=DEEPEST // limit)
    is_whole = search.is_everything and trash is None and place.component is not NEWSFEED
    total = await place.count(request) if is_whole else None
    if total is not None:
        pairs = await place.page(request, start, limit)
    else:
        total, pairs = await _found(place, request, search, rows, start, limit)
    roster = any(each.name == "orderForRoster" for each in search.scopes)
    data = await shown_rows(place, request, pairs, _joined(tree, ROSTER) if roster else tree)
    if roster:
        _order_roster(data)
    return Result(data=data, metadata={"page": page, "limit": limit, "total": total})


def _joined(tree: Tree, other: Tree) -> Tree:
    """Both trees in one."""
    names = {**tree, **other}
    return {name: _joined(tree.get(name, {}), other.get(name, {})) for name in names}


async def _found(
    place: Place,
    request: Request,
    search: Search,
    rows: AsyncIterator[Pair],
    start: int,
    limit: int,
) -> tuple[int, list[Pair]]:
    """How many rows a search keeps, and those of a page, in its order.

    Every row is looked at, a few at a time; what cannot be on the page is forgotten at once.
    """
    total, first = 0, 0 if search.sorts else start
    most = start + limit - first
    kept: list[tuple[Seen, Pair]] = []
    async for pairs in in_groups(rows, PORTION):
        fitting = await _fitting(place, request, search, pairs)
        kept += fitting[max(0, first - total) :]
        total += len(fitting)
        if not search.sorts or len(kept) > most + SORTED:
            await _keep_first(search, kept, most)
    await _keep_first(search, kept, most)
    return total, [pair for _, pair in kept[start - first :]]


async def _keep_first(search: Search, rows: list[tuple[Seen, Pair]], number: int) -> None:
    """Put rows in the order asked for, and forget all but so many; many of them in a thread."""
    if search.sorts and len(rows) > QUICK:
        await aside(partial(search.sort, rows))
    else:
        search.sort(rows)
    del rows[number:]


async def _fitting(
    place: Place, request: Request, search: Search, pairs: list[Pair]
) -> list[tuple[Seen, Pair]]:
    """Those of the rows that a search keeps, each with what the search has seen of it."""
    for scope in search.scopes:
        pairs = await _in_scope(place, request.actor, scope, pairs)
    if place.component is NEWSFEED:
        pairs = [pair for pair in pairs if await _may_see(request, pair[0])]
    rows = [flat(place.component, stored) for stored, _ in pairs]
    for relation in search.relations:
        await _look_up(place.component, request.actor, relation, rows)
    seen = zip(rows, pairs, strict=True)
    return [(row, pair) for row, pair in seen if search.keep(row)]


async def _look_up(
    component: Component, actor: Actor, relation: str, rows: Sequence[Document]
) -> None:
    """Put the columns of related rows beside those of the rows, for searches to see."""
    column = component.by_name[f"{relation}_id"]
    target = COMPONENTS[column.refers]
    wanted = {row[column.name] for row in rows if row.get(column.name) is not None}
    found = await find_many(actor, target, wanted)
    for row in rows:
        stored = found.get(row.get(column.name, 0))
        row[relation] = flat(target, stored) if stored is not None else None


async def _in_scope(place: Place, actor: Actor, scope: Scope, pairs: list[Pair]) -> list[Pair]:
    """The rows that a named search keeps."""
    match scope.name:
        case "hidden" | "visible":
            wanted = scope.name == "hidden"
            return [pair for pair in pairs if pair[0].get("hidden", False) is wanted]
        case "datePeriod":
            since, until = (instant(each) or "" for each in scope.parameters)
            return [pair for pair in pairs if recurring.overlaps(pair[0], since, until)]
        case "tags":
            return [pair for pair in pairs if await _has_tags(place, actor, scope, pair[0])]
    wanted_id = scope.parameters[0] if scope.parameters else None
    return [pair for pair in pairs if wanted_id in (None, number_of(place.component, pair[0]))]


async def _has_tags(place: Place, actor: Actor, scope: Scope, stored: Document) -> bool:
    relation = place.component.relations["tags"]
    if not isinstance(relation, Linked):
        return False
    number = number_of(place.component, stored)
    names = {tag["name"] async for tag, _ in linked_rows(actor, relation, number)}
    return any(each in names for each in scope.parameters)


def _order_roster(groups: Sequence[Document]) -> None:
    """Sort the users of units by the places of rank, position and specialty, then by name."""

    def place_of(user: Document) -> tuple[Any, ...]:
        orders = (lookup(user, (name, "order")) for name in ("rank", "position", "specialty"))
        return (*(last if order is None else order for order in orders), user["name"])

    last = 2**63
    for group in groups:
        for unit in group["units"]:
            unit["users"].sort(key=place_of)


async def require_news(component: Component, request: Request, stored: Document) -> None:
    """Refuse an item of the newsfeed about what the caller may not view."""
    if component is NEWSFEED and not await _may_see(request, stored):
        await may(request, Need("manage", "newsfeed"), insist=True)


async def _may_see(request: Request, item: Document) -> bool:
    if await may(request, Need("manage", "newsfeed")):
        return True
    noun = item.get("subject_noun")
    return noun is not None and await may(request, Need("view", COMPONENTS[noun].scope))


def _paging(request: Request) -> tuple[int, int]:
    """Rows of a page, and which page. Raises :class:`ValidationFailed` above the largest size."""
    limit = _positive(request.controls.get("limit"), PAGE_SIZE)
    if limit > LARGEST_PAGE:
        message = f"The limit must not be more than {LARGEST_PAGE}"
        raise ValidationFailed.of("limit", "maximum", message, target=LARGEST_PAGE)
    return limit, _positive(request.controls.get("page"), 1)


def _positive(sent: Any, default: int) -> int:
    text = str(sent)
    is_number = text.isascii() and text.isdigit() and len(text) < 10
    return (int(text) if is_number else 0) or default


async def show_caller(place: Place, request: Request) -> Result:
    """The user who calls, as a list of one; of none for a key that is nobody's."""
    await number_everybody(request.actor)
    own = await find_caller(request.actor)
    data = await shown_rows(place, request, [(own, None)] if own else [], {})
    return Result(data=data, metadata={"page": 1, "limit": PAGE_SIZE, "total": len(data)})
