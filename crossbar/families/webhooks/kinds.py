"""What webhooks can be for: the kinds of events, what narrows them, and samples of reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ALL = "all"
"""Every kind, and every value of what narrows one."""

OBJECT = "object"
NOTIFICATIONS = "notifications"
WEBHOOK_DISABLED = "webhook_disabled"
WEBHOOK_OVERFLOW = "webhook_overflow"

OBJECT_TYPES = (
    "account",
    "callflow",
    "device",
    "faxbox",
    "media",
    "user",
    "vmbox",
    "fax",
    "mailbox_message",
    "call_recording",
)
"""The documents whose changes are reported."""

ACTIONS = {"created": "doc_created", "changed": "doc_edited", "deleted": "doc_deleted"}
"""What reports call what was done to a document."""

NOTIFICATION_TYPES = (
    "call_refused",
    "deregister",
    "emergency_bridge",
    "fax_inbound",
    "fax_outbound",
    "low_balance",
    "missed_call",
    "new_account",
    "new_user",
    "password_recovery",
    "port_request",
    "voicemail_new",
    "voicemail_full",
    "system_alert",
    WEBHOOK_DISABLED,
    WEBHOOK_OVERFLOW,
)
FOR_OPERATORS = ("system_alert",)
"""Notifications that only operators are offered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HookKind:
    """A kind of events; ``modifiers`` are the custom data that a webhook for it has to have.

    Each is described and has the values that it may have.
    """

    name: str
    label: str
    about: str
    modifiers: Mapping[str, tuple[str, tuple[str, ...]]] | None = None

    def choices(self, types: tuple[str, ...] = ()) -> Mapping[str, tuple[str, tuple[str, ...]]]:
        """The modifiers, with those types of documents that are reported here, if it is said."""
        modifiers = dict(self.modifiers or {})
        if self.name == OBJECT and types:
            modifiers["type"] = (modifiers["type"][0], (*types, ALL))
        return modifiers

    def shown(self, left_out: tuple[str, ...] = (), types: tuple[str, ...] = ()) -> dict[str, Any]:
        """The kind as clients see it."""
        shown: dict[str, Any] = {"id": self.name, "name": self.label, "description": self.about}
        if self.modifiers:
            shown["modifiers"] = {
                name: {
                    "type": "array",
                    "description": about,
                    "items": [each for each in values if each not in left_out],
                }
                for name, (about, values) in self.choices(types).items()
            }
        return shown


KINDS = {
    kind.name: kind
    for kind in (
        HookKind(name="channel_create", label="Channel Create", about="A call begins."),
        HookKind(name="channel_answer", label="Channel Answer", about="A call is answered."),
        HookKind(name="channel_bridge", label="Channel Bridge", about="Two calls are connected."),
        HookKind(name="channel_hold", label="Channel Hold", about="A call is put on hold."),
        HookKind(name="channel_unhold", label="Channel Unhold", about="A call is resumed."),
        HookKind(name="channel_destroy", label="Channel Destroy", about="A call ends."),
        HookKind(name="cdr", label="Call Record", about="The record of a call is written."),
        HookKind(
            name="stream",
            label="Stream",
            about="The audio of a call begins or ceases to be streamed.",
            modifiers={
                "type": ("Which of the two is reported", (ALL, "stream_start", "stream_stop"))
            },
        ),
        HookKind(name="sms", label="SMS", about="A text message is sent or received."),
        HookKind(name="mms", label="MMS", about="A message with media is sent or received."),
        HookKind(name="parking", label="Call Parking", about="A call is parked or retrieved."),
        HookKind(
            name=NOTIFICATIONS,
            label="Notifications",
            about="Somebody is told of something, by mail as a rule.",
            modifiers={"type": ("Which notification is reported", (*NOTIFICATION_TYPES, ALL))},
        ),
        HookKind(
            name=OBJECT,
            label="Object",
            about="A document is created, changed or deleted.",
            modifiers={
                "type": ("Documents of which type are reported", (*OBJECT_TYPES, ALL)),
                "action": ("What done to them is reported", (*ACTIONS.values(), ALL)),
            },
        ),
    )
}

_CALL = {
    "account_id": "a" * 32,
    "authorizing_id": "d" * 32,
    "authorizing_type": "device",
    "call_direction": "inbound",
    "call_forwarded": False,
    "call_id": "5f0e9c1b@10.0.0.7",
    "callee_id_name": "Bob",
    "callee_id_number": "2002",
    "caller_id_name": "Ann",
    "caller_id_number": "2001",
    "custom_channel_vars": {"owner_id": "b" * 32},
    "custom_application_vars": {},
    "emergency_resource_used": False,
    "from": "2001@ann.example.com",
    "inception": "2002@ann.example.com",
    "is_internal_leg": False,
    "local_resource_used": False,
    "other_leg_call_id": "77aa01c2@10.0.0.7",
    "owner_id": "b" * 32,
    "request": "2002@ann.example.com",
    "reseller_id": "e" * 32,
    "timestamp": 63_831_000_000,
    "to": "2002@ann.example.com",
}


def _call(kind: str, **more: Any) -> dict[str, Any]:
    return {"hook_event": kind, **_CALL, **more}


SAMPLES: Mapping[str, list[dict[str, Any]]] = {
    "webhooks_channel_answer": [_call("channel_answer")],
    "webhooks_channel_bridge": [
        _call(
            "channel_bridge",
            original_number="2002",
            other_leg_destination_number="2002",
        )
    ],
    "webhooks_channel_create": [_call("channel_create")],
    "webhooks_channel_destroy": [
        _call(
            "channel_destroy",
            hangup_cause="NORMAL_CLEARING",
            hangup_code="sip:200",
            duration_seconds=42,
            ringing_seconds=4,
            billing_seconds=38,
        )
    ],
    "webhooks_notifications": [
        {
            "hook_event": NOTIFICATIONS,
            "type": WEBHOOK_DISABLED,
            "account_id": "a" * 32,
            "hook_id": "c" * 32,
            "reason": "nothing was delivered for a day",
        }
    ],
    "webhooks_object": [
        {"id": "b" * 32, "account_id": "a" * 32, "action": action, "type": "user"}
        for action in ACTIONS.values()
    ],
    "webhooks_parking": [
        {
            "hook_event": "parking",
            "event_name": name,
            "account_id": "a" * 32,
            "call_id": "5f0e9c1b@10.0.0.7",
            "callee_id_name": "Bob",
            "callee_id_number": "2002",
            "caller_id_name": "Ann",
            "caller_id_number": "2001",
            "parking_slot": "101",
        }
        for name in ("PARK_PARKED", "PARK_RETRIEVED", "PARK_ABANDONED")
    ],
}
"""What reports look like, by the name of the sample."""
