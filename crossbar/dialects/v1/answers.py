"""Writing v1 answers: rows, pages of rows, files, errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

import orjson
from aiohttp import web

from crossbar.core.directory import Account
from crossbar.core.registry import Operation
from crossbar.core.requests import Caller, Download, Result
from crossbar.dialects.headers import joined
from crossbar.dialects.targets import split_target
from crossbar.errors import (
    BadRequest,
    CrossbarError,
    FilterTooDeep,
    Forbidden,
    MethodNotAllowed,
    NoSuchPath,
    NotFound,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    UnknownTenant,
    ValidationFailed,
)
from crossbar.personnel import Address

PREFIX = "/v1"
JSON = "application/json"

UNPROCESSABLE = 422

TYPES: tuple[tuple[type[CrossbarError], str], ...] = (
    (UnknownTenant, "TenantCouldNotBeIdentified"),
    (Unauthenticated, "AuthenticationException"),
    (Forbidden, "AuthorizationException"),
    (NoSuchPath, "NotFoundHttpException"),
    (NotFound, "ModelNotFoundException"),
    (MethodNotAllowed, "MethodNotAllowedHttpException"),
    (TooLarge, "PostTooLargeException"),
    (FilterTooDeep, "MaxNestedDepthExceededException"),
    (BadRequest, "ValidationException"),
    (TooManyRequests, "ThrottleRequestsException"),
)
"""The ``type`` of each error; the first class that fits decides."""

OTHERS = "HttpException"

CORS = {
    "access-control-allow-origin": "*",
    "access-control-expose-headers": (
        "x-request-id, x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset, retry-after"
    ),
}

KEPT = ("limit", "include")
"""Query parameters that the links of a page repeat."""


@dataclass(slots=True, kw_only=True)
class Exchange:
    """What the answer to a request must repeat, as far as it is known."""

    request: web.BaseRequest
    request_id: str
    address: str = ""
    scheme: str = "http"
    operation: Operation | None = None
    caller: Caller | None = None
    account: Account | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def account_id(self) -> str | None:
        """The account that is asked for, once it is known."""
        return self.account.account_id if self.account else None

    @property
    def root(self) -> str:
        """The URL of the interface's root, as the client sees it."""
        sent = self.request.headers
        host = sent.get("Host", "localhost").encode("ascii", "ignore").decode()
        return f"{self.scheme}://{host}{PREFIX}"


def status_of(error: CrossbarError) -> int:
    """The status of an error in this dialect: what a body gets wrong is 422."""
    return UNPROCESSABLE if error.status == BadRequest.status else error.status


def type_of(error: type[CrossbarError]) -> str:
    """The ``type`` of a class of errors in this dialect."""
    return next((name for cls, name in TYPES if issubclass(error, cls)), OTHERS)


def write_error(exchange: Exchange, error: CrossbarError) -> web.Response:
    """An error in the dialect's form."""
    message = (
        error.detail.get("cause", error.phrase) if isinstance(error, Forbidden) else error.phrase
    )
    body: dict[str, Any] = {"message": message, "type": type_of(type(error))}
    if isinstance(error, ValidationFailed) and error.fields:
        errors = {
            path: [rule.get("message", name) for name, rule in rules.items()]
            for path, rules in error.fields.items()
        }
        first, *rest = (message for messages in errors.values() for message in messages)
        more = f" (and {len(rest)} more)" if rest else ""
        body |= {"message": f"{next(iter(errors))}: {first}{more}", "errors": errors}
    body["request_id"] = exchange.request_id
    exchange.headers |= error.headers
    return _json(exchange, status_of(error), {"error": body})


async def write(exchange: Exchange, result: Result) -> web.StreamResponse:
    """The answer to an operation."""
    if result.download is not None:
        return await _send(exchange, result.download)
    answer: dict[str, Any] = {"data": result.data}
    if isinstance(result.data, dict) and result.data.keys() <= LINKED:
        answer = result.data
    if result.metadata is not None:
        answer |= page_of(exchange, len(result.data), **result.metadata)
    return _json(exchange, 201 if result.created_id else 200, answer)


LINKED = {"attached", "detached", "updated"}
"""Answers with these keys have no ``data`` around them."""


def page_of(exchange: Exchange, rows: int, *, page: int, limit: int, total: int) -> dict[str, Any]:
    """``links`` and ``meta`` of a page."""
    path = exchange.root.removesuffix(PREFIX) + split_target(exchange.request.raw_path)[0]
    last = max(1, -(-total // limit))
    kept = [(name, exchange.query[name]) for name in KEPT if name in exchange.query]

    def url(number: int) -> str:
        return f"{path}?{urlencode([*kept, ('page', number)])}"

    before = url(page - 1) if page > 1 else None
    after = url(page + 1) if page < last else None
    start = (page - 1) * limit + 1 if rows else None
    return {
        "links": {"first": url(1), "last": url(last), "prev": before, "next": after},
        "meta": {
            "current_page": page,
            "from": start,
            "last_page": last,
            "links": [
                {"url": before, "label": "&laquo; Previous", "active": False},
                *(
                    {"url": url(number), "label": str(number), "active": number == page}
                    for number in _around(page, last)
                ),
                {"url": after, "label": "Next &raquo;", "active": False},
            ],
            "path": path,
            "per_page": limit,
            "to": start + rows - 1 if start is not None else None,
            "total": total,
        },
    }


def _around(page: int, last: int) -> list[int]:
    """The numbers of pages that are linked: the first, the last, and those beside this one."""
    near = {1, last, *range(page - 3, page + 4)}
    return sorted(number for number in near if 1 <= number <= last)


def _json(exchange: Exchange, status: int, answer: Any) -> web.Response:
    def whole(value: Any) -> Any:
        if isinstance(value, Address):
            return exchange.root + value
        raise TypeError(type(value).__name__)

    body = orjson.dumps(answer, default=whole, option=orjson.OPT_PASSTHROUGH_SUBCLASS)
    return web.Response(body=body, status=status, headers=_headers(exchange, JSON))


def _headers(exchange: Exchange, content_type: str) -> dict[str, str]:
    return {
        "content-type": content_type,
        "cache-control": "no-store",
        "vary": "Authorization, X-Perscom-Id",
        "x-request-id": exchange.request_id,
        "server": "Crossbar",
        "x-content-type-options": "nosniff",
        **CORS,
        **exchange.headers,
    }


def write_preflight(exchange: Exchange, verbs: tuple[str, ...]) -> web.Response:
    """What scripts of any page may send here."""
    asked = joined(exchange.request.headers, "Access-Control-Request-Headers")
    headers = {
        **CORS,
        "access-control-allow-methods": ", ".join(verbs),
        "access-control-allow-headers": asked or "*",
        "access-control-max-age": "86400",
        "vary": "Access-Control-Request-Headers",
        "x-request-id": exchange.request_id,
    }
    return web.Response(status=204, headers=headers)


async def _send(exchange: Exchange, download: Download) -> web.StreamResponse:
    """A file, to be kept by whoever has it: another one has another address."""
    kind = download.content_type
    is_picture = kind.startswith("image/") and kind != "image/svg+xml"
    headers = _headers(exchange, kind if is_picture else "application/octet-stream") | {
        "content-length": str(download.length),
        "content-disposition": f"inline; filename*=UTF-8''{quote(download.filename, safe='')}",
        "content-security-policy": "default-src 'none'; sandbox",
        "cache-control": "public, max-age=31536000, immutable",
    }
    is_head = exchange.request.method == "HEAD"
    chunks = download.read(0, 0 if is_head else download.length)
    first = await anext(chunks, b"")  # what cannot be read is refused while that can be said
    response = web.StreamResponse(headers=headers)
    await response.prepare(exchange.request)
    if not is_head:
        await response.write(first)
        async for chunk in chunks:
            await response.write(chunk)
    await response.write_eof()
    return response
