"""The embedded store: one SQLite file, through the standard library's driver.

Reads run on the event loop's own connection, since a point read costs less than handing it to a
thread. Writes go to the one thread of ``writer``; what a batch changes is in ``batches`` and
``journals``, where it is put in ``layout``, and what is remembered of it in ``recent``. Nothing
here interprets a document.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from crossbar.documents import Document
from crossbar.storage import (
    LAST_BUCKET,
    PORTION,
    Attachment,
    Batch,
    Claim,
    Event,
    Key,
    Line,
    Maker,
    Numbered,
    Observer,
    Position,
    Put,
    Remove,
    Row,
    Shown,
    Span,
    bucket_of,
    check_records,
    unobserved,
)
from crossbar.storage.sqlite import journals
from crossbar.storage.sqlite.attachments import Attachments
from crossbar.storage.sqlite.batches import HOLDER, WALK, apply
from crossbar.storage.sqlite.database import Database
from crossbar.storage.sqlite.encoding import (
    NOTHING,
    Columns,
    columns_of,
    decode,
    encode,
    put_from,
    shown_of,
)
from crossbar.storage.sqlite.recent import Body, Recent
from crossbar.storage.sqlite.reclaiming import Reclaiming
from crossbar.storage.sqlite.sifting import Found, Stored, light, sifter
from crossbar.storage.sqlite.stretches import Stretch, stretch_of, stretch_of_book

S = TypeVar("S")
T = TypeVar("T")

ROWS = 64
"""Rows read at a time: a page of the default size and its look-ahead."""

FEW = 8
"""Documents of a batch that is written on the event loop; for more, a thread is worth its cost."""

LONG = 65_536
"""Bytes of a document, with its entries and claims, that is written in the thread too."""

COUNTED = 20_000
"""Documents that are counted together: some milliseconds' work."""


async def _each(make: Callable[[S], T], values: Sequence[S]) -> list[T]:
    """What is made of each value; of very many some at a time."""
    if len(values) < ROWS:
        return [*map(make, values)]
    made = []
    for at, value in enumerate(values, 1):
        made.append(make(value))
        if at % ROWS == 0:
            await asyncio.sleep(0)
    return made


def _stored(write: Put | Remove) -> Columns:
    return columns_of(write) if isinstance(write, Put) else NOTHING


def _logged(event: Event) -> tuple[Any, ...]:
    return (event.action, *event.key, event.revision, event.at, encode(event.summary))


class SQLiteStore:
    """A :class:`crossbar.storage.Store` in the file ``path``, which is made for its owner alone.

    ``":memory:"`` means a private file that is removed on close. A write that other processes hold
    up for more than ``patience`` seconds raises :class:`Unreachable`. ``database`` is the file,
    for whoever looks into it beside the store.
    """

    def __init__(
        self, path: str, *, patience: float = 5.0, observer: Observer = unobserved
    ) -> None:
        self.database = Database(path, patience, observer)
        self._attachments = Attachments(self.database)
        self._reclaiming = Reclaiming(self.database)

    async def open(self) -> None:
        """Open the file, creating it when missing. Refuses one that a newer version has made."""
        await self.database.open()
        self._reclaiming.begin()

    async def close(self) -> None:
        """Finish waiting writes and disconnect. Closing twice is no error."""
        await self._reclaiming.stop()
        await self.database.close()

    async def ping(self) -> None:
        """Return when the file is in its place and can be read."""
        self.database.read("SELECT 1 FROM events LIMIT 1")

    async def get(self, key: Key) -> Document | None:
        """See :meth:`crossbar.storage.Store.get`."""
        found = self._found(key, self.database.recalled())
        return None if found is None else decode(found[1])

    async def get_shown(self, key: Key) -> Shown | None:
        """See :meth:`crossbar.storage.Store.get_shown`."""
        recent = self.database.recalled()
        shown = recent.shown.get(key)
        if shown is None and (found := self._found(key, recent)) is not None:
            shown = shown_of(*found)
            recent.keep_shown(key, shown)
        return shown

    def _found(self, key: Key, recent: Recent) -> Body | None:
        """Where to cut a document, and its body; read, unless it is remembered."""
        body = recent.bodies.get(key)
        if body is None:
            found = self.database.read(
                "SELECT cut, body, row FROM documents"
                " WHERE account_id = ? AND doc_type = ? AND doc_id = ?",
                key,
            )
            if not found:
                return None
            [(cut, encoded, row)] = found
            body = cut, encoded
            recent.keep(key, body, row)
        return body

    async def get_many(self, account_id: str, ids: Iterable[str]) -> dict[str, Document]:
        """See :meth:`crossbar.storage.Store.get_many`."""
        sql = "SELECT body FROM documents WHERE account_id = ? AND doc_id = ?"
        documents = {}
        waiting = iter(dict.fromkeys(ids))
        while some := list(islice(waiting, ROWS)):
            for doc_id in some:
                for (body,) in self.database.read(sql, (account_id, doc_id)):
                    documents[doc_id] = decode(body)
            await asyncio.sleep(0)
        return documents

    async def scan(self, span: Span) -> AsyncIterator[Row]:
        """See :meth:`crossbar.storage.Store.scan`. No cursor is open while the caller works."""
        async for found in self._walked(span, PORTION if span.sieve else ROWS):
            for sort, doc_id, encoded in found:
                yield Row(Position(sort, doc_id), decode(encoded))

    async def lines(self, span: Span) -> AsyncIterator[list[Line]]:
        """See :meth:`crossbar.storage.Store.lines`."""
        portion = span.portion or ROWS
        stretch, after = stretch_of(span), None
        more = True
        while more:
            sql, values = stretch.selecting(stretch.row, span, after, portion)
            found = self.database.read(sql, values)
            if found:
                yield found
            more = len(found) == portion
            if more:
                after = Position(*found[-1][:2])
                await asyncio.sleep(0)

    async def page(self, span: Span, make: Maker[T]) -> T:
        """See :meth:`crossbar.storage.Store.page`."""
        stretch = stretch_of(span)
        sql, values = stretch.selecting(stretch.row, span, None, span.portion or ROWS)
        recent, place, asked = (
            self.database.recalled(),
            (span.account_id, span.doc_type),
            (sql, *values),
        )
        made: T | None = recent.page(place, asked)
        if made is None:
            made, size = make(self.database.read(sql, values))
            recent.keep_page(place, asked, made, size)
        return made

    async def portions(self, span: Span) -> AsyncIterator[list[Document]]:
        """See :meth:`crossbar.storage.Store.portions`."""
        async for found in self._walked(span, PORTION):
            yield [decode(encoded) for _, _, encoded in found]

    async def _walked(self, span: Span, portion: int) -> AsyncIterator[list[Stored]]:
        """The documents of a span that may be wanted, some at a time, none empty."""
        sieve = span.sieve
        may_be_wanted = sifter(sieve.hints) if sieve else None
        for stretch in self._stretches(span):
            after: Position | None = None
            more = True
            while more:
                found = self._portion(span, stretch, after, span.portion or portion, may_be_wanted)
                if found.rows:
                    yield found.rows
                if sieve and found.left_out:
                    sieve.left_out(found.left_out)
                after = found.after
                more = after is not None
                if more:
                    await asyncio.sleep(0)

    def _portion(
        self,
        span: Span,
        stretch: Stretch,
        after: Position | None,
        limit: int,
        may_be_wanted: Callable[[bytes | str], bool] | None,
    ) -> Found:
        """What is met of a span in a stretch, beyond ``after``: so many, or fewer if large."""
        sql, values = stretch.selecting(stretch.body, span, after, limit)
        found: Found = self.database.read(sql, values, partial(light, limit, may_be_wanted))
        return found

    def _stretches(self, span: Span) -> list[Stretch]:
        """Where the rows of a span are, in the order in which it is walked."""
        if span.buckets is None:
            return [stretch_of(span)]
        books = self.database.read(journals.BOOKS, (span.account_id, span.doc_type, *span.buckets))
        stretches = [stretch_of_book(span, book) for (book,) in books]
        return stretches[::-1] if span.descending else stretches

    async def walk(self, account_id: str, journal: str = "") -> AsyncIterator[Put]:
        """See :meth:`crossbar.storage.Store.walk`."""
        sql, places = WALK, [(account_id,)]
        if journal:
            asked = (account_id, journal, "", LAST_BUCKET)
            sql, places = journals.WALK, self.database.read(journals.BOOKS, asked)
        for (place,) in places:
            last = ""
            while found := self.database.read(sql, (place, last, ROWS)):
                for doc_type, last, *columns in found:
                    key = Key(account_id, journal or doc_type, last)
                    yield put_from(key, Columns(*columns))
                await asyncio.sleep(0)

    async def count(self, span: Span, at_most: int | None = None) -> int:
        """See :meth:`crossbar.storage.Store.count`."""
        number = 0
        for stretch in self._stretches(span):
            after: Position | None = None
            more = True
            while more:
                limit = COUNTED if at_most is None else min(COUNTED, at_most - number)
                sql, values = stretch.counting(span, after, limit)
                [(found,)] = self.database.read(sql, values)
                number += found
                if number == at_most:
                    break
                more = found == COUNTED
                if more:
                    sql, values = stretch.nth(span, after, COUNTED)
                    places = self.database.read(sql, values)
                    after = Position(*places[0]) if places else after
                    more = bool(places)
                    await asyncio.sleep(0)
        return number

    async def tally(
        self, account_id: str, doc_type: str, name: str, values: Iterable[str]
    ) -> dict[str, int]:
        """See :meth:`crossbar.storage.Store.tally`."""
        found: dict[str, int] = {}
        waiting = iter(set(values))
        while some := list(islice(waiting, ROWS)):
            sql = (
                "SELECT value, count(*) FROM entries WHERE account_id = ? AND doc_type = ?"  # noqa: S608 constants only
                f" AND name = ? AND value IN ({','.join('?' * len(some))}) GROUP BY value"
            )
            found.update(self.database.read(sql, (account_id, doc_type, name, *some)))
            await asyncio.sleep(0)
        return found

    async def get_record(self, key: Key) -> Document | None:
        """See :meth:`crossbar.storage.Store.get_record`."""
        found = self.database.read(journals.BODY, (*key[:2], bucket_of(key.doc_id), key.doc_id))
        document: Document | None = decode(found[0][0]) if found else None
        return document

    async def buckets(self, journal: str) -> list[str]:
        """See :meth:`crossbar.storage.Store.buckets`."""
        sql = "SELECT DISTINCT bucket FROM books WHERE journal = ? ORDER BY bucket"
        return [bucket for (bucket,) in self.database.read(sql, (journal,))]

    async def holders(self, claims: Iterable[Claim]) -> dict[Claim, Key]:
        """See :meth:`crossbar.storage.Store.holders`."""
        holders: dict[Claim, Key] = {}
        waiting = iter(claims)
        while some := list(islice(waiting, ROWS)):
            holders |= {
                claim: Key(*held) for claim in some for held in self.database.read(HOLDER, claim)
            }
            if len(some) == ROWS:
                await asyncio.sleep(0)
        return holders

    async def commit(self, batch: Batch) -> int:
        """See :meth:`crossbar.storage.Store.commit`."""
        # Encoded before it returns: from then on, the documents are the caller's again.
        if batch.records:
            check_records(batch)
        stored = await _each(columns_of, batch.puts)
        records = await _each(_stored, batch.records)
        logged = await _each(_logged, batch.events)
        forgets = bool(batch.purge or batch.drop_buckets)
        is_large = (
            forgets
            or bool(batch.drop_attachments)
            or len(stored) + len(records) > FEW
            or any(len(each.marks) + len(each.body) > LONG for each in stored)
        )
        rows = self.database.recent.rows
        altered = {put.key for put in batch.puts if rows.get(put.key, put.row) != put.row}
        work = partial(apply, batch, stored, records, logged, altered)
        written: list[tuple[Key, Columns | None]] = [(each.key, None) for each in batch.removes]
        written += [(put.key, columns) for put, columns in zip(batch.puts, stored, strict=True)]
        # An account that is purged has documents that are named nowhere here.
        number = await self.database.write(
            work, is_large=is_large, written=None if batch.purge else written
        )
        if forgets:
            self._reclaiming.soon()
        return number

    async def events(self, after: int, limit: int = 500) -> list[Numbered]:
        """See :meth:`crossbar.storage.Store.events`."""
        found = self.database.read(
            "SELECT number, action, account_id, doc_type, doc_id, revision, at, summary"
            " FROM events WHERE number > ? ORDER BY number LIMIT ?",
            (after, limit),
        )
        return [
            Numbered(number, Event(action, Key(*key), revision, at, decode(summary)))
            for number, action, *key, revision, at, summary in found
        ]

    async def last_event(self) -> int:
        """See :meth:`crossbar.storage.Store.last_event`."""
        [(number,)] = self.database.read("SELECT coalesce(max(number), 0) FROM events")
        return int(number)

    async def trim_events(self, upto: int) -> None:
        """See :meth:`crossbar.storage.Store.trim_events`."""
        # SQLite counts on from the highest number that it finds, so one has to stay.
        await self.database.write(
            lambda connection: connection.execute(
                "DELETE FROM events WHERE number <= ?"
                " AND number < (SELECT max(number) FROM events)",
                (upto,),
            )
        )

    async def put_attachment(
        self, account_id: str, chunks: AsyncIterator[bytes], requires: Sequence[Key] = ()
    ) -> Attachment:
        """See :meth:`crossbar.storage.Store.put_attachment`."""
        return await self._attachments.put(account_id, chunks, requires)

    def attachments(self, before: int) -> AsyncIterator[tuple[str, str]]:
        """See :meth:`crossbar.storage.Store.attachments`."""
        return self._attachments.stored(before)

    def read_attachment(
        self, account_id: str, attachment_id: str, start: int = 0, stop: int | None = None
    ) -> AsyncIterator[bytes]:
        """See :meth:`crossbar.storage.Store.read_attachment`."""
        return self._attachments.read(account_id, attachment_id, start, stop)
