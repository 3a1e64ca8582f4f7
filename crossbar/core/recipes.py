"""The recipes: what list, fetch, create, replace, patch and delete mean, once for every family.

Each recipe reads top to bottom in the order of refusals that clients see (docs/protocol.md §0):
the document is loaded (404), the proposed document is validated and checked (400, all fields
together), the precondition is compared (412), the body's media type is judged (415), and the write
is made (409, or 400 ``unique``). Hooks of a family are called here and nowhere else.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from functools import wraps
from typing import Any

import orjson
import structlog

from crossbar.core.change import Change
from crossbar.core.paging import page_of, page_size_of, read_page, span_of
from crossbar.core.preconditions import require_match
from crossbar.core.presenting import present, row_maker, seen_by
from crossbar.core.requests import Actor, Request, Result
from crossbar.core.shapes import Collection, Handler, Singleton
from crossbar.core.stamping import fresh_id
from crossbar.core.writing import in_turn, persistently, remove, save
from crossbar.documents import Document, merge, public
from crossbar.errors import (
    MethodNotAllowed,
    NoSuchDocument,
    RangeNotSatisfiable,
    ValidationFailed,
)
from crossbar.storage import Entry, Key, Span

log = structlog.get_logger(__name__)

DOCUMENT_ID = re.compile(r"[0-9a-f]{32}")


async def list_documents(request: Request) -> Result:
    """A page of summaries, or everything with ``paginate=false``."""
    family = request.operation.collection
    await require_parents(request)
    entry = parent_entry(request)
    span = Span(account_id=request.account_id, doc_type=family.doc_type, entry=entry)
    return await list_span(request, span, await row_maker(request))


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


async def fetch(request: Request) -> Result:
    """One document."""
    await require_parents(request)
    return await answer(request, await load(request))


def fetch_or(instead: Handler, *media_types: str) -> Handler:
    """What answers the document, or by ``instead`` who would rather have one of the types."""

    @wraps(fetch)
    async def choose(request: Request) -> Result:
        return await (instead if request.prefers(*media_types) else fetch)(request)

    choose.__doc__ = (
        f"The document; to who would rather have one of the other types: {instead.__doc__}"
    )
    return choose


async def create(request: Request) -> Result:
    """A new document; its id is the server's choice unless the client sent one (§7.6)."""
    await require_parents(request)
    family = request.operation.collection
    doc_id = chosen_id(request) or fresh_id(request.services.clock)
    key = Key(request.account_id, family.doc_type, doc_id)

    async def attempt() -> Document:
        change = Change(
            actor=request.actor, request=request, family=family, key=key, document=sent(request)
        )
        return await save(change, "created")

    # Others may write what it comes with, a number or a balance; the id is taken for good.
    stored = await persistently(attempt, once=key)
    return await answer(request, stored, created_id=stored["_id"])


async def replace(request: Request) -> Result:
    """All public fields replaced by those that were sent; private ones kept."""
    await require_parents(request)
    return await rewrite(request, load, lambda current: sent(request))


async def patch(request: Request) -> Result:
    """What was sent merged over the stored document, then validated as a whole."""
    await require_parents(request)
    return await rewrite(request, load, lambda current: merge(public(current), sent(request)))


async def delete(request: Request) -> Result:
    """Soft by default: the id answers 404 from now on and unique values are free again (§7.7)."""
    await require_parents(request)
    family = request.operation.collection
    is_soft = family.soft_delete and not request.says_no("should_soft_delete")
    key = key_of(request)

    async def attempt() -> Document:
        current = await load(request)
        require_match(request, current)
        change = Change(
            actor=request.actor,
            request=request,
            family=family,
            key=key,
            document={},
            current=current,
        )
        return await remove(change, is_soft=is_soft)

    return await answer_removed(request, await in_turn(request.actor, key, attempt, once=True))


async def answer_removed(request: Request, document: Document) -> Result:
    """A document that was removed, as the client sees it (§7.7)."""
    result = await answer(request, document)
    result.data["_read_only"] = {**result.data.get("_read_only", {}), "deleted": True}
    return result


async def answer(request: Request, stored: Document, *, created_id: str | None = None) -> Result:
    """A document as the client sees it, with its revision."""
    data, metadata = await present(request, stored)
    return Result(data=data, revision=stored.get("_rev"), created_id=created_id, metadata=metadata)


def key_of(request: Request) -> Key:
    """The key of the document that the URL names."""
    operation = request.operation
    return Key(request.account_id, operation.doc_type, request.ids[operation.id_param])


async def load(request: Request) -> Document:
    """The live document that the URL names. Raises :class:`NoSuchDocument`."""
    stored = await load_document(request.actor, key_of(request))
    if request.operation.is_owned and not request.operation.holds(request.ids, stored):
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
    for parent in request.operation.parents:
        key = Key(request.account_id, parent.doc_type, request.ids[parent.param])
        await load_document(request.actor, key)


def parent_entry(request: Request) -> Entry | None:
    """What narrows a list to what the document above it in the path has; ``None`` for no such."""
    operation = request.operation
    if not operation.entry:
        return None
    return Entry(operation.entry, request.ids[operation.entry_param])


async def require_documents(request: Request) -> None:
    """Refuse a path that names documents which do not exist: the scoping ones, then its own."""
    await require_parents(request)
    if request.operation.id_param:
        await load(request)


async def rewrite(
    request: Request,
    read: Callable[[Request], Awaitable[Document | None]],
    propose: Callable[[Document], Document],
) -> Result:
    """Load, propose, save; again from the start when another write came between.

    Only a client that named a revision is told of the race: it asked to be. Without one the last
    writer wins, and a PATCH is merged over what the other writer left.
    """
    family = request.operation.family
    if not isinstance(family, Collection | Singleton):
        raise MethodNotAllowed
    doc_id = request.doc_id if isinstance(family, Collection) else family.noun
    key = Key(request.account_id, family.doc_type, doc_id)

    async def attempt() -> Document:
        current = await read(request)
        change = Change(
            actor=request.actor,
            request=request,
            family=family,
            key=key,
            document=propose(current or {}),
            current=current,
        )
        return await save(change, "changed")

    once = request.if_match is not None
    return await answer(request, await in_turn(request.actor, key, attempt, once=once))


def sent(request: Request) -> Document:
    """The public fields that the client sent; ``id`` comes from the URL, never from the body."""
    if not isinstance(request.data, dict):
        raise ValidationFailed.of(
            "data",
            "type",
            "Value did not match type(s): object",
            target="object",
            value=request.data,
        )
    document = public(request.data)
    document.pop("id", None)
    return document


def chosen_id(request: Request) -> str | None:
    """A usable ``id`` in the data of a create: 32 lower-case hex digits; others are ignored."""
    wanted = request.data.get("id") if isinstance(request.data, dict) else None
    return wanted if isinstance(wanted, str) and DOCUMENT_ID.fullmatch(wanted) else None
