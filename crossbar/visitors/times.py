"""Times of visitors: texts that sort as the times do, and days in an account's time zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from crossbar.clock import Clock, moment

SECOND = 1000
DAY = 86_400 * SECOND
"""Milliseconds."""


def instant(clock: Clock, ago: int = 0) -> str:
    """Now, or ``ago`` milliseconds back: UTC, ISO 8601 to the millisecond, with ``Z``."""
    seconds, milliseconds = divmod(round(clock.precise() * SECOND) - ago, SECOND)
    return _text(datetime.fromtimestamp(seconds, UTC) + timedelta(milliseconds=milliseconds))


def seconds_between(start: str, end: str) -> int:
    """Whole seconds from one instant to another; 0 when they are the wrong way round."""
    span = datetime.fromisoformat(end) - datetime.fromisoformat(start)
    return max(int(span.total_seconds()), 0)


def instant_of(text: str) -> str | None:
    """What a client means by an ISO 8601 date or time, in UTC unless it says otherwise."""
    try:
        meant = datetime.fromisoformat(text)
        return _text(meant if meant.tzinfo else meant.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None


def days(clock: Clock, zone: object, number: int) -> list[str]:
    """The names of the last ``number`` calendar days in a time zone, today first."""
    today = moment(clock.gregorian(), zone).date()
    return [(today - timedelta(days=back)).isoformat() for back in range(number)]


def midnight(clock: Clock, zone: object) -> str:
    """The instant at which today began in a time zone."""
    now = moment(clock.gregorian(), zone)
    known = now.tzinfo if isinstance(now.tzinfo, ZoneInfo) else UTC
    return _text(datetime(now.year, now.month, now.day, tzinfo=known))


def _text(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
