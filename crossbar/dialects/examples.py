"""Examples: the smallest documents that schemas take, and what to change in them.

They stand on the pages of families and in the OpenAPI documents.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from crossbar.core.registry import Operation
from crossbar.core.requests import Action

Schema = Mapping[str, Any]
Schemas = Mapping[str, Schema]

EVERYBODY_MAY_READ = {"_": {"_": {"_": [{"rules": {"#": ["GET"]}}]}}}

ALSO_SENT: Mapping[str, Mapping[str, Any]] = {
    "api_keys": {"scopes": ["view:user", "view:device"]},
    "callflows": {"numbers": ["1000"]},
    "external_numbers": {"number": "+14155550100"},
    "faxes": {
        "to_number": "+14155550100",
        "from_number": "+14155550101",
        "document": {"url": "https://example.org/fax.pdf"},
    },
    "functions": {"function_js": 'return {module: "hangup"};'},
    "limits": {"twoway_trunks": 5},
    "rates": {"prefix": 1415},
    "port_requests": {"numbers": {"+14155550100": {}}},
    "tasks": {"category": "menus", "action": "import", "records": [{"name": "Main"}]},
    "token_restrictions": {"restrictions": EVERYBODY_MAY_READ},
    "user_auth": {"account_name": "Master"},
}
"""By noun, what a document needs to be accepted, or to say anything, beyond its schema."""

TEXTS: Mapping[str, str] = {
    "name": "Example",
    "first_name": "Ann",
    "last_name": "Lee",
    "mailbox": "1000",
    "module": "hangup",
    "url": "https://example.org/",
    "password": "s3cret!",
    "credentials": "93806fdaf1a1a99d6349cff95aa617a0",
}
"""What is put into required fields of these names, where it fits."""

FORMATS: Mapping[str, str] = {
    "email": "ann@example.org",
    "uri": "https://example.org/",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "date": "2024-02-29",
    "date-time": "2024-02-29T12:00:00Z",
}

WORDS = (
    *("example", "1000", "+14155550100", "en", "12:30:00", "00:16:3e:00:00:01"),
    *("https://example.org/", "#00ff00"),
)
"""Texts that are tried in turn where a pattern must match."""

DIGITS = "0123456789abcdef"

IN_PATHS: Mapping[str, str] = {
    "call": "a1b2c3@192.0.2.1",
    "extension": "1000",
    "language": "en",
    "number": "+14155550100",
    "participant_id": "1",
    "prompt": "vm-enter_pass",
    "schema_name": "users",
    "session_id": "1",
    "visitor_id": "K7M2XQ9P",
}
"""What stands for parameters of paths that are no ids of documents."""


def in_path(name: str) -> str:
    """A value for a parameter of a path."""
    return IN_PATHS.get(name, DIGITS * 2)


def smallest(schema: Schema, schemas: Schemas, name: str = "") -> Any:
    """A value that the schema takes, with required properties only. ``name`` is its own.

    Of alternatives it is the first. A schema that says no type is taken to speak of an object
    when it has properties.
    """
    if "$ref" in schema:
        return smallest(schemas[schema["$ref"].partition("#")[0]], schemas, name)
    for keyword in ("default", "const"):
        if keyword in schema:
            return schema[keyword]
    if schema.get("enum"):
        return schema["enum"][0]
    branches = schema.get("oneOf") or schema.get("anyOf")
    first = smallest(branches[0], schemas, name) if branches else None
    if branches and not schema.keys() & {"type", "properties", "required"}:
        return first
    value = _value(schema, schemas, name)
    return {**value, **first} if isinstance(value, dict) and isinstance(first, dict) else value


def _value(schema: Schema, schemas: Schemas, name: str) -> Any:
    kind = schema.get("type", "object" if schema.keys() & {"properties", "required"} else "string")
    match kind[0] if isinstance(kind, list) else kind:
        case "object":
            return _object(schema, schemas)
        case "array":
            item = schema.get("items", {})
            return [smallest(item, schemas, name) for _ in range(schema.get("minItems", 0))]
        case "integer" | "number":
            return schema.get("minimum", 0)
        case "boolean":
            return True
        case "null":
            return None
    return _text(schema, name)


def _object(schema: Schema, schemas: Schemas) -> dict[str, Any]:
    """The required properties, or as many keys as there have to be."""
    properties = schema.get("properties", {})
    wanted = schema.get("required", ())
    made = {each: smallest(properties.get(each, {}), schemas, each) for each in wanted}
    for pattern, child in schema.get("patternProperties", {}).items():
        if len(made) < schema.get("minProperties", 0):
            made[_text({"pattern": f"^(?:{pattern})$"}, "")] = smallest(child, schemas)
    return made


def _text(schema: Schema, name: str) -> str:
    least: int = schema.get("minLength", 0)
    most: int | None = schema.get("maxLength")
    if "format" in schema:
        return FORMATS.get(schema["format"], WORDS[0])
    if least >= len(DIGITS):
        return (DIGITS * least)[:least]
    pattern = re.compile(schema.get("pattern", ""))
    fitting = (
        word
        for word in (TEXTS.get(name, WORDS[0]), *WORDS, DIGITS * 4)
        if pattern.search(word) and len(word) >= least and (most is None or len(word) <= most)
    )
    return str(next(fitting, WORDS[0]))


def a_change(schema: Schema) -> dict[str, Any] | None:
    """Something to merge into a document: its first switch, set the other way, if it has any."""
    for name, child in schema.get("properties", {}).items():
        if child.get("type") == "boolean":
            return {name: not child.get("default", False)}
    return None


def body(operation: Operation, schemas: Schemas) -> dict[str, Any] | None:
    """The document to send, ``None`` where nothing is sent."""
    if operation.schema is None or operation.action not in (
        Action.CREATE,
        Action.REPLACE,
        Action.PATCH,
    ):
        return None
    schema = schemas[operation.schema]
    whole: dict[str, Any] = smallest(schema, schemas)
    if getattr(operation.family, "schema", operation.schema) == operation.schema:
        whole |= deepcopy(ALSO_SENT.get(operation.family.noun, {}))
    return a_change(schema) or whole if operation.action is Action.PATCH else whole
