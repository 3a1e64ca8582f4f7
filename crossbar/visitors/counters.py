"""What is counted of visitors, in documents that are written in the commit of what they count.

A day (``visitor_day``) has the sessions that started on it and the seconds of those that are over.
A seat (``visitor_agent``) is an agent, placed where it last took part in a session, so the agents
since a time are those behind it. A departure (``visitor_departure``) is a visitor that was
deleted, of whom only the last time seen is kept. None of them names a visitor.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

from crossbar.core.requests import Actor
from crossbar.core.sequences import next_number
from crossbar.core.stamping import fresh_id, stamped
from crossbar.core.writing import in_turn
from crossbar.documents import Document
from crossbar.storage import Entry, Key, Put, Span
from crossbar.visitors.times import instant

DAY_TYPE = "visitor_day"
SEAT_TYPE = "visitor_agent"
DEPARTURE_TYPE = "visitor_departure"
SEQUENCE = "visitor_sequence"

T = TypeVar("T")


async def persist(actor: Actor, attempt: Callable[[], Awaitable[T]]) -> T:
    """Read, decide and commit what is counted, in turn with the account's other writers of it."""
    return await in_turn(actor, Key(actor.account_id, DAY_TYPE, ""), attempt)


def put(
    actor: Actor, key: Key, document: Document, *, sort: str, entries: Sequence[Entry] = ()
) -> Put:
    """A write of a document that belongs to no family: new, or of the revision that it carries."""
    expected = document.get("_rev")
    return Put(key, stamped(actor, key, document), expected, sort=sort, entries=entries)


async def counted(actor: Actor, day: str, *, sessions: int = 0, seconds: int = 0) -> Put:
    """The day with so much more in it."""
    key = _day_key(actor, day)
    stored = await actor.services.store.get(key) or {"sessions": 0, "seconds": 0}
    stored["sessions"] += sessions
    stored["seconds"] += seconds
    return put(actor, key, stored, sort=day)


async def totals(actor: Actor, days: Iterable[str]) -> tuple[int, int]:
    """Sessions, and seconds of those that are over, of the days together."""
    ids = [_day_key(actor, day).doc_id for day in days]
    found = (await actor.services.store.get_many(actor.account_id, ids)).values()
    return sum(day["sessions"] for day in found), sum(day["seconds"] for day in found)


def _day_key(actor: Actor, day: str) -> Key:
    return Key(actor.account_id, DAY_TYPE, f"{DAY_TYPE}_{day}")


async def take_number(actor: Actor, name: str) -> tuple[int, Put]:
    """The next of the account's consecutive numbers of this name, and the write that takes it."""
    key = Key(actor.account_id, SEQUENCE, SEQUENCE)
    return await next_number(actor.services.store, key, field=name)


def seat_key(actor: Actor, agent_id: str) -> Key:
    """Where an agent's seat is kept: agents are named by whoever makes links."""
    digest = hashlib.sha256(agent_id.encode()).hexdigest()[:32]
    return Key(actor.account_id, SEAT_TYPE, f"{SEAT_TYPE}_{digest}")


async def seated(actor: Actor, agent_id: str) -> tuple[int, list[Put]]:
    """The agent's number, and the writes that note that it takes part in a session now."""
    key, writes = seat_key(actor, agent_id), []
    seat = await actor.services.store.get(key)
    if seat is None:
        number, taken = await take_number(actor, "agents")
        seat = {"number": number}
        writes.append(taken)
    now = instant(actor.services.clock)
    writes.append(put(actor, key, {**seat, "last_at": now}, sort=now))
    return seat["number"], writes


async def count_since(actor: Actor, doc_type: str, since: str, entry: Entry | None = None) -> int:
    """How many documents of a type lie at ``since`` or behind it."""
    span = Span(account_id=actor.account_id, doc_type=doc_type, entry=entry, low=since)
    return await actor.services.store.count(span)


def departure(actor: Actor, last_seen_at: str) -> Put:
    """The write that keeps a deleted visitor in the counts of distinct ones."""
    key = Key(actor.account_id, DEPARTURE_TYPE, fresh_id(actor.services.clock))
    return put(actor, key, {}, sort=last_seen_at)
