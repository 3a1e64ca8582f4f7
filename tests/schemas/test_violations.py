"""The generator of violations breaks each rule, and nothing that is not a rule."""

from __future__ import annotations

from collections import Counter
from typing import Any

import jsonschema
import pytest

from tests.schemas.judge import UndecidableError
from tests.schemas.violations import minimal, violations


def broken(schema: dict[str, Any], **options: Any) -> dict[str, Any]:
    """Break the rules of one property ``a``: rule to offending value."""
    root = {"type": "object", "properties": {"a": schema}}
    found = {}
    for violation in violations(root, options.pop("registry", {}), **options):
        assert not jsonschema.Draft202012Validator(root).is_valid(violation.document)
        found[str(violation)] = violation.document["a"]
    return found


@pytest.mark.parametrize(
    ("schema", "rule", "value"),
    [
        ({"type": "string"}, "type", {"unexpected": ["value"]}),
        ({"type": "object"}, "type", ["unexpected"]),
        ({"type": ["object", "null"]}, "type", ["unexpected"]),
        ({"type": "string", "enum": ["b"]}, "enum", "unexpected"),
        ({"type": "integer", "enum": [1, 2]}, "enum", -1),
        ({"enum": ["#", "*"], "maxLength": 1}, "enum", "a"),
        ({"const": "b"}, "const", "unexpected"),
        ({"type": "integer", "minimum": 5}, "minimum", 4),
        ({"type": "integer", "maximum": 5}, "maximum", 6),
        ({"type": "integer", "exclusiveMinimum": 5}, "exclusiveMinimum", 5),
        ({"type": "integer", "exclusiveMaximum": 5}, "exclusiveMaximum", 5),
        ({"type": "integer", "multipleOf": 60}, "multipleOf", 61),
        ({"type": "string", "minLength": 3}, "minLength", "aa"),
        ({"type": "string", "maxLength": 3}, "maxLength", "aaaa"),
        ({"type": "string", "maxLength": 3, "pattern": "^[0-9]+$"}, "maxLength", "2020"),
        ({"type": "string", "minLength": 2, "pattern": "^[a-z]+$"}, "pattern", "00"),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 2}, "minItems", [0]),
        ({"type": "array", "maxItems": 1}, "maxItems", ["a0", "a1"]),
        ({"type": "array", "items": {"enum": ["x", "y"]}, "maxItems": 1}, "maxItems", ["x", "y"]),
        ({"type": "array", "uniqueItems": True}, "uniqueItems", ["a", "a"]),
        ({"type": "object", "minProperties": 1}, "minProperties", {}),
        ({"type": "object", "maxProperties": 0}, "maxProperties", {"key_0": "value"}),
    ],
)
def test_rule_is_broken(schema: dict[str, Any], rule: str, value: Any) -> None:
    assert broken(schema)[f"a:{rule}"] == value


def test_format_is_broken_only_where_enforced() -> None:
    schema = {"type": "string", "format": "email"}
    assert list(broken(schema)) == ["a:type"]
    root = {"properties": {"a": schema}}
    found = {str(v): v.document for v in violations(root, {}, formats=["email"])}
    assert found["a:format"] == {"a": "nobody"}


def test_properties_of_objects() -> None:
    schema = {
        "type": "object",
        "required": ["b"],
        "properties": {"b": {"type": "integer"}},
        "patternProperties": {"^_": {"type": "boolean"}},
        "additionalProperties": False,
    }
    assert broken(schema) == {
        "a:type": ["unexpected"],
        "a.b:required": {},
        "a.unexpected:additionalProperties": {"b": 0, "unexpected": "value"},
        "a.b:type": {"b": {"unexpected": ["value"]}},
        "a._key:type": {"b": 0, "_key": {"unexpected": ["value"]}},
    }


def test_other_properties_follow_their_schema() -> None:
    schema = {"type": "object", "additionalProperties": {"type": "integer"}}
    assert broken(schema)["a.key:type"] == {"key": {"unexpected": ["value"]}}


def test_items_are_broken_in_a_list_of_the_right_length() -> None:
    schema = {"type": "array", "minItems": 2, "items": {"type": "integer"}}
    assert broken(schema)["a.0:type"] == [{"unexpected": ["value"]}, 0]


def test_alternatives_are_told_apart() -> None:
    kinds: list[dict[str, Any]] = [
        {"properties": {"kind": {"const": "one"}, "size": {"type": "integer"}}},
        {"properties": {"kind": {"const": "two"}, "name": {"type": "string"}}},
    ]
    schema = {"type": "object", "required": ["kind"], "oneOf": kinds}
    found = broken(schema)
    wrong = {"unexpected": ["value"]}
    assert found["a:oneOf(0/size:type)"] == {"kind": "one", "size": wrong}
    assert found["a:oneOf(1/name:type)"] == {"kind": "two", "name": wrong}


def test_undecidable_alternatives_are_counted() -> None:
    skipped: Counter[str] = Counter()
    schema = {"anyOf": [{"type": "object", "properties": {"b": {"type": "integer"}}}, {}]}
    assert broken(schema, skipped=skipped) == {}
    assert skipped == {"type": 2}


def test_unknown_keywords_are_counted() -> None:
    skipped: Counter[str] = Counter()
    broken({"type": "string", "if": {"minLength": 2}, "then": {"maxLength": 3}}, skipped=skipped)
    assert skipped == {"if": 1, "then": 1}


def test_recursion_ends() -> None:
    node: dict[str, Any] = {
        "type": "object",
        "required": ["name"],
        "properties": {"name": {"type": "string"}, "next": {"$ref": "node"}},
    }
    places = [str(violation) for violation in violations(node, {"node": node}, depth=3)]
    assert max(place.count("next") for place in places) == 2


def test_references_by_name_and_pointer() -> None:
    schema = {
        "type": "object",
        "required": ["one", "two"],
        "properties": {"one": {"$ref": "size"}, "two": {"$ref": "#/$defs/word"}},
        "$defs": {"word": {"type": "string", "minLength": 2}},
    }
    registry = {"size": {"type": "integer", "minimum": 7}}
    assert minimal(schema, registry) == {"one": 7, "two": "aa"}
    assert {"one:minimum", "two:minLength"} <= {str(v) for v in violations(schema, registry)}


def test_unknown_reference_is_an_error() -> None:
    with pytest.raises(LookupError, match="nowhere"):
        minimal({"type": "object", "$ref": "nowhere"}, {})


def test_minimal_prefers_defaults() -> None:
    schema = {
        "type": "object",
        "required": ["on", "mode", "list"],
        "properties": {
            "on": {"type": "boolean", "default": True},
            "mode": {"enum": ["x", "y"], "default": "y"},
            "list": {"type": "array", "minItems": 1, "items": {"const": 3}, "default": []},
            "more": {"default": 1},
        },
    }
    assert minimal(schema, {}) == {"on": True, "mode": "y", "list": [3]}


def test_defaults_can_fill_gaps() -> None:
    schema = {
        "type": "object",
        "required": ["a", "b"],
        "properties": {"a": {"type": "string", "default": ""}, "b": {"type": "string"}},
    }
    rules = {str(v) for v in violations(schema, {}, defaults_fill_gaps=True)}
    assert "b:required" in rules
    assert "a:required" not in rules


def test_impossible_schemas_are_reported() -> None:
    endless = {"type": "object", "required": ["a"], "properties": {"a": {"$ref": "#"}}}
    for schema in (endless, {"type": "string"}, {"type": "object", "not": {}}):
        with pytest.raises(UndecidableError):
            minimal(schema, {})
