"""Answers that are complete when they are made, sent in one piece.

aiohttp's own response may still be changed while it is sent: cookies, chunks, compression,
signals. Asking for all of that takes longer than reading the document that is answered.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from http import HTTPStatus

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import HttpVersion, HttpVersion10, HttpVersion11


def lines_of(headers: Mapping[str, str]) -> str:
    """Headers as they are sent. Raises :class:`ValueError` for one that holds a line break."""
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    if lines.count("\n") != len(headers) or lines.count("\r") != len(headers):
        raise ValueError("a header holds a line break")
    return lines


@cache
def _first_line(version: HttpVersion, status: int) -> str:
    return f"HTTP/{version.major}.{version.minor} {status} {HTTPStatus(status).phrase}\r\n"


class WholeResponse(web.StreamResponse):
    """Status, headers and body, known before the first byte is sent.

    ``lines`` are the headers (:func:`lines_of`), ``Date`` and ``Server`` among them; what depends
    on the request's connection is added. For a status that allows a body.
    """

    def __init__(self, *, status: int, lines: str, body: bytes) -> None:
        super().__init__(status=status)
        self._head = f"{lines}Content-Length: {len(body)}\r\n"
        self._content = body
        self._stays_open: bool | None = None

    @property
    def keep_alive(self) -> bool | None:
        """Whether the connection stays open afterwards; ``None`` until that is known."""
        return self._stays_open

    def force_close(self) -> None:
        """End the connection with this answer."""
        self._stays_open = False

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter:
        """Send it all."""
        writer, version = request.writer, request.version
        if self._stays_open is None:
            self._stays_open = request.keep_alive
        connection = ""
        if not self._stays_open and version == HttpVersion11:
            connection = "Connection: close\r\n"
        elif self._stays_open and version == HttpVersion10:
            connection = "Connection: keep-alive\r\n"
        first = _first_line(version, self.status)
        head = f"{first}{self._head}{connection}\r\n".encode()
        # While the client takes it there is one copy in memory, not two.
        content, self._content = b"" if request.method == "HEAD" else self._content, b""
        await writer.write_eof(head + content)
        return writer

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing is left to send."""
