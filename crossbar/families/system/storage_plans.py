"""Plans for storage: documents of resellers and of the system, kept for whoever applies them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace as with_changes
from functools import wraps

from crossbar.core import reading, recipes
from crossbar.core.answers import ROW, SOME_OBJECT, Answers, some
from crossbar.core.change import Change
from crossbar.core.requests import Action, Request, Result
from crossbar.core.services import Services
from crossbar.core.shapes import Collection, Handler, Hooks, Route
from crossbar.core.shelved import said_by, storage_key
from crossbar.documents import Document, public
from crossbar.errors import Forbidden
from crossbar.storage import SYSTEM, Span

PLAN_TYPE = "storage_plan"
PLAN_ID = "storage_plan_id"


def require_reach(request: Request) -> None:
    """Operators, the account's reseller, and the account itself. Raises :class:`Forbidden`."""
    caller, account = request.require_caller(), request.account
    if caller.is_operator or account is None:
        return
    if caller.account_id not in (account.account_id, account.reseller_id):
        raise Forbidden(cause="only the account itself and its reseller may do this")


async def above(services: Services, account_id: str) -> list[Document]:
    """What the storage documents of an account's, its reseller's and the system's say."""
    keys = [storage_key(SYSTEM)]
    account = await services.accounts.get(account_id)
    if account is not None:
        keys += [storage_key(account.reseller_id), storage_key(account_id)]
    return [said_by(services, await services.store.get(key)) for key in keys]


async def check_plan(change: Change, plan: Document, prefix: str, own: Document) -> None:
    """Places and databases that a plan names are in one of the documents."""
    known = [own, *await above(change.actor.services, change.actor.account_id)]
    for path, kind, name in _named(plan):
        if not any(name in each.get(kind, {}) for each in known):
            message = f"no such entry among the {kind}, here or above"
            change.refusals.add(f"{prefix}{path}", "not_found", message, cause=name)


def _named(plan: Document) -> Iterator[tuple[str, str, str]]:
    """What a plan names: by path, what it is, and its id."""
    for part, rules in plan.items():
        if not isinstance(rules, dict):
            continue
        types = rules.get("types", {})
        nodes = [(part, rules)]
        nodes += [(f"{part}.types.{each}", node) for each, node in types.items()]
        for path, node in nodes:
            handler = node.get("attachments", {}).get("handler")
            if isinstance(handler, str):
                yield f"{path}.attachments.handler", "attachments", handler
            if isinstance(node.get("connection"), str) and node["connection"] != "local":
                yield f"{path}.connection", "connections", node["connection"]


async def check(change: Change) -> None:
    """What the plan names is in the storage documents of its account, or above."""
    if not change.refusals:
        await check_plan(change, change.document, "", {})


PLANS = Collection(
    noun="storage",
    doc_type=PLAN_TYPE,
    schema="storage.plan",
    summary=(),
    actions=frozenset(),
    scopes=(),
    soft_delete=False,
    hooks=Hooks(check=(check,)),
)
"""The documents; their paths are those of routes."""


def _on_plans(recipe: Callable[[Request], Awaitable[Result]]) -> Handler:
    """Do to plans what a recipe does to documents; for resellers, and for operators."""

    @wraps(recipe)
    async def handle(request: Request) -> Result:
        caller, account = request.require_caller(), request.account
        if account is not None and not caller.is_operator:
            is_reseller = account.is_reseller or not account.tree
            if caller.account_id != account.account_id or not is_reseller:
                raise Forbidden(cause="only resellers have plans of their own")
        id_param = PLAN_ID if PLAN_ID in request.ids else ""
        operation = with_changes(request.operation, family=PLANS, id_param=id_param)
        return await recipe(with_changes(request, operation=operation))

    return handle


async def list_plans(request: Request) -> Result:
    """Whole plans."""
    span = Span(account_id=request.account_id, doc_type=PLAN_TYPE)
    return await reading.list_span(
        request, span, lambda stored: {**public(stored), "id": stored["_id"]}
    )


LISTED = Answers(some(ROW), is_paged=True)


def _route(path: str, action: Action, recipe: Handler, about: str) -> Route:
    writes = action in (Action.CREATE, Action.REPLACE, Action.PATCH)
    return Route(
        path=path,
        action=action,
        handler=_on_plans(recipe),
        about=about,
        schema=PLANS.schema if writes else None,
        loads=False,
        answers=LISTED if action is Action.LIST else Answers(SOME_OBJECT),
    )


_ONE = f"plans/{{{PLAN_ID}}}"

PLAN_ROUTES = (
    _route("plans", Action.LIST, list_plans, "List storage plans"),
    _route("plans", Action.CREATE, recipes.create, "Create a storage plan"),
    _route(_ONE, Action.FETCH, recipes.fetch, "Read a storage plan"),
    _route(_ONE, Action.REPLACE, recipes.replace, "Replace a storage plan"),
    _route(_ONE, Action.PATCH, recipes.patch, "Change a storage plan"),
    _route(_ONE, Action.DELETE, recipes.delete, "Delete a storage plan"),
)
