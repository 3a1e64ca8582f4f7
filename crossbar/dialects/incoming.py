"""The bytes that a request carries, within limits of size, time and memory.

What they mean, and how a client is told that they cannot be read, each dialect says itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from crossbar.aside import QUICK, aside
from crossbar.dialects.connections import connection_of
from crossbar.dialects.multipart import Malformed
from crossbar.dialects.targets import query_pairs
from crossbar.errors import PayloadTooLarge, RequestTimeout, TooManyMembers
from crossbar.settings import Http

T = TypeVar("T")

FORM_TYPE = "application/x-www-form-urlencoded"

ESCAPES = 10
"""Escaped bytes of a form (``%41``) that take as long to read as one more field."""


async def read_whole(
    request: web.BaseRequest, settings: Http, limit: int, *, is_stranger: bool = False
) -> bytes:
    """The body; ``is_stranger`` only explains a limit.

    Raises :class:`PayloadTooLarge` above ``limit`` bytes, :class:`RequestTimeout`,
    :class:`~crossbar.errors.Overloaded` and :class:`Malformed`.
    """
    await _begin(request, limit, is_stranger=is_stranger)
    try:
        if request.content.is_eof():
            # Most bodies arrive with their head. A timeout would take longer than to read them.
            content = request.content.read_nowait()
            _hold(request, content)
        else:
            async with asyncio.timeout(settings.request_timeout):
                content = await _arriving(request, limit)
    except TimeoutError:
        raise RequestTimeout from None
    except (HttpProcessingError, web.RequestPayloadError) as error:
        raise Malformed(_reason(error)) from None
    if len(content) > limit:
        raise PayloadTooLarge(limit, is_stranger=is_stranger)
    return content


async def _arriving(request: web.BaseRequest, limit: int) -> bytes:
    """What arrives, up to the end or until it is too much."""
    chunks, size = [], 0
    async for chunk in request.content.iter_any():
        _hold(request, chunk)
        chunks.append(chunk)
        size += len(chunk)
        if size > limit:
            break
    if size <= QUICK:
        return b"".join(chunks)
    return await aside(partial(b"".join, chunks))  # many may be complete at the same moment


def _hold(request: web.BaseRequest, chunk: bytes) -> None:
    if connection := connection_of(request):
        connection.hold(len(chunk))


async def worked_out(content: bytes, work: Callable[[], T]) -> T:
    """What ``work`` makes of a body. A large one does not hold other requests up."""
    return work() if len(content) <= QUICK else await aside(work)


def form_pairs(content: bytes, settings: Http) -> tuple[tuple[str, str], ...]:
    """The fields of a form. Raises :class:`TooManyMembers`."""
    escapes = content.count(b"%") // ESCAPES
    if content.count(b"&") + escapes >= settings.max_members:
        raise TooManyMembers(settings.max_members)
    return query_pairs(content.decode("utf-8", "replace"))


async def _begin(request: web.BaseRequest, limit: int, *, is_stranger: bool) -> None:
    """Refuse a body that says that it is too large; invite one that waits (RFC 9110 §10.1.1)."""
    if request.content_length is not None and request.content_length > limit:
        raise PayloadTooLarge(limit, is_stranger=is_stranger)
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # nothing of the answer itself is sent yet


def _reason(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0][:200] if lines else "unreadable"
