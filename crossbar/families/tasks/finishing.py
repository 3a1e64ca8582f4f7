"""The output of a task as a table: while it runs, and when it is over as one file of the task."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

from crossbar.core.attachments import ATTACHMENTS
from crossbar.core.change import Change
from crossbar.core.directory import Account
from crossbar.core.jobs import Kind
from crossbar.core.requests import Actor, Download
from crossbar.core.services import Services
from crossbar.core.shelving import ask_to_move
from crossbar.core.tables import Spool, encoded
from crossbar.core.writing import commit_private
from crossbar.documents import Document
from crossbar.families.tasks import documents as facts
from crossbar.families.tasks.actions import action_named
from crossbar.families.tasks.documents import pieces_of, reached
from crossbar.storage import Batch, Key, Remove

PORTION = 200
"""Pieces that one commit removes."""


async def table_of(services: Services, task: Document) -> AsyncIterator[bytes]:
    """The output as CSV: columns that are empty in all rows are left out."""
    columns = await _columns_of(services, task)
    yield encoded([columns])
    async for piece in pieces_of(services, task["pvt_account_id"], task["_id"]):
        rows = piece.document["rows"]
        yield encoded([row.get(name, "") for name in columns] for row in rows)


async def _columns_of(services: Services, task: Document) -> list[str]:
    """The columns that have values, in the order of the action, then of the input."""
    met: dict[str, None] = {}
    async for piece in pieces_of(services, task["pvt_account_id"], task["_id"]):
        for row in piece.document["rows"]:
            met |= dict.fromkeys(row)
    action = action_named(services, task[facts.CATEGORY], task[facts.ACTION])
    known: Iterable[str] = (*(action.columns if action else ()), *task.get(facts.COLUMNS, ()))
    ordered = [name for name in dict.fromkeys((*known, *met)) if name in met]
    return sorted(ordered, key=lambda name: name == facts.ERROR)


def name_of(task: Document, kind: str) -> str:
    """What a file of a task is called when it is downloaded."""
    return f"{task[facts.CATEGORY]}_{task[facts.ACTION]}_{task['_id']}_{kind}"


async def download_output(services: Services, task: Document) -> Download:
    """The output as far as it goes, gathered from the pieces."""
    spool = Spool()
    async for content in table_of(services, task):
        await spool.write(content)
    return Download(
        content_type=facts.CSV,
        length=spool.length,
        filename=name_of(task, facts.OUTPUT),
        read=spool.read,
    )


async def _finish(services: Services, about: Document) -> None:
    """Make one file of what a task that is over has done, and remove the pieces."""
    key = Key(about["account_id"], facts.TASK_TYPE, about["task_id"])
    task = await services.store.get(key)
    account = await services.accounts.get(key.account_id)
    if task is not None and account is not None and facts.SUCCESSES not in task:
        await _keep_output(services, account, key, task)
    removes: list[Remove] = []
    async for piece in pieces_of(services, key.account_id, key.doc_id):
        removes.append(Remove(Key(key.account_id, facts.PIECE_TYPE, piece.position.doc_id)))
        if len(removes) == PORTION:
            await services.commit(Batch(removes=removes))
            removes = []
    if removes:
        await services.commit(Batch(removes=removes))


async def _keep_output(services: Services, account: Account, key: Key, task: Document) -> None:
    done = await reached(services, task)
    document = {**task, facts.SUCCESSES: done.successes, facts.FAILURES: done.failures}
    actor = Actor(
        services=services, account_id=key.account_id, account=account, request_id=key.doc_id
    )
    change = Change(
        actor=actor,
        family=services.registry.collection(facts.TASK_TYPE),
        key=key,
        document=document,
        current=task,
    )
    if done.rows:
        stored = await services.put_attachment(key.account_id, table_of(services, task))
        document[ATTACHMENTS] = {
            **task.get(ATTACHMENTS, {}),
            facts.OUTPUT: {
                "id": stored.attachment_id,
                "length": stored.length,
                "md5": stored.md5,
                "content_type": facts.CSV,
            },
        }
        await ask_to_move(change)
    await commit_private(change)


FINISH = Kind(name="task_output", run=_finish)
