"""What quantities cost by the terms of a plan."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossbar.families.billing.money import dollars, units_of
from crossbar.families.billing.pricing import Offer, combined, line_of

TIERS = {"rates": {"5": 3, "10": 2}, "rate": 1}


@pytest.mark.parametrize(
    ("terms", "quantity", "billable", "total"),
    [
        ({"rate": 2.5}, 0, 0, 0),
        ({"rate": 2.5}, 3, 3, 7.5),
        ({"rate": 0.1}, 3, 3, 0.3),
        ({"rate": 2, "step": 5}, 6, 10, 20),
        ({"rate": 2, "minimum": 4}, 1, 4, 8),
        ({"rate": 2, "maximum": 4}, 9, 4, 8),
        ({"rate": 2, "step": 5, "maximum": 8}, 6, 8, 16),
        (TIERS, 5, 5, 15),
        (TIERS, 6, 6, 12),
        (TIERS, 11, 11, 11),
        ({"flat_rate": 9, "rate": 2}, 7, 1, 9),
        ({"flat_rate": 9, "rate": 2}, 0, 0, 0),
        ({"flat_rates": {"3": 5}, "flat_rate": 9}, 3, 1, 5),
        ({"flat_rates": {"3": 5}, "flat_rate": 9}, 4, 1, 9),
        ({"flat_rates": {"3": 5}, "rate": 2}, 4, 4, 8),
        ({"rate": 2, "discounts": {"single": {"rate": 1}}}, 3, 3, 5),
        ({"rate": 2, "discounts": {"single": {"rate": 1}}}, 0, 0, 0),
        ({"rate": 2, "discounts": {"cumulative": {"rate": 0.5}}}, 4, 4, 6),
        ({"rate": 2, "discounts": {"cumulative": {"rate": 0.5, "maximum": 3}}}, 4, 4, 6.5),
        ({"rate": 2, "discounts": {"cumulative": {"rate": 0, "rates": {"4": 1}}}}, 4, 4, 4),
        ({"rate": 2, "discounts": {"single": {"rate": 100}}}, 3, 3, 0),
        ({"rates": {"many": 5, "9" * 40: 5}, "rate": 2}, 3, 3, 6),
    ],
)
def test_a_quantity_has_a_price(terms: Any, quantity: int, billable: int, total: float) -> None:
    shown = line_of("users", "user", terms, quantity).shown()
    assert (shown["quantity"], shown["billable"], shown["total"]) == (quantity, billable, total)


def test_a_line_shows_what_it_was_made_of() -> None:
    terms = {
        "name": "Users",
        "rate": 2,
        "minimum": 1,
        "taxes": [{"name": "VAT", "rate": 19}],
        "discounts": {"single": {"rate": 1}, "cumulative": {"rate": 0.5, "maximum": 2}},
    }
    assert line_of("users", "user", terms, 3).shown() == {
        "category": "users",
        "item": "user",
        "name": "Users",
        "quantity": 3,
        "billable": 3,
        "rate": 2,
        "discounts": {
            "single": {"rate": 1},
            "cumulative": {"rate": 0.5, "quantity": 2},
            "total": 2,
        },
        "minimum": 1,
        "taxes": [{"name": "VAT", "rate": 19}],
        "total": 4,
    }


def totals(plan: Any, quantities: Any) -> dict[str, tuple[int, Any]]:
    lines = Offer(bookkeeper={}, plan=plan).lines(quantities)
    return {line.item: (line.quantity, line.shown()["total"]) for line in lines}


def test_all_items_of_a_category_are_one_but_for_those_excepted() -> None:
    plan = {"devices": {"_all": {"rate": 1, "exceptions": ["fax"]}, "fax": {"rate": 5}}}
    quantities = {"devices": {"fax": 2, "sip_device": 3, "softphone": 1}}
    assert totals(plan, quantities) == {"_all": (4, 4), "fax": (2, 10)}


def test_an_item_may_count_as_another() -> None:
    plan = {"devices": {"sip_device": {"rate": 2}, "ata": {"as": "sip_device", "rate": 50}}}
    assert totals(plan, {"devices": {"ata": 2, "sip_device": 3}}) == {"sip_device": (5, 10)}


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("simple", {"rate": 1}),
        ("recursive", {"rate": 1, "activation_charge": 5, "rates": {"3": 4}}),
        ("cumulative", {"rate": 3, "activation_charge": 5, "rates": {"3": 4}}),
    ],
)
def test_plans_that_price_the_same_are_combined(strategy: str, expected: Any) -> None:
    first = {"plan": {"users": {"user": {"rate": 2, "activation_charge": 5, "rates": {"3": 4}}}}}
    later = {"plan": {"users": {"user": {"rate": 1}, "admin": {"rate": 7}}}}
    both = combined([first, {**later, "merge": {"strategy": strategy}}])
    assert both == {"users": {"user": expected, "admin": {"rate": 7}}}


@given(st.integers(-(10**15), 10**15))
def test_units_survive_being_shown(units: int) -> None:
    assert units_of(dollars(units)) == units


@given(st.integers(0, 10**6), st.integers(1, 100), st.integers(0, 50))
def test_steps_cover_what_there_is(quantity: int, step: int, minimum: int) -> None:
    line = line_of("users", "user", {"rate": 1, "step": step, "minimum": minimum}, quantity)
    assert line.counted >= max(quantity, minimum)
    assert line.counted < max(quantity, minimum) + step


def test_half_a_unit_is_rounded_up() -> None:
    assert units_of(0.00005) == 1
    assert units_of(0.00004) == 0
    assert units_of(True) == 0
    assert dollars(15) == 0.0015
    assert dollars(20_000) == 2
