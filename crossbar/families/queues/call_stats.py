"""Archived calls of queues, as their switch has recorded them.

Nothing here writes them: what does keeps ``call_stat`` documents of the account, whose sort key is
the ``ranges.time_key`` form of ``entered_timestamp``.
"""

from __future__ import annotations

from crossbar.core.answers import ROW, Answers, some
from crossbar.core.ranges import list_in_range
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import Access, Routes, Scope, route
from crossbar.documents import Document
from crossbar.storage import Span

COLUMNS = (
    "handled_timestamp",
    "caller_id_number",
    "caller_id_name",
    "entered_position",
    "status",
    "agent_id",
    "wait_time",
    "talk_time",
    "queue_id",
)


def _row(document: Document) -> Document:
    return {"id": document["_id"], **{name: document.get(name, "") for name in COLUMNS}}


async def list_calls(request: Request) -> Result:
    """The calls that entered a queue within a range of time, the latest first."""
    return await list_in_range(
        request, Span(account_id=request.account_id, doc_type="call_stat"), _row
    )


ACDC_CALL_STATS = Routes(
    noun="acdc_call_stats",
    scopes=(Scope.ACCOUNT,),
    access=Access.ACCOUNT,
    routes=(
        route(
            "",
            Action.LIST,
            list_calls,
            "List archived calls of queues",
            answers=Answers(some(ROW), is_paged=True),
        ),
    ),
)
