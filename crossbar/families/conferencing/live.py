"""Who is in a conference room now, as switches have told in events, or media servers answer.

Either is one document a room: ``conference_id``, ``participants`` (with their
``conference_channel_vars``), ``duration`` and ``is_locked``. While nobody tells of any, rooms are
empty.
"""

from __future__ import annotations

from typing import Any

from crossbar.core.live import ROOM, alive
from crossbar.core.ports import Command
from crossbar.core.reading import key_of, load, require_parents
from crossbar.core.requests import Actor, Request
from crossbar.documents import Document, lookup

IDLE: Document = {"members": 0, "moderators": 0, "duration": 0, "is_locked": False}
"""What is said of a room in which nobody is."""


async def live_rooms(actor: Actor, conference_id: str | None = None) -> dict[str, Document]:
    """The rooms that somebody is in, by id; only one if it is named."""
    facts = {"conference_id": conference_id} if conference_id else {}
    command = Command("conferences.state", actor.account_id, facts)
    services, now = actor.services, actor.services.clock.gregorian()
    told = [
        {**room, "duration": max(now - room["began"], 0)}
        async for room in alive(services, ROOM, actor.account_id)
        if conference_id in (None, room["conference_id"])
    ]
    answers = told or await services.switch.ask(command)
    return {room["conference_id"]: room for room in answers if "conference_id" in room}


async def load_room(request: Request, *, may_begin: bool = False) -> Document:
    """The conference that the path names, or one without a document, made for the moment.

    There is such a one while somebody is in it, or if it ``may_begin`` now. Raises
    :class:`~crossbar.errors.NoSuchDocument`, also for one that was deleted.
    """
    await require_parents(request)
    doc_id = request.doc_id
    stored = await request.services.store.get(key_of(request))
    if stored is None and (may_begin or doc_id in await live_rooms(request.actor, doc_id)):
        document, _ = request.services.schemas.apply("conferences", {})
        return {**document, "_id": doc_id}
    return await load(request)


async def participants_of(actor: Actor, conference_id: str) -> list[Document]:
    """Who is in the room."""
    rooms = await live_rooms(actor, conference_id)
    return _participants(rooms.get(conference_id))


def counters(room: Document | None) -> Document:
    """What lists and answers show of a room under ``_read_only``."""
    if room is None:
        return dict(IDLE)
    participants = _participants(room)
    moderators = sum(is_moderator(participant) for participant in participants)
    return {
        "members": len(participants) - moderators,
        "moderators": moderators,
        "duration": room.get("duration", 0),
        "is_locked": bool(room.get("is_locked")),
    }


def is_moderator(participant: Document) -> bool:
    """Whether the participant came in as a moderator."""
    return bool(lookup(participant, ("conference_channel_vars", "is_moderator")))


def _participants(room: Document | None) -> list[Document]:
    participants: Any = (room or {}).get("participants")
    return participants if isinstance(participants, list) else []


def state_of(room: Document | None) -> Document:
    """What reading one conference shows under ``_read_only``."""
    return {**counters(room), "participants": _participants(room)}
