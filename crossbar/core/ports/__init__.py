"""What the core asks of the outside: mail, servers, a switch, a carrier, a bookkeeper."""

from __future__ import annotations

from crossbar.core.ports.bookkeeper import Bookkeeper, Outcome, Payment, Standing
from crossbar.core.ports.carrier import Carrier, Offer
from crossbar.core.ports.mail import Letter, Mail, NoMail
from crossbar.core.ports.outside import Outside, OutsideFailed, may_be_asked
from crossbar.core.ports.porting import NoPorting, Porting
from crossbar.core.ports.switch import Command, NoSwitch, Switch

__all__ = [
    "Bookkeeper",
    "Carrier",
    "Command",
    "Letter",
    "Mail",
    "NoMail",
    "NoPorting",
    "NoSwitch",
    "Offer",
    "Outcome",
    "Outside",
    "OutsideFailed",
    "Payment",
    "Porting",
    "Standing",
    "Switch",
    "may_be_asked",
]
