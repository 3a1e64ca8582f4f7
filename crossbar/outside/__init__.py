"""What is beside this server: mail, other servers, places for files, programs."""

from __future__ import annotations

from crossbar.outside.audio import Decoder
from crossbar.outside.dns import Dns
from crossbar.outside.functions import Engine
from crossbar.outside.paper import Printer
from crossbar.outside.receivers import HttpReceivers
from crossbar.outside.shelves import shelves_of
from crossbar.outside.smtp import mail_of
from crossbar.outside.speech import speech_of
from crossbar.outside.web import Web

__all__ = [
    "Decoder",
    "Dns",
    "Engine",
    "HttpReceivers",
    "Printer",
    "Web",
    "mail_of",
    "shelves_of",
    "speech_of",
]
