"""Slowing down those who guess passwords."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import NamedTuple

from crossbar.clock import Clock

MAXIMUM_KEYS = 10_000
"""How many subjects are remembered; the one whose last failure is oldest is dropped first."""


class _Failures(NamedTuple):
    number: int
    latest: float


class Throttle:
    """Makes a subject wait after failed logins: longer each time, never for good.

    A subject is any hashable key; use a tuple such as (address, account), so that a stranger who
    guesses cannot keep a tenant's own people out. The first ``free`` failures cost nothing; each
    one after that doubles the wait, from ``base`` up to ``ceiling`` seconds. ``remember`` seconds
    after its last failure a subject starts afresh.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        free: int = 5,
        base: float = 1.0,
        ceiling: float = 30.0,
        remember: float = 900,
    ) -> None:
        self._clock = clock
        self._free = free
        self._base = base
        self._ceiling = ceiling
        self._remember = remember
        self._subjects: dict[Hashable, _Failures] = {}  # in the order of their last failure

    def wait(self, key: Hashable) -> int:
        """Whole seconds that ``key`` has to wait before it may try; 0: now."""
        failures = self._recall(key)
        if failures.number <= self._free:
            return 0
        # The exponent is bounded because a float is not: 2.0 ** 1024 is an error.
        delay = min(self._base * 2.0 ** min(failures.number - self._free - 1, 64), self._ceiling)
        left = failures.latest + delay - self._clock.precise()
        # When the system's clock was set back, nobody waits longer than the delay for it.
        return math.ceil(min(max(left, 0), delay))

    def failed(self, key: Hashable) -> None:
        """Count a failed login."""
        number = self._recall(key).number + 1
        self._subjects.pop(key, None)
        if len(self._subjects) >= MAXIMUM_KEYS:
            del self._subjects[next(iter(self._subjects))]
        self._subjects[key] = _Failures(number, self._clock.precise())

    def succeeded(self, key: Hashable) -> None:
        """Forget the failures of ``key``."""
        self._subjects.pop(key, None)

    def _recall(self, key: Hashable) -> _Failures:
        failures = self._subjects.get(key)
        if failures is None:
            return _Failures(0, 0.0)
        if self._clock.precise() - failures.latest >= self._remember:
            del self._subjects[key]
            return _Failures(0, 0.0)
        return failures
