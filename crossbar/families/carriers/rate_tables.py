"""Ratedecks as CSV, in and out, however long they are.

A table is read and written a part at a time, and other work gets its turn in between; no more
than a part is in memory. A line that makes no rate is reported and the others go on. Reading a
table twice changes nothing: a rate is named after its country and prefix, and replaces itself.
"""

from __future__ import annotations

import asyncio
import codecs
import csv
import io
import tempfile
from bisect import insort
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from operator import itemgetter
from typing import IO, Any

import orjson

from crossbar.core.change import put_of
from crossbar.core.requests import Actor, Download
from crossbar.core.shapes import Collection
from crossbar.core.stamping import stamped
from crossbar.core.writing import persistently
from crossbar.documents import Document
from crossbar.errors import ValidationFailed
from crossbar.families.carriers.prices import NoPrice, number_of, price_of
from crossbar.families.carriers.rate_rules import COSTS, finish, id_of, judge, tidy
from crossbar.families.carriers.ratedecks import RATE_TYPE, rate_key, span_of_deck
from crossbar.storage import SYSTEM, Batch, Event, Key, Put
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

NO_LINE = "The line is no CSV; lines end with LF or CRLF"

MANDATORY = ("prefix", "rate_cost")

PORTION = 250
"""Rates that one commit writes."""

LINES_OF_PART, SIZE_OF_PART = 100_000, 8_000_000
"""Lines, and characters, that are held at a time to be written by prefix."""

AT_ONCE = 25
"""Lines that are made sense of before other work gets its turn."""

LONGEST_WHOLE = 19
"""Digits that no whole number has."""

LONGEST_LINE = 65_536
MOST_FAULTS = 100
"""Lines that are reported as faulty; those beyond are counted."""

CHUNK = 64 * 1024
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
    done, lines = Imported(), _lines(chunks)
    _, first = await anext(lines, (0, None))
    if first is None:
        raise ValidationFailed.of("csv", "required", "The table is empty")
    header = _header(first)
    waiting: dict[str, Document] = {}
    taken = 0
    async for number, text in _by_prefix(lines, header.index("prefix")):
        _take(actor, deck, header, text, number, waiting, done)
        if len(waiting) >= PORTION:
            done.rates += await _write(actor, deck, waiting)
            waiting = {}
        taken += 1
        if taken % AT_ONCE == 0:
            await asyncio.sleep(0)
    done.rates += await _write(actor, deck, waiting)
    return done


async def _by_prefix(
    lines: AsyncIterator[tuple[int, str]], at: int
) -> AsyncIterator[tuple[int, str]]:
    """The numbered lines, those of a part of the table by the prefix in its column ``at``.

    Those of one prefix stay as they are. What stands side by side in a store is quicker to
    write: rates in no order touch another page each.
    """
    part: list[tuple[int, int, str]] = []
    size = 0
    async for number, text in lines:
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
        text = _cells(line)[at].strip()
    except (csv.Error, IndexError):
        return 0
    return int(text) if _is_whole(text) else 0


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < LONGEST_WHOLE


def _header(line: str) -> list[str]:
    try:
        names = [name.strip().lower() for name in _cells(line)]
    except csv.Error:
        raise ValidationFailed.of("csv", "invalid", NO_LINE) from None
    lacking = [name for name in MANDATORY if name not in names]
    if lacking:
        message = f"The first line names the columns, {' and '.join(MANDATORY)} among them"
        raise ValidationFailed.of("csv", "required", message, cause=", ".join(lacking))
    return names


async def _lines(chunks: AsyncIterable[bytes]) -> AsyncIterator[tuple[int, str]]:
    """The lines of a table, numbered; one with a quoted line break in it is one line.

    Raises 400 for bytes that are no UTF-8, and for a line without end.
    """
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    number, rest = 0, ""
    try:
        async for chunk in chunks:
            rest += decoder.decode(chunk)
            *whole, rest = _split(rest)
            for line in whole:
                number += 1
                yield number, line
            if len(rest) > LONGEST_LINE:
                message = f"A line has at most {LONGEST_LINE} characters"
                raise ValidationFailed.of("csv", "maxLength", message, cause=number + 1)
        rest += decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise ValidationFailed.of("csv", "encoding", "The table is not in UTF-8") from None
    if rest:
        yield number + 1, rest


def _split(text: str) -> list[str]:
    """The text at its line breaks, other than those between quotes; the last line is open."""
    lines = text.split("\n")
    if '"' not in text:
        return lines
    joined: list[str] = []
    parts: list[str] = []
    is_open = False
    for line in lines:
        parts.append(line)
        is_open ^= line.count('"') % 2 == 1
        if not is_open:
            joined.append("\n".join(parts))
            parts = []
    return [*joined, "\n".join(parts)] if is_open else joined


def _cells(line: str) -> list[str]:
    """The cells of a line. Raises :class:`csv.Error` for what is none."""
    return next(csv.reader([line]), [])


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
        cells = _cells(line)
    except csv.Error:
        done.refuse(number, {"csv": {"invalid": {"message": NO_LINE}}})
        return
    if not cells:
        return
    faults = Refusals()
    document = _document(dict(zip(header, cells, strict=False)), faults)
    document["ratedeck_id"] = deck
    _complete(document)
    tidy(document)
    document, errors = actor.services.schemas.apply("rates", document)
    faults.merge({path: rules for path, rules in errors.items() if path not in faults})
    if not faults:
        judge(document, faults)
    if faults:
        done.refuse(number, dict(faults))
        return
    finish(document)
    waiting[rate_key(deck, id_of(document)).doc_id] = document


def _document(row: dict[str, str], faults: Refusals) -> Document:
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
            document[name] = _listed(text)
        elif name in TEXTS:
            document[name] = text[1:] if text.startswith("'") else text
    return document


def _listed(text: str) -> Any:
    """Several values in one cell: an array as in JSON, or with semicolons between them."""
    if text.startswith("["):
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            return text
    return [part.strip() for part in text.split(";") if part.strip()]


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


async def _write(actor: Actor, deck: str, rates: dict[str, Document]) -> int:
    """Write rates in one commit, each for the first time or anew."""
    if not rates:
        return 0

    family = actor.services.registry.collection(RATE_TYPE)

    async def attempt() -> None:
        known = await actor.services.store.get_many(SYSTEM, rates)
        puts = [
            _put(actor, family, doc_id, rate, known.get(doc_id)) for doc_id, rate in rates.items()
        ]
        await actor.services.commit(Batch(puts=puts, events=[_event(actor, deck)]))

    await persistently(attempt)
    return len(rates)


def _put(
    actor: Actor, family: Collection, doc_id: str, rate: Document, current: Document | None
) -> Put:
    key = Key(SYSTEM, RATE_TYPE, doc_id)
    before: Document = current or {}
    kept: Document = {name: before[name] for name in ("_rev", "pvt_created") if name in before}
    document = stamped(actor, key, {**rate, **kept})
    return put_of(family, key, document, before.get("_rev"))


def _event(actor: Actor, deck: str) -> Event:
    """That a deck has changed: one event for a portion, not one for each of a million rates."""
    return Event(
        action="changed",
        key=Key(SYSTEM, "ratedeck", deck),
        revision="",
        at=actor.services.clock.gregorian(),
        summary={"name": deck},
    )


class Spool:
    """A file that nobody else sees and that goes with this object: a table on its way out."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the object
        self.length = 0

    def __del__(self) -> None:
        self._file.close()

    def write(self, content: bytes) -> None:
        """Add to the end."""
        self._file.write(content)
        self.length += len(content)

    async def read(self, start: int, stop: int) -> AsyncIterator[bytes]:
        """The bytes from one place to another."""
        while start < stop:
            self._file.seek(start)
            content = self._file.read(min(CHUNK, stop - start))
            start += len(content)
            yield content


async def export_rates(actor: Actor, deck: str) -> Download:
    """The rates of a deck as a table that can be imported again."""
    spool = Spool()
    spool.write(_encoded([COLUMNS]))
    rows: list[list[Any]] = []
    async for row in actor.services.store.scan(span_of_deck(deck)):
        rows.append([_cell(row.document.get(name)) for name in COLUMNS])
        if len(rows) == PORTION:
            spool.write(_encoded(rows))
            rows = []
    spool.write(_encoded(rows))
    return Download(
        content_type="text/csv",
        length=spool.length,
        filename=f"{deck}.csv",
        read=spool.read,
    )


def _encoded(rows: Iterable[Iterable[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _cell(value: Any) -> Any:
    """A value as a table has it. What a spreadsheet would run as a formula is defused."""
    if value is None:
        return ""
    if isinstance(value, list):
        return orjson.dumps(value).decode()
    if isinstance(value, int | float):
        return _number(value)
    return f"'{value}" if str(value).startswith(_FORMULAS) else value


def _number(value: int | float) -> str:
    return f"{price_of(value):f}" if isinstance(value, float) else str(value)
