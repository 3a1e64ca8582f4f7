"""Presence: what busy lamps show, asked, reset and set."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from crossbar.core.answers import SOME_OBJECT, TEXT, Answers
from crossbar.core.change import event_of
from crossbar.core.live import LAMP, SUBSCRIPTION, alive, find_alive
from crossbar.core.ports import Command
from crossbar.core.reading import load_document
from crossbar.core.requests import Action, Actor, Request, Result
from crossbar.core.shapes import Access, Nesting, Routes, Scope, route
from crossbar.core.stamping import stamped
from crossbar.core.subobjects import holder_of
from crossbar.core.writing import in_turn
from crossbar.documents import Document, lookup, merge, public
from crossbar.errors import FaultyRequest, NoSuchDocument, ValidationFailed
from crossbar.families.endpoints.endpoints import devices_behind
from crossbar.storage import Batch, Entry, Key, Put

STATES = ("confirmed", "early", "terminated")
ACTIONS = ("reset", "set")
REPORT_PREFIX = "report-"

NOBODY: Document = {"timeout": True}
"""What is answered when no presence server has."""

MANUAL = "manual_presence"
"""Type, id and field of the document that keeps the states which were set by hand."""


async def summarize(request: Request) -> Result:
    """How many subscriptions there are, as told, else from every presence server together."""
    counted: Document = {}
    async for each in alive(request.services, SUBSCRIPTION, request.account_id):
        if request.control("event") in (None, each["event"]):
            counted[each["event"]] = counted.get(each["event"], 0) + 1
    if counted:
        return Result(data={"subscriptions": counted})
    answers = await request.services.switch.ask(_question(request, "presence.summary"))
    return Result(data=summed(answers) if answers else NOBODY)


async def detail(request: Request) -> Result:
    """The subscriptions to one extension, and what its lamp shows."""
    extension = request.ids["extension"]
    if extension.startswith(REPORT_PREFIX):
        raise NoSuchDocument(extension)
    told = await _told_of(request, extension)
    if told:
        return Result(data={extension: told})
    data: Document = {}
    question = _question(request, "presence.detail", extension=extension)
    for document in await request.services.switch.ask(question):
        data = merge(data, document)
    return Result(data=data or NOBODY)


async def _told_of(request: Request, extension: str) -> Document:
    """What switches have told of an extension: its lamp, and who wants to know of it."""
    services, account_id = request.services, request.account_id
    lamp = await find_alive(services, LAMP, account_id, extension)
    told = public(lamp) if lamp else {}
    subscriptions = {
        each["call_id"]: public(each)
        async for each in alive(services, SUBSCRIPTION, account_id, Entry("lamp", extension))
        if request.control("event") in (None, each["event"])
    }
    return {**told, "subscriptions": subscriptions} if subscriptions else told


def _question(request: Request, name: str, **facts: Any) -> Command:
    event = request.control("event")
    facts |= {"event": event} if isinstance(event, str) else {}
    return Command(name, request.account_id, {**facts, "realm": request.require_account().realm})


def summed(documents: Iterable[Document]) -> Document:
    """The documents as one, their numbers added up at every depth."""
    total: Document = {}
    for document in documents:
        for name, value in document.items():
            before = total.get(name)
            if isinstance(value, dict) and isinstance(before, dict):
                total[name] = summed((before, value))
            elif type(value) is type(before) is int:  # which yes and no are not
                total[name] = before + value
            else:
                total[name] = value
    return total


async def reset_extension(request: Request) -> Result:
    """Forget what is known of one extension."""
    extension = request.ids["extension"]
    await _reset(request.actor, [extension])
    return Result(data=f"reset command sent for extension {extension}")


async def refuse(request: Request) -> Result:
    """Nothing can be reset without saying what."""
    raise FaultyRequest


async def command(request: Request) -> Result:
    """Reset or set the presence of a device, or of a user and else of the user's devices."""
    endpoint = await load_document(request.actor, holder_of(request))
    action, state = _asked(request)
    names = await presence_ids_of(request.actor, endpoint)
    if not names:
        return Result(data="nothing to send command to")
    if action == "set":
        await _keep(request.actor, dict.fromkeys(names, state))
        for name in names:
            facts = {"presence_id": name, "state": state}
            await request.services.switch.tell(Command("presence.set", request.account_id, facts))
    else:
        await _reset(request.actor, names)
    return Result(data="command sent")


def _asked(request: Request) -> tuple[str, str]:
    """The action and the state that were asked for."""
    action, state = request.control("action"), request.control("state")
    if action is None and request.says_yes("reset"):
        action = "reset"
    if action not in ACTIONS:
        message = "Value not found in enumerated list of values"
        raise ValidationFailed.of("action", "invalid", message, target="invalid")
    if action == "set" and state not in STATES:
        message = "Value not found in enumerated list of values"
        raise ValidationFailed.of("state", "invalid", message, target="invalid")
    return action, state


async def presence_ids_of(actor: Actor, endpoint: Document) -> list[str]:
    """Under which names the lamps of others know the endpoint."""
    own = endpoint.get("presence_id")
    if isinstance(own, str) and own:
        return [own]
    devices = await devices_behind(actor, endpoint)
    names = (
        device.get("presence_id") or lookup(device, ("sip", "username")) for device in devices
    )
    return list(dict.fromkeys(name for name in names if isinstance(name, str) and name))


async def _reset(actor: Actor, names: Iterable[str]) -> None:
    for name in names:
        facts = {"presence_id": name, "realm": actor.require_account().realm}
        await actor.services.switch.tell(Command("presence.reset", actor.account_id, facts))


async def _keep(actor: Actor, states: Document) -> None:
    """Remember states that were set by hand, for phones that ask later."""
    key = Key(actor.account_id, MANUAL, MANUAL)

    async def attempt() -> None:
        current = await actor.services.store.get(key)
        document = stamped(actor, key, merge(current or {}, {MANUAL: states}))
        put = Put(key, document, current["_rev"] if current else None, sort=None)
        event = event_of(actor, "changed" if current else "created", put, current)
        await actor.services.commit(Batch(puts=(put,), events=(event,)))

    await in_turn(actor, key, attempt)


PRESENCE = Routes(
    noun="presence",
    routes=(
        route("", Action.FETCH, summarize, "Count subscriptions", answers=Answers(SOME_OBJECT)),
        route("", Action.REPLACE, refuse, "Refused: an extension must be named"),
        route(
            "{extension}",
            Action.FETCH,
            detail,
            "Read the subscriptions to an extension",
            answers=Answers(SOME_OBJECT),
        ),
        route(
            "{extension}",
            Action.REPLACE,
            reset_extension,
            "Reset an extension",
            answers=Answers(TEXT),
        ),
    ),
    scopes=(Scope.ACCOUNT,),
    access=Access.ACCOUNT,
)
PRESENCE_OF_ENDPOINT = Routes(
    noun="presence",
    routes=(
        route(
            "", Action.REPLACE, command, "Reset or set what busy lamps show", answers=Answers(TEXT)
        ),
    ),
    scopes=(),
    nested=(Nesting(noun="users", doc_type="user"), Nesting(noun="devices", doc_type="device")),
    access=Access.ACCOUNT,
)
