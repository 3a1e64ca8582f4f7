"""Writing v2 answers: envelope, errors, JSONP, streams, downloads."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import orjson
from aiohttp import web

from crossbar import __version__
from crossbar.core.nodes import NODE_HASH
from crossbar.core.preconditions import names_revision
from crossbar.core.requests import Download, Page, Result, is_true
from crossbar.dialects.targets import split_target
from crossbar.dialects.v2.exchange import (
    SAME,
    Exchange,
    allow_origin,
    bare,
    begin,
    disposition,
    headers_of,
    own_headers_of,
)
from crossbar.dialects.v2.negotiation import Wanted, byte_range
from crossbar.dialects.v2.sheets import write_table
from crossbar.dialects.whole import WholeResponse, lines_of
from crossbar.errors import CrossbarError, PreconditionFailed

EXPIRES = "Fri, 01 Jan 1999 00:00:00 GMT"
SAME_LINES = lines_of(SAME)

MIN_COMPRESSED = 1024
"""Bytes. Below this, compression costs more than it saves."""

_CALLBACK = re.compile(r"[A-Za-z_$][\w$.]{0,127}", re.ASCII)


def _opening(result: Result) -> dict[str, Any]:
    """What an envelope begins with: all that depends on the result alone."""
    opening: dict[str, Any] = {}
    if result.encoded is not None:
        opening["data"] = orjson.Fragment(result.encoded)
    elif result.has_data:
        opening["data"] = result.data
    if result.metadata:
        opening["metadata"] = result.metadata
    if result.revision:
        opening["revision"] = result.revision
    if result.page is not None:
        opening |= _paging(result.page)
    opening["status"] = "success"
    return opening


def _closing(exchange: Exchange, *, with_revision: bool) -> dict[str, Any]:
    """The keys that every envelope ends with.

    A result that has no revision of its own has that of the request.
    """
    request_id = exchange.request_id
    closing: dict[str, Any] = {"revision": request_id} if with_revision else {}
    closing["request_id"] = request_id
    closing["node"] = NODE_HASH
    closing["timestamp"] = exchange.clock.iso()
    if exchange.caller is not None:
        closing["version"] = __version__
    if exchange.token is not None:
        closing["auth_token"] = exchange.token
    if exchange.charge is not None:
        consumed, remaining, _ = exchange.charge
        closing["tokens"] = {"consumed": consumed, "remaining": remaining}
    return closing


def _envelope(exchange: Exchange, result: Result) -> bytes:
    """A result in its envelope. What it begins with is made once for a result that is kept."""
    closing = _closing(exchange, with_revision=not result.revision)
    if _is_pretty(exchange):
        if result.encoded is not None:  # which is written as it is, all in one line
            result = replace(result, data=result.decoded(), encoded=None)
        return orjson.dumps(_opening(result) | closing, option=orjson.OPT_INDENT_2)
    if result.opening is None:
        result.opening = orjson.dumps(_opening(result))[:-1]
    return b"".join((result.opening, b",", orjson.dumps(closing)[1:]))


def _is_pretty(exchange: Exchange) -> bool:
    if exchange.body.is_plain:
        return exchange.told.is_pretty
    return exchange.told.is_pretty or is_true(exchange.parameter("pretty_print"))


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
        return bare(exchange, 304)
    if result.download is not None:
        return await _send(exchange, result.download)
    if exchange.wanted is Wanted.CSV and verb == "GET":
        return await write_table(exchange, result)
    if result.portions is not None:
        return await _stream(exchange, result, result.portions)
    if result.created_id is not None:
        exchange.headers["location"] = _location(exchange.request, result.created_id)
    status = 201 if verb == "PUT" else 200
    return _json(exchange, status, _envelope(exchange, result))


def write_error(exchange: Exchange, error: CrossbarError) -> web.StreamResponse:
    """The answer to a request that was refused (§4.1)."""
    exchange.headers.update(error.headers)
    allow_origin(exchange)
    envelope = {
        "data": error.data,
        "error": str(error.status),
        "message": error.code,
        "status": "error",
    }
    pretty = orjson.OPT_INDENT_2 if _is_pretty(exchange) else 0
    body = orjson.dumps(envelope | _closing(exchange, with_revision=False), option=pretty)
    response = _json(exchange, error.status, body)
    if not exchange.request.content.at_eof():
        response.force_close()  # where in the body the next request would begin is not known
    return response


def write_preflight(exchange: Exchange) -> web.StreamResponse:
    """The answer to a CORS preflight: 200, empty (§10.3)."""
    return bare(exchange, 200)


def _is_known(exchange: Exchange, revision: str | None) -> bool:
    """Whether the client has this revision of what it reads; refuse a read of another (§3.4)."""
    wanted = exchange.told.if_match
    if wanted is not None and not names_revision(wanted, revision):
        raise PreconditionFailed
    exchange.headers["expires"] = EXPIRES
    if revision is None:
        return False
    exchange.headers["etag"] = f'"{revision}"'
    known = exchange.told.if_none_match
    return known is not None and names_revision(known, revision)


def _location(request: web.BaseRequest, created_id: str) -> str:
    """The new document's path: the request's, with the id (§3.2)."""
    path = split_target(request.raw_path)[0].rstrip("/")
    return f"{path}/{quote(created_id, safe='')}"


def _json(exchange: Exchange, status: int, body: bytes) -> web.StreamResponse:
    content_type = "application/json"
    callback = None if exchange.body.is_plain else exchange.parameter("jsonp")
    if isinstance(callback, str) and _CALLBACK.fullmatch(callback):
        body = b"".join((b"/**/", callback.encode(), b"(", body, b");"))
        content_type = "application/javascript"
    if exchange.may_compress and exchange.told.takes_gzip and len(body) >= MIN_COMPRESSED:
        headers = headers_of(exchange, content_type)
        response = web.Response(body=body, status=status, headers=headers)
        response.enable_compression(web.ContentCoding.gzip)
        return response
    own = own_headers_of(exchange, content_type)
    own["date"] = exchange.clock.http_date()
    return WholeResponse(status=status, lines=SAME_LINES + lines_of(own), body=body)


async def _stream(
    exchange: Exchange, result: Result, portions: AsyncIterator[list[Any]]
) -> web.StreamResponse:
    """A list as it is read: ``data`` first, then the other keys; as text when chunks were asked
    for (§8.6).

    How it looks as a whole is not known before its end, so it has no revision to compare.
    """
    # What cannot be read is refused while that can be said.
    first: list[Any] = await anext(portions, [])
    response = web.StreamResponse(headers=headers_of(exchange, "application/json"))
    await begin(exchange, response)
    if exchange.request.method != "HEAD":
        await response.write(b'{"data":' + orjson.dumps(first)[:-1])
        separator = b"," if first else b""
        async for rows in portions:
            if rows:  # of what is left out later nothing may be left
                await response.write(separator + orjson.dumps(rows)[1:-1])
                separator = b","
        closing = _closing(exchange, with_revision=not result.revision)
        closing = _opening(replace(result, has_data=False)) | closing
        if is_true(exchange.parameter("is_chunked")):
            closing.pop("tokens", None)
            closing = {name: str(value) for name, value in closing.items() if value}
        await response.write(b"]," + orjson.dumps(closing)[1:])
    await response.write_eof()
    return response


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
        "content-disposition": disposition(download.filename),
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
