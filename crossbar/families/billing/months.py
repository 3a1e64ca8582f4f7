"""Months of the calendar, in UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from crossbar.clock import GREGORIAN_OFFSET, moment

_MONTH = re.compile(r"(20[0-9]{2})(0[1-9]|1[0-2])", re.ASCII)


def month_of(text: str) -> tuple[int, int] | None:
    """The first and the last Gregorian second of a month such as ``202611``; ``None`` for none."""
    found = _MONTH.fullmatch(text)
    if found is None:
        return None
    year, month = int(found[1]), int(found[2])
    return _beginning(year, month), _beginning(*_after(year, month)) - 1


def next_month(now: int) -> int:
    """When the month after a time begins, both in Gregorian seconds."""
    date = moment(now)
    return _beginning(*_after(date.year, date.month))


def month_before(now: int) -> str:
    """The month before that of a time in Gregorian seconds, as ``202611``."""
    date = moment(now)
    year, month = (date.year, date.month - 1) if date.month > 1 else (date.year - 1, 12)
    return f"{year:04}{month:02}"


def _after(year: int, month: int) -> tuple[int, int]:
    return (year + 1, 1) if month == 12 else (year, month + 1)


def _beginning(year: int, month: int) -> int:
    return int(datetime(year, month, 1, tzinfo=UTC).timestamp()) + GREGORIAN_OFFSET
