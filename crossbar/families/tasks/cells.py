"""Documents as rows of a table, and back: columns are dotted paths, cells are text.

Where the schema says what a field is, a cell becomes that again, so what was written is read as it
was. Objects whose keys the schema does not name, and lists, are JSON in one cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from crossbar.core.tables import listed, text_of
from crossbar.documents import Document
from crossbar.families.tasks.kinds import Cells
from crossbar.validation import Schemas

Types = Mapping[str, frozenset[str]]
"""The columns of a schema: what may be there, by dotted path; nothing for what is left open."""

DEEPEST = 8
"""Levels of objects that are columns of their own; what is deeper is one cell."""

_WHOLE = re.compile(r"-?[0-9]{1,18}")
_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?([eE][+-]?[0-9]{1,3})?")


def columns_of(schemas: Schemas, name: str) -> Types:
    """The columns of documents with this schema."""
    return dict(_columns(schemas, schemas.document(name), "", (name,)))


def _columns(
    schemas: Schemas, schema: Any, path: str, within: tuple[str, ...]
) -> Iterator[tuple[str, frozenset[str]]]:
    schema, within, is_known = _resolved(schemas, schema, within)
    properties = schema.get("properties") if is_known and len(within) < DEEPEST else None
    if properties and schema.get("type", "object") == "object":
        for name, inner in properties.items():
            if not name.startswith(("_", "pvt_")) and "." not in name:
                yield from _columns(schemas, inner, f"{path}.{name}" if path else name, within)
    elif path:
        yield path, _kinds_of(schema)


def _kinds_of(schema: Document) -> frozenset[str]:
    """The types that a field may have, by one way or another; nothing if some are not known."""
    kinds: set[str] = set()
    for each in schema.get("oneOf") or schema.get("anyOf") or (schema,):
        named = each.get("type")
        if not named:
            return frozenset()
        kinds.update((named,) if isinstance(named, str) else named)
    return frozenset(kinds)


def _resolved(
    schemas: Schemas, schema: Any, within: tuple[str, ...]
) -> tuple[Any, tuple[str, ...], bool]:
    """What a schema refers to; whether that is known, and not something that it is part of."""
    target = schema.get("$ref") if isinstance(schema, dict) else None
    if target is None:
        return schema if isinstance(schema, dict) else {}, within, True
    if target not in schemas:
        return {}, within, False
    is_new = target not in within
    return schemas.document(target), (*within, target), is_new


def document_of(types: Types, row: Cells) -> Document:
    """The fields that a row says."""
    document: Document = {}
    for path in sorted(row, key=lambda path: path.count(".")):
        *above, name = path.split(".")
        holder = document
        for part in above:
            inner = holder.get(part)
            if not isinstance(inner, dict):
                inner = holder[part] = {}
            holder = inner
        holder[name] = _value(types.get(path), row[path])
    return document


def _value(kinds: frozenset[str] | None, text: str) -> Any:
    """The value that a cell spells, in one of the types; else its text, which is judged later."""
    if kinds is None or not kinds:
        return _from_json(text) if text[0] in "[{" else text
    if "boolean" in kinds and text in ("true", "false"):
        return text == "true"
    if "string" in kinds:
        return _from_json(text) if kinds & {"array", "object"} and text[0] in "[{" else text
    if "array" in kinds and "object" not in kinds:
        return listed(text)
    if kinds & {"array", "object"}:
        return _from_json(text)
    if kinds & {"integer", "number"} and _WHOLE.fullmatch(text):
        return int(text)
    if "number" in kinds and _NUMBER.fullmatch(text):
        return float(text)
    return text


def _from_json(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def row_of(types: Types, document: Mapping[str, Any]) -> Document:
    """The cells of a document, without empty ones."""
    row: Document = {}
    inner = {path.rpartition(".")[0] for path in types}
    _fill(types, inner, document, "", row)
    return {name: cell for name, cell in row.items() if cell}


def _fill(
    types: Types, inner: set[str], document: Mapping[str, Any], path: str, row: Document
) -> None:
    for name, value in document.items():
        at = f"{path}.{name}" if path else name
        if isinstance(value, dict) and value and _has_columns(inner, at, value):
            _fill(types, inner, value, at, row)
        else:
            row[at] = text_of(value)


def _has_columns(inner: set[str], path: str, value: Document) -> bool:
    """Whether what is in an object has columns of its own: all of it can be named by a path."""
    is_split = path in inner or any(each.startswith(f"{path}.") for each in inner)
    return is_split and not any("." in name for name in value)
