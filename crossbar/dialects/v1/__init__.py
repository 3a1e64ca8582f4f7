"""The PERSCOM-style dialect: ``/v1``, rows of personnel management for holders of scoped keys.

One request, start to finish, in the order in which refusals win: the path
is matched (404, 405), the organisation is known (401), the key is its own (401), its requests are
not too many (429), its plan has this dialect (402), the key has the scopes (403), and then the
body is read, the row is found and the operation runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aiohttp import web

from crossbar.core.access import plan_of
from crossbar.core.directory import Account
from crossbar.core.registry import Match, Operation, Registry
from crossbar.core.requests import Action, Actor, Caller, Query, Request
from crossbar.core.services import Services
from crossbar.core.shapes import Access
from crossbar.dialects.addresses import Proxies
from crossbar.dialects.headers import require_once
from crossbar.dialects.serving import Routes, is_preflight, serve
from crossbar.dialects.targets import path_tokens, query_pairs, split_target
from crossbar.dialects.v1.answers import Exchange, write, write_error, write_preflight
from crossbar.dialects.v1.bodies import NO_BODY, OVERRIDES, Body, may_override, read_body
from crossbar.documents import new_id
from crossbar.errors import (
    CrossbarError,
    InvalidCredentials,
    MethodNotAllowed,
    NoSuchPath,
    PaymentRequired,
    TooManyRequests,
    UnknownTenant,
)
from crossbar.identity.buckets import Buckets
from crossbar.identity.credentials import Identity
from crossbar.personnel import Endpoint

DIALECT = "v1"

ACTIONS: Mapping[str, tuple[Action, ...]] = {
    "GET": (Action.LIST, Action.FETCH),
    "POST": (Action.CREATE,),
    "PUT": (Action.PATCH,),
    "PATCH": (Action.PATCH,),
    "DELETE": (Action.DELETE,),
}
"""What each verb asks for. PUT changes what is sent and keeps the rest, as PATCH does."""

PER_MINUTE = 1000
"""Requests of a key in a minute."""


class V1:
    """Answers requests below ``/v1``."""

    def __init__(
        self, services: Services, identity: Identity, registry: Registry, strangers: Buckets
    ) -> None:
        self._services = services
        self._identity = identity
        self._registry = registry
        self._proxies = Proxies(services.settings.http.trusted_proxies)
        self._strangers = strangers
        self._routes = Routes(services, DIALECT, _named)
        self._buckets = Buckets(services.clock, capacity=PER_MINUTE, refill=PER_MINUTE / 60)

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to a request, whatever happens."""
        exchange = Exchange(
            request=request,
            request_id=new_id(),
            address=self._proxies.client_of(request),
            scheme=self._proxies.scheme_of(request),
        )
        return await serve(exchange, self._answer, self._refuse, self._routes)

    def _refuse(self, exchange: Exchange, error: CrossbarError) -> web.StreamResponse:
        """The answer to a request that is refused; who asks too much is told until when."""
        if isinstance(error, TooManyRequests):
            until = self._services.clock.unix() + error.retry_after
            exchange.headers["x-ratelimit-reset"] = str(until)
        return write_error(exchange, error)

    async def _answer(self, exchange: Exchange) -> web.StreamResponse:
        """Run the request through the steps, in the order of refusals."""
        request = exchange.request
        require_once(request.headers)
        if is_preflight(request):
            return write_preflight(exchange, tuple(ACTIONS))
        exchange.query = dict(query_pairs(split_target(request.raw_path)[1]))
        _, *tokens = path_tokens(request.raw_path)
        operations, params = self._match(tokens)
        verbs = (*_verbs_of(operations), "OPTIONS")
        if request.method == "OPTIONS":
            return write_preflight(exchange, verbs)
        exchange.operation = likely = _likely(operations, request, verbs)
        body = NO_BODY
        if likely.access is not Access.PUBLIC:
            await self._let_in(exchange)
            body = await read_body(request, self._services.settings.http)
        method = (body.method if request.method == "POST" else None) or request.method
        operation = _choose(operations, "GET" if method == "HEAD" else method, verbs)
        exchange.operation = operation
        asked = self._request(exchange, operation, params, body)
        if body.problem is not None:
            if isinstance(operation.handler, Endpoint):
                await operation.handler.authorize(asked)
            raise body.problem
        return await write(exchange, await operation.handler(asked))

    def _match(self, tokens: Sequence[str]) -> Match:
        """The operations at a path, which the registry knows below an account."""
        if not tokens:
            raise NoSuchPath
        operations, params = self._registry.match(["accounts", "own", *tokens])
        return operations, params

    async def _let_in(self, exchange: Exchange) -> None:
        """Let the request in whose organisation, key, pace and plan are right."""
        try:
            exchange.caller, exchange.account = await self._admit(exchange)
        except (UnknownTenant, InvalidCredentials):
            self._charge_stranger(exchange.address)
            raise
        self._charge(exchange, exchange.caller)
        plan = plan_of(exchange.account, DIALECT, self._services.settings)
        if not plan.covers(self._services.clock.gregorian()):
            raise PaymentRequired("the plan of the organisation does not cover this API")

    def _request(
        self, exchange: Exchange, operation: Operation, params: Mapping[str, str], body: Body
    ) -> Request:
        account_id = exchange.account_id or ""
        actor = Actor(
            services=self._services,
            account_id=account_id,
            account=exchange.account,
            caller=exchange.caller,
            request_id=exchange.request_id,
            address=exchange.address,
        )
        return Request(
            actor=actor,
            operation=operation,
            ids={**params, "account_id": account_id},
            data=body.data,
            query=Query(filters=()),
            controls=exchange.query,
        )

    async def _admit(self, exchange: Exchange) -> tuple[Caller, Account]:
        """Whose data is asked for, and who asks.

        Raises :class:`UnknownTenant`, :class:`InvalidCredentials`, :class:`TooManyRequests`.
        """
        headers = exchange.request.headers
        named = headers.get("X-Perscom-Id")
        if named is None:
            named = exchange.query.get("perscom_id")
        tenant = await self._tenant(named) if named is not None else None
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise InvalidCredentials if tenant else UnknownTenant
        caller = await self._caller(token.strip(), exchange.address, is_named=tenant is not None)
        account = await self._services.accounts.get(caller.account_id)
        if account is None or (tenant is not None and tenant.account_id != account.account_id):
            raise InvalidCredentials
        return caller, account

    async def _caller(self, token: str, address: str, *, is_named: bool) -> Caller:
        """Who has the key. Without a tenant, a bad key leaves unknown whose data was meant."""
        try:
            return await self._identity.keys.authenticate(token, DIALECT, address)
        except InvalidCredentials:
            if is_named:
                raise
            raise UnknownTenant from None

    async def _tenant(self, named: str) -> Account:
        """The account with this number or id. Raises :class:`UnknownTenant`."""
        account = None
        if named.isascii() and named.isdigit() and len(named) < 19:
            found = await self._services.accounts.find("perscom_id", str(int(named)))
            account = found[0] if found else None
        if account is None and len(named) == 32:
            account = await self._services.accounts.get(named)
        if account is None:
            raise UnknownTenant
        return account

    def _charge_stranger(self, address: str) -> None:
        """Slow down who guesses, by address. Raises :class:`TooManyRequests`."""
        limits = self._services.settings.limits
        if limits.enabled:
            self._strangers.charge((DIALECT, "address", address), limits.cost)

    def _charge(self, exchange: Exchange, caller: Caller) -> None:
        """Count the request for its key."""
        if not self._services.settings.limits.enabled:
            return
        charge = self._buckets.take(caller.claims.get("key_id"), 1)
        exchange.headers |= {
            "x-ratelimit-limit": str(PER_MINUTE),
            "x-ratelimit-remaining": str(charge.remaining),
        }
        if charge.retry_after:
            raise TooManyRequests(charge.retry_after)


def _named(operation: Operation) -> tuple[str, str]:
    """Method and path of an operation, as operators are told."""
    verbs = [verb for verb, actions in ACTIONS.items() if operation.action in actions]
    return verbs[-1], "/".join(["/v1", *operation.path[2:]])


def _verbs_of(operations: Mapping[Action, Operation]) -> tuple[str, ...]:
    """The verbs that a path offers."""
    return tuple(
        verb for verb, actions in ACTIONS.items() if any(each in operations for each in actions)
    )


def _likely(
    operations: Mapping[Action, Operation], request: web.BaseRequest, verbs: tuple[str, ...]
) -> Operation:
    """What is asked for, unless a form says that another method was meant.

    Raises :class:`MethodNotAllowed` when it cannot say any that is offered.
    """
    overrides = OVERRIDES if may_override(request) else ()
    asked = "GET" if request.method == "HEAD" else request.method
    for verb in (asked, *overrides):
        if verb in verbs:
            return _choose(operations, verb, verbs)
    raise MethodNotAllowed(verbs)


def _choose(
    operations: Mapping[Action, Operation], verb: str, verbs: tuple[str, ...]
) -> Operation:
    for action in ACTIONS.get("GET" if verb == "HEAD" else verb, ()):
        if action in operations:
            return operations[action]
    raise MethodNotAllowed(verbs)
