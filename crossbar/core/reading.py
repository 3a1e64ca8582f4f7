"""How documents are read: one that the path names, those that it rests on, a page of many.

Who only reads needs nothing of how documents are written.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any

import orjson

from crossbar.core.paging import page_of, page_size_of, read_page, span_of
from crossbar.core.presenting import seen_by
from crossbar.core.requests import Actor, Request, Result
from crossbar.documents import Document
from crossbar.errors import NoSuchDocument, RangeNotSatisfiable
from crossbar.storage import Entry, Key, Span

PORTION = 500
"""Rows of a long list that are made sense of before anybody else is answered."""


def key_of(request: Request) -> Key:
    """The key of the document that the URL names."""
    operation = request.operation
    return Key(request.account_id, operation.doc_type, request.ids[operation.id_param])


async def load(request: Request) -> Document:
    """The live document that the URL names. Raises :class:`NoSuchDocument`."""
    stored = await load_document(request.actor, key_of(request))
    operation = request.operation
    if operation.parent and not operation.is_known(request.ids, stored):
        raise NoSuchDocument(request.doc_id)
    return stored


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
    """A page of whatever ``show`` makes of the documents in ``span``.

    ``seen`` makes what filters judge, where that is not the stored document.
    """
    services, query = request.services, request.query
    size = page_size_of(query, services.settings.lists.page_size)
    page = page_of(query)
    filters = (*query.filters, *query.bounds)
    seen = seen or seen_by(request)
    rows = read_page(services.store, span_of(query, span), filters, size, page, show, seen)
    paged = page if query.paginate else None
    if query.is_chunked:
        chunk_size = query.chunk_size or services.settings.lists.chunk_size
        return Result(rows=rows, chunk_size=chunk_size, page=paged)
    data = await _gather(rows, services.settings.lists.memory_limit)
    return Result(data=data, page=paged, revision=revision_of_list(data, page.next_start_key))


async def _gather(rows: AsyncIterator[Any], limit: int) -> list[Any]:
    data = []
    async for row in rows:
        data.append(row)
        if limit and len(data) > limit:
            raise RangeNotSatisfiable
    return data


def revision_of_list(data: list[Any], next_start_key: str | None = None) -> str:
    """The 32-hex revision of a list's content, and of whether more follows."""
    content = [data, next_start_key] if next_start_key else data
    raw = orjson.dumps(content, default=str, option=orjson.OPT_NON_STR_KEYS)
    return hashlib.md5(raw, usedforsecurity=False).hexdigest()


async def revision_of_long_list(rows: Sequence[Any]) -> str:
    """The same for a list that may be very long: others have their turn meanwhile."""
    content = hashlib.md5(usedforsecurity=False)
    for start in range(0, len(rows), PORTION):
        content.update(orjson.dumps(rows[start : start + PORTION], default=str))
        await asyncio.sleep(0)
    return content.hexdigest()
