"""The seam to the DNS: what is known of a host."""

from __future__ import annotations

from typing import Protocol


class Names(Protocol):
    """Servers that know hosts."""

    async def look_up(self, kind: str, host: str) -> list[str]:
        """The values of a host's records of a kind, such as ``CNAME``, as zone files write them.

        Names are without the dot at their end. Empty when there are none, or nobody answers in
        time.
        """
        ...
