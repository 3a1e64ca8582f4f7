"""Live state: what is so now and over soon, such as registered phones and running calls.

Each fact is a document of the system with an end, so it is the same in all processes and survives
a restart. Its place in listings is its end: what has one that is over is not shown, and is removed
by a job. It belongs to an account and goes with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from crossbar.clock import Clock
from crossbar.core.calling import calls_end, phones_end
from crossbar.core.directory import OWNER
from crossbar.core.jobs import Kind, asked
from crossbar.core.ranges import LATEST, time_key
from crossbar.core.shapes import Index
from crossbar.documents import Document, next_revision
from crossbar.errors import Conflict
from crossbar.storage import SYSTEM, Batch, Entry, Event, Key, Put, Remove, Span
from crossbar.values import valueclass

if TYPE_CHECKING:
    from crossbar.core.services import Services

PORTION = 200
"""Facts that are removed in a commit."""


def _untold(fact: Document, at: int) -> list[Event]:
    return []


@valueclass
class Live:
    """A kind of facts; ``indexes`` narrow lists within an account.

    ``ended`` makes the events by which it is told that one is over, however that comes about.
    ``mails_by`` names the kind of jobs that is told of it too, where mail can be sent.
    """

    doc_type: str
    indexes: tuple[Index, ...] = ()
    ended: Callable[[Document, int], list[Event]] = _untold
    mails_by: str = ""


def _owner(device: Document) -> tuple[str, ...]:
    return tuple(value for value in (device.get("owner_id"),) if isinstance(value, str))


def _device(fact: Document) -> tuple[str, ...]:
    return tuple(value for value in (fact.get("authorizing_id"),) if isinstance(value, str))


def _username(fact: Document) -> tuple[str, ...]:
    return (str(fact.get("username", "")).lower(),)


def _lamp(fact: Document) -> tuple[str, ...]:
    return (str(fact.get("presence_id", "")),)


OWNED = Index(name="owner", values=_owner)
AUTHORIZED = Index(name="device", values=_device)

REGISTRATION = Live(
    doc_type="registration",
    indexes=(OWNED, AUTHORIZED, Index(name="username", values=_username)),
    ended=phones_end,
    mails_by="deregistered",
)
"""A phone that is registered."""

CHANNEL = Live(doc_type="channel", indexes=(OWNED, AUTHORIZED), ended=calls_end)
"""A leg of a running call."""

ROOM = Live(doc_type="conference_room")
"""Who is in a conference."""

AGENT = Live(doc_type="agent_status")
"""What an agent of queues does."""

EARLIER = "pvt_earlier"
"""Where it says what the agent did before, the latest first."""

QUEUE_CALL = Live(doc_type="queue_call")
"""A caller who waits in a queue, or talks with one of its agents."""

LAMP = Live(doc_type="presence_state")
"""What the lamp of an extension shows."""

SUBSCRIPTION = Live(doc_type="presence_subscription", indexes=(Index(name="lamp", values=_lamp),))
"""A phone that wants to know what a lamp shows."""

SWITCH = Live(doc_type="running_switch")
"""A telephone switch that runs on this store. It is the system's, no account's."""

LIVE = (REGISTRATION, CHANNEL, ROOM, AGENT, QUEUE_CALL, LAMP, SUBSCRIPTION, SWITCH)


def key_of_live(live: Live, account_id: str, name: str) -> Key:
    """Where the fact of that name is: the id of a call, an address of a phone."""
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return Key(SYSTEM, live.doc_type, f"{live.doc_type}-{account_id}-{digest}")


def put_live(
    live: Live, key: Key, account_id: str, facts: Document, ends: int, expected: str | None
) -> Put:
    """The write of a fact that ends at a time, in Gregorian seconds."""
    document = {
        **facts,
        "_id": key.doc_id,
        "_rev": next_revision(expected),
        "pvt_type": key.doc_type,
        "pvt_account_id": account_id,
        "pvt_ends": ends,
    }
    entries = [Entry(OWNER, account_id)]
    entries += [
        Entry(index.name, f"{account_id}/{value}")
        for index in live.indexes
        for value in index.values(facts)
    ]
    return Put(key, document, expected, time_key(ends), list(dict.fromkeys(entries)))


def span_of_live(
    clock: Clock, live: Live, account_id: str | None = None, entry: Entry | None = None
) -> Span:
    """The facts that are not over, of an account or of all; ``entry`` is one of its indexes."""
    found = None
    if account_id is not None:
        found = Entry(OWNER, account_id)
        if entry is not None:
            found = Entry(entry.name, f"{account_id}/{entry.value}")
    low = time_key(clock.gregorian() + 1)
    return Span(account_id=SYSTEM, doc_type=live.doc_type, entry=found, low=low)


async def alive(
    services: Services, live: Live, account_id: str, entry: Entry | None = None
) -> AsyncIterator[Document]:
    """The stored facts of an account that are not over."""
    async for row in services.store.scan(span_of_live(services.clock, live, account_id, entry)):
        yield row.document


async def find_alive(
    services: Services, live: Live, account_id: str, name: str
) -> Document | None:
    """One stored fact, unless it is over."""
    found = await services.store.get(key_of_live(live, account_id, name))
    if found is None or found["pvt_ends"] <= services.clock.gregorian():
        return None
    return found


async def end(services: Services, live: Live, documents: list[Document]) -> None:
    """Remove facts, unless they have been told anew since they were read."""
    now = services.clock.gregorian()
    removes = [
        Remove(Key(SYSTEM, live.doc_type, document["_id"]), document["_rev"])
        for document in documents
    ]
    told = [event for document in documents for event in live.ended(document, now)]
    asks = mails_about(services, live, documents)
    await services.commit(Batch(puts=asks, removes=removes, events=told))


def mails_about(services: Services, live: Live, documents: list[Document]) -> list[Put]:
    """What has people written to about facts that end in this commit."""
    if not live.mails_by or not documents or not services.mail.is_available:
        return []
    ended = [
        {"account_id": each["pvt_account_id"], "device_id": each.get("authorizing_id")}
        for each in documents
    ]
    return [asked(services.clock, live.mails_by, {"ended": ended})]


async def end_all(services: Services, live: Live, documents: list[Document]) -> None:
    """The same for many, some at a time; those stay that have been told anew."""
    for start in range(0, len(documents), PORTION):
        some = documents[start : start + PORTION]
        try:
            await end(services, live, some)
        except Conflict:
            for document in some:
                with suppress(Conflict):
                    await end(services, live, [document])


async def _end_what_is_over(services: Services, about: Document) -> None:
    high = time_key(min(services.clock.gregorian(), LATEST))
    for live in LIVE:
        span = Span(account_id=SYSTEM, doc_type=live.doc_type, high=high)
        documents: list[Document] = []
        async for row in services.store.scan(span):
            documents.append(row.document)
            if len(documents) == PORTION:
                await end_all(services, live, documents)
                documents = []
        await end_all(services, live, documents)


END = Kind(name="live_state", run=_end_what_is_over, every=60)
