"""Sessions: an agent watching a visitor's page. Kept without the visitor when that is deleted.

They are begun and ended in ``visitor_sharing``; here is what a session is, and how it counts.
"""

from __future__ import annotations

from collections.abc import Iterable

from crossbar.core.requests import Action, Actor
from crossbar.core.shapes import Collection, Index
from crossbar.documents import Document
from crossbar.storage import Entry, Key, Put, Span
from crossbar.visitors.counters import counted
from crossbar.visitors.times import seconds_between

IDENTIFYING = ("visitor_id", "metadata")
"""What a session loses when its visitor is deleted."""


def _visitor(session: Document) -> Iterable[str]:
    return (session["visitor_id"],) if "visitor_id" in session else ()


def _state(session: Document) -> Iterable[str]:
    return ("ended" if "ended_at" in session else "running",)


VISITOR_SESSIONS = Collection(
    noun="visitor_sessions",
    doc_type="visitor_session",
    schema="visitor_sessions",
    summary=("number", "visitor_id", "started_at", "ended_at", "length_seconds", "went_live"),
    actions=frozenset({Action.LIST, Action.FETCH}),
    order=lambda session: str(session["started_at"]),
    indexes=(Index(name="visitor", values=_visitor), Index(name="state", values=_state)),
)


def session_key(account_id: str, number: int) -> Key:
    """Where a session is kept. Its id is its number behind an ``s``: no other begins so."""
    return Key(account_id, VISITOR_SESSIONS.doc_type, f"s{number}")


async def sessions_of(actor: Actor, visitor_id: str, limit: int | None = None) -> list[Document]:
    """The visitor's sessions, newest first."""
    return await _walk(actor, Entry("visitor", visitor_id), limit)


async def unended(actor: Actor) -> list[Document]:
    """Sessions that nobody has ended, newest first; their visitors may be gone all the same."""
    return await _walk(actor, Entry("state", "running"), None)


async def _walk(actor: Actor, entry: Entry, limit: int | None) -> list[Document]:
    span = Span(
        account_id=actor.account_id,
        doc_type=VISITOR_SESSIONS.doc_type,
        entry=entry,
        descending=True,
    )
    found: list[Document] = []
    async for row in actor.services.store.scan(span):
        found.append(row.document)
        if len(found) == limit:
            break
    return found


async def end(actor: Actor, session: Document, at: str) -> Put:
    """End a session document, in place; the write that adds its seconds to its day."""
    session["ended_at"] = max(at, session["started_at"])
    session["length_seconds"] = seconds_between(session["started_at"], session["ended_at"])
    return await counted(actor, session["pvt_day"], seconds=session["length_seconds"])


def nameless(session: Document) -> Document:
    """The session without what identifies its visitor."""
    return {name: value for name, value in session.items() if name not in IDENTIFYING}
