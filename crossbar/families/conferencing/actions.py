"""What can be done to a running conference and to those in it.

The media server is told and nobody waits, but for dialing out. What is refused here is what the
document or the request itself shows to be wrong. A room needs no document: dialing out makes one
for the moment, which is there for as long as somebody is in it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from crossbar.core.answers import DOCUMENT, SOME_OBJECT, Answers, some
from crossbar.core.commands import Asked, asked_of
from crossbar.core.ports import Command
from crossbar.core.reading import load_document
from crossbar.core.recipes import answer
from crossbar.core.requests import Action, Actor, Request, Result
from crossbar.core.shapes import Handler, Route
from crossbar.documents import Document
from crossbar.errors import FaultyRequest, NoSuchDocument, ValidationFailed
from crossbar.families.conferencing.dialing import dial
from crossbar.families.conferencing.live import is_moderator, load_room, participants_of
from crossbar.storage import Key

Act = Callable[[Request, Document], Awaitable[Any]]
"""Does something to the conference of the request with arguments; returns what is answered."""

OK = "ok"
RECORDING = {"start": "starting recording", "stop": "stopping recording"}

IS_TOUCHED: Mapping[str, Callable[[Document], bool]] = {
    "mute": lambda participant: bool(participant.get("speak", True)),
    "unmute": lambda participant: not participant.get("speak", False),
    "deaf": lambda participant: bool(participant.get("hear", True)),
    "undeaf": lambda participant: not participant.get("hear", False),
}
"""Whom an action on all concerns: those who are in the opposite state, or may be."""


async def _tell(request: Request, name: str, /, **facts: Any) -> None:
    told = {"conference_id": request.doc_id, **facts}
    await request.services.switch.tell(Command(f"conferences.{name}", request.account_id, told))


async def _simply(action: str, request: Request, arguments: Document) -> str:
    await _tell(request, action)
    return OK


async def _play(request: Request, arguments: Document) -> str:
    await _tell(request, "play", media_id=await _media_id(request.actor, arguments))
    return OK


async def _media_id(actor: Actor, arguments: Document) -> str:
    """The media document to play, which must exist."""
    _require(arguments, "media_id")
    media_id = arguments["media_id"]
    if not isinstance(media_id, str):
        message = "Value did not match type(s): string"
        raise ValidationFailed.of("data.media_id", "type", message, target="string")
    await load_document(actor, Key(actor.account_id, "media", media_id))
    return media_id


def _require(arguments: Document, name: str) -> None:
    message = "Field is required but missing"
    if not arguments:
        raise ValidationFailed.of("data", "required", message)
    if name not in arguments:
        raise ValidationFailed.of(f"data.{name}", "required", message)


async def _record(request: Request, arguments: Document) -> str:
    if "action" not in arguments:
        message = "Field is required but missing"
        raise ValidationFailed.of("data.action", "required", message)
    order = arguments["action"]
    if not isinstance(order, str) or order not in RECORDING:
        message = "Value not found in enumerated list of values"
        raise ValidationFailed.of(
            "data.action", "enum", message, target=list(RECORDING), value=order
        )
    await _tell(request, "record", action=order)
    return RECORDING[order]


async def _each_member(action: str, request: Request, arguments: Document) -> Document:
    """Members in the opposite state; those who moderate are left alone."""
    for participant in await participants_of(request.actor, request.doc_id):
        if not is_moderator(participant) and IS_TOUCHED[action](participant):
            await _tell(request, action, participant_id=participant.get("participant_id"))
    return await _conference(request)


async def _kick_all(request: Request, arguments: Document) -> Document:
    """Everybody, moderators too."""
    for participant in await participants_of(request.actor, request.doc_id):
        await _tell(request, "kick", participant_id=participant.get("participant_id"))
    return await _conference(request)


async def _conference(request: Request) -> Document:
    document: Document = (await answer(request, await load_room(request))).data
    return document


async def _relate(request: Request, arguments: Document) -> str:
    """Whether two participants, who must be there, hear each other."""
    named = {**arguments, "conference_id": request.doc_id}
    relation, errors = request.services.schemas.apply("metaflows.relate", named)
    if errors:
        raise ValidationFailed({f"data.{path}": found for path, found in errors.items()})
    present = {
        str(participant.get("participant_id"))
        for participant in await participants_of(request.actor, request.doc_id)
    }
    for role in ("participant_id", "other_participant"):
        if str(relation[role]) not in present:
            raise NoSuchDocument(str(relation[role]))
    facts = {name: relation[name] for name in ("participant_id", "other_participant")}
    await _tell(request, "relate", **facts, relationship=relation["relationship"])
    return "relating participants"


async def _to_one(action: str, request: Request, arguments: Document) -> str:
    await _tell(request, action, participant_id=int(request.ids["participant_id"]))
    return OK


async def _play_to_one(request: Request, arguments: Document) -> str:
    media_id = await _media_id(request.actor, arguments)
    participant_id = int(request.ids["participant_id"])
    await _tell(request, "play", media_id=media_id, participant_id=participant_id)
    return OK


ON_CONFERENCE: Mapping[str, Act] = {
    "dial": dial,
    "lock": partial(_simply, "lock"),
    "play": _play,
    "record": _record,
    "unlock": partial(_simply, "unlock"),
}
ON_ALL: Mapping[str, Act] = {
    **{action: partial(_each_member, action) for action in IS_TOUCHED},
    "kick": _kick_all,
    "play": _play,
    "relate": _relate,
}
ON_ONE: Mapping[str, Act] = {
    **{action: partial(_to_one, action) for action in (*IS_TOUCHED, "kick")},
    "play": _play_to_one,
}


async def _run(acts: Mapping[str, Act], request: Request) -> Result:
    asked: Asked = asked_of(request)
    act = acts.get(asked.action) if isinstance(asked.action, str) else None
    await load_room(request, may_begin=act is dial)
    if act is None:
        raise FaultyRequest("unknown or missing action", target=list(acts))
    return Result(data=await act(request, asked.arguments))


async def act_on_conference(request: Request) -> Result:
    """Do something to the whole conference."""
    return await _run(ON_CONFERENCE, request)


async def act_on_all(request: Request) -> Result:
    """Do something to everybody who is there."""
    return await _run(ON_ALL, request)


async def act_on_one(request: Request) -> Result:
    """Do something to one participant, whose id is a number."""
    participant_id = request.ids["participant_id"]
    if not (participant_id.isascii() and participant_id.isdigit() and len(participant_id) < 19):
        raise NoSuchDocument(participant_id)
    return await _run(ON_ONE, request)


async def list_participants(request: Request) -> Result:
    """Everybody who is there."""
    await load_room(request)
    return Result(data=await participants_of(request.actor, request.doc_id))


async def fetch_participant(request: Request) -> Result:
    """One of those who are there; nothing of one who is not."""
    await load_room(request)
    wanted = request.ids["participant_id"]
    for participant in await participants_of(request.actor, request.doc_id):
        if str(participant.get("participant_id")) == wanted:
            return Result(data=participant)
    return Result(data={})


async def fetch_conference(request: Request) -> Result:
    """One conference, with who is in it now."""
    return await answer(request, await load_room(request))


def _route(path: str, action: Action, handler: Handler, about: str, answers: Answers) -> Route:
    return Route(
        path=f"{{conference_id}}/{path}".rstrip("/"),
        action=action,
        handler=handler,
        about=about,
        loads=False,
        answers=answers,
    )


DONE = Answers({"type": ["string", "object"]})


LIVE_ROUTES = (
    _route("", Action.FETCH, fetch_conference, "Read conferences", DOCUMENT),
    _route("", Action.CREATE, act_on_conference, "Lock, play to, record or dial out", DONE),
    _route(
        "participants",
        Action.LIST,
        list_participants,
        "List participants",
        Answers(some(SOME_OBJECT)),
    ),
    _route("participants", Action.CREATE, act_on_all, "Do something to all participants", DONE),
    _route(
        "participants/{participant_id}",
        Action.FETCH,
        fetch_participant,
        "Read a participant",
        Answers(SOME_OBJECT),
    ),
    _route(
        "participants/{participant_id}", Action.CREATE, act_on_one, "Do something to one", DONE
    ),
)
