"""The Crossbar dialect: ``/v2``, data envelopes, verb tunnelling.

One request, start to finish, in the order in which refusals win (docs/protocol.md §0): the body
is read, the verb known, the caller recognised, the path matched, the account found, the caller
admitted, the answer's form chosen, and then the operation runs.

Most of that is judged by the head of the request before its body is read: a stranger pays first,
and may not send much. Only what the body says otherwise, of who calls and what is meant, is judged
again.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from aiohttp import web

from crossbar.core.access import account_in_path, require_access, require_unrestricted
from crossbar.core.presenting import narrowed
from crossbar.core.reading import require_documents
from crossbar.core.registry import Operation
from crossbar.core.requests import Action, Actor, Query, Request
from crossbar.core.services import Services
from crossbar.core.shapes import Access
from crossbar.dialects.addresses import Proxies
from crossbar.dialects.headers import X_AUTH_ACCOUNT_ID, contradiction
from crossbar.dialects.serving import Routes, is_preflight, serve
from crossbar.dialects.v2.answers import write, write_error, write_preflight
from crossbar.dialects.v2.body import Body, read_body
from crossbar.dialects.v2.exchange import Exchange, cut_off
from crossbar.dialects.v2.negotiation import accepted_types, can_read, choose
from crossbar.dialects.v2.query import ANY, parse_query
from crossbar.dialects.v2.streaming import pass_on
from crossbar.dialects.v2.told import Asked, Heads, Target
from crossbar.dialects.v2.verbs import VERB_OF, VERBS, verbs_of
from crossbar.documents import new_id
from crossbar.errors import (
    CrossbarError,
    Gone,
    InvalidCredentials,
    MethodNotAllowed,
    NoSuchPath,
    NotImplementedHere,
    TooManyRequests,
)
from crossbar.identity.buckets import Buckets
from crossbar.identity.gate import Gate, Presented
from crossbar.storage import SYSTEM

METHODS = frozenset((*VERBS, "HEAD", "OPTIONS"))
SAFE_METHODS = ("GET", "HEAD")


class V2:
    """Answers requests below ``/v2``."""

    def __init__(self, services: Services, gate: Gate, buckets: Buckets) -> None:
        self._services = services
        self._gate = gate
        self._buckets = buckets
        self._settings = services.settings
        self._clock = services.clock
        self._may_compress = services.settings.http.compress
        self._proxies = Proxies(services.settings.http.trusted_proxies)
        self._routes = Routes(services, "v2", _named)
        self._heads = Heads()

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to a request, whatever happens."""
        told = self._heads.told_by(request)
        exchange = Exchange(
            request=request,
            request_id=told.request_id or new_id(),
            clock=self._clock,
            may_compress=self._may_compress,
            address=self._proxies.client_of(request),
            told=told,
        )
        return await serve(exchange, self._answer, self._refuse, self._routes)

    def _refuse(self, exchange: Exchange, refusal: CrossbarError) -> web.StreamResponse:
        if exchange.charge is None and self._settings.limits.enabled:
            exchange.charge = self._buckets.peek((exchange.address, "no_account"))
        if exchange.has_begun:
            cut_off(exchange, refusal)
        return write_error(exchange, refusal)

    async def _answer(self, exchange: Exchange) -> web.StreamResponse:
        """Run the request through the steps, in the order of refusals."""
        request, told, services = exchange.request, exchange.told, self._services
        if told.twice:
            raise contradiction(told.twice)
        if told.is_cross_origin and is_preflight(request):
            return self._preflight(exchange)
        target = self._heads.target_of(request)
        exchange.body = target.query
        ask = self._ask_with_body if request.can_read_body else self._ask
        asked = await ask(exchange, target)
        operation, account = asked.operation, exchange.account
        require_access(operation, exchange.caller, account, asked.params)
        await require_unrestricted(
            services.accounts, operation, exchange.caller, account, asked.tokens
        )
        override = None if exchange.body.is_plain else exchange.parameter("accept")
        accept = accepted_types(told.accept, override)
        if accept:
            exchange.wanted = choose(operation, accept)
        wanted = self._request(exchange, asked, target, accept)
        if operation.loads:
            await require_documents(wanted)
        result = await operation.handler(wanted)
        if wanted.query.fields:
            result = narrowed(result, wanted.query.fields)
        if result.stream is not None:
            return await pass_on(exchange, result.stream, partial(self._admits, exchange, asked))
        return await write(exchange, result, asked.verb)

    async def _admits(self, exchange: Exchange, asked: Asked) -> bool:
        """Whether the caller of a request that has been admitted still would be, as it was."""
        caller = exchange.caller
        try:
            await self._authenticate(exchange)
            account = await account_in_path(self._services.accounts, asked.params)
            require_access(asked.operation, exchange.caller, account, asked.params)
            await require_unrestricted(
                self._services.accounts, asked.operation, caller, account, asked.tokens
            )
        except CrossbarError:
            return False
        return exchange.caller == caller

    def _request(
        self, exchange: Exchange, asked: Asked, target: Target, accept: tuple[str, ...]
    ) -> Request:
        """What the core is asked for."""
        operation, body, told = asked.operation, exchange.body, exchange.told
        actor = Actor(
            services=self._services,
            account_id=asked.params["account_id"] if operation.in_account else SYSTEM,
            account=exchange.account,
            caller=exchange.caller,
            request_id=exchange.request_id,
            address=exchange.address,
        )
        return Request(
            actor=actor,
            operation=operation,
            ids=asked.params,
            data=body.data,
            files=body.files,
            query=self._listed(body, target) if operation.action is Action.LIST else ANY,
            controls=_controls(exchange) if told.last_event_id else body.parameters,
            if_match=told.if_match,
            if_none_match=told.if_none_match,
            body_is_readable=not told.content_type or can_read(operation, told.content_type),
            content_type=told.content_type,
            accept=accept,
            changes_nothing=exchange.request.method == "HEAD",
        )

    def _listed(self, body: Body, target: Target) -> Query:
        """How a list is to be answered, which only a body may say in its own way."""
        if body is not target.query:
            return parse_query(body, self._settings.lists)
        if target.listed is None:
            target.listed = parse_query(body, self._settings.lists)
        return target.listed

    async def _ask(self, exchange: Exchange, target: Target) -> Asked:
        """Find out what is asked for and by whom, and charge it."""
        method = exchange.request.method
        asked = target.asked.get(method) if exchange.body.is_plain else None
        verb = asked.verb if asked else self._effective_verb(exchange)
        if not self._recall(exchange):
            await self._authenticate(exchange)
        if asked is None:
            asked = self._found(exchange, target, verb)
        exchange.operations, exchange.operation = asked.offered, asked.operation
        exchange.account = await account_in_path(self._services.accounts, asked.params)
        self._charge(exchange, asked.operation)
        return asked

    def _found(self, exchange: Exchange, target: Target, verb: str) -> Asked:
        """What is asked for; remembered where only the path and the method say it."""
        method, tokens = exchange.request.method, target.tokens
        is_alias = tokens[:1] == ["account"]
        if is_alias:
            tokens = _own(tokens, exchange)
        offered, params = self._services.registry.match(tokens)
        exchange.operations = offered
        operation = _choose_operation(offered, verb)
        if method in SAFE_METHODS and verb != "GET":
            # A tunnelled verb needs a method with a body; GET never changes anything (§2.4).
            verb = "GET"
            operation = _choose_operation(offered, verb)
        asked = Asked(
            offered=offered, operation=operation, params=params, tokens=tokens, verb=verb
        )
        if exchange.body.is_plain and not is_alias:
            target.asked[method] = asked
        return asked

    async def _ask_with_body(self, exchange: Exchange, target: Target) -> Asked:
        """The same for a request with a body, which is read when who sends it has paid.

        What the head of the request gets wrong is told after what the body gets wrong.
        """
        said = _said(exchange)
        asked: Asked | CrossbarError
        try:
            asked = await self._ask(exchange, target)
        except TooManyRequests:
            raise
        except CrossbarError as error:
            asked = error
            if not self._charge_stranger(exchange):
                raise
        exchange.body = await read_body(
            exchange.request,
            exchange.told.content_type,
            exchange.body,
            self._settings.http,
            is_stranger=exchange.caller is None,
        )
        if _said(exchange) != said:
            self._give_back(exchange)
            return await self._ask(exchange, target)
        if isinstance(asked, CrossbarError):
            raise asked
        return asked

    def _effective_verb(self, exchange: Exchange) -> str:
        """The verb, after tunnelling (§2.4). Raises 501 for a method that HTTP does not know."""
        method = exchange.request.method
        if method not in METHODS:
            raise NotImplementedHere
        tunnelled = None if exchange.body.is_plain else exchange.parameter("verb")
        if isinstance(tunnelled, str) and tunnelled:
            return tunnelled.upper()
        return "GET" if method == "HEAD" else method

    def _recall(self, exchange: Exchange) -> bool:
        """Whether the header's token was verified before: then nothing else is asked."""
        token = exchange.told.token
        if not token or not exchange.told.is_alone:
            return False
        exchange.caller, exchange.token = self._gate.recall(token), token
        return exchange.caller is not None

    async def _authenticate(self, exchange: Exchange) -> None:
        """Find out who calls (§5.5). A bad credential is none; an expired token is refused."""
        headers = exchange.request.headers
        exchange.caller = exchange.token = None
        token, basic = exchange.told.token, None
        if not token:
            scheme, credential = _authorization(exchange)
            basic = credential if scheme == "basic" else None
            token = exchange.parameter("auth_token") or (
                credential if scheme == "bearer" else None
            )
        presented = Presented(
            dialect="v2",
            token=token if isinstance(token, str) else None,
            basic=basic,
            account_id=headers.get(X_AUTH_ACCOUNT_ID) or None,
            address=exchange.address,
        )
        exchange.caller = await self._gate.authenticate(presented)
        if exchange.caller is not None:
            exchange.token = exchange.caller.token

    def _preflight(self, exchange: Exchange) -> web.StreamResponse:
        """Any path may be asked for: what is wrong with it, the request itself is told."""
        with suppress(NoSuchPath, Gone):
            tokens = self._heads.target_of(exchange.request).tokens
            if tokens[:1] == ["account"]:
                tokens = ["accounts", "own", *tokens[1:]]
            exchange.operations, _ = self._services.registry.match(tokens)
        return write_preflight(exchange)

    def _charge(self, exchange: Exchange, operation: Operation) -> None:
        """Take tokens for anonymous requests and logins; a known caller is only told (§10.1)."""
        limits = self._settings.limits
        if not limits.enabled:
            return
        caller = exchange.caller
        key = (exchange.address, caller.account_id if caller else "no_account")
        is_login = operation.access is Access.PUBLIC and operation.action is Action.CREATE
        if caller is None or is_login or limits.charge_authenticated:
            cost = limits.login_cost if is_login else limits.cost
            if retry_after := self._take(exchange, key, cost):
                raise TooManyRequests(retry_after)
        else:
            exchange.charge = self._buckets.peek(key)

    def _charge_stranger(self, exchange: Exchange) -> bool:
        """Take a token for the body of a request that will be refused; whether there was one."""
        limits = self._settings.limits
        if not limits.enabled or exchange.caller is not None:
            return True
        return not self._take(exchange, (exchange.address, "no_account"), limits.cost)

    def _take(self, exchange: Exchange, key: Hashable, cost: int) -> int:
        """Charge a request; the seconds after which it may be made, if not now."""
        exchange.charge = self._buckets.take(key, cost)
        exchange.paid = None if exchange.charge.retry_after else (key, cost)
        return exchange.charge.retry_after

    def _give_back(self, exchange: Exchange) -> None:
        """Undo what was charged for what the request only seemed to be."""
        if exchange.paid is not None:
            self._buckets.give_back(*exchange.paid)
        exchange.charge = exchange.paid = None


def _controls(exchange: Exchange) -> Mapping[str, Any]:
    """The control values, with what a browser says that takes up a stream again."""
    return {**exchange.body.parameters, "last_event_id": exchange.told.last_event_id}


def _said(exchange: Exchange) -> Sequence[Any]:
    """What parameters say, as far as they are known, of who calls and what is meant."""
    names = ("verb",) if exchange.told.token else ("verb", "auth_token", "authorization")
    if exchange.body.is_plain:
        return [None] * len(names)
    return [exchange.parameter(name) for name in names]


def _named(operation: Operation) -> tuple[str, str]:
    """Method and path of an operation, as operators are told."""
    return VERB_OF[operation.action], f"/v2{operation.template}"


def _own(tokens: list[str], exchange: Exchange) -> list[str]:
    """The tokens of ``account/…``, the caller's own account (§1.2)."""
    if exchange.caller is None:
        raise InvalidCredentials
    return ["accounts", exchange.caller.account_id, *tokens[1:]]


def _authorization(exchange: Exchange) -> tuple[str, str]:
    """Scheme and credential of the header, else of the parameter, which may be a bare token."""
    sent = exchange.request.headers.get("Authorization")
    if sent is None:
        parameter = exchange.parameter("authorization")
        sent = parameter if isinstance(parameter, str) else ""
        if " " not in sent.strip():
            sent = f"bearer {sent}"
    scheme, _, credential = sent.strip().partition(" ")
    return scheme.lower(), credential.strip()


def _choose_operation(operations: Mapping[Action, Operation], verb: str) -> Operation:
    for action in VERBS.get(verb, ()):
        operation = operations.get(action)
        if operation is not None:
            return operation
    raise MethodNotAllowed(verbs_of(operations))
