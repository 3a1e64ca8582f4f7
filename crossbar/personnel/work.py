"""How rows are written: in one commit each request, with what follows from them, in turn."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from crossbar.core import sequences, writing
from crossbar.core.change import Change, Note
from crossbar.core.requests import Actor, Request
from crossbar.core.writing import Work
from crossbar.documents import Document
from crossbar.storage import Key

T = TypeVar("T")

COUNTER = "perscom_counter"

VALUES: Note[Document] = Note({})
"""The columns that the body sets, converted; ``None`` empties one."""

BODY: Note[Document] = Note({})
"""The body as it was sent."""


def sequence_of(actor: Actor, kind: str) -> Key:
    """Where the account's numbers of a kind of rows come from."""
    return Key(actor.account_id, COUNTER, f"{COUNTER}-{kind}")


async def last_number(actor: Actor, kind: str) -> int:
    """The last number of a sequence of the account that was used; 0 for none."""
    return await sequences.last_number(actor.services.store, sequence_of(actor, kind))


def work_of(change: Change) -> Work:
    """The work that a change is part of, for its hooks."""
    if change.work is None:
        raise LookupError("rows are written as parts of a work")
    return change.work


def request_of(work: Work) -> Request:
    """The request that asks for the work."""
    if work.request is None:
        raise LookupError("nobody has asked for the work")
    return work.request


async def perform(
    actor: Actor, build: Callable[[Work], Awaitable[T]], request: Request | None = None
) -> T:
    """Build the work and commit it; the writers of one account take turns."""
    return await writing.perform(actor, Key(actor.account_id, COUNTER, COUNTER), build, request)
