"""How much of it an account uses: visitors, agents, sessions and their seconds.

Nothing is estimated. What is over is in daily counters (``visitor_counters``), what is going on is
counted where it is. Days are those of the account's time zone.
"""

from __future__ import annotations

from typing import Any

from crossbar.core.requests import Actor
from crossbar.documents import Document
from crossbar.storage import Entry
from crossbar.visitors.counters import DEPARTURE_TYPE, SEAT_TYPE, count_since, totals
from crossbar.visitors.sessions import unended
from crossbar.visitors.sharing import zone_of
from crossbar.visitors.times import DAY, days, instant, midnight, seconds_between
from crossbar.visitors.visitors import ONLINE_FOR, VISITORS, is_heard, is_online

MONTH = 30
"""Days, today among them."""


async def usage_of(actor: Actor) -> dict[str, dict[str, int]]:
    """The counts of the account as they are now."""
    clock, zone = actor.services.clock, zone_of(actor)
    month = days(clock, zone, MONTH)
    today = month[:1]
    sessions = await _sessions(actor)
    is_over = (await totals(actor, today), await totals(actor, month))
    seconds_today = sum(each["seconds"] for each in sessions if each["day"] in today)
    seconds_month = sum(each["seconds"] for each in sessions if each["day"] in month)
    connected = Entry("connected", "true")
    online_since = instant(clock, ONLINE_FOR - 1)
    return {
        "visitors": {
            "online_now": await count_since(actor, VISITORS.doc_type, online_since, connected),
            "last_24_hrs": await _seen_since(actor, instant(clock, DAY)),
            "last_30_days": await _seen_since(actor, instant(clock, MONTH * DAY)),
        },
        "agents": {
            "today": await count_since(actor, SEAT_TYPE, midnight(clock, zone)),
            "last_30_days": await count_since(actor, SEAT_TYPE, instant(clock, MONTH * DAY)),
        },
        "session_counts": {
            "now": sum(each["is_running"] for each in sessions),
            "today": is_over[0][0],
            "last_30_days": is_over[1][0],
        },
        "session_seconds": {
            "today": is_over[0][1] + seconds_today,
            "last_30_days": is_over[1][1] + seconds_month,
        },
    }


async def _seen_since(actor: Actor, since: str) -> int:
    """Distinct visitors, those that were deleted among them."""
    there = await count_since(actor, VISITORS.doc_type, since)
    return there + await count_since(actor, DEPARTURE_TYPE, since)


async def _sessions(actor: Actor) -> list[dict[str, Any]]:
    """Sessions that nobody has ended: the day they count for, and their seconds so far.

    With a visitor that is heard of no more its session is over, though nobody has noted it yet.
    """
    sessions = await unended(actor)
    ids = [session["visitor_id"] for session in sessions]
    visitors = await actor.services.store.get_many(actor.account_id, ids)
    found = []
    for session in sessions:
        visitor = visitors.get(session["visitor_id"])
        if visitor is not None:
            until = latest(actor, visitor)
            seconds = seconds_between(session["started_at"], until)
            is_running = is_heard(actor, visitor)
            found.append({"day": session["pvt_day"], "seconds": seconds, "is_running": is_running})
    return found


def latest(actor: Actor, visitor: Document) -> str:
    """Until when a visitor is known to have been there."""
    online = is_online(actor, visitor)
    return instant(actor.services.clock) if online else str(visitor["last_seen_at"])
