"""Who may connect, and how many."""

from __future__ import annotations

from collections import Counter

from aiohttp import hdrs, web

from crossbar.core.services import Services
from crossbar.dialects.addresses import Proxies
from crossbar.identity.gate import Gate
from crossbar.websockets.session import Session


class Sockets:
    """The connections of one process, at the path that the settings name."""

    def __init__(self, services: Services, gate: Gate) -> None:
        self._services = services
        self._gate = gate
        self._settings = services.settings.websockets
        self._proxies = Proxies(services.settings.http.trusted_proxies)
        self._by_address: Counter[str] = Counter()

    async def answer(self, request: web.BaseRequest, path: str) -> web.StreamResponse | None:
        """Serve a connection until it ends; ``None`` for a request of another path."""
        if not self._settings.path or path.rstrip("/") != self._settings.path.rstrip("/"):
            return None
        address = self._proxies.client_of(request)
        if refusal := self._refusal(request, address):
            return refusal
        socket = web.WebSocketResponse(
            heartbeat=self._settings.heartbeat,
            max_msg_size=self._settings.max_frame,
            compress=False,
        )
        socket.headers[hdrs.SERVER] = "Crossbar"
        self._by_address[address] += 1
        try:
            await socket.prepare(request)
            await Session(self._services, self._gate, socket, request, address).run()
        finally:
            self._by_address[address] -= 1
            self._by_address += Counter()  # forget those who have left
        return socket

    def _refusal(self, request: web.BaseRequest, address: str) -> web.StreamResponse | None:
        """Why there can be no connection, if there cannot."""
        if request.method != "GET" or request.headers.get(hdrs.UPGRADE, "").lower() != "websocket":
            headers = {hdrs.UPGRADE: "websocket"}
            return web.Response(status=426, text="This is a WebSocket.", headers=headers)
        if hdrs.SEC_WEBSOCKET_PROTOCOL in request.headers:
            return web.Response(status=400, text="There are no subprotocols.")
        if self._by_address.total() >= self._settings.max_connections:
            return web.Response(status=503, headers={hdrs.RETRY_AFTER: "10"})
        if self._by_address[address] >= self._settings.max_connections_per_address:
            return web.Response(status=429, headers={hdrs.RETRY_AFTER: "10"})
        return None
