"""A task as a document of its account, the rows that it has done, and what is shown of it.

What came of the rows is kept in *pieces*, documents beside the task: each is written in the commit
of the rows that it tells of. So the last piece says how far a task has come, to the row, and there
is nothing beside it that could say otherwise. When a task is over its pieces become one file.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, NamedTuple, cast

from crossbar.core.attachments import ATTACHMENTS
from crossbar.core.paging import LAST
from crossbar.core.requests import Caller
from crossbar.core.services import Services
from crossbar.documents import Document, next_revision
from crossbar.storage import Key, Put, Row, Span

TASK_TYPE, PIECE_TYPE = "task", "task_piece"

INPUT, OUTPUT = "in.csv", "out.csv"
CSV = "text/csv"

CATEGORY, ACTION = "pvt_category", "pvt_action"
FILE_NAME, AUTHOR, CONTROLS = "pvt_file_name", "pvt_author", "pvt_controls"
COLUMNS, BEGIN = "pvt_columns", "pvt_begin"
"""The columns of the input, and where in its bytes the first row begins, after which line."""

STARTED, ENDED, STOPPED = "pvt_started", "pvt_ended", "pvt_stopped"
TOTAL, SUCCESSES, FAILURES = "pvt_total", "pvt_successes", "pvt_failures"
NODE = "pvt_node"
RUN = "pvt_run"
"""Who runs the task now: the one that has written this name here."""

STUCK = "pvt_stuck"
"""Before which row the last run began, and how many in a row began there."""

ERROR = "error"
"""The column of the output that says why a row failed."""


class Reached(NamedTuple):
    """How far a task has come: the rows that are done, and from where the next is read."""

    rows: int
    at: Any
    successes: int
    failures: int


def piece_key(task: Document, first: int) -> Key:
    """Where the piece that begins with a row is kept."""
    return Key(task["pvt_account_id"], PIECE_TYPE, f"{task['_id']}-{first:010}")


def piece_put(task: Document, before: Reached, rows: list[Document], at: Any) -> Put:
    """The write of what came of the next rows; only one can ever be written of a row."""
    key = piece_key(task, before.rows)
    failed = sum(1 for row in rows if row.get(ERROR))
    document: Document = {
        "_id": key.doc_id,
        "_rev": next_revision(None),
        "pvt_type": PIECE_TYPE,
        "pvt_account_id": key.account_id,
        "rows": rows,
        "reached": [
            before.rows + len(rows),
            at,
            before.successes + len(rows) - failed,
            before.failures + failed,
        ],
    }
    return Put(key, document, None, sort=key.doc_id)


def reached_by(put: Put) -> Reached:
    """How far a task has come with a piece."""
    return Reached(*put.document["reached"])


def pieces_of(services: Services, account_id: str, task_id: str) -> AsyncIterator[Row]:
    """The pieces of a task, in the order of their rows."""
    span = Span(
        account_id=account_id,
        doc_type=PIECE_TYPE,
        low=f"{task_id}-",
        high=f"{task_id}-{LAST}",
        portion=25,
    )
    return services.store.scan(span)


async def reached(services: Services, task: Document) -> Reached:
    """How far a task has come."""
    if SUCCESSES in task:
        counts = task[SUCCESSES], task[FAILURES]
        return Reached(sum(counts), None, *counts)
    span = Span(
        account_id=task["pvt_account_id"],
        doc_type=PIECE_TYPE,
        low=f"{task['_id']}-",
        high=f"{task['_id']}-{LAST}",
        descending=True,
        portion=1,
    )
    # What is left open of a walk costs memory.
    rows = cast("Any", services.store.scan(span))
    async with aclosing(rows):
        last = await anext(rows, None)
    if last is None:
        return Reached(0, task.get(BEGIN), 0, 0)
    return Reached(*last.document["reached"])


def status_of(task: Document, done: Reached) -> str:
    """The state of a task, in KAZOO's words."""
    if STARTED not in task:
        return "pending"
    if ENDED not in task:
        return "executing"
    if task.get(STOPPED):
        return "stopped"
    total = task.get(TOTAL, done.rows)
    if done.rows < total:
        return "internal_error"
    if not done.failures:
        return "success"
    return "partial" if done.successes else "failure"


def facts_of(task: Document, done: Reached) -> Document:
    """What is told of a task; what it has not is left out."""
    author = task[AUTHOR]
    facts = {
        "id": task["_id"],
        "node": task.get(NODE),
        "account_id": task["pvt_account_id"],
        "auth_account_id": author["account_id"],
        "category": task[CATEGORY],
        "action": task[ACTION],
        "file_name": task.get(FILE_NAME),
        "created": task["pvt_created"],
        "start_timestamp": task.get(STARTED),
        "end_timestamp": task.get(ENDED),
        "total_count": task.get(TOTAL),
        "failure_count": done.failures if STARTED in task else None,
        "success_count": done.successes if STARTED in task else None,
        "status": status_of(task, done),
    }
    return {name: value for name, value in facts.items() if value is not None}


def files_of(task: Document, done: Reached) -> list[str]:
    """The files that a task has; its output is one already while it runs."""
    names = [*task.get(ATTACHMENTS, {})]
    if done.rows and OUTPUT not in names:
        names.append(OUTPUT)
    return names


def author_of(caller: Caller) -> Document:
    """What is kept of who makes a task."""
    kept: Document = {
        "account_id": caller.account_id,
        "user_id": caller.user_id,
        "method": caller.method,
        "rules": caller.rules,
        "behind": author_of(caller.behind) if caller.behind else None,
    }
    return {name: value for name, value in kept.items() if value is not None}


def caller_of(author: Document) -> Caller:
    """Who made a task, without any powers: what they are now has to be asked."""
    behind = author.get("behind")
    return Caller(
        account_id=author["account_id"],
        user_id=author.get("user_id"),
        method=author["method"],
        priv_level="user",
        rules=author.get("rules"),
        behind=caller_of(behind) if behind else None,
    )
