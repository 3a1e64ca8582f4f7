"""Service plans by the paths of older clients.

They list the account's own plans; what else they do is what ``services`` does.
"""

from __future__ import annotations

from crossbar.core.answers import ROW, Answers
from crossbar.core.requests import Action, Request, Result
from crossbar.core.shapes import Access, Routes, Scope, route
from crossbar.families.billing.paths import OBJECT, PLAN_ROWS, sold
from crossbar.families.billing.services import (
    assign,
    change_assigned,
    replacer,
    take_away,
    take_away_several,
)
from crossbar.families.billing.summary import (
    fetch_available,
    list_available,
    plan_of,
    plans_of,
    reconcile,
    summarize,
    synchronize,
)


async def list_plans(request: Request) -> Result:
    """The plans that the account itself sells: clients offer them when an account is made."""
    return await plans_of(request, request.account_id)


async def fetch_plan(request: Request) -> Result:
    """One plan that the account itself sells."""
    return await plan_of(request, request.account_id)


SERVICE_PLANS = Routes(
    noun="service_plans",
    scopes=(Scope.ACCOUNT,),
    access=Access.ACCOUNT,
    routes=(
        route("", Action.LIST, list_plans, "List the plans that the account sells", PLAN_ROWS),
        sold("", Action.REPLACE, change_assigned, "Assign plans and take plans away"),
        sold("", Action.DELETE, take_away_several, "Take plans away"),
        route(
            "{plan_id}",
            Action.FETCH,
            fetch_plan,
            "Read a plan that the account sells",
            Answers(ROW),
        ),
        sold("{plan_id}", Action.REPLACE, assign, "Assign a plan"),
        sold("{plan_id}", Action.DELETE, take_away, "Take a plan away"),
        route("current", Action.FETCH, summarize, "Read plans, quantities and invoices", OBJECT),
        route(
            "available", Action.LIST, list_available, "List the plans of the reseller", PLAN_ROWS
        ),
        route(
            "available/{plan_id}",
            Action.FETCH,
            fetch_available,
            "Read a plan of the reseller",
            Answers(ROW),
        ),
        sold("override", Action.REPLACE, replacer("overrides"), "Replace the overrides"),
        sold("synchronization", Action.REPLACE, synchronize, "Tell the bookkeeper of the account"),
        sold("reconciliation", Action.REPLACE, reconcile, "Count all quantities anew"),
    ),
)
