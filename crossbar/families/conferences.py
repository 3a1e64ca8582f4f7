"""Conference rooms (resources/conferences.md): the documents; no switch reports who is inside."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from crossbar.core.actions import Action, Context
from crossbar.core.shapes import (
    FLAGS,
    Collection,
    Column,
    Hooks,
    Nesting,
    Unique,
    field_index,
)
from crossbar.documents import Document, lookup

NUMBER_FIELDS = (("conference_numbers",), ("member", "numbers"), ("moderator", "numbers"))


def _numbers(document: Document) -> Iterable[str]:
    """All three kinds of numbers share one namespace."""
    for path in NUMBER_FIELDS:
        values: Any = lookup(document, path, ())
        if isinstance(values, list):
            yield from (value for value in values if isinstance(value, str))


def _idle(_: Document) -> Document:
    return {"members": 0, "moderators": 0, "duration": 0, "is_locked": False}


async def add_live_state(context: Context, shown: Document, stored: Document) -> None:
    """On reading one conference: its live state, which is that of an empty room."""
    if context.operation.action is Action.FETCH:
        shown["_read_only"] = {**_idle(stored), "participants": []}


CONFERENCES = Collection(
    noun="conferences",
    doc_type="conference",
    schema="conferences",
    summary=(
        "name",
        "owner_id",
        "member",
        "moderator",
        "ui_flags",
        "conference_numbers",
        Column("_read_only", _idle),
        FLAGS,
    ),
    unique=(Unique(path="numbers", values=_numbers, message="Numbers already in use"),),
    indexes=(field_index("owner_id"),),
    nested=(Nesting(noun="users", doc_type="user", index="owner_id"),),
    hooks=Hooks(present=(add_live_state,)),
)
