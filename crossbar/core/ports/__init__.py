"""What the core asks of the outside: mail, other servers, places for files, a switch."""

from __future__ import annotations

from crossbar.core.ports.mail import Letter, Mail, NoMail
from crossbar.core.ports.outside import Outside, OutsideFailed, may_be_asked
from crossbar.core.ports.shelves import Shelf, ShelfFailed, Shelves
from crossbar.core.ports.switch import Command, NoSwitch, Switch

__all__ = [
    "Command",
    "Letter",
    "Mail",
    "NoMail",
    "NoSwitch",
    "Outside",
    "OutsideFailed",
    "Shelf",
    "ShelfFailed",
    "Shelves",
    "Switch",
    "may_be_asked",
]
