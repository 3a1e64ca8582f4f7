"""Which switches of a store are there. Each holds a lease; what it has counts while it does.

A switch that is killed, or cannot reach the store, loses its lease by itself, and with it what
others are kept from: places at ceilings, agents. One that is back in time has lost nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from crossbar.core.live import SWITCH, find_alive, key_of_live, put_live
from crossbar.core.services import Services
from crossbar.core.writing import persistently
from crossbar.storage import SYSTEM, Batch, Remove

MEDIA_SERVER = "media_server"
"""What says of a leg, an agent or a phone in which switch it is, or by which it was told."""

LEASE = 60
"""Seconds after which a switch that gives no sign of life counts as gone.

Enough to be started again, and for clocks that differ by some seconds.
"""

RENEWED = 15
"""Seconds after which a lease is renewed that is held."""


class Lease:
    """The lease of the switch of this name."""

    def __init__(self, services: Services, name: str) -> None:
        self.name = name
        self._services = services
        self._ends = 0

    async def hold(self) -> None:
        """Have the lease for a while from now. Costs nothing if it was renewed a moment ago."""
        if self._ends < self._services.clock.gregorian() + LEASE - RENEWED:
            await persistently(self._renew)

    async def _renew(self) -> None:
        services = self._services
        key, ends = key_of_live(SWITCH, SYSTEM, self.name), services.clock.gregorian() + LEASE
        before = await services.store.get(key)
        expected = before["_rev"] if before else None
        put = put_live(SWITCH, key, SYSTEM, {"name": self.name}, ends, expected)
        await services.commit(Batch(puts=[put]))
        self._ends = ends

    async def release(self) -> None:
        """Give it up: the switch ends, and so have its calls."""
        self._ends = 0
        await self._services.commit(
            Batch(removes=[Remove(key_of_live(SWITCH, SYSTEM, self.name))])
        )

    async def others(self, names: Iterable[str]) -> frozenset[str]:
        """Which of these switches hold one, this one left out."""
        found = [
            name
            for name in sorted({*names} - {self.name})
            if await find_alive(self._services, SWITCH, SYSTEM, name)
        ]
        return frozenset(found)
