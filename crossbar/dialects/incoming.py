"""The bytes that a request carries, whole or in parts, within limits of size and time.

What they mean, and how a client is told that they cannot be read, each dialect says itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import TypeVar

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from crossbar.errors import PayloadTooLarge, RequestTimeout

T = TypeVar("T")

FORM_TYPE = "application/x-www-form-urlencoded"

MAX_PARTS = 100
"""Parts of a multipart body; without a limit, empty ones could go on for ever."""


class Malformed(Exception):
    """The body is not encoded as the request's headers say; the text is the reason."""


async def in_time(request: web.BaseRequest, reading: Awaitable[T], seconds: float) -> T:
    """What reading the request's body gives. Raises :class:`RequestTimeout`."""
    if request.content.is_eof():
        # Most bodies arrive with their head. A timeout would take longer than to read them.
        return await reading
    try:
        async with asyncio.timeout(seconds):
            return await reading
    except TimeoutError:
        raise RequestTimeout from None


async def read_whole(request: web.BaseRequest, limit: int) -> bytes:
    """The body. Raises :class:`PayloadTooLarge` above ``limit`` bytes, and :class:`Malformed`."""
    await _begin(request, limit)
    arriving = bytearray()
    try:
        if request.content.is_eof():
            content = request.content.read_nowait()
        else:
            async for chunk in request.content.iter_any():
                arriving += chunk
                if len(arriving) > limit:
                    break
            content = bytes(arriving)
    except (HttpProcessingError, web.RequestPayloadError) as error:
        raise Malformed(_reason(error)) from None
    if len(content) > limit:
        raise PayloadTooLarge(limit)
    return content


async def read_parts(
    request: web.BaseRequest, limit: int
) -> AsyncIterator[tuple[BodyPartReader, bytes]]:
    """The parts of a multipart body, each with its content.

    Raises :class:`PayloadTooLarge` above ``limit`` bytes in all, and :class:`Malformed`.
    """
    await _begin(request, limit)
    left, count = limit, 0
    try:
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader):
                raise Malformed("multipart bodies do not nest")
            count += 1
            if count > MAX_PARTS:
                raise Malformed(f"more than {MAX_PARTS} parts")
            content = bytearray()
            while chunk := await part.read_chunk():
                content += chunk
                if len(content) > left:
                    raise PayloadTooLarge(limit)
            left -= len(content)
            yield part, bytes(content)
    except (ValueError, AssertionError, HttpProcessingError, web.RequestPayloadError) as error:
        raise Malformed(_reason(error)) from None


async def _begin(request: web.BaseRequest, limit: int) -> None:
    """Refuse a body that says that it is too large; invite one that waits (RFC 9110 §10.1.1)."""
    if request.content_length is not None and request.content_length > limit:
        raise PayloadTooLarge(limit)
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # nothing of the answer itself is sent yet


def _reason(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0][:200] if lines else "unreadable"
