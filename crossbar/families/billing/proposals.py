"""What is asked of an account's plans: which to assign, which to take away, which terms hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from crossbar.core.recipes import sent
from crossbar.core.requests import Request, is_true
from crossbar.documents import Document, merge
from crossbar.errors import NoSuchDocument, ValidationFailed
from crossbar.families.billing.plans import PLAN_TYPE
from crossbar.storage import Key

PLANS_OF, OVERRIDES, CONTRACT = "plans", "overrides", "contract"


async def proposal(request: Request, before: Document, vendors: Sequence[str] = ()) -> Document:
    """The account's services as they would be, from what they were and what is sent.

    Plans are of the first of the vendors that has them; the account's reseller is the only one
    unless others are given. With ``merge`` in the envelope the terms that are sent are merged into
    those of before. Raises 404 for a plan that no vendor has, or that is not assigned.
    """
    data, does_merge = sent(request), is_true(request.controls.get("merge"))
    plans = without(before.get(PLANS_OF) or {}, named_in(data, "delete"))
    for plan_id, terms in {**named_in(data, PLANS_OF), **named_in(data, "add")}.items():
        assigned = await assignment(request, plan_id, terms, vendors)
        plans[plan_id] = merge(plans.get(plan_id) or {}, assigned) if does_merge else assigned
    proposed = {**before, PLANS_OF: plans}
    if OVERRIDES in data:
        known = before.get(OVERRIDES)
        is_merged = does_merge and isinstance(known, dict) and isinstance(data[OVERRIDES], dict)
        proposed[OVERRIDES] = merge(known or {}, data[OVERRIDES]) if is_merged else data[OVERRIDES]
    return proposed


def without(plans: Document, taken: Iterable[str]) -> Document:
    """The assigned plans without some. Raises 404 for one that is not assigned."""
    left = dict(plans)
    for plan_id in taken:
        if left.pop(plan_id, None) is None:
            raise NoSuchDocument(plan_id)
    return left


def named_in(data: Document, name: str) -> dict[str, Document]:
    """The plans that are named in a list, or by id as they are shown, and what is said of each."""
    value = data.get(name) or []
    if isinstance(value, dict):
        return {plan_id: _terms(terms) for plan_id, terms in value.items()}
    if not isinstance(value, list):
        message = "Value did not match type(s): array"
        raise ValidationFailed.of(name, "type", message, target="array", value=value)
    named = {}
    for place, each in enumerate(value):
        plan_id = each.get("id") if isinstance(each, dict) else each
        if not isinstance(plan_id, str):
            message = "A plan is named by its id"
            raise ValidationFailed.of(f"{name}.{place}", "type", message, target="string")
        named[plan_id] = _terms(each)
    return named


def _terms(value: Any) -> Document:
    return value if isinstance(value, dict) else {}


async def assignment(
    request: Request, plan_id: str, terms: Document, vendors: Sequence[str] = ()
) -> Document:
    """How a plan of the account's reseller is assigned. Raises 404 where it has no such plan."""
    for vendor_id in vendors or (request.require_account().reseller_id,):
        plan = await request.services.store.get(Key(vendor_id, PLAN_TYPE, plan_id))
        if plan is not None and not plan.get("pvt_deleted"):
            break
    else:
        raise NoSuchDocument(plan_id)
    kept = {name: terms[name] for name in (OVERRIDES, CONTRACT) if terms.get(name) is not None}
    return {"vendor_id": vendor_id, **kept}


def shown_plans(document: Document) -> Document:
    """The assigned plans as clients see them: always with overrides."""
    plans = (document.get(PLANS_OF) or {}).items()
    return {plan_id: {OVERRIDES: {}, **terms} for plan_id, terms in plans}
