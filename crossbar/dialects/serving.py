"""What every dialect does around its requests: errors become refusals, and each is counted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Protocol, TypeVar

import structlog
from aiohttp import hdrs, web

from crossbar.core.clients import CLIENT
from crossbar.core.services import Services
from crossbar.dialects.connections import require_room
from crossbar.dialects.headers import Headers
from crossbar.dialects.targets import split_target
from crossbar.errors import CrossbarError, StoreUnavailable
from crossbar.metrics import UNMATCHED, Route
from crossbar.storage import StoreError

log = structlog.get_logger(__name__)

PASSED_ON = (asyncio.CancelledError, ConnectionError, web.HTTPException)
"""What aiohttp itself deals with: nobody is there any more, or the answer is made already."""


class Exchange(Protocol):
    """A request on its way through a dialect, as far as the log tells of it."""

    @property
    def request(self) -> web.BaseRequest:
        """The request."""
        ...

    @property
    def request_id(self) -> str:
        """Its name in the log and in the answer."""
        ...

    @property
    def address(self) -> str:
        """The client's address."""
        ...

    @property
    def account_id(self) -> str | None:
        """Whose request it is, once that is known."""
        ...

    @property
    def operation(self) -> Hashable | None:
        """What it asks for, once that is known."""
        ...


class Routes:
    """The requests of one dialect, counted by what they ask for, and whether each is logged.

    ``name`` says method and path template of an operation. It is asked once for each.
    """

    def __init__(
        self, services: Services, dialect: str, name: Callable[[Any], tuple[str, str]]
    ) -> None:
        metrics = services.metrics
        self.are_logged = services.settings.http.access_log
        self._metrics = metrics
        self._dialect = dialect
        self._name = name
        self._routes: dict[Hashable | None, Route] = {None: metrics.route(dialect, "", UNMATCHED)}

    def note(self, operation: Hashable | None, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        route = self._routes.get(operation)
        if route is None:
            named = self._metrics.route(self._dialect, *self._name(operation))
            route = self._routes[operation] = named
        route.note(status, seconds)


E = TypeVar("E", bound=Exchange)


class _Asking:
    """The client of a request, for what is shared out among clients."""

    __slots__ = ("_exchange",)

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    @property
    def address(self) -> str:
        return self._exchange.address

    @property
    def is_there(self) -> bool:
        transport = self._exchange.request.transport
        return transport is not None and not transport.is_closing()


def is_cross_origin(headers: Headers) -> bool:
    """Whether a browser asks, or asks whether it may ask, for a page of another origin."""
    return (
        hdrs.ORIGIN in headers
        or hdrs.ACCESS_CONTROL_REQUEST_METHOD in headers
        or hdrs.ACCESS_CONTROL_REQUEST_HEADERS in headers
    )


def is_preflight(request: web.BaseRequest) -> bool:
    """Whether a browser asks if it may ask.

    Every dialect says yes, whatever the path: a page never sees the answer to a request whose
    preflight was refused, so it could not tell what does not exist from a server that is down.
    """
    return request.method == "OPTIONS" and is_cross_origin(request.headers)


def refusal_of(error: Exception, request_id: str) -> CrossbarError:
    """What a client is told of an error; what it is not told is logged."""
    if isinstance(error, CrossbarError):
        return error
    if isinstance(error, StoreError):
        log.error("store_failed", request_id=request_id, error=str(error))
        return StoreUnavailable()
    log.error("unexpected_error", request_id=request_id, exc_info=error)
    return CrossbarError()


async def serve(
    exchange: E,
    answer: Callable[[E], Awaitable[web.StreamResponse]],
    refuse: Callable[[E, CrossbarError], web.StreamResponse],
    routes: Routes,
) -> web.StreamResponse:
    """The answer to a request, whatever happens, and a line about it if the log is to have one.

    The line is without the query: tokens may be there. Whether headers contradict each other
    (:func:`~crossbar.dialects.headers.require_once`) is for the dialect to ask, first of all.
    """
    started = time.perf_counter()
    try:
        CLIENT.set(_Asking(exchange))
        require_room(exchange.request)
        response = await answer(exchange)
    except PASSED_ON:
        raise
    except Exception as error:
        response = refuse(exchange, refusal_of(error, exchange.request_id))
    seconds = time.perf_counter() - started
    routes.note(exchange.operation, response.status, seconds)
    if routes.are_logged:
        log.info(
            "request",
            method=exchange.request.method,
            path=split_target(exchange.request.raw_path)[0],
            status=response.status,
            milliseconds=round(seconds * 1000, 1),
            address=exchange.address,
            account_id=exchange.account_id,
            request_id=exchange.request_id,
        )
    return response
