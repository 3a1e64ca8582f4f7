"""What accounts change of the system's configuration, by name.

A document has only what differs from the levels above, so that what those change later is
inherited; what a client is shown, and what is judged, is all that holds in the account.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace as with_changes

from crossbar.core.answers import SOME_OBJECT, Answers
from crossbar.core.change import Change
from crossbar.core.configuration import (
    ACCOUNT_CONFIG,
    PREFIX,
    account_config_key,
    difference,
)
from crossbar.core.preconditions import require_match
from crossbar.core.recipes import sent
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import Access, Collection, Handler, Route, Routes, Scope, Singleton
from crossbar.core.writing import commit_private, in_turn, judge, remove
from crossbar.documents import Document, merge, private, public
from crossbar.errors import NotFound
from crossbar.families.logins import LOGIN_SETTINGS

NAME = re.compile(r"[A-Za-z0-9_.-]{1,128}")

ANY_OBJECT = "any_object"
"""The schema of a configuration of which nothing is known."""

CONFIG = Collection(
    noun="configs",
    doc_type=ACCOUNT_CONFIG,
    schema=ANY_OBJECT,
    summary=(),
    actions=frozenset(),
    scopes=(),
)
"""The documents; their paths are those of routes."""


def name_in(request: Request) -> str:
    """The name that the path has. Raises :class:`NotFound` for one that none can have."""
    name = request.ids["config"]
    if not NAME.fullmatch(name):
        raise NotFound
    return name


def family_of(request: Request, name: str) -> Collection | Singleton:
    """What judges a configuration: the settings of logins have rules beyond their schema."""
    if PREFIX + name == LOGIN_SETTINGS.noun:
        return LOGIN_SETTINGS
    schema = f"{ACCOUNT_CONFIG}.{name}"
    known = schema in request.services.schemas
    return with_changes(CONFIG, schema=schema if known else ANY_OBJECT)


async def fetch(request: Request) -> Result:
    """A configuration as it holds in the account, whoever has set what of it."""
    name, services = name_in(request), request.services
    found = await services.configuration.of_account(request.require_account(), name)
    stored = await services.store.get(account_config_key(request.account_id, name))
    shown = {**found, "id": PREFIX + name}
    return Result(data=shown, revision=stored["_rev"] if stored else None)


async def replace(request: Request) -> Result:
    """What the account sets itself is what was sent, where that is not inherited anyway."""
    return await _write(request, lambda above, own: merge(above, sent(request)))


async def patch(request: Request) -> Result:
    """What was sent merged over what holds in the account."""
    return await _write(request, lambda above, own: merge(merge(above, own), sent(request)))


Propose = Callable[[Document, Document], Document]
"""Makes what is to hold of what is inherited and of what is the account's own."""


async def _write(request: Request, propose: Propose) -> Result:
    name, services = name_in(request), request.services
    key = account_config_key(request.account_id, name)

    async def attempt() -> None:
        account, current = request.require_account(), await services.store.get(key)
        above = await services.configuration.above(account, name)
        change = Change(
            actor=request.actor,
            request=request,
            family=family_of(request, name),
            key=key,
            document=propose(above, public(current or {})),
            current=current,
        )
        await judge(change)
        known = services.configuration.known(name)
        own = {
            each: value
            for each, value in difference(change.document, above).items()
            if known is None or each in known
        }
        if own:
            change.document = own | private(current or {})
            await commit_private(change)
        elif current:
            await remove(change, is_soft=False)

    await in_turn(request.actor, key, attempt, once=request.if_match is not None)
    return await fetch(request)


async def delete(request: Request) -> Result:
    """Nothing of the configuration is the account's own any more; what was is answered."""
    name = name_in(request)
    key = account_config_key(request.account_id, name)

    async def attempt() -> Document | None:
        current = await request.services.store.get(key)
        require_match(request, current)
        if current is None:
            return None
        change = Change(
            actor=request.actor,
            request=request,
            family=CONFIG,
            key=key,
            document={},
            current=current,
        )
        return await remove(change, is_soft=False)

    old = await in_turn(request.actor, key, attempt, once=request.if_match is not None)
    return Result(data={**public(old), "id": old["_id"]} if old else {})


def _route(action: Action, handler: Handler, about: str) -> Route:
    return Route(
        path="{config}",
        action=action,
        handler=handler,
        about=about,
        access=None if action is Action.FETCH else Access.ADMIN,
        answers=Answers(SOME_OBJECT),
    )


CONFIGS = Routes(
    noun="configs",
    scopes=(Scope.ACCOUNT,),
    access=Access.ACCOUNT,
    routes=(
        _route(Action.FETCH, fetch, "Read a configuration as it holds in the account"),
        _route(Action.CREATE, replace, "Set a configuration of the account"),
        _route(Action.REPLACE, replace, "Set a configuration of the account"),
        _route(Action.PATCH, patch, "Change some keys of a configuration of the account"),
        _route(Action.DELETE, delete, "Drop what the account sets of a configuration"),
    ),
)
