"""Calls: those that run, those that were made, and the phones that are registered for them."""

from __future__ import annotations

from crossbar.families.calls.cdrs import CDRS, CDRS_OF_USER
from crossbar.families.calls.channels import CHANNELS, CHANNELS_OF_ENDPOINT, CHANNELS_OF_SYSTEM
from crossbar.families.calls.deregistering import DEREGISTERED
from crossbar.families.calls.dialogues import (
    CALL_INSPECTOR,
    CALL_INSPECTOR_OF_USER,
    DIALOGUES,
)
from crossbar.families.calls.messages import JOURNALS as MESSAGE_JOURNALS
from crossbar.families.calls.messages import MESSAGES, message_facts
from crossbar.families.calls.recordings import RECORDINGS, RECORDINGS_OF_USER
from crossbar.families.calls.records import (
    INTERACTIONS,
    interaction_id_of,
    interaction_key,
    with_leg,
)
from crossbar.families.calls.registrations import (
    REGISTRATIONS,
    REGISTRATIONS_OF_SYSTEM,
    REGISTRATIONS_OF_USER,
)

CALLS = (
    CALL_INSPECTOR,
    CALL_INSPECTOR_OF_USER,
    CDRS,
    CDRS_OF_USER,
    CHANNELS,
    CHANNELS_OF_ENDPOINT,
    CHANNELS_OF_SYSTEM,
    DIALOGUES,
    INTERACTIONS,
    *MESSAGES,
    RECORDINGS,
    RECORDINGS_OF_USER,
    REGISTRATIONS,
    REGISTRATIONS_OF_SYSTEM,
    REGISTRATIONS_OF_USER,
)
"""The families of the room."""

__all__ = [
    "CALLS",
    "CDRS",
    "DEREGISTERED",
    "DIALOGUES",
    "INTERACTIONS",
    "MESSAGE_JOURNALS",
    "RECORDINGS",
    "interaction_id_of",
    "interaction_key",
    "message_facts",
    "with_leg",
]
