"""The socket of events: who may connect."""

from __future__ import annotations

from aiohttp import hdrs, web

from crossbar.core.services import Services
from crossbar.dialects.addresses import Proxies
from crossbar.identity.gate import Gate
from crossbar.websockets.admission import Admission
from crossbar.websockets.session import Session


class Sockets:
    """The connections of one process, at the path that the settings name."""

    def __init__(self, services: Services, gate: Gate) -> None:
        self._services = services
        self._gate = gate
        self._path = services.settings.websockets.path
        self._proxies = Proxies(services.settings.http.trusted_proxies)
        self._admission = Admission(services.settings.websockets)

    async def answer(self, request: web.BaseRequest, path: str) -> web.StreamResponse | None:
        """Serve a connection until it ends; ``None`` for a request of another path."""
        if not self._path or path.rstrip("/") != self._path.rstrip("/"):
            return None
        address = self._proxies.client_of(request)
        if refusal := self._admission.refusal(request, address):
            return refusal
        if hdrs.SEC_WEBSOCKET_PROTOCOL in request.headers:
            return web.Response(status=400, text="There are no subprotocols.")
        socket = self._admission.socket()
        with self._admission.counted(address):
            await socket.prepare(request)
            await Session(self._services, self._gate, socket, request, address).run()
        return socket
