"""What only a telephone switch knows: running calls, registered phones, calls that were made.

While none is connected there are none of them, which is what these families answer. A single call
or registration is unknown then.
"""

from __future__ import annotations

from typing import Any

from crossbar.core.answers import COUNT, ROW, SOME_OBJECT, TEXT, Answers, an_object, some
from crossbar.core.change import claim_of
from crossbar.core.ports import Command
from crossbar.core.ranges import time_range
from crossbar.core.reading import require_parents, revision_of_list
from crossbar.core.requests import Action, Page, Request, Result
from crossbar.core.shapes import Access, Nesting, Route, Routes, Scope, route
from crossbar.documents import Document
from crossbar.errors import FaultyRequest, NoSuchDocument
from crossbar.families.endpoints import DEVICES
from crossbar.storage import Key

ROWS = Answers(some(SOME_OBJECT))
OK = Answers(TEXT)
COUNTED = Answers(an_object(count=COUNT))
PAGED_ROWS = Answers(some(ROW), is_paged=True)


async def list_none(request: Request) -> Result:
    """Nothing: nobody is there to know of any."""
    await require_parents(request)
    return Result(data=[], revision=revision_of_list([]))


async def refuse_channel(request: Request) -> Result:
    """No call has this id."""
    raise NoSuchDocument(request.ids["channel_id"])


def _channel(action: Action, about: str, **more: Any) -> Route:
    return Route(path="{channel_id}", action=action, handler=refuse_channel, about=about, **more)


CHANNELS = Routes(
    noun="channels",
    scopes=(Scope.ACCOUNT,),
    access=Access.ACCOUNT,
    routes=(
        route("", Action.LIST, list_none, "List running calls", ROWS),
        _channel(Action.FETCH, "Read a running call"),
        _channel(Action.REPLACE, "Do something to a running call"),
        _channel(Action.CREATE, "Run a metaflow in a running call", schema="metaflow"),
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
    routes=(route("", Action.LIST, list_none, "List running calls", ROWS),),
)

CHANNELS_OF_SYSTEM = Routes(
    noun="channels",
    access=Access.SUPERDUPER,
    routes=(route("", Action.LIST, list_none, "List running calls of all accounts", ROWS),),
)


async def count_none(request: Request) -> Result:
    """None."""
    return Result(data={"count": 0})


async def flush(request: Request) -> Result:
    """Have all phones of the account register anew."""
    await _flush(request, {"realm": request.require_account().realm})
    return Result(data="ok")


async def flush_one(request: Request) -> Result:
    """Have one phone register anew. Raises 404 for a SIP user name that no device has."""
    username = request.ids["username"]
    sip_username = next(each for each in DEVICES.unique if each.path == "sip.username")
    key = Key(request.account_id, DEVICES.doc_type, "")
    claim = claim_of(sip_username, key, username.lower())
    if not await request.services.store.holders([claim]):
        raise NoSuchDocument(username)
    await _flush(request, {"realm": request.require_account().realm, "username": username})
    return Result(data="ok")


async def _flush(request: Request, about: Document) -> None:
    await request.services.switch.tell(Command("registrations.flush", request.account_id, about))


REGISTRATIONS = Routes(
    noun="registrations",
    scopes=(Scope.ACCOUNT,),
    access=Access.ACCOUNT,
    routes=(
        route("", Action.LIST, list_none, "List registered phones", ROWS),
        route("", Action.DELETE, flush, "Have all phones register anew", OK),
        route("count", Action.FETCH, count_none, "Count registered phones", COUNTED),
        route("{username}", Action.DELETE, flush_one, "Have a phone register anew", OK),
    ),
)

REGISTRATIONS_OF_SYSTEM = Routes(
    noun="registrations",
    access=Access.SUPERDUPER,
    routes=(
        route(
            "count", Action.FETCH, count_none, "Count registered phones of all accounts", COUNTED
        ),
    ),
)


async def list_calls(request: Request) -> Result:
    """The calls in a range of time: none."""
    await require_parents(request)
    time_range(request)
    offset = request.control("utc_offset")
    if offset is not None and not _is_number(offset):
        raise FaultyRequest("utc_offset must be a number")
    return Result(data=[], page=Page(), revision=revision_of_list([]))


def _is_number(value: Any) -> bool:
    try:
        return not isinstance(value, bool) and int(value) is not None
    except (TypeError, ValueError):
        return False


async def summarize_none(request: Request) -> Result:
    """What the calls in a range of time come to: nothing."""
    time_range(request)
    return Result(data={})


async def refuse_cdr(request: Request) -> Result:
    """No call that was made has this id."""
    raise NoSuchDocument(request.ids["cdr_id"])


LISTS_OF_CALLS = (
    route("", Action.LIST, list_calls, "List calls that were made", PAGED_ROWS),
    route("interaction", Action.LIST, list_calls, "List calls by their first leg", PAGED_ROWS),
)

CDRS = Routes(
    noun="cdrs",
    scopes=(Scope.ACCOUNT,),
    access=Access.ACCOUNT,
    routes=(
        *LISTS_OF_CALLS,
        route("summary", Action.FETCH, summarize_none, "Summarize calls", Answers(SOME_OBJECT)),
        route("legs/{cdr_id}", Action.FETCH, refuse_cdr, "Read all legs of a call"),
        route("{cdr_id}", Action.FETCH, refuse_cdr, "Read a leg of a call"),
    ),
)

CDRS_OF_USER = Routes(
    noun="cdrs",
    scopes=(),
    nested=(Nesting(noun="users", doc_type="user"),),
    access=Access.ACCOUNT,
    routes=LISTS_OF_CALLS,
)
