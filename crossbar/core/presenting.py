"""What of a stored document a client is shown: whole, as a summary row, and its metadata."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import Any

from crossbar.core.actions import Context, Query
from crossbar.core.shapes import Collection, Column, Singleton
from crossbar.documents import Document, public


async def present(context: Context, stored: Document) -> Document:
    """The public fields with ``id``, after the family's ``present`` hooks."""
    shown = public(stored)
    shown["id"] = stored["_id"]
    family = context.operation.family
    if isinstance(family, Collection | Singleton):
        for hook in family.hooks.present:
            await hook(context, shown, stored)
    return shown


def metadata_of(stored: Document) -> Document:
    """Private facts that may be shown beside the data (protocol reference, appendix A)."""
    metadata: Document = {"id": stored["_id"]}
    if "pvt_created" in stored:
        metadata["created"] = stored["pvt_created"]
        metadata["modified"] = stored["pvt_modified"]
    if stored.get("pvt_deleted"):
        metadata["deleted"] = True
    return metadata


def row_maker(family: Collection, query: Query) -> Callable[[Document], Any]:
    """What turns a stored document into a list row, as the query asks."""
    if query.full_docs:
        return _whole
    if family.summary is None:
        return itemgetter("_id")
    make = summarizer(family.summary)
    if not query.fields:
        return make
    wanted = {"id", *query.fields}
    return lambda document: {
        name: value for name, value in make(document).items() if name in wanted
    }


def _whole(document: Document) -> Document:
    return {**public(document), "id": document["_id"]}


def summarizer(columns: tuple[str | Column, ...]) -> Callable[[Document], Document]:
    """A function from a stored document to its summary. Keys without a value are left out."""
    plain = tuple(column for column in columns if isinstance(column, str))
    computed = tuple(
        (column.key, column.value) for column in columns if isinstance(column, Column)
    )

    def make(document: Document) -> Document:
        row: dict[str, Any] = {"id": document["_id"]}
        for name in plain:
            value = document.get(name)
            if value is not None:
                row[name] = value
        for key, compute in computed:
            value = compute(document)
            if value is not None:
                row[key] = value
        return row

    return make
