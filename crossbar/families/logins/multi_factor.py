"""Providers of second factors: those of accounts and of the system.

What a login does with them is in ``second_factor``.
"""

from __future__ import annotations

from crossbar.core.answers import ROW, Answers, an_object, some
from crossbar.core.reading import list_span, revision_of_list
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import (
    CRUD,
    Access,
    Collection,
    Column,
    Hooks,
    Powers,
    Route,
    Scope,
    route,
)
from crossbar.core.summaries import summarizer
from crossbar.documents import Document
from crossbar.errors import Forbidden
from crossbar.families.logins.attempts import fetch_attempt, list_second_factors
from crossbar.families.logins.second_factor import PROVIDER_TYPE, seal_secrets
from crossbar.storage import SYSTEM, Span

SCHEMA = "multi_factor_provider"
SUMMARY = (
    "enabled",
    "name",
    "provider_name",
    Column("provider_type", lambda document: "multi_factor"),
)

row = summarizer(SUMMARY)
"""A provider in a list: without its settings, some of which are keys."""


async def list_both(request: Request) -> Result:
    """The account's own providers, and those of the system, by id."""
    data = {
        "configured": await _rows(request, request.account_id),
        "multi_factor_providers": await _rows(request, SYSTEM),
    }
    return Result(data=data, revision=revision_of_list([data]))


async def list_systems(request: Request) -> Result:
    """The providers of the system, without their settings: the keys are the operators'."""
    return await list_span(request, _all(request, SYSTEM), row, seen=row)


async def _rows(request: Request, account_id: str) -> list[Document]:
    found = request.services.store.scan(_all(request, account_id))
    return [row(each.document) async for each in found]


def _all(request: Request, account_id: str) -> Span:
    is_descending = not request.query.ascending
    return Span(account_id=account_id, doc_type=PROVIDER_TYPE, descending=is_descending)


async def keep(request: Request) -> Result:
    """Refused: accounts may rely on the system's providers. One is switched off instead."""
    raise Forbidden


MULTI_FACTOR = Collection(
    noun="multi_factor",
    doc_type=PROVIDER_TYPE,
    schema=SCHEMA,
    summary=SUMMARY,
    hooks=Hooks(prepare=(seal_secrets,)),
    powers=Powers(actions=CRUD - {Action.LIST, Action.FETCH}),
    routes=(
        route(
            "",
            Action.LIST,
            list_both,
            "List the providers of the account and of the system",
            answers=Answers(an_object(configured=some(ROW), multi_factor_providers=some(ROW))),
        ),
        route(
            "attempts",
            Action.LIST,
            list_second_factors,
            "List attempts to give a second factor",
            answers=Answers(some(ROW), is_paged=True),
        ),
        route(
            "attempts/{attempt_id}",
            Action.FETCH,
            fetch_attempt,
            "Read an attempt to give a second factor",
            answers=Answers(ROW),
        ),
    ),
)

MULTI_FACTOR_OF_SYSTEM = Collection(
    noun="multi_factor",
    doc_type=PROVIDER_TYPE,
    schema=SCHEMA,
    summary=SUMMARY,
    hooks=Hooks(prepare=(seal_secrets,)),
    scopes=(Scope.SYSTEM,),
    access=Access.SUPERDUPER,
    routes=(
        Route(
            path="",
            action=Action.LIST,
            handler=list_systems,
            about="List the providers of the system",
            access=Access.TOKEN,
            answers=Answers(some(ROW), is_paged=True),
        ),
        Route(
            path=f"{{{PROVIDER_TYPE}_id}}",
            action=Action.DELETE,
            handler=keep,
            about="Refused: providers of the system are switched off instead",
        ),
    ),
)
