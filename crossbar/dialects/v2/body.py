"""Reading a v2 request: envelope, uploaded files, parameters (protocol reference §2)."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Mapping
from typing import Any, TypeVar
from urllib.parse import unquote, unquote_plus

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from crossbar.core.actions import JSON_TYPES, Upload
from crossbar.dialects.targets import split_target
from crossbar.dialects.v2.parsing import parse_json
from crossbar.errors import NoSuchPath, PayloadTooLarge, RequestTimeout, ValidationFailed
from crossbar.logs import redact
from crossbar.records import record
from crossbar.settings import Http

T = TypeVar("T")

FORM_TYPE = "application/x-www-form-urlencoded"
BASE64_TYPES = ("application/base64", "application/x-base64")
STANDARD_TYPES = (
    *JSON_TYPES,
    FORM_TYPE,
    "multipart/form-data",
    "multipart/mixed",
    "application/octet-stream",
    "text/csv",
    "text/comma-separated-values",
)


MAX_HEAD = 256
"""Bytes of a ``data:`` URI before its base64, at most."""

MAX_PARTS = 100
"""Parts of a multipart body; without a limit, empty ones could go on for ever."""


@record
class Body:
    """What a request carries. ``pairs`` are the query parameters in order, repeats included.

    ``parameters`` are those of the query over those of the envelope; :meth:`parameter` looks into
    ``data`` before them.
    """

    data: Any
    files: tuple[Upload, ...]
    parameters: Mapping[str, Any]
    pairs: tuple[tuple[str, str], ...]
    content_type: str

    def parameter(self, name: str) -> Any:
        """A control value: from ``data``, else query string, else envelope (§2.3)."""
        if isinstance(self.data, dict) and name in self.data:
            return self.data[name]
        return self.parameters.get(name)


NO_BODY = Body(data={}, files=(), parameters={}, pairs=(), content_type=JSON_TYPES[0])
"""What a request without body and query string carries; recognised by identity."""


def path_tokens(raw_path: str) -> list[str]:
    """The decoded tokens of a path. Trailing slashes do not matter, doubled ones do (§1.2)."""
    path = split_target(raw_path)[0].rstrip("/")
    tokens = path.split("/")[1:]
    if "%" not in path:
        return tokens
    try:
        return [unquote(token, errors="strict") for token in tokens]
    except UnicodeDecodeError:
        raise NoSuchPath from None


def query_pairs(query_string: str) -> tuple[tuple[str, str], ...]:
    """The parameters of a query string. A key without ``=`` has the value ``true``."""
    if not query_string:
        return ()
    pairs = []
    for part in query_string.split("&"):
        name, equals, value = part.partition("=")
        if name:
            pairs.append((unquote_plus(name), unquote_plus(value) if equals else "true"))
    return tuple(pairs)


async def read_body(request: web.BaseRequest, settings: Http) -> Body:
    """Everything that the request carries. Raises 400 and 413 in the envelope's words."""
    has_query = "?" in request.raw_path
    if not has_query and not request.can_read_body:
        return NO_BODY
    pairs = query_pairs(split_target(request.raw_path)[1]) if has_query else ()
    content_type = _media_type(request.headers.get("Content-Type", ""))
    reading = _read_content(request, content_type, settings)
    # Most bodies arrive with their head. A timeout would take longer than to read them.
    has_arrived = request.content.is_eof()
    envelope, files = await (reading if has_arrived else _in_time(reading, settings))
    data = _data_of(envelope)
    parameters: Mapping[str, Any] = {}
    if envelope or pairs:
        first = dict(reversed(pairs))
        parameters = {name: value for name, value in envelope.items() if name != "data"} | first
    return Body(
        data=data,
        files=files,
        parameters=parameters,
        pairs=pairs,
        content_type=content_type or JSON_TYPES[0],
    )


async def _in_time(reading: Awaitable[T], settings: Http) -> T:
    try:
        async with asyncio.timeout(settings.request_timeout):
            return await reading
    except TimeoutError:
        raise RequestTimeout from None


def _media_type(header: str) -> str:
    """The media type of a ``Content-Type``. A header that was no UTF-8 has surrogates in it."""
    media_type = header.partition(";")[0].strip().lower()
    return media_type.encode("utf-8", "replace").decode()


async def _invite(request: web.BaseRequest) -> None:
    """Tell a client that waits for it that its body is wanted (RFC 9110 §10.1.1)."""
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # nothing of the answer itself is sent yet


async def _read_content(
    request: web.BaseRequest, content_type: str, settings: Http
) -> tuple[dict[str, Any], tuple[Upload, ...]]:
    if not request.can_read_body:
        return {}, ()
    limit = settings.max_upload_size
    if request.content_length is not None and request.content_length > limit:
        raise PayloadTooLarge(limit)
    await _invite(request)
    if content_type.startswith("multipart/"):
        return await _read_parts(request, settings)
    try:
        content = await _read_whole(request, limit)
    except web.HTTPRequestEntityTooLarge:
        raise PayloadTooLarge(limit) from None
    except (HttpProcessingError, web.RequestPayloadError):
        message = "the body is not encoded as its headers say"
        raise ValidationFailed.of("json", "invalid", message, target="body") from None
    if not content:
        return {}, ()
    if not content_type or content_type in JSON_TYPES:
        return _envelope(content, settings.max_depth), ()
    if content_type == FORM_TYPE:
        return _form(content, settings.max_depth), ()
    encoding = request.headers.get("Content-Transfer-Encoding", "").lower()
    return {}, (_upload(content, content_type, encoding, _file_name(request)),)


async def _read_whole(request: web.BaseRequest, limit: int) -> bytes:
    if not request.content.is_eof():
        return await request.read()
    content = request.content.read_nowait()
    if len(content) > limit:
        raise PayloadTooLarge(limit)
    return content


def _file_name(request: web.BaseRequest) -> str:
    named = dict(reversed(query_pairs(split_target(request.raw_path)[1])))
    return named.get("filename") or "uploaded_file"


def _envelope(content: bytes, max_depth: int) -> dict[str, Any]:
    """A JSON envelope with normalised top-level keys (§2.1)."""
    parsed = parse_json(content, max_depth)
    if not isinstance(parsed, dict):
        raise ValidationFailed.of("json", "invalid", "All JSON must be valid", target="body")
    return _normalized(parsed)


def _normalized(sent: dict[str, Any]) -> dict[str, Any]:
    """The envelope with its keys in one spelling. It must have ``data``, and no key twice."""
    envelope: dict[str, Any] = {}
    for name, value in sent.items():
        known = name.lower().replace("-", "_")
        if known in envelope:
            raise ValidationFailed.of(
                "json", "invalid", f"duplicate key {known[:64]!r}", target="body"
            )
        envelope[known] = value
    if "data" not in envelope:
        raise ValidationFailed.of(
            "data", "required", "Field is required but missing", value=redact(sent)
        )
    return envelope


def _data_of(envelope: dict[str, Any]) -> Any:
    data = envelope.get("data", {})
    if not isinstance(data, dict | list):
        raise ValidationFailed.of(
            "data",
            "type",
            "Value did not match type(s): object, array",
            target="object, array",
            value=data,
        )
    return data


def _form(content: bytes, max_depth: int) -> dict[str, Any]:
    """What bare curl sends: JSON under a form's media type; otherwise a real form (§2.2)."""
    if content.lstrip()[:1] in (b"{", b"["):
        return _envelope(content, max_depth)
    return _normalized(dict(reversed(query_pairs(content.decode("utf-8", "replace")))))


def _upload(content: bytes, content_type: str, encoding: str, name: str) -> Upload:
    if content_type in BASE64_TYPES:
        return _from_base64(content, "application/octet-stream", name)
    if encoding == "base64" or _is_data_uri(content):
        return _from_base64(content, content_type, name)
    return Upload(name=name, content_type=content_type, content=content)


def _is_data_uri(content: bytes) -> bool:
    """Browsers may send a file as a ``data:`` URI, and call it by the file's own type (§11)."""
    return content.startswith(b"data:") and content[:MAX_HEAD].partition(b",")[0].endswith(
        b";base64"
    )


def _from_base64(content: bytes, content_type: str, name: str) -> Upload:
    """A file sent as base64, with or without the head of a ``data:`` URI."""
    if content.startswith(b"data:"):
        head, _, content = content.partition(b",")
        content_type = head[5:].decode("latin-1").partition(";")[0] or content_type
    try:
        decoded = base64.b64decode(b"".join(content.split()), validate=True)
    except binascii.Error:
        raise ValidationFailed.of("file", "encoding", "failed to decode base64 data") from None
    return Upload(name=name, content_type=content_type.lower(), content=decoded)


async def _read_parts(
    request: web.BaseRequest, settings: Http
) -> tuple[dict[str, Any], tuple[Upload, ...]]:
    """A multipart body: the JSON part is the envelope, every other part a file."""
    envelope: dict[str, Any] = {}
    files: list[Upload] = []
    left, count = settings.max_upload_size, 0
    try:
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader):
                raise ValidationFailed.of("file", "invalid", "multipart bodies do not nest")
            content = await _read_part(part, left, settings.max_upload_size)
            left -= len(content)
            content_type = _media_type(part.headers.get("Content-Type", "text/plain"))
            if content_type in JSON_TYPES:
                envelope = _envelope(content, settings.max_depth)
            else:
                encoding = part.headers.get("Content-Transfer-Encoding", "").lower()
                files.append(_upload(content, content_type, encoding, _file_name(request)))
            count += 1
            if count > MAX_PARTS:
                raise ValueError(f"more than {MAX_PARTS} parts")
    except (ValueError, AssertionError, HttpProcessingError, web.RequestPayloadError) as error:
        reason = str(error).splitlines()[0][:200]
        raise ValidationFailed.of(
            "file", "invalid", f"malformed multipart body: {reason}"
        ) from None
    return envelope, tuple(files)


async def _read_part(part: BodyPartReader, left: int, limit: int) -> bytes:
    content = bytearray()
    while chunk := await part.read_chunk():
        content += chunk
        if len(content) > left:
            raise PayloadTooLarge(limit)
    return bytes(content)
