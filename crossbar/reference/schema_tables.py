"""What a JSON Schema says, for people: its fields as a table in Markdown.

A schema that another one refers to is not written out but linked to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from crossbar.reference.markdown import code, table

Schema = Mapping[str, Any]


class Row(NamedTuple):
    """One field. ``path`` is dotted: ``a[]`` are the items of a list, ``a.*`` values of any key,
    ``a./…/`` those whose keys match."""

    path: str
    type: str
    is_required: bool
    default: str
    bounds: str
    about: str


def rows(schema: Schema, path: str = "") -> Iterator[Row]:
    """Every field below a schema, depth first; what it refers to is not entered."""
    seen: set[str] = set()
    for at, child, is_required in _fields(schema, path):
        if at not in seen:
            seen.add(at)
            default = code(child["default"]) if "default" in child else ""
            about = child.get("description", "")
            yield Row(at, _type(child), is_required, default, _bounds(child), about)


def _fields(schema: Schema, path: str) -> Iterator[tuple[str, Schema, bool]]:
    for at, child, is_required in _children(schema, path):
        yield at, child, is_required
        yield from _fields(child, at)
    for _, branch in _alternatives(schema):
        yield from _fields(branch, path)


def _children(schema: Schema, path: str) -> Iterator[tuple[str, Schema, bool]]:
    """What is directly below: properties, values of unnamed keys, items worth a row."""
    stem = f"{path}." if path else ""
    required = schema.get("required", ())
    for name, child in schema.get("properties", {}).items():
        yield f"{stem}{name}", child, name in required
    for pattern, child in schema.get("patternProperties", {}).items():
        yield f"{stem}/{pattern}/", child, False
    for at, keyword in ((f"{stem}*", "additionalProperties"), (f"{path}[]", "items")):
        child = schema.get(keyword)
        if isinstance(child, Mapping) and child:
            yield at, child, False


def _alternatives(schema: Schema) -> list[tuple[str, Schema]]:
    return [
        (keyword, branch)
        for keyword in ("oneOf", "anyOf")
        for branch in schema.get(keyword, ())
        if isinstance(branch, Mapping)
    ]


def _type(schema: Schema) -> str:
    if "$ref" in schema:
        name = schema["$ref"].partition("#")[0]
        return f"[{name}](../../schemas/{name}.json)"
    kind = schema.get("type")
    if kind is None:
        kinds = [_type(branch) for _, branch in _alternatives(schema)]
        return " or ".join(dict.fromkeys(kinds)) or "any"
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


LISTED = 24
"""Choices that are listed; a table with more of them could not be read."""


def _choice(values: list[Any]) -> str:
    if len(values) > LISTED:
        return f"one of {len(values)} values; the schema lists them"
    return f"one of {', '.join(map(code, values))}"


_CHECKS = {
    "client_url": "no blocked host",
    "expressions": "regular expressions without look-around",
}

_WORDS: Mapping[str, Callable[[Any], str]] = {
    "enum": _choice,
    "const": lambda value: f"always {code(value)}",
    "exclusiveMinimum": lambda limit: f"more than {limit}",
    "exclusiveMaximum": lambda limit: f"less than {limit}",
    "multipleOf": lambda step: f"in steps of {step}",
    "pattern": lambda pattern: f"matches `{pattern}`",
    "format": lambda name: f"format {name}",
    "uniqueItems": lambda is_so: "no item twice" if is_so else "",
    "additionalProperties": lambda rest: "no other keys" if rest is False else "",
    "x-check": lambda check: _CHECKS.get(check, ""),
}

_RANGES = (
    ("minimum", "maximum", ""),
    ("minLength", "maxLength", "character"),
    ("minItems", "maxItems", "item"),
    ("minProperties", "maxProperties", "key"),
)


def _range(least: Any, most: Any, what: str) -> str:
    """Two limits, either of which may be ``None``, of what is counted."""
    if least == most:
        words, last = f"{least}", least
    elif most is None:
        words, last = f"at least {least}", least
    elif least is None:
        words, last = f"at most {most}", most
    else:
        words, last = f"{least} to {most}", most
    return f"{words} {what}{'' if last == 1 else 's'}" if what else words


def _bounds(schema: Schema) -> str:
    """The limits in words; those of alternatives after their types."""
    words = [
        _range(schema.get(least), schema.get(most), what)
        for least, most, what in _RANGES
        if least in schema or most in schema
    ]
    words += [_WORDS[keyword](value) for keyword, value in schema.items() if keyword in _WORDS]
    for _, branch in _alternatives(schema):
        if inner := _bounds(branch):
            words.append(f"{_type(branch)}: {inner}")
    return "; ".join(filter(None, words))


def field_table(schema: Schema) -> list[str]:
    """The lines of a table of all fields."""
    lines = (
        (f"`{row.path}`", row.type, "yes" if row.is_required else "", *row[3:])
        for row in rows(schema)
    )
    return table("field | type | required | default | bounds | what it is", lines)
