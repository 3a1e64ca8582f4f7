"""Visitors and sessions as this dialect shows them: every key is always there."""

from __future__ import annotations

from typing import Any

from crossbar.core.requests import Actor
from crossbar.documents import Document
from crossbar.visitors import (
    has_code,
    is_in_session,
    is_online,
    latest,
    public_key_of,
    seconds_between,
    sessions_of,
)

SESSIONS_SHOWN = 10

OPTIONAL = (
    "browser_name",
    "device_name",
    "device_type",
    "identities",
    "integration",
    "last_url",
    "location_city",
    "location_country",
    "location_country_name",
    "unique_id",
)
"""Keys that are null when nothing is known."""


async def visitor_object(actor: Actor, visitor: Document) -> dict[str, Any]:
    """A visitor, with its newest sessions."""
    sessions = await sessions_of(actor, visitor["_id"], SESSIONS_SHOWN)
    return {
        "_type": "visitor",
        "api_key": public_key_of(actor.account_id),
        **{name: visitor.get(name) for name in OPTIONAL},
        "first_seen_at": visitor["first_seen_at"],
        "ip_address": visitor.get("ip_address", ""),
        "is_in_session": is_in_session(actor, visitor),
        "is_online": is_online(actor, visitor),
        "js_configuration": visitor.get("js_configuration", False),
        "last_seen_at": visitor["last_seen_at"],
        "lookup_code": visitor["lookup_code"] if has_code(actor, visitor) else None,
        "sessions": [session_object(actor, each, visitor) for each in sessions],
        "short_id": visitor["_id"],
        "tags": visitor.get("tags", []),
    }


def session_object(
    actor: Actor, session: Document, visitor: Document | None = None
) -> dict[str, Any]:
    """A session. ``visitor`` tells how long one has lasted that nobody has ended."""
    account = actor.require_account()
    seconds = session.get("length_seconds")
    if seconds is None:
        until = latest(actor, visitor) if visitor else session["started_at"]
        seconds = seconds_between(session["started_at"], until)
    return {
        "_type": "session",
        "id": session["number"],
        "visitor_id": session.get("visitor_id"),
        "team": {
            "_type": "team",
            "id": int(account.account_id[:12], 16),
            "domain": account.realm,
        },
        "agents": [{**agent, "_type": "external_agent"} for agent in session["agents"]],
        "started_at": session["started_at"],
        "ended_at": session.get("ended_at"),
        "length_seconds": seconds,
        "call_length_seconds": 0,
        "formatted_length": formatted(seconds),
        "formatted_call_length": formatted(0),
        "went_live": session["went_live"],
        "features_used": session["features_used"],
    }


def formatted(seconds: int) -> str:
    """A length in words, in its largest unit: ``1 minute``; ``-`` for none."""
    for size, unit in ((3600, "hour"), (60, "minute"), (1, "second")):
        number = seconds // size
        if number:
            return f"{number} {unit}" if number == 1 else f"{number} {unit}s"
    return "-"
