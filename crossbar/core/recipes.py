"""The recipes: what list, fetch, create, replace, patch and delete mean, once for every family.

Each recipe reads top to bottom in the order of refusals that clients see (protocol reference §0):
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

from crossbar.core.change import Change, put_of
from crossbar.core.paging import page_of, page_size_of, read_page, span_of
from crossbar.core.powers import keep_guarded, require_powers
from crossbar.core.preconditions import require_match, require_writable
from crossbar.core.presenting import present, row_maker, seen_by
from crossbar.core.requests import Context, Result
from crossbar.core.shapes import Collection, Handler, Singleton, Stage
from crossbar.core.stamping import fresh_id, stamped
from crossbar.core.uniqueness import clashes, holders_of
from crossbar.documents import Document, merge, private, public
from crossbar.errors import (
    Conflict,
    MethodNotAllowed,
    NoSuchDocument,
    RangeNotSatisfiable,
    ValidationFailed,
)
from crossbar.storage import ClaimTaken, Entry, Key, Put, Remove, RevisionConflict, Span

log = structlog.get_logger(__name__)

DOCUMENT_ID = re.compile(r"[0-9a-f]{32}")

ATTEMPTS = 20
"""How often a write without a precondition is tried when other processes write in between."""


async def list_documents(context: Context) -> Result:
    """A page of summaries, or everything with ``paginate=false``."""
    family = context.operation.collection
    await require_parents(context)
    entry = parent_entry(context)
    span = Span(account_id=context.account_id, doc_type=family.doc_type, entry=entry)
    return await list_span(context, span, await row_maker(context))


async def list_span(
    context: Context,
    span: Span,
    show: Callable[[Document], Any],
    *,
    seen: Callable[[Document], Document] | None = None,
) -> Result:
    """A page of whatever ``show`` makes of the documents in ``span``.

    ``seen`` makes what filters judge, where that is not the stored document.
    """
    services, query = context.services, context.query
    size = page_size_of(query, services.settings.lists.page_size)
    page = page_of(query)
    filters = (*query.filters, *query.bounds)
    seen = seen or seen_by(context)
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


async def fetch(context: Context) -> Result:
    """One document."""
    await require_parents(context)
    return await answer(context, await load(context))


def fetch_or(instead: Handler, *media_types: str) -> Handler:
    """What answers the document, or by ``instead`` who would rather have one of the types."""

    @wraps(fetch)
    async def choose(context: Context) -> Result:
        return await (instead if context.prefers(*media_types) else fetch)(context)

    choose.__doc__ = (
        f"The document; to who would rather have one of the other types: {instead.__doc__}"
    )
    return choose


async def create(context: Context) -> Result:
    """A new document; its id is the server's choice unless the client sent one (§7.6)."""
    await require_parents(context)
    family = context.operation.collection
    doc_id = chosen_id(context) or fresh_id(context.services.clock)
    key = Key(context.account_id, family.doc_type, doc_id)
    change = Change(context=context, family=family, key=key, document=sent(context))
    stored = await save(change, "created")
    return await answer(context, stored, created_id=stored["_id"])


async def replace(context: Context) -> Result:
    """All public fields replaced by those that were sent; private ones kept."""
    await require_parents(context)
    return await rewrite(context, load, lambda current: sent(context))


async def patch(context: Context) -> Result:
    """What was sent merged over the stored document, then validated as a whole."""
    await require_parents(context)
    return await rewrite(context, load, lambda current: merge(public(current), sent(context)))


async def delete(context: Context) -> Result:
    """Soft by default: the id answers 404 from now on and unique values are free again (§7.7)."""
    await require_parents(context)
    family = context.operation.collection
    is_soft = family.soft_delete and not context.says_no("should_soft_delete")
    key = key_of(context)
    async with context.services.turns.of(key):
        current = await load(context)
        require_match(context, current)
        change = Change(context=context, family=family, key=key, document={}, current=current)
        return await remove(change, is_soft=is_soft)


async def remove(change: Change, *, is_soft: bool) -> Result:
    """The tail of every deletion: hooks may refuse or add writes, then one commit does it all.

    Answers the document as it was, marked as deleted (§7.7).
    """
    context, current = change.context, change.current or {}
    final, revision = await settled_removal(change, is_soft=is_soft)
    try:
        await context.services.commit(change.batch("deleted", final))
    except RevisionConflict:
        raise Conflict from None
    await react(change)
    result = await answer(context, current | {"_rev": revision, "pvt_deleted": True})
    result.data["_read_only"] = {**result.data.get("_read_only", {}), "deleted": True}
    return result


async def settled_removal(change: Change, *, is_soft: bool) -> tuple[Put | Remove, str]:
    """What a deletion is going to write, after its hooks, and the revision that it leaves."""
    current = change.current or {}
    await _run(change.family.hooks.deleting, change)
    document = stamped(change.context, change.key, {**current, "pvt_deleted": True})
    expected, revision = current.get("_rev"), str(document["_rev"])
    if is_soft and not change.is_final:
        return put_of(change.family, change.key, document, expected), revision
    return Remove(change.key, expected), revision


async def judge(change: Change) -> None:
    """Normalise, validate and check what is proposed; afterwards it may be written.

    Raises :class:`Forbidden` for a field that is not the caller's to change,
    :class:`ValidationFailed` with every refused field, :class:`PreconditionFailed`,
    :class:`UnsupportedMediaType`.
    """
    context, hooks = change.context, change.family.hooks
    await keep_guarded(change)
    await _run(hooks.normalize, change)
    change.document, errors = context.services.schemas.apply(change.family.schema, change.document)
    await require_powers(change)
    change.refusals.merge(errors)
    await _run(hooks.check, change)
    if change.refusals:
        # Uniqueness is reported together with the other refusals (§7.8).
        change.refusals.merge(await clashes(change, await holders_of(change)))
        raise ValidationFailed(change.refusals)
    require_writable(change)


async def save(change: Change, action: str) -> Document:
    """The tail of every write: judge, prepare, stamp, commit, react.

    Raises what :func:`judge` raises, and :class:`Conflict`.
    """
    final = await settled(change)
    try:
        await change.context.services.commit(change.batch(action, final))
    except ClaimTaken as taken:
        raise ValidationFailed(await clashes(change, taken.holders)) from None
    except RevisionConflict:
        raise Conflict from None
    await react(change)
    return change.document


async def settled(change: Change) -> Put:
    """What a change is going to write: judged, prepared and stamped, not committed.

    Raises what :func:`judge` raises.
    """
    await judge(change)
    change.document |= private(change.current or {})
    await _run(change.family.hooks.prepare, change)
    change.document = stamped(change.context, change.key, change.document)
    expected = change.current["_rev"] if change.current else None
    return put_of(change.family, change.key, change.document, expected)


async def commit_private(change: Change) -> Document:
    """Commit a change of private facts: nothing that a schema describes is touched."""
    require_writable(change)
    document = stamped(change.context, change.key, change.document)
    expected = change.current["_rev"] if change.current else None
    final = put_of(change.family, change.key, document, expected)
    try:
        await change.context.services.commit(change.batch("changed", final))
    except RevisionConflict:
        raise Conflict from None
    return document


async def answer(context: Context, stored: Document, *, created_id: str | None = None) -> Result:
    """A document as the client sees it, with its revision."""
    data, metadata = await present(context, stored)
    return Result(data=data, revision=stored.get("_rev"), created_id=created_id, metadata=metadata)


def key_of(context: Context) -> Key:
    """The key of the document that the URL names."""
    operation = context.operation
    return Key(context.account_id, operation.doc_type, context.params[operation.id_param])


async def load(context: Context) -> Document:
    """The live document that the URL names. Raises :class:`NoSuchDocument`."""
    stored = await load_document(context, key_of(context))
    if context.operation.is_owned and not context.operation.holds(context.params, stored):
        raise NoSuchDocument(context.doc_id)
    return stored


async def load_document(context: Context, key: Key) -> Document:
    """The live document with this key. Raises :class:`NoSuchDocument`."""
    stored = await context.services.store.get(key)
    if stored is None or stored.get("pvt_deleted"):
        raise NoSuchDocument(key.doc_id)
    return stored


async def live_documents(
    context: Context, ids: Iterable[str], *doc_types: str
) -> dict[str, Document]:
    """Those of the documents that are live, by id; of any type unless types are given."""
    found = await context.services.store.get_many(context.account_id, ids)
    return {
        doc_id: document
        for doc_id, document in found.items()
        if not document.get("pvt_deleted")
        and (not doc_types or document.get("pvt_type") in doc_types)
    }


async def require_parents(context: Context) -> None:
    """Refuse a path whose scoping documents do not exist (§0 step 12)."""
    for parent in context.operation.parents:
        key = Key(context.account_id, parent.doc_type, context.params[parent.param])
        await load_document(context, key)


def parent_entry(context: Context) -> Entry | None:
    """What narrows a list to what the document above it in the path has; ``None`` for no such."""
    operation = context.operation
    if not operation.entry:
        return None
    return Entry(operation.entry, context.params[operation.entry_param])


async def require_documents(context: Context) -> None:
    """Refuse a path that names documents which do not exist: the scoping ones, then its own."""
    await require_parents(context)
    if context.operation.id_param:
        await load(context)


async def rewrite(
    context: Context,
    read: Callable[[Context], Awaitable[Document | None]],
    propose: Callable[[Document], Document],
) -> Result:
    """Load, propose, save; again from the start when another write came between.

    Only a client that named a revision is told of the race: it asked to be. Without one the last
    writer wins, and a PATCH is merged over what the other writer left.
    """
    family = context.operation.family
    if not isinstance(family, Collection | Singleton):
        raise MethodNotAllowed
    doc_id = context.doc_id if isinstance(family, Collection) else family.noun
    key = Key(context.account_id, family.doc_type, doc_id)
    async with context.services.turns.of(key):
        for _ in range(1 if context.if_match else ATTEMPTS):
            current = await read(context)
            document = propose(current or {})
            change = Change(
                context=context, family=family, key=key, document=document, current=current
            )
            try:
                return await answer(context, await save(change, "changed"))
            except Conflict:
                continue
    raise Conflict


def sent(context: Context) -> Document:
    """The public fields that the client sent; ``id`` comes from the URL, never from the body."""
    if not isinstance(context.data, dict):
        raise ValidationFailed.of(
            "data",
            "type",
            "Value did not match type(s): object",
            target="object",
            value=context.data,
        )
    document = public(context.data)
    document.pop("id", None)
    return document


def chosen_id(context: Context) -> str | None:
    """A usable ``id`` in the data of a create: 32 lower-case hex digits; others are ignored."""
    wanted = context.data.get("id") if isinstance(context.data, dict) else None
    return wanted if isinstance(wanted, str) and DOCUMENT_ID.fullmatch(wanted) else None


async def _run(stages: tuple[Stage, ...], change: Change) -> None:
    for stage in stages:
        await stage(change)


async def react(change: Change) -> None:
    """Run reactions. The write is done and stays done, so a failure here is logged only."""
    for stage in change.family.hooks.committed:
        try:
            await stage(change)
        except Exception:
            log.exception("committed_hook_failed", hook=stage.__name__, document=change.key.doc_id)
