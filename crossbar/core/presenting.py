"""What of a stored document a client is shown: whole, as a summary row, and its metadata."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from operator import itemgetter
from typing import Any

from crossbar.core.actions import Context, Query, Result
from crossbar.core.shapes import Collection, Column, Singleton
from crossbar.documents import Document, public


async def present(context: Context, stored: Document) -> tuple[Document, Document]:
    """The public fields with ``id``, after the family's ``present`` hooks; and the metadata.

    Metadata are private facts that may be shown beside the data (protocol reference, appendix A).
    """
    shown = public(stored)
    shown["id"] = stored["_id"]
    metadata: Document = {"id": stored["_id"]}
    if "pvt_created" in stored:
        metadata["created"] = stored["pvt_created"]
        metadata["modified"] = stored["pvt_modified"]
    if stored.get("pvt_deleted"):
        metadata["deleted"] = True
    family = context.operation.family
    if isinstance(family, Collection | Singleton):
        for hook in family.hooks.present:
            metadata |= await hook(context, shown, stored) or {}
    return shown, metadata


def row_maker(family: Collection, query: Query) -> Callable[[Document], Any]:
    """What turns a stored document into a list row: its summary, or with ``full_docs`` it all."""
    if query.full_docs:
        return _whole
    return itemgetter("_id") if family.summary is None else summarizer(family.summary)


def narrowed(result: Result, fields: Iterable[str]) -> Result:
    """The list with only these keys of its rows, and ``id``; rows that are no objects stay."""
    wanted = {"id", *fields}

    def narrow(row: Any) -> Any:
        if not isinstance(row, dict):
            return row
        return {name: value for name, value in row.items() if name in wanted}

    if result.rows is not None:
        return replace(result, rows=(narrow(row) async for row in result.rows))
    if isinstance(result.data, list):
        return replace(result, data=[narrow(row) for row in result.data])
    return result


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
