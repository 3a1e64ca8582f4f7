"""Fax boxes, and faxes on their way in and out."""

from __future__ import annotations

from crossbar.families.faxing.faxboxes import FAXBOXES
from crossbar.families.faxing.faxes import FAX_SMTP_LOG, FAXES

__all__ = [
    "FAXBOXES",
    "FAXES",
    "FAX_SMTP_LOG",
]
