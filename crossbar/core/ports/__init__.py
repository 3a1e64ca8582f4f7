"""What the core asks of the outside: mail, names of hosts, other servers, a telephone switch."""

from __future__ import annotations

from crossbar.core.ports.mail import Letter, Mail, NoMail
from crossbar.core.ports.names import Names
from crossbar.core.ports.outside import Outside, OutsideFailed, may_be_asked
from crossbar.core.ports.switch import Command, NoSwitch, Switch

__all__ = [
    "Command",
    "Letter",
    "Mail",
    "Names",
    "NoMail",
    "NoSwitch",
    "Outside",
    "OutsideFailed",
    "Switch",
    "may_be_asked",
]
