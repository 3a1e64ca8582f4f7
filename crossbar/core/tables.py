"""Tables as CSV, however long: read a line at a time, and written a portion at a time.

A line knows where it ends in the bytes, so that reading can go on there another day. What is
written is read again exactly as it was: nothing is done to cells for the sake of spreadsheets.
"""

from __future__ import annotations

import asyncio
import csv
import io
import tempfile
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import IO, Any, NamedTuple

import orjson

LONGEST_LINE = 65_536
"""Bytes that a line may have."""

CHUNK = 64 * 1024

NO_LINE = "The line is no CSV; lines end with LF or CRLF"

_MARK = "\ufeff"
"""What some programs put before the first line."""


class NoTable(ValueError):
    """Bytes that are no table: the message says why, ``rule`` in a word, ``line`` where."""

    def __init__(self, rule: str, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message
        self.line = line


class Line(NamedTuple):
    """A line, which may have quoted line breaks in it.

    ``number`` counts from 1, blank lines included; ``end`` is where the next one begins.
    """

    number: int
    text: str
    end: int


class Lines:
    """What comes in pieces, cut into lines; ``number`` and ``at`` say how far others have come."""

    def __init__(self, number: int = 0, at: int = 0) -> None:
        self._number = number
        self._at = at
        self._rest = b""

    def feed(self, chunk: bytes) -> Iterator[Line]:
        """The lines that are whole now. Raises :class:`NoTable`."""
        *whole, self._rest = split(self._rest + chunk)
        for line in whole:
            yield self._line(line, len(line) + 1)
        if len(self._rest) > LONGEST_LINE:
            message = f"A line has at most {LONGEST_LINE} characters"
            raise NoTable("maxLength", message, self._number + 1)

    def finish(self) -> Iterator[Line]:
        """The last line, if no line break ends it. Raises :class:`NoTable`."""
        rest, self._rest = self._rest, b""
        if rest:
            yield self._line(rest, len(rest))

    def _line(self, line: bytes, size: int) -> Line:
        try:
            text = line.decode()
        except UnicodeDecodeError:
            raise NoTable("encoding", "The table is not in UTF-8", self._number + 1) from None
        if self._at == 0:
            text = text.removeprefix(_MARK)
        self._number += 1
        self._at += size
        return Line(self._number, text, self._at)


async def lines(
    chunks: AsyncIterable[bytes], *, number: int = 0, at: int = 0
) -> AsyncIterator[Line]:
    """The lines of a table; of the rest of one, when it is said how far others have come.

    Raises :class:`NoTable`.
    """
    parser = Lines(number, at)
    async for chunk in chunks:
        for line in parser.feed(chunk):
            yield line
    for line in parser.finish():
        yield line


def split(content: bytes) -> list[bytes]:
    """The bytes at their line breaks, other than those between quotes; the last line is open."""
    found = content.split(b"\n")
    if b'"' not in content:
        return found
    joined: list[bytes] = []
    parts: list[bytes] = []
    is_open = False
    for line in found:
        parts.append(line)
        is_open ^= line.count(b'"') % 2 == 1
        if not is_open:
            joined.append(b"\n".join(parts))
            parts = []
    return [*joined, b"\n".join(parts)] if is_open else joined


def cells_of(line: str) -> list[str]:
    """The cells of a line, none of a blank one. Raises :class:`NoTable` for what is no line."""
    try:
        return next(csv.reader([line]), [])
    except csv.Error:
        raise NoTable("invalid", NO_LINE) from None


def encoded(rows: Iterable[Iterable[Any]]) -> bytes:
    """Rows as lines of a table."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def text_of(value: Any) -> str:
    """A value as a cell has it: text as it is, everything else as JSON writes it."""
    if isinstance(value, str):
        return value
    return "" if value is None else orjson.dumps(value).decode()


def listed(text: str) -> Any:
    """Several values in one cell: an array as in JSON, or with semicolons between them.

    What begins like an array and is none stays as it is.
    """
    if text.startswith("["):
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            return text
    return [part.strip() for part in text.split(";") if part.strip()]


class Spool:
    """A file that nobody else sees and that goes with this object: a table on its way out.

    It is written and read beside the event loop: a disk may be slow.
    """

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the object
        self.length = 0

    def __del__(self) -> None:
        self._file.close()

    async def write(self, content: bytes) -> None:
        """Add to the end."""
        await asyncio.to_thread(self._file.write, content)
        self.length += len(content)

    async def read(self, start: int, stop: int) -> AsyncIterator[bytes]:
        """The bytes from one place to another."""
        while start < stop:
            content = await asyncio.to_thread(self._read, start, min(CHUNK, stop - start))
            start += len(content)
            yield content

    def _read(self, start: int, size: int) -> bytes:
        self._file.seek(start)
        return self._file.read(size)
