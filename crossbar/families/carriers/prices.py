"""Prices of calls: exact decimal numbers, never binary fractions.

In JSON a price is a number. What its digits say is what is meant, and what is reckoned with; that
is kept as text beside the number, for a sum must not depend on how a computer stores a tenth.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

DECIMALS = 6
"""Places after the point that a price may have."""

MOST = Decimal(10_000_000)
"""A price is less than this many dollars: with its decimals it has digits that JSON keeps."""

UNITS = Decimal(10_000)
"""Units in a dollar, in which switches reckon."""

_SMALLEST = Decimal(1).scaleb(-DECIMALS)


class NoPrice(ValueError):
    """What is no price, or none that can be kept. The message says why, to the client."""


def price_of(value: Any) -> Decimal:
    """A price, of a number as JSON has it or of its text. Raises :class:`NoPrice`."""
    try:
        price = Decimal(str(value).strip())
    except InvalidOperation:
        raise NoPrice("Value is no number") from None
    if not price.is_finite() or not 0 <= price < MOST:
        raise NoPrice(f"A price is from 0 to less than {MOST}")
    if price != price.quantize(_SMALLEST):
        raise NoPrice(f"A price has at most {DECIMALS} decimals")
    return price


def text_of(price: Decimal) -> str:
    """The price as it is kept: digits, without an exponent and without zeros at the end."""
    text = f"{price:f}"
    return text.rstrip("0").rstrip(".") or "0" if "." in text else text


def number_of(price: Decimal) -> int | float:
    """The price as JSON shows it: a number that is written with the same digits."""
    whole = price.to_integral_value()
    return int(whole) if whole == price else float(price)


def units_of(price: Decimal) -> int:
    """The price in units, to the nearest one."""
    return int((price * UNITS).to_integral_value(ROUND_HALF_UP))
