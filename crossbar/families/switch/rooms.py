"""What events say of conferences: who is in one, and what that is told as."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from crossbar.core.live import ROOM
from crossbar.documents import Document
from crossbar.families.switch.board import Board, Told, ends_of, plain_facts

CHANGES = {
    ("hear", True): "undeaf-member",
    ("hear", False): "deaf-member",
    ("speak", True): "unmute-member",
    ("speak", False): "mute-member",
    ("talking", True): "start-talking",
    ("talking", False): "stop-talking",
}
"""What is told when something else becomes true of a participant."""


async def set_room(board: Board, told: Told) -> None:
    """Who is in a conference; the last one to leave ends it."""
    name = told.data["conference_id"]
    before = await board.live(ROOM, told.account_id, name)
    people = told.data["participants"]
    if before is None and not people:
        return
    for event, person in _news(before or {}, told.data):
        facts = plain_facts(person) | {"event": event, "conference_id": name}
        about = f"{name}.{facts['call_id']}" if "call_id" in facts else name
        board.happens(told, "conference_event", facts, about)
    if people:
        began = before["began"] if before else told.at
        facts = {"began": began, **told.data}
        await board.set_live(ROOM, told, name, facts, ends_of(board, told))
    elif before is not None:
        await board.end_live(ROOM, told, before)


def _news(before: Document, now: Document) -> Iterator[tuple[str, Document]]:
    """What has changed, as a switch names it, and whom it is about."""
    known, present = _by_name(before), _by_name(now)
    if not known:
        yield "conference-create", {}
    for name, person in present.items():
        if name not in known:
            yield "add-member", person
        else:
            yield from ((event, person) for event in _changes(known[name], person))
    for name, person in known.items():
        if name not in present:
            yield "del-member", person
    if "is_locked" in now and now["is_locked"] != before.get("is_locked", False):
        yield "lock" if now["is_locked"] else "unlock", {}
    if not present:
        yield "conference-destroy", {}


def _by_name(room: Document) -> dict[str, Document]:
    """The participants by what they are known by."""
    found: dict[str, Any] = {}
    for number, person in enumerate(room.get("participants", ())):
        found[str(person.get("participant_id", person.get("call_id", f"#{number}")))] = person
    return found


def _changes(before: Document, now: Document) -> Iterator[str]:
    for (name, value), event in CHANGES.items():
        if now.get(name) is value and before.get(name) is (not value):
            yield event
