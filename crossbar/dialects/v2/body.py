"""Reading a v2 request: envelope, uploaded files, parameters (protocol reference §2)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from crossbar.core.actions import JSON_TYPES, Upload
from crossbar.dialects.incoming import FORM_TYPE, Malformed, in_time, read_parts, read_whole
from crossbar.dialects.targets import query_pairs, split_target
from crossbar.dialects.v2.parsing import parse_json
from crossbar.errors import ValidationFailed
from crossbar.logs import redact
from crossbar.records import record
from crossbar.settings import Http

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


async def read_body(request: web.BaseRequest, settings: Http) -> Body:
    """Everything that the request carries. Raises 400 and 413 in the envelope's words."""
    has_query = "?" in request.raw_path
    if not has_query and not request.can_read_body:
        return NO_BODY
    pairs = query_pairs(split_target(request.raw_path)[1]) if has_query else ()
    content_type = _media_type(request.headers.get("Content-Type", ""))
    reading = _read_content(request, content_type, settings)
    envelope, files = await in_time(request, reading, settings.request_timeout)
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


def _media_type(header: str) -> str:
    """The media type of a ``Content-Type``. A header that was no UTF-8 has surrogates in it."""
    media_type = header.partition(";")[0].strip().lower()
    return media_type.encode("utf-8", "replace").decode()


async def _read_content(
    request: web.BaseRequest, content_type: str, settings: Http
) -> tuple[dict[str, Any], tuple[Upload, ...]]:
    if not request.can_read_body:
        return {}, ()
    if content_type.startswith("multipart/"):
        return await _read_parts(request, settings)
    try:
        content = await read_whole(request, settings.max_upload_size)
    except Malformed:
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
    try:
        async for part, content in read_parts(request, settings.max_upload_size):
            content_type = _media_type(part.headers.get("Content-Type", "text/plain"))
            if content_type in JSON_TYPES:
                envelope = _envelope(content, settings.max_depth)
            else:
                encoding = part.headers.get("Content-Transfer-Encoding", "").lower()
                files.append(_upload(content, content_type, encoding, _file_name(request)))
    except Malformed as error:
        message = f"malformed multipart body: {error}"
        raise ValidationFailed.of("file", "invalid", message) from None
    return envelope, tuple(files)
