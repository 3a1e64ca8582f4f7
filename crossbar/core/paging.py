"""Pages of lists: the opaque key that names a row, and reading one page of a span.

A key holds the sort value *and* the id of a row, so rows with equal sort values are neither
skipped nor repeated at a page border (upstream's key holds only the sort value, docs/protocol.md
§8.3).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import orjson

from crossbar.core.requests import Page, Query
from crossbar.documents import Document
from crossbar.errors import FaultyRequest, TooMuchToSearch, ValidationFailed
from crossbar.filtering import Filters, keeps, names_of
from crossbar.storage import Hint, Position, Sieve, Span, Store
from crossbar.values import valueclass

T = TypeVar("T")

LAST = "\U0010ffff"
"""Sorts after any id or sort key that is in use."""

OURS = re.compile("Wy[I-L]")
"""How a key begins: JSON of a list whose first item is a text, in base64."""


def encode_key(position: Position) -> str:
    """The opaque text for a row."""
    raw = orjson.dumps([position.sort, position.doc_id])
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode_key(
    text: str, *, descending: bool, by_id: bool = False, name: str = "start_key"
) -> Position:
    """The row that a key names. What is no key of ours is taken as a sort value (§8.3), or as an
    id where a list is sorted ``by_id``: the first row that has it, or the last one of a list that
    is ``descending``.

    Raises :class:`ValidationFailed` for the parameter ``name`` when it was a key of ours once.
    """
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        parsed = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error):
        parsed = None
    match parsed:
        case [str(sort), str(doc_id)]:
            return Position(sort, doc_id)
    if OURS.match(text):
        raise ValidationFailed.of(
            name,
            "invalid",
            f"{name} looks like a next_start_key, and is none",
            target="a next_start_key as it was given, or a value of what the list is sorted by",
        )
    return Position("", text) if by_id else Position(text, LAST if descending else "")


def page_size_of(query: Query, default: int) -> int | None:
    """Rows per page, ``None`` for all. Raises :class:`FaultyRequest` below 1 (§8.3)."""
    if not query.paginate:
        return None
    size = default if query.page_size is None else query.page_size
    if size < 1:
        raise FaultyRequest("page size must be at least 1")
    return size


def span_of(query: Query, span: Span, portion: int | None = None, *, by_id: bool = False) -> Span:
    """The span narrowed and directed as the query asks, read so many at a time.

    ``by_id`` says that its documents are sorted by their ids. Raises :class:`ValidationFailed`.
    """
    descending = not query.ascending
    start, end = span.start, span.end
    if query.paginate and query.start_key:
        start = decode_key(query.start_key, descending=descending, by_id=by_id)
    if query.end_key:
        end = decode_key(query.end_key, descending=not descending, by_id=by_id, name="end_key")
    return Span(
        account_id=span.account_id,
        doc_type=span.doc_type,
        entry=span.entry,
        start=start,
        end=end,
        low=span.low,
        high=span.high,
        descending=descending,
        buckets=span.buckets,
        portion=portion or span.portion,
    )


@valueclass
class Reader:
    """Reads pages of lists: rows are what ``show`` makes of documents that pass the filters.

    ``seen`` makes what filters judge, where that is not the stored document. ``limit`` is how many
    documents are looked at in vain for one list, 0 for any number. ``hints`` are what a store may
    go by to leave out others, whose number counts all the same; only filters that judge what is
    stored, or less of it, give any. ``served`` tells which filters an
    index would serve.
    """

    store: Store
    filters: Filters
    show: Callable[[Document], Any]
    seen: Callable[[Document], Document] | None
    limit: int
    hints: Sequence[Hint] = ()
    served: Callable[[], list[str]] = list

    async def read(self, span: Span, size: int, page: Page) -> AsyncIterator[Any]:
        """Yield the rows of a page, and note its borders.

        Raises :class:`TooMuchToSearch` where nothing narrows what has to be looked at.
        """
        filters, show, seen = self.filters, self.show, self.seen
        passed, sifted = self._sifted(span)
        async for row in self.store.scan(sifted):
            if not keeps(filters, seen(row.document) if seen else row.document):
                passed.over(1)
                continue
            if page.size == size:
                page.next_start_key = encode_key(row.position)
                return
            page.size += 1
            yield show(row.document)

    async def read_all(self, span: Span) -> AsyncIterator[list[Any]]:
        """The same of all rows, many at a time: how long lists are read.

        Others are answered between two portions; who stops taking them has no more read.
        """
        filters, show, seen = self.filters, self.show, self.seen
        passed, sifted = self._sifted(span)
        async for documents in self.store.portions(sifted):
            if filters:
                met = len(documents)
                documents = [
                    each for each in documents if keeps(filters, seen(each) if seen else each)
                ]
                passed.over(met - len(documents))
            if documents:
                yield [show(each) for each in documents]

    def _sifted(self, span: Span) -> tuple[_Passed, Span]:
        passed = _Passed(self)
        if not self.hints:
            return passed, span
        return passed, replace(span, sieve=Sieve(hints=self.hints, left_out=passed.over))


class _Passed:
    """How many documents were looked at in vain."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._count = 0

    def over(self, number: int) -> None:
        """Count some more. Raises :class:`TooMuchToSearch` when the limit is reached."""
        self._count += number
        reader = self._reader
        if reader.limit and self._count >= reader.limit:
            raise TooMuchToSearch(
                filters=names_of(reader.filters), indexed=reader.served(), limit=reader.limit
            )


async def in_groups(rows: AsyncIterator[T], size: int) -> AsyncIterator[list[T]]:
    """What ``rows`` yields, so many at a time; the last group may be smaller."""
    group: list[T] = []
    async for row in rows:
        group.append(row)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group


def page_of(query: Query) -> Page:
    """An empty page that knows where it starts."""
    return Page(start_key=query.start_key if query.paginate else None)
