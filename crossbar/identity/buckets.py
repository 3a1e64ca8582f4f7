"""Token buckets: how many requests a client may make.

A bucket is full at first. A request takes tokens out of it, and a fixed number comes back every
second, continuously; when there are too few for a request, that request is refused. The numbers
are those of docs/protocol.md §10.1.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import NamedTuple

from crossbar.clock import Clock
from crossbar.errors import TooManyRequests

MAXIMUM_KEYS = 10_000
"""How many clients' buckets are kept."""


class Charge(NamedTuple):
    """What a request costs, what is left, and how long to wait.

    ``consumed`` is the request's cost, also when it is refused: so the envelope has it.
    ``retry_after`` is 0 when the request may go on; else it is refused, nothing was charged, and
    the bucket holds enough after so many whole seconds.
    """

    consumed: int
    remaining: int
    retry_after: int


class _Bucket(NamedTuple):
    level: float
    at: float


class Buckets:
    """One bucket for each client, of ``capacity`` tokens, regaining ``refill`` a second.

    When there are too many clients, full buckets are forgotten first (nothing is lost: an unknown
    bucket is full), then those that were charged longest ago.
    """

    def __init__(self, clock: Clock, *, capacity: int = 100, refill: float = 10) -> None:
        self._clock = clock
        self._capacity = capacity
        self._refill = refill
        self._buckets: dict[Hashable, _Bucket] = {}  # in the order of their last charge
        self._full = Charge(0, capacity, 0)

    def take(self, key: Hashable, cost: int) -> Charge:
        """Charge ``cost`` tokens, or refuse. A cost above the capacity takes a full bucket."""
        now = self._clock.precise()
        level = self._level(self._buckets.get(key), now)
        charged = min(cost, self._capacity)
        if level < charged:
            return Charge(cost, int(level), math.ceil((charged - level) / self._refill))
        if key not in self._buckets and len(self._buckets) >= MAXIMUM_KEYS:
            self._make_room(now)
        self._buckets.pop(key, None)
        self._buckets[key] = _Bucket(level - charged, now)
        return Charge(cost, int(level - charged), 0)

    def charge(self, key: Hashable, cost: int) -> None:
        """Charge ``cost`` tokens. Raises :class:`TooManyRequests` when the bucket lacks them."""
        if retry_after := self.take(key, cost).retry_after:
            raise TooManyRequests(retry_after)

    def give_back(self, key: Hashable, cost: int) -> None:
        """Undo a charge that was made before it was known whom, or how much, to charge."""
        bucket = self._buckets.get(key)
        if bucket is not None:
            level = min(self._capacity, bucket.level + min(cost, self._capacity))
            self._buckets[key] = bucket._replace(level=level)

    def peek(self, key: Hashable) -> Charge:
        """What is left, without charging. Costs nothing for a client that was never charged."""
        bucket = self._buckets.get(key)
        if bucket is None:
            return self._full
        return Charge(0, int(self._level(bucket, self._clock.precise())), 0)

    def _level(self, bucket: _Bucket | None, now: float) -> float:
        if bucket is None:
            return self._capacity
        # A clock that was set back takes nothing out of a bucket.
        regained = max(now - bucket.at, 0) * self._refill
        # Today's time as a float is good to a quarter of a microsecond: without rounding, who
        # waits exactly as told could be a millionth of a token short.
        return min(self._capacity, round(bucket.level + regained, 4))

    def _make_room(self, now: float) -> None:
        """Forget the full buckets, and then the oldest until a tenth of the places is free.

        So many at once, because looking at all of them for every new client would be slow just
        when very many clients come.
        """
        self._buckets = {
            key: bucket
            for key, bucket in self._buckets.items()
            if self._level(bucket, now) < self._capacity
        }
        surplus = len(self._buckets) - MAXIMUM_KEYS * 9 // 10
        for key in list(self._buckets)[: max(surplus, 0)]:
            del self._buckets[key]
