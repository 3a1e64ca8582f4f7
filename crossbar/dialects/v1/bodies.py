"""Reading a v1 body: JSON, a form or multipart, into one object; files keep their field's name."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from aiohttp import web

from crossbar.core.requests import Upload
from crossbar.dialects.incoming import FORM_TYPE, form_pairs, read_whole, worked_out
from crossbar.dialects.multipart import Malformed, Part, parts_of
from crossbar.dialects.parsing import parse_json
from crossbar.documents import Document
from crossbar.errors import BadRequest, ValidationFailed
from crossbar.settings import Http
from crossbar.values import valueclass

OVERRIDES = ("PUT", "PATCH", "DELETE")
"""What a POST may stand for."""


@valueclass
class Body:
    """What a request carries, or why it cannot be read: that is told after who asks is known.

    ``method`` is the one that a form's ``_method`` names, if any.
    """

    data: Document
    problem: BadRequest | None = None
    method: str | None = None


NO_BODY = Body(data={})


async def read_body(request: web.BaseRequest, settings: Http) -> Body:
    """The body. Raises :class:`RequestTimeout`, 413 and 503."""
    if not request.can_read_body:
        return NO_BODY
    try:
        content = await read_whole(request, settings, settings.max_upload_size)
        return await worked_out(content, partial(_understood, request, content, settings))
    except Malformed as error:
        return Body(data={}, problem=ValidationFailed.of("body", "invalid", str(error)))


def media_type_of(request: web.BaseRequest) -> str:
    """The media type that the request's body is said to have."""
    return request.headers.get("Content-Type", "").partition(";")[0].strip().lower()


def may_override(request: web.BaseRequest) -> bool:
    """Whether the body may say that another method is meant."""
    kind = media_type_of(request)
    is_form = kind == FORM_TYPE or kind.startswith("multipart/")
    return request.method == "POST" and is_form and request.can_read_body


def _understood(request: web.BaseRequest, content: bytes, settings: Http) -> Body:
    content_type = media_type_of(request)
    if content_type.startswith("multipart/"):
        parts = parts_of(request.headers.get("Content-Type", ""), content)
        return _of_form((part.name, _value_of(part)) for part in parts)
    if content_type == FORM_TYPE and content.lstrip()[:1] not in (b"{", b"["):
        return _of_form(form_pairs(content, settings))
    return _of_json(content, settings)


def _of_json(content: bytes, settings: Http) -> Body:
    """An object; none and an empty list stand for an empty one."""
    if not content.strip():
        return NO_BODY
    try:
        data = trimmed(parse_json(content, settings.max_depth, settings.max_members))
    except ValidationFailed as error:
        return Body(data={}, problem=error)
    if data in ([], None):
        return NO_BODY
    if not isinstance(data, dict):
        message = "The body must be a JSON object"
        return Body(data={}, problem=ValidationFailed.of("body", "type", message))
    return Body(data=data)


def _of_form(pairs: Iterable[tuple[str, Any]]) -> Body:
    """The fields of a form; ``name[]`` and ``name[key]`` make lists and objects."""
    data: Document = {}
    for name, value in pairs:
        _put(data, _keys(name), value)
    method = data.pop("_method", None)
    wanted = method.upper() if isinstance(method, str) else None
    return Body(data=trimmed(data), method=wanted if wanted in OVERRIDES else None)


MAX_KEYS = 5
"""How deep the fields of a form nest."""


def _keys(name: str) -> list[str]:
    """What a field's name is made of: ``a[b][]`` of ``a``, ``b`` and nothing."""
    first, _, rest = name.partition("[")
    keys = [first]
    while len(keys) <= MAX_KEYS and "]" in rest:
        key, _, rest = rest.partition("]")
        keys.append(key)
        rest = rest.partition("[")[2]
    return keys


def _put(holder: Document, keys: list[str], value: Any) -> None:
    """Put a value where its name says; what does not fit another field's form replaces it."""
    key, *below = keys
    if not below:
        holder[key] = value
    elif below == [""]:
        items = holder.get(key)
        if not isinstance(items, list):
            items = holder[key] = []
        items.append(value)
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


def _value_of(part: Part) -> Any:
    if part.filename is None:
        return part.content.decode("utf-8", "replace")
    declared = part.headers.get("content-type", "application/octet-stream")
    media_type = declared.partition(";")[0].strip().lower()
    return Upload(name=part.filename[:255], content_type=media_type, content=part.content)
