"""The family ``tasks``: its paths, and what is answered there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from secrets import token_hex
from typing import Any, TypeVar

from crossbar.core.answers import COUNT, SOME_OBJECT, TEXT, Answers, Node, an_object, maybe, some
from crossbar.core.attachments import ATTACHMENTS, download, drop_all
from crossbar.core.change import Change, event_of, put_of
from crossbar.core.presenting import unveiled
from crossbar.core.ranges import time_key
from crossbar.core.reading import list_span, load, revision_of_list
from crossbar.core.requests import Action, Download, Request, Result
from crossbar.core.shapes import Access, Collection, Hooks, Route, Routes, Scope
from crossbar.core.shelving import moves_of
from crossbar.core.stamping import continued, stamped
from crossbar.core.writing import in_turn
from crossbar.documents import Document
from crossbar.errors import (
    Forbidden,
    NoSuchAttachment,
    NoTaskNamed,
    UnknownTask,
    UnsupportedMediaType,
    WrongMoment,
)
from crossbar.families.tasks import documents as facts
from crossbar.families.tasks.actions import action_named, actions_of
from crossbar.families.tasks.documents import Reached, facts_of, files_of, reached
from crossbar.families.tasks.fencing import fence_key
from crossbar.families.tasks.finishing import download_output, name_of
from crossbar.families.tasks.incoming import CSV_TYPES, Judge, chunks_of
from crossbar.families.tasks.kinds import TaskAction
from crossbar.families.tasks.running import finish_of, first_run, task_key
from crossbar.storage import Batch, Remove, Span

T = TypeVar("T")

WAYS = ("accept_charges",)
"""Controls that are kept for every row of a task."""


async def tell_actions(request: Request) -> Result:
    """What tasks can be made of, by category and action; narrowed by either."""
    category, name = request.control("category"), request.control("action")
    found = {
        each: {
            action.name: action.help() for action in known.values() if name in (None, action.name)
        }
        for each, known in actions_of(request.services).items()
        if category in (None, each)
    }
    found = {each: actions for each, actions in found.items() if actions}
    if not found:
        raise UnknownTask("unknown category or action")
    return Result(data={"tasks": found}, revision=revision_of_list([found]))


def _wanted(request: Request) -> TaskAction:
    category, name = request.control("category"), request.control("action")
    if not (category and name):
        raise NoTaskNamed
    action = action_named(request.services, str(category), str(name))
    if action is None:
        raise UnknownTask("unknown_category_action")
    return action


async def create(request: Request) -> Result:
    """A new task, with its rows, which waits for being started."""
    action = _wanted(request)
    actor, services = request.actor, request.services
    key = task_key(actor.account_id, token_hex(15))
    named = request.controls.get("file_name")
    document: Document = {
        facts.CATEGORY: action.category,
        facts.ACTION: action.name,
        facts.AUTHOR: facts.author_of(request.require_caller()),
        facts.CONTROLS: {each: True for each in WAYS if request.says_yes(each)},
    }
    if action.work is not None:
        if not request.body_is_readable:
            raise UnsupportedMediaType
        judge = Judge(action)
        chunks, in_body = await chunks_of(request)
        named = named or in_body
        stored = await services.put_attachment(actor.account_id, judge.passing(chunks))
        document |= {facts.COLUMNS: judge.columns, facts.BEGIN: judge.begin}
        document[facts.TOTAL] = judge.rows
        document[ATTACHMENTS] = {
            facts.INPUT: {
                "id": stored.attachment_id,
                "length": stored.length,
                "md5": stored.md5,
                "content_type": facts.CSV,
            }
        }
    if named:
        document[facts.FILE_NAME] = str(named)
    document = stamped(actor, key, document)
    put = put_of(TASKS, key, document, None)
    moves = await moves_of(services, key, document)
    await services.commit(Batch(puts=(put, *moves), events=(event_of(actor, "created", put),)))
    return await _answer(request, document, created_id=key.doc_id)


async def create_own(request: Request) -> Result:
    """A new task of the caller's own account."""
    caller = request.require_caller()
    account = await request.services.accounts.get(caller.account_id)
    if account is None:
        raise Forbidden
    actor = replace(request.actor, account_id=account.account_id, account=account)
    return replace(await create(replace(request, actor=actor)), created_id=None)


async def _answer(request: Request, task: Document, *, created_id: str | None = None) -> Result:
    data, metadata = await unveiled(request, TASKS, task)
    revision = task["_rev"]
    if task.get(facts.RUN):  # what is told of it changes all the time
        revision = revision_of_list([data])
    return Result(data=data, revision=revision, metadata=metadata, created_id=created_id)


async def show(request: Request, shown: Document, task: Document) -> Document:
    """What is told of a task; all of it is read only."""
    task, done = await _with_pieces(request, task, partial(reached, request.services))
    told = {**facts_of(task, done), "csvs": files_of(task, done)}
    shown["_read_only"] = told
    shown["csvs"] = told["csvs"]
    return {name: value for name, value in told.items() if name not in ("id", "created")}


def _row(task: Document) -> Document:
    """A task in a list, as far as its own document tells."""
    successes, failures = task.get(facts.SUCCESSES, 0), task.get(facts.FAILURES, 0)
    done = Reached(successes + failures, None, successes, failures)
    return {**facts_of(task, done), "csvs": files_of(task, done)}


async def list_tasks(request: Request) -> Result:
    """The tasks of the account, the newest first; of those that run, how far they are."""
    request = replace(request, query=replace(request.query, is_chunked=False))
    span = Span(account_id=request.account_id, doc_type=facts.TASK_TYPE)
    listed = await list_span(request, span, lambda task: task, seen=_row)
    rows = [await _current_row(request, task) for task in listed.data]
    following = listed.page.next_start_key if listed.page else None
    return replace(listed, data=rows, revision=revision_of_list(rows, following))


async def _current_row(request: Request, task: Document) -> Document:
    if facts.STARTED not in task or facts.SUCCESSES in task:
        return _row(task)
    task, done = await _with_pieces(request, task, partial(reached, request.services))
    return {**facts_of(task, done), "csvs": files_of(task, done)}


async def fetch(request: Request) -> Result:
    """One task; one of its files to who would rather have CSV."""
    if not request.prefers(*CSV_TYPES):
        return await _answer(request, await load(request))
    wanted = request.control("csv_name", facts.OUTPUT)
    if wanted not in (facts.INPUT, facts.OUTPUT):
        raise NoSuchAttachment("csv_name")
    return await _file(request, str(wanted))


async def _file(request: Request, name: str) -> Result:
    async def read(task: Document) -> Download | None:
        if name in task.get(ATTACHMENTS, {}):
            found = download(request.actor, task, name)
            return replace(found, filename=name_of(task, name))
        if name == facts.INPUT or not (await reached(request.services, task)).rows:
            return None
        return await download_output(request.services, task)

    _, found = await _with_pieces(request, await load(request), read)
    if found is None:
        raise NoSuchAttachment(name)
    return Result(download=found)


async def _with_pieces(
    request: Request, task: Document, read: Callable[[Document], Awaitable[T]]
) -> tuple[Document, T]:
    """A task, and what is read of it and its pieces.

    They are removed some at a time as soon as the task itself tells everything. If it has come to
    that meanwhile, some may have been missed, and it is read once more.
    """
    found = await read(task)
    if facts.SUCCESSES in task:
        return task, found
    now = await request.services.store.get(task_key(task["pvt_account_id"], task["_id"]))
    if now is None or facts.SUCCESSES not in now:
        return task, found
    return now, await read(now)


async def fetch_input(request: Request) -> Result:
    """The rows of a task, as they were sent."""
    return await _file(request, facts.INPUT)


async def fetch_output(request: Request) -> Result:
    """What came of the rows of a task, as far as it is."""
    return await _file(request, facts.OUTPUT)


async def _change(
    request: Request, decide: Callable[[Document], tuple[Document, Batch]]
) -> Result:
    """Write facts of a task that ``decide`` makes of it, with what follows from them."""
    key = task_key(request.account_id, request.doc_id)

    async def attempt() -> Document:
        task = await load(request)
        changes, more = decide(task)
        document = continued(request.actor, key, {**task, **changes})
        put = put_of(TASKS, key, document, task["_rev"])
        events = (event_of(request.actor, "changed", put),)
        batch = Batch(puts=(put, *more.puts), removes=more.removes, events=events)
        await request.services.commit(batch)
        return document

    return await _answer(request, await in_turn(request.actor, key, attempt))


async def start(request: Request) -> Result:
    """Have a task done; the answer comes before it is."""

    def decide(task: Document) -> tuple[Document, Batch]:
        if facts.STARTED in task:
            raise WrongMoment("task already started", task["_id"])
        run, job = first_run(request.services, request.account_id, task["_id"])
        return {facts.STARTED: _now(request), facts.RUN: run}, Batch(puts=(job,))

    return await _change(request, decide)


async def stop(request: Request) -> Result:
    """Have a task end where it is: no further row is done when this is answered."""

    def decide(task: Document) -> tuple[Document, Batch]:
        if facts.STARTED not in task or facts.ENDED in task:
            raise WrongMoment("task is not running", task["_id"])
        ended = {facts.ENDED: _now(request), facts.STOPPED: True, facts.RUN: None}
        fence = Remove(fence_key(request.account_id, task[facts.RUN]))
        job = finish_of(request.services, task_key(request.account_id, task["_id"]))
        return ended, Batch(puts=(job,), removes=(fence,))

    return await _change(request, decide)


def _now(request: Request) -> int:
    return request.services.clock.gregorian()


async def _forget(change: Change) -> None:
    """A task that runs stays; of one that goes nothing is left."""
    task = change.current or {}
    if facts.STARTED in task and facts.ENDED not in task:
        raise WrongMoment("task is running", change.key.doc_id)
    change.more.append(finish_of(change.actor.services, change.key))


_CSVS = some(TEXT)
_FACTS: Node = maybe(
    an_object(
        id=TEXT, account_id=TEXT, auth_account_id=TEXT, category=TEXT, action=TEXT, status=TEXT
    ),
    created=COUNT,
    start_timestamp=COUNT,
    end_timestamp=COUNT,
    total_count=COUNT,
    success_count=COUNT,
    failure_count=COUNT,
    node=TEXT,
    file_name=TEXT,
    csvs=_CSVS,
)
_TASK = Answers(an_object(id=TEXT, _read_only=_FACTS, csvs=_CSVS))
_ROWS = Answers(some(maybe(an_object(id=TEXT), status=TEXT, csvs=_CSVS)), is_paged=True)


def _route(
    path: str, action: Action, handler: Any, about: str, answers: Answers, **more: Any
) -> Route:
    return Route(
        path=path,
        action=action,
        handler=handler,
        about=about,
        answers=answers,
        loads=False,
        **more,
    )


ONE = "{task_id}"

TASKS = Collection(
    noun="tasks",
    doc_type=facts.TASK_TYPE,
    schema="tasks",
    summary=(),
    actions=frozenset({Action.DELETE}),
    order=lambda task: time_key(task["pvt_created"]),
    access=Access.ADMIN,
    soft_delete=False,
    hooks=Hooks(deleting=(_forget, drop_all), present=(show,)),
    routes=(
        _route("", Action.LIST, list_tasks, "List tasks", _ROWS),
        _route("", Action.CREATE, create, "Create a task", _TASK, reads=CSV_TYPES, schema="tasks"),
        _route(ONE, Action.FETCH, fetch, "Read a task", _TASK, produces=CSV_TYPES),
        _route(ONE, Action.PATCH, start, "Start a task", _TASK),
        _route(f"{ONE}/stop", Action.PATCH, stop, "Stop a task", _TASK),
        _route(
            f"{ONE}/input",
            Action.FETCH,
            fetch_input,
            "Read the rows of a task",
            Answers(),
            produces=CSV_TYPES,
        ),
        _route(
            f"{ONE}/output",
            Action.FETCH,
            fetch_output,
            "Read what came of the rows of a task",
            Answers(),
            produces=CSV_TYPES,
        ),
    ),
)

TASKS_OF_SYSTEM = Routes(
    noun="tasks",
    scopes=(Scope.SYSTEM,),
    routes=(
        _route(
            "",
            Action.FETCH,
            tell_actions,
            "List what tasks can be made of",
            Answers(an_object(tasks=SOME_OBJECT)),
            access=Access.PUBLIC,
        ),
        _route(
            "",
            Action.CREATE,
            create_own,
            "Create a task of one's own account",
            _TASK,
            access=Access.SUPERDUPER,
            reads=CSV_TYPES,
            schema="tasks",
        ),
    ),
)
