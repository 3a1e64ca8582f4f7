"""The seam to a switch that runs beside this process: what is told and ordered goes over to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp
import orjson
import structlog

from crossbar.core.ports import Command, NoSwitch
from crossbar.documents import Document
from crossbar.errors import SwitchTimedOut, SwitchUnavailable
from crossbar.switch.place import read_place

log = structlog.get_logger(__name__)

JSON = "application/json"

SHORT = 5.0
"""Seconds for what is not waited for in a switch."""


class NotThere(Exception):
    """No switch runs here."""


class SwitchBeside:
    """A :class:`~crossbar.core.ports.Switch`: the one of a folder, as soon as it runs.

    While there is none it does what stands in for one.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._none = NoSwitch()

    def sip_address(self) -> str | None:
        """Where it takes SIP over a WebSocket, on this machine; ``None`` while none runs."""
        place = read_place(self._folder)
        return place.sip_url if place else None

    async def tell(self, command: Command) -> None:
        """Pass a command on; one that nobody takes is remembered."""
        try:
            await self._send("tell", command, SHORT)
        except (NotThere, SwitchUnavailable, SwitchTimedOut):
            await self._none.tell(command)

    async def ask(self, command: Command) -> list[Document]:
        """What the switch knows beyond what it has told."""
        try:
            answered: list[Document] = await self._send("ask", command, SHORT)
        except (NotThere, SwitchUnavailable, SwitchTimedOut):
            return await self._none.ask(command)
        return answered

    async def order(self, command: Command, timeout: float) -> Document:
        """Have it done, and wait for what came of it."""
        try:
            done: Document = await self._send("order", command, timeout)
        except NotThere:
            raise SwitchUnavailable from None
        return done

    async def _send(self, manner: str, command: Command, timeout: float) -> Any:
        place = read_place(self._folder)
        if place is None:
            raise NotThere
        asked = {**command._asdict(), "manner": manner, "timeout": timeout}
        limit = aiohttp.ClientTimeout(total=timeout + SHORT, sock_connect=SHORT)
        try:
            async with (
                aiohttp.ClientSession(timeout=limit) as session,
                session.post(f"{place.url}/commands", data=orjson.dumps(asked)) as response,
            ):
                content = await response.read()
        except TimeoutError:
            raise SwitchTimedOut from None
        except aiohttp.ClientError as error:
            raise NotThere from error
        if response.status == 200:
            return orjson.loads(content)["done"]
        is_late = response.content_type == JSON and (
            orjson.loads(content).get("error") == SwitchTimedOut.code
        )
        raise SwitchTimedOut if is_late else SwitchUnavailable
