"""The way of telephones in browsers to the switch: SIP over a WebSocket of our own origin.

Frames are passed on as they are, both ways. Who may connect is who has a token, for as long as it
is good; who may register and call is the switch's to say, as for every telephone. Sound does not
come this way.
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
from collections.abc import Callable, Coroutine
from typing import NamedTuple
from urllib.parse import urlsplit

import aiohttp
import structlog
from aiohttp import WSCloseCode, WSMessage, WSMsgType, hdrs, web

from crossbar.core.access import require_unrestricted
from crossbar.core.feed import Ended, Follower, Late
from crossbar.core.requests import Action, Caller
from crossbar.core.services import Services
from crossbar.dialects.addresses import Proxies
from crossbar.errors import CrossbarError
from crossbar.families.endpoints import DEVICES
from crossbar.identity.gate import Gate, Presented
from crossbar.storage import StoreError
from crossbar.websockets.admission import Admission, Allowance
from crossbar.websockets.bearers import TICK, Bearers

log = structlog.get_logger(__name__)

PATH = "/telephone"
"""Where it is, on the port that clients call."""

SIP = "sip"
"""The subprotocol, by its name in RFC 7118."""

BEARER = "bearer."
"""What a token has before it that is offered as one more subprotocol: browsers let no other header
be sent, and addresses are written into logs."""

CONNECTING = 5.0
"""Seconds that the switch may take to accept a connection."""

Peer = web.WebSocketResponse | aiohttp.ClientWebSocketResponse


class Farewell(NamedTuple):
    """How a connection is closed."""

    code: WSCloseCode
    why: bytes


GOING = Farewell(WSCloseCode.GOING_AWAY, b"")
WORTHLESS = Farewell(WSCloseCode.POLICY_VIOLATION, b"the token is not accepted any more")


class _Bearer:
    """Who connects with a token, and whether that is still allowed."""

    def __init__(self, services: Services, gate: Gate, token: str, address: str) -> None:
        self._services = services
        self._gate = gate
        self._token = token
        self._address = address
        self._bearers = Bearers(gate, address)

    async def first(self) -> Caller | None:
        """The caller. Raises :class:`~crossbar.errors.CrossbarError` for who may not connect."""
        presented = Presented(dialect="v2", token=self._token, address=self._address)
        caller = await self._gate.authenticate(presented)
        self._bearers.note(self._token, caller)
        if caller is not None:
            await self._require_phones(caller)
        return caller

    async def is_welcome(self) -> bool:
        """Whether the caller might connect now."""
        try:
            caller = await self._bearers.of(self._token)
            if caller is not None:
                await self._require_phones(caller)
        except CrossbarError:
            return False
        except StoreError as error:  # nothing is known, so nothing has changed
            log.warning("telephone_not_looked_at", error=repr(error))
            return True
        return caller is not None

    async def _require_phones(self, caller: Caller) -> None:
        """A key for something else is no way to the switch: it has to allow reading devices, which
        those of switches never do.

        Raises :class:`~crossbar.errors.Forbidden`.
        """
        if caller.rules is None and (caller.behind is None or caller.behind.rules is None):
            return
        path = ["accounts", caller.account_id, DEVICES.noun]
        operations, _ = self._services.registry.match(path)
        accounts = self._services.accounts
        account = await accounts.get(caller.account_id)
        await require_unrestricted(accounts, operations[Action.LIST], caller, account, path)


class Telephones:
    """The connections of one process. ``address_of`` is where the switch takes SIP, if it runs."""

    def __init__(
        self, services: Services, gate: Gate, address_of: Callable[[], str | None]
    ) -> None:
        self._services = services
        self._gate = gate
        self._address_of = address_of
        self._settings = services.settings.websockets
        self._proxies = Proxies(services.settings.http.trusted_proxies)
        self._admission = Admission(self._settings)

    async def answer(self, request: web.BaseRequest, path: str) -> web.StreamResponse | None:
        """Serve a connection until it ends; ``None`` for a request of another path."""
        if path != PATH:
            return None
        address = self._proxies.client_of(request)
        if refusal := self._admission.refusal(request, address):
            return refusal
        bearer = _Bearer(self._services, self._gate, _token_of(request), address)
        caller = await self._caller(request, bearer)
        if not isinstance(caller, Caller):
            return caller
        switch = self._address_of()
        if switch is None:
            return _unavailable()
        with self._admission.counted(address):
            return await self._connect(request, switch, source_of(caller.account_id), bearer)

    async def _caller(
        self, request: web.BaseRequest, bearer: _Bearer
    ) -> Caller | web.StreamResponse:
        """Who asks, or why nobody is let in: a page of elsewhere, or a stranger."""
        if SIP not in _offered(request):
            return web.Response(status=400, text="The subprotocol is sip.")
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is not None and _host_of(origin) != request.host:
            return web.Response(status=403, text="Only pages of this server may connect.")
        try:
            caller = await bearer.first()
        except CrossbarError as error:
            return web.Response(status=error.status, headers=error.headers, text=error.phrase)
        return caller or web.Response(status=401, text="A token is needed.")

    async def _connect(
        self, request: web.BaseRequest, switch: str, source: str, bearer: _Bearer
    ) -> web.StreamResponse:
        limit = aiohttp.ClientTimeout(total=None, sock_connect=CONNECTING)
        line = aiohttp.TCPConnector(local_addr=(source, 0))
        socket = self._admission.socket(SIP)
        async with aiohttp.ClientSession(timeout=limit, connector=line) as session:
            try:
                async with asyncio.timeout(CONNECTING):
                    there = await session.ws_connect(
                        switch, protocols=(SIP,), max_msg_size=self._settings.max_frame
                    )
            except (aiohttp.ClientError, TimeoutError) as error:
                log.warning("switch_not_reached", error=repr(error))
                return _unavailable()
            async with there, self._services.feed.following() as follower:
                await socket.prepare(request)
                await self._between(socket, there, _watch(bearer, follower))
        return socket

    async def _between(
        self, here: web.WebSocketResponse, there: Peer, watch: Coroutine[None, None, Farewell]
    ) -> None:
        """Pass on until one side ends it, or ``watch`` says that it is over, and why."""
        allowance = Allowance(self._settings.frames_per_second)
        watching = asyncio.create_task(watch)
        work = [
            asyncio.create_task(self._pass_on(here, there, allowance)),
            asyncio.create_task(self._pass_on(there, here, None)),
            watching,
        ]
        farewell = GOING
        try:
            await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
            if watching.done() and watching.exception() is None:
                farewell = watching.result()
        finally:
            for task in work:
                task.cancel()
            for outcome in await asyncio.gather(*work, return_exceptions=True):
                if isinstance(outcome, Exception) and not isinstance(outcome, ConnectionError):
                    log.error("telephone_failed", exc_info=outcome)
        for peer in (here, there):
            if not peer.closed:
                await peer.close(code=farewell.code, message=farewell.why)

    async def _pass_on(self, source: Peer, target: Peer, allowance: Allowance | None) -> None:
        """One direction. A side that does not read holds up the other one, and nothing is kept."""
        while True:
            message: WSMessage = await source.receive()
            if message.type is WSMsgType.TEXT:
                await target.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                await target.send_bytes(message.data)
            else:
                return
            if allowance is not None and not allowance.spend():
                await source.close(code=WSCloseCode.POLICY_VIOLATION, message=b"too many frames")
                return


def source_of(account_id: str) -> str:
    """The address of this machine from which the switch is asked for an account.

    The switch shuts out addresses from which passwords are guessed: so it is one account's phones,
    not everybody's. Only Linux has all of 127.0.0.0/8.
    """
    if sys.platform != "linux":
        return "127.0.0.1"
    digest = hashlib.sha256(account_id.encode()).digest()
    return f"127.{1 + digest[0] % 254}.{digest[1]}.{1 + digest[2] % 254}"


def _offered(request: web.BaseRequest) -> list[str]:
    lines = request.headers.getall(hdrs.SEC_WEBSOCKET_PROTOCOL, ())
    return [each.strip() for line in lines for each in line.split(",")]


def _token_of(request: web.BaseRequest) -> str:
    token = next((each for each in _offered(request) if each.startswith(BEARER)), "")
    return token.removeprefix(BEARER)


def _host_of(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


def _unavailable() -> web.StreamResponse:
    headers = {hdrs.RETRY_AFTER: "10"}
    return web.Response(status=503, text="No telephone switch runs here.", headers=headers)


async def _watch(bearer: _Bearer, follower: Follower) -> Farewell:
    """Return when the server stops, or when nobody would be let in any more with the token."""
    while True:
        try:
            await follower.next(TICK)
        except Late:
            continue
        except Ended:
            return GOING
        if not await bearer.is_welcome():
            return WORTHLESS
