"""Channels: the legs of running calls, as switches have told, and what can be done to them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from crossbar.core.answers import SOME_OBJECT, TEXT, Answers, some
from crossbar.core.commands import asked_of
from crossbar.core.live import CHANNEL, alive, find_alive, span_of_live
from crossbar.core.ports import Command
from crossbar.core.reading import list_span, load_document, revision_of_list
from crossbar.core.recipes import valid
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import Access, Nesting, Route, Routes, Scope, route
from crossbar.documents import Document, public
from crossbar.errors import NoSuchDocument, UnknownAction, ValidationFailed
from crossbar.storage import Entry, Key
from crossbar.validation import Refusals

ROWS = Answers(some(SOME_OBJECT))

DONE = {
    "transfer": "transfer initiated",
    "hangup": "hangup initiated",
    "break": "break initiated",
    "callflow": "callflow initiated",
    "intercept": "intercept initiated",
    "move": "move initiated",
    "start_record": "start record initiated",
    "stop_record": "stop record initiated",
}
"""What is answered when the switch was told to do something."""

NEEDED = {"transfer": ("target",), "callflow": ("id",), "intercept": ("target_type", "target_id")}
"""The arguments that an action does not go without."""


def row_of(channel: Document) -> Document:
    """A channel as lists and answers show it."""
    return public(channel)


def _in_order(channels: Iterable[Document]) -> list[Document]:
    rows = [row_of(channel) for channel in channels]
    return sorted(rows, key=lambda row: (-int(row.get("timestamp", 0)), str(row["uuid"])))


async def list_channels(request: Request) -> Result:
    """The running legs of the account, the newest first."""
    found = [each async for each in alive(request.services, CHANNEL, request.account_id)]
    rows = _in_order(found)
    return Result(data=rows, revision=revision_of_list(rows))


async def list_channels_of(request: Request) -> Result:
    """The running legs of a user, of a device, or of what is in a group."""
    entries = await _entries(request)
    found: dict[str, Document] = {}
    for entry in entries:
        async for each in alive(request.services, CHANNEL, request.account_id, entry):
            found[each["_id"]] = each
    rows = _in_order(found.values())
    return Result(data=rows, revision=revision_of_list(rows))


async def _entries(request: Request) -> list[Entry]:
    ids = request.ids
    if "group_id" not in ids:
        name = "owner" if "user_id" in ids else "device"
        return [Entry(name, ids.get("user_id") or ids["device_id"])]
    key = Key(request.account_id, "group", ids["group_id"])
    members: Any = (await load_document(request.actor, key)).get("endpoints")
    kinds = {"user": "owner", "device": "device"}
    return [
        Entry(kinds[facts["type"]], doc_id)
        for doc_id, facts in (members if isinstance(members, dict) else {}).items()
        if isinstance(facts, dict) and facts.get("type") in kinds
    ]


async def list_all_channels(request: Request) -> Result:
    """A page of the running legs of all accounts."""
    span = span_of_live(request.services.clock, CHANNEL)
    return await list_span(request, span, _with_account)


def _with_account(channel: Document) -> Document:
    return {**row_of(channel), "account_id": channel["pvt_account_id"]}


async def _load(request: Request) -> Document:
    """The channel that the path names. Raises :class:`NoSuchDocument`."""
    uuid = request.ids["channel_id"]
    found = await find_alive(request.services, CHANNEL, request.account_id, uuid)
    if found is None:
        raise NoSuchDocument(uuid)
    return found


async def fetch(request: Request) -> Result:
    """One leg of a running call."""
    found = await _load(request)
    return Result(data=row_of(found), revision=found["_rev"])


async def act(request: Request) -> Result:
    """Have the switch do something to a running call: transfer it, hang it up and so on."""
    channel = await _load(request)
    action, arguments = _asked_of(request, DONE)
    refusals = Refusals()
    if action == "transfer" and not channel.get("other_leg"):
        message = "Channel is not bridged"
        refusals.add("other_leg_call_id", "required", message)
    for name in NEEDED.get(action, ()):
        if not arguments.get(name):
            refusals.add(name, "required", "Field is required but missing")
        elif not isinstance(arguments[name], str):
            message = "Value did not match type(s): string"
            refusals.add(name, "type", message, target="string")
    if refusals:
        raise ValidationFailed(refusals)
    await _tell(request, channel, action, arguments)
    return Result(data=DONE[action])


async def run_metaflow(request: Request) -> Result:
    """Have the switch run a metaflow in a running call."""
    channel = await _load(request)
    _, arguments = _asked_of(request, ("metaflow",))
    flow = await valid(request.actor, "metaflow", arguments)
    await _tell(request, channel, "metaflow", {"metaflow": flow})
    return Result(data="metaflow sent")


def _asked_of(request: Request, permitted: Collection[str]) -> tuple[str, Document]:
    """What is to be done, and with which arguments. Raises :class:`UnknownAction`."""
    action, arguments = asked_of(request)
    if action is None:
        message = "Field is required but missing"
        raise UnknownAction.of("action", "required", message, target=[*permitted])
    if not isinstance(action, str) or action not in permitted:
        message = "Value not found in enumerated list of values"
        raise UnknownAction.of("action", "enum", message, target=[*permitted], value=action)
    return action, arguments


async def _tell(request: Request, channel: Document, action: str, arguments: Document) -> None:
    facts = {**arguments, "call_id": channel["uuid"]}
    if channel.get("other_leg"):
        facts["other_leg_call_id"] = channel["other_leg"]
    command = Command(f"channels.{action}", request.account_id, facts)
    await request.services.switch.tell(command)


CHANNELS = Routes(
    noun="channels",
    scopes=(Scope.ACCOUNT,),
    access=Access.ACCOUNT,
    routes=(
        route("", Action.LIST, list_channels, "List running calls", ROWS),
        route("{channel_id}", Action.FETCH, fetch, "Read a running call", Answers(SOME_OBJECT)),
        route(
            "{channel_id}", Action.REPLACE, act, "Do something to a running call", Answers(TEXT)
        ),
        Route(
            path="{channel_id}",
            action=Action.CREATE,
            handler=run_metaflow,
            about="Run a metaflow in a running call",
            schema="metaflow",
            answers=Answers(TEXT),
        ),
    ),
)

CHANNELS_OF_ENDPOINT = Routes(
    noun="channels",
    scopes=(),
    nested=(
        Nesting(noun="users", doc_type="user"),
        Nesting(noun="devices", doc_type="device"),
        Nesting(noun="groups", doc_type="group"),
    ),
    access=Access.ACCOUNT,
    routes=(route("", Action.LIST, list_channels_of, "List running calls", ROWS),),
)

CHANNELS_OF_SYSTEM = Routes(
    noun="channels",
    access=Access.SUPERDUPER,
    routes=(
        route(
            "",
            Action.LIST,
            list_all_channels,
            "List running calls of all accounts",
            Answers(some(SOME_OBJECT), is_paged=True),
        ),
    ),
)
