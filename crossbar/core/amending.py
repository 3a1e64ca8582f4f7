"""Altering part of a stored document beside its own recipes: an attachment, a sub-object.

What is altered has been judged already and no other field is touched, so the family's hooks do not
run; its claims and index entries are kept up with the document.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress

from crossbar.core.change import Change
from crossbar.core.recipes import ATTEMPTS, commit_private, load_document
from crossbar.core.requests import Context
from crossbar.core.shapes import Collection, Singleton
from crossbar.documents import Document
from crossbar.errors import Conflict
from crossbar.storage import Key

Alter = Callable[[Change], Awaitable[None]]


async def amend(
    context: Context, family: Collection | Singleton, key: Key, alter: Alter
) -> Document:
    """Load, alter and commit; again from the start when another write came between.

    Only a client that named a revision is told of the race. Raises :class:`NoSuchDocument`.
    """
    async with context.services.turns.of(key):
        for _ in range(1 if context.if_match else ATTEMPTS):
            current = await load_document(context, key)
            change = Change(
                context=context, family=family, key=key, document=dict(current), current=current
            )
            await alter(change)
            with suppress(Conflict):
                return await commit_private(change)
    raise Conflict
