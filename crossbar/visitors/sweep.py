"""Removing what is kept of visitors when its time is over.

A job does a little of it every minute, account by account; it remembers with which account the
next round begins.
"""

from __future__ import annotations

from contextlib import suppress

import structlog

from crossbar.core import writing
from crossbar.core.change import Change
from crossbar.core.directory import ACCOUNT_TYPE, Account, account_of
from crossbar.core.jobs import Kind
from crossbar.core.requests import Actor
from crossbar.core.services import Services
from crossbar.documents import Document, new_id
from crossbar.errors import Conflict, CrossbarError
from crossbar.storage import (
    SYSTEM,
    Batch,
    Entry,
    Key,
    Position,
    Remove,
    Row,
    Span,
)
from crossbar.visitors.counters import DAY_TYPE, DEPARTURE_TYPE, SEAT_TYPE
from crossbar.visitors.sessions import unended
from crossbar.visitors.sharing import finish
from crossbar.visitors.times import DAY, days, instant
from crossbar.visitors.visitors import CODE_FOR, LINK_TYPE, VISITORS, has_code, is_heard
from crossbar.visitors.watch_links import put_visitor

log = structlog.get_logger(__name__)

PAUSE = 60
"""Seconds between two rounds."""

ACCOUNTS = 200
"""Accounts that a round looks at."""

DOCUMENTS = 200
"""Documents of a type in an account that a round removes at most; the next one goes on."""

LINK_FOR = DAY
"""Milliseconds for which links are kept: their pages tell that a session is over."""

COUNTED_FOR = 31 * DAY
"""Milliseconds for which counters matter."""


async def sweep(services: Services, about: Document) -> Document:
    """One round; where the next one goes on."""
    accounts, after = await _some_accounts(services, about.get("after"))
    for account in accounts:
        await sweep_account(services, account)
    return {"after": after}


SWEEP = Kind(name="visitor_sweep", run=sweep, every=PAUSE)


async def _some_accounts(
    services: Services, after: list[str] | None
) -> tuple[list[Account], list[str] | None]:
    """The next accounts in the list of all, and where to go on; ``None``: at the beginning."""
    start = Position(*after) if after else None
    found: list[Row] = []
    async for row in services.store.scan(
        Span(account_id=SYSTEM, doc_type=ACCOUNT_TYPE, start=start)
    ):
        if len(found) == ACCOUNTS:
            return [account_of(each.document) for each in found], list(row.position)
        found.append(row)
    return [account_of(each.document) for each in found], None


async def sweep_account(services: Services, account: Account) -> None:
    """Remove of one account what is too old."""
    clock, account_id = services.clock, account.account_id
    actor = Actor(services=services, account_id=account_id, account=account, request_id=new_id())
    retention = services.settings.visitors.retention * DAY
    for row in await _older(services, account_id, VISITORS.doc_type, instant(clock, retention)):
        key = Key(account_id, VISITORS.doc_type, row.position.doc_id)
        change = Change(actor=actor, family=VISITORS, key=key, document={}, current=row.document)
        with suppress(CrossbarError):  # deleted, or come back, meanwhile
            await writing.remove(change, is_soft=VISITORS.soft_delete)
    await _end_sessions(actor)
    await _drop_codes(actor)
    for doc_type, age in ((LINK_TYPE, LINK_FOR), (DEPARTURE_TYPE, COUNTED_FOR)):
        await _remove_older(services, account_id, doc_type, instant(clock, age))
    await _remove_older(services, account_id, SEAT_TYPE, instant(clock, 12 * COUNTED_FOR))
    [*_, first] = days(clock, "UTC", COUNTED_FOR // DAY + 2)
    await _remove_older(services, account_id, DAY_TYPE, first)


async def _end_sessions(actor: Actor) -> None:
    """End the sessions of visitors that are heard of no more, with their last heartbeat."""
    for session in (await unended(actor))[:DOCUMENTS]:
        key = Key(actor.account_id, VISITORS.doc_type, session["visitor_id"])
        visitor = await actor.services.store.get(key)
        if visitor is not None and not is_heard(actor, visitor):
            await finish(actor, session["number"], visitor["last_seen_at"])


async def _drop_codes(actor: Actor) -> None:
    """Free the lookup codes of visitors that have been away for a day."""
    entry, high = Entry("has_code", "true"), instant(actor.services.clock, CODE_FOR)
    for row in await _older(actor.services, actor.account_id, VISITORS.doc_type, high, entry):
        if not has_code(actor, row.document):
            visitor = {name: row.document[name] for name in row.document if name != "lookup_code"}
            with suppress(Conflict):
                await actor.services.commit(Batch(puts=(put_visitor(actor, visitor),)))


async def _older(
    services: Services, account_id: str, doc_type: str, high: str, entry: Entry | None = None
) -> list[Row]:
    """The first documents of a type that lie before ``high``, or at it."""
    span = Span(account_id=account_id, doc_type=doc_type, entry=entry, high=high)
    found: list[Row] = []
    async for row in services.store.scan(span):
        found.append(row)
        if len(found) == DOCUMENTS:
            break
    return found


async def _remove_older(services: Services, account_id: str, doc_type: str, high: str) -> None:
    old = await _older(services, account_id, doc_type, high)
    removes = [
        Remove(Key(account_id, doc_type, row.position.doc_id), _revision(row)) for row in old
    ]
    if removes:
        with suppress(Conflict):  # one of them is in use again; another round will see
            await services.commit(Batch(removes=removes))


def _revision(row: Row) -> str:
    revision: str = row.document["_rev"]
    return revision
