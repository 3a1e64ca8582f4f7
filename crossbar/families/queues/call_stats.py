"""Archived calls of queues, as their switch has recorded them.

Nothing here writes them: what does appends records to this journal.
"""

from __future__ import annotations

from crossbar.core.answers import ROW, Answers, some
from crossbar.core.journals import journal_of, list_records
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import Journal, route
from crossbar.documents import Document

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
    return await list_records(request, journal_of(request), _row)


ACDC_CALL_STATS = Journal(
    noun="acdc_call_stats",
    doc_type="call_stat",
    time="entered_timestamp",
    actions=frozenset(),
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
