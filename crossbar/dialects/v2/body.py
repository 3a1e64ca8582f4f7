"""Reading a v2 request: envelope, uploaded files, parameters (docs/protocol.md §2)."""

from __future__ import annotations

import base64
import binascii
import string
from collections.abc import Mapping
from functools import partial
from typing import Any

from aiohttp import web

from crossbar.abridging import abridged
from crossbar.core.requests import JSON_TYPES, Upload
from crossbar.dialects.incoming import FORM_TYPE, form_pairs, read_whole, worked_out
from crossbar.dialects.multipart import Malformed, parts_of
from crossbar.dialects.parsing import parse_json
from crossbar.dialects.targets import query_pairs, split_target
from crossbar.errors import ValidationFailed
from crossbar.logs import redact
from crossbar.settings import Http
from crossbar.values import valueclass

WHITESPACE = string.whitespace.encode()
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


SPOKEN = frozenset({"accept", "auth_token", "authorization", "jsonp", "pretty_print", "verb"})
"""The parameters that every request is asked about: who calls, what is meant, and how it is to be
answered."""


@valueclass
class Body:
    """What a request carries. ``pairs`` are the query parameters in order, repeats included.

    ``parameters`` are those of the query over those of the envelope; :meth:`parameter` looks into
    ``data`` before them. ``is_plain``: none of them is one of :data:`SPOKEN`.
    """

    data: Any
    files: tuple[Upload, ...]
    parameters: Mapping[str, Any]
    pairs: tuple[tuple[str, str], ...]
    is_plain: bool = True

    def parameter(self, name: str) -> Any:
        """A control value: from ``data``, else query string, else envelope (§2.3)."""
        if isinstance(self.data, dict) and name in self.data:
            return self.data[name]
        return self.parameters.get(name)


NO_BODY = Body(data={}, files=(), parameters={}, pairs=())
"""What a request without body and query string carries; recognised by identity."""


def query_of(raw_path: str) -> Body:
    """What a request carries before its body: the parameters of the query string."""
    if "?" not in raw_path:
        return NO_BODY
    return _body({}, (), query_pairs(split_target(raw_path)[1]))


async def read_body(
    request: web.BaseRequest, content_type: str, query: Body, settings: Http, *, is_stranger: bool
) -> Body:
    """Everything that the request carries; ``query`` is what precedes the body.

    A stranger may send less. Raises 400, 408, 413 and 503 in the envelope's words.
    """
    limit = settings.max_upload_size
    if is_stranger:
        limit = min(limit, settings.max_anonymous_size)
    try:
        content = await read_whole(request, settings, limit, is_stranger=is_stranger)
    except Malformed as error:
        if content_type.startswith("multipart/"):
            raise _malformed(error) from None
        message = "the body is not encoded as its headers say"
        raise ValidationFailed.of("json", "invalid", message, target="body") from None
    work = partial(_understood, request, content_type, content, settings)
    envelope, files = await worked_out(content, work)
    return _body(envelope, files, query.pairs)


def _body(
    envelope: dict[str, Any], files: tuple[Upload, ...], pairs: tuple[tuple[str, str], ...]
) -> Body:
    data = _data_of(envelope)
    parameters = {name: value for name, value in envelope.items() if name != "data"}
    parameters |= reversed(pairs)
    return Body(
        data=data,
        files=files,
        parameters=parameters,
        pairs=pairs,
        is_plain=SPOKEN.isdisjoint(parameters)
        and (isinstance(data, list) or SPOKEN.isdisjoint(data)),
    )


def media_type(header: str) -> str:
    """The media type of a ``Content-Type``. A header that was no UTF-8 has surrogates in it."""
    media_type = header.partition(";")[0].strip().lower()
    return media_type.encode("utf-8", "replace").decode()


def _understood(
    request: web.BaseRequest, content_type: str, content: bytes, settings: Http
) -> tuple[dict[str, Any], tuple[Upload, ...]]:
    """The envelope and the files in a body."""
    if content_type.startswith("multipart/"):
        return _of_parts(request, content, settings)
    if not content:
        return {}, ()
    if not content_type or content_type in JSON_TYPES:
        return _envelope(content, settings), ()
    if content_type == FORM_TYPE:
        return _form(content, settings), ()
    encoding = request.headers.get("Content-Transfer-Encoding", "").lower()
    return {}, (_upload(content, content_type, encoding, _file_name(request)),)


def _file_name(request: web.BaseRequest) -> str:
    named = dict(reversed(query_pairs(split_target(request.raw_path)[1])))
    return named.get("filename") or "uploaded_file"


def _envelope(content: bytes, settings: Http) -> dict[str, Any]:
    """A JSON envelope with normalised top-level keys (§2.1)."""
    parsed = parse_json(content, settings.max_depth, settings.max_members)
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
            "data", "required", "Field is required but missing", value=redact(abridged(sent))
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


def _form(content: bytes, settings: Http) -> dict[str, Any]:
    """What bare curl sends: JSON under a form's media type; otherwise a real form (§2.2)."""
    if content.lstrip()[:1] in (b"{", b"["):
        return _envelope(content, settings)
    sent = dict(reversed(form_pairs(content, settings)))
    if not any(name.lower() == "data" for name in sent):
        # It may be a file that was sent without its media type: nothing of it is repeated.
        raise ValidationFailed.of(
            "data",
            "required",
            "Field is required but missing",
            target="data in a form or in JSON; of a file, its own Content-Type",
        )
    return _normalized(sent)


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
        content_type = head[5:MAX_HEAD].decode("latin-1").partition(";")[0] or content_type
    try:
        decoded = base64.b64decode(content.translate(None, WHITESPACE), validate=True)
    except binascii.Error:
        raise ValidationFailed.of("file", "encoding", "failed to decode base64 data") from None
    return Upload(name=name, content_type=content_type.lower(), content=decoded)


def _of_parts(
    request: web.BaseRequest, content: bytes, settings: Http
) -> tuple[dict[str, Any], tuple[Upload, ...]]:
    """A multipart body: the JSON part is the envelope, every other part a file."""
    envelope: dict[str, Any] = {}
    files: list[Upload] = []
    try:
        for part in parts_of(request.headers.get("Content-Type", ""), content):
            content_type = media_type(part.headers.get("content-type", "text/plain"))
            if content_type in JSON_TYPES:
                envelope = _envelope(part.content, settings)
            else:
                encoding = part.headers.get("content-transfer-encoding", "").lower()
                files.append(_upload(part.content, content_type, encoding, _file_name(request)))
    except Malformed as error:
        raise _malformed(error) from None
    return envelope, tuple(files)


def _malformed(error: Malformed) -> ValidationFailed:
    return ValidationFailed.of("file", "invalid", f"malformed multipart body: {error}")
