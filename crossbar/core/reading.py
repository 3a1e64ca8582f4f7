"""How documents are read: one that the path names, those that it rests on, a page of many.

Who only reads needs nothing of how documents are written.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeGuard

import orjson

from crossbar.core.finding import entries_for, hints_of, served_filters
from crossbar.core.paging import (
    Reader,
    encode_key,
    in_groups,
    page_of,
    page_size_of,
    span_of,
)
from crossbar.core.presenting import judged_by, secrets_in
from crossbar.core.requests import Actor, Page, Request, Result
from crossbar.core.shapes import Collection, Family
from crossbar.documents import Document, json_of
from crossbar.errors import NoSuchDocument, TooMuchToHold
from crossbar.storage import Entry, Hint, Key, Line, Position, Shown, Span

PORTION = 500
"""Rows of a long list that are made sense of before anybody else is answered."""

ENOUGH = 1000
"""How far the documents that indexes leave are counted, to take the one that leaves the fewest."""

LONG = 1024 * 1024
"""Bytes of rows from which on a list is sent as it is read, however few rows these are."""


digest = partial(hashlib.sha1, usedforsecurity=False)
"""What revisions of lists are made with: the quickest there is where processors help with it."""


def key_of(request: Request) -> Key:
    """The key of the document that the URL names."""
    operation = request.operation
    return Key(request.actor.account_id, operation.doc_type, request.ids[operation.id_param])


async def load(request: Request) -> Document:
    """The live document that the URL names. Raises :class:`NoSuchDocument`."""
    stored = await load_document(request.actor, key_of(request))
    operation = request.operation
    if operation.parent and not operation.is_known(request.ids, stored):
        raise NoSuchDocument(request.doc_id)
    return stored


async def load_shown(request: Request) -> Shown:
    """The same document for who only passes it on. Raises :class:`NoSuchDocument`."""
    key = key_of(request)
    found = await request.actor.services.store.get_shown(key)
    if found is None or found.private.get("pvt_deleted"):
        raise NoSuchDocument(key.doc_id)
    return found


async def load_document(actor: Actor, key: Key) -> Document:
    """The live document with this key. Raises :class:`NoSuchDocument`."""
    stored = await actor.services.store.get(key)
    if stored is None or stored.get("pvt_deleted"):
        raise NoSuchDocument(key.doc_id)
    return stored


async def live_documents(actor: Actor, ids: Iterable[str], *doc_types: str) -> dict[str, Document]:
    """Those of the documents that are live, by id; of any type unless types are given."""
    found = await actor.services.store.get_many(actor.account_id, ids)
    return {
        doc_id: document
        for doc_id, document in found.items()
        if not document.get("pvt_deleted")
        and (not doc_types or document.get("pvt_type") in doc_types)
    }


async def require_parents(request: Request) -> None:
    """Refuse a path whose scoping documents do not exist (§0 step 12)."""
    if parent := request.operation.parent:
        key = Key(request.account_id, parent.doc_type, request.ids[parent.param])
        await load_document(request.actor, key)


async def require_documents(request: Request) -> None:
    """Refuse a path that names documents which do not exist: the scoping ones, then its own."""
    await require_parents(request)
    if request.operation.id_param:
        await load(request)


async def listed_span(request: Request) -> Span:
    """The documents of the family that the path is about. Raises :class:`NoSuchDocument`."""
    await require_parents(request)
    doc_type = request.operation.collection.doc_type
    return Span(account_id=request.account_id, doc_type=doc_type, entry=parent_entry(request))


def parent_entry(request: Request) -> Entry | None:
    """What narrows a list to what the document above it in the path has; ``None`` for no such."""
    parent = request.operation.parent
    if parent is None or not parent.entry:
        return None
    return Entry(parent.entry, request.ids[parent.param])


async def list_span(
    request: Request,
    span: Span,
    show: Callable[[Document], Any],
    *,
    seen: Callable[[Document], Document] | None = None,
) -> Result:
    """A page of whatever ``show`` makes of the documents in ``span``, or all of it: as it is read,
    if it is much.

    ``seen`` makes what filters judge, where that is not the stored document.
    """
    query, settings = request.query, request.services.settings.lists
    size = page_size_of(query, settings.page_size)
    page = page_of(query)
    reader, span = await _reader(request, span, show, seen)
    if size is None:
        portions = reader.read_all(_asked(request, span, query.chunk_size))
    else:
        is_judged = query.filters or query.bounds
        few = None if is_judged or size >= PORTION else size + 1
        rows = reader.read(_asked(request, span, few), size, page)
        portions = in_groups(rows, query.chunk_size or settings.chunk_size)
    paged = page if query.paginate else None
    if query.is_chunked:
        return Result(portions=portions, page=paged)
    return await _long(request, portions, paged)


def _asked(request: Request, span: Span, portion: int | None) -> Span:
    """The span as the query narrows and directs it, read so many at a time."""
    family = request.operation.family
    by_id = _is_of(family, span) and family.order is None
    return span_of(request.query, span, portion, by_id=by_id)


def _is_of(family: Family, span: Span) -> TypeGuard[Collection]:
    """Whether a list is of the documents of the family that the path is about."""
    return isinstance(family, Collection) and span.doc_type == family.doc_type


async def _by_index(request: Request, span: Span) -> tuple[Span, Callable[[], list[str]]]:
    """The span, narrowed by an index that serves a filter; and what tells which filters have one.

    None serves lists of other documents than all of the family that the path is about. Of several
    it is the one that leaves the fewest.
    """
    family, services = request.operation.family, request.services
    if span.entry or not _is_of(family, span):
        return span, list
    entries = entries_for(family, request.query.filters, services.indexed)
    spans = [replace(span, entry=each) for each in entries] or [span]
    best = 0
    if len(spans) > 1:
        counts = [await services.store.count(each, ENOUGH) for each in spans]
        best = counts.index(min(counts))
    return spans[best], partial(served_filters, family, services.indexed)


async def _reader(
    request: Request,
    span: Span,
    show: Callable[[Document], Any],
    seen: Callable[[Document], Document] | None,
) -> tuple[Reader, Span]:
    """What reads the rows of a list, and where: by an index, if one serves."""
    services, query = request.services, request.query
    served: Callable[[], list[str]] = list
    hints: tuple[Hint, ...] = ()
    if query.filters and seen is None:
        span, served = await _by_index(request, span)
        seen = await judged_by(request, span.doc_type, show)
        hints = hints_of(query.filters, secrets_in(request, span.doc_type))
    reader = Reader(
        store=services.store,
        filters=(*query.filters, *query.bounds),
        show=show,
        seen=seen,
        limit=services.settings.lists.scan_limit,
        hints=hints,
        served=served,
    )
    return reader, span


async def list_lines(request: Request, span: Span, show: Callable[[Document], Any]) -> Result:
    """A list without filters, of what lists show of a document and is kept beside it.

    ``show`` makes that of documents that an earlier version wrote, which kept nothing.
    """
    query, settings = request.query, request.services.settings.lists
    size = page_size_of(query, settings.page_size)
    if size is not None and size < PORTION and not query.is_chunked:
        return await _page(request, _asked(request, span, size + 1), size, show)
    page = page_of(query)
    walked = _asked(request, span, query.chunk_size)
    lines = _lines(request.actor, walked, size, page, show)
    if query.is_chunked:
        rows = (orjson.loads(line) async for portion in lines for line in portion)
        portions = in_groups(rows, query.chunk_size or settings.chunk_size)
        return Result(portions=portions, page=page if query.paginate else None)
    rows_of_all = (orjson.loads(_joined(portion)) async for portion in lines)
    return await _long(request, rows_of_all, page if query.paginate else None)


async def _page(
    request: Request, span: Span, size: int, show: Callable[[Document], Any]
) -> Result:
    """A page that is one portion; what was made of it before is not made again."""
    start_key = request.query.start_key or None

    def make(lines: list[Line]) -> tuple[Result | list[Line], int]:
        rows = [row for _, _, row in lines if row is not None]
        if len(rows) < len(lines):
            return lines, LONG
        result = _page_of(rows, lines, size, start_key)
        return result, len(result.encoded or b"")

    made = await request.services.store.page(span, make)
    if isinstance(made, list):  # some of whose rows an earlier version has not kept
        return _page_of(await _complete(request.actor, made[:size], show), made, size, start_key)
    if made.page is None or made.page.start_key == start_key:
        return made
    # The same place by another name: it is repeated as it was given.
    return replace(made, page=replace(made.page, start_key=start_key))


def _page_of(rows: list[bytes], lines: list[Line], size: int, start_key: str | None) -> Result:
    """A page of the first rows; of lines there is one more if another page follows."""
    following = encode_key(Position(*lines[size][:2])) if len(lines) > size else None
    encoded = _joined(rows[:size])
    page = Page(size=min(size, len(lines)), start_key=start_key, next_start_key=following)
    revision = revision_of_encoded(encoded, following)
    return Result(encoded=encoded, page=page, revision=revision)


def _joined(lines: Iterable[bytes]) -> bytes:
    return b"".join((b"[", b",".join(lines), b"]"))


async def _long(
    request: Request, portions: AsyncIterator[list[Any]], page: Page | None = None
) -> Result:
    """A list that may be long: whole, with its revision, if it is short; else as it is read."""
    limit = request.services.settings.lists.memory_limit
    may_be_long = not limit and request.query.is_chunked is not False
    content, length, data = digest(), 0, list[Any]()
    async for rows in portions:
        data += rows
        if limit and len(data) > limit:
            raise TooMuchToHold(limit=limit)
        raw = _raw(rows)
        content.update(raw)
        length += len(raw)
        if may_be_long and (len(data) >= PORTION or length >= LONG):
            return Result(portions=_after(data, portions), page=page)
    if page and page.next_start_key:
        content.update(page.next_start_key.encode())
    return Result(data=data, page=page, revision=content.hexdigest()[:32])


async def _after(first: list[Any], rest: AsyncIterator[list[Any]]) -> AsyncIterator[list[Any]]:
    yield first
    async for rows in rest:
        yield rows


async def _lines(
    actor: Actor, span: Span, size: int | None, page: Page, show: Callable[[Document], Any]
) -> AsyncIterator[Sequence[bytes]]:
    """The lines of a span, or of a page of so many, whose borders are noted."""
    async for portion in actor.services.store.lines(span):
        found: Sequence[Line] = portion
        if size is not None and page.size + len(found) > size:
            found = found[: size - page.size + 1]
            sort, doc_id, _ = found[-1]
            found = found[:-1]
            page.next_start_key = encode_key(Position(sort, doc_id))
        page.size += len(found)
        if found:
            yield await _complete(actor, found, show)
        if page.next_start_key:
            return


async def _complete(
    actor: Actor, lines: Sequence[Line], show: Callable[[Document], Any]
) -> list[bytes]:
    """The rows of lines; those that are not kept are made of their documents."""
    kept = [row for _, _, row in lines if row is not None]
    if len(kept) == len(lines):
        return kept
    made = await live_documents(actor, [doc_id for _, doc_id, row in lines if row is None])
    rows = []
    for _, doc_id, row in lines:
        if row is not None:
            rows.append(row)
        elif doc_id in made:
            rows.append(json_of(show(made[doc_id])))
    return rows


def revision_of_list(data: list[Any], next_start_key: str | None = None) -> str:
    """The 32-hex revision of a list's content, and of whether more follows."""
    content = [data, next_start_key] if next_start_key else data
    return digest(_raw(content)).hexdigest()[:32]


def _raw(content: Any) -> bytes:
    return orjson.dumps(content, default=str, option=orjson.OPT_NON_STR_KEYS)


def revision_of_encoded(encoded: bytes, next_start_key: str | None) -> str:
    """The same for a list that is JSON already."""
    content = digest(encoded)
    if next_start_key:
        content.update(next_start_key.encode())
    return content.hexdigest()[:32]


async def revision_of_long_list(rows: Sequence[Any]) -> str:
    """The same for a list that may be very long: others have their turn meanwhile."""
    content = digest()
    for start in range(0, len(rows), PORTION):
        content.update(orjson.dumps(rows[start : start + PORTION], default=str))
        await asyncio.sleep(0)
    return content.hexdigest()[:32]
