"""What is told of legs of calls and of phones: happenings in the words of webhooks and sockets."""

from __future__ import annotations

from crossbar.core.telling import happening_at
from crossbar.documents import Document
from crossbar.storage import Event

RESELLER = "pvt_reseller_id"
"""The account's reseller, kept with a leg so that its end can be told without looking it up."""

IS_QUIET = "pvt_is_quiet"
"""Whether nobody wants a notification when the phone is gone."""

_RENAMED = {"uuid": "call_id", "direction": "call_direction", "other_leg": "other_leg_call_id"}
_AS_IT_IS = (
    "authorizing_id",
    "authorizing_type",
    "billing_seconds",
    "callee_id_name",
    "callee_id_number",
    "caller_id_name",
    "caller_id_number",
    "destination",
    "duration_seconds",
    "from",
    "hangup_cause",
    "hangup_code",
    "inception",
    "interaction_id",
    "local_resource_id",
    "original_number",
    "other_leg_destination_number",
    "owner_id",
    "presence_id",
    "request",
    "ringing_seconds",
    "to",
)
_FLAGS = (
    "call_forwarded",
    "emergency_resource_used",
    "is_internal_leg",
    "local_resource_used",
)
_VARIABLES = ("custom_channel_vars", "custom_application_vars")


def call_happens(kind: str, leg: Document, at: int) -> Event:
    """Something happened to a leg, which is as it was stored: ``kind`` as webhooks name it."""
    facts: Document = {name: leg[name] for name in _AS_IT_IS if name in leg}
    facts |= {new: leg[name] for name, new in _RENAMED.items() if name in leg}
    facts |= {name: bool(leg.get(name)) for name in _FLAGS}
    facts |= {name: leg.get(name, {}) for name in _VARIABLES}
    facts |= {"reseller_id": leg[RESELLER]} if leg.get(RESELLER) else {}
    facts["timestamp"] = at
    return happening_at(at, leg["pvt_account_id"], kind, facts, about=leg["uuid"])


def calls_end(leg: Document, at: int) -> list[Event]:
    """A leg is over."""
    return [call_happens("channel_destroy", leg, at)]


def phone_happens(kind: str, phone: Document, at: int) -> Event:
    """A phone has registered, or is not registered any more."""
    facts = {name: value for name, value in phone.items() if not name.startswith(("_", "pvt_"))}
    about = str(phone["username"])
    return happening_at(at, phone["pvt_account_id"], kind, facts, about=about)


def phones_end(phone: Document, at: int) -> list[Event]:
    """A phone is not registered any more, of which somebody may want to be notified."""
    gone = phone_happens("registration_unregistered", phone, at)
    if phone.get(IS_QUIET):
        return [gone]
    notice = {**gone.summary, "type": "deregister"}
    return [
        gone,
        happening_at(at, gone.key.account_id, "notifications", notice, about=gone.key.doc_id),
    ]
