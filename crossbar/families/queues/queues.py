"""Queues of callers, and which users answer them.

Who is an agent of a queue is written on the users, in ``queues``. A queue's own revision stands
for its roster too, so of two rosters that are set at once one is set after the other.
"""

from __future__ import annotations

from typing import Any

from crossbar.core.amending import amend
from crossbar.core.answers import DOCUMENT, TEXT, Answers, some
from crossbar.core.change import Change
from crossbar.core.live import CHANNEL, alive, find_alive
from crossbar.core.ports import Command
from crossbar.core.ranges import seconds_of
from crossbar.core.reading import key_of, live_documents
from crossbar.core.recipes import answer
from crossbar.core.requests import Action, Actor, Request, Result
from crossbar.core.shapes import Collection, Hooks, route
from crossbar.documents import Document
from crossbar.errors import ValidationFailed
from crossbar.families.endpoints import USERS, queues_of
from crossbar.families.queues.told import calls_told
from crossbar.storage import Entry, Key, Span
from crossbar.validation import Refusals

DAY = 86_400
"""Seconds of call statistics that are asked for when the client says nothing."""

PATIENCE = 2.0
"""Seconds that a switch has to begin an eavesdropping or to report statistics."""

TABLE_TYPES = {"text/csv", "text/comma-separated-values", "application/octet-stream"}
MODES = ("listen", "whisper", "full")


async def _agents(actor: Actor, queue_id: str) -> list[Document]:
    """The users whom the queue's callers reach, by id, descending."""
    entry = Entry("queue", queue_id)
    span = Span(account_id=actor.account_id, doc_type="user", entry=entry)
    users = [row.document async for row in actor.services.store.scan(span)]
    return sorted(users, key=lambda user: str(user["_id"]), reverse=True)


async def add_agents(request: Request, shown: Document, stored: Document) -> None:
    """On reading one queue, and on changing its roster: the ids of its agents."""
    operation = request.operation
    if operation.action is Action.FETCH or operation.path[-1] == "roster":
        shown["agents"] = [user["_id"] for user in await _agents(request.actor, stored["_id"])]


async def drop_agents(change: Change) -> None:
    """Clients send back what they have read: agents are kept on the users only."""
    change.document.pop("agents", None)


async def roster(request: Request) -> Result:
    """The ids of the queue's agents."""
    return Result(data=[user["_id"] for user in await _agents(request.actor, request.doc_id)])


async def set_roster(request: Request) -> Result:
    """Make exactly these users the queue's agents; those whom nobody knows are passed over."""
    wanted = request.data
    if not isinstance(wanted, list) or not all(isinstance(user_id, str) for user_id in wanted):
        message = "Value did not match type(s): array of strings"
        raise ValidationFailed.of("data", "type", message, target="array", value=wanted)
    return await _set_roster(request, set(wanted))


async def clear_roster(request: Request) -> Result:
    """Leave the queue without agents."""
    return await _set_roster(request, set())


async def _set_roster(request: Request, wanted: set[str]) -> Result:
    queue_id = request.doc_id

    async def alter(change: Change) -> None:
        agents = {user["_id"]: user for user in await _agents(request.actor, queue_id)}
        found = await live_documents(request.actor, wanted - agents.keys(), USERS.doc_type)
        for user_id, user in agents.items():
            if user_id not in wanted:
                _also_put(change, without_queue(user, queue_id))
        for user in found.values():
            _also_put(change, with_queue(user, queue_id))

    stored = await amend(request, request.operation.collection, key_of(request), alter)
    return await answer(request, stored)


def _also_put(change: Change, user: Document) -> None:
    change.also_put(USERS, Key(change.key.account_id, USERS.doc_type, user["_id"]), user)


def with_queue(user: Document, queue_id: str) -> Document:
    """The user as an agent of the queue, which comes first."""
    return {**user, "queues": [queue_id, *_others(user, queue_id)]}


def without_queue(user: Document, queue_id: str) -> Document:
    """The user as no agent of the queue."""
    return {**user, "queues": _others(user, queue_id)}


def _others(user: Document, queue_id: str) -> list[str]:
    """The user's queues but this one."""
    return [each for each in queues_of(user) if each != queue_id]


def stats_range(request: Request) -> Document:
    """Which statistics the client asks for: a range of time, and whom and what they are about."""
    now = request.services.clock.gregorian()
    end = seconds_of(request.control("end_range")) or now
    start = seconds_of(request.control("start_range")) or max(end - DAY, 0)
    if start > end:
        message = "end_range must be greater than or equal to start_range"
        raise ValidationFailed.of("end_range", "maximum", message, cause=end)
    wanted = {"start_range": start, "end_range": end}
    narrowed = {name: request.control(name) for name in ("status", "agent_id")}
    return wanted | {name: value for name, value in narrowed.items() if value is not None}


async def stats(request: Request) -> Result:
    """The calls of the queues, as told in events, else as the switch reports; as a table, these
    alone."""
    wanted = stats_range(request)
    calls: Any = await calls_told(request, wanted)
    if calls is None:
        command = Command("queues.stats", request.account_id, wanted)
        report = await request.services.switch.order(command, PATIENCE)
        calls = report.get("stats", [])
    if not TABLE_TYPES.isdisjoint(request.accept):
        return Result(data=calls)
    now = request.services.clock.gregorian()
    return Result(data={"current_timestamp": now, "stats": calls})


async def eavesdrop_on_call(request: Request) -> Result:
    """Let a device listen to a call."""
    data = _arguments(request)
    refusals = await _faults(request.actor, data)
    call_id = data.get("call_id")
    if not isinstance(call_id, str):
        refusals.add("call_id", "required", "Field is required but missing")
    elif not await _may_run(request, call_id):
        refusals.add("call_id", "not_found", "The call could not be found", cause=call_id)
    return await _eavesdrop(request, data, refusals)


async def _may_run(request: Request, call_id: str) -> bool:
    """Whether a call runs, as far as is known: nothing is, where no calls are told in events."""
    services, account_id = request.services, request.account_id
    if await find_alive(services, CHANNEL, account_id, call_id):
        return True
    async for _ in alive(services, CHANNEL, account_id):
        return False
    return True


async def eavesdrop_on_queue(request: Request) -> Result:
    """Let a device listen to the calls of a queue."""
    data = {**_arguments(request), "queue_id": request.doc_id}
    return await _eavesdrop(request, data, await _faults(request.actor, data))


def _arguments(request: Request) -> Document:
    return request.data if isinstance(request.data, dict) else {}


async def _faults(actor: Actor, data: Document) -> Refusals:
    """What is wrong with whom and how to connect."""
    refusals = Refusals()
    device_id, mode = data.get("id"), data.get("mode", MODES[0])
    found: dict[str, Any] = {}
    if isinstance(device_id, str):
        found = await live_documents(actor, [device_id])
    device = found.get(str(device_id))
    if not isinstance(device_id, str):
        refusals.add("id", "required", "Field is required but missing")
    elif device is None:
        refusals.add("id", "not_found", "The device could not be found", cause=device_id)
    elif device["pvt_type"] != "device":
        refusals.add("id", "type", "The id is not that of a device", cause=device_id)
    if mode not in MODES:
        message = "Value not found in enumerated list of values"
        refusals.add("mode", "enum", message, target=list(MODES), value=mode)
    return refusals


async def _eavesdrop(request: Request, data: Document, refusals: Refusals) -> Result:
    if refusals:
        raise ValidationFailed(refusals)
    facts = {"mode": MODES[0], "timeout": 20, **data, "eavesdrop_request_id": request.request_id}
    command = Command("queues.eavesdrop", request.account_id, facts)
    report = await request.services.switch.order(command, PATIENCE)
    return Result(data={**report, "eavesdrop_request_id": request.request_id})


QUEUES = Collection(
    noun="queues",
    doc_type="queue",
    schema="queues",
    summary=("name", "strategy"),
    hooks=Hooks(normalize=(drop_agents,), present=(add_agents,)),
    shown={"agents": some(TEXT)},
    routes=(
        route(
            "{queue_id}/roster",
            Action.FETCH,
            roster,
            "Read the ids of the agents",
            answers=Answers(some(TEXT)),
        ),
        route("{queue_id}/roster", Action.REPLACE, set_roster, "Set the agents", answers=DOCUMENT),
        route(
            "{queue_id}/roster", Action.DELETE, clear_roster, "Leave no agents", answers=DOCUMENT
        ),
        route("stats", Action.FETCH, stats, "Read statistics of calls"),
        route("eavesdrop", Action.CREATE, eavesdrop_on_call, "Listen to a call"),
        route("{queue_id}/eavesdrop", Action.CREATE, eavesdrop_on_queue, "Listen to a queue"),
    ),
)
