"""What leaves this machine: mail, names to look up, and requests to other servers."""

from __future__ import annotations

from crossbar.outside.dns import Dns
from crossbar.outside.smtp import mail_of
from crossbar.outside.web import Web

__all__ = [
    "Dns",
    "Web",
    "mail_of",
]
