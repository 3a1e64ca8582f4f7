"""One connection: what its client asks for is answered, and it is told of events.

One task reads and answers frames, another one tells of events. Neither keeps anything for a client
that does not read: answers wait for room on the connection, and so does the next frame; events are
kept by the follower, of which there are so many at most.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

import structlog
from aiohttp import WSCloseCode, WSMsgType, web

from crossbar.core.feed import Ended, Follower, Late
from crossbar.core.requests import Caller
from crossbar.core.services import Services
from crossbar.documents import Document, new_id
from crossbar.errors import CrossbarError
from crossbar.families.websockets import LEASE, Listed
from crossbar.identity.gate import Gate
from crossbar.storage import StoreError
from crossbar.websockets.admission import Allowance
from crossbar.websockets.bearers import TICK
from crossbar.websockets.frames import (
    BAD_TOKEN,
    Frame,
    Refused,
    frame_of,
    parsed,
    refusal,
    reply,
)
from crossbar.websockets.subscriptions import Subscriptions

log = structlog.get_logger(__name__)

UNKNOWN_TIME = 30.0
"""Seconds that a client may take until it says who it is."""


class Session:
    """A connection that was accepted."""

    def __init__(
        self,
        services: Services,
        gate: Gate,
        socket: web.WebSocketResponse,
        request: web.BaseRequest,
        address: str,
    ) -> None:
        self._services = services
        self._gate = gate
        self._settings = services.settings.websockets
        self._socket = socket
        self._transport = request.transport
        self._address = address
        self._name = _name_of(request, address)
        self._allowance = Allowance(self._settings.frames_per_second)
        self._token = ""
        self._caller: Caller | None = None
        self._said: tuple[str, Document] = ("", {})
        self._is_news = False
        facts: Document = {
            "websocket_session_id": self._name,
            "timestamp": services.clock.gregorian(),
            "destination": request.host,
            "source": self._name,
        }
        self._listed = Listed(services, new_id(), facts)

    async def run(self) -> None:
        """Serve the connection until one side ends it."""
        async with self._services.feed.following() as follower:
            most = self._settings.max_bindings
            subscriptions = Subscriptions(
                self._services, self._gate, follower, self._address, most
            )
            tasks = [
                asyncio.create_task(self._read(follower, subscriptions)),
                asyncio.create_task(self._tell(follower, subscriptions)),
            ]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                for outcome in await asyncio.gather(*tasks, return_exceptions=True):
                    self._note(outcome)
                await self._listed.end()
        if not self._socket.closed:
            await self._socket.close()

    def _note(self, outcome: object) -> None:
        expected = (asyncio.CancelledError, ConnectionError)
        if isinstance(outcome, Exception) and not isinstance(outcome, expected):
            log.error("websocket_failed", exc_info=outcome)

    # Frames

    async def _read(self, follower: Follower, subscriptions: Subscriptions) -> None:
        while True:
            patience = self._settings.idle_timeout if self._caller else UNKNOWN_TIME
            try:
                message = await self._socket.receive(patience)
            except TimeoutError:
                await self._close(WSCloseCode.POLICY_VIOLATION, b"nothing was said for too long")
                return
            if message.type is WSMsgType.TEXT:
                await self._socket.send_str(await self._answer(message.data, subscriptions))
                follower.wake()  # it may be listed otherwise now
            elif message.type is WSMsgType.BINARY:
                await self._socket.send_str(refusal("", ["frames have to be text"]))
            else:
                return

    async def _answer(self, text: str, subscriptions: Subscriptions) -> str:
        """The answer to a frame, whatever it is."""
        request_id = ""
        try:
            self._charge()
            request_id, sent = parsed(text)
            return reply(request_id, await self._done(frame_of(request_id, sent), subscriptions))
        except Refused as refused:
            return refusal(request_id, [str(refused)])
        except (CrossbarError, StoreError) as error:
            log.warning("frame_failed", error=repr(error))
            return refusal(request_id, ["the server cannot do that now"])

    def _charge(self) -> None:
        """Raise :class:`Refused` when frames come too fast."""
        if not self._allowance.spend():
            raise Refused(f"rate limiting threshold hit for {self._name}!")

    async def _done(self, frame: Frame, subscriptions: Subscriptions) -> Document:
        """Do what a frame asks for. Raises :class:`Refused`."""
        token = frame.token or self._token
        caller = await subscriptions.authenticate(token)
        self._token, self._caller, self._is_news = token, caller, True
        if frame.name or frame.metadata:
            self._said = frame.name, frame.metadata
        if frame.action == "subscribe":
            return {"subscribed": await subscriptions.add(frame, token, caller)}
        if frame.action == "unsubscribe":
            ended = subscriptions.remove(frame)
            return {"unsubscribed": ended, "subscribed": subscriptions.bindings}
        if frame.action == "ping":
            return {"response": "pong"}
        if frame.action == "noop":
            return {}
        raise Refused(f"action {frame.action} not supported")

    # Events

    async def _tell(self, follower: Follower, subscriptions: Subscriptions) -> None:
        looked = told = time.monotonic()
        while True:
            try:
                taken = await follower.next(TICK)
            except Late:
                log.info("websocket_too_slow", address=self._address)
                self._abort()
                return
            except Ended:
                await self._close(WSCloseCode.GOING_AWAY, b"the server stops")
                return
            for numbered in taken:
                for frame in await subscriptions.frames_of(numbered):
                    await self._socket.send_str(frame)
            now = time.monotonic()
            if taken or now - looked >= TICK:
                looked = now
                await self._end_worthless(subscriptions)
            if self._is_news or now - told > LEASE / 3:
                told = now
                await self._list(subscriptions)

    async def _end_worthless(self, subscriptions: Subscriptions) -> None:
        """End what a token does not allow any more, and say so."""
        if ended := await subscriptions.end_worthless():
            self._is_news = True
            more = {"unsubscribed": ended, "subscribed": subscriptions.bindings}
            await self._socket.send_str(refusal("", [BAD_TOKEN], **more))

    async def _list(self, subscriptions: Subscriptions) -> None:
        """Have it listed as it is; if that fails, the next time."""
        if self._caller is None:
            return
        self._is_news = False
        try:
            bindings = subscriptions.bindings
            await self._listed.tell(self._caller.account_id, bindings, *self._said)
        except (CrossbarError, StoreError) as error:
            log.warning("websocket_not_listed", error=repr(error))

    # The end

    async def _close(self, code: int, why: bytes) -> None:
        with suppress(ConnectionError):
            await self._socket.close(code=code, message=why)

    def _abort(self) -> None:
        """Cut off a client that does not read: a farewell would wait behind all the rest."""
        if self._transport is not None:
            self._transport.abort()


def _name_of(request: web.BaseRequest, address: str) -> str:
    """What clients call it: the client's address, and a port to tell connections apart."""
    peer = request.get_extra_info("peername") or ("", 0)
    host = f"[{address}]" if ":" in address else address
    return f"{host}:{peer[1]}"
