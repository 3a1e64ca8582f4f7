"""Rows as lines of a table (CSV), as spreadsheets and programs read it.

They are written column by column: most have plain text in all rows, which a few looks at all of it
tell, and only in the others is each cell looked at.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from typing import Any

import orjson
import re2

_FORMULA = re.compile(r"[=@\t\r\n]|[+-](?![0-9 ().-]*\Z)")
"""How text begins that a spreadsheet would run. A telephone number begins with ``+`` too."""

_SOME_FORMULA = re2.compile(rb"(?:^|\n)(?:[=@\t]|[+-][0-9 ().-]*[^0-9 ().\n-])")
"""One in lines of text each of which is a cell."""


def lines_of(rows: Sequence[Sequence[Any]]) -> bytes:
    """The rows, which are equally long, as lines. Text that a spreadsheet would run is defused."""
    if not rows or len(rows[0]) < 2:
        return _written(rows)
    columns = map(_column, zip(*rows, strict=True))
    lines = list(map(",".join, zip(*columns, strict=True)))
    lines.append("")
    return "\r\n".join(lines).encode("utf-8", "replace")


def flattened(row: Any) -> dict[str, Any]:
    """A row with the keys of its objects joined by ``_``; what is no object is its ``value``."""
    return dict(_flat(row)) if isinstance(row, dict) else {"value": row}


def _flat(row: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in row.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}_")
        else:
            yield f"{prefix}{name}", value


def cell(value: Any) -> str:
    """A value as a table shows it."""
    if isinstance(value, str):
        return f"'{value}" if _FORMULA.match(value) else value
    if isinstance(value, list):
        return ",".join(map(cell, value))
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return orjson.dumps(value).decode()
    return "" if value is None else str(value)


def _column(values: Sequence[Any]) -> Sequence[str]:
    """The cells of a column as they are written."""
    try:
        text = "\n".join(values)
    except TypeError:  # not all of it is text
        return [str(value) if type(value) is int else _quoted(cell(value)) for value in values]
    is_plain = (
        "," not in text
        and '"' not in text
        and "\r" not in text
        and text.count("\n") == len(values) - 1
        and not _SOME_FORMULA.search(text.encode("utf-8", "replace"))
    )
    return values if is_plain else [_quoted(cell(value)) for value in values]


def _quoted(text: str) -> str:
    if '"' in text:
        return '"' + text.replace('"', '""') + '"'
    return f'"{text}"' if "," in text or "\n" in text or "\r" in text else text


def _written(rows: Sequence[Sequence[Any]]) -> bytes:
    """Rows of one column: an empty cell has quotes, or its row would be none."""
    text = io.StringIO()
    csv.writer(text).writerows(map(cell, row) for row in rows)
    return text.getvalue().encode("utf-8", "replace")
