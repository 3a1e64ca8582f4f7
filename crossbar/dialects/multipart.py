"""Taking multipart bodies apart, which are in memory already.

aiohttp's reader is made for bodies that are still on their way: it looks at what precedes the
first part line by line, without an end, and takes long for a part of many short pieces.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from email.message import Message

from aiohttp import content_disposition_filename, parse_content_disposition

from crossbar.values import valueclass

MAX_PARTS = 100
"""Parts of a body; without a limit, empty ones could go on for ever."""

MAX_BOUNDARY = 70
"""Characters, as RFC 2046 has it."""

MAX_HEAD = 8190
"""Bytes of a part's headers."""

_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)")


class Malformed(Exception):
    """The body is not encoded as the request's headers say; the text is the reason."""


@valueclass
class Part:
    """One part. Names of headers are lower-case; ``filename`` is ``None`` for what is no file."""

    headers: Mapping[str, str]
    content: bytes

    @property
    def name(self) -> str:
        """The name of the field; empty if it has none."""
        return self._named("name") or ""

    @property
    def filename(self) -> str | None:
        """The name of the file that was sent."""
        return self._named("filename")

    def _named(self, what: str) -> str | None:
        _, parameters = parse_content_disposition(self.headers.get("content-disposition"))
        return content_disposition_filename(parameters, what)


def parts_of(content_type: str, content: bytes) -> Iterator[Part]:
    """The parts of a body with this ``Content-Type``. Raises :class:`Malformed`."""
    pieces = (b"\r\n" + content).split(b"\r\n--" + _boundary(content_type), MAX_PARTS + 2)
    for number, piece in enumerate(pieces[1:], start=1):
        if piece.startswith(b"--"):
            return
        if number > MAX_PARTS:
            raise Malformed(f"more than {MAX_PARTS} parts")
        begin, end = piece.find(b"\r\n"), piece.find(b"\r\n\r\n")
        if end < 0 or piece[:begin].strip(b" \t"):
            raise Malformed("a part does not begin with its headers and an empty line")
        yield Part(headers=_headers(piece[begin + 2 : end]), content=piece[end + 4 :])
    raise Malformed("the boundary that ends the body is missing")


def _boundary(content_type: str) -> bytes:
    header = Message()
    header["content-type"] = content_type.encode("utf-8", "replace").decode()
    boundary = header.get_boundary("").encode()
    if not 0 < len(boundary) <= MAX_BOUNDARY:
        raise Malformed(f"the boundary must have from 1 to {MAX_BOUNDARY} characters")
    return boundary


def _headers(head: bytes) -> dict[str, str]:
    if len(head) > MAX_HEAD:
        raise Malformed(f"a part has headers of more than {MAX_HEAD} bytes")
    headers: dict[str, str] = {}
    for line in head.decode("utf-8", "surrogateescape").split("\r\n"):
        found = _HEADER.fullmatch(line)
        if line and not found:
            raise Malformed("a part has a header that is none")
        if found:
            headers.setdefault(found[1].lower(), found[2].rstrip())
    if headers.get("content-type", "").lower().startswith("multipart/"):
        raise Malformed("multipart bodies do not nest")
    return headers
