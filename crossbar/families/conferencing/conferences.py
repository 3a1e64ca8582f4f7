"""Conference rooms: the documents, with what is live about them.

What can be done to those inside is in ``conference_actions``.
"""

from __future__ import annotations

from collections.abc import Iterable

from crossbar.core.answers import ROWS
from crossbar.core.presenting import row_maker
from crossbar.core.reading import list_span, listed_span
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import (
    FLAGS,
    Collection,
    Column,
    Hooks,
    Nesting,
    Route,
    Unique,
    field_index,
)
from crossbar.documents import Document, texts_at
from crossbar.families.billing import billed, freed
from crossbar.families.conferencing.actions import LIVE_ROUTES
from crossbar.families.conferencing.live import counters, live_rooms, state_of

NUMBER_FIELDS = (("conference_numbers",), ("member", "numbers"), ("moderator", "numbers"))


def _numbers(document: Document) -> Iterable[str]:
    """All three kinds of numbers share one namespace."""
    for path in NUMBER_FIELDS:
        yield from texts_at(document, *path)


async def add_live_state(request: Request, shown: Document, stored: Document) -> None:
    """On reading one conference: who is in it now."""
    if request.operation.action is Action.FETCH:
        rooms = await live_rooms(request.actor, stored["_id"])
        shown["_read_only"] = state_of(rooms.get(stored["_id"]))


async def list_conferences(request: Request) -> Result:
    """The account's or a user's conferences, with what is live about them."""
    span = await listed_span(request)
    rooms = await live_rooms(request.actor)
    make = await row_maker(request)

    def show(document: Document) -> Document:
        row = make(document)
        room = rooms.get(document["_id"])
        return (
            row
            if room is None or "_read_only" not in row
            else {**row, "_read_only": counters(room)}
        )

    return await list_span(request, span, show)


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
        Column("_read_only", lambda _: counters(None)),
        FLAGS,
    ),
    unique=(Unique(path="numbers", values=_numbers, message="Numbers already in use"),),
    indexes=(field_index("owner_id"),),
    nested=(Nesting(noun="users", doc_type="user", index="owner_id"),),
    hooks=Hooks(
        prepare=(billed("conferences"),),
        deleting=(freed("conferences"),),
        present=(add_live_state,),
    ),
    routes=(
        Route(
            path="",
            action=Action.LIST,
            handler=list_conferences,
            about="List conferences",
            answers=ROWS,
        ),
        *LIVE_ROUTES,
    ),
)
