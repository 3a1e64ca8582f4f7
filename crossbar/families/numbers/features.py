"""What numbers can do beside being called: which features one may have, and which it has."""

from __future__ import annotations

from typing import Any

from crossbar.documents import Document, lookup
from crossbar.errors import NumberForbidden
from crossbar.families.numbers.documents import (
    ASSIGNED_TO,
    LOCAL,
    MDN,
    MODULE,
    STATE,
    USED_BY,
    State,
)
from crossbar.families.numbers.uses import TRUNK
from crossbar.settings import Numbers

CNAM = ("cnam", "inbound_cnam", "outbound_cnam")
OUTSIDE = (*CNAM, "port", "e911", "sms", "mms")
"""Features that somebody outside provides, for numbers of which somebody outside knows."""

CARRIER_NAME = "carrier_name"

KEYS = (
    "carrier_name",
    "cnam",
    "e911",
    "failover",
    "force_outbound",
    "mms",
    "port",
    "prepend",
    "ringback",
    "sms",
)
"""The fields of a number that ask for features."""

CNAM_STATES = (State.IN_SERVICE, State.RESERVED, State.PORT_IN)


def available(settings: Numbers, document: Document, *, is_operator: bool) -> list[str]:
    """The features that the number may have."""
    denied = set(document.get("pvt_features_denied", ()))
    is_local = document.get(MODULE, LOCAL) in (LOCAL, MDN)
    if not document.get(ASSIGNED_TO) or (is_local and not settings.local_feature_override):
        denied.update(OUTSIDE)
    if document.get(USED_BY) != TRUNK:
        denied.add("failover")
    if not is_operator:
        denied.add(CARRIER_NAME)
    allowed = document.get("pvt_features_allowed") or settings.features
    return sorted(name for name in allowed if name not in denied)


def require_available(may: list[str], before: Document, after: Document) -> None:
    """Refuse a feature that the number may not have, where it is asked for anew."""
    for name in KEYS:
        value = after.get(name)
        if value is not None and value != before.get(name) and name not in may:
            raise NumberForbidden(cause=f"the number may not have {name}")


def wanted(document: Document) -> list[str]:
    """The features that the number has by its fields, sorted."""
    state = document.get(STATE)
    found = set()
    if state == State.IN_SERVICE:
        found |= {name for name in ("e911", "failover", "port", "ringback") if document.get(name)}
        found |= {name for name in ("sms", "mms") if _is_enabled(document, name)}
        if document.get("force_outbound") is True:
            found.add("force_outbound")
        if lookup(document, ("prepend", "enabled")) not in (None, False):
            found.add("prepend")
    if state in CNAM_STATES:
        if lookup(document, ("cnam", "display_name")):
            found.add("outbound_cnam")
        if lookup(document, ("cnam", "inbound_lookup")) is True:
            found.add("inbound_cnam")
    return sorted(found)


def _is_enabled(document: Document, name: str) -> bool:
    value: Any = document.get(name)
    return isinstance(value, dict) and value.get("enabled") is True
