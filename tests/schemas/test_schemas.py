"""Every schema file is well formed, described, and understood alike by both validators."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema_rs
import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from tests.each import for_each

FILES = {
    path.stem: path
    for path in sorted((Path(__file__).resolve().parents[2] / "schemas").glob("*.json"))
}
SCHEMAS: dict[str, dict[str, Any]] = {
    name: json.loads(path.read_text(encoding="utf-8")) for name, path in FILES.items()
}
DIALECT = "https://json-schema.org/draft/2020-12/schema"

# Defaults that do not satisfy their own schema, as "schema path": reason.
ODD_DEFAULTS: dict[str, str] = {}

# Order of the keywords that people look for first.
LEADING = ("$schema", "$id", "title", "description", "type", "required", "properties")
FILLER = re.compile(r"(?i)(the |a )?[\w\-]+( field| property| value| object)?\.?")
SAMPLES = ("", "a", "A", "_", "-", "0", "+1", "é", "ß", "٣", "a b", "a/b", "{{domain}}", "\\", "^")


VALUES: tuple[Any, ...] = (
    *(None, True, 0, 1.0, "", "1", [], [{}], {}),
    *({"name": "x"}, {"name": ""}, {"name": 1}, {"enabled": 1}, {"id": 1.0}, {"data": {}}),
)


class Node(NamedTuple):
    """A schema within a schema."""

    path: str
    schema: dict[str, Any]
    is_property: bool


def nodes(schema: dict[str, Any], path: str = "", is_property: bool = False) -> Iterator[Node]:
    yield Node(path, schema, is_property)
    for keyword in ("properties", "patternProperties"):
        for key, below in schema.get(keyword, {}).items():
            yield from nodes(below, f"{path}.{key}", True)
    if isinstance(schema.get("additionalProperties"), dict):
        yield from nodes(schema["additionalProperties"], f"{path}.*", True)
    if "items" in schema:
        yield from nodes(schema["items"], f"{path}[]")
    for keyword in ("anyOf", "oneOf"):
        for index, below in enumerate(schema.get(keyword, [])):
            yield from nodes(below, f"{path}<{keyword}:{index}>")


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for below in value.values():
            yield from references(below)
    elif isinstance(value, list):
        for below in value:
            yield from references(below)


REGISTRY: Registry[Any] = Registry().with_resources(
    (name, Resource.from_contents(schema)) for name, schema in SCHEMAS.items()
)
FAST_REGISTRY = jsonschema_rs.Registry(list(SCHEMAS.items()))


def both(
    schema: dict[str, Any],
) -> tuple[Draft202012Validator, jsonschema_rs.Draft202012Validator]:
    return (
        Draft202012Validator(schema, registry=REGISTRY),
        jsonschema_rs.Draft202012Validator(schema, registry=FAST_REGISTRY),
    )


every_schema = for_each(sorted(SCHEMAS))


def test_there_are_schemas() -> None:
    assert len(SCHEMAS) > 100


@every_schema
def test_is_a_valid_schema(name: str) -> None:
    schema = SCHEMAS[name]
    Draft202012Validator.check_schema(schema)
    assert jsonschema_rs.meta.is_valid(schema)
    assert schema["$schema"] == DIALECT
    assert schema["$id"] == name


@every_schema
def test_references_resolve(name: str) -> None:
    assert [target for target in references(SCHEMAS[name]) if target not in SCHEMAS] == []


@every_schema
def test_is_described(name: str) -> None:
    schema = SCHEMAS[name]
    assert schema.get("title"), "no title"
    assert schema.get("description"), "no description"
    faults = [
        node.path
        for node in nodes(schema)
        if node.is_property or "description" in node.schema
        if not node.schema.get("description", "").endswith(".")
        or FILLER.fullmatch(node.schema["description"])
    ]
    assert faults == []


@every_schema
def test_defaults_satisfy_their_schema(name: str) -> None:
    odd = {
        f"{name} {node.path}"
        for node in nodes(SCHEMAS[name])
        if "default" in node.schema
        if not both(node.schema)[0].is_valid(node.schema["default"])
        or not both(node.schema)[1].is_valid(node.schema["default"])
    }
    assert odd == {key for key in ODD_DEFAULTS if key.split()[0] == name}


@every_schema
def test_file_is_canonical(name: str) -> None:
    text = FILES[name].read_text(encoding="utf-8")
    assert text == json.dumps(SCHEMAS[name], indent=2, ensure_ascii=False) + "\n"
    for node in nodes(SCHEMAS[name]):
        leading = [key for key in node.schema if key in LEADING]
        assert leading == sorted(leading, key=LEADING.index), node.path


@every_schema
def test_both_validators_compile(name: str) -> None:
    python, fast = both(SCHEMAS[name])
    for value in VALUES:
        assert python.is_valid(value) == fast.is_valid(value), value


@every_schema
def test_both_validators_read_regexes_alike(name: str) -> None:
    regexes: set[str] = set()
    for node in nodes(SCHEMAS[name]):
        regexes |= node.schema.get("patternProperties", {}).keys()
        if "pattern" in node.schema:
            regexes.add(node.schema["pattern"])
    for regex in regexes:
        python, fast = both({"type": "string", "pattern": regex})
        for value in SAMPLES:
            assert python.is_valid(value) == fast.is_valid(value), (regex, value)


@pytest.mark.parametrize(
    ("address", "valid"), [("192.0.2.7", True), ("2001:db8::7", True), ("example.com", False)]
)
def test_addresses_need_formats(address: str, valid: bool) -> None:
    """IPv4 and IPv6 are alternatives that only their format tells apart."""
    schema, value = SCHEMAS["ips"], {"ips": [address]}
    checker = Draft202012Validator.FORMAT_CHECKER
    python = Draft202012Validator(schema, registry=REGISTRY, format_checker=checker)
    fast = jsonschema_rs.Draft202012Validator(
        schema, registry=FAST_REGISTRY, validate_formats=True
    )
    assert python.is_valid(value) is valid
    assert fast.is_valid(value) is valid
