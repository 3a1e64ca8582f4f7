"""What happens below requests: connections, and bytes on them that are no HTTP."""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from aiohttp import web

from crossbar.clock import Clock
from crossbar.dialects.connections import Connection, Room
from crossbar.dialects.v2.answers import write_error
from crossbar.dialects.v2.exchange import Exchange
from crossbar.documents import new_id
from crossbar.errors import BadRequest, CrossbarError
from crossbar.settings import Http

log = structlog.get_logger(__name__)


class Protocol(Connection):
    """One connection. Requests that cannot be parsed get an envelope, and the connection ends."""

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer instead of a handler's."""
        if request.writer.output_size > 0:
            if exc is not None:
                exc.__traceback__ = None  # its frames hold what was to be sent
            raise ConnectionResetError("an answer was cut off")
        error = CrossbarError()
        if status < 500:
            error = BadRequest(str(message or error).partition(":")[0].partition("\n")[0])
        elif isinstance(exc, ConnectionError):
            log.debug("client_gone")
        else:
            log.error("connection_failed", exc_info=exc)
        exchange = Exchange(
            request=request, request_id=new_id(), clock=Clock(), may_compress=False
        )
        response = write_error(exchange, error)
        response.force_close()
        return response

    def log_exception(self, *args: Any, **more: Any) -> None:
        """Log what went wrong here. A body that cannot be read was answered with a 4xx."""
        if not isinstance(more.get("exc_info"), web.RequestPayloadError):
            super().log_exception(*args, **more)


class Server(web.Server):
    """Makes a :class:`Protocol` for every connection."""

    def __init__(
        self, handler: Any, settings: Http, *, request_factory: Any, **options: Any
    ) -> None:
        super().__init__(handler, request_factory=request_factory, **options)
        self.room = Room(settings)
        self._options = options

    def __call__(self) -> Protocol:
        """The protocol of a new connection."""
        return Protocol(self, self.room, loop=asyncio.get_running_loop(), **self._options)
