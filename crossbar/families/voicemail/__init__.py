"""Voicemail boxes, their messages and the audio of those."""

from __future__ import annotations

from crossbar.families.voicemail.messages import MESSAGES
from crossbar.families.voicemail.vmboxes import VMBOXES

__all__ = [
    "MESSAGES",
    "VMBOXES",
]
