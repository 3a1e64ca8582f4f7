"""Agents: users who answer queues. What they do right now a switch knows."""

from __future__ import annotations

from crossbar.core.amending import amend
from crossbar.core.answers import ROW, SOME_OBJECT, TEXT, Answers, some
from crossbar.core.change import Change
from crossbar.core.live import AGENT, EARLIER, alive, find_alive
from crossbar.core.ports import Command
from crossbar.core.presenting import visible
from crossbar.core.reading import list_span, load_document
from crossbar.core.recipes import sent, valid
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import Access, Routes, Scope, route
from crossbar.core.summaries import summarizer
from crossbar.documents import Document
from crossbar.errors import ValidationFailed
from crossbar.families.endpoints import USERS, queues_of
from crossbar.families.queues.queues import PATIENCE, stats_range, with_queue, without_queue
from crossbar.families.queues.queues import stats as stats_of_calls
from crossbar.families.queues.told import calls_told, totals_of
from crossbar.storage import Entry, Key, Span
from crossbar.validation import Refusals

ORDERS = ("login", "logout", "pause", "resume", "end_wrapup")
STATUS_KEYS = (
    "agent_id",
    "timestamp",
    "id",
    "status",
    "wait_time",
    "pause_time",
    "call_id",
    "caller_id_name",
    "caller_id_number",
    "queue_id",
)
UNKNOWN = "unknown"

_row = summarizer(("first_name", "last_name", "queues"))


def _key(request: Request) -> Key:
    return Key(request.account_id, USERS.doc_type, request.ids["user_id"])


async def list_agents(request: Request) -> Result:
    """The users who are agents, with their queues."""
    entry = Entry("agent", "true")
    span = Span(account_id=request.account_id, doc_type=USERS.doc_type, entry=entry)
    return await list_span(request, span, _row)


async def fetch(request: Request) -> Result:
    """The user who is the agent."""
    stored = await load_document(request.actor, _key(request))
    shown = visible(request, USERS.doc_type, stored)
    return Result(data=shown, revision=stored["_rev"])


async def queue_status(request: Request) -> Result:
    """The ids of the agent's queues."""
    stored = await load_document(request.actor, _key(request))
    return Result(data=queues_of(stored), revision=stored["_rev"])


async def set_queue_status(request: Request) -> Result:
    """Log the agent in to a queue, or out of it."""
    await load_document(request.actor, _key(request))
    asked = await valid(request.actor, "queue_update", sent(request))
    placed = with_queue if asked["action"] == "login" else without_queue

    async def alter(change: Change) -> None:
        change.document = placed(change.document, asked["queue_id"])

    stored = await amend(request, USERS, _key(request), alter)
    return Result(data=queues_of(stored), revision=stored["_rev"])


def _tidy(entry: Document) -> Document:
    return {name: entry[name] for name in STATUS_KEYS if entry.get(name) not in (None, "")}


async def statuses(request: Request) -> Result:
    """The latest statuses of all agents, by agent and time; none while nobody reports them."""
    wanted = {name: request.control(name) for name in ("status", "limit")}
    facts = {name: value for name, value in wanted.items() if value is not None}
    command = Command("agents.statuses", request.account_id, facts)
    found: dict[str, Document] = {}
    services = request.services
    told = [each async for each in alive(services, AGENT, request.account_id)]
    entries = [entry for each in told for entry in (each, *each.get(EARLIER, ()))]
    if not told:
        entries = await services.switch.ask(command)
    elif "status" in facts:
        entries = [entry for entry in entries if entry["status"] == facts["status"]]
    for entry in entries:
        by_time = found.setdefault(str(entry.get("agent_id")), {})
        by_time.setdefault(str(entry.get("timestamp")), _tidy(entry))
    return Result(data=found)


async def status(request: Request) -> Result:
    """What the agent does now: a word, or the whole entry, or the latest entries by time."""
    await load_document(request.actor, _key(request))
    command = Command("agents.status", request.account_id, {"agent_id": request.ids["user_id"]})
    told = await find_alive(request.services, AGENT, request.account_id, request.ids["user_id"])
    if request.says_yes("full"):
        entry = told or await request.services.switch.order(command, PATIENCE)
        return Result(data=_tidy(entry))
    entries: list[Document] = [told, *told.get(EARLIER, ())] if told else []
    entries = entries or await request.services.switch.ask(command)
    if request.says_yes("recent"):
        return Result(data={str(entry.get("timestamp")): _tidy(entry) for entry in entries})
    newest = max(entries, key=lambda entry: entry.get("timestamp", 0), default={})
    return Result(data=newest.get("status", UNKNOWN))


async def set_status(request: Request) -> Result:
    """Pass a change of status on to the switch."""
    await load_document(request.actor, _key(request))
    data = sent(request)
    refusals = Refusals()
    _check_status(data, refusals)
    if refusals:
        raise ValidationFailed(refusals)
    names = ("status", "timeout", "presence_id", "presence_state")
    facts = {name: data[name] for name in names if name in data}
    facts["agent_id"] = request.ids["user_id"]
    command = Command("agents.set_status", request.account_id, facts)
    await request.services.switch.tell(command)
    return Result(data="status update sent")


def _check_status(data: Document, refusals: Refusals) -> None:
    """An order that is known; a pause says how long."""
    wanted, timeout = data.get("status"), data.get("timeout")
    if wanted is None:
        refusals.add("status", "required", "Field is required but missing")
    elif wanted not in ORDERS:
        refusals.add("status", "enum", "value is not a valid status", cause=wanted)
    if wanted != "pause":
        return
    if isinstance(timeout, bool) or not isinstance(timeout, int):
        message = "Value did not match type(s): integer"
        refusals.add("timeout", "type", message, target="integer", value=timeout)
    elif timeout < 0:
        message = "Value must be at least 0"
        refusals.add("timeout", "minimum", message, target=0, value=timeout)


async def stats(request: Request) -> Result:
    """How many calls each agent had, as told or as the switch reports; at length, the calls."""
    if request.control("format") == "verbose":
        return await stats_of_calls(request)
    wanted = stats_range(request)
    # Who has missed a call is not who it is of in the end.
    everybody = {name: value for name, value in wanted.items() if name != "agent_id"}
    told = await calls_told(request, everybody)
    if told is not None:
        return Result(data=totals_of(told, wanted.get("agent_id")))
    command = Command("agents.stats", request.account_id, wanted)
    return Result(data=await request.services.switch.order(command, PATIENCE))


AGENTS = Routes(
    noun="agents",
    scopes=(Scope.ACCOUNT,),
    access=Access.ACCOUNT,
    routes=(
        route(
            "", Action.LIST, list_agents, "List agents", answers=Answers(some(ROW), is_paged=True)
        ),
        route(
            "{user_id}",
            Action.FETCH,
            fetch,
            "Read the user who is the agent",
            answers=Answers(ROW),
        ),
        route(
            "status",
            Action.FETCH,
            statuses,
            "Read the latest statuses of all agents",
            answers=Answers(SOME_OBJECT),
        ),
        route(
            "stats",
            Action.FETCH,
            stats,
            "Read totals of the calls of each agent",
            answers=Answers(SOME_OBJECT),
        ),
        route("{user_id}/status", Action.FETCH, status, "Read what the agent does"),
        route(
            "{user_id}/status",
            Action.REPLACE,
            set_status,
            "Change what the agent does",
            answers=Answers(TEXT),
        ),
        route("status/{user_id}", Action.FETCH, status, "Read what the agent does"),
        route(
            "status/{user_id}",
            Action.REPLACE,
            set_status,
            "Change what the agent does",
            answers=Answers(TEXT),
        ),
        route(
            "{user_id}/queue_status",
            Action.FETCH,
            queue_status,
            "Read the agent's queues",
            answers=Answers(some(TEXT)),
        ),
        route(
            "{user_id}/queue_status",
            Action.REPLACE,
            set_queue_status,
            "Log in to a queue, or out of it",
            answers=Answers(some(TEXT)),
        ),
    ),
)
