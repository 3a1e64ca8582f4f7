"""Calls that are to leave, or to come in, by a carrier, and why one may not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from crossbar.documents import Document
from crossbar.families.carriers import BILLING
from crossbar.families.switch import EMERGENCY
from crossbar.switch.asterisk.lines import Line

CONGESTION = "SWITCH_CONGESTION"
OUT, IN = "outbound", "inbound"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A call that is to leave, or to come in, by a carrier. ``resource_of``: whose that is.

    ``number`` is the one that is called, ``other`` the caller's; both are judged in E.164, however
    they are spelled.
    """

    call_id: str
    account_id: str
    direction: str
    number: str
    other: str
    resource: Document
    resource_of: str = ""
    interaction_id: str = ""
    is_emergency: bool = False

    @property
    def is_own(self) -> bool:
        """Whether the carrier is the account's own."""
        return self.resource_of == self.account_id


class Refused(Exception):
    """A call is not let through; ``reason`` is a stable word, the message says it to people."""

    def __init__(self, reason: str, message: str, cause: str = CONGESTION) -> None:
        super().__init__(message)
        self.reason = reason
        self.cause = cause


def by_carriers(lines: Iterable[Line], direction: str = "") -> list[Line]:
    """Those of running legs that go by carriers; emergency calls take nobody's place."""
    return [
        line
        for line in lines
        if line.party.resource_id
        and not (line.cause or line.is_ending)
        and line.terms.get(BILLING) != EMERGENCY
        and direction in ("", IN if line.is_inbound else OUT)
    ]
