"""What is served as it stands, to anybody: pages and the documents that describe the dialects."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Mapping
from typing import NamedTuple

from aiohttp import web

from crossbar.aside import aside
from crossbar.dialects.headers import joined

Maker = Callable[[], bytes]


class Made(NamedTuple):
    """A page as it is sent: its bytes, the same compressed, and the tag by which it is known."""

    content: bytes
    compressed: bytes
    tag: str


class Page:
    """Bytes of a media type, made when they are first asked for and then kept.

    Some take a quarter of a second to make, so that is done aside.
    """

    def __init__(self, content_type: str, make: Maker, headers: Mapping[str, str] = {}) -> None:
        self._headers = {"content-type": content_type, "vary": "accept-encoding", **headers}
        self._make = make
        self._made: Made | None = None

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """The page, or 304 for a client that has it; 405 for what does not read."""
        if request.method not in ("GET", "HEAD"):
            return web.Response(status=405, headers={"allow": "GET, HEAD"})
        made = self._made
        if made is None:
            made = await aside(self._once)
        headers = {**self._headers, "etag": made.tag, "cache-control": "no-cache"}
        if made.tag in (joined(request.headers, "If-None-Match") or ""):
            return web.Response(status=304, headers=headers)
        body = made.content
        if "gzip" in (joined(request.headers, "Accept-Encoding") or ""):
            headers["content-encoding"] = "gzip"
            body = made.compressed
        return web.Response(body=body, headers=headers)

    def _once(self) -> Made:
        """Make it, unless who came before has. There is one thread for all of them."""
        if self._made is None:
            content = self._make()
            tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
            self._made = Made(content, gzip.compress(content, mtime=0), tag)
        return self._made
