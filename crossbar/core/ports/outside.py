"""The seam to other servers' web interfaces, which operators have named."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit


class OutsideFailed(Exception):
    """Another server did not answer, or not with what was asked for. The message has no secret."""


class Outside(Protocol):
    """Asks other servers for JSON."""

    async def post_form(self, url: str, form: Mapping[str, str]) -> Any:
        """What is answered to a form. Raises :class:`OutsideFailed`."""
        ...

    async def get(self, url: str, bearer: str = "") -> Any:
        """What is at an address, for whom has the ``bearer`` token. Raises the same."""
        ...


def may_be_asked(url: str) -> bool:
    """Whether nobody between can read what is said: https, or a server on this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    if parts.scheme == "https":
        return bool(host)
    return parts.scheme == "http" and _is_here(host or "")


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
