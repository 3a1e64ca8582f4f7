"""A v2 request on its way, and what all answers have: headers, a beginning and an end."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn
from urllib.parse import quote

import structlog
from aiohttp import hdrs, web

from crossbar.clock import Clock
from crossbar.core.directory import Account
from crossbar.core.registry import Operation
from crossbar.core.requests import Action, Caller
from crossbar.dialects.v2.body import NO_BODY, Body
from crossbar.dialects.v2.negotiation import Wanted
from crossbar.dialects.v2.told import NOTHING, Told
from crossbar.dialects.v2.verbs import VERBS, verbs_of
from crossbar.errors import CrossbarError
from crossbar.identity.buckets import Charge

log = structlog.get_logger(__name__)

_NOT_FILE_NAME = re.compile(r'[\x00-\x1f"\\/\x7f\ud800-\udfff]')


@dataclass(slots=True, kw_only=True)
class Exchange:
    """What the answer to a request must repeat, as far as it is known when it is written."""

    request: web.BaseRequest
    request_id: str
    clock: Clock
    may_compress: bool = True
    address: str = ""
    told: Told = NOTHING
    body: Body = NO_BODY
    caller: Caller | None = None
    account: Account | None = None
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
        return self.body.parameter(name)

    @property
    def account_id(self) -> str | None:
        """The caller's account."""
        return self.caller.account_id if self.caller else None

    @property
    def verbs(self) -> tuple[str, ...]:
        """The verbs that the path offers, once it has been matched."""
        return verbs_of(self.operations or {})


SAME = {
    "content-language": "en",
    "vary": "accept-language, accept",
    "server": "Crossbar",
    "x-content-type-options": "nosniff",
}
"""The headers that all answers have."""


def headers_of(exchange: Exchange, content_type: str | None) -> dict[str, str]:
    """The headers of an answer, but for those that tell its length."""
    return SAME | own_headers_of(exchange, content_type)


def own_headers_of(exchange: Exchange, content_type: str | None) -> dict[str, str]:
    """Those that other answers do not have."""
    headers = {"x-request-id": exchange.request_id}
    if content_type is not None:
        headers["content-type"] = content_type
    if exchange.told.is_cross_origin:
        allow_origin(exchange)
    headers.update(exchange.headers)
    return headers


def allow_origin(exchange: Exchange) -> None:
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


def bare(exchange: Exchange, status: int) -> web.Response:
    """An answer without a body."""
    return web.Response(status=status, headers=headers_of(exchange, None))


async def begin(exchange: Exchange, response: web.StreamResponse) -> None:
    """Send the head of an answer; from now on there can be no other answer."""
    await response.prepare(exchange.request)
    exchange.has_begun = True


def cut_off(exchange: Exchange, refusal: CrossbarError) -> NoReturn:
    """End an answer that has begun and cannot be finished, so that nobody takes it for whole.

    The client is told nothing else, so the log says why.
    """
    log.warning("answer_cut_off", request_id=exchange.request_id, error=refusal.phrase)
    if exchange.request.transport is not None:
        exchange.request.transport.abort()
    raise ConnectionResetError("an answer was cut off")


def disposition(name: str) -> str:
    """The ``Content-Disposition`` of a file with this name."""
    safe = _NOT_FILE_NAME.sub("_", name)  # a header that was no UTF-8 has surrogates in it
    ascii_name = safe.encode("ascii", "replace").decode().replace("?", "_")
    extended = "" if ascii_name == safe else f"; filename*=UTF-8''{quote(safe)}"
    return f'attachment; filename="{ascii_name}"{extended}'
