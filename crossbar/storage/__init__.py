"""The store: the interface that the core writes against, and nothing else.

A store keeps documents, grouped by account, with their listing position, their index entries and
their claims of unique values; journals of records by time; an append-only event log; and
attachments. Two implementations obey the same suite (``tests/storage/contract.py``):
``storage.sqlite`` and ``storage.mongodb``.

Journals are for what is appended for ever and hardly ever changed. A record is written as a
document is, in the same commit, but lives apart, in the bucket of time that its id begins with
(:func:`bucket_of`): lists are read bucket by bucket, one record is one look-up, and what is old is
forgotten by the bucket, at a cost that does not depend on what is in it.

What a store promises:

* :meth:`Store.commit` is atomic and durable. When it returns, every write of the batch, every
  claim and every event is on disk; when it raises, none is.
* A claim has one holder. Of two commits that take the same claim one succeeds and the other
  raises :class:`ClaimTaken`, also when they come from different processes.
* A put whose ``expected`` revision is not the stored one raises :class:`RevisionConflict`.
* Events are numbered in commit order: a reader that has seen number *n* has seen every event up
  to *n*, and will see every later one.
* :meth:`Store.scan` walks in (sort, id) order and neither skips nor repeats a document that
  existed at one place during the whole walk. Text is ordered by code points.
* A bucket that a commit drops is gone for every reader when the commit returns. The space that it
  took comes back later, in steps that hold up no other commit for long.

What a store does not know: families, schemas, filters, callers. It compares only revisions, ids,
sort keys, index values and claims, all of them text, so that two stores cannot disagree about what
"equal" means.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeVar

from crossbar.documents import Document
from crossbar.storage.sieves import Hint as Hint
from crossbar.storage.sieves import Sieve as Sieve
from crossbar.values import valueclass

T = TypeVar("T")

LARGEST = 16_000_000
"""Bytes of JSON that a document may have. No MongoDB keeps one of more than 16 MiB."""

Observer = Callable[[int, float], None]
"""Told of every transaction that was committed: how many batches it held, and its seconds."""

PORTION = 250
"""Documents that are read at a time for who takes them all: some milliseconds' work."""

LAST_BUCKET = "99999999"
"""No bucket of time comes after this one, and none before the empty text."""

SYSTEM = "system"
"""The account id under which documents that belong to no account are kept."""

_BUCKET = re.compile(r"([0-9]{4,8})-", re.ASCII)


def bucket_of(record_id: str) -> str:
    """The bucket of time of a record: ``202611`` of ``202611-5f…``; empty for no id of a record.

    The core chooses months or days (up to 8 digits). Buckets have to sort as their times do.
    """
    found = _BUCKET.match(record_id)
    return found[1] if found else ""


class Key(NamedTuple):
    """Where a document is. Ids are unique within an account, whatever the document's type.

    A record's type is its journal's name; its id is unique within account and journal.
    """

    account_id: str
    doc_type: str
    doc_id: str


class Entry(NamedTuple):
    """A value under which a document can be found, by :meth:`Store.scan` with ``entry``."""

    name: str
    value: str


class Claim(NamedTuple):
    """A value that at most one live document may hold within ``scope``.

    ``space`` names what is unique (``"users.username"``), ``scope`` is an account id or
    :data:`SYSTEM`, ``value`` is the normalised value.
    """

    space: str
    scope: str
    value: str


class Put(NamedTuple):
    """Insert a document, or replace the one that has the ``expected`` revision.

    ``document`` carries its new revision in ``_rev``; ``expected`` is ``None`` for an insert.
    ``sort`` is its place in listings, ``None`` when it is not to be listed (soft-deleted); an
    unlisted document is not found through its entries either. ``entries`` and ``claims`` are all
    that the document has from now on; those it had before and are not repeated are released.
    ``row`` is what lists show of it, as JSON: kept beside it, so that a page is not made anew from
    its documents whenever it is read.
    """

    key: Key
    document: Document
    expected: str | None
    sort: str | None = ""
    entries: Sequence[Entry] = ()
    claims: Sequence[Claim] = ()
    row: bytes | None = None


class Remove(NamedTuple):
    """Remove a document for good, with its entries and claims.

    Removing nothing is no error, whatever is expected: no such document, or one of another type.
    """

    key: Key
    expected: str | None = None


class Event(NamedTuple):
    """That a document was ``created``, ``changed`` or ``deleted``.

    ``at`` is in Gregorian seconds. ``summary`` holds public facts for those who react (a webhook),
    never a private field.
    """

    action: str
    key: Key
    revision: str
    at: int
    summary: Document


class Numbered(NamedTuple):
    """An event with its number in the log."""

    number: int
    event: Event


@valueclass
class Batch:
    """What one commit writes: all of it or nothing.

    ``purge`` names accounts whose documents, claims, records and attachments are removed entirely;
    their events stay, and records may go a moment after the commit. ``drop_attachments`` names
    attachments that no document refers to any more, as pairs of account id and attachment id;
    unknown ones are ignored. ``requires`` names documents that the batch does not write and that
    must exist for it to make sense.

    ``records`` are appended to journals, or replaced or removed there: puts without claims, whose
    ``sort`` is their time and whose id begins with their bucket. ``drop_buckets`` names buckets
    that are forgotten, of all accounts, as pairs of journal and bucket; the same batch does not
    write to them.

    The order is: purge, drops, removes, puts, records, requirements, claims. So an id or a claim
    that one part of the batch gives up another may take, and a conflict is reported rather than a
    taken claim.
    """

    puts: Sequence[Put] = ()
    removes: Sequence[Remove] = ()
    events: Sequence[Event] = ()
    purge: Sequence[str] = ()
    drop_attachments: Sequence[tuple[str, str]] = ()
    requires: Sequence[Key] = ()
    records: Sequence[Put | Remove] = ()
    drop_buckets: Sequence[tuple[str, str]] = ()

    def requiring(self, keys: Iterable[Key]) -> Batch:
        """The same batch, for which these documents must exist too."""
        return Batch(
            puts=self.puts,
            removes=self.removes,
            events=self.events,
            purge=self.purge,
            drop_attachments=self.drop_attachments,
            requires=(*self.requires, *keys),
            records=self.records,
            drop_buckets=self.drop_buckets,
        )


def check_records(batch: Batch) -> None:
    """Raises :class:`ValueError` for a record without a bucket, or in one that is dropped."""
    for each in batch.records:
        bucket = bucket_of(each.key.doc_id)
        if isinstance(each, Put) and not bucket:
            raise ValueError(f"{each.key.doc_type} {each.key.doc_id!r} begins with no bucket")
        if (each.key.doc_type, bucket) in batch.drop_buckets:
            raise ValueError(f"a batch drops the bucket {bucket!r} and writes to it")


class Position(NamedTuple):
    """A place in a listing: the sort key and id of a row."""

    sort: str
    doc_id: str


@valueclass
class Span:
    """Which documents to walk, from where to where.

    Without ``entry``: every listed document of ``doc_type``; with it: those that have that entry.
    ``start`` and ``end`` are the first and the last place of the walk, ``low`` and ``high`` bound
    the sort key, all inclusive. ``buckets`` makes it a span of the journal's records: the first
    and the last bucket to look in. ``portion`` is how many rows are read at a time: few for who
    takes few. ``sieve`` says which documents may be left out, by :meth:`Store.scan` and
    :meth:`Store.portions`.
    """

    account_id: str
    doc_type: str
    entry: Entry | None = None
    start: Position | None = None
    end: Position | None = None
    low: str | None = None
    high: str | None = None
    descending: bool = False
    buckets: tuple[str, str] | None = None
    portion: int | None = None
    sieve: Sieve | None = None


class Row(NamedTuple):
    """A document met by a scan, with its place."""

    position: Position
    document: Document


Line = tuple[str, str, bytes | None]
"""What a list shows of a document: sort key, id, and row, ``None`` where none was kept.

A bare tuple, as a driver has it: there are fifty of them in every page.
"""


Maker = Callable[[list[Line]], tuple[T, int]]
"""What makes something of the lines of a page, and tells about how many bytes that takes."""


@dataclass(slots=True)
class Shown:
    """A document in two parts: its private fields, and the public ones as a JSON object.

    While nothing is written a store may hand it out again. ``made`` is for its reader: what it has
    made of it, which then need not be made again.
    """

    private: Document
    public: bytes
    made: Any = field(default=None, compare=False)


class Attachment(NamedTuple):
    """Stored bytes: immutable, named by ``attachment_id``. ``md5`` is the hex digest."""

    attachment_id: str
    length: int
    md5: str


class StoreError(Exception):
    """Base of what a store raises."""


class RevisionConflict(StoreError):
    """The document has another revision than expected, or exists although it must not."""

    def __init__(self, key: Key) -> None:
        super().__init__(f"{key.doc_type} {key.doc_id}")
        self.key = key


class Missing(StoreError):
    """A document that the batch requires does not exist, or not any more."""

    def __init__(self, key: Key) -> None:
        super().__init__(f"{key.doc_type} {key.doc_id}")
        self.key = key


class ClaimTaken(StoreError):
    """Other documents hold at least one of the claims: ``holders`` says which holds which."""

    def __init__(self, holders: dict[Claim, Key]) -> None:
        super().__init__(", ".join(sorted(claim.space for claim in holders)))
        self.holders = holders


class DocumentTooBig(StoreError):
    """A document is larger than the store can hold: it has more than :data:`LARGEST` bytes.

    A store that keeps documents in another form than JSON may hold somewhat less.
    """


class Unreachable(StoreError):
    """The store did not answer in time; the outcome of a write is unknown to the caller."""


def unobserved(batches: int, seconds: float) -> None:
    """The observer of a store that nobody observes."""


class Store(Protocol):
    """The interface. Only ``commit`` changes documents."""

    async def open(self) -> None:
        """Connect, and create whatever structure is missing."""
        ...

    async def close(self) -> None:
        """Finish waiting writes and disconnect."""
        ...

    async def ping(self) -> None:
        """Return when the store answers. Raises :class:`Unreachable`."""
        ...

    async def get(self, key: Key) -> Document | None:
        """The document, or ``None`` when there is none of that type. Includes soft-deleted ones.

        The caller owns the returned document and may change it.
        """
        ...

    async def get_shown(self, key: Key) -> Shown | None:
        """The same document for who only passes it on: its public part is not made sense of."""
        ...

    async def get_many(self, account_id: str, ids: Iterable[str]) -> dict[str, Document]:
        """Those of the documents that exist, of whatever type, by id."""
        ...

    def scan(self, span: Span) -> AsyncIterator[Row]:
        """Walk the span in (sort, id) order, lazily: a walk that stops early has not read on."""
        ...

    def lines(self, span: Span) -> AsyncIterator[list[Line]]:
        """Walk a span of documents as :meth:`scan` does, reading only what lists show of them.

        They come so many at a time, ``portion`` of the span if it says so; no portion is empty.
        """
        ...

    async def page(self, span: Span, make: Maker[T]) -> T:
        """What ``make`` makes of the first lines of a span, as many as its ``portion`` says.

        While nothing is written a store may hand out again what was made of the same span, so
        ``make`` goes by the lines and the span alone.
        """
        ...

    def portions(self, span: Span) -> AsyncIterator[list[Document]]:
        """The documents that :meth:`scan` would meet, in that order, many at a time, none empty.

        For who takes them all: it spares what each row costs by itself. A portion is as large as
        the span says, by default :data:`PORTION`, or smaller.
        """
        ...

    def walk(self, account_id: str, journal: str = "") -> AsyncIterator[Put]:
        """Every document of an account, as the write that would leave it exactly as it is.

        Documents are of all types, and those that are not listed are met too. With ``journal`` it
        is every record of that. For upkeep: no request walks through all that an account has.
        Which of the documents that are written meanwhile are met is left open.
        """
        ...

    async def count(self, span: Span, at_most: int | None = None) -> int:
        """How many documents the span holds (``start`` included), or ``at_most``."""
        ...

    async def tally(
        self, account_id: str, doc_type: str, name: str, values: Iterable[str]
    ) -> dict[str, int]:
        """How many documents have each of the values as an entry ``name``.

        One look for many values; those that no document has are left out.
        """
        ...

    async def get_record(self, key: Key) -> Document | None:
        """The record, by one look-up in its bucket; ``None`` when there is none."""
        ...

    async def buckets(self, journal: str) -> list[str]:
        """The buckets of the journal that were written to, by any account; the oldest first."""
        ...

    async def holders(self, claims: Iterable[Claim]) -> dict[Claim, Key]:
        """Which of the claims are held, and by whom."""
        ...

    async def commit(self, batch: Batch) -> int:
        """Write the batch, durably and atomically.

        Returns the number of its last event, 0 when it has none; its events have the numbers up
        to that one, without a gap. Raises :class:`RevisionConflict`, :class:`Missing`,
        :class:`ClaimTaken`, :class:`DocumentTooBig`, :class:`Unreachable`.
        """
        ...

    async def events(self, after: int, limit: int = 500) -> list[Numbered]:
        """Events with numbers above ``after``, in order."""
        ...

    async def last_event(self) -> int:
        """The number of the newest event; 0 when there is none."""
        ...

    async def trim_events(self, upto: int) -> None:
        """Forget the events with numbers up to ``upto``, but never the newest one of all.

        What is left keeps its numbers, and no number is ever given twice.
        """
        ...

    async def put_attachment(
        self, account_id: str, chunks: AsyncIterator[bytes], requires: Sequence[Key] = ()
    ) -> Attachment:
        """Store a stream of bytes durably and name it. Not visible until a document refers to it.

        When ``chunks`` raises, nothing is kept; nor when one of the documents in ``requires`` is
        not there at the end, which raises :class:`Missing`.
        """
        ...

    def attachments(self, before: int) -> AsyncIterator[tuple[str, str]]:
        """The attachments that were stored before a time, in Unix seconds, account by account.

        As pairs of account id and attachment id, whether or not a document refers to them.
        """
        ...

    def read_attachment(
        self, account_id: str, attachment_id: str, start: int = 0, stop: int | None = None
    ) -> AsyncIterator[bytes]:
        """The bytes from ``start`` up to, not including, ``stop``, in chunks.

        Raises :class:`KeyError` when there is no such attachment.
        """
        ...
