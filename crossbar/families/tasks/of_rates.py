"""What tasks do with rates: as uploads of tables do, with what came of each row."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from crossbar.core.requests import Action
from crossbar.documents import Document
from crossbar.errors import Forbidden, ValidationFailed
from crossbar.families.carriers import (
    RATE_COLUMNS,
    RATE_TYPE,
    deck_named,
    rate_of,
    rates_of_prefix,
    remove_rates,
    row_of_rate,
    write_rates,
)
from crossbar.families.tasks.documents import ERROR
from crossbar.families.tasks.kinds import (
    OVER,
    Cells,
    Refused,
    TaskAction,
    Worker,
    each,
    told_of,
    told_of_faults,
)
from crossbar.storage import SYSTEM, Position, Span

CATEGORY = "rates"
DECK, PREFIX = "ratedeck_id", "prefix"
FORBIDDEN = "task execution is forbidden"

TOGETHER = 250
"""Rates that one commit writes, or one portion of an export has."""

AT_ONCE = 25
"""Rows that are made sense of before other work gets its turn."""

MANDATORY = (PREFIX, "rate_cost")
OTHERS = tuple(name for name in (*RATE_COLUMNS, DECK) if name not in MANDATORY)


async def _require(worker: Worker, action: Action) -> None:
    try:
        await worker.admitted(action, "rates")
    except Forbidden:
        raise Refused(FORBIDDEN) from None


async def _import(worker: Worker, rows: list[Cells]) -> None:
    """Write rates together; what is none is told of, and the others are written."""
    await _require(worker, Action.CREATE)
    rates: dict[str, Document] = {}
    for at, (told, row) in enumerate(zip(worker.told, rows, strict=True)):
        if at % AT_ONCE == 0:
            await asyncio.sleep(0)
        try:
            doc_id, rate, faults = rate_of(worker.actor, deck_named(row.get(DECK, "")), row)
        except ValidationFailed as error:  # of the deck
            told[ERROR] = told_of(error)
            continue
        if faults:
            told[ERROR] = told_of_faults(faults)
        else:
            rates[doc_id] = rate
    worker.fenced.await_type(RATE_TYPE)
    await write_rates(worker.actor, rates)


async def _delete(worker: Worker, row: Cells) -> None:
    """Remove the rates of a prefix that are as the row says."""
    await _require(worker, Action.CREATE)
    deck = deck_named(row.get(DECK, ""))
    asked = {name: cell for name, cell in row.items() if name in RATE_COLUMNS}
    found = [
        rate
        for rate in await rates_of_prefix(worker.actor, deck, row[PREFIX].strip())
        if asked.items() <= row_of_rate(rate).items()
    ]
    if not found:
        raise Refused("there is no such rate")
    worker.fenced.await_type(RATE_TYPE)
    await remove_rates(worker.actor, found)


async def _export(worker: Worker, at: Any) -> AsyncIterator[tuple[list[Document], Any]]:
    """The rates of all decks, deck by deck."""
    await _require(worker, Action.LIST)
    start = Position(at[0], f"{at[1]}\x00") if at else None
    span = Span(account_id=SYSTEM, doc_type=RATE_TYPE, start=start, portion=TOGETHER)
    rows: list[Document] = []
    async for row in worker.services.store.scan(span):
        rows.append(row_of_rate(row.document))
        if len(rows) == TOGETHER:
            yield rows, [*row.position]
            rows = []
    yield rows, OVER


RATE_ACTIONS = (
    TaskAction(
        category=CATEGORY,
        name="export",
        about="Write the rates of all decks as rows",
        columns=(*RATE_COLUMNS, DECK),
        make=_export,
    ),
    TaskAction(
        category=CATEGORY,
        name="import",
        about="Make rates; one that is there already is replaced",
        mandatory=MANDATORY,
        optional=OTHERS,
        work=_import,
        together=TOGETHER,
    ),
    TaskAction(
        category=CATEGORY,
        name="delete",
        about="Remove the rates of prefixes that are as the rows say",
        mandatory=(PREFIX,),
        optional=("rate_cost", *OTHERS),
        work=each(_delete),
    ),
)
