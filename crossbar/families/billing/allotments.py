"""Allotments: calling time that is included, by class of number. Kept with the limits."""

from __future__ import annotations

from crossbar.core.answers import SOME_OBJECT, Answers
from crossbar.core.change import Change
from crossbar.core.ranges import time_range
from crossbar.core.recipes import sent, valid
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import Access, Route, Routes, Scope, route
from crossbar.core.writing import commit_private, in_turn
from crossbar.documents import Document
from crossbar.errors import NoAllotments
from crossbar.families.billing.limits import LIMITS, require_limits_power
from crossbar.families.billing.quantities import LIMITS_TYPE
from crossbar.storage import Key

SCHEMA = "allotments"
KEPT = "pvt_allotments"


async def _stored(request: Request) -> Document | None:
    key = Key(request.account_id, LIMITS_TYPE, LIMITS_TYPE)
    return await request.services.store.get(key)


async def fetch(request: Request) -> Result:
    """The account's allotments, by class. Raises :class:`NoAllotments` where there are none."""
    stored = await _stored(request) or {}
    if not stored.get(KEPT):
        raise NoAllotments
    return Result(data=stored[KEPT], revision=stored["_rev"])


async def replace(request: Request) -> Result:
    """The account's allotments as sent."""
    require_limits_power(request)
    schemas = request.services.schemas
    allotments = await valid(request.actor, SCHEMA, sent(request))
    key = Key(request.account_id, LIMITS_TYPE, LIMITS_TYPE)

    async def attempt() -> Document:
        current = await _stored(request)
        defaults, _ = schemas.apply(LIMITS.schema, {})
        change = Change(
            actor=request.actor,
            request=request,
            family=LIMITS,
            key=key,
            document={**(current or defaults), KEPT: allotments},
            current=current,
        )
        return await commit_private(change)

    once = request.if_match is not None
    stored = await in_turn(request.actor, key, attempt, once=once)
    return Result(data=stored[KEPT], revision=stored["_rev"])


async def read_consumed(request: Request) -> Result:
    """What was consumed of each class; a class of which nothing was is left out.

    Calls are counted by a switch, and none tells of any yet.
    """
    time_range(request)
    return Result(data={})


ALLOTMENTS = Routes(
    noun="allotments",
    scopes=(Scope.ACCOUNT,),
    access=Access.ACCOUNT,
    routes=(
        route("", Action.FETCH, fetch, "Read the allotments", Answers(SOME_OBJECT)),
        Route(
            path="",
            action=Action.REPLACE,
            handler=replace,
            about="Replace the allotments",
            access=Access.ADMIN,
            schema=SCHEMA,
            answers=Answers(SOME_OBJECT),
        ),
        route(
            "consumed",
            Action.FETCH,
            read_consumed,
            "Read what was consumed",
            Answers(SOME_OBJECT),
        ),
    ),
)
