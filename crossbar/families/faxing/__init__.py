"""Fax boxes, and faxes on their way in and out."""

from __future__ import annotations

from crossbar.families.faxing.callbacks import FAX_CALLBACK
from crossbar.families.faxing.faxboxes import FAXBOXES
from crossbar.families.faxing.faxes import FAX_SMTP_LOG, FAXES
from crossbar.families.faxing.jobs import FAX_TYPE, FAX_TYPES
from crossbar.families.faxing.results import Outcome, outcome_of_receiving, outcome_of_sending
from crossbar.families.faxing.sending import FAX_SENDING

__all__ = [
    "FAXBOXES",
    "FAXES",
    "FAX_CALLBACK",
    "FAX_SENDING",
    "FAX_SMTP_LOG",
    "FAX_TYPE",
    "FAX_TYPES",
    "Outcome",
    "outcome_of_receiving",
    "outcome_of_sending",
]
