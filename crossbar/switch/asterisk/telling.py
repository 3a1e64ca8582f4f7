"""What happens in this switch, told to the gateway as any other switch tells it.

Events wait in memory until they are taken, in batches; each counts once, also when nobody knows
whether a batch was. So a store that does not answer for a while holds up no call.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import deque
from collections.abc import Callable

import structlog

from crossbar.clock import Clock
from crossbar.core.requests import Action, Actor, Caller, request_to
from crossbar.core.services import Services
from crossbar.documents import Document
from crossbar.errors import CrossbarError
from crossbar.storage import StoreError

log = structlog.get_logger(__name__)

MOST = 500
"""Events of a batch."""

KEPT = 100_000
"""Events that wait at most; beyond that the oldest are lost."""

PAUSE = 0.5
"""Seconds until a batch is tried again."""

LONGEST = 256
"""Characters of a text; longer ones, as phones may send them, are cut."""


class Teller:
    """Tells events, in the order in which they happened. Of a kind of its own: ``source``."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.source = f"asterisk@{socket.gethostname()}:{services.settings.switch.sip_port}"
        """Who counts these events: the switch of this machine and port."""

        self._real = Clock()
        self._last = 0
        self._waiting: deque[Document] = deque(maxlen=KEPT)
        self._woken = asyncio.Event()
        self._told = asyncio.Event()
        self._told.set()
        self.listeners: list[Callable[[str, str, Document], None]] = []
        """Who hears at once of every event: its type, the account, what happened."""

    def tell(self, type: str, account_id: str, data: Document) -> None:
        """Tell an event of an account some time soon; what has no value is left out."""
        self._last = max(self._last + 1, round(self._real.precise() * 1_000_000))
        facts = {name: _cut(value) for name, value in data.items() if value not in (None, "")}
        event = {
            "sequence": self._last,
            "type": type,
            "account_id": account_id,
            "at": self._services.clock.gregorian(),
            "data": facts,
        }
        self._waiting.append(event)
        for listener in self.listeners:
            listener(type, account_id, facts)
        self._told.clear()
        self._woken.set()

    async def settled(self) -> None:
        """Return when all that was told is taken."""
        await self._told.wait()

    async def work(self) -> None:
        """Tell what there is, for ever."""
        if self._waiting:
            self._woken.set()
        while True:
            await self._woken.wait()
            self._woken.clear()
            while self._waiting:
                try:
                    await self._send()
                except (CrossbarError, StoreError, OSError) as error:
                    log.warning("events_not_taken", error=repr(error))
                    await asyncio.sleep(PAUSE)
            self._told.set()

    async def finish(self, seconds: float) -> None:
        """Tell what is left, within a time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.settled()

    async def _send(self) -> None:
        batch = [self._waiting[at] for at in range(min(MOST, len(self._waiting)))]
        request = request_to(
            await self._actor(),
            Action.REPLACE,
            "switch",
            "events",
            data={"source": self.source, "events": batch},
        )
        answer = (await request.operation.handler(request)).data
        for refused in answer["refused"]:
            log.error("event_refused", **refused)
        while self._waiting and self._waiting[0]["sequence"] <= answer["last"]:
            self._waiting.popleft()

    async def _actor(self) -> Actor:
        """The switch, which may tell of all accounts."""
        master = await self._services.accounts.master()
        account_id = master.account_id if master else ""
        caller = Caller(
            account_id=account_id,
            method="switch",
            priv_level="admin",
            claims={"dialect": "switch"},
            is_superduper_admin=True,
        )
        return Actor(services=self._services, caller=caller, request_id="switch")


def _cut(value: object) -> object:
    return value[:LONGEST] if isinstance(value, str) else value
