"""What is beside this server: mail, other servers, a program that speaks."""

from __future__ import annotations

from crossbar.outside.smtp import mail_of
from crossbar.outside.speech import speech_of
from crossbar.outside.web import Web

__all__ = [
    "Web",
    "mail_of",
    "speech_of",
]
