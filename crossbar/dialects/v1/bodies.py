"""Reading a v1 body: JSON, a form or multipart, into one object; files keep their field's name."""

from __future__ import annotations

import re
from typing import Any

from aiohttp import BodyPartReader, web

from crossbar.core.actions import Upload
from crossbar.dialects.incoming import FORM_TYPE, Malformed, in_time, read_parts, read_whole
from crossbar.dialects.targets import query_pairs
from crossbar.dialects.v2.parsing import parse_json
from crossbar.documents import Document
from crossbar.errors import BadRequest, ValidationFailed
from crossbar.records import record
from crossbar.settings import Http

OVERRIDES = frozenset({"PUT", "PATCH", "DELETE"})
"""What a POST may stand for."""

_KEYS = re.compile(r"\[([^\[\]]*)\]")


@record
class Body:
    """What a request carries, or why it cannot be read: that is told after who asks is known.

    ``method`` is the one that a form's ``_method`` names, if any.
    """

    data: Document
    problem: BadRequest | None = None
    method: str | None = None


NO_BODY = Body(data={})


async def read_body(request: web.BaseRequest, settings: Http) -> Body:
    """The body. Raises :class:`PayloadTooLarge` and :class:`RequestTimeout`."""
    if not request.can_read_body:
        return NO_BODY
    content_type = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    is_multipart = content_type.startswith("multipart/")
    limit = settings.max_upload_size
    try:
        if is_multipart:
            return _of_form(
                await in_time(request, _parts(request, limit), settings.request_timeout)
            )
        content = await in_time(request, read_whole(request, limit), settings.request_timeout)
    except Malformed as error:
        return Body(data={}, problem=ValidationFailed.of("body", "invalid", str(error)))
    if content_type == FORM_TYPE and content.lstrip()[:1] not in (b"{", b"["):
        return _of_form(list(query_pairs(content.decode("utf-8", "replace"))))
    return _of_json(content, settings.max_depth)


async def _parts(request: web.BaseRequest, limit: int) -> list[tuple[str, Any]]:
    """The fields of a multipart body: texts, and files with their names and media types."""
    parts = read_parts(request, limit)
    return [(part.name or "", _value_of(part, content)) async for part, content in parts]


def _of_json(content: bytes, max_depth: int) -> Body:
    """An object; none and an empty list stand for an empty one."""
    if not content.strip():
        return NO_BODY
    try:
        data = trimmed(parse_json(content, max_depth))
    except ValidationFailed as error:
        return Body(data={}, problem=error)
    if data in ([], None):
        return NO_BODY
    if not isinstance(data, dict):
        message = "The body must be a JSON object"
        return Body(data={}, problem=ValidationFailed.of("body", "type", message))
    return Body(data=data)


def _of_form(pairs: list[tuple[str, Any]]) -> Body:
    """The fields of a form; ``name[]`` and ``name[key]`` make lists and objects."""
    data: Document = {}
    for name, value in pairs:
        first, bracket, _ = name.partition("[")
        keys = [first, *(_KEYS.findall(name[len(first) :]) if bracket else ())]
        _put(data, keys[: MAX_KEYS + 1], value)
    method = data.pop("_method", None)
    wanted = method.upper() if isinstance(method, str) else None
    return Body(data=trimmed(data), method=wanted if wanted in OVERRIDES else None)


MAX_KEYS = 5
"""How deep the fields of a form nest."""


def _put(holder: Document, keys: list[str], value: Any) -> None:
    """Put a value where its name says; what does not fit another field's form replaces it."""
    key, *below = keys
    if not below:
        holder[key] = value
    elif below == [""]:
        items = holder.get(key)
        holder[key] = [*(items if isinstance(items, list) else ()), value]
    else:
        inner = holder.get(key)
        holder[key] = inner if isinstance(inner, dict) else {}
        _put(holder[key], below, value)


def trimmed(value: Any) -> Any:
    """A value with its texts trimmed, at every depth; empty texts are null."""
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, list):
        return [trimmed(each) for each in value]
    if isinstance(value, dict):
        return {name: trimmed(each) for name, each in value.items()}
    return value


def _value_of(part: BodyPartReader, content: bytes) -> Any:
    if part.filename is None:
        return content.decode("utf-8", "replace")
    declared = part.headers.get("Content-Type", "application/octet-stream")
    media_type = declared.partition(";")[0].strip().lower()
    return Upload(name=part.filename[:255], content_type=media_type, content=content)
