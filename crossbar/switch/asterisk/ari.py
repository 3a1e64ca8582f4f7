"""Asterisk's own interface (ARI): commands over HTTP, and a socket with what happens."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import aiohttp
import orjson
import structlog

from crossbar.documents import Document
from crossbar.switch.asterisk.files import APP

log = structlog.get_logger(__name__)

PAUSE = 0.2
"""Seconds until the socket is opened again."""

TRIES = 25
"""How often in a row the socket cannot be opened before that is said: Asterisk needs seconds to
start."""

TIMEOUT = aiohttp.ClientTimeout(total=10)


class AriError(Exception):
    """Asterisk could not do it; ``status`` as HTTP has it, 0 where nobody answered."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text}")
        self.status = status


class Ari:
    """A connection to Asterisk."""

    def __init__(self, port: int, secret: str) -> None:
        self._url = f"http://127.0.0.1:{port}/ari"
        word = base64.b64encode(f"{APP}:{secret}".encode()).decode()
        self._headers = {"Authorization": f"Basic {word}"}
        self._session: aiohttp.ClientSession | None = None
        self.is_given_up = False
        """Whether nothing more is to be done, whatever is asked for."""

    async def close(self) -> None:
        """Give up the connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def get(self, *path: str, **query: object) -> Any:
        """Read something."""
        return orjson.loads(await self._ask("GET", path, query, None))

    async def post(self, *path: str, body: Document | None = None, **query: Any) -> Any:
        """Make or do something."""
        content = await self._ask("POST", path, query, body)
        return orjson.loads(content) if content else None

    async def put(self, *path: str, **query: Any) -> None:
        """Change something, or have it read anew."""
        await self._ask("PUT", path, query, None)

    async def delete(self, *path: str, **query: object) -> None:
        """End something; what has ended already is no error."""
        try:
            await self._ask("DELETE", path, query, None)
        except AriError as error:
            if error.status not in (404, 409):
                raise

    async def content(self, *path: str) -> bytes:
        """A file."""
        return await self._ask("GET", path, {}, None)

    async def _ask(
        self, verb: str, path: tuple[str, ...], query: dict[str, object], body: Document | None
    ) -> bytes:
        if self.is_given_up:
            raise asyncio.CancelledError
        where = "/".join((self._url, *(quote(part, safe="") for part in path)))
        asked = {name: str(value) for name, value in query.items() if value not in (None, "")}
        try:
            async with self._opened().request(verb, where, params=asked, json=body) as response:
                content = await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise AriError(0, str(error)) from None
        if response.status >= 400:
            raise AriError(response.status, content.decode(errors="replace")[:200])
        return content

    async def events(self) -> AsyncIterator[Document | None]:
        """What happens, for ever; ``None`` each time that Asterisk has been reached anew."""
        failed = 0
        while True:
            with suppress(aiohttp.ClientError, OSError, TimeoutError):
                params = {"app": APP, "subscribeAll": "true"}
                async with self._opened().ws_connect(
                    f"{self._url}/events", params=params, heartbeat=20, max_msg_size=0
                ) as socket:
                    log.info("asterisk_connected")
                    failed = 0
                    yield None
                    async for message in socket:
                        is_text = message.type is aiohttp.WSMsgType.TEXT
                        if is_text and (event := _event_in(message.data)) is not None:
                            yield event
            failed += 1
            if failed == TRIES:
                log.warning("asterisk_not_reached", tries=failed)
            await asyncio.sleep(PAUSE)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(headers=self._headers, timeout=TIMEOUT)
        return self._session


def _event_in(told: str) -> Document | None:
    """What happened; ``None`` for what is no event, which ends nothing."""
    with suppress(ValueError):
        event = orjson.loads(told)
        if isinstance(event, dict) and isinstance(event.get("type"), str):
            return event
    log.warning("event_not_understood", told=told[:200])
    return None
