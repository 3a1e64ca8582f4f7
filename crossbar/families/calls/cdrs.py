"""Call records: which calls were made, leg by leg and by interaction, in a range of time."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

from crossbar.core.answers import ROW, SOME_OBJECT, Answers, some
from crossbar.core.journals import (
    list_records,
    load_record,
    oldest_kept,
    stretch_of,
)
from crossbar.core.paging import Reader
from crossbar.core.ranges import time_range
from crossbar.core.reading import require_parents
from crossbar.core.recipes import answer
from crossbar.core.requests import Action, Page, Request, Result
from crossbar.core.shapes import Access, Journal, Nesting, Route, Routes, route
from crossbar.documents import Document, public
from crossbar.errors import FaultyRequest, NoSuchDocument
from crossbar.families.calls.records import (
    INTERACTION_ID,
    INTERACTIONS,
    RETENTION,
    first_leg,
    indexes,
    interaction_key,
)
from crossbar.families.calls.rows import Values, columns_for, text, values_of
from crossbar.storage import Entry, Span

TABLE_TYPES = ("text/csv", "text/comma-separated-values", "application/octet-stream")
MOST_LEGS = 1000
"""Legs of one interaction that are shown."""

CDR_ID = re.compile(r"[0-9]{6}-.+", re.ASCII)
PAGED_ROWS = Answers(some(ROW), is_paged=True)

Leg = Callable[[Document], Document]


async def list_calls(request: Request) -> Result:
    """The legs of calls in a range of time."""
    return await _list(request, CDRS, lambda call: call)


async def list_interactions(request: Request) -> Result:
    """The first leg of each interaction in a range of time; below a user, that user's first."""
    owner = request.ids.get("user_id")
    return await _list(request, INTERACTIONS, lambda each: first_leg(each, owner))


async def _list(request: Request, journal: Journal, leg_of: Leg) -> Result:
    await require_parents(request)
    for_reseller = _is_for_reseller(request)
    values = values_of(_offset(request), for_reseller=for_reseller)
    columns = columns_for(for_reseller=for_reseller)
    owner = request.ids.get("user_id")
    entry = Entry("owner", owner) if owner else None
    is_whole = not (request.query.page_size or request.query.start_key)
    if is_whole and request.prefers(*TABLE_TYPES):
        rows = _table(request, journal, leg_of, entry, values)
        return Result(portions=rows, columns=columns, page=Page())

    def show(stored: Document) -> Any:
        leg = leg_of(stored)
        if request.query.full_docs:
            return {**public(leg), "id": leg["_id"]}
        return dict(zip(columns, values(leg), strict=True))

    return await list_records(request, journal, show, entry=entry, seen=leg_of)


def _table(
    request: Request, journal: Journal, leg_of: Leg, entry: Entry | None, values: Values
) -> AsyncIterator[list[tuple[Any, ...]]]:
    """All rows in the range, as they are read: a table has no pages."""
    lower, upper = time_range(request)
    lower = max(lower, oldest_kept(request.services, journal))
    way = not request.query.ascending
    span = stretch_of(journal, request.account_id, lower, upper, entry, descending=way)
    return _read_all(request, span, lambda each: values(leg_of(each)), leg_of)


def _read_all(
    request: Request, span: Span, show: Callable[[Document], Any], leg_of: Leg | None = None
) -> AsyncIterator[list[Any]]:
    """What is made of all legs of a span that pass the filters."""
    reader = Reader(
        store=request.services.store,
        filters=request.query.filters,
        show=show,
        seen=leg_of,
        limit=request.services.settings.lists.scan_limit,
    )
    return reader.read_all(span)


def _is_for_reseller(request: Request) -> bool:
    caller = request.require_caller()
    account = request.require_account()
    return caller.is_superduper_admin or account.is_sold_by(caller.account_id)


def _offset(request: Request) -> int:
    """Seconds that the client's time is ahead of UTC. Raises 404 for what is no number."""
    offset = request.control("utc_offset")
    try:
        seconds = 0 if offset is None else int(offset)
    except (TypeError, ValueError):
        seconds = -(10**9)
    if isinstance(offset, bool) or abs(seconds) > 10**8:
        raise FaultyRequest("utc_offset must be a number")
    return seconds


async def fetch(request: Request) -> Result:
    """One leg of a call."""
    return await answer(request, await load_record(request.actor, CDRS, request.ids["cdr_id"]))


async def legs(request: Request) -> Result:
    """All legs of the interaction that is named, or that the leg is of; the oldest first."""
    named = request.ids["cdr_id"]
    if INTERACTION_ID.fullmatch(named):
        key = interaction_key(request.account_id, named)
        known = await request.services.store.get_record(key)
        interaction_id = named if known else ""
    else:
        leg = await load_record(request.actor, CDRS, named)
        interaction_id = leg["interaction_id"]
    oldest = oldest_kept(request.services, CDRS)
    entry = Entry("interaction", interaction_id)
    span = stretch_of(CDRS, request.account_id, max(0, oldest), entry=entry)
    found: list[Document] = []
    if interaction_id:
        async for row in request.services.store.scan(span):
            found.append({**public(row.document), "id": row.document["_id"]})
            if len(found) == MOST_LEGS:
                break
    if not found:
        raise NoSuchDocument(named)
    return Result(data=found)


async def summarize(request: Request) -> Result:
    """What the legs in a range of time come to: how many there are, and how long they took."""
    lower, upper = time_range(request)
    lower = max(lower, oldest_kept(request.services, CDRS))
    span = stretch_of(CDRS, request.account_id, lower, upper)
    calls, seconds, billed = 0, 0, 0
    directions, causes = Counter[str](), Counter[str]()
    async for legs in _read_all(request, span, lambda call: call):
        calls += len(legs)
        seconds += sum(call.get("duration_seconds", 0) for call in legs)
        billed += sum(call.get("billing_seconds", 0) for call in legs)
        directions.update(text(call.get("call_direction")) or "unknown" for call in legs)
        causes.update(text(call.get("hangup_cause")) or "unknown" for call in legs)
    if not calls:
        return Result(data={})
    return Result(
        data={
            "calls": calls,
            "duration_seconds": seconds,
            "billing_seconds": billed,
            "call_direction": dict(directions),
            "hangup_cause": dict(causes.most_common(100)),
        }
    )


LISTS = (
    route("", Action.LIST, list_calls, "List calls that were made", PAGED_ROWS),
    route(
        "interaction", Action.LIST, list_interactions, "List calls by their first leg", PAGED_ROWS
    ),
)

CDRS = Journal(
    noun="cdrs",
    doc_type="cdr",
    schema="cdrs",
    time="timestamp",
    retention=RETENTION,
    indexes=indexes(),
    actions=frozenset(),
    routes=(
        *LISTS,
        route("summary", Action.FETCH, summarize, "Summarize calls", Answers(SOME_OBJECT)),
        Route(
            path="legs/{cdr_id}",
            action=Action.FETCH,
            handler=legs,
            about="Read all legs of a call",
            loads=False,
            answers=Answers(some(SOME_OBJECT)),
        ),
        Route(
            path="{cdr_id}",
            action=Action.FETCH,
            handler=fetch,
            about="Read a leg of a call",
            loads=False,
            answers=Answers(ROW),
        ),
    ),
)

CDRS_OF_USER = Routes(
    noun="cdrs",
    scopes=(),
    nested=(Nesting(noun="users", doc_type="user"),),
    access=Access.ACCOUNT,
    routes=LISTS,
)
