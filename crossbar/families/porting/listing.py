"""Lists of port requests: of an account, of those below it, of those that a caller decides about.

They are grouped by account. What is under way is listed as a whole; what is finished, by the time
of its last change.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from crossbar.core.answers import SOME_OBJECT, TEXT, Answers, an_object, some
from crossbar.core.directory import Account, is_at_or_below
from crossbar.core.presenting import chosen_by
from crossbar.core.ranges import LATEST, time_key, time_range
from crossbar.core.reading import revision_of_list
from crossbar.core.requests import Actor, Request, Result
from crossbar.documents import Document
from crossbar.errors import Forbidden, RangeNotSatisfiable, ValidationFailed
from crossbar.families.accounts import PORT_PLACE_TYPE
from crossbar.families.porting.authority import authority_of, is_authority
from crossbar.families.porting.places import BY_NUMBER, BY_STATE
from crossbar.families.porting.showing import Viewer, shown_in_list, viewer_of
from crossbar.families.porting.states import (
    CANCELED,
    COMPLETED,
    FINISHED,
    PENDING,
    REJECTED,
    SCHEDULED,
    SENT,
    STATES,
    SUBMITTED,
    SUSPENDED,
    TRANSITIONS,
    UNCONFIRMED,
)
from crossbar.numbers import normalized
from crossbar.storage import SYSTEM, Entry, Span

PORT_TYPE = "port_request"

PROGRESSING = (SUBMITTED, PENDING, SCHEDULED)
TYPES: Mapping[str, tuple[str, ...]] = {
    "all": STATES,
    "active": (UNCONFIRMED, *PROGRESSING, REJECTED),
    "progressing": PROGRESSING,
    "suspended": SUSPENDED,
    COMPLETED: (COMPLETED, CANCELED),
    **{state: (state,) for state in STATES if state != COMPLETED},
}
"""By word of ``by_types``: the states that it stands for."""

LAST_SUBMITTED = "last_submitted"

Wanted = Callable[[Account], Awaitable[bool]]
"""Whether the requests of an account are meant."""

Span_ = tuple[str, int, int]
"""A state, and the times between which a request has changed last."""


def _stretches(request: Request) -> list[Span_]:
    """What is asked for. Raises 400 for a type that there is not, and for a range too long."""
    wanted = request.control("by_types") or "active"
    words = wanted.split(",") if isinstance(wanted, str) else []
    unknown = [word for word in words if word not in TYPES]
    if unknown or not words:
        message = f"This is none of {', '.join([*TYPES, LAST_SUBMITTED])}"
        raise ValidationFailed.of("by_types", "enum", message, cause=wanted, target=[*TYPES])
    states = dict.fromkeys(state for word in words for state in TYPES[word])
    if states.keys().isdisjoint(FINISHED):
        return [(state, 0, LATEST) for state in states]
    lower, upper = time_range(request, of=("modified", "created"))
    return [(state, lower, upper) if state in FINISHED else (state, 0, LATEST) for state in states]


async def ports_of(actor: Actor, account_id: str, *states: str) -> AsyncIterator[Document]:
    """The requests of an account in these states, those that changed last first."""
    for state in states:
        async for document in _of_account(actor, account_id, (state, 0, LATEST)):
            yield document


async def _of_account(actor: Actor, account_id: str, stretch: Span_) -> AsyncIterator[Document]:
    span = _span(account_id, PORT_TYPE, stretch)
    async for row in actor.services.store.scan(span):
        yield row.document


def _span(account_id: str, doc_type: str, stretch: Span_) -> Span:
    state, lower, upper = stretch
    return Span(
        account_id=account_id,
        doc_type=doc_type,
        entry=Entry(BY_STATE, state),
        low=time_key(lower),
        high=time_key(upper),
        descending=True,
    )


async def list_own(request: Request) -> Result:
    """The requests of the account."""
    account = request.require_account()

    async def is_it(other: Account) -> bool:
        return other.account_id == account.account_id

    if (number := request.control("by_number")) is not None:
        return await _with_number(request, number, _at_or_below(account))
    if request.control("by_types") == LAST_SUBMITTED:
        return await last_submitted(request)
    found = [
        document
        for stretch in _stretches(request)
        async for document in _of_account(request.actor, account.account_id, stretch)
    ]
    return await _grouped(request, {account.account_id: (account, found)} if found else {})


def _at_or_below(account: Account) -> Wanted:
    async def is_meant(other: Account) -> bool:
        return is_at_or_below(other, account.account_id)

    return is_meant


async def ports_at_or_below(
    actor: Actor, account: Account, *states: str
) -> AsyncIterator[tuple[Account, Document]]:
    """The requests of an account and of all below it in these states, with whose they are."""
    spans = [_span(SYSTEM, PORT_PLACE_TYPE, (state, 0, LATEST)) for state in states]
    for owner, ports in (await _found(actor, spans, _at_or_below(account))).values():
        for port in ports:
            yield owner, port


async def list_below(request: Request) -> Result:
    """The requests of all accounts below."""
    account = request.require_account()

    async def is_below(other: Account) -> bool:
        return other.is_below(account.account_id)

    return await _list_many(request, is_below)


async def list_decided(request: Request) -> Result:
    """The requests that the caller decides about. Raises 403 for who decides about none."""
    actor = request.actor
    if not await is_authority(actor):
        raise Forbidden(cause="only a port authority may do this")
    caller = actor.require_caller()

    async def is_decided(other: Account) -> bool:
        if caller.is_operator:
            return True
        return (await authority_of(actor, other)).account_id == caller.account_id

    return await _list_many(request, is_decided)


async def _list_many(request: Request, wanted: Wanted) -> Result:
    if (number := request.control("by_number")) is not None:
        return await _with_number(request, number, wanted)
    if request.control("by_types") == LAST_SUBMITTED:
        spans = [_span(SYSTEM, PORT_PLACE_TYPE, (SUBMITTED, 0, LATEST))]
        groups = await _found(request.actor, spans, wanted)
        return _submissions(port for _, ports in groups.values() for port in ports)
    spans = [_span(SYSTEM, PORT_PLACE_TYPE, each) for each in _stretches(request)]
    return await _grouped(request, await _found(request.actor, spans, wanted))


Groups = dict[str, tuple[Account, list[Document]]]
"""By account: its requests."""


async def _found(actor: Actor, spans: list[Span], wanted: Wanted) -> Groups:
    """The requests in these stretches of those of all accounts, as far as they are meant."""
    store, accounts = actor.services.store, actor.services.accounts
    places: dict[str, list[str]] = {}
    for span in spans:
        async for row in store.scan(span):
            place = row.document
            places.setdefault(place["pvt_account_id"], []).append(place["pvt_port_id"])
    groups: Groups = {}
    for account_id, ids in places.items():
        account = await accounts.get(account_id)
        if account is not None and await wanted(account):
            found = await store.get_many(account_id, ids)
            live = [found[each] for each in ids if each in found]
            groups[account_id] = (account, live)
    return groups


async def _with_number(request: Request, number: Any, wanted: Wanted) -> Result:
    """The requests that are about a number, in one list."""
    entry = Entry(BY_NUMBER, normalized(str(number)))
    span = Span(account_id=SYSTEM, doc_type=PORT_PLACE_TYPE, entry=entry, descending=True)
    groups = await _found(request.actor, [span], wanted)
    data = [
        shown_in_list(port, viewer)
        for viewer, ports in await _viewed(request, groups)
        for port in ports
    ]
    return Result(data=data, revision=revision_of_list(data))


async def _viewed(request: Request, groups: Groups) -> list[tuple[Viewer, list[Document]]]:
    """Those that pass the filters, for whom they are shown; times are a matter of the range."""
    limit = request.services.settings.lists.memory_limit
    if limit and sum(len(ports) for _, ports in groups.values()) > limit:
        raise RangeNotSatisfiable
    viewed = []
    for account, ports in groups.values():
        viewer = await viewer_of(request.actor, account)
        show = partial(shown_in_list, viewer=viewer)
        is_wanted = await chosen_by(request, request.query.filters, PORT_TYPE, show)
        if kept := [port for port in ports if is_wanted(port)]:
            viewed.append((viewer, kept))
    return viewed


async def _grouped(request: Request, groups: Groups) -> Result:
    data = [
        {
            "account_id": viewer.account.account_id,
            "account_name": viewer.account.name or "unknown",
            "port_requests": [shown_in_list(port, viewer) for port in ports],
        }
        for viewer, ports in await _viewed(request, groups)
    ]
    return Result(data=data, revision=revision_of_list(data))


async def last_submitted(request: Request) -> Result:
    """When and by whom those requests were submitted that wait for the port authority."""
    account_id = request.require_account().account_id
    return _submissions([port async for port in ports_of(request.actor, account_id, SUBMITTED)])


def _submissions(ports: Any) -> Result:
    data = [
        {"id": port["_id"], "transition": entry}
        for port in ports
        if not port.get(SENT)
        for entry in port.get(TRANSITIONS, [])[:1]
    ]
    return Result(data=data, revision=revision_of_list(data))


PORTS = some({"type": "object", "properties": {"account_id": TEXT, "id": TEXT}})
LISTED = Answers(PORTS)
SUBMISSIONS = Answers(some(an_object(id=TEXT, transition=SOME_OBJECT)))
