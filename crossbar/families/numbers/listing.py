"""Lists of an account's numbers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from crossbar.core.directory import ACCOUNT_TYPE
from crossbar.core.reading import list_span, revision_of_list
from crossbar.core.requests import Request, Result
from crossbar.documents import Document
from crossbar.families.numbers.documents import NUMBERS, row, seen
from crossbar.families.numbers.features import available
from crossbar.families.numbers.searching import search
from crossbar.filtering import keeps
from crossbar.storage import SYSTEM, Entry, Span

CSV_TYPES = ("text/csv", "application/octet-stream")


async def list_or_search(request: Request) -> Result:
    """The account's numbers; with a ``prefix``, numbers to be had."""
    if request.control("prefix") is not None:
        return await search(request, request.account)
    return await list_numbers(request)


async def list_numbers(request: Request) -> Result:
    """A page of the account's numbers, and on the first page those that it is porting in."""
    query = replace(request.query, is_chunked=False)
    span = _span(request.account_id)
    make = _row_maker(request)
    listed = await list_span(replace(request, query=query), span, make, seen=seen)
    rows: list[tuple[str, Document]] = listed.data
    known = {number for number, _ in rows}
    is_first = not (query.paginate and query.start_key)
    if is_first and not request.says_no("include_ports"):
        rows += [each for each in await _porting(request) if each[0] not in known]
    if request.prefers("text/csv"):
        data: Any = [{"number": number, **facts} for number, facts in rows]
    else:
        cascaded = await cascade_quantity(request)
        data = {"numbers": dict(rows), "cascade_quantity": cascaded}
    next_key = listed.page.next_start_key if listed.page else None
    return replace(listed, data=data, revision=revision_of_list([data], next_key))


def _span(account_id: str) -> Span:
    entry = Entry("assigned", account_id)
    return Span(account_id=SYSTEM, doc_type=NUMBERS.doc_type, entry=entry)


def _row_maker(request: Request) -> Callable[[Document], tuple[str, Document]]:
    settings, caller = request.services.settings.numbers, request.require_caller()

    def make(document: Document) -> tuple[str, Document]:
        may = available(settings, document, is_operator=caller.is_operator)
        return document["_id"], row(document, may)

    return make


async def _porting(request: Request) -> list[tuple[str, Document]]:
    """The numbers of port requests that are under way, as far as the filters keep them."""
    porting = request.services.porting
    rows = []
    for number, facts in (await porting.numbers_of(request.actor, request.account_id)).items():
        told = {**facts, "state": "port_in", "features": []}
        told.setdefault("assigned_to", request.account_id)
        if keeps(request.query.filters, {**told, "_id": number}):
            rows.append((number, told))
    return rows


async def cascade_quantity(request: Request) -> int:
    """How many numbers the accounts below have."""
    store, total = request.services.store, 0
    below = Entry("ancestor", request.account_id)
    accounts = Span(account_id=SYSTEM, doc_type=ACCOUNT_TYPE, entry=below)
    async for account in store.scan(accounts):
        total += await store.count(_span(account.position.doc_id))
        await asyncio.sleep(0)  # there may be thousands, and counting never waits by itself
    return total


async def all_numbers(request: Request) -> list[str]:
    """The account's numbers, all of them."""
    return [
        row.position.doc_id async for row in request.services.store.scan(_span(request.account_id))
    ]
