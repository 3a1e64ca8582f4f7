"""The web console: files that a browser runs, and how they are served at ``/console/``.

The console itself is JavaScript (``static/``) and a client of the public API like any other;
nothing here knows accounts or documents. What is not among its files does not exist, whatever a
path says.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable

from aiohttp import hdrs, web

from crossbar.dialects.headers import joined
from crossbar.dialects.pages import Page

HOME = "/console/"
"""Where the console lives."""

START = "index.html"
MISSING = "missing.html"

PLACE = HOME + "js/place.js"

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
        "img-src 'self' blob: data:",
        "media-src blob:",
        "connect-src 'self'",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
"""What a page may load: scripts, styles and answers from here, and what it made itself."""

HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}
"""Sent with every file."""


def pages() -> dict[str, Page]:
    """Every file of the console, by its path. They are read when they are first asked for."""
    found = dict(_pages_of(resources.files(__package__) / "static", HOME))
    return {**found, HOME: found[HOME + START]}


def _pages_of(folder: Traversable, path: str) -> Iterator[tuple[str, Page]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _pages_of(entry, f"{path}{entry.name}/")
        elif content_type := CONTENT_TYPES.get(f".{entry.name.rpartition('.')[2]}"):
            yield path + entry.name, Page(content_type, entry.read_bytes, HEADERS)


PAGES = pages()
"""The files; the same for every process."""


def place(socket: str) -> Page:
    """The one file that says something of this server: where its socket is, empty for nowhere."""
    text = f"export const SOCKET = {json.dumps(socket)};\n"
    return Page(CONTENT_TYPES[".js"], text.encode, HEADERS)


async def answer(request: web.BaseRequest, path: str, place: Page) -> web.Response | None:
    """What a browser gets that asks for the console, or for nothing in particular.

    The console's files are among the gateway's pages. Left are :func:`place`, the console's
    address without the slash, the root, and addresses that name no file: a page with 404 tells
    where to go. ``None`` for everything else: that is not the console's, or no browser asks.
    """
    if path == PLACE:
        return await place.answer(request)
    if path.startswith(HOME):
        page = await PAGES[HOME + MISSING].answer(request)
        if page.status == web.HTTPOk.status_code:
            page.set_status(web.HTTPNotFound.status_code)
        return page
    is_browser = "text/html" in (joined(request.headers, hdrs.ACCEPT) or "")
    if path == HOME[:-1] or (path == "/" and is_browser):
        return web.Response(status=302, headers={hdrs.LOCATION: HOME, hdrs.VARY: hdrs.ACCEPT})
    return None
