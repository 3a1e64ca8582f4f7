"""Rules of time: whether a moment is one of those that a ``temporal_rule`` means."""

from __future__ import annotations

import calendar
from collections.abc import Callable
from datetime import date, datetime, timedelta

from crossbar.clock import moment
from crossbar.documents import Document
from crossbar.switch.executor.step import is_number

DAY = 86_400
WEEK = 7
WEEKDAYS = {
    "monday": 0,
    "tuesday": 1,
    "wednesday": 2,
    "wensday": 2,
    "thursday": 3,
    "friday": 4,
    "saturday": 5,
    "sunday": 6,
}
ORDINALS = {"first": 0, "second": 1, "third": 2, "fourth": 3, "fifth": 4}


def applies(rule: Document, now: datetime) -> bool:
    """Whether a rule holds now; ``now`` is local time. One that is forced holds, or does not."""
    if isinstance(rule.get("enabled"), bool):
        return rule["enabled"] is True
    start = _start(rule, now)
    if start > now.date():
        return False
    qualifies = CYCLES.get(str(rule.get("cycle")))
    if qualifies is None or not qualifies(rule, start, now.date()):
        return False
    second = now.hour * 3600 + now.minute * 60 + now.second
    return _whole(rule, "time_window_start", 0) <= second <= _whole(rule, "time_window_stop", DAY)


def _start(rule: Document, now: datetime) -> date:
    """The day from which on the rule holds: its text is a local date, kept as one in UTC."""
    seconds = rule.get("start_date")
    return moment(int(seconds)).date() if is_number(seconds) else now.date()


def _whole(rule: Document, name: str, default: int) -> int:
    value = rule.get(name)
    return int(value) if is_number(value) else default


def _interval(rule: Document) -> int:
    return max(_whole(rule, "interval", 1), 1)


def _weekdays(rule: Document) -> list[int]:
    names = rule.get("wdays")
    return [
        WEEKDAYS[each] for each in (names if isinstance(names, list) else ()) if each in WEEKDAYS
    ]


def _on_date(rule: Document, start: date, today: date) -> bool:
    return today == start


def _daily(rule: Document, start: date, today: date) -> bool:
    """With an interval the first day that counts is the one after it, as upstream has it."""
    days, interval = (today - start).days, _interval(rule)
    return days % interval == 0 and (interval == 1 or days > 0)


def _weekly(rule: Document, start: date, today: date) -> bool:
    first = start - timedelta(days=start.weekday())
    weeks = (today - timedelta(days=today.weekday()) - first).days // WEEK
    wanted = _weekdays(rule)
    return weeks % _interval(rule) == 0 and (not wanted or today.weekday() in wanted)


def _monthly(rule: Document, start: date, today: date) -> bool:
    months = (today.year - start.year) * 12 + today.month - start.month
    if months % _interval(rule) == 0 and _in_month(rule, today, today.year, today.month):
        return True
    # A fifth weekday that a month lacks falls into the next one.
    before = today.replace(day=1) - timedelta(days=1)
    return (
        _is_fifth(rule)
        and before >= start
        and (months - 1) % _interval(rule) == 0
        and _in_month(rule, today, before.year, before.month)
    )


def _yearly(rule: Document, start: date, today: date) -> bool:
    month = _whole(rule, "month", 1)
    if (today.year - start.year) % _interval(rule) or not 1 <= month <= 12:
        return False
    if today.month == month:
        return _in_month(rule, today, today.year, month)
    return _is_fifth(rule) and _in_month(rule, today, today.year, month)


def _is_fifth(rule: Document) -> bool:
    return rule.get("ordinal") == "fifth" and not rule.get("days")


def _in_month(rule: Document, today: date, year: int, month: int) -> bool:
    """Whether a day is one that the rule means of a month."""
    days = rule.get("days")
    if isinstance(days, list) and days:
        return today.month == month and today.day in days
    weekdays, ordinal = _weekdays(rule), str(rule.get("ordinal", "first"))
    if len(weekdays) != 1:
        return False
    if ordinal == "every":
        return today.month == month and today.weekday() == weekdays[0]
    if ordinal == "last":
        last = date(year, month, calendar.monthrange(year, month)[1])
        return today == last - timedelta(days=(last.weekday() - weekdays[0]) % WEEK)
    first = date(year, month, 1)
    found = first + timedelta(days=(weekdays[0] - first.weekday()) % WEEK)
    return ordinal in ORDINALS and today == found + timedelta(weeks=ORDINALS[ordinal])


CYCLES: dict[str, Callable[[Document, date, date], bool]] = {
    "date": _on_date,
    "daily": _daily,
    "weekly": _weekly,
    "monthly": _monthly,
    "yearly": _yearly,
}
