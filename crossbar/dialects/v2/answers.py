"""Writing v2 answers: envelope, errors, CSV, JSONP, streams, downloads."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import AsyncIterator, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn
from urllib.parse import quote

import orjson
from aiohttp import hdrs, web

from crossbar import __version__
from crossbar.clock import Clock
from crossbar.core.nodes import NODE_HASH
from crossbar.core.paging import in_groups
from crossbar.core.preconditions import names_revision
from crossbar.core.registry import Operation
from crossbar.core.requests import Action, Caller, Download, Page, Result, is_true
from crossbar.dialects.headers import X_PRETTY_PRINT, joined
from crossbar.dialects.serving import is_cross_origin
from crossbar.dialects.targets import split_target
from crossbar.dialects.v2.body import NO_BODY, Body
from crossbar.dialects.v2.negotiation import CSV_TYPES, Wanted, accepts_gzip, byte_range, revisions
from crossbar.dialects.v2.verbs import VERBS, verbs_of
from crossbar.dialects.whole import WholeResponse
from crossbar.errors import CrossbarError, PreconditionFailed
from crossbar.identity.buckets import Charge

EXPIRES = "Fri, 01 Jan 1999 00:00:00 GMT"
MIN_COMPRESSED = 1024
"""Bytes. Below this, compression costs more than it saves."""

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

_CALLBACK = re.compile(r"[A-Za-z_$][\w$.]{0,127}", re.ASCII)
_FORMULA = re.compile(r"[=@\t\r\n]|[+-](?![0-9 ().-]*\Z)")
"""How text begins that a spreadsheet would run. A telephone number begins with ``+`` too."""

_SUSPECT = frozenset("=@\t\r\n+-")
"""How text begins that is looked at more closely."""

TABLE_ROWS = 200
"""Rows of a table that are sent at a time."""

_NOT_FILE_NAME = re.compile(r'[\x00-\x1f"\\/\x7f\ud800-\udfff]')


@dataclass(slots=True, kw_only=True)
class Exchange:
    """What the answer to a request must repeat, as far as it is known when it is written."""

    request: web.BaseRequest
    request_id: str
    clock: Clock
    may_compress: bool = True
    address: str = ""
    body: Body = NO_BODY
    caller: Caller | None = None
    token: str | None = None
    charge: Charge | None = None
    paid: tuple[Hashable, int] | None = None
    operations: Mapping[Action, Operation] | None = None
    operation: Operation | None = None
    wanted: Wanted = Wanted.JSON
    headers: dict[str, str] = field(default_factory=dict)
    has_begun: bool = False

    def parameter(self, name: str) -> Any:
        """A control value of the request, once its body has been read."""
        return None if self.body is NO_BODY else self.body.parameter(name)

    @property
    def account_id(self) -> str | None:
        """The caller's account."""
        return self.caller.account_id if self.caller else None

    @property
    def verbs(self) -> tuple[str, ...]:
        """The verbs that the path offers, once it has been matched."""
        return verbs_of(self.operations or {})


def _close(envelope: dict[str, Any], exchange: Exchange) -> dict[str, Any]:
    """Add the keys that every envelope ends with."""
    envelope["request_id"] = exchange.request_id
    envelope["node"] = NODE_HASH
    envelope["timestamp"] = exchange.clock.iso()
    if exchange.caller is not None:
        envelope["version"] = __version__
    if exchange.token is not None:
        envelope["auth_token"] = exchange.token
    if exchange.charge is not None:
        consumed, remaining, _ = exchange.charge
        envelope["tokens"] = {"consumed": consumed, "remaining": remaining}
    return envelope


def _envelope(exchange: Exchange, result: Result) -> dict[str, Any]:
    envelope: dict[str, Any] = {}
    if result.has_data:
        envelope["data"] = result.data
    if result.metadata:
        envelope["metadata"] = result.metadata
    envelope["revision"] = result.revision or exchange.request_id
    if result.page is not None:
        envelope |= _paging(result.page)
    envelope["status"] = "success"
    return _close(envelope, exchange)


def _paging(page: Page) -> dict[str, Any]:
    paging: dict[str, Any] = {"page_size": page.size}
    if page.start_key:
        paging["start_key"] = page.start_key
    if page.next_start_key:
        paging["next_start_key"] = page.next_start_key
    return paging


async def write(exchange: Exchange, result: Result, verb: str) -> web.StreamResponse:
    """The answer to a request that succeeded."""
    if result.token is not None:
        exchange.token = result.token
    if result.headers:
        exchange.headers.update(result.headers)
    if verb == "GET" and _is_known(exchange, result.revision):
        return _bare(exchange, 304)
    if result.download is not None:
        return await _send(exchange, result.download)
    if exchange.wanted is Wanted.CSV and verb == "GET":
        return await _csv(exchange, result)
    if result.rows is not None:
        return await _stream(exchange, result, result.rows)
    if result.created_id is not None:
        exchange.headers["location"] = _location(exchange.request, result.created_id)
    status = 201 if verb == "PUT" else 200
    return _json(exchange, status, _envelope(exchange, result))


def write_error(exchange: Exchange, error: CrossbarError) -> web.StreamResponse:
    """The answer to a request that was refused (§4.1)."""
    exchange.headers.update(error.headers)
    _allow_origin(exchange)
    envelope = {
        "data": error.data,
        "error": str(error.status),
        "message": error.code,
        "status": "error",
    }
    response = _json(exchange, error.status, _close(envelope, exchange))
    if not exchange.request.content.at_eof():
        response.force_close()  # where in the body the next request would begin is not known
    return response


def write_preflight(exchange: Exchange) -> web.StreamResponse:
    """The answer to a CORS preflight: 200, empty (§10.3)."""
    return _bare(exchange, 200)


def cut_off(exchange: Exchange) -> NoReturn:
    """End an answer that has begun and cannot be finished, so that nobody takes it for whole."""
    if exchange.request.transport is not None:
        exchange.request.transport.abort()
    raise ConnectionResetError("an answer was cut off")


def _is_known(exchange: Exchange, revision: str | None) -> bool:
    """Whether the client has this revision of what it reads; refuse a read of another (§3.4)."""
    headers = exchange.request.headers
    wanted = revisions(headers, hdrs.IF_MATCH)
    if wanted is not None and not names_revision(wanted, revision):
        raise PreconditionFailed
    exchange.headers["expires"] = EXPIRES
    if revision is None:
        return False
    exchange.headers["etag"] = f'"{revision}"'
    known = revisions(headers, hdrs.IF_NONE_MATCH)
    return known is not None and names_revision(known, revision)


def _location(request: web.BaseRequest, created_id: str) -> str:
    """The new document's path: the request's, with the id (§3.2)."""
    path = split_target(request.raw_path)[0].rstrip("/")
    return f"{path}/{quote(created_id, safe='')}"


def headers_of(exchange: Exchange, content_type: str | None) -> dict[str, str]:
    """The headers of an answer, but for those that tell its length."""
    headers = {
        "x-request-id": exchange.request_id,
        "content-language": "en",
        "vary": "accept-language, accept",
        "server": "Crossbar",
        "x-content-type-options": "nosniff",
    }
    if content_type is not None:
        headers["content-type"] = content_type
    if is_cross_origin(exchange.request):
        _allow_origin(exchange)
    headers.update(exchange.headers)
    return headers


def _allow_origin(exchange: Exchange) -> None:
    """Name what scripts may send and read; the verb that a preflight asks for comes first."""
    requested = exchange.request.headers.get(hdrs.ACCESS_CONTROL_REQUEST_METHOD, "")
    first = (requested,) if requested in VERBS else ()
    methods = dict.fromkeys((*first, *exchange.verbs, "OPTIONS"))
    exchange.headers |= {
        "access-control-allow-origin": "*",
        "access-control-allow-methods": ", ".join(methods),
        "access-control-allow-headers": (
            "content-type, depth, user-agent, x-http-method-override, x-file-size,"
            " x-requested-with, if-modified-since, x-file-name, cache-control, x-auth-token,"
            " x-kazoo-cluster-id, if-match, if-none-match, authorization, x-auth-account-id,"
            " x-request-id, last-event-id"
        ),
        "access-control-expose-headers": (
            "content-type, x-auth-token, x-request-id, x-kazoo-cluster-id, location, etag,"
            " retry-after, content-disposition"
        ),
        "access-control-max-age": "86400",
    }


def _json(exchange: Exchange, status: int, envelope: dict[str, Any]) -> web.StreamResponse:
    sent = exchange.request.headers
    pretty = sent.get(X_PRETTY_PRINT) == "true" or is_true(exchange.parameter("pretty_print"))
    body = orjson.dumps(envelope, option=orjson.OPT_INDENT_2 if pretty else 0)
    content_type = "application/json"
    callback = exchange.parameter("jsonp")
    if isinstance(callback, str) and _CALLBACK.fullmatch(callback):
        body = b"".join((b"/**/", callback.encode(), b"(", body, b");"))
        content_type = "application/javascript"
    headers = headers_of(exchange, content_type)
    if (
        exchange.may_compress
        and len(body) >= MIN_COMPRESSED
        and accepts_gzip(joined(sent, hdrs.ACCEPT_ENCODING))
    ):
        response = web.Response(body=body, status=status, headers=headers)
        response.enable_compression(web.ContentCoding.gzip)
        return response
    headers["date"] = exchange.clock.http_date()
    return WholeResponse(status=status, headers=headers, body=body)


def _bare(exchange: Exchange, status: int) -> web.Response:
    return web.Response(status=status, headers=headers_of(exchange, None))


async def begin(exchange: Exchange, response: web.StreamResponse) -> None:
    """Send the head of an answer; from now on there can be no other answer."""
    await response.prepare(exchange.request)
    exchange.has_begun = True


async def _stream(
    exchange: Exchange, result: Result, rows: AsyncIterator[Any]
) -> web.StreamResponse:
    """A list as it is read: ``data`` first, then the other keys as text (§8.6)."""
    response = web.StreamResponse(headers=headers_of(exchange, "application/json"))
    await begin(exchange, response)
    if exchange.request.method == "HEAD":
        await response.write_eof()
        return response
    await response.write(b'{"data":[')
    separator = b""
    async for chunk in in_groups(rows, result.chunk_size):
        await response.write(separator + b",".join(orjson.dumps(row) for row in chunk))
        separator = b","
    closing = _close({"revision": exchange.request_id, "status": "success"}, exchange)
    closing.pop("tokens", None)
    if result.page is not None:
        closing |= _paging(result.page)
    texts = {name: str(value) for name, value in closing.items() if value}
    await response.write(b"]," + orjson.dumps(texts)[1:])
    await response.write_eof()
    return response


async def _csv(exchange: Exchange, result: Result) -> web.StreamResponse:
    """A list as a table: the columns are the keys of all rows, flattened with ``_`` (§8.7).

    The id comes first, also of whole documents, which have it last. What is no list is a table
    of one row.
    """
    if result.rows is not None and result.columns:
        return await _stream_table(exchange, result.columns, result.rows)
    data = result.data if result.rows is None else [row async for row in result.rows]
    if not data:
        return _bare(exchange, 204)
    data = data if isinstance(data, list) else [data]
    rows = [dict(_flat(row)) for row in data]
    names = dict.fromkeys(name for row in rows for name in row)
    columns = sorted(names, key=lambda name: name != "id")
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_cell(CSV_TITLES.get(name, name)) for name in columns)
    writer.writerows([row.get(name, "") for name in columns] for row in rows)
    _name_table(exchange)
    body = text.getvalue().encode()
    return web.Response(body=body, headers=headers_of(exchange, CSV_TYPES[0]))


def _name_table(exchange: Exchange) -> None:
    wanted = exchange.request.headers.get("X-File-Name") or exchange.parameter("file_name")
    exchange.headers["content-disposition"] = _disposition(str(wanted or "result.csv"))


async def _stream_table(
    exchange: Exchange, columns: tuple[str, ...], rows: AsyncIterator[Any]
) -> web.StreamResponse:
    """A table of known columns as it is read; its rows are their values, in that order."""
    groups = in_groups(rows, TABLE_ROWS)
    first = await anext(groups, None)  # what cannot be read is refused while that can be said
    if first is None:
        return _bare(exchange, 204)
    _name_table(exchange)
    response = web.StreamResponse(headers=headers_of(exchange, CSV_TYPES[0]))
    await begin(exchange, response)
    if exchange.request.method != "HEAD":
        await response.write(table_lines([columns]))
        await response.write(table_lines(first))
        async for group in groups:
            await response.write(table_lines(group))
    await response.write_eof()
    return response


def table_lines(rows: Iterable[Iterable[Any]]) -> bytes:
    """Rows of values as lines of a table."""
    text = io.StringIO()
    csv.writer(text).writerows(
        [
            value
            if type(value) is int or (type(value) is str and value[:1] not in _SUSPECT)
            else _cell(value)
            for value in row
        ]
        for row in rows
    )
    return text.getvalue().encode()


def _flat(row: Any, prefix: str = "") -> Iterable[tuple[str, Any]]:
    if not isinstance(row, dict):
        yield prefix or "value", _cell(row)
        return
    for name, value in row.items():
        path = f"{prefix}_{name}" if prefix else name
        if isinstance(value, dict):
            yield from _flat(value, path)
        else:
            yield path, _cell(value)


def _cell(value: Any) -> Any:
    """A value as a table shows it. Text that a spreadsheet would run as a formula is defused."""
    if isinstance(value, list):
        return ",".join(str(_cell(item)) for item in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return orjson.dumps(value).decode()
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def _disposition(name: str) -> str:
    safe = _NOT_FILE_NAME.sub("_", name)  # a header that was no UTF-8 has surrogates in it
    ascii_name = safe.encode("ascii", "replace").decode().replace("?", "_")
    extended = "" if ascii_name == safe else f"; filename*=UTF-8''{quote(safe)}"
    return f'attachment; filename="{ascii_name}"{extended}'


async def _send(exchange: Exchange, download: Download) -> web.StreamResponse:
    """Bytes, whole or the range that was asked for (§2.8)."""
    span = byte_range(exchange.request.headers.get("Range"), download.length)
    start, stop = span or (0, download.length)
    is_head = exchange.request.method == "HEAD"
    chunks = download.read(start, start if is_head else stop)
    first = await anext(chunks, b"")  # what cannot be read is refused while that can be said
    exchange.headers |= {
        "accept-ranges": "bytes",
        "content-length": str(stop - start),
        "content-disposition": _disposition(download.filename),
    }
    if span is not None:
        exchange.headers["content-range"] = f"bytes {start}-{stop - 1}/{download.length}"
    response = web.StreamResponse(
        status=200 if span is None else 206, headers=headers_of(exchange, download.content_type)
    )
    await begin(exchange, response)
    if not is_head:
        await response.write(first)
        async for chunk in chunks:
            await response.write(chunk)
    await response.write_eof()
    return response
