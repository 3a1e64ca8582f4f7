"""Visitors: people on the pages of an account's web site, as they are known here.

A visitor's attributes and its live state are one document, since when it was last seen is both.
Heartbeats rewrite it without an event (``visitor_connections``). Links to watch a visitor are in
``watch_links``, its sessions in ``visitor_sessions``, what is counted in ``visitor_counters``.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable

from crossbar.core.change import Change
from crossbar.core.requests import Action, Actor, Request
from crossbar.core.shapes import Collection, Hooks, Index, Unique
from crossbar.documents import Document
from crossbar.storage import Entry, Key, Remove, Span
from crossbar.visitors.counters import departure
from crossbar.visitors.sessions import VISITOR_SESSIONS, end, nameless, sessions_of
from crossbar.visitors.times import DAY, SECOND, instant

ONLINE_FOR = 60 * SECOND
"""Milliseconds after its last heartbeat for which a visitor is online."""

CODE_FOR = DAY
"""Milliseconds offline after which a lookup code is nobody's."""

SHORT_ID = re.compile(r"[A-HJ-NP-Z2-9]{8}")
"""Public names of visitors: capital letters and digits that cannot be mistaken for others."""

LINK_TYPE = "watch_link"

ATTRIBUTES = (
    "identities",
    "integration",
    "integration_ids",
    "js_configuration",
    "lookup_code",
    "tags",
    "unique_id",
)
"""What a page says of its visitor, beside where it is."""

OBSERVED = (
    "browser_name",
    "device_name",
    "device_type",
    "ip_address",
    "last_url",
    "location_city",
    "location_country",
    "location_country_name",
)
"""What is found out about a visitor; a server-side feed may correct it."""

HISTORY = "pvt_history"
MOST_PAGES, MOST_TEXT = 100, 20_000
"""How many pages of a visitor are remembered, and how many characters of them together."""

COMPUTED = ("first_seen_at", "is_in_session", "is_online", "last_seen_at", "short_id")


def is_heard(actor: Actor, visitor: Document) -> bool:
    """Whether the visitor was heard of in the last minute, even if it has hung up since."""
    return bool(visitor["last_seen_at"] > instant(actor.services.clock, ONLINE_FOR))


def is_online(actor: Actor, visitor: Document) -> bool:
    """Whether the visitor is connected and was heard of in the last minute."""
    return bool(visitor["pvt_connected"]) and is_heard(actor, visitor)


def has_code(actor: Actor, visitor: Document) -> bool:
    """Whether the visitor can be found by its lookup code."""
    since = instant(actor.services.clock, CODE_FOR)
    return "lookup_code" in visitor and visitor["last_seen_at"] > since


def visited(visitor: Document, url: str | None, at: str) -> list[Document]:
    """The pages that a visitor was on, oldest first, and one more. Heartbeats repeat the page."""
    pages: list[Document] = visitor.get(HISTORY, [])
    if url is None or (pages and pages[-1]["url"] == url):
        return pages
    pages = [*pages, {"url": url, "visited_at": at}][-MOST_PAGES:]
    while sum(len(page["url"]) for page in pages) > MOST_TEXT:
        pages.pop(0)
    return pages


def is_in_session(actor: Actor, visitor: Document) -> bool:
    """Whether somebody is watching the visitor's page right now."""
    state = (visitor.get("pvt_session") or {}).get("state")
    return state == "running" and is_online(actor, visitor)


def digest(secret: str) -> str:
    """What is kept of a random secret: it is too long to be guessed, so a plain hash does."""
    return hashlib.sha256(secret.encode()).hexdigest()


def proves(secret: str, kept: object) -> bool:
    """Whether a secret is the one of which ``kept`` is the digest."""
    return isinstance(kept, str) and hmac.compare_digest(digest(secret), kept)


async def keep_computed(change: Change) -> None:
    """What is computed cannot be set."""
    for name in COMPUTED:
        change.document.pop(name, None)
        if change.current and name in change.current:
            change.document[name] = change.current[name]


async def take_leave(change: Change) -> None:
    """With a visitor go its links and whatever names it in sessions; the counts stay.

    A running session is ended first. What tells who deleted it is the event of the deletion.
    """
    actor, visitor = change.actor, change.current or {}
    at = instant(actor.services.clock) if is_online(actor, visitor) else visitor["last_seen_at"]
    for session in await sessions_of(actor, visitor["_id"]):
        if "ended_at" not in session:
            change.more.append(await end(actor, session, at))
        key = Key(actor.account_id, VISITOR_SESSIONS.doc_type, session["_id"])
        change.also_put(VISITOR_SESSIONS, key, nameless(session))
    for link in await links_of(actor, visitor["_id"]):
        change.removes.append(Remove(Key(actor.account_id, LINK_TYPE, link["_id"])))
    change.more.append(departure(actor, visitor["last_seen_at"]))


async def links_of(actor: Actor, visitor_id: str) -> list[Document]:
    """The links to watch a visitor that were made and are still known, oldest first."""
    entry = Entry("visitor", visitor_id)
    span = Span(account_id=actor.account_id, doc_type=LINK_TYPE, entry=entry)
    return [row.document async for row in actor.services.store.scan(span)]


async def add_live_state(request: Request, shown: Document, stored: Document) -> None:
    """Show whether the visitor is there, and a lookup code only while it is somebody's."""
    shown["is_online"] = is_online(request.actor, stored)
    shown["is_in_session"] = is_in_session(request.actor, stored)
    if not has_code(request.actor, stored):
        shown.pop("lookup_code", None)


def _connected(visitor: Document) -> Iterable[str]:
    return ("true",) if visitor["pvt_connected"] else ()


def _code(visitor: Document) -> Iterable[str]:
    return (visitor["lookup_code"],) if "lookup_code" in visitor else ()


VISITORS = Collection(
    noun="visitors",
    doc_type="visitor",
    schema="visitors",
    summary=("short_id", "unique_id", "identities", "last_seen_at", "last_url", "tags"),
    actions=frozenset({Action.LIST, Action.FETCH, Action.PATCH, Action.DELETE}),
    order=lambda visitor: str(visitor["last_seen_at"]),
    unique=(
        Unique(path="lookup_code", values=_code, message="Another visitor has this lookup code"),
    ),
    indexes=(
        Index(name="connected", values=_connected),
        Index(
            name="has_code", values=lambda visitor: ("true",) if "lookup_code" in visitor else ()
        ),
    ),
    hooks=Hooks(
        normalize=(keep_computed,),
        deleting=(take_leave,),
        present=(add_live_state,),
    ),
    soft_delete=False,
)


def visitor_key(account_id: str, short_id: str) -> Key:
    """Where a visitor is kept: its id is its short id."""
    return Key(account_id, VISITORS.doc_type, short_id)
