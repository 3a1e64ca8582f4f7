"""What quantities cost by a plan: pure computation, in decimals.

An :class:`Offer` is what an account's plans with one bookkeeper come to when they are merged. From
an offer and quantities follow the lines of an invoice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from crossbar.documents import Document
from crossbar.families.billing.money import UNIT, decimal_of, number

ALL = "_all"
"""The item of a category that stands for everything in it."""

SUMMED = ("activation_charge", "flat_rate", "minimum", "rate")
"""What the prices of several plans add up to where one of them says ``cumulative``."""

Quantities = Mapping[str, Mapping[str, int]]
"""How many of what there are: by category, by item."""

LONGEST_TIER = 16
"""Digits of a quantity that no tier has."""

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """The merged plans of an account with one bookkeeper: prices by category, by item."""

    bookkeeper: Document
    plan: Mapping[str, Mapping[str, Document]]

    def lines(self, quantities: Quantities) -> list[Line]:
        """What the quantities cost, item by item."""
        return [
            line_of(category, item, terms, _quantity(terms_of, item, quantities.get(category, {})))
            for category, terms_of in self.plan.items()
            for item, terms in terms_of.items()
            if not terms.get("as")
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of an invoice.

    ``counted`` is the quantity in whole steps between minimum and maximum, ``billable`` how often
    the ``rate`` is asked: once where it is for all together.
    """

    category: str
    item: str
    terms: Document
    quantity: int
    counted: int
    billable: int
    rate: Decimal
    single: Decimal
    cumulative: Decimal
    reduced: int

    @property
    def total(self) -> Decimal:
        """What it costs a month; a discount makes nothing cheaper than free."""
        price = self.rate * self.billable - self.single - self.cumulative * self.reduced
        return max(price, ZERO).quantize(UNIT)

    @property
    def activation(self) -> Decimal:
        """What one more costs once."""
        return decimal_of(self.terms.get("activation_charge"))

    def shown(self) -> Document:
        """The line as invoices show it, without what is empty."""
        terms = self.terms
        discounts: Document = {}
        if self.single:
            discounts["single"] = {"rate": number(self.single)}
        if self.cumulative and self.reduced:
            rate = number(self.cumulative)
            discounts["cumulative"] = {"rate": rate, "quantity": self.reduced}
        if discounts:
            taken = self.single + self.cumulative * self.reduced
            discounts["total"] = number(taken.quantize(UNIT))
        kept = ("maximum", "minimum", "prorate", "taxes")
        return {
            "category": self.category,
            "item": self.item,
            "name": terms.get("name") or self.item,
            "quantity": self.quantity,
            "billable": self.billable,
            "rate": number(self.rate),
            **({"discounts": discounts} if discounts else {}),
            **{name: terms[name] for name in kept if terms.get(name)},
            "total": number(self.total),
        }


def line_of(category: str, item: str, terms: Document, quantity: int) -> Line:
    """What so many of an item cost."""
    billable = counted = _counted(terms, quantity)
    flat = _tier(terms, "flat_rate", "flat_rates", billable)
    if flat:
        rate, billable = flat, min(billable, 1)
    else:
        rate = _tier(terms, "rate", "rates", billable)
    discounts = terms.get("discounts") or {}
    single, cumulative = discounts.get("single") or {}, discounts.get("cumulative") or {}
    most = cumulative.get("maximum")
    return Line(
        category=category,
        item=item,
        terms=terms,
        quantity=quantity,
        counted=counted,
        billable=billable,
        rate=rate,
        single=_tier(single, "rate", "rates", quantity) if billable else ZERO,
        cumulative=_tier(cumulative, "rate", "rates", quantity),
        reduced=counted if most is None else min(counted, int(most)),
    )


def _counted(terms: Document, quantity: int) -> int:
    """How many are paid for: in whole steps, at least the minimum, at most the maximum."""
    step = max(int(terms.get("step") or 1), 1)
    billable = max(-(-quantity // step) * step, int(terms.get("minimum") or 0))
    most = terms.get("maximum")
    return billable if most is None else min(billable, int(most))


def _tier(terms: Document, single: str, tiers: str, quantity: int) -> Decimal:
    """The price of the smallest tier that reaches the quantity, else the one without a tier."""
    found = {
        int(most): price
        for most, price in (terms.get(tiers) or {}).items()
        if most.isascii() and most.isdigit() and len(most) < LONGEST_TIER
    }
    reached = [most for most in found if most >= quantity]
    return decimal_of(found[min(reached)] if reached else terms.get(single))


def _quantity(terms_of: Mapping[str, Document], item: str, counted: Mapping[str, int]) -> int:
    """How many count as the item: all that are not excepted, or it and what counts as it."""
    if item == ALL:
        excepted = terms_of[ALL].get("exceptions") or ()
        return sum(many for name, many in counted.items() if name not in excepted)
    names = [item, *(name for name, terms in terms_of.items() if terms.get("as") == item)]
    return sum(counted.get(name, 0) for name in names)


def merged(terms: Mapping[str, Any], more: Mapping[str, Any]) -> Document:
    """Terms with others over them, at every depth."""
    result = dict(terms)
    for name, value in more.items():
        before = result.get(name)
        if isinstance(value, dict) and isinstance(before, dict):
            value = merged(before, value)
        result[name] = value
    return result


def combined(plans: Iterable[Document]) -> Document:
    """Several plans as one; of two that price the same item the later says how they combine."""
    total: Document = {}
    for plan in plans:
        strategy = (plan.get("merge") or {}).get("strategy", "simple")
        for category, terms_of in (plan.get("plan") or {}).items():
            known = total.setdefault(category, {})
            for item, terms in terms_of.items():
                known[item] = _combine(strategy, known.get(item), terms)
    return total


def _combine(strategy: str, known: Document | None, terms: Document) -> Document:
    if known is None or strategy == "simple":
        return terms
    both = merged(known, terms)
    if strategy == "cumulative":
        for name in SUMMED:
            if name in known and name in terms:
                both[name] = number(decimal_of(known[name]) + decimal_of(terms[name]))
    return both
