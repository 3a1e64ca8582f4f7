"""Whose request is being answered, for what is shared out among clients deep below a handler."""

from __future__ import annotations

import ipaddress
from contextvars import ContextVar
from functools import lru_cache
from typing import Protocol

NETWORK_BITS = 64
"""Of an IPv6 address; a client has a network of that size to itself, and so counts as one."""


class Client(Protocol):
    """Who waits for an answer."""

    @property
    def address(self) -> str:
        """Its address, as far as that is known."""
        ...

    @property
    def is_there(self) -> bool:
        """Whether it still waits."""
        ...


CLIENT: ContextVar[Client | None] = ContextVar("client", default=None)
"""The client whose request this task answers; ``None`` for a command. Each dialect sets it."""


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """What stands for everybody who has an address: itself, or the IPv6 network it is from."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed), NETWORK_BITS), strict=False))
