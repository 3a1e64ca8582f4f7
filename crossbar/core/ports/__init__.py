"""What the core asks of the outside: mail, other servers, a telephone switch, a bookkeeper."""

from __future__ import annotations

from crossbar.core.ports.bookkeeper import Bookkeeper, Outcome, Payment, Standing
from crossbar.core.ports.mail import Letter, Mail, NoMail
from crossbar.core.ports.outside import Outside, OutsideFailed, may_be_asked
from crossbar.core.ports.switch import Command, NoSwitch, Switch

__all__ = [
    "Bookkeeper",
    "Command",
    "Letter",
    "Mail",
    "NoMail",
    "NoSwitch",
    "Outcome",
    "Outside",
    "OutsideFailed",
    "Payment",
    "Standing",
    "Switch",
    "may_be_asked",
]
