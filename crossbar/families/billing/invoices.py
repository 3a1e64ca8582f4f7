"""Invoices: what an account's plans cost, and what a change makes of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from crossbar.documents import Document
from crossbar.families.billing.money import UNIT, number
from crossbar.families.billing.pricing import ZERO, Line, Offer, Quantities


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedLine:
    """A line before and after a change."""

    before: Line
    after: Line

    @property
    def activated(self) -> int:
        """How many are charged once, since they are new."""
        return max(self.after.counted - self.before.counted, 0)

    @property
    def activation(self) -> Decimal:
        """What they cost once."""
        return self.after.activation * self.activated

    @property
    def differs(self) -> bool:
        """Whether anything is different at all."""
        before, after = self.before, self.after
        return before.quantity != after.quantity or before.total != after.total

    @property
    def costs_more(self) -> bool:
        """Whether somebody has to agree to it."""
        return self.after.total > self.before.total or self.activation > 0

    def shown(self) -> Document:
        """What of an invoice's line changes."""
        before, after = self.before, self.after
        is_addition = after.quantity > before.quantity or after.total > before.total
        return {
            "type": "addition" if is_addition else "removal",
            "difference": {
                "quantity": after.quantity - before.quantity,
                "billable": after.billable - before.billable,
                "total": number(after.total - before.total),
            },
            "current": {
                "quantity": before.quantity,
                "billable": before.billable,
                "rate": number(before.rate),
                "total": number(before.total),
            },
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """An offer whose lines a change makes different; ``items`` are those, ``lines`` all."""

    offer: Offer
    lines: list[Line]
    items: list[ChangedLine]

    @property
    def costs_more(self) -> bool:
        """Whether somebody has to agree to it."""
        return any(each.costs_more for each in self.items)

    @property
    def today(self) -> Decimal:
        """What is charged once, and now."""
        return sum((each.activation for each in self.items), ZERO)


def compare(offer: Offer, before: Quantities, after: Quantities) -> Changed:
    """What becomes of an offer's lines when the quantities change."""
    lines = offer.lines(after)
    pairs = zip(offer.lines(before), lines, strict=True)
    items = [ChangedLine(before=old, after=new) for old, new in pairs]
    return Changed(offer=offer, lines=lines, items=[each for each in items if each.differs])


def invoice_of(changed: Changed) -> Document:
    """The invoice as it would be, with what changes in it."""
    by_item = {(each.after.category, each.after.item): each for each in changed.items}
    rows = []
    for line in changed.lines:
        row = line.shown()
        if each := by_item.get((line.category, line.item)):
            row["changes"] = each.shown()
        rows.append(row)
    return _invoice(changed.offer, changed.lines, rows, changed.items)


def invoice(offer: Offer, quantities: Quantities) -> Document:
    """The invoice of an offer for what there is; nothing is new in it."""
    lines = offer.lines(quantities)
    return _invoice(offer, lines, [line.shown() for line in lines], ())


def _invoice(
    offer: Offer, lines: Iterable[Line], rows: list[Document], items: Iterable[ChangedLine]
) -> Document:
    activations = [_activation(each) for each in items if each.activation]
    today = sum((each.activation for each in items), ZERO)
    recurring = sum((line.total for line in lines), ZERO)
    taxes = [tax for line in lines for tax in line.terms.get("taxes") or ()]
    return {
        "items": rows,
        "activation_charges": activations,
        "taxes": [tax for place, tax in enumerate(taxes) if tax not in taxes[:place]],
        "summary": {"today": number(today.quantize(UNIT)), "recurring": number(recurring)},
        "plan": offer.plan,
        "bookkeeper": offer.bookkeeper,
    }


def _activation(each: ChangedLine) -> Document:
    return {
        "category": each.after.category,
        "item": each.after.item,
        "name": each.after.terms.get("name") or each.after.item,
        "billable": each.activated,
        "rate": number(each.after.activation),
        "total": number(each.activation.quantize(UNIT)),
    }
