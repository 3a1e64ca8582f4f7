"""Web addresses in documents, which a telephone switch asks later: which ones may be named."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

from yarl import URL

from crossbar.settings import USUALLY_BLOCKED


class ClientUrls:
    """Judges addresses: ``http`` or ``https``, of a host that is not ``blocked``.

    Names are not looked up, so whoever asks an address has to look where it leads. Raises
    :class:`ValueError` for a blocked network that is none.
    """

    def __init__(self, blocked: Iterable[str] = USUALLY_BLOCKED) -> None:
        self._names: set[str] = set()
        self._networks = []
        for host in blocked:
            if "/" in host or _address(host) is not None:
                self._networks.append(ipaddress.ip_network(host, strict=False))
            else:
                self._names.add(host.lower())

    def allow(self, url: str) -> bool:
        """Whether a document may name this address."""
        try:
            parts = urlsplit(url)
            host, port = _plain(url, parts.hostname or "").rstrip("."), parts.port
        except ValueError:
            return False
        is_plain = parts.scheme in ("http", "https") and all(each > " " for each in url)
        if not is_plain or not host or port == 0 or host in self._names:
            return False
        address = _address(host)
        return address is None or not any(address in network for network in self._networks)


def _plain(url: str, host: str) -> str:
    """A host as it is asked for: characters of other scripts may stand for plain ones."""
    return host if host.isascii() else URL(url).raw_host or ""


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a host is, also in the old spellings of IPv4; ``None`` for a name."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        try:
            return ipaddress.IPv4Address(socket.inet_aton(host))
        except (OSError, ValueError):
            return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
