"""Service plans: what a reseller asks of its accounts. Documents of the reseller's account."""

from __future__ import annotations

from crossbar.core.change import Change
from crossbar.core.requests import Action
from crossbar.core.shapes import Collection, Hooks, Powers, by_name
from crossbar.families.billing.terms import judge_terms

PLAN_TYPE = "service_plan"


async def check_terms(change: Change) -> None:
    """The terms of every item are judged by the schema of items; no number is beyond a billion."""
    judge_terms(change, "plan", change.value("plan"))


PLANS = Collection(
    noun="plans",
    doc_type=PLAN_TYPE,
    schema="service_plans",
    summary=("name", "description", "category"),
    order=by_name,
    powers=Powers(actions=frozenset({*Action} - {Action.LIST, Action.FETCH})),
    hooks=Hooks(check=(check_terms,)),
)
