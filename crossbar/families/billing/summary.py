"""What an account's services come to: as they are, and as they would be with other plans."""

from __future__ import annotations

from crossbar.core.change import Change
from crossbar.core.reading import load_document
from crossbar.core.requests import Request, Result
from crossbar.core.summaries import summarizer
from crossbar.documents import Document, public
from crossbar.errors import ValidationFailed
from crossbar.families.billing.assigned import (
    SERVICES_DOCUMENT,
    Assigned,
    assigned_to,
    check_overrides,
    merged_from,
    offers_of,
    services_key,
    services_of,
)
from crossbar.families.billing.charges import quantities_for
from crossbar.families.billing.invoices import invoice
from crossbar.families.billing.months import next_month
from crossbar.families.billing.plans import PLAN_TYPE, PLANS
from crossbar.families.billing.pricing import ALL
from crossbar.families.billing.proposals import proposal, shown_plans
from crossbar.families.billing.quantities import (
    CATEGORIES,
    COUNTED,
    LIMITS_TYPE,
    TRUNKS,
    count,
    count_below,
)
from crossbar.families.billing.terms import ITEM_SCHEMA
from crossbar.storage import Key, Span

row_of = summarizer(PLANS.summary or ())
"""A plan as lists show it."""

TABLE_TYPES = ("text/csv", "text/comma-separated-values", "application/octet-stream")

FROM_PLANS = ("applications", "im", "limits")
"""What a summary shows of the plans themselves, merged."""


async def summarize(request: Request) -> Result:
    """Plans, quantities, invoices and standing of the account; as a table, the invoices' items."""
    return await _answer(request, await services_of(request.services, request.account_id))


async def quote(request: Request) -> Result:
    """The same for the plans that are sent, as if the account had no others; nothing is kept.

    The plans may also be the account's own: resellers see so what an account would pay.
    """
    account = request.require_account()
    document = await proposal(request, {}, vendors=(account.reseller_id, request.account_id))
    change = Change(
        actor=request.actor,
        request=request,
        family=SERVICES_DOCUMENT,
        key=services_key(request.account_id),
        document=document,
    )
    change.document, errors = await request.services.schemas.judged("services", document)
    change.refusals.merge(errors)
    await check_overrides(change)
    if change.refusals:
        raise ValidationFailed(change.refusals)
    return await _answer(request, change.document)


async def _answer(request: Request, document: Document) -> Result:
    services, account_id = request.services, request.account_id
    assigned = await assigned_to(services, document)
    overrides, manual = document.get("overrides") or {}, document.get("manual") or {}
    offers = offers_of(assigned, overrides)
    quantities = await quantities_for(services, account_id, offers, manual)
    invoices = [invoice(offer, quantities) for offer in offers]
    if request.prefers(*TABLE_TYPES):
        return Result(data=[item for each in invoices for item in each["items"]])
    account = request.require_account()
    return Result(
        data={
            "plans": shown_plans(document),
            "overrides": overrides,
            "invoices": invoices,
            "quantities": {
                "account": await count(services, account_id),
                "cascade": await count_below(services, account_id),
                "manual": manual,
            },
            "reseller": {"id": account.reseller_id, "is_reseller": account.is_reseller},
            "ratedeck": merged_from(assigned, "ratedeck"),
            **{name: merged_from(assigned, name) for name in FROM_PLANS},
            "payment_tokens": {},
            "billing_cycle": {
                "next": next_month(services.clock.gregorian()),
                "period": 1,
                "unit": "month",
            },
            "status": await _status(request, assigned),
        },
        revision=document.get("_rev"),
    )


async def _status(request: Request, assigned: list[Assigned]) -> Document:
    """Whether more would be accepted: always, for an account without plans."""
    if not assigned:
        return {"acceptable": True, "reason": "no_plans"}
    bookkeeper = request.services.bookkeeper
    standing = await bookkeeper.standing(request.services, request.account_id, 0)
    if standing.is_good:
        return {"acceptable": True, "reason": "good_standing"}
    return {"acceptable": False, "reason": standing.reason, "message": standing.message}


async def list_available(request: Request) -> Result:
    """The plans of the account's reseller; with ``details`` whole."""
    return await plans_of(request, request.require_account().reseller_id)


async def fetch_available(request: Request) -> Result:
    """One plan of the account's reseller."""
    return await plan_of(request, request.require_account().reseller_id)


async def plans_of(request: Request, vendor_id: str) -> Result:
    """The plans that an account sells, in rows; with ``details`` whole."""
    span = Span(account_id=vendor_id, doc_type=PLAN_TYPE)
    show = _whole if request.says_yes("details") else row_of
    return Result(data=[show(row.document) async for row in request.services.store.scan(span)])


async def plan_of(request: Request, vendor_id: str) -> Result:
    """One plan that an account sells. Raises 404 where it has no such plan."""
    key = Key(vendor_id, PLAN_TYPE, request.ids["plan_id"])
    plan = await load_document(request.actor, key)
    return Result(data=_whole(plan), revision=plan["_rev"])


def _whole(plan: Document) -> Document:
    return {**public(plan), "id": plan["_id"]}


async def list_editable(request: Request) -> Result:
    """What the terms of an item may say, for every category and item that is counted here."""
    properties = request.services.schemas.document(ITEM_SCHEMA)["properties"]
    everything = {**properties, "exceptions": {"type": "array", "items": {"type": "string"}}}
    known = {
        category: {*counted.items, counted.usual} - {""} for category, counted in COUNTED.items()
    } | {LIMITS_TYPE: {*TRUNKS}}
    return Result(
        data={
            category: {ALL: everything, **dict.fromkeys(sorted(known[category]), properties)}
            for category in CATEGORIES
        }
    )


async def synchronize(request: Request) -> Result:
    """Tell the bookkeeper of the account's plans and quantities."""
    await request.services.bookkeeper.synchronize(request.services, request.account_id)
    return Result(data={})


async def reconcile(request: Request) -> Result:
    """Nothing to do: quantities are counted whenever they are asked for."""
    return Result(data={})
