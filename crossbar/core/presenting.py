"""What of a stored document a client is shown: whole, as a summary row, and its metadata."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from crossbar.core.access import may_see_secrets, readable
from crossbar.core.requests import Request, Result
from crossbar.core.shapes import Collection, Family, Powers, Singleton
from crossbar.core.summaries import summary_of
from crossbar.documents import Document, private, public
from crossbar.filtering import Filters, keeps

NO_POWERS = Powers()


async def present(request: Request, stored: Document) -> tuple[Document, Document]:
    """What the caller is shown: as :func:`unveiled`, without secrets that are not for it."""
    family = request.operation.family
    shown, metadata = await unveiled(request, family, stored)
    powers = family.powers if isinstance(family, Collection) else NO_POWERS
    if powers.secrets and not may_see_secrets(request.caller, powers, stored):
        shown = without(powers.secrets, shown)
    return shown, metadata


def _powers_over(request: Request, doc_type: str) -> Powers:
    """Those over documents of a type, which may be another family's than the path is about."""
    family: Family | None = request.operation.family
    if not isinstance(family, Collection) or family.doc_type != doc_type:
        family = request.services.registry.collections.get(doc_type)
    return family.powers if family else NO_POWERS


def is_shown_as_stored(request: Request) -> bool:
    """Whether the caller is shown the public part of a document as it is."""
    family = request.operation.collection
    return not family.hooks.present and not secrets_in(request, family.doc_type)


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
    may, seen = await readable(request), seen_by(request, family.doc_type) or _same

    def make(document: Document) -> Any:
        return _whole(seen(document)) if not may or may(document["_id"]) else summary(document)

    return make


def secrets_in(request: Request, doc_type: str) -> tuple[str, ...]:
    """The paths of secrets that documents of a type may keep from the caller."""
    caller = request.actor.caller
    if caller is not None and caller.is_administrator:
        return ()
    return tuple(_powers_over(request, doc_type).secrets)


def seen_by(request: Request, doc_type: str) -> Callable[[Document], Document] | None:
    """What hides the secrets of documents of a type from the caller; ``None`` for nothing."""
    if not secrets_in(request, doc_type):
        return None
    powers, caller = _powers_over(request, doc_type), request.caller

    def seen(document: Document) -> Document:
        if may_see_secrets(caller, powers, document):
            return document
        return without(powers.secrets, document)

    return seen


def visible(request: Request, doc_type: str, document: Document) -> Document:
    """What the caller may see of a document of any type, not only of the one the path is about."""
    seen = seen_by(request, doc_type)
    return _whole(seen(document) if seen else document)


async def judged_by(
    request: Request, doc_type: str, show: Callable[[Document], Any]
) -> Callable[[Document], Document] | None:
    """What of a document filters judge, where that is less than all of it.

    Nothing must be found out by guessing. So they do not see what is secret; nor, of a document
    that the caller may not read by itself, more than the list does ``show`` of it.
    """
    seen, may = seen_by(request, doc_type), await readable(request)
    if may is None:
        return seen

    def judged(document: Document) -> Document:
        if may(document["_id"]):
            return seen(document) if seen else document
        row = show(document)
        return {**private(document), **row} if isinstance(row, dict) else private(document)

    return judged


async def chosen_by(
    request: Request, filters: Filters, doc_type: str, show: Callable[[Document], Any]
) -> Callable[[Document], bool]:
    """Whether a document passes filters: for lists whose documents are all at hand."""
    seen = await judged_by(request, doc_type, show)
    return lambda document: keeps(filters, seen(document) if seen else document)


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
