"""The listing parameters of a v2 request (docs/protocol.md §8.3 to §8.6)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from crossbar.core.requests import Query, is_false, is_true
from crossbar.dialects.v2.body import NO_BODY, Body
from crossbar.errors import FaultyRequest, ValidationFailed
from crossbar.filtering import TIME_BOUNDS, parse_filters
from crossbar.settings import Lists

_SIZE = re.compile(r"-?[0-9]+\Z")

ANY = Query(filters=())
"""What is asked when nothing is said."""


def parse_query(body: Body, settings: Lists) -> Query:
    """How a list is to be answered. Raises :class:`FaultyRequest` for unusable sizes."""
    if body is NO_BODY:
        return ANY
    said = body.parameters
    if isinstance(body.data, dict) and body.data:
        said = {**said, **body.data}
    yes = {name for name, value in said.items() if is_true(value)}
    no = {name for name, value in said.items() if is_false(value)}
    named = dict(body.pairs)
    return Query(
        filters=parse_filters([pair for pair in body.pairs if pair[0] not in TIME_BOUNDS]),
        bounds=parse_filters([pair for pair in body.pairs if pair[0] in TIME_BOUNDS]),
        page_size=_size(said.get("page_size"), "page size"),
        start_key=_text(said.get("start_key")) or _text(said.get("bookmark")),
        end_key=_text(said.get("end_key")),
        paginate="paginate" not in no,
        ascending="ascending" in yes or "descending" in no,
        full_docs=settings.allow_full_docs and "full_docs" in yes,
        fields=_fields(named.get("fields")),
        is_chunked=_is_chunked(named),
        chunk_size=_chunk_size(named.get("chunk_size"), settings.chunk_size),
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _size(value: Any, what: str) -> int | None:
    if value is None:
        return None
    if not _SIZE.match(str(value)):
        raise FaultyRequest(f"invalid {what}")
    return int(str(value)[:18])


def _is_chunked(pairs: Mapping[str, Any]) -> bool | None:
    """What the client wants; a script in a page cannot do with a list as it is read."""
    if is_true(pairs.get("is_chunked")):
        return True
    return False if "jsonp" in pairs else None


def _chunk_size(value: Any, maximum: int) -> int | None:
    size = _size(value, "chunk size")
    if size is None:
        return None
    if size < 1:
        raise FaultyRequest("invalid chunk size")
    if size > maximum:
        raise FaultyRequest(f"chunk size must be lower than {maximum}")
    return size


def _fields(value: str | None) -> tuple[str, ...]:
    if value is None:
        return ()
    try:
        fields = orjson.loads(value)
    except orjson.JSONDecodeError:
        fields = None
    if not isinstance(fields, list) or not all(isinstance(name, str) for name in fields):
        raise ValidationFailed.of(
            "fields",
            "invalid",
            "invalid fields query string",
            target='a JSON array of names, such as ["name"]',
        )
    return tuple(fields)
