"""What is counted of visitors, in documents that are written in the commit of what they count.

A day (``visitor_day``) has the sessions that started on it and the seconds of those that are over.
A seat (``visitor_agent``) is an agent, placed where it last took part in a session, so the agents
since a time are those behind it. A departure (``visitor_departure``) is a visitor that was
deleted, of whom only the last time seen is kept. None of them names a visitor.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from typing import TypeVar

from crossbar.core.recipes import ATTEMPTS
from crossbar.core.requests import Context
from crossbar.core.stamping import fresh_id, stamped
from crossbar.documents import Document
from crossbar.errors import Conflict
from crossbar.storage import Entry, Key, Put, RevisionConflict, Span
from crossbar.visitors.times import instant

DAY_TYPE = "visitor_day"
SEAT_TYPE = "visitor_agent"
DEPARTURE_TYPE = "visitor_departure"
SEQUENCE = "visitor_sequence"

T = TypeVar("T")


async def persist(context: Context, attempt: Callable[[], Awaitable[T]]) -> T:
    """Read, decide and commit what is counted; again when another process came between.

    Within a process the account's writers take turns. Raises :class:`Conflict`.
    """
    async with context.services.turns.of(Key(context.account_id, DAY_TYPE, "")):
        for _ in range(ATTEMPTS):
            with suppress(RevisionConflict):
                return await attempt()
    raise Conflict


def put(
    context: Context, key: Key, document: Document, *, sort: str, entries: Sequence[Entry] = ()
) -> Put:
    """A write of a document that belongs to no family: new, or of the revision that it carries."""
    expected = document.get("_rev")
    return Put(key, stamped(context, key, document), expected, sort=sort, entries=entries)


async def counted(context: Context, day: str, *, sessions: int = 0, seconds: int = 0) -> Put:
    """The day with so much more in it."""
    key = _day_key(context, day)
    stored = await context.services.store.get(key) or {"sessions": 0, "seconds": 0}
    stored["sessions"] += sessions
    stored["seconds"] += seconds
    return put(context, key, stored, sort=day)


async def totals(context: Context, days: Iterable[str]) -> tuple[int, int]:
    """Sessions, and seconds of those that are over, of the days together."""
    ids = [_day_key(context, day).doc_id for day in days]
    found = (await context.services.store.get_many(context.account_id, ids)).values()
    return sum(day["sessions"] for day in found), sum(day["seconds"] for day in found)


def _day_key(context: Context, day: str) -> Key:
    return Key(context.account_id, DAY_TYPE, f"{DAY_TYPE}_{day}")


async def next_number(context: Context, name: str) -> tuple[int, Put]:
    """The next of the account's consecutive numbers of this name, and the write that takes it."""
    key = Key(context.account_id, SEQUENCE, SEQUENCE)
    stored = await context.services.store.get(key) or {}
    stored[name] = stored.get(name, 0) + 1
    return stored[name], put(context, key, stored, sort="")


def seat_key(context: Context, agent_id: str) -> Key:
    """Where an agent's seat is kept: agents are named by whoever makes links."""
    digest = hashlib.sha256(agent_id.encode()).hexdigest()[:32]
    return Key(context.account_id, SEAT_TYPE, f"{SEAT_TYPE}_{digest}")


async def seated(context: Context, agent_id: str) -> tuple[int, list[Put]]:
    """The agent's number, and the writes that note that it takes part in a session now."""
    key, writes = seat_key(context, agent_id), []
    seat = await context.services.store.get(key)
    if seat is None:
        number, taken = await next_number(context, "agents")
        seat = {"number": number}
        writes.append(taken)
    now = instant(context.services.clock)
    writes.append(put(context, key, {**seat, "last_at": now}, sort=now))
    return seat["number"], writes


async def count_since(
    context: Context, doc_type: str, since: str, entry: Entry | None = None
) -> int:
    """How many documents of a type lie at ``since`` or behind it."""
    span = Span(account_id=context.account_id, doc_type=doc_type, entry=entry, low=since)
    return await context.services.store.count(span)


def departure(context: Context, last_seen_at: str) -> Put:
    """The write that keeps a deleted visitor in the counts of distinct ones."""
    key = Key(context.account_id, DEPARTURE_TYPE, fresh_id(context.services.clock))
    return put(context, key, {}, sort=last_seen_at)
