"""Strict JSON: what a body may contain before anything looks at it.

Refused with 400 (docs/protocol.md §2.1): malformed or truncated text, invalid UTF-8, lone
surrogates, ``NaN`` and infinities, numbers beyond 64 bits, duplicate keys, too deep nesting. Too
many values are refused with 413 before any of them is made.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

import orjson

from crossbar.errors import TooManyMembers, ValidationFailed

MAX_INTEGER = 2**63 - 1
MAX_DIGITS = 20


class _Refused(ValueError):
    """The text is JSON, but says something that documents cannot hold."""


def parse_json(body: bytes, max_depth: int, max_members: int) -> Any:
    """The value of a JSON text.

    Raises :class:`ValidationFailed` on key ``json``, and :class:`TooManyMembers`.
    """
    _require_few(body, max_members)
    value = _plain(body)
    return _carefully(body, max_depth) if value is None else _not_deeper(body, value, max_depth)


SHORT = 4096
"""Bytes of a text that is worth a try with the quick parser."""

_ODD_NUMBER = re.compile(rb"[0-9](?:[eE]|[0-9]{18})")


def _plain(body: bytes) -> dict[str, Any] | None:
    """The object that a short text without anything odd stands for; ``None`` for any other text.

    orjson is quicker than the parser that refuses in our words, but makes floats of long integers
    and takes the last of two equal names. Written anew without escapes, a text has as many colons
    as before, unless a name was there twice.
    """
    if len(body) > SHORT or b"\\" in body or _ODD_NUMBER.search(body):
        return None
    try:
        value = orjson.loads(body)
        again = orjson.dumps(value) if type(value) is dict else b""
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):  # it reads deeper than it writes
        return None
    return value if again and again.count(b":") == body.count(b":") else None


def _carefully(body: bytes, max_depth: int) -> Any:
    """The same for any text, refused in our words."""
    try:
        text = body.decode()
        value = _DECODER.decode(text)
        if b"\\u" in body:
            orjson.loads(body)  # the only parser here that refuses a lone surrogate
    except UnicodeDecodeError as error:
        raise _invalid(f"invalid_json around {error.start + 1}") from None
    except json.JSONDecodeError as error:  # of orjson too
        raise _invalid(_place(error)) from None
    except _Refused as error:
        raise _invalid(str(error)) from None
    except RecursionError:
        raise _too_deep(max_depth) from None
    return _not_deeper(body, value, max_depth)


def _not_deeper(body: bytes, value: Any, max_depth: int) -> Any:
    could_be_deep = body.count(b"{") + body.count(b"[") > max_depth
    if could_be_deep and _is_deeper(value, max_depth):
        raise _too_deep(max_depth)
    return value


_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?+|[,{\[]', re.DOTALL)
"""A text, or what begins another value. Reads anything in linear time."""


def _require_few(body: bytes, max_members: int) -> None:
    """Refuse a text with too many values, which are as many as its commas and opening brackets."""
    if body.count(b",") + body.count(b"{") + body.count(b"[") <= max_members:
        return
    values = texts = 0
    for token in _TOKEN.finditer(body):
        if body[token.start()] == QUOTE:
            texts += 1
        else:
            values += 1
        # Each value has two texts at most, a name and itself: what has more is not JSON.
        if values > max_members or texts > 2 * max_members + 1:
            raise TooManyMembers(max_members)


QUOTE = ord('"')


def _place(error: json.JSONDecodeError) -> str:
    """The kind of error and its position: in bytes and from 1, as upstream counts."""
    text = error.doc
    is_truncated = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated")
    if is_truncated:
        return f"truncated_json around {len(text.encode()) + 1}"
    return f"invalid_json around {len(text[: error.pos].encode()) + 1}"


def _invalid(message: str) -> ValidationFailed:
    return ValidationFailed.of("json", "invalid", message, target="body")


def _too_deep(max_depth: int) -> ValidationFailed:
    return _invalid(f"nested deeper than {max_depth} levels")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise _Refused(f"duplicate key {_first_repeated(pairs)[:64]!r}")
    return document


def _first_repeated(pairs: list[tuple[str, Any]]) -> str:
    """The first name that was there before; the pairs may be very many."""
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            break
        seen.add(name)
    return name


def _integer(text: str) -> int:
    if len(text) <= MAX_DIGITS:
        value = int(text)
        if -MAX_INTEGER - 1 <= value <= MAX_INTEGER:
            return value
    raise _Refused("integers must fit into 64 bits")


def _number(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise _Refused("numbers must fit into a double")
    return value


def _constant(text: str) -> Any:
    raise _Refused(f"{text} is not JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique,
    parse_int=_integer,
    parse_float=_number,
    parse_constant=_constant,
)


def _is_deeper(value: Any, max_depth: int) -> bool:
    level = [value]
    for _ in range(max_depth + 1):
        level = [
            item
            for container in level
            if isinstance(container, dict | list)
            for item in (container.values() if isinstance(container, dict) else container)
        ]
        if not level:
            return False
    return True
