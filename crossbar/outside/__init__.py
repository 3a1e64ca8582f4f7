"""What leaves this machine: mail, and requests to other servers."""

from __future__ import annotations

from crossbar.outside.smtp import mail_of
from crossbar.outside.web import Web

__all__ = [
    "Web",
    "mail_of",
]
