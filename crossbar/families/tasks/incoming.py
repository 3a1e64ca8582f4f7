"""The input of a task: judged while it is stored, a chunk at a time.

What is sent as JSON becomes CSV first, so that there is one form of rows from there on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Any

from crossbar.core.requests import Request
from crossbar.core.tables import Line, Lines, NoTable, cells_of, encoded, text_of
from crossbar.documents import Document
from crossbar.errors import ValidationFailed, WrongInput
from crossbar.families.tasks.kinds import TaskAction

CSV_TYPES = ("text/csv", "text/comma-separated-values")

CHUNK = 32 * 1024
"""Bytes that are judged before others have their turn."""

RECORDS_AT_ONCE = 500

DEEPEST = 32
"""Names that a column may be made of."""

MOST_TOLD = 20
"""Rows that are named as lacking something."""


@dataclass(slots=True)
class Judge:
    """Reads the rows of an action's input as they pass, and says what is wrong with them."""

    action: TaskAction
    columns: list[str] = field(default_factory=list)
    begin: list[int] = field(default_factory=list)
    rows: int = 0
    lacking: list[str] = field(default_factory=list)
    _needed: list[int] = field(default_factory=list)
    _instead: int = -1

    async def passing(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The chunks, when they have been judged. Raises what is wrong with them."""
        lines = Lines()
        try:
            async for chunk in chunks:
                for line in lines.feed(chunk):
                    self._take(line)
                yield chunk
                await asyncio.sleep(0)
            for line in lines.finish():
                self._take(line)
        except NoTable as error:
            told: Document = {} if error.line is None else {"cause": error.line}
            raise ValidationFailed.of("csv", "format", error.message, **told) from None
        if not self.columns:
            raise ValidationFailed.of("csv", "format", "The table is empty")
        if self.lacking:
            raise WrongInput(missing_mandatory_values=self.lacking)

    def _take(self, line: Line) -> None:
        try:
            cells = cells_of(line.text)
        except NoTable as error:
            error.line = line.number
            raise
        if not cells:
            return
        if not self.columns:
            self._take_header(cells)
            self.begin = [line.end, line.number]
            return
        if len(cells) > len(self.columns):
            raise NoTable("format", "A line has more cells than the first line", line.number)
        self.rows += 1
        if self._instead >= 0 and len(cells) > self._instead and cells[self._instead]:
            return
        is_lacking = any(at >= len(cells) or not cells[at] for at in self._needed)
        if is_lacking and len(self.lacking) < MOST_TOLD:
            self.lacking.append(line.text.rstrip("\r"))

    def _take_header(self, cells: Iterable[str]) -> None:
        """Read the names of the columns. Raises :class:`WrongInput` when some are missing."""
        columns = [name.strip() for name in cells]
        if not all(columns) or len(set(columns)) < len(columns):
            raise NoTable("format", "The first line names each column, and each one once", 1)
        for name in columns:
            parts = name.split(".")
            if not all(parts) or len(parts) > DEEPEST:
                message = f"A column is up to {DEEPEST} names with dots between them"
                raise NoTable("format", message, 1)
        action = self.action
        self._instead = columns.index(action.instead) if action.instead in columns else -1
        missing = [name for name in action.mandatory if name not in columns]
        if missing and self._instead < 0:
            raise WrongInput(missing_mandatory_fields=missing)
        self._needed = [columns.index(name) for name in action.mandatory if name in columns]
        if missing:  # rows without an id lack them all
            self._needed.append(len(columns))
        self.columns = columns


async def chunks_of(request: Request) -> tuple[AsyncIterator[bytes], str | None]:
    """The input as CSV, and the name of the file that it is. Raises :class:`WrongInput`."""
    if request.files:
        file = request.files[0]
        if len(request.files) > 1 or file.content_type not in CSV_TYPES:
            raise WrongInput(expected_content="text/csv")
        return _cut(file.content), None
    data = request.data
    if not isinstance(data, dict) or not data.keys() & {"records", "file_name"}:
        raise WrongInput(expected_content="text/csv")
    document, errors = await request.services.schemas.judged("tasks", data)
    if "records" not in document:
        errors["records"] = {"required": {"message": "Field is required but missing"}}
    if errors:
        raise ValidationFailed(errors)
    return _from_records(document["records"]), document.get("file_name")


async def _cut(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), CHUNK):
        yield content[start : start + CHUNK]


async def _from_records(records: list[dict[str, Any]]) -> AsyncIterator[bytes]:
    """Records as lines of a table, whose columns are all that any of them has."""
    columns: dict[str, None] = {}
    for start in range(0, len(records), RECORDS_AT_ONCE):
        for record in records[start : start + RECORDS_AT_ONCE]:
            columns |= dict.fromkeys(record)
        await asyncio.sleep(0)
    yield encoded([columns])
    for start in range(0, len(records), RECORDS_AT_ONCE):
        some = records[start : start + RECORDS_AT_ONCE]
        yield encoded([text_of(record.get(name)) for name in columns] for record in some)
