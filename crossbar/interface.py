"""A user interface made elsewhere, handed out at ``/`` of the same origin: a built Monster UI.

Its files are served as they lie in their folder, but for its configuration, which is made here:
the API is where the page comes from. What is not a plain file in the folder does not exist: a path
leads nowhere else, neither by its parts nor by a link.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import orjson
from aiohttp import hdrs, web

from crossbar.dialects.pages import Page
from crossbar.dialects.targets import path_tokens
from crossbar.errors import NoSuchPath
from crossbar.settings import SettingsError, Ui

START = "index.html"
CONFIGURATION = ["js", "config.js"]

CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".gif": "image/gif",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".mp3": "audio/mpeg",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
    ".wav": "audio/x-wav",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
}
"""The kinds of files, by the ends of their names; others are unknown bytes."""

UNKNOWN = "application/octet-stream"

HEADERS = {
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "SAMEORIGIN",
}
"""Sent with every file: kept by browsers, who ask each time whether it is still the same."""


class Interface:
    """The files of the folder that the settings name, if they do.

    What is below the path ``reserved`` is somebody else's, and at ``socket`` is the server's own
    socket, if it has one. Raises
    :class:`~crossbar.settings.SettingsError` for a folder without a page to begin with.
    """

    def __init__(self, settings: Ui, *, reserved: str, socket: str) -> None:
        self._root = folder_of(settings) if settings.directory else None
        self._reserved = reserved
        self._configuration = Page(
            CONTENT_TYPES[".js"], lambda: configuration(settings, socket), HEADERS
        )

    async def answer(self, request: web.BaseRequest, path: str) -> web.StreamResponse | None:
        """The file at a path; ``None`` for what is not in the folder, or is not read."""
        is_read = request.method in ("GET", "HEAD")
        if self._root is None or not is_read or path.startswith(self._reserved):
            return None
        try:
            parts = [part for part in path_tokens(path) if part] or [START]
        except NoSuchPath:
            return None
        if parts == CONFIGURATION:
            return await self._configuration.answer(request)
        file = await asyncio.to_thread(_found, self._root, parts)
        if file is None:
            return None
        headers = {**HEADERS, hdrs.CONTENT_TYPE: CONTENT_TYPES.get(file.suffix.lower(), UNKNOWN)}
        return web.FileResponse(file, headers=headers)


def folder_of(settings: Ui) -> Path:
    """The folder that is served. Raises :class:`~crossbar.settings.SettingsError`."""
    root = Path(settings.directory)
    if not (root / START).is_file():
        raise SettingsError([f"ui.directory: there is no {START} in {root}"])
    return root.resolve()


def _found(root: Path, parts: list[str]) -> Path | None:
    """The file that a path leads to; ``None`` where there is none, and for hidden ones."""
    if any(part.startswith(".") or os.sep in part or "\0" in part for part in parts):
        return None
    try:
        file = root.joinpath(*parts).resolve(strict=True)
    except (OSError, ValueError):
        return None
    is_inside = file.is_relative_to(root)
    return file if is_inside and file.is_file() else None


def configuration(settings: Ui, socket: str) -> bytes:
    """What Monster UI asks for to learn where the API is: a module of RequireJS.

    The page knows best by what name this server is reached; so it does of the ``socket``, unless
    the settings name another one.
    """
    api = "'default': location.protocol + '//' + location.host + '/v2/'"
    if settings.socket:
        api += f", socket: {orjson.dumps(settings.socket).decode()}"
    elif socket:
        path = orjson.dumps(socket).decode()
        api += f", socket: location.protocol.replace('http', 'ws') + '//' + location.host + {path}"
    return f"define({{ api: {{ {api} }} }});\n".encode()
