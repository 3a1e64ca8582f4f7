"""What lists show of a document: a function of the document alone.

So it is made when the document is written and kept beside it; a page is then read, not made.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from operator import itemgetter
from typing import Any

from crossbar.core.shapes import Collection, Column
from crossbar.documents import Document, json_of


def row_of(family: Collection, document: Document) -> bytes:
    """What lists of the family show of a stored document, as JSON."""
    return json_of(summary_of(family)(document))


def summary_of(family: Collection) -> Callable[[Document], Any]:
    """A function from a stored document to its row; of a family without a summary, its id."""
    return itemgetter("_id") if family.summary is None else summarizer(family.summary)


@cache
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
