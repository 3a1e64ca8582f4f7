"""Where in the embedded store's file the rows of a span are."""

from __future__ import annotations

from typing import NamedTuple

from crossbar.storage import Position, Span
from crossbar.storage.sqlite import journals

BODY_OF_ENTRY, ROW_OF_ENTRY = (
    f"(SELECT {column} FROM documents"  # noqa: S608 - constants only
    " WHERE documents.account_id = entries.account_id AND documents.doc_id = entries.doc_id)"
    for column in ("body", "row")
)


class Stretch(NamedTuple):
    """A range of one table, in the order of a span."""

    where: str
    values: tuple[str | int, ...]
    body: str = "body"
    row: str = "row"

    def within(self, span: Span, after: Position | None = None) -> tuple[str, list[str | int]]:
        """Table and condition that select the rows of a span, beyond ``after``, and their values.

        At most one bound is given on each side: of two, the index would be entered at either.
        """
        where, values = self.where, list(self.values)
        edges = [(after or span.start, "" if after else "="), (span.end, "=")]
        if span.descending:
            edges.reverse()
        (first, from_first), (last, to_last) = edges
        low, high = span.low, span.high
        if first and (low is None or first.sort >= low):
            where += f" AND (sort, doc_id) >{from_first} (?, ?)"
            values += first
        elif low is not None:
            where += " AND sort >= ?"
            values.append(low)
        if last and (high is None or last.sort <= high):
            where += f" AND (sort, doc_id) <{to_last} (?, ?)"
            values += last
        elif high is not None:
            where += " AND sort <= ?"
            values.append(high)
        return where, values

    def selecting(
        self, column: str, span: Span, after: Position | None, limit: int
    ) -> tuple[str, list[str | int]]:
        """What reads rows of a span beyond ``after``, in its order: place, and a column."""
        way = "DESC" if span.descending else "ASC"
        where, values = self.within(span, after)
        sql = (
            f"SELECT sort, doc_id, {column} FROM {where}"  # noqa: S608 constants only
            f" ORDER BY sort {way}, doc_id {way} LIMIT ?"
        )
        return sql, [*values, limit]

    def counting(
        self, span: Span, after: Position | None, limit: int
    ) -> tuple[str, list[str | int]]:
        """What counts the rows of a span beyond ``after``, to a limit; negative for no such."""
        where, values = self.within(span, after)
        sql = f"SELECT count(*) FROM (SELECT 1 FROM {where} LIMIT ?)"  # noqa: S608 constants only
        return sql, [*values, limit]

    def nth(self, span: Span, after: Position | None, number: int) -> tuple[str, list[str | int]]:
        """What finds the place of the row with that number, counted from 1, beyond ``after``."""
        way = "DESC" if span.descending else "ASC"
        where, values = self.within(span, after)
        sql = (
            f"SELECT sort, doc_id FROM {where}"  # noqa: S608 constants only
            f" ORDER BY sort {way}, doc_id {way} LIMIT 1 OFFSET ?"
        )
        return sql, [*values, number - 1]


def stretch_of(span: Span) -> Stretch:
    """The documents, or entries, of a span."""
    values = (span.account_id, span.doc_type)
    if span.entry is None:
        return Stretch(
            "documents WHERE account_id = ? AND doc_type = ? AND sort IS NOT NULL", values
        )
    where = "entries WHERE account_id = ? AND doc_type = ? AND name = ? AND value = ?"
    return Stretch(where, (*values, *span.entry), BODY_OF_ENTRY, ROW_OF_ENTRY)


def stretch_of_book(span: Span, book: int) -> Stretch:
    """The records, or entries, of a span that are in a book."""
    if span.entry is None:
        return Stretch("records WHERE book = ?", (book,))
    where = "record_entries WHERE book = ? AND name = ? AND value = ?"
    return Stretch(where, (book, *span.entry), journals.BODY_OF_ENTRY)
