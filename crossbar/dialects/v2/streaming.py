"""Sending bytes as they come, for as long as whoever asked for them may have them."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing

from aiohttp import web

from crossbar.core.requests import Stream
from crossbar.dialects.v2.exchange import Exchange, begin, headers_of

ASKED_AGAIN = 1.0
"""Seconds after which it is asked again whether the caller may go on reading."""


async def pass_on(
    exchange: Exchange, stream: Stream, is_admitted: Callable[[], Awaitable[bool]]
) -> web.StreamResponse:
    """The answer, which ends when the caller is not admitted any more."""
    exchange.headers |= {"cache-control": "no-store", "x-accel-buffering": "no"}
    response = web.StreamResponse(headers=headers_of(exchange, stream.content_type))
    async with aclosing(stream.chunks) as chunks:
        await begin(exchange, response)
        if exchange.request.method != "HEAD":
            asked = time.monotonic()
            async for chunk in chunks:
                if time.monotonic() - asked > ASKED_AGAIN:
                    if not await is_admitted():
                        break
                    asked = time.monotonic()
                await response.write(chunk)
    await response.write_eof()
    return response
