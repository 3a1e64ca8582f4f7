"""When events take place: once, or again and again (after RFC 5545, by whole days).

Days are walked one by one, so that no rule, however odd, costs more than :data:`HORIZON` steps.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from crossbar.clock import instant_of
from crossbar.documents import Document

HORIZON = 3660
"""Days that are walked at most: what repeats less often than every ten years does not repeat."""

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def read(text: str) -> datetime:
    """A stored time."""
    return datetime.fromisoformat(text)


def occurrences(event: Document, since: datetime) -> Iterator[datetime]:
    """When the event begins, from the last beginning before ``since`` on; in order."""
    start = read(event["start"])
    if not event.get("repeats") or event.get("frequency") not in _MATCHES:
        yield start
        return
    is_counted = event.get("end_type") == "after" and isinstance(event.get("count"), int)
    left = event["count"] if is_counted else HORIZON
    last = event.get("until") if event.get("end_type") != "never" else None
    first = start.date()
    day = first if is_counted else max(first, since.astimezone(UTC).date() - timedelta(days=366))
    for _ in range(HORIZON):
        begins = datetime.combine(day, start.timetz())
        if left <= 0 or (last is not None and begins > read(last)):
            return
        if _takes_place(event, first, day):
            left -= 1
            yield begins
        if day == date.max:
            return
        day += timedelta(days=1)


def length_of(event: Document) -> timedelta:
    """How long the event takes each time."""
    return read(event.get("end") or event["start"]) - read(event["start"])


def overlaps(event: Document, since: str, until: str) -> bool:
    """Whether the event takes place between two times, the times included."""
    low, high, length = read(since), read(until), length_of(event)
    for begins in occurrences(event, low):
        if begins > high:
            return False
        if begins + length >= low:
            return True
    return False


def computed(event: Document, now: datetime) -> Document:
    """What is shown of an event beside its columns."""
    length, ends, upcoming = length_of(event), None, None
    for begins in occurrences(event, now):
        ends = begins + length
        if begins >= now:
            upcoming = begins
            break
    end = event.get("end")
    if event.get("repeats"):
        end = event.get("until") if event.get("end_type") != "never" else None
    return {
        "is_past": upcoming is None and ends is not None and ends < now,
        "computed_end": end,
        "next_occurrence": instant_of(upcoming) if upcoming else None,
    }


def _takes_place(event: Document, first: date, day: date) -> bool:
    if day == first:
        return True
    interval = event.get("interval") or 1
    months = _numbers(event.get("by_month"))
    if months and day.month not in months:
        return False
    return bool(_MATCHES[event["frequency"]](event, first, day, interval))


def _daily(_: Document, first: date, day: date, interval: int) -> bool:
    return (day - first).days % interval == 0


def _weekly(event: Document, first: date, day: date, interval: int) -> bool:
    monday = first - timedelta(days=first.weekday())
    if (day - monday).days // 7 % interval:
        return False
    return day.weekday() in (_weekdays(event) or {first.weekday()})


def _monthly(event: Document, first: date, day: date, interval: int) -> bool:
    months = (day.year - first.year) * 12 + day.month - first.month
    return months % interval == 0 and _is_day_of_month(event, first, day)


def _yearly(event: Document, first: date, day: date, interval: int) -> bool:
    if (day.year - first.year) % interval:
        return False
    if not event.get("by_month") and day.month != first.month:
        return False
    return _is_day_of_month(event, first, day)


def _is_day_of_month(event: Document, first: date, day: date) -> bool:
    days, weekdays = _numbers(event.get("by_month_day")), _weekdays(event)
    if days:
        return day.day in days
    return day.weekday() in weekdays if weekdays else day.day == first.day


def _numbers(value: Any) -> set[int]:
    items = value if isinstance(value, list) else []
    texts = (str(each) for each in items)
    return {int(each) for each in texts if each.isascii() and each.isdigit() and len(each) < 5}


def _weekdays(event: Document) -> set[int]:
    items = event.get("by_day")
    names = [str(each).upper()[:2] for each in items] if isinstance(items, list) else []
    return {WEEKDAYS.index(each) for each in names if each in WEEKDAYS}


_MATCHES = {"DAILY": _daily, "WEEKLY": _weekly, "MONTHLY": _monthly, "YEARLY": _yearly}
