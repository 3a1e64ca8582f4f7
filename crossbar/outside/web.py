"""Asking other servers, by HTTP: little, soon, in JSON, and in the open only on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aiohttp
import orjson

from crossbar.core.ports import OutsideFailed, may_be_asked

TIMEOUT = aiohttp.ClientTimeout(total=10)
LARGEST = 1_000_000
"""Bytes of an answer."""

HEADERS = {"Accept": "application/json", "User-Agent": "crossbar"}


class Web:
    """Other servers. Redirections are not followed: secrets must not go where nobody named."""

    async def post_form(self, url: str, form: Mapping[str, str]) -> Any:
        """What is answered to a form."""
        return await self._ask("POST", url, data=dict(form))

    async def get(self, url: str, bearer: str = "") -> Any:
        """What is at an address."""
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        return await self._ask("GET", url, headers=headers)

    async def _ask(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> Any:
        if not may_be_asked(url):
            raise OutsideFailed("the address is not one of https")
        try:
            async with (
                aiohttp.ClientSession(timeout=TIMEOUT, headers=HEADERS) as session,
                session.request(
                    method, url, headers=headers, allow_redirects=False, **more
                ) as response,
            ):
                content = await _content(response)
                if response.status != 200:
                    raise OutsideFailed(f"answered with status {response.status}")
                return orjson.loads(content)
        except (aiohttp.ClientError, TimeoutError, ValueError, OSError) as error:
            raise OutsideFailed(type(error).__name__) from None


async def _content(response: aiohttp.ClientResponse) -> bytes:
    content = await response.content.read(LARGEST + 1)
    while len(content) <= LARGEST and (more := await response.content.read(LARGEST)):
        content += more
    if len(content) > LARGEST:
        raise OutsideFailed("answered with too much")
    return content
