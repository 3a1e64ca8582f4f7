"""The operator's own inventory: numbers that are in the store, available, and nobody's yet.

It stands in for a carrier, and is filled from files.
"""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from crossbar.clock import Clock
from crossbar.core.change import put_of
from crossbar.core.paging import LAST
from crossbar.core.ports import Offer
from crossbar.core.services import Services
from crossbar.core.stamping import stamp
from crossbar.core.writing import persistently
from crossbar.documents import Document
from crossbar.families.numbers.documents import (
    MANAGED,
    MODULE,
    NUMBERS,
    OFFERED,
    STATE,
    State,
    is_registered,
    normalize,
    number_key,
)
from crossbar.families.numbers.uses import known, uses_of
from crossbar.storage import SYSTEM, Batch, Entry, Span, Store

GROUP = 500
"""Numbers that an import writes in one commit."""

OFFERS = Entry(OFFERED, "true")

LONGEST_BLOCK = 1_000_000
"""Numbers of one row."""


class LocalInventory:
    """The carrier that is there when no other is: what has been imported, or given back."""

    name = MANAGED

    def __init__(self, store: Store) -> None:
        self._store = store

    async def search(self, prefix: str, quantity: int, offset: int) -> Sequence[Offer]:
        """Numbers to be had, by number."""
        found: list[Offer] = []
        async for row in self._store.scan(offered(prefix)):
            if offset:
                offset -= 1
                continue
            found.append(Offer(row.position.doc_id, row.document[STATE]))
            if len(found) == quantity:
                break
        return found

    async def count(self, prefix: str, at_most: int) -> int:
        """How many there are to be had, as far as it matters."""
        return await self._store.count(offered(prefix), at_most)

    async def check(self, numbers: Sequence[str]) -> Mapping[str, str]:
        """``available`` for those that nobody has."""
        found = await known(self._store, numbers)
        return {number: _status(found.get(number)) for number in numbers}

    async def acquire(self, number: str, account_id: str) -> None:
        """Nothing to be done: the commit that makes it the account's takes it from here."""

    async def release(self, number: str) -> None:
        """Nothing to be done: it is back when it is available again."""


def offered(prefix: str, entry: Entry = OFFERS) -> Span:
    """The numbers with an entry that begin with a prefix, by number."""
    doc_type = NUMBERS.doc_type
    high = prefix + LAST
    return Span(account_id=SYSTEM, doc_type=doc_type, entry=entry, low=prefix, high=high)


def _status(document: Document | None) -> str:
    if document is None or not is_registered(document):
        return "unknown"
    return "available" if document[STATE] == State.AVAILABLE else "unavailable"


@dataclass(slots=True, kw_only=True)
class Imported:
    """What an import has come to."""

    added: int = 0
    known: int = 0
    carried: int = 0


class BadRow(ValueError):
    """A row of a file that cannot be read as a number or a block; the message says which."""


def numbers_of(lines: Iterable[str]) -> Iterator[str]:
    """The numbers of a CSV file with the column ``number``, and perhaps ``last``: of a block.

    In E.164, in the order of the file. Raises :class:`BadRow`.
    """
    reader = csv.DictReader(lines)
    if "number" not in (reader.fieldnames or ()):
        raise BadRow("line 1: expected the columns number and, for blocks, last")
    for row in reader:
        yield from _block(reader.line_num, row.get("number") or "", row.get("last") or "")


def _block(line: int, first: str, last: str) -> Iterator[str]:
    begin, end = normalize(first.strip()), normalize((last or first).strip())
    if begin is None or end is None:
        raise BadRow(f"line {line}: no telephone number: {first if begin is None else last}")
    if len(begin) != len(end) or not 0 <= int(end) - int(begin) < LONGEST_BLOCK:
        raise BadRow(f"line {line}: no block of at most {LONGEST_BLOCK} numbers: {begin} to {end}")
    yield from (f"+{number}" for number in range(int(begin), int(end) + 1))


async def import_numbers(services: Services, numbers: Iterable[str]) -> Imported:
    """Add numbers to the inventory, so many in a commit; those that exist stay as they are.

    A number that a document of an account carries is left out: nobody else could take it.
    """
    total = Imported()
    group: list[str] = []
    for number in numbers:
        group.append(number)
        if len(group) == GROUP:
            await _add(services, group, total)
            group = []
    await _add(services, group, total)
    return total


async def _add(services: Services, numbers: list[str], total: Imported) -> None:
    async def attempt() -> Imported:
        found = await known(services.store, numbers)
        await asyncio.sleep(0)  # what a store remembers from this turn of the loop may be older
        free = [number for number in dict.fromkeys(numbers) if number not in found]
        # Those of earlier versions are carried without a document of their own.
        new = [each for each in free if not await uses_of(services.store, each)]
        registered = sum(is_registered(document) for document in found.values())
        puts = [
            put_of(NUMBERS, number_key(each), _document(services.clock, each), None)
            for each in new
        ]
        await services.commit(Batch(puts=puts))
        carried = len(found) - registered + len(free) - len(new)
        return Imported(added=len(new), known=registered, carried=carried)

    if not numbers:
        return
    part = await persistently(attempt)
    total.added += part.added
    total.known += part.known
    total.carried += part.carried


def _document(clock: Clock, number: str) -> Document:
    document = {STATE: State.AVAILABLE.value, MODULE: MANAGED}
    now = clock.gregorian()
    return stamp(number_key(number), document, now=now, author=None, request_id=None)
