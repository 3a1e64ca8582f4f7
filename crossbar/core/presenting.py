"""What of a stored document a client is shown: whole, as a summary row, and its metadata."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from crossbar.core.access import may_see_secrets, readable
from crossbar.core.requests import Request, Result
from crossbar.core.shapes import Collection, Family, Powers, Singleton
from crossbar.core.summaries import summary_of
from crossbar.documents import Document, public

NO_POWERS = Powers()


async def present(request: Request, stored: Document) -> tuple[Document, Document]:
    """What the caller is shown: as :func:`unveiled`, without secrets that are not for it."""
    shown, metadata = await unveiled(request, request.operation.family, stored)
    powers = _powers_of(request)
    if powers.secrets and not may_see_secrets(request.caller, powers, stored):
        shown = without(powers.secrets, shown)
    return shown, metadata


def _powers_of(request: Request) -> Powers:
    family = request.operation.family
    return family.powers if isinstance(family, Collection) else NO_POWERS


def is_shown_as_stored(request: Request) -> bool:
    """Whether the caller is shown the public part of a document as it is."""
    return not request.operation.collection.hooks.present and not secrets_in(request)


def metadata_of(stored: Document) -> Document:
    """Private facts of a document that may be shown beside it (docs/protocol.md §3.1)."""
    metadata: Document = {"id": stored["_id"]}
    if "pvt_created" in stored:
        metadata["created"] = stored["pvt_created"]
        metadata["modified"] = stored["pvt_modified"]
    if stored.get("pvt_deleted"):
        metadata["deleted"] = True
    return metadata


async def unveiled(
    request: Request, family: Family, stored: Document
) -> tuple[Document, Document]:
    """The public fields with ``id``, after the family's ``present`` hooks; and the metadata."""
    shown = public(stored)
    shown["id"] = stored["_id"]
    metadata = metadata_of(stored)
    if isinstance(family, Collection | Singleton):
        for hook in family.hooks.present:
            metadata |= await hook(request, shown, stored) or {}
    return shown, metadata


async def row_maker(request: Request) -> Callable[[Document], Any]:
    """What turns a stored document into a list row: its summary, or with ``full_docs`` it all.

    Of a document that the caller may not read by itself a list shows no more than the summary.
    """
    family = request.operation.collection
    summary = summary_of(family)
    if not request.query.full_docs:
        return summary
    may, seen = await readable(request), seen_by(request) or _same

    def make(document: Document) -> Any:
        return _whole(seen(document)) if may(document["_id"]) else summary(document)

    return make


def secrets_in(request: Request) -> tuple[str, ...]:
    """The paths of secrets that a list's documents may keep from the caller."""
    caller = request.actor.caller
    if caller is not None and caller.is_administrator:
        return ()
    return tuple(_powers_of(request).secrets)


def seen_by(request: Request) -> Callable[[Document], Document] | None:
    """What hides from the caller the secrets of a list's documents; ``None`` if there are none.

    Filters judge what is left: a secret must not be found out by guessing, either.
    """
    if not secrets_in(request):
        return None
    powers, caller = _powers_of(request), request.caller

    def seen(document: Document) -> Document:
        if may_see_secrets(caller, powers, document):
            return document
        return without(powers.secrets, document)

    return seen


def _same(document: Document) -> Document:
    return document


def without(paths: Iterable[str], document: Document) -> Document:
    """The document without the values at these dotted paths."""
    for path in paths:
        document = _pruned(document, path.split("."))
    return document


def _pruned(value: Any, path: list[str]) -> Any:
    """A copy without what is at the path, which leads into all items of a list."""
    name, *rest = path
    if isinstance(value, list):
        return [_pruned(item, path) for item in value]
    if not isinstance(value, dict) or name not in value:
        return value
    if rest:
        return {**value, name: _pruned(value[name], rest)}
    return {key: item for key, item in value.items() if key != name}


def narrowed(result: Result, fields: Iterable[str]) -> Result:
    """The list with only these keys of its rows, and ``id``; rows that are no objects stay."""
    wanted = {"id", *fields}

    def narrow(row: Any) -> Any:
        if not isinstance(row, dict):
            return row
        return {name: value for name, value in row.items() if name in wanted}

    if result.encoded is not None:
        result = replace(result, data=result.decoded(), encoded=None)
    if result.portions is not None:
        portions = ([narrow(row) for row in rows] async for rows in result.portions)
        return replace(result, portions=portions)
    if isinstance(result.data, list):
        return replace(result, data=[narrow(row) for row in result.data])
    return result


def _whole(document: Document) -> Document:
    return {**public(document), "id": document["_id"]}
