"""Port requests: numbers that come here from another carrier, and who decides about them."""

from __future__ import annotations

from crossbar.families.porting.authority import authority_of, is_authority
from crossbar.families.porting.comments import COMMENTS_OF_PORT
from crossbar.families.porting.listing import ports_at_or_below, ports_of
from crossbar.families.porting.port_requests import (
    PORT_REQUESTS,
    PORT_REQUESTS_OF_ACCOUNT,
    PORT_REQUESTS_OF_DESCENDANTS,
    PORT_REQUESTS_OF_SYSTEM,
)
from crossbar.families.porting.states import STATE, SUSPENDED, TRANSITIONS
from crossbar.families.porting.under_way import UNDER_WAY, PortRequests

__all__ = [
    "COMMENTS_OF_PORT",
    "PORT_REQUESTS",
    "PORT_REQUESTS_OF_ACCOUNT",
    "PORT_REQUESTS_OF_DESCENDANTS",
    "PORT_REQUESTS_OF_SYSTEM",
    "STATE",
    "SUSPENDED",
    "TRANSITIONS",
    "UNDER_WAY",
    "PortRequests",
    "authority_of",
    "is_authority",
    "ports_at_or_below",
    "ports_of",
]
