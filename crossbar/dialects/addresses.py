"""Whose request it is: the client's address and scheme, also behind proxies (§2.7)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

from aiohttp import hdrs, web

from crossbar.dialects.headers import agreed, joined

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Proxies:
    """The proxies that are believed in what they say of clients, as addresses and networks.

    Raises :class:`ValueError` for what is neither.
    """

    def __init__(self, trusted: Iterable[str]) -> None:
        self._networks = [ipaddress.ip_network(each, strict=False) for each in trusted]
        self._trusts = lru_cache(maxsize=4096)(self._is_trusted)

    def client_of(self, request: web.BaseRequest) -> str:
        """The address of the nearest hop that is no trusted proxy, whichever line names it."""
        peer = request.remote or ""
        if not self._networks:
            return peer
        forwarded = joined(request.headers, hdrs.X_FORWARDED_FOR)
        if forwarded is None or not self._trusts(peer):
            return peer
        hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
        return next((hop for hop in reversed(hops) if not self._trusts(hop)), peer)

    def scheme_of(self, request: web.BaseRequest) -> str:
        """``http`` or ``https``: what the client speaks, also to a trusted proxy."""
        told = (agreed(request.headers, hdrs.X_FORWARDED_PROTO) or "").lower()
        if told in ("http", "https") and self._trusts(request.remote or ""):
            return told
        return request.scheme

    def _is_trusted(self, text: str) -> bool:
        try:
            address: Address = ipaddress.ip_address(text)
        except ValueError:
            return False
        if isinstance(address, ipaddress.IPv6Address):
            address = address.ipv4_mapped or address
        return any(address in network for network in self._networks)
