"""Answers that are tables: CSV."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from tempfile import TemporaryFile
from typing import IO, Any

import orjson
from aiohttp import web

from crossbar.core.requests import Result
from crossbar.dialects.v2.exchange import Exchange, bare, begin, disposition, headers_of
from crossbar.dialects.v2.negotiation import CSV_TYPES
from crossbar.tables import cell, flattened, lines_of

CSV_TITLES = {
    "account_id": "Account ID",
    "account_name": "Account Name",
    "amount": "Amount",
    "description": "Description",
    "id": "ID",
    "metadata_callee_id_number": "Callee ID Number",
    "metadata_callee_id_name": "Callee ID Name",
    "metadata_caller_id_number": "Caller ID Number",
    "metadata_caller_id_name": "Caller ID Name",
    "metadata_direction": "Direction",
    "metadata_from": "From",
    "metadata_to": "To",
    "metadata_rate_description": "Rate Description",
    "metadata_rate_increment": "Rate Increment",
    "metadata_rate_minimum": "Rate Minimum",
    "metadata_rate_name": "Rate Name",
    "metadata_rate_nocharge_time": "Grace Period",
    "metadata_rate_value": "Rate",
    "period_start": "Start Time",
    "period_end": "End Time",
    "source_id": "Source ID",
    "source_service": "Source Service",
    "usage_quantity": "Usage Quantity",
    "usage_type": "Usage Type",
    "usage_unit": "Usage Unit",
}

TABLE_ROWS = 200
"""Rows of a table that are sent at a time."""

CELLS = 2_000
"""Cells of a table that are worked on before anybody else is answered, but for those of a row."""

SPOOLED = 1024 * 1024
"""Bytes of a table that wait in memory until its columns are known; more wait in a file, which is
written and read by so many at a time."""


async def write_table(exchange: Exchange, result: Result) -> web.StreamResponse:
    """A list as a table: the columns are the keys of all rows, flattened with ``_`` (§8.7).

    The id comes first, also of whole documents, which have it last. What is no list is a table
    of one row.
    """
    if result.portions is not None and result.columns:
        return await _send_table(exchange, result.columns, result.portions)
    if result.portions is not None:
        return await _flattened(exchange, result.portions)
    data = result.decoded()
    if not data:
        return bare(exchange, 204)
    data = data if isinstance(data, list) else [data]
    return await _flattened(exchange, _portions_of(data))


async def _portions_of(data: list[Any]) -> AsyncIterator[list[Any]]:
    for start in range(0, len(data), TABLE_ROWS):
        yield data[start : start + TABLE_ROWS]
        await asyncio.sleep(0)


async def _flattened(exchange: Exchange, portions: AsyncIterator[list[Any]]) -> web.StreamResponse:
    """A table whose columns are known only when all rows were seen."""
    names: dict[str, None] = {}
    with closing(_Waiting()) as waiting:
        async for flat in _flat(portions):
            for row in flat:
                names.update(dict.fromkeys(row))
            await waiting.write(_line_of(flat))
        columns = sorted(names, key=lambda name: name != "id")
        table = _read_back(waiting, columns)
        return await _send_table(exchange, [CSV_TITLES.get(name, name) for name in columns], table)


async def _flat(portions: AsyncIterator[list[Any]]) -> AsyncIterator[list[dict[str, Any]]]:
    """The rows, flattened, as many at a time as :data:`CELLS` says."""
    async for rows in portions:
        flat, cells = [], 0
        for row in rows:
            flat.append(flattened(row))
            cells += len(flat[-1])
            if cells > CELLS:
                yield flat
                flat, cells = [], 0
                await asyncio.sleep(0)
        if flat:
            yield flat


class _Waiting:
    """Lines that wait, in memory while they are few, else in a file.

    That is written and read beside the event loop: a disk may be slow.
    """

    def __init__(self) -> None:
        self._lines: list[bytes] = []
        self._size = 0
        self._file: IO[bytes] | None = None

    async def write(self, line: bytes) -> None:
        """Add a line at the end."""
        self._lines.append(line)
        self._size += len(line)
        if self._size > SPOOLED:
            self._file = self._file or TemporaryFile()  # noqa: SIM115 - closed with the rest
            lines, self._lines, self._size = self._lines, [], 0
            await asyncio.to_thread(self._file.writelines, lines)

    async def lines(self) -> AsyncIterator[bytes]:
        """All of them, from the first."""
        if self._file is not None:
            await asyncio.to_thread(self._file.seek, 0)
            while lines := await asyncio.to_thread(self._file.readlines, SPOOLED):
                for line in lines:
                    yield line
        for line in self._lines:
            yield line

    def close(self) -> None:
        """Forget them."""
        if self._file is not None:
            self._file.close()


def _line_of(flat: list[dict[str, Any]]) -> bytes:
    try:
        return orjson.dumps(flat) + b"\n"
    except TypeError:  # an integer beyond 64 bits
        cells = [{name: cell(value) for name, value in row.items()} for row in flat]
        return orjson.dumps(cells) + b"\n"


async def _read_back(waiting: _Waiting, columns: Sequence[str]) -> AsyncIterator[list[list[str]]]:
    step = max(1, CELLS // max(1, len(columns)))
    async for line in waiting.lines():
        rows = orjson.loads(line)
        for start in range(0, len(rows), step):
            some = rows[start : start + step]
            yield [[row.get(name, "") for name in columns] for row in some]
            await asyncio.sleep(0)


def _name_table(exchange: Exchange) -> None:
    wanted = exchange.request.headers.get("X-File-Name") or exchange.parameter("file_name")
    exchange.headers["content-disposition"] = disposition(str(wanted or "result.csv"))


async def _send_table(
    exchange: Exchange, columns: Sequence[str], portions: AsyncIterator[list[Any]]
) -> web.StreamResponse:
    """A table of known columns as it is read; its rows are their values, in that order."""
    first = await anext(portions, None)  # what cannot be read is refused while that can be said
    if first is None:
        return bare(exchange, 204)
    _name_table(exchange)
    response = web.StreamResponse(headers=headers_of(exchange, CSV_TYPES[0]))
    await begin(exchange, response)
    if exchange.request.method != "HEAD":
        await response.write(lines_of([columns]))
        await response.write(lines_of(first))
        async for rows in portions:
            await response.write(lines_of(rows))
    await response.write_eof()
    return response
