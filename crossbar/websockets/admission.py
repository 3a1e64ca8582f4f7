"""How many connections there may be, and how fast a client may speak on one."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import hdrs, web

from crossbar.settings import Websockets

BURST = 2.0
"""How many seconds' worth of frames may come at once."""


class Admission:
    """The connections of one kind that a process keeps, by address."""

    def __init__(self, settings: Websockets) -> None:
        self._settings = settings
        self._by_address: Counter[str] = Counter()

    def refusal(self, request: web.BaseRequest, address: str) -> web.StreamResponse | None:
        """Why there can be no connection, if there cannot."""
        if request.method != "GET" or request.headers.get(hdrs.UPGRADE, "").lower() != "websocket":
            headers = {hdrs.UPGRADE: "websocket"}
            return web.Response(status=426, text="This is a WebSocket.", headers=headers)
        if self._by_address.total() >= self._settings.max_connections:
            return web.Response(status=503, headers={hdrs.RETRY_AFTER: "10"})
        if self._by_address[address] >= self._settings.max_connections_per_address:
            return web.Response(status=429, headers={hdrs.RETRY_AFTER: "10"})
        return None

    @contextmanager
    def counted(self, address: str) -> Iterator[None]:
        """One more connection from an address, for as long as the context is open."""
        self._by_address[address] += 1
        try:
            yield
        finally:
            self._by_address[address] -= 1
            self._by_address += Counter()  # forget those who have left

    def socket(self, *protocols: str) -> web.WebSocketResponse:
        """A connection as the settings want it, not prepared yet."""
        socket = web.WebSocketResponse(
            heartbeat=self._settings.heartbeat,
            max_msg_size=self._settings.max_frame,
            compress=False,
            protocols=protocols,
        )
        socket.headers[hdrs.SERVER] = "Crossbar"
        return socket


class Allowance:
    """The frames that a client may send: so many a second, but for bursts."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._left = rate * BURST
        self._since = time.monotonic()

    def spend(self) -> bool:
        """Whether one more is allowed now."""
        now = time.monotonic()
        self._left = min(self._rate * BURST, self._left + (now - self._since) * self._rate)
        self._since = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
