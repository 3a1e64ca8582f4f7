"""Pages of lists: the opaque key that names a row, and reading one page of a span.

A key holds the sort value *and* the id of a row, so rows with equal sort values are neither
skipped nor repeated at a page border (upstream's key holds only the sort value, docs/protocol.md
§8.3).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any, TypeVar

import orjson

from crossbar.core.requests import Page, Query
from crossbar.documents import Document
from crossbar.errors import FaultyRequest
from crossbar.filtering import Filters, keeps
from crossbar.storage import Position, Span, Store

T = TypeVar("T")

LAST = "\U0010ffff"
"""Sorts after any id or sort key that is in use."""


def encode_key(position: Position) -> str:
    """The opaque text for a row."""
    raw = orjson.dumps([position.sort, position.doc_id])
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode_key(text: str, *, descending: bool) -> Position:
    """The row that a key names. What is no key of ours is taken as a sort value (§8.3)."""
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        parsed = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error):
        parsed = None
    match parsed:
        case [str(sort), str(doc_id)]:
            return Position(sort, doc_id)
    return Position(text, LAST if descending else "")


def page_size_of(query: Query, default: int) -> int | None:
    """Rows per page, ``None`` for all. Raises :class:`FaultyRequest` below 1 (§8.3)."""
    if not query.paginate:
        return None
    size = default if query.page_size is None else query.page_size
    if size < 1:
        raise FaultyRequest("page size must be at least 1")
    return size


def span_of(query: Query, span: Span) -> Span:
    """The span narrowed and directed as the query asks."""
    descending = not query.ascending
    if query.paginate and query.start_key:
        span = replace(span, start=decode_key(query.start_key, descending=descending))
    if query.end_key and descending:
        span = replace(span, low=max(query.end_key, span.low or ""))
    elif query.end_key:
        span = replace(span, high=min(query.end_key, span.high or LAST))
    return replace(span, descending=descending)


async def read_page(
    store: Store,
    span: Span,
    filters: Filters,
    size: int | None,
    page: Page,
    show: Callable[[Document], Any],
    seen: Callable[[Document], Document] | None = None,
) -> AsyncIterator[Any]:
    """Yield what ``show`` makes of the rows that pass the filters, and note the page's borders.

    ``seen`` makes what filters judge, where that is not the stored document.
    """
    async for row in store.scan(span):
        if not keeps(filters, seen(row.document) if seen else row.document):
            continue
        if size is not None and page.size == size:
            page.next_start_key = encode_key(row.position)
            return
        page.size += 1
        yield show(row.document)


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
