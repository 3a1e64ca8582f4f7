"""What is served as it stands, to anybody: pages and the documents that describe the dialects."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Mapping
from functools import cache

from aiohttp import web

from crossbar.dialects.headers import joined

Maker = Callable[[], bytes]


class Page:
    """Bytes of a media type, made when they are first asked for and then kept."""

    def __init__(self, content_type: str, make: Maker, headers: Mapping[str, str] = {}) -> None:
        self._headers = {"content-type": content_type, "vary": "accept-encoding", **headers}
        self.content = cache(make)
        self.compressed = cache(lambda: gzip.compress(self.content(), mtime=0))
        self.tag = cache(lambda: f'"{hashlib.sha256(self.content()).hexdigest()[:32]}"')

    def answer(self, request: web.BaseRequest) -> web.Response:
        """The page, or 304 for a client that has it; 405 for what does not read."""
        if request.method not in ("GET", "HEAD"):
            return web.Response(status=405, headers={"allow": "GET, HEAD"})
        headers = {**self._headers, "etag": self.tag(), "cache-control": "no-cache"}
        if self.tag() in (joined(request.headers, "If-None-Match") or ""):
            return web.Response(status=304, headers=headers)
        body = self.content()
        if "gzip" in (joined(request.headers, "Accept-Encoding") or ""):
            headers["content-encoding"] = "gzip"
            body = self.compressed()
        return web.Response(body=body, headers=headers)


class Pages:
    """The pages of the gateway by their paths."""

    def __init__(self, pages: Mapping[str, Page]) -> None:
        self._pages = dict(pages)

    def answer(self, request: web.BaseRequest, path: str) -> web.Response | None:
        """The page at the request's path, if there is one."""
        page = self._pages.get(path)
        return page.answer(request) if page else None
