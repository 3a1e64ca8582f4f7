"""The states of a port request, and the ways from one to another."""

from __future__ import annotations

from collections.abc import Mapping

from crossbar.documents import Document

UNCONFIRMED, SUBMITTED, PENDING, SCHEDULED = "unconfirmed", "submitted", "pending", "scheduled"
COMPLETED, REJECTED, CANCELED = "completed", "rejected", "canceled"

STATES = (UNCONFIRMED, SUBMITTED, PENDING, SCHEDULED, REJECTED, COMPLETED, CANCELED)

FINISHED = (COMPLETED, CANCELED)
"""Nothing comes after these. Their numbers are free for another request."""

SUSPENDED = (UNCONFIRMED, REJECTED)
"""The customer has to do something. What was asked for may be changed as a whole."""

REMOVABLE = (UNCONFIRMED, REJECTED, CANCELED)

FROM: Mapping[str, tuple[str, ...]] = {
    SUBMITTED: (UNCONFIRMED, REJECTED),
    PENDING: (SUBMITTED,),
    SCHEDULED: (PENDING,),
    COMPLETED: (PENDING, SCHEDULED, REJECTED),
    REJECTED: (SUBMITTED, PENDING, SCHEDULED),
    CANCELED: tuple(state for state in STATES if state not in FINISHED),
}
"""By state that a client can ask for: those that it can be reached from."""

STATE = "pvt_port_state"
TRANSITIONS = "pvt_transitions"
"""What has happened so far, the latest first."""

PORTED = "pvt_ported_numbers"
"""The numbers of a completed request, which have become numbers of the account."""

SENT = "pvt_sent"
"""Whether the request was handed on to the losing carrier by a machine."""


def state_of(document: Document) -> str:
    """The state of a stored request."""
    return str(document.get(STATE, UNCONFIRMED))
