"""Running tasks: portion by portion, each a durable job, by one process of all.

Each portion begins with a commit that makes its process the one that runs the task
(:mod:`crossbar.families.tasks.fencing`) and asks for the next portion, due when this process has
given no sign of life for a while. At its end that job is made due at once. So a server that is
killed is followed by another, or by itself, which goes on with the row after the last one that is
written.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import structlog

from crossbar.core.attachments import ATTACHMENTS
from crossbar.core.change import event_of, put_of
from crossbar.core.directory import Account
from crossbar.core.jobs import Kind, asked, due, repeated
from crossbar.core.nodes import node_name
from crossbar.core.requests import Actor
from crossbar.core.services import Services
from crossbar.core.shelving import read_attachment
from crossbar.core.stamping import continued
from crossbar.core.tables import cells_of, lines
from crossbar.documents import Document, new_id
from crossbar.errors import Conflict, CrossbarError, TooManyRequests
from crossbar.families.tasks import documents as facts
from crossbar.families.tasks.actions import action_named
from crossbar.families.tasks.documents import Reached, piece_put, reached, reached_by
from crossbar.families.tasks.fencing import Fenced, Overtaken, fence_key, fence_put
from crossbar.families.tasks.finishing import FINISH
from crossbar.families.tasks.kinds import (
    OVER,
    BadFields,
    Cells,
    Refused,
    TaskAction,
    Worker,
    tell_nothing,
    told_of,
)
from crossbar.storage import Batch, Key, Put, Remove, StoreError

log = structlog.get_logger(__name__)

PORTION = 3.0
"""Seconds after which the rest is left to the next job: a server that stops waits for that."""

BEGUN_WITHIN = 10
"""Seconds after which others may begin a portion too: its process may have ended before it did.

Who comes second finds that it has begun.
"""

MOST_STUCK = 5
"""Runs in a row that may end before the first of their rows is written; then it has failed."""

LONGEST_WAIT = 5
"""Seconds after which a row is tried again that came too soon after others."""

CRASHED = "applier crashed"
NOT_ALLOWED = "who made the task is not allowed to act any more"
UNKNOWN = "this server does not know what the task is to do"


@dataclass(slots=True, kw_only=True)
class _Portion:
    """What one process does of a task until others have their turn.

    ``services`` write behind the fence, ``plainly`` without it. ``next_job`` is the next portion,
    as it is stored.
    """

    services: Services
    plainly: Services
    account: Account
    task: Document
    fenced: Fenced
    next_job: Put
    done: Reached
    is_stuck: bool
    until: float

    @property
    def key(self) -> Key:
        """Where the task is kept."""
        return task_key(self.account.account_id, self.task["_id"])


def task_key(account_id: str, task_id: str) -> Key:
    """Where a task is kept."""
    return Key(account_id, facts.TASK_TYPE, task_id)


def first_run(services: Services, account_id: str, task_id: str) -> tuple[str, Put]:
    """The name under which a task waits for its first portion, and the job that does that."""
    run = new_id()
    return run, asked(services.clock, RUN, _about(account_id, task_id, run))


def _about(account_id: str, task_id: str, run: str) -> Document:
    return {"account_id": account_id, "task_id": task_id, "run": run}


async def _run(services: Services, about: Document) -> None:
    """Do a portion of a task, unless somebody else runs it, or it was stopped."""
    task = await services.store.get(task_key(about["account_id"], about["task_id"]))
    account = await services.accounts.get(about["account_id"])
    if task is None or account is None or task.get(facts.RUN) != about["run"]:
        return
    with suppress(Overtaken):
        portion = await _taken_over(services, account, task)
        async with _alive(portion):
            is_over = await _work(portion)
        await _end(portion, is_over=is_over)


RUN = Kind(name="task", run=_run, lease=BEGUN_WITHIN)


async def _taken_over(services: Services, account: Account, task: Document) -> _Portion:
    """The next portion, as the one who runs the task. Raises :class:`Overtaken`."""
    account_id, task_id, run = account.account_id, task["_id"], new_id()
    done = await reached(services, task)
    stuck = task.get(facts.STUCK) or {"before": -1}
    times = stuck["times"] + 1 if stuck["before"] == done.rows else 1
    after = services.settings.tasks.takeover_after
    job = asked(services.clock, RUN, _about(account_id, task_id, run), after=after)
    put = _changed(
        services,
        task,
        {
            facts.RUN: run,
            facts.NODE: node_name(),
            facts.STUCK: {"before": done.rows, "times": times},
        },
    )
    former = Remove(fence_key(account_id, task[facts.RUN]))
    try:
        await services.commit(
            Batch(puts=(put, fence_put(account_id, run), job), removes=(former,))
        )
    except Conflict:
        raise Overtaken from None
    fenced = Fenced(services.writer, fence_key(account_id, run))
    return _Portion(
        services=replace(services, writer=fenced),
        plainly=services,
        account=account,
        task=put.document,
        fenced=fenced,
        next_job=job,
        done=done,
        is_stuck=times > MOST_STUCK,
        until=time.monotonic() + PORTION,
    )


def _changed(services: Services, task: Document, changes: Document) -> Put:
    """The write that changes a task as whoever made it wanted."""
    account_id = task["pvt_account_id"]
    actor = Actor(services=services, account_id=account_id, request_id=task["_id"])
    key = task_key(account_id, task["_id"])
    document = continued(actor, key, {**task, **changes})
    family = services.registry.collection(facts.TASK_TYPE)
    return put_of(family, key, document, task["_rev"])


@asynccontextmanager
async def _alive(portion: _Portion) -> AsyncIterator[None]:
    """Give signs of life; when the server stops, leave the rest to others at once."""
    after = portion.plainly.settings.tasks.takeover_after
    try:
        async with repeated(partial(_postpone, portion, after=after), every=after / 3):
            yield
    except asyncio.CancelledError:
        await _postpone(portion, after=0)
        raise


async def _postpone(portion: _Portion, *, after: float) -> None:
    """Have the next portion be due later. Who has taken it already goes on with it."""
    put = due(portion.plainly.clock, portion.next_job, after=after)
    try:
        await portion.plainly.commit(Batch(puts=(put,)))
    except (StoreError, CrossbarError) as error:
        log.warning("task_sign_of_life_failed", error=type(error).__name__)
    else:
        portion.next_job = put


async def _end(portion: _Portion, *, is_over: bool) -> None:
    """Say how far the task has come, and that others may go on. Raises :class:`Overtaken`."""
    services, account_id = portion.plainly, portion.account.account_id
    actor = Actor(services=services, account_id=account_id, request_id=portion.task["_id"])
    if is_over:
        ended = {facts.ENDED: services.clock.gregorian(), facts.RUN: None}
        put = _changed(services, portion.task, ended)
        batch = Batch(
            puts=(put, finish_of(services, portion.key)),
            removes=(
                Remove(portion.next_job.key, portion.next_job.document["_rev"]),
                Remove(fence_key(account_id, portion.task[facts.RUN])),
            ),
            events=(event_of(actor, "changed", put),),
        )
    else:
        told = event_of(actor, "changed", Put(portion.key, portion.task, None))
        job = due(services.clock, portion.next_job, after=0)
        batch = Batch(puts=(job,), events=(told,))
    try:
        await services.commit(batch)
    except Conflict:
        raise Overtaken from None


def finish_of(services: Services, key: Key) -> Put:
    """The job that makes one file of what a task has done."""
    return asked(services.clock, FINISH, {"account_id": key.account_id, "task_id": key.doc_id})


async def _work(portion: _Portion) -> bool:
    """Do rows for as long as the portion lasts; whether there are none left."""
    services, task = portion.services, portion.task
    action = action_named(services, task[facts.CATEGORY], task[facts.ACTION])
    try:
        caller = await services.credentials.still(facts.caller_of(task[facts.AUTHOR]))
    except CrossbarError:
        return await _give_up(portion, NOT_ALLOWED)
    if action is None:
        return await _give_up(portion, UNKNOWN)
    actor = Actor(
        services=services,
        account_id=portion.account.account_id,
        account=portion.account,
        caller=caller,
        request_id=task["_id"],
    )
    worker = Worker(actor=actor, task=task, fenced=portion.fenced)
    if action.make is not None:
        return await _make(portion, worker, action)
    return await _do_all(portion, worker, action)


async def _give_up(portion: _Portion, reason: str) -> bool:
    """Write a row that says why the task ends here."""
    row = {facts.ERROR: reason}
    await portion.fenced.commit(Batch(puts=(piece_put(portion.task, portion.done, [row], None),)))
    return True


async def _make(portion: _Portion, worker: Worker, action: TaskAction) -> bool:
    """Write rows that the action makes."""
    assert action.make is not None  # noqa: S101 - tells the type checker
    if portion.is_stuck:
        return await _give_up(portion, CRASHED)
    if portion.done.at == OVER:
        return True
    try:
        async for rows, at in action.make(worker, portion.done.at):
            if rows:
                piece = piece_put(portion.task, portion.done, rows, at)
                await portion.fenced.commit(Batch(puts=(piece,)))
                portion.done = reached_by(piece)
            if time.monotonic() >= portion.until:
                return False
    except (Refused, CrossbarError) as refusal:
        return await _give_up(portion, told_of(refusal))
    return True


async def _do_all(portion: _Portion, worker: Worker, action: TaskAction) -> bool:
    """Do rows of the input, one after the other."""
    pause = portion.plainly.settings.tasks.wait_after_row_ms / 1000
    async for rows, at in _groups(portion, action.together):
        await _do(portion, worker, action, rows, at)
        portion.is_stuck = False
        if time.monotonic() >= portion.until:
            return False
        if pause:
            await asyncio.sleep(pause)
    return True


async def _groups(portion: _Portion, size: int) -> AsyncIterator[tuple[list[Cells], Any]]:
    """The rows that are not done yet, some at a time, each time with where they end."""
    task, (at, number) = portion.task, portion.done.at
    file, columns = task[ATTACHMENTS][facts.INPUT]["id"], task[facts.COLUMNS]
    chunks = read_attachment(portion.plainly, portion.account.account_id, file, at)
    rows: list[Cells] = []
    end = at, number
    async for line in lines(chunks, number=number, at=at):
        cells = cells_of(line.text)
        if cells:
            named = zip(columns, cells, strict=False)
            # The output of another task may be the input of this one.
            rows.append({name: cell for name, cell in named if cell and name != facts.ERROR})
            end = line.end, line.number
        if len(rows) == size:
            yield rows, [*end]
            rows = []
    if rows:
        yield rows, [*end]


async def _do(
    portion: _Portion, worker: Worker, action: TaskAction, rows: list[Cells], at: Any
) -> None:
    """Do rows, and write what came of them."""
    assert action.work is not None  # noqa: S101 - tells the type checker
    written: list[Put] = []

    async def note(write: Put | Remove | None) -> Put:
        more = await worker.tell(write) if write is not None else {}
        told = [{**row, **told, **more} for row, told in zip(rows, worker.told, strict=True)]
        written[:] = [piece_put(portion.task, portion.done, told, at)]
        return written[0]

    worker.told, worker.tell = [{} for _ in rows], tell_nothing
    portion.fenced.begin(note)
    failure = await _attempted(worker, action, rows) if not portion.is_stuck else CRASHED
    if not portion.fenced.is_told:
        if failure:
            worker.told, worker.tell = [{facts.ERROR: failure} for _ in rows], tell_nothing
        await portion.fenced.tell()
    portion.done = reached_by(written[0])


async def _attempted(worker: Worker, action: TaskAction, rows: list[Cells]) -> str:
    """Do rows; why they could not be done, if they could not."""
    assert action.work is not None  # noqa: S101 - tells the type checker
    while True:
        try:
            await action.work(worker, rows)
        except (Overtaken, StoreError):
            raise
        except TooManyRequests as slower:
            await asyncio.sleep(min(slower.retry_after, LONGEST_WAIT))
        except (BadFields, Refused, CrossbarError) as refusal:
            return told_of(refusal)
        except Exception as error:
            log.exception("task_row_failed", action=action.name, error=type(error).__name__)
            return CRASHED
        else:
            return ""
