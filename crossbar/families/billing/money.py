"""Money: whole units of 1/10000 dollar in the store, JSON numbers of dollars in the API.

What a client sends is turned into a decimal by its shortest spelling, so 0.1 is a tenth. Nothing
here computes with floats; a float is only how JSON writes a decimal number.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

UNIT = Decimal("0.0001")
PER_DOLLAR = 10_000

LARGEST = 10**15
"""Units that a balance may have, on either side: a number of dollars that JSON still shows
exactly."""

MOST_DOLLARS = 1_000_000_000
"""The most that a client can ask to move at once."""


def decimal_of(value: Any) -> Decimal:
    """A JSON number as a decimal; 0 for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return Decimal(0)
    return Decimal(str(value))


def units_of(value: Any) -> int:
    """Dollars as whole units; what is less than a unit is rounded, half of one away from 0."""
    scaled = decimal_of(value) * PER_DOLLAR
    return int(scaled.to_integral_value(rounding=ROUND_HALF_UP))


def number(value: Decimal) -> int | float:
    """A decimal as JSON shows it."""
    is_whole = abs(value) <= LARGEST and value == value.to_integral_value()
    return int(value) if is_whole else float(value)


def dollars(units: int) -> int | float:
    """Units as JSON shows them, in dollars."""
    return number(Decimal(units) * UNIT)
