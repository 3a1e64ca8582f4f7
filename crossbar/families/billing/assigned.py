"""Which plans an account has, and what holds instead of their terms.

All of it is one document of the account, written in one commit with a mark on the account's own
document, which every request has at hand: so an account without plans costs no look-up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crossbar.core.change import Change
from crossbar.core.directory import ACCOUNT_TYPE, Account, account_key
from crossbar.core.services import Services
from crossbar.core.shapes import Hooks, Singleton
from crossbar.documents import Document
from crossbar.errors import NoSuchDocument
from crossbar.families.billing.plans import PLAN_TYPE
from crossbar.families.billing.pricing import Offer, combined, merged
from crossbar.families.billing.terms import judge_terms
from crossbar.storage import Key

SERVICES_TYPE = "services"

BILLED = "pvt_has_plans"
"""The mark of accounts that have plans."""


def is_billed(account: Account) -> bool:
    """Whether the account has plans, as far as this process knows."""
    return bool(account.document.get(BILLED))


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned:
    """An assigned plan: its id, whose it is, how it is assigned, and the plan if it still is."""

    plan_id: str
    vendor_id: str
    terms: Document
    document: Document

    @property
    def plan(self) -> Document:
        """The plan, with what holds for this account instead of its terms."""
        overrides = self.terms.get("overrides") or {}
        return {**self.document, "plan": merged(self.document.get("plan") or {}, overrides)}


async def check_overrides(change: Change) -> None:
    """Terms that hold instead of those of plans are judged as those are."""
    judge_terms(change, "overrides", change.value("overrides"))
    plans = change.value("plans")
    for plan_id, terms in plans.items() if isinstance(plans, dict) else ():
        if isinstance(terms, dict):
            judge_terms(change, f"plans.{plan_id}.overrides", terms.get("overrides"))


async def mark_account(change: Change) -> None:
    """Keep the mark on the account right, in the same commit."""
    services, key = change.actor.services, account_key(change.key.account_id)
    account = await services.store.get(key)
    if account is None:
        raise NoSuchDocument(key.doc_id)
    has_plans = bool(change.document.get("plans"))
    if bool(account.get(BILLED)) is not has_plans:
        family = services.registry.collection(ACCOUNT_TYPE)
        change.also_put(family, key, {**account, BILLED: has_plans})


SERVICES_DOCUMENT = Singleton(
    noun=SERVICES_TYPE,
    doc_type=SERVICES_TYPE,
    schema="services",
    actions=frozenset(),
    hooks=Hooks(check=(check_overrides,), prepare=(mark_account,)),
)
"""The plans of an account. The noun's paths are routes, which write it through the recipes."""


def services_key(account_id: str) -> Key:
    """Where the plans of an account are kept."""
    return Key(account_id, SERVICES_TYPE, SERVICES_TYPE)


async def services_of(services: Services, account_id: str) -> Document:
    """The stored document of an account's plans; empty when it never had any."""
    return await services.store.get(services_key(account_id)) or {}


async def assigned_to(services: Services, document: Mapping[str, Any]) -> list[Assigned]:
    """The plans that a document of services names and that exist, in the order of merging."""
    found = []
    for plan_id, terms in (document.get("plans") or {}).items():
        vendor_id = terms.get("vendor_id", "")
        plan = await services.store.get(Key(vendor_id, PLAN_TYPE, plan_id))
        if plan is not None and not plan.get("pvt_deleted"):
            found.append(
                Assigned(plan_id=plan_id, vendor_id=vendor_id, terms=terms, document=plan)
            )
    return sorted(found, key=lambda each: (_priority(each.document), each.plan_id))


def _priority(plan: Document) -> int:
    return int((plan.get("merge") or {}).get("priority") or 0)


def merged_from(assigned: list[Assigned], name: str) -> Document:
    """What the plans say beside their prices, merged: of limits, say."""
    result: Document = {}
    for each in assigned:
        result = merged(result, each.document.get(name) or {})
    return result


def offers_of(assigned: list[Assigned], overrides: Document) -> list[Offer]:
    """The plans merged, one offer a bookkeeper, under what holds for the account alone.

    What holds for a category that no plan has is in the first offer.
    """
    groups: dict[tuple[str, str, str], list[Document]] = {}
    for each in assigned:
        said = each.document.get("bookkeeper") or {}
        key = (
            str(said.get("id", "")),
            str(said.get("type", "")),
            str(said.get("vendor_id") or each.vendor_id),
        )
        groups.setdefault(key, []).append(each.plan)
    plans = {key: combined(group) for key, group in groups.items()}
    for category, terms in overrides.items():
        holders = [plan for plan in plans.values() if category in plan]
        for plan in holders or list(plans.values())[:1]:
            plan[category] = merged(plan.get(category, {}), terms)
    return [
        Offer(bookkeeper={"id": key[0], "type": key[1], "vendor_id": key[2]}, plan=plan)
        for key, plan in plans.items()
    ]
