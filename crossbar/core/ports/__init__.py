"""What the core asks of the outside: mail, other servers, a telephone switch, a voice."""

from __future__ import annotations

from crossbar.core.ports.mail import Letter, Mail, NoMail
from crossbar.core.ports.outside import Outside, OutsideFailed, may_be_asked
from crossbar.core.ports.speech import NoSpeech, Speech, Spoken
from crossbar.core.ports.switch import Command, NoSwitch, Switch

__all__ = [
    "Command",
    "Letter",
    "Mail",
    "NoMail",
    "NoSpeech",
    "NoSwitch",
    "Outside",
    "OutsideFailed",
    "Speech",
    "Spoken",
    "Switch",
    "may_be_asked",
]
