"""The Upscope-style dialect: ``/v1.1``, visitors and links to watch them.

One request, start to finish: the path is known (404), whoever asks may ask (401, 429), the method
is offered (405), what is asked for exists (404), the body makes sense (400), and then it is done.
"""

from __future__ import annotations

from urllib.parse import parse_qsl

from aiohttp import web

from crossbar.core.services import Services
from crossbar.dialects.addresses import Proxies
from crossbar.dialects.headers import require_once
from crossbar.dialects.serving import Routes, is_preflight, serve
from crossbar.dialects.targets import path_tokens, split_target
from crossbar.dialects.v1_1.admission import DIALECT, Admission
from crossbar.dialects.v1_1.endpoints import Endpoint
from crossbar.dialects.v1_1.exchange import Exchange
from crossbar.dialects.v1_1.refusals import refuse
from crossbar.dialects.v1_1.table import TABLE
from crossbar.documents import new_id
from crossbar.errors import MethodNotAllowed
from crossbar.identity.buckets import Buckets
from crossbar.identity.credentials import Identity
from crossbar.validation import Schemas

METHODS = tuple(dict.fromkeys(endpoint.method for endpoint in TABLE.endpoints))
SCHEMAS = Schemas(strict=True)
"""One for the process: what is compiled of them never changes."""

SENT_BY_PAGES = "content-type, x-public-key, x-connection-secret, x-watch-token"


class V1_1:
    """Answers requests below ``/v1.1``."""

    def __init__(self, services: Services, identity: Identity, buckets: Buckets) -> None:
        self._services = services
        self._admission = Admission(services, identity, buckets)
        self._proxies = Proxies(services.settings.http.trusted_proxies)
        self._routes = Routes(services, DIALECT, _named)

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to a request, whatever happens."""
        exchange = Exchange(
            request=request,
            services=self._services,
            schemas=SCHEMAS,
            request_id=new_id(),
            address=self._proxies.client_of(request),
        )
        return await serve(exchange, self._answer, refuse, self._routes)

    async def _answer(self, exchange: Exchange) -> web.StreamResponse:
        request = exchange.request
        require_once(request.headers)
        if is_preflight(request):
            return _preflight(exchange)
        _, *tokens = path_tokens(request.raw_path)
        offers, exchange.params = TABLE.match(tokens)
        pairs = parse_qsl(split_target(request.raw_path)[1], keep_blank_values=True)
        exchange.query = dict(reversed(pairs))
        exchange.operation = endpoint = offers.get(
            "GET" if request.method == "HEAD" else request.method
        )
        await self._admission.admit(exchange, next(iter(offers.values())).need)
        if endpoint is None:
            raise MethodNotAllowed(tuple(offers))
        return await endpoint.handler(exchange)


def _named(endpoint: Endpoint) -> tuple[str, str]:
    """Method and path of an endpoint, as operators are told."""
    return endpoint.method, f"/v1.1{endpoint.path}"


def _preflight(exchange: Exchange) -> web.Response:
    """What scripts of pages may send: no secret key. It says nothing of any account, since none is
    named yet: the answer to the request itself tells whether its origin is one of the account's.
    """
    headers = {
        "access-control-allow-origin": exchange.header("Origin") or "*",
        "access-control-allow-methods": ", ".join(METHODS),
        "access-control-allow-headers": SENT_BY_PAGES,
        "access-control-max-age": "600",
        "vary": "Origin",
    }
    return web.Response(status=204, headers=headers)
