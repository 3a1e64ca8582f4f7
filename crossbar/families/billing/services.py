"""Services: which plans an account has, and what holds instead of their terms."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from crossbar.core.change import Change
from crossbar.core.recipes import sent
from crossbar.core.requests import Request, Result
from crossbar.core.shapes import Handler
from crossbar.core.writing import in_turn, save
from crossbar.documents import Document, merge, public
from crossbar.families.billing.assigned import (
    SERVICES_DOCUMENT,
    services_key,
    services_of,
)
from crossbar.families.billing.proposals import (
    PLANS_OF,
    assignment,
    named_in,
    proposal,
    shown_plans,
    without,
)

Propose = Callable[[Document], Awaitable[Document]]


async def rewrite(request: Request, propose: Propose) -> Document:
    """Have the account's services written as they are proposed, on what others have left."""
    key = services_key(request.account_id)

    async def attempt() -> Document:
        current = await request.services.store.get(key)
        change = Change(
            actor=request.actor,
            request=request,
            family=SERVICES_DOCUMENT,
            key=key,
            document=await propose(public(current or {})),
            current=current,
        )
        return await save(change, "changed" if current else "created")

    return await in_turn(request.actor, key, attempt, once=request.if_match is not None)


async def list_assigned(request: Request) -> Result:
    """The plans that are assigned to the account, by id."""
    return _plans(await services_of(request.services, request.account_id))


def _plans(document: Document) -> Result:
    return Result(data=shown_plans(document), revision=document.get("_rev"))


async def change_assigned(request: Request) -> Result:
    """Assign and take away several plans, and say what holds instead of their terms."""

    async def propose(before: Document) -> Document:
        return await proposal(request, before)

    return _plans(await rewrite(request, propose))


async def assign(request: Request) -> Result:
    """Assign one plan of the account's reseller."""
    plan_id = request.ids["plan_id"]

    async def propose(before: Document) -> Document:
        terms = await assignment(request, plan_id, sent(request))
        return {**before, PLANS_OF: {**(before.get(PLANS_OF) or {}), plan_id: terms}}

    return _plans(await rewrite(request, propose))


async def take_away(request: Request) -> Result:
    """Take one plan away from the account."""
    plan_id = request.ids["plan_id"]

    async def propose(before: Document) -> Document:
        return {**before, PLANS_OF: without(before.get(PLANS_OF) or {}, [plan_id])}

    return _plans(await rewrite(request, propose))


async def take_away_several(request: Request) -> Result:
    """Take plans away: those that are named as ``plans``."""
    named = named_in(sent(request), PLANS_OF)

    async def propose(before: Document) -> Document:
        return {**before, PLANS_OF: without(before.get(PLANS_OF) or {}, named)}

    return _plans(await rewrite(request, propose))


def reader(name: str) -> Handler:
    """What reads one part of the account's services."""

    async def fetch(request: Request) -> Result:
        document = await services_of(request.services, request.account_id)
        return Result(data=document.get(name) or {}, revision=document.get("_rev"))

    return fetch


def replacer(name: str) -> Handler:
    """What replaces one part of the account's services."""

    async def replace(request: Request) -> Result:
        return await _write(request, name, lambda before: sent(request))

    return replace


def merger(name: str) -> Handler:
    """What merges changes into one part of the account's services."""

    async def patch(request: Request) -> Result:
        return await _write(request, name, lambda before: merge(before, sent(request)))

    return patch


async def _write(request: Request, name: str, make: Callable[[Document], Document]) -> Result:
    async def propose(before: Document) -> Document:
        return {**before, name: make(before.get(name) or {})}

    stored = await rewrite(request, propose)
    return Result(data=stored.get(name) or {}, revision=stored["_rev"])
