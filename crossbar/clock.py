"""What time it is.

Every module that needs the time is handed a :class:`Clock`, so a test can hold time still. Nothing
else in the package reads the system's clock.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from email.utils import formatdate
from functools import lru_cache
from zoneinfo import ZoneInfo

GREGORIAN_OFFSET = 62_167_219_200
"""Seconds between year 0 and the Unix epoch: documents carry Gregorian seconds."""

YEAR = 31_536_000
"""Seconds of 365 days: the longest that an auth token can live."""


@lru_cache(maxsize=4)
def _iso(unix: int) -> str:
    """Every answer of a second has the same text, so it is made once."""
    return datetime.fromtimestamp(unix, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@lru_cache(maxsize=4)
def _http_date(unix: int) -> str:
    return formatdate(unix, usegmt=True)


DAY = 86_400
EARLIEST, LATEST = 367 * DAY, 3_652_424 * DAY
"""Gregorian seconds: what calendars reach in every time zone, from the year 1 to 9999."""


def moment(gregorian: int, zone: object = None) -> datetime:
    """Gregorian seconds as a date and time in a named zone; in UTC where nobody knows the zone.

    What is out of the range of calendars is their first or last day.
    """
    try:
        known = ZoneInfo(zone) if isinstance(zone, str) else UTC
    except (ValueError, KeyError, OSError):
        known = UTC
    return datetime.fromtimestamp(min(max(gregorian, EARLIEST), LATEST) - GREGORIAN_OFFSET, known)


def instant_of(moment: datetime) -> str:
    """A time with an offset as ISO 8601 in UTC, to the microsecond, with ``Z``."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


class Clock:
    """The system's time, in the forms that the API uses."""

    def unix(self) -> int:
        """Whole seconds since 1970: JWT claims."""
        return int(self.precise())

    def gregorian(self) -> int:
        """Whole seconds since year 0: ``pvt_created`` and every other time in a document."""
        return self.unix() + GREGORIAN_OFFSET

    def iso(self) -> str:
        """UTC, ISO 8601, to the second: the envelope's ``timestamp``."""
        return _iso(int(self.precise()))

    def instant(self) -> str:
        """UTC, ISO 8601, to the microsecond: times that a document shows."""
        return instant_of(datetime.fromtimestamp(self.precise(), UTC))

    def http_date(self) -> str:
        """As HTTP writes it: the ``Date`` header."""
        return _http_date(int(self.precise()))

    def precise(self) -> float:
        """Seconds since 1970 with fractions; for intervals and delays, never stored."""
        return time.time()


class FixedClock(Clock):
    """A clock that moves only when told to."""

    def __init__(self, unix: float) -> None:
        self._now = unix

    def precise(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        """Move forward by ``seconds``."""
        self._now += seconds
