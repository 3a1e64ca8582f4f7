"""Ratedecks as CSV, in and out, however long they are.

A table is read and written a part at a time, and other work gets its turn in between; no more
than a part is in memory. A line that makes no rate is reported and the others go on. Reading a
table twice changes nothing: a rate is named after its country and prefix, and replaces itself.
"""

from __future__ import annotations

import asyncio
from bisect import insort
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from operator import itemgetter
from typing import Any

from crossbar.core.change import put_of
from crossbar.core.requests import Actor, Download
from crossbar.core.shapes import Collection
from crossbar.core.stamping import stamped
from crossbar.core.tables import Line, NoTable, Spool, cells_of, lines, listed, text_of
from crossbar.core.writing import persistently
from crossbar.documents import Document
from crossbar.errors import ValidationFailed
from crossbar.families.carriers.prices import NoPrice, number_of, price_of
from crossbar.families.carriers.rate_rules import COSTS, finish, id_of, judge, tidy
from crossbar.families.carriers.ratedecks import RATE_TYPE, rate_key, span_of_deck
from crossbar.storage import SYSTEM, Batch, Event, Key, Put, Remove, Span
from crossbar.tables import lines_of
from crossbar.validation import Refusals

LISTS = ("direction", "options", "routes")
WHOLE = ("prefix", "rate_increment", "rate_minimum", "rate_nocharge_time", "weight")
TEXTS = (
    "account_id",
    "caller_id_numbers",
    "carrier",
    "description",
    "iso_country_code",
    "rate_name",
    "rate_suffix",
    "rate_version",
)
COLUMNS = ("prefix", *COSTS, *TEXTS, *WHOLE[1:], *LISTS)
"""What a table may say of a rate, in the order in which it is written."""

MANDATORY = ("prefix", "rate_cost")

PORTION = 250
"""Rates that one commit writes."""

LINES_OF_PART, SIZE_OF_PART = 100_000, 8_000_000
"""Lines, and characters, that are held at a time to be written by prefix."""

AT_ONCE = 25
"""Lines that are made sense of before other work gets its turn."""

LONGEST_WHOLE = 19
"""Digits that no whole number has."""

MOST_FAULTS = 100
"""Lines that are reported as faulty; those beyond are counted."""

_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(slots=True)
class Imported:
    """What came of a table: how many rates were written, and which lines were not."""

    rates: int = 0
    faulty: int = 0
    faults: list[Document] = field(default_factory=list)

    def refuse(self, line: int, faults: Any) -> None:
        """Note that a line makes no rate, and why."""
        self.faulty += 1
        insort(self.faults, {"line": line, "faults": faults}, key=itemgetter("line"))
        del self.faults[MOST_FAULTS:]


async def import_rates(actor: Actor, chunks: AsyncIterable[bytes], deck: str) -> Imported:
    """Write the rates of a table into a deck. Raises 400 for what is no table of rates."""
    try:
        return await _import(actor, lines(chunks), deck)
    except NoTable as error:
        told = {} if error.line is None else {"cause": error.line}
        raise ValidationFailed.of("csv", error.rule, error.message, **told) from None


async def _import(actor: Actor, table: AsyncIterator[Line], deck: str) -> Imported:
    done, first = Imported(), await anext(table, None)
    if first is None:
        raise NoTable("required", "The table is empty")
    header = _header(first.text)
    waiting: dict[str, Document] = {}
    taken = 0
    async for number, text in _by_prefix(table, header.index("prefix")):
        _take(actor, deck, header, text, number, waiting, done)
        if len(waiting) >= PORTION:
            done.rates += await write_rates(actor, waiting)
            waiting = {}
        taken += 1
        if taken % AT_ONCE == 0:
            await asyncio.sleep(0)
    done.rates += await write_rates(actor, waiting)
    return done


async def _by_prefix(table: AsyncIterator[Line], at: int) -> AsyncIterator[tuple[int, str]]:
    """The numbered lines, those of a part of the table by the prefix in its column ``at``.

    Those of one prefix stay as they are. What stands side by side in a store is quicker to
    write: rates in no order touch another page each.
    """
    part: list[tuple[int, int, str]] = []
    size = 0
    async for number, text, _ in table:
        # A heap, since sorting so many at once would keep others waiting.
        heappush(part, (_prefix_in(text, at), number, text))
        size += len(text)
        if len(part) == LINES_OF_PART or size > SIZE_OF_PART:
            while part:
                yield heappop(part)[1:]
            size = 0
        if number % PORTION == 0:
            await asyncio.sleep(0)
    while part:
        yield heappop(part)[1:]


def _prefix_in(line: str, at: int) -> int:
    """The prefix that a line is about; 0 for none."""
    try:
        text = cells_of(line)[at].strip()
    except (NoTable, IndexError):
        return 0
    return int(text) if _is_whole(text) else 0


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < LONGEST_WHOLE


def _header(line: str) -> list[str]:
    names = [name.strip().lower() for name in cells_of(line)]
    lacking = [name for name in MANDATORY if name not in names]
    if lacking:
        message = f"The first line names the columns, {' and '.join(MANDATORY)} among them"
        raise ValidationFailed.of("csv", "required", message, cause=", ".join(lacking))
    return names


def _take(
    actor: Actor,
    deck: str,
    header: list[str],
    line: str,
    number: int,
    waiting: dict[str, Document],
    done: Imported,
) -> None:
    """Make a rate of a line, to be written with others; or report it."""
    try:
        cells = cells_of(line)
    except NoTable as error:
        done.refuse(number, {"csv": {error.rule: {"message": error.message}}})
        return
    if not cells:
        return
    doc_id, document, faults = rate_of(actor, deck, dict(zip(header, cells, strict=False)))
    if faults:
        done.refuse(number, faults)
    else:
        waiting[doc_id] = document


def rate_of(
    actor: Actor, deck: str, row: Mapping[str, str]
) -> tuple[str, Document, dict[str, Any]]:
    """The id and the rate that a row makes, or the faults for which it makes none."""
    faults = Refusals()
    document = _document(row, faults)
    document["ratedeck_id"] = deck
    _complete(document)
    tidy(document)
    document, errors = actor.services.schemas.apply("rates", document)
    faults.merge({path: rules for path, rules in errors.items() if path not in faults})
    if not faults:
        judge(document, faults)
    if faults:
        return "", document, dict(faults)
    finish(document)
    return rate_key(deck, id_of(document)).doc_id, document, {}


def _document(row: Mapping[str, str], faults: Refusals) -> Document:
    """The fields that a line has. Columns that are no fields of rates are ignored."""
    document: Document = {}
    for name, text in row.items():
        text = text.strip()
        if not text:
            continue
        if name in COSTS:
            try:
                document[name] = number_of(price_of(text))
            except NoPrice as error:
                faults.add(name, "invalid", str(error), value=text)
        elif name in WHOLE:
            document[name] = int(text) if _is_whole(text) else text
        elif name in LISTS:
            document[name] = listed(text)
        elif name in TEXTS:
            document[name] = text[1:] if text.startswith("'") else text
    return document


def _complete(document: Document) -> None:
    """Give a rate the name and weight that tables leave out."""
    prefix, cost = document.get("prefix"), document.get("rate_cost")
    if not isinstance(prefix, int) or cost is None:
        return
    if "weight" not in document:
        weight = len(str(prefix)) * 10 - int(price_of(cost) * 100)
        document["weight"] = min(max(weight, 1), 100)
    if "rate_name" not in document:
        direction, country = document.get("direction"), document.get("iso_country_code")
        only = direction[0] if isinstance(direction, list) and len(direction) == 1 else None
        parts = [str(part) for part in (only, country, prefix) if part]
        document["rate_name"] = "_".join(parts)


async def write_rates(actor: Actor, rates: Mapping[str, Document]) -> int:
    """Write rates, by their ids, in one commit, each for the first time or anew."""
    if not rates:
        return 0
    family = actor.services.registry.collection(RATE_TYPE)
    events = _events(actor, rates.values())

    async def attempt() -> None:
        known = await actor.services.store.get_many(SYSTEM, rates)
        puts = [
            _put(actor, family, doc_id, rate, known.get(doc_id)) for doc_id, rate in rates.items()
        ]
        await actor.services.commit(Batch(puts=puts, events=events))

    await persistently(attempt)
    return len(rates)


async def rates_of_prefix(actor: Actor, deck: str, prefix: str) -> list[Document]:
    """The rates of a deck with a prefix."""
    place = f"{deck}/{prefix}"
    span = Span(account_id=SYSTEM, doc_type=RATE_TYPE, low=place, high=place)
    return [row.document async for row in actor.services.store.scan(span)]


async def remove_rates(actor: Actor, rates: Sequence[Document]) -> None:
    """Remove rates for good, in one commit."""
    removes = [Remove(Key(SYSTEM, RATE_TYPE, rate["_id"])) for rate in rates]
    await actor.services.commit(Batch(removes=removes, events=_events(actor, rates)))


def _put(
    actor: Actor, family: Collection, doc_id: str, rate: Document, current: Document | None
) -> Put:
    key = Key(SYSTEM, RATE_TYPE, doc_id)
    before: Document = current or {}
    kept: Document = {name: before[name] for name in ("_rev", "pvt_created") if name in before}
    document = stamped(actor, key, {**rate, **kept})
    return put_of(family, key, document, before.get("_rev"))


def _events(actor: Actor, rates: Iterable[Document]) -> list[Event]:
    """That decks have changed: one event for a portion, not one for each of a million rates."""
    return [
        Event(
            action="changed",
            key=Key(SYSTEM, "ratedeck", deck),
            revision="",
            at=actor.services.clock.gregorian(),
            summary={"name": deck},
        )
        for deck in sorted({rate["ratedeck_id"] for rate in rates})
    ]


async def export_rates(actor: Actor, deck: str) -> Download:
    """The rates of a deck as a table that can be imported again."""
    spool = Spool()
    await spool.write(lines_of([COLUMNS]))
    async for rates in actor.services.store.portions(span_of_deck(deck)):
        lines = lines_of([[_cell(rate.get(name)) for name in COLUMNS] for rate in rates])
        await spool.write(lines)
    return Download(
        content_type="text/csv",
        length=spool.length,
        filename=f"{deck}.csv",
        read=spool.read,
    )


def row_of_rate(rate: Document) -> dict[str, str]:
    """The cells of a rate by their columns, those that are not empty; its deck is one of them."""
    cells = {name: _text(rate.get(name)) for name in (*COLUMNS, "ratedeck_id")}
    return {name: cell for name, cell in cells.items() if cell}


def _cell(value: Any) -> str:
    """A value as a table has it. What a spreadsheet would run as a formula is defused."""
    text = _text(value)
    is_formula = isinstance(value, str) and value.startswith(_FORMULAS)
    return f"'{text}" if is_formula else text


def _text(value: Any) -> str:
    """A value as it is read again; prices keep their digits."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return _number(value) if is_number else text_of(value)


def _number(value: int | float) -> str:
    return f"{price_of(value):f}" if isinstance(value, float) else str(value)
