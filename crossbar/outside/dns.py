"""Looking up hosts in the DNS."""

from __future__ import annotations

import asyncio
from typing import Any

import dns.asyncresolver
import dns.exception
import dns.nameserver
import dns.rdatatype
import dns.resolver

from crossbar.settings import Dns as DnsSettings

AT_ONCE = 10
"""Hosts that a process looks up at a time."""


class Dns:
    """The name servers of the settings, else those of the system."""

    def __init__(self, settings: DnsSettings) -> None:
        self._settings = settings
        self._resolver: dns.asyncresolver.Resolver | None = None
        self._room = asyncio.Semaphore(AT_ONCE)

    async def look_up(self, kind: str, host: str) -> list[str]:
        """The values of a host's records of a kind; empty when there are none."""
        async with self._room:
            try:
                found = await self._made().resolve(host, kind, raise_on_no_answer=False)
            except (dns.exception.DNSException, OSError):
                return []
        return sorted(_written(each) for each in found)

    def _made(self) -> dns.asyncresolver.Resolver:
        """The resolver, made when it is first asked: most servers never ask one."""
        if self._resolver is None:
            servers = [_server(text) for text in self._settings.servers]
            self._resolver = dns.asyncresolver.Resolver(configure=not servers)
            if servers:
                self._resolver.nameservers = servers
            self._resolver.lifetime = self._settings.timeout
        return self._resolver


def _server(text: str) -> dns.nameserver.Nameserver:
    """A name server, written as an address with or without a port."""
    address, colon, port = text.rpartition(":")
    if colon and port.isdigit() and (":" not in address or address.startswith("[")):
        return dns.nameserver.Do53Nameserver(address.strip("[]"), int(port))
    return dns.nameserver.Do53Nameserver(text.strip("[]"))


def _written(record: Any) -> str:
    """A record as text; a name at its end has no dot there, and a text no quotes."""
    if record.rdtype == dns.rdatatype.TXT:
        return b"".join(record.strings).decode("utf-8", "replace")
    return str(record.to_text()).rstrip(".")
