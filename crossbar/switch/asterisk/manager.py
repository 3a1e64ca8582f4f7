"""Asterisk's older interface (AMI), over HTTP: for what ARI cannot do."""

from __future__ import annotations

import asyncio

import aiohttp

from crossbar.switch.asterisk.ari import AriError
from crossbar.switch.asterisk.files import APP

WAIT = 20
"""Seconds that events are waited for at a time; a session that is silent for longer ends."""

TIMEOUT = aiohttp.ClientTimeout(total=WAIT + 10)

COOKIE = "mansession_id"

Fields = list[tuple[str, str]]
"""Names and values of an action, in their order; a name may come several times."""


class Manager:
    """Has Asterisk do actions. Each is done within a session, which is opened when need be."""

    def __init__(self, port: int, secret: str) -> None:
        self._url = f"http://127.0.0.1:{port}/rawman"
        self._login: Fields = [("Action", "Login"), ("Username", APP), ("Secret", secret)]
        self._session: aiohttp.ClientSession | None = None
        self._cookie = ""
        self._turn = asyncio.Lock()

    async def close(self) -> None:
        """Give up the connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def do(self, action: str, fields: Fields) -> None:
        """Have an action done. Raises :class:`AriError` where it is not."""
        await self._done(action, fields)

    async def _done(self, action: str, fields: Fields) -> str:
        async with self._turn:
            asked = [("Action", action), *fields]
            text = await self._ask(asked) if self._cookie else ""
            if not text or "Permission denied" in text or "Authentication" in text:
                self._cookie = ""
                await self._ask(self._login)
                text = await self._ask(asked)
        if "Response: Success" not in text:
            raise AriError(0, text[:200])
        return text

    async def events(self) -> list[dict[str, str]]:
        """What has happened that this session is told of; waits until something has, or a while.

        Names are in lower case. Raises :class:`AriError`.
        """
        text = await self._done("WaitEvent", [("Timeout", str(WAIT))])
        return [_event(each) for each in text.split("\r\n\r\n") if each.startswith("Event: ")]

    async def _ask(self, fields: Fields) -> str:
        if self._session is None:
            jar = aiohttp.DummyCookieJar()
            self._session = aiohttp.ClientSession(cookie_jar=jar, timeout=TIMEOUT)
        cookies = {COOKIE: self._cookie} if self._cookie else {}
        form = aiohttp.FormData(fields)
        try:
            async with self._session.post(self._url, data=form, cookies=cookies) as response:
                if COOKIE in response.cookies:
                    self._cookie = response.cookies[COOKIE].value.strip('"')
                return await response.text()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise AriError(0, str(error)) from None


def _event(text: str) -> dict[str, str]:
    pairs = (line.partition(": ") for line in text.split("\r\n"))
    return {name.lower(): value for name, _, value in pairs}
