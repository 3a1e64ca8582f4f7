"""Logs of what web servers answered when they were asked what to do.

Nothing here writes them: what does appends records to this journal.
"""

from __future__ import annotations

import re
from calendar import timegm
from dataclasses import replace

from crossbar.clock import GREGORIAN_OFFSET
from crossbar.core.answers import SOME_OBJECT, TEXT, Answers, rows, some
from crossbar.core.journals import list_every, list_records, stretch_of
from crossbar.core.reading import revision_of_list
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import Index, Journal, route
from crossbar.documents import Document, public
from crossbar.storage import Entry

PIVOT_TYPE = "pivot_debug"
FAULTS = ("schema_errors", "json_errors")

_DEBUG_ID = re.compile(r"([12][0-9]{3})(0[1-9]|1[0-2])-(.+)", re.ASCII | re.DOTALL)


def _row(document: Document) -> Document:
    """What a list shows of a call, by the first of its logs."""
    names = ("call_id", "created", "uri", "node", "iteration", "debug_id")
    row = {name: document[name] for name in names if name in document}
    if "resp_status_code" in document:
        row["status_code"] = document["resp_status_code"]
    return row


async def list_calls(request: Request) -> Result:
    """One row for each call that was logged, the latest first."""
    query = replace(request.query, is_chunked=False)
    first = Entry("first", "true")
    result = await list_records(replace(request, query=query), PIVOT, _row, entry=first)
    for row in result.data:
        logs = stretch_of(PIVOT, request.account_id, entry=Entry("call", row["call_id"]))
        documents = [each.document async for each in request.services.store.scan(logs)]
        row |= {f"has_{name}": any(each.get(name) for each in documents) for name in FAULTS}
    return replace(result, revision=revision_of_list(result.data, _next_of(result)))


def _next_of(result: Result) -> str | None:
    return result.page.next_start_key if result.page else None


async def list_logs(request: Request) -> Result:
    """Every log of a call, the latest first; of one month, the earliest first."""
    call_id = request.ids["call"]
    match = _DEBUG_ID.fullmatch(call_id)
    if match is None:
        return await list_every(request, PIVOT, _log, entry=Entry("call", call_id))
    year, month, entry = int(match[1]), int(match[2]), Entry("call", match[3])
    bounds = (_month(year, month), _month(year, month + 1) - 1)
    query = replace(request.query, ascending=not request.query.ascending)
    reverse = replace(request, query=query)
    return await list_every(reverse, PIVOT, _log, entry=entry, bounds=bounds)


def _month(year: int, month: int) -> int:
    """When a month begins, in Gregorian seconds; the thirteenth is the next year's first."""
    beginning = (year + month // 13, (month - 1) % 12 + 1, 1, 0, 0, 0)
    return max(timegm(beginning) + GREGORIAN_OFFSET, 0)


def _log(document: Document) -> Document:
    return {**public(document), "id": document["_id"]}


def _call_of(log: Document) -> tuple[str, ...]:
    return (log["call_id"],)


def _first_of_call(log: Document) -> tuple[str, ...]:
    return ("true",) if log.get("iteration") == 1 else ()


PIVOT = Journal(
    noun="pivot",
    doc_type=PIVOT_TYPE,
    time="created",
    indexes=(
        Index(name="call", values=_call_of),
        Index(name="first", values=_first_of_call),
    ),
    actions=frozenset(),
    routes=(
        route(
            "debug",
            Action.LIST,
            list_calls,
            "List calls with logs",
            answers=Answers(rows(call_id=TEXT), is_paged=True),
        ),
        route(
            "debug/{call}",
            Action.LIST,
            list_logs,
            "Read logs of a call",
            answers=Answers(some(SOME_OBJECT), is_paged=True),
        ),
    ),
)
