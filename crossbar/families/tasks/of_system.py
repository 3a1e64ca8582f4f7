"""Further actions: selectors, what accounts have, the calls of a month, compaction."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

from crossbar.clock import GREGORIAN_OFFSET, moment
from crossbar.core.change import Change
from crossbar.core.directory import ACCOUNT_TYPE
from crossbar.core.nodes import node_name
from crossbar.core.requests import Action, Query
from crossbar.core.tables import text_of
from crossbar.core.writing import Work
from crossbar.documents import Document
from crossbar.families.billing import count
from crossbar.families.carriers import RESOURCE_SELECTORS, SELECTOR_TYPE
from crossbar.families.tasks.kinds import OVER, Cells, Refused, TaskAction, Worker, each
from crossbar.storage import SYSTEM, Entry, Key, Position, Span

PORTION = 100

SELECTED_BY = ("name", "selector", "resource")

QUANTITIES = (
    "account_id",
    "year",
    "month",
    "category",
    "item",
    "quantity_bom",
    "quantity_eom",
)

NOT_ALLOWED = "compaction is only allowed by system administrators"
NOT_NEEDED = "there is nothing to compact: this store frees space by itself"


async def _delete_selectors(worker: Worker, row: Cells) -> None:
    """Remove the selectors with a name, a selector and a resource."""
    account_id, services = worker.account_id, worker.services
    request = await worker.admitted(Action.CREATE, "accounts", account_id, "resource_selectors")
    span = Span(
        account_id=account_id,
        doc_type=SELECTOR_TYPE,
        entry=Entry("resource", row.get("resource", "")),
    )
    wanted = {name: row.get(name) for name in SELECTED_BY}
    work = Work(request.actor)
    found = False
    async for each_row in services.store.scan(span):
        document = each_row.document
        if wanted == {name: document.get(name) for name in SELECTED_BY}:
            key = Key(account_id, SELECTOR_TYPE, document["_id"])
            change = Change(
                actor=request.actor,
                family=RESOURCE_SELECTORS,
                key=key,
                document={},
                current=document,
            )
            await work.delete(change, is_soft=True)
            found = True
    if not found:
        raise Refused("there is no such selector")
    worker.fenced.await_type(SELECTOR_TYPE)
    await work.commit()


async def _quantities(worker: Worker, at: Any) -> AsyncIterator[tuple[list[Document], Any]]:
    """What the accounts below have now, which is all that is known of the month."""
    services = worker.services
    await worker.admitted(Action.LIST, "accounts", worker.account_id, "descendants")
    today = moment(services.clock.gregorian())
    start = Position(at[0], f"{at[1]}\x00") if at else None
    below = Entry("ancestor", worker.account_id)
    span = Span(account_id=SYSTEM, doc_type=ACCOUNT_TYPE, entry=below, start=start)
    async for row in services.store.scan(span):
        counts = await count(services, row.position.doc_id)
        rows = [
            {
                "account_id": row.position.doc_id,
                "year": str(today.year),
                "month": f"{today.month:02}",
                "category": category,
                "item": item,
                "quantity_eom": str(many),
            }
            for category, items in sorted(counts.items())
            for item, many in sorted(items.items())
        ]
        yield rows, [*row.position]


async def _calls(worker: Worker, at: Any) -> AsyncIterator[tuple[list[Document], Any]]:
    """The calls of this month, the oldest first."""
    now = worker.services.clock.gregorian()
    first = moment(now).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    begin = int(first.timestamp()) + GREGORIAN_OFFSET
    path = ("accounts", worker.account_id, "cdrs")
    while True:
        query = Query(filters=(), page_size=PORTION, start_key=at, ascending=True)
        listed = await worker.ask(
            Action.LIST, *path, query=query, created_from=begin, created_to=now
        )
        at = (listed.page and listed.page.next_start_key) or OVER
        rows = [{name: text_of(value) for name, value in row.items()} for row in listed.data]
        yield [{name: cell for name, cell in row.items() if cell} for row in rows], at
        if at == OVER:
            return


def _require_operator(worker: Worker) -> None:
    caller = worker.actor.caller
    if caller is None or not caller.is_operator:
        raise Refused(NOT_ALLOWED)


async def _compact_row(worker: Worker, row: Cells) -> None:
    _require_operator(worker)
    raise Refused(NOT_NEEDED)


async def _compact_all(worker: Worker, at: Any) -> AsyncIterator[tuple[list[Document], Any]]:
    _require_operator(worker)
    yield [{"node": node_name(), "error": NOT_NEEDED}], OVER


_compacting = partial(TaskAction, category="compaction")

SYSTEM_ACTIONS = (
    TaskAction(
        category="resource_selectors",
        name="delete",
        about="Remove selectors",
        mandatory=SELECTED_BY,
        work=each(_delete_selectors),
    ),
    TaskAction(
        category="services",
        name="descendant_quantities",
        about="Tell what the accounts below have",
        columns=QUANTITIES,
        make=_quantities,
    ),
    TaskAction(
        category="billing",
        name="dump",
        about="Write the calls of this month as rows",
        make=_calls,
    ),
    _compacting(name="compact_all", about="Say that no store needs it", make=_compact_all),
    _compacting(
        name="compact_node",
        about="Say that no store needs it",
        mandatory=("node",),
        optional=("force",),
        work=each(_compact_row),
    ),
    _compacting(
        name="compact_db",
        about="Say that no store needs it",
        mandatory=("database",),
        optional=("force",),
        work=each(_compact_row),
    ),
)
