"""Deliveries: reports on their way to a webhook.

One that is taken at the first try is never stored: the log of events has it until then. What has
to wait is a document of the system, found by its webhook in the order in which it is due. It is
removed in the commit that records the last attempt at it.
"""

from __future__ import annotations

import random

from crossbar.clock import Clock
from crossbar.core.services import Services
from crossbar.documents import Document, next_revision
from crossbar.families.accounts import HOOK_PLACE_TYPE as PLACE_TYPE
from crossbar.storage import SYSTEM, Batch, Entry, Event, Key, Position, Put, Remove, Row, Span

DELIVERY_TYPE = "webhook_delivery"
QUEUED = "webhook_queued"
"""The type that an event has, in place of a document's, of deliveries that somebody asked for."""

FIRST_PAUSE, LONGEST_PAUSE = 5.0, 3600.0
"""Seconds, at most, until a delivery that failed is tried again: the first time, and later."""

PORTION = 200
"""Deliveries of a webhook that are read, or written, at a time."""


def place_of(account_id: str, hook_id: str) -> str:
    """The one name of a webhook in all accounts: clients may choose the ids of documents."""
    return f"{account_id}-{hook_id}"


def message_id_of(hook: Document, report: Document) -> str:
    """What a receiver knows a report by, however often it is sent."""
    return f"msg_{report['number']}_{hook['_id']}"


def delivery_of(clock: Clock, hook: Document, report: Document, again: str = "") -> Document:
    """A report on its way, in memory; ``again`` tells one that was asked for from the first."""
    place = place_of(hook["pvt_account_id"], hook["_id"])
    return {
        "_id": f"{place}-{report['number']:012}{again}",
        "hook_id": hook["_id"],
        "account_id": hook["pvt_account_id"],
        "report": report,
        "message_id": message_id_of(hook, report),
        "tries": 0,
        "asked": clock.precise(),
    }


def delivery_put(clock: Clock, hook: Document, report: Document, again: str) -> Put:
    """The write by which a report is delivered that was asked for."""
    return waiting_put(delivery_of(clock, hook, report, again))


def is_stored(delivery: Document) -> bool:
    """Whether the store has it; if not, the log has what it is made of."""
    return "_rev" in delivery


def queued_event(clock: Clock, hook: Document) -> Event:
    """Tells the process that delivers of further deliveries to a webhook."""
    key = Key(hook["pvt_account_id"], QUEUED, hook["_id"])
    return Event(action=QUEUED, key=key, revision="", at=clock.gregorian(), summary={})


def next_try(clock: Clock, delivery: Document) -> float:
    """When a delivery that has failed just now is tried again, in Unix seconds."""
    pause: float = min(FIRST_PAUSE * 2.0 ** min(delivery["tries"], 16), LONGEST_PAUSE)
    return clock.precise() + random.uniform(0.5, 1) * pause


def waiting_put(delivery: Document, again: float | None = None) -> Put:
    """The write by which a delivery waits: for its first try, or to be tried ``again`` then."""
    before = delivery.get("_rev")
    stored = {**delivery, "_rev": next_revision(before), "pvt_type": DELIVERY_TYPE}
    if again is not None:
        stored["tries"] = delivery["tries"] + 1
    sort = due_key(delivery["asked"] if again is None else again)
    entry = Entry("hook", place_of(delivery["account_id"], delivery["hook_id"]))
    return Put(key_of(delivery), stored, before, sort=sort, entries=(entry,))


def key_of(delivery: Document) -> Key:
    """Where a delivery is kept."""
    return Key(SYSTEM, DELIVERY_TYPE, delivery["_id"])


def done(delivery: Document) -> Remove:
    """The write by which a delivery is over."""
    return Remove(key_of(delivery), delivery["_rev"])


def due_key(unix: float) -> str:
    """A time as the place of a delivery that is due then."""
    return f"{int(unix * 1000):015d}"


def due_at(row: Row) -> float:
    """When a delivery is due."""
    return int(row.position.sort) / 1000


def waiting_for(place: str) -> Span:
    """The deliveries to a webhook that are stored, those first that are due first."""
    return Span(
        account_id=SYSTEM, doc_type=DELIVERY_TYPE, entry=Entry("hook", place), portion=PORTION
    )


async def remove_leftovers(services: Services, about: Document) -> None:
    """Remove the deliveries to webhooks that are gone, some at a time."""
    start: Position | None = None
    while True:
        rows: list[Row] = []
        span = Span(account_id=SYSTEM, doc_type=DELIVERY_TYPE, start=start, portion=PORTION)
        async for row in services.store.scan(span):
            rows.append(row)
            if len(rows) == PORTION:
                break
        places = {place_of(row.document["account_id"], row.document["hook_id"]) for row in rows}
        keys = {place: Key(SYSTEM, PLACE_TYPE, place) for place in places}
        gone = {place for place, key in keys.items() if await services.store.get(key) is None}
        removes = [
            done(row.document)
            for row in rows
            if place_of(row.document["account_id"], row.document["hook_id"]) in gone
        ]
        if removes:
            await services.commit(Batch(removes=removes))
        if len(rows) < PORTION:
            return
        last = rows[-1].position
        start = Position(last.sort, f"{last.doc_id}\x00")
