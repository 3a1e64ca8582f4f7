"""Calls of queues as switches have told them in events: what statistics are made of."""

from __future__ import annotations

from typing import Any

from crossbar.core.journals import stretch_of
from crossbar.core.ranges import LATEST
from crossbar.core.requests import Request
from crossbar.documents import Document
from crossbar.families.queues.call_stats import ACDC_CALL_STATS

KEYS = (
    "call_id",
    "queue_id",
    "agent_id",
    "entered_timestamp",
    "abandoned_timestamp",
    "handled_timestamp",
    "processed_timestamp",
    "hung_up_by",
    "abandoned_reason",
    "misses",
    "status",
    "caller_id_name",
    "caller_id_number",
    "caller_priority",
)

ANSWERED = ("handled", "processed")
"""The statuses of calls that an agent has taken."""

NARROWING = ("status", "agent_id")

MOST = 10_000
"""Calls of which statistics are made at most; the latest of the range."""


async def calls_told(request: Request, wanted: Document) -> list[Document] | None:
    """The calls that entered a queue in a range of time; ``None`` if none ever was told."""
    found = await _calls(request, wanted["start_range"], wanted["end_range"], wanted)
    if not found and not await _calls(request, 0, LATEST, {}, most=1):
        return None
    return found


async def _calls(
    request: Request, lower: int, upper: int, wanted: Document, most: int = MOST
) -> list[Document]:
    now = request.services.clock.gregorian()
    span = stretch_of(ACDC_CALL_STATS, request.account_id, lower, upper, descending=True)
    found = []
    async for row in request.services.store.scan(span):
        call = row.document
        if all(call.get(name) == wanted.get(name, call.get(name)) for name in NARROWING):
            found.append(_shown(call, now))
        if len(found) == most:
            break
    return found


def _shown(call: Document, now: int) -> Document:
    """A call as statistics show it; how long it waited and lasted follows from its times."""
    shown = {"id": call["_id"], **{name: call[name] for name in KEYS if name in call}}
    entered, handled = call["entered_timestamp"], call.get("handled_timestamp")
    until = handled or call.get("abandoned_timestamp") or now
    shown["wait_time"] = call.get("wait_time", max(until - entered, 0))
    if handled or "talk_time" in call:
        lasted = (call.get("processed_timestamp") or now) - (handled or now)
        shown["talk_time"] = call.get("talk_time", max(lasted, 0))
    return shown


def totals_of(calls: list[Document], agent_id: object = None) -> Document:
    """How many calls each agent was offered, has answered and has missed, also by queue."""
    found: Document = {}
    for call in calls:
        queue_id = call["queue_id"]
        if call.get("status") in ANSWERED and call.get("agent_id"):
            _count(found, call["agent_id"], queue_id, "answered_calls")
        for miss in call.get("misses", ()):
            _count(found, miss["agent_id"], queue_id, "missed_calls")
    return {agent: each for agent, each in found.items() if agent_id in (None, agent)}


def _count(found: Document, agent_id: str, queue_id: str, what: str) -> None:
    agent: Any = found.setdefault(agent_id, {**NOTHING, "queues": {}})
    for total in (agent, agent["queues"].setdefault(queue_id, dict(NOTHING))):
        total["total_calls"] += 1
        total[what] += 1


NOTHING = {"total_calls": 0, "answered_calls": 0, "missed_calls": 0}
