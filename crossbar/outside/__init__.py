"""What leaves this machine: mail, requests to other servers, and files."""

from __future__ import annotations

from crossbar.outside.shelves import shelves_of
from crossbar.outside.smtp import mail_of
from crossbar.outside.web import Web

__all__ = [
    "Web",
    "mail_of",
    "shelves_of",
]
