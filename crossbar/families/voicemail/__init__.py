"""Voicemail boxes, their messages and the audio of those."""

from __future__ import annotations

from crossbar.families.voicemail.mailed import VOICEMAIL_MAIL
from crossbar.families.voicemail.messages import (
    BOX,
    MESSAGES,
    count_kept,
    folder_span,
    message_key,
    oldest_kept,
)
from crossbar.families.voicemail.vmboxes import VMBOXES

__all__ = [
    "BOX",
    "MESSAGES",
    "VMBOXES",
    "VOICEMAIL_MAIL",
    "count_kept",
    "folder_span",
    "message_key",
    "oldest_kept",
]
