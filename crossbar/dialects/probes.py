"""What those who look after a server ask: does it live, is it ready, what has it counted."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress

import structlog
from aiohttp import web

from crossbar.core.services import Services
from crossbar.metrics import CONTENT_TYPE
from crossbar.storage import StoreError

log = structlog.get_logger(__name__)

PATIENCE = 2.0
"""Seconds within which the store has to answer."""

RETRY_AFTER = "5"
"""Seconds after which it may be asked again."""

FORWARDED = (
    "X-Forwarded-For",
    "X-Forwarded-Proto",
    "X-Forwarded-Host",
    "X-Real-IP",
    "Forwarded",
    "Via",
)
"""Headers by which a proxy gives itself away: what it passes on does not come from here."""


class Probes:
    """Answers at the paths that are about the server itself."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._token = services.settings.http.metrics_token
        self._paths = {
            "/healthz": self._health,
            "/readyz": self._readiness,
            "/metrics": self._metrics,
        }

    async def answer(self, request: web.BaseRequest, path: str) -> web.Response | None:
        """The answer at one of these paths, ``None`` at others."""
        asked = self._paths.get(path)
        if asked is None:
            return None
        if request.method not in ("GET", "HEAD"):
            return web.Response(status=405, headers={"allow": "GET, HEAD"})
        response = await asked(request)
        response.headers["cache-control"] = "no-store"
        return response

    async def _health(self, request: web.BaseRequest) -> web.Response:
        return web.Response(text="alive\n")

    async def _readiness(self, request: web.BaseRequest) -> web.Response:
        try:
            async with asyncio.timeout(PATIENCE):
                await self._services.store.ping()
        except (StoreError, TimeoutError) as error:
            log.warning("store_does_not_answer", error=repr(error))
            headers = {"retry-after": RETRY_AFTER}
            return web.Response(status=503, text="the store does not answer\n", headers=headers)
        return web.Response(text="ready\n")

    async def _metrics(self, request: web.BaseRequest) -> web.Response:
        if not self._may_read(request):
            if self._token:
                headers = {"www-authenticate": "Bearer"}
                text = "the token in http.metrics_token is needed\n"
                return web.Response(status=401, text=text, headers=headers)
            text = "only for this machine, until http.metrics_token is set\n"
            return web.Response(status=403, text=text)
        content = await self._services.metrics.text()
        return web.Response(body=content, headers={"content-type": CONTENT_TYPE})

    def _may_read(self, request: web.BaseRequest) -> bool:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if self._token and scheme.lower() == "bearer":
            sent = token.strip().encode("utf-8", "surrogateescape")
            if hmac.compare_digest(sent, self._token.encode()):
                return True
        return _is_local(request.remote) and not any(name in request.headers for name in FORWARDED)


def _is_local(peer: str | None) -> bool:
    """Whether a connection comes from this machine."""
    try:
        address = ipaddress.ip_address(peer or "")
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return address.is_loopback
