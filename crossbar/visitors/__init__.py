"""Visitors of web sites, and links to watch them: what ``/v1.1`` manages."""

from __future__ import annotations

from crossbar.visitors.connections import (
    HEARTBEAT,
    authenticated,
    beat,
    connect,
    hang_up,
    lookup_code,
)
from crossbar.visitors.search import search_visitors
from crossbar.visitors.sessions import VISITOR_SESSIONS, session_key, sessions_of
from crossbar.visitors.settings import (
    VISITOR_SETTINGS,
    account_id_of,
    public_key_of,
    visitor_settings,
)
from crossbar.visitors.sharing import finish, go_live, start, use_feature
from crossbar.visitors.sweep import SWEEP
from crossbar.visitors.times import instant, instant_of, seconds_between
from crossbar.visitors.usage import latest, usage_of
from crossbar.visitors.visitors import (
    HISTORY,
    MOST_PAGES,
    SHORT_ID,
    VISITORS,
    has_code,
    is_heard,
    is_in_session,
    is_online,
    visitor_key,
)
from crossbar.visitors.watch_links import (
    Place,
    is_waiting,
    link_of_session,
    may_view,
    new_link,
    open_link,
    place_of,
    read_link,
    unopened,
)

__all__ = [
    "HEARTBEAT",
    "HISTORY",
    "MOST_PAGES",
    "SHORT_ID",
    "SWEEP",
    "VISITORS",
    "VISITOR_SESSIONS",
    "VISITOR_SETTINGS",
    "Place",
    "account_id_of",
    "authenticated",
    "beat",
    "connect",
    "finish",
    "go_live",
    "hang_up",
    "has_code",
    "instant",
    "instant_of",
    "is_heard",
    "is_in_session",
    "is_online",
    "is_waiting",
    "latest",
    "link_of_session",
    "lookup_code",
    "may_view",
    "new_link",
    "open_link",
    "place_of",
    "public_key_of",
    "read_link",
    "search_visitors",
    "seconds_between",
    "session_key",
    "sessions_of",
    "start",
    "unopened",
    "usage_of",
    "use_feature",
    "visitor_key",
    "visitor_settings",
]
