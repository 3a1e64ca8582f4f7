"""Altering part of a stored document beside its own recipes: an attachment, a sub-object.

What is altered has been judged already and no other field is touched, so the family's hooks do not
run; its claims and index entries are kept up with the document.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from crossbar.core.change import Change
from crossbar.core.reading import load_document
from crossbar.core.requests import Request
from crossbar.core.shapes import Collection, Singleton
from crossbar.core.writing import commit_private, in_turn
from crossbar.documents import Document
from crossbar.storage import Key

Alter = Callable[[Change], Awaitable[None]]


async def amend(
    request: Request, family: Collection | Singleton, key: Key, alter: Alter
) -> Document:
    """Load, alter and commit; again from the start when another write came between.

    Only a client that named a revision is told of the race. Raises :class:`NoSuchDocument`.
    """

    async def attempt() -> Document:
        current = await load_document(request.actor, key)
        change = Change(
            actor=request.actor,
            request=request,
            family=family,
            key=key,
            document=dict(current),
            current=current,
        )
        await alter(change)
        return await commit_private(change)

    return await in_turn(request.actor, key, attempt, once=request.if_match is not None)
