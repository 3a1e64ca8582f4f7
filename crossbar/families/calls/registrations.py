"""Registrations: which telephones are registered now, as switches have told."""

from __future__ import annotations

from typing import Any

from crossbar.core.answers import COUNT, SOME_OBJECT, TEXT, Answers, an_object, some
from crossbar.core.change import claim_of
from crossbar.core.live import REGISTRATION, alive, end_all, span_of_live
from crossbar.core.ports import Command
from crossbar.core.reading import load_document, revision_of_list
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import Access, Nesting, Routes, Scope, route
from crossbar.documents import Document, public
from crossbar.errors import NoSuchDocument
from crossbar.families.endpoints import DEVICES
from crossbar.storage import Entry, Key

OK = Answers(TEXT)
COUNTED = Answers(an_object(count=COUNT))


async def list_registrations(request: Request) -> Result:
    """The phones that are registered, by name."""
    account = request.require_account()
    about = {"account_name": account.name, "account_realm": account.realm}
    found = [
        {**public(each), **about}
        async for each in alive(request.services, REGISTRATION, request.account_id)
    ]
    found.sort(key=lambda each: (str(each.get("username")), str(each.get("contact"))))
    return Result(data=found, revision=revision_of_list(found))


async def count(request: Request) -> Result:
    """How many phones are registered; below a user, how many of that user."""
    user_id = request.ids.get("user_id")
    entry = Entry("owner", user_id) if user_id else None
    span = span_of_live(request.services.clock, REGISTRATION, request.account_id, entry)
    return Result(data={"count": await request.services.store.count(span)})


async def count_all(request: Request) -> Result:
    """How many phones of all accounts are registered."""
    span = span_of_live(request.services.clock, REGISTRATION)
    return Result(data={"count": await request.services.store.count(span)})


async def flush(request: Request) -> Result:
    """Have all phones of the account register anew; until they have, they count as gone."""
    await _flush(request, {}, None)
    return Result(data="ok")


async def flush_one(request: Request) -> Result:
    """Have one phone register anew. Raises 404 for a SIP user name that no device has."""
    username = request.ids["username"]
    sip_username = next(each for each in DEVICES.unique if each.path == "sip.username")
    key = Key(request.account_id, DEVICES.doc_type, "")
    claim = claim_of(sip_username, key, username.lower())
    holder = (await request.services.store.holders([claim])).get(claim)
    if holder is None:
        raise NoSuchDocument(username)
    await load_document(request.actor, holder)
    await _flush(request, {"username": username}, Entry("username", username.lower()))
    return Result(data="ok")


async def _flush(request: Request, about: Document, entry: Entry | None) -> None:
    services = request.services
    found = [each async for each in alive(services, REGISTRATION, request.account_id, entry)]
    await end_all(services, REGISTRATION, found)
    told: dict[str, Any] = {"realm": request.require_account().realm, **about}
    await services.switch.tell(Command("registrations.flush", request.account_id, told))


REGISTRATIONS = Routes(
    noun="registrations",
    scopes=(Scope.ACCOUNT,),
    access=Access.ACCOUNT,
    routes=(
        route(
            "",
            Action.LIST,
            list_registrations,
            "List registered phones",
            Answers(some(SOME_OBJECT)),
        ),
        route("", Action.DELETE, flush, "Have all phones register anew", OK),
        route("count", Action.FETCH, count, "Count registered phones", COUNTED),
        route("{username}", Action.DELETE, flush_one, "Have a phone register anew", OK),
    ),
)

REGISTRATIONS_OF_USER = Routes(
    noun="registrations",
    scopes=(),
    nested=(Nesting(noun="users", doc_type="user"),),
    access=Access.ACCOUNT,
    routes=(route("count", Action.FETCH, count, "Count a user's registered phones", COUNTED),),
)

REGISTRATIONS_OF_SYSTEM = Routes(
    noun="registrations",
    access=Access.SUPERDUPER,
    routes=(
        route(
            "count", Action.FETCH, count_all, "Count registered phones of all accounts", COUNTED
        ),
    ),
)
