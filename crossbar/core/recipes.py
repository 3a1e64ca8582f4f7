"""The recipes: what list, fetch, create, replace, patch and delete mean, once for every family.

Each recipe reads top to bottom in the order of refusals that clients see (docs/protocol.md §0):
the document is loaded (404), the proposed document is validated and checked (400, all fields
together), the precondition is compared (412), the body's media type is judged (415), and the write
is made (409, or 400 ``unique``). Hooks of a family are called here and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

import structlog

from crossbar.core.change import Change
from crossbar.core.preconditions import require_match
from crossbar.core.presenting import is_shown_as_stored, metadata_of, present, row_maker
from crossbar.core.reading import (
    key_of,
    list_lines,
    list_span,
    listed_span,
    load,
    load_shown,
    require_parents,
)
from crossbar.core.requests import Actor, Request, Result
from crossbar.core.shapes import Collection, Handler, Singleton
from crossbar.core.stamping import fresh_id
from crossbar.core.summaries import summary_of
from crossbar.core.writing import in_turn, persistently, remove, save
from crossbar.documents import Document, json_of, merge, public
from crossbar.errors import (
    MethodNotAllowed,
    ValidationFailed,
)
from crossbar.storage import Key, Shown

log = structlog.get_logger(__name__)

DOCUMENT_ID = re.compile(r"[0-9a-f]{32}")


async def list_documents(request: Request) -> Result:
    """A page of summaries, or everything with ``paginate=false``."""
    span, query = await listed_span(request), request.query
    if query.filters or query.bounds or query.full_docs:
        return await list_span(request, span, await row_maker(request))
    return await list_lines(request, span, summary_of(request.operation.collection))


async def fetch(request: Request) -> Result:
    """One document."""
    if request.operation.parent is None and is_shown_as_stored(request):
        found = await load_shown(request)
        if found.made is None:
            found.made = pass_on(found)
        result: Result = found.made
        return result
    await require_parents(request)
    return await answer(request, await load(request))


def pass_on(found: Shown) -> Result:
    """A document whose public part the client sees as it is stored, with its id."""
    stored, shown = found.private, found.public
    doc_id = json_of(stored["_id"])
    encoded = b"".join((shown[:-1], b',"id":' if len(shown) > 2 else b'"id":', doc_id, b"}"))
    return Result(encoded=encoded, revision=stored.get("_rev"), metadata=metadata_of(stored))


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
    stored = await persistently(attempt, once=key, turns=request.services.turns)
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


async def valid(actor: Actor, schema: str, data: Any) -> Document:
    """Data as a schema wants it, with its defaults. Raises :class:`ValidationFailed`.

    Of any size: what takes long is done aside.
    """
    document, errors = await actor.services.schemas.judged(schema, data)
    if errors:
        raise ValidationFailed(errors)
    return document


def chosen_id(request: Request) -> str | None:
    """A usable ``id`` in the data of a create: 32 lower-case hex digits; others are ignored."""
    wanted = request.data.get("id") if isinstance(request.data, dict) else None
    return wanted if isinstance(wanted, str) and DOCUMENT_ID.fullmatch(wanted) else None
