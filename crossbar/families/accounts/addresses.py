"""The addresses of clients that accounts list, as accounts are found by them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from crossbar.core.shapes import Index
from crossbar.documents import Document

BY_ADDRESS = "address"


def canonical(text: str) -> str | None:
    """An address in the one spelling that is compared; ``None`` for what is none."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def addresses(account: Document) -> Iterable[str]:
    """The addresses that an account document lists: the keys of its ``ips``."""
    listed = account.get("ips")
    found = (canonical(text) for text in listed) if isinstance(listed, dict) else ()
    return [address for address in found if address is not None]


ADDRESSES = Index(name=BY_ADDRESS, values=addresses)
"""By which accounts are found by the address of a client."""
