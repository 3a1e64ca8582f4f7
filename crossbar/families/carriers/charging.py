"""What a call by a carrier costs: agreed on when it begins, reckoned when it is over.

The terms travel with the call, as texts among its variables. So a call costs what its rate said
when it began, whatever becomes of the rate, and whoever hears of its end can reckon.
"""

from __future__ import annotations

from collections.abc import Mapping

from crossbar.families.carriers.prices import price_of, text_of, units_of
from crossbar.families.carriers.rating import Rated

BILLING = "account_billing"
"""The variable that says by what a call was let out, or in."""

RESELLER, RESELLER_BILLING = "reseller_id", "reseller_billing"
"""Who pays for the call besides its account, and by what; neither where nobody does."""

PER_MINUTE = "per_minute"
"""The value of both for calls that are charged by their length."""

Terms = Mapping[str, str]

MOST = 10**9
"""Units that a call can cost: what is beyond that is a mistake."""

PRICE, SURCHARGE = "rate_cost", "rate_surcharge"
"""Exact prices, in dollars: of a minute, and of the connection. ``rate`` is in whole units."""

COST, RESELLER_COST = "cost", "reseller_cost"
"""The variables of a record that say what the call has cost its account, and the reseller, in
units."""

NAMES = (
    BILLING,
    "rate",
    PRICE,
    SURCHARGE,
    "rate_minimum",
    "rate_increment",
    "rate_nocharge_time",
    "rate_name",
    RESELLER,
    RESELLER_BILLING,
)
"""The variables that terms are in."""


def terms_in(variables: Mapping[str, object]) -> dict[str, str]:
    """The terms among the variables of a call."""
    return {name: str(variables[name]) for name in NAMES if name in variables}


class NoTerms(ValueError):
    """What is no terms. The message says why, to whoever told them."""


def terms_of(rated: Rated) -> dict[str, str]:
    """The terms of a call that has a rate."""
    return {
        BILLING: PER_MINUTE,
        "rate": str(rated.units),
        PRICE: text_of(rated.cost),
        SURCHARGE: text_of(rated.surcharge),
        "rate_minimum": str(rated.minimum),
        "rate_increment": str(rated.increment),
        "rate_nocharge_time": str(rated.rate.get("rate_nocharge_time") or 0),
        "rate_name": str(rated.rate.get("rate_name") or ""),
    }


def for_reseller(terms: Terms) -> Terms:
    """The terms by which the reseller pays: the same prices."""
    return {**terms, BILLING: terms.get(RESELLER_BILLING, "")}


def is_charged(terms: Terms) -> bool:
    """Whether a call is charged by its length, and here: who names no prices charges itself."""
    return terms.get(BILLING) == PER_MINUTE and PRICE in terms


def cost_of(terms: Terms, seconds: int) -> int:
    """What a call costs that has lasted so long, in units of 1/10000 dollar.

    Nothing if it was not answered, or within the free time. Then the surcharge and the minimum,
    and after that every increment that was begun. Raises :class:`NoTerms`.
    """
    if not is_charged(terms):
        return 0
    try:
        if (cost := _cost_of(terms, seconds)) <= MOST:
            return cost
        raise NoTerms("No call costs that much")
    except (KeyError, ValueError) as error:
        raise NoTerms(f"These are no terms by which a call is charged: {error}") from None


def _cost_of(terms: Terms, seconds: int) -> int:
    if seconds <= max(0, int(terms["rate_nocharge_time"])):
        return 0
    minimum, increment = int(terms["rate_minimum"]), max(1, int(terms["rate_increment"]))
    beyond = -(-max(0, seconds - minimum) // increment) * increment
    cost = price_of(terms[SURCHARGE]) + price_of(terms[PRICE]) * (minimum + beyond) / 60
    return units_of(cost)
