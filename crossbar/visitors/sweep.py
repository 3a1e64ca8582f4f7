"""Removing what is kept of visitors when its time is over.

The server does a little of it every minute, account by account, and one process at a time: a
document says when the next round is due and with which account it begins.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog

from crossbar.core import recipes
from crossbar.core.directory import ACCOUNT_TYPE, Account, account_of
from crossbar.core.requests import Action, Context, Query
from crossbar.core.services import Services
from crossbar.documents import Document, new_id, next_revision
from crossbar.errors import CrossbarError
from crossbar.storage import (
    SYSTEM,
    Batch,
    Entry,
    Key,
    Position,
    Put,
    Remove,
    RevisionConflict,
    Row,
    Span,
    StoreError,
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

TURN = Key(SYSTEM, "visitor_sweep", "visitor_sweep")


@asynccontextmanager
async def sweeping(services: Services) -> AsyncIterator[None]:
    """Sweep in the background for as long as the context is open."""
    task = asyncio.create_task(_for_ever(services), name="visitor-sweep")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _for_ever(services: Services) -> None:
    while True:
        await asyncio.sleep(PAUSE)
        try:
            await sweep(services)
        except (StoreError, CrossbarError) as error:
            log.warning("visitor_sweep_failed", error=repr(error))


async def sweep(services: Services) -> None:
    """One round, if one is due and no other process is at it."""
    turn = await services.store.get(TURN) or {}
    now = services.clock.unix()
    if turn.get("due", 0) > now:
        return
    accounts, after = await _some_accounts(services, turn.get("after"))
    taken: Document = {"_id": TURN.doc_id, "_rev": next_revision(turn.get("_rev"))}
    taken |= {"pvt_type": TURN.doc_type, "due": now + PAUSE, "after": after}
    try:
        await services.commit(Batch(puts=(Put(TURN, taken, turn.get("_rev"), sort=None),)))
    except RevisionConflict:
        return
    for account in accounts:
        await sweep_account(services, account)


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
    retention = services.settings.visitors.retention * DAY
    for row in await _older(services, account_id, VISITORS.doc_type, instant(clock, retention)):
        named = row.position.doc_id
        context = _context(services, account, Action.DELETE, named, revision=_revision(row))
        with suppress(CrossbarError):  # deleted, or come back, meanwhile
            await recipes.delete(context)
    context = _context(services, account, Action.LIST)
    await _end_sessions(context)
    await _drop_codes(context)
    for doc_type, age in ((LINK_TYPE, LINK_FOR), (DEPARTURE_TYPE, COUNTED_FOR)):
        await _remove_older(services, account_id, doc_type, instant(clock, age))
    await _remove_older(services, account_id, SEAT_TYPE, instant(clock, 12 * COUNTED_FOR))
    [*_, first] = days(clock, "UTC", COUNTED_FOR // DAY + 2)
    await _remove_older(services, account_id, DAY_TYPE, first)


async def _end_sessions(context: Context) -> None:
    """End the sessions of visitors that are heard of no more, with their last heartbeat."""
    for session in (await unended(context))[:DOCUMENTS]:
        key = Key(context.account_id, VISITORS.doc_type, session["visitor_id"])
        visitor = await context.services.store.get(key)
        if visitor is not None and not is_heard(context, visitor):
            await finish(context, session["number"], visitor["last_seen_at"])


async def _drop_codes(context: Context) -> None:
    """Free the lookup codes of visitors that have been away for a day."""
    entry, high = Entry("has_code", "true"), instant(context.services.clock, CODE_FOR)
    for row in await _older(context.services, context.account_id, VISITORS.doc_type, high, entry):
        if not has_code(context, row.document):
            visitor = {name: row.document[name] for name in row.document if name != "lookup_code"}
            with suppress(RevisionConflict):
                await context.services.commit(Batch(puts=(put_visitor(context, visitor),)))


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
        with suppress(RevisionConflict):  # one of them is in use again; another round will see
            await services.commit(Batch(removes=removes))


def _revision(row: Row) -> str:
    revision: str = row.document["_rev"]
    return revision


def _context(
    services: Services, account: Account, action: Action, *tokens: str, revision: str | None = None
) -> Context:
    """The context of a sweep's work on an account's visitors, or on one with this revision."""
    path = ("accounts", account.account_id, VISITORS.noun, *tokens)
    operations, params = services.registry.match(path)
    return Context(
        operation=operations[action],
        params=params,
        services=services,
        request_id=new_id(),
        account=account,
        query=Query(filters=()),
        if_match=(revision,) if revision else None,
    )
