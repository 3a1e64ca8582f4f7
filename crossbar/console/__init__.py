"""The web console: files that a browser runs, and how they are served at ``/console/``.

The console itself is JavaScript (``static/``) and a client of the public API like any other;
nothing here knows accounts or documents. The files are read once, compressed once and answered
from memory: what is not among them does not exist, whatever a path says.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

from aiohttp import hdrs, web

HOME = "/console/"
"""Where the console lives."""

START = "index.html"
MISSING = "missing.html"

CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""The kinds of files that are served, by the end of their names."""

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "media-src blob:",
        "connect-src 'self'",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
"""What a page may load: scripts, styles and answers from here, and what it made itself."""

HEADERS = {
    hdrs.CACHE_CONTROL: "no-cache",
    hdrs.VARY: hdrs.ACCEPT_ENCODING,
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Sent with every file. ``no-cache``: a browser keeps it and asks whether it is still the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file, ready to be sent. ``tag`` is its strong validator, with its quotes."""

    content: bytes
    compressed: bytes
    content_type: str
    tag: str


@cache
def files() -> Mapping[str, File]:
    """Every file of the console, by its path below :data:`HOME`."""
    return dict(_read(resources.files(__package__) / "static", ""))


def _read(folder: Traversable, prefix: str) -> Iterator[tuple[str, File]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _read(entry, f"{prefix}{entry.name}/")
            continue
        content_type = CONTENT_TYPES.get(f".{entry.name.rpartition('.')[2]}")
        if content_type is not None:
            content = entry.read_bytes()
            yield (
                prefix + entry.name,
                File(
                    content=content,
                    compressed=gzip.compress(content, mtime=0),
                    content_type=content_type,
                    tag=f'"{hashlib.sha256(content).hexdigest()[:32]}"',
                ),
            )


def is_for_console(path: str) -> bool:
    """Whether a request's path is the console's."""
    return path == HOME[:-1] or path.startswith(HOME)


def wants_page(request: web.BaseRequest) -> bool:
    """Whether a browser asks for a page: other clients do not name HTML in ``Accept``."""
    return "text/html" in request.headers.get(hdrs.ACCEPT, "")


def to_console() -> web.Response:
    """Sends a browser to the console. Not for ever: what lives at ``/`` may change."""
    headers = {hdrs.LOCATION: HOME, hdrs.VARY: hdrs.ACCEPT}
    return web.Response(status=302, headers=headers)


def answer(request: web.BaseRequest, path: str) -> web.Response:
    """A file of the console; for any other path a page that tells where to go, with 404."""
    if request.method not in (hdrs.METH_GET, hdrs.METH_HEAD):
        return web.Response(status=405, headers={hdrs.ALLOW: "GET, HEAD"})
    if not path.startswith(HOME):
        return to_console()
    found = files().get(path.removeprefix(HOME) or START)
    if found is None:
        return _send(request, files()[MISSING], 404)
    if found.tag in request.headers.get(hdrs.IF_NONE_MATCH, ""):
        return web.Response(status=304, headers={**HEADERS, hdrs.ETAG: found.tag})
    return _send(request, found, 200)


def _send(request: web.BaseRequest, file: File, status: int) -> web.Response:
    headers = {**HEADERS, hdrs.CONTENT_TYPE: file.content_type, hdrs.ETAG: file.tag}
    body = file.content
    if "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, ""):
        headers[hdrs.CONTENT_ENCODING] = "gzip"
        body = file.compressed
    return web.Response(status=status, headers=headers, body=body)
