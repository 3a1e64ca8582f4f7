"""Looking up hosts in the DNS.

dnspython is loaded when the first host is asked for: most servers never ask, and it takes 3 MB.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from crossbar.settings import Dns as DnsSettings

if TYPE_CHECKING:
    from dns.asyncresolver import Resolver
    from dns.nameserver import Nameserver

AT_ONCE = 10
"""Hosts that a process looks up at a time."""


class Dns:
    """The name servers of the settings, else those of the system."""

    def __init__(self, settings: DnsSettings) -> None:
        self._settings = settings
        self._resolver: Resolver | None = None
        self._room = asyncio.Semaphore(AT_ONCE)

    async def look_up(self, kind: str, host: str) -> list[str]:
        """The values of a host's records of a kind; empty when there are none."""
        from dns.exception import DNSException

        async with self._room:
            try:
                found = await self._made().resolve(host, kind, raise_on_no_answer=False)
            except (DNSException, OSError):
                return []
        return sorted(_written(each) for each in found)

    def _made(self) -> Resolver:
        """The resolver, made when it is first asked: most servers never ask one."""
        from dns.asyncresolver import Resolver

        if self._resolver is None:
            servers = [_server(text) for text in self._settings.servers]
            self._resolver = Resolver(configure=not servers)
            if servers:
                self._resolver.nameservers = servers
            self._resolver.lifetime = self._settings.timeout
        return self._resolver


def _server(text: str) -> Nameserver:
    """A name server, written as an address with or without a port."""
    from dns.nameserver import Do53Nameserver

    address, colon, port = text.rpartition(":")
    if colon and port.isdigit() and (":" not in address or address.startswith("[")):
        return Do53Nameserver(address.strip("[]"), int(port))
    return Do53Nameserver(text.strip("[]"))


def _written(record: Any) -> str:
    """A record as text; a name at its end has no dot there, and a text no quotes."""
    from dns.rdatatype import TXT

    if record.rdtype == TXT:
        return b"".join(record.strings).decode("utf-8", "replace")
    return str(record.to_text()).rstrip(".")
