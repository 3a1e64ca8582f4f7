"""Schemas: wire forms of every rule, defaults, soft types, and that the two validators agree."""

from __future__ import annotations

import json
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crossbar.errors import ValidationFailed
from crossbar.validation import schemas as validation
from crossbar.validation.checks import BAD_CLIENT_URL
from crossbar.validation.client_urls import ClientUrls
from crossbar.validation.refusals import Refusals
from crossbar.validation.schemas import ROOT, BrokenSchema, Schemas
from crossbar.validation.wording import CHECKED_FORMATS, dotted, holds
from tests.each import for_each

REAL = Path(__file__).parent.parent / "schemas"
REAL_NAMES = sorted(path.stem for path in REAL.glob("*.json"))


def write(folder: Path, **schemas: Any) -> Path:
    """Write schemas into ``folder``; a name's ``__`` stands for a dot."""
    for key, schema in schemas.items():
        name = key.replace("__", ".")
        (folder / f"{name}.json").write_text(json.dumps({"$id": name, **schema}))
    return folder


def one(folder: Path, schema: Any, *, strict: bool = False) -> Schemas:
    """A folder with one schema, ``thing``."""
    return Schemas(write(folder, thing=schema), strict=strict)


def field(rule: Any) -> dict[str, Any]:
    return {"properties": {"x": rule}}


# Rules --------------------------------------------------------------------------------------

FAILED = "failed to validate"

RULES: list[tuple[str, Any, Any, dict[str, Any]]] = [
    (
        "minLength",
        {"minLength": 2},
        "a",
        {
            "message": "String must be at least 2 characters",
            "target": 2,
            "cause": "a",
            "value": "a",
        },
    ),
    (
        "maxLength",
        {"maxLength": 2},
        "äöü",
        {
            "message": "String must not be more than 2 characters",
            "target": 2,
            "cause": "äöü",
            "value": "äöü",
        },
    ),
    (
        "enum",
        {"enum": ["a", 1]},
        True,
        {
            "message": "Value not found in enumerated list of values",
            "target": ["a", 1],
            "value": True,
        },
    ),
    (
        "enum",
        {"const": "a"},
        "b",
        {"message": "Value not found in enumerated list of values", "target": ["a"], "value": "b"},
    ),
    (
        "minimum",
        {"minimum": 3},
        2,
        {"message": "Value must be at least 3", "target": 3, "value": 2},
    ),
    (
        "minimum",
        {"exclusiveMinimum": 3},
        3,
        {"message": "Value must be at least 3", "target": 3, "value": 3},
    ),
    (
        "maximum",
        {"maximum": 3.5},
        4,
        {"message": "Value must be at most 3.5", "target": 3.5, "value": 4},
    ),
    (
        "maximum",
        {"exclusiveMaximum": 3},
        3,
        {"message": "Value must be at most 3", "target": 3, "value": 3},
    ),
    (
        "minItems",
        {"minItems": 1},
        [],
        {"message": "The list must have at least 1 items", "target": 1, "value": []},
    ),
    (
        "maxItems",
        {"maxItems": 1},
        [1, 2],
        {"message": "The list is more than 1 items", "target": 1, "value": [1, 2]},
    ),
    (
        "uniqueItems",
        {"uniqueItems": True},
        [1, 1.0],
        {"message": "List of items is not unique", "value": [1, 1.0]},
    ),
    ("too_few_properties", {"minProperties": 1}, {}, {"message": FAILED, "value": {}}),
    (
        "too_many_properties",
        {"maxProperties": 0},
        {"a": 1},
        {"message": FAILED, "value": {"a": 1}},
    ),
    (
        "additionalItems",
        {"prefixItems": [{}], "items": False},
        [1, 2],
        {
            "message": "Strict checking of data is enabled; only include schema-defined items",
            "value": [1, 2],
        },
    ),
    (
        "pattern",
        {"pattern": "^[0-9]{2}$"},
        "12\n",
        {
            "message": "Failed to match pattern '^[0-9]{2}$'",
            "target": "^[0-9]{2}$",
            "value": "12\n",
        },
    ),
    (
        "dependencies",
        {"dependentRequired": {"a": ["b", "c"]}},
        {"a": 1},
        {"message": "Dependencies were not validated", "value": {"a": 1}},
    ),
    (
        "dependencies",
        {"dependencies": {"a": ["b"]}},
        {"a": 1},
        {"message": "Dependencies were not validated", "value": {"a": 1}},
    ),
    ("not_multiple_of", {"multipleOf": 0.1}, 0.35, {"message": FAILED, "value": 0.35}),
    (
        "type",
        {"type": "object"},
        "a",
        {"message": "Value did not match type(s): object", "target": "object", "value": "a"},
    ),
    (
        "type",
        {"type": ["integer", "null"]},
        "5",
        {
            "message": "Value did not match type(s): integer, null",
            "target": "integer, null",
            "value": "5",
        },
    ),
    (
        "wrong_format",
        {"format": "email"},
        "nobody",
        {"message": "Field is not in the correct format", "value": "nobody", "format": "email"},
    ),
    (
        "all_schemas_not_valid",
        {"allOf": [{}, {"type": "null"}]},
        1,
        {"message": FAILED, "value": 1},
    ),
    (
        "any_schemas_not_valid",
        {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "1",
        {"message": FAILED, "value": "1"},
    ),
    ("not_one_schema_valid", {"oneOf": [{}, True]}, 1, {"message": FAILED, "value": 1}),
    ("not_schema_valid", {"not": {}}, 1, {"message": FAILED, "value": 1}),
    ("invalid", {"contains": {"type": "null"}}, [1], {"message": FAILED, "value": [1]}),
    ("invalid", False, 1, {"message": FAILED, "value": 1}),
]


@pytest.mark.parametrize(("rule", "schema", "value", "body"), RULES, ids=lambda value: str(value))
def test_each_rule_has_its_wire_form(
    tmp_path: Path, rule: str, schema: Any, value: Any, body: dict[str, Any]
) -> None:
    _, errors = one(tmp_path, field(schema)).apply("thing", {"x": value})
    assert errors == {"x": {rule: body}}


def test_a_missing_property_is_named_in_path_and_value(tmp_path: Path) -> None:
    schemas = one(tmp_path, {"required": ["a", "b"], **field({"required": ["c"]})})
    _, errors = schemas.apply("thing", {"b": 1, "x": {}})
    body = {"message": "Field is required but missing"}
    assert errors == {
        "a": {"required": {**body, "value": "a"}},
        "x.c": {"required": {**body, "value": "c"}},
    }


def test_a_schema_that_names_its_dialect_words_errors_the_same(tmp_path: Path) -> None:
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    part = {**dialect, "required": ["a"], "properties": {"b": {"pattern": "^\\d$"}}}
    folder = write(tmp_path, part=part, thing={**dialect, **field({"$ref": "part"})})
    _, errors = Schemas(folder).apply("thing", {"x": {"b": "٣"}})
    assert errors.keys() == {"x.a", "x.b"}
    assert Schemas(folder).document("part")["$schema"] == dialect["$schema"]


def test_each_extra_property_is_an_error_of_its_own(tmp_path: Path) -> None:
    strict: dict[str, Any] = {"properties": {"a": {}}, "patternProperties": {"^p": {}}}
    schemas = one(tmp_path, field({**strict, "additionalProperties": False}))
    _, errors = schemas.apply("thing", {"x": {"a": 1, "p1": 2, "b": 3, "c.d": 4}})
    body = {
        "message": "Strict checking of data is enabled; only include schema-defined properties"
    }
    assert errors == {
        "x.b": {"additionalProperties": {**body, "value": 3}},
        "x.c%2Ed": {"additionalProperties": {**body, "value": 4}},
    }


def test_properties_by_pattern_and_the_rest_have_their_schemas(tmp_path: Path) -> None:
    rule = {"patternProperties": {"^n": {"minimum": 1}}, "additionalProperties": {"minLength": 1}}
    schemas = one(tmp_path, rule)
    assert schemas.apply("thing", {"n": 1, "s": "a"})[1] == {}
    assert schemas.apply("thing", {"n": 0, "s": ""})[1].keys() == {"n", "s"}


def test_keywords_for_objects_ignore_other_values(tmp_path: Path) -> None:
    rule = {
        "type": "string",
        "required": ["a"],
        "patternProperties": {"": False},
        "additionalProperties": False,
    }
    assert one(tmp_path, field(rule)).apply("thing", {"x": 1})[1].keys() == {"x"}


def test_array_positions_count_from_zero(tmp_path: Path) -> None:
    members = {"type": "array", "items": {"properties": {"number": {"type": "string"}}}}
    schemas = one(tmp_path, {"properties": {"members": members}})
    _, errors = schemas.apply("thing", {"members": [{"number": "1"}, {"number": 2}]})
    assert list(errors) == ["members.1.number"]


def test_the_last_error_of_a_path_stands(tmp_path: Path) -> None:
    schemas = one(tmp_path, field({"minLength": 4, "pattern": "^[a-z]+$"}))
    assert schemas.apply("thing", {"x": "1"})[1]["x"].keys() == {"pattern"}


def test_an_error_of_the_whole_document_is_reported_under_its_envelope_key(tmp_path: Path) -> None:
    wrong: Any = []
    _, errors = one(tmp_path, {"type": "object"}).apply("thing", wrong)
    body = {"message": "Value did not match type(s): object", "target": "object", "value": []}
    assert errors == {ROOT: {"type": body}}


def test_dotted_paths() -> None:
    assert dotted(["a", 0, "b.c"]) == "a.0.b%2Ec"
    assert dotted([]) == "data"


# Formats ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        (
            "date-time",
            ["2024-02-29T23:59:59Z", "2024-01-01t00:00:00.123456789+02:00"],
            ["2023-02-29T00:00:00Z", "2024-01-01", "2024-01-01T00:00:00", "٢024-01-01T00:00:00Z"],
        ),
        ("email", ["a@b", "a b@c"], ["", "@", "a@", "@b", "a@b@c", "ab"]),
        ("ipv4", ["127.0.0.1"], ["127.0.0.256", "127.1", "1.2.3.4/8", "::1", ""]),
        ("ipv6", ["::1", "fe80::1:2"], ["fe80::1%eth0", "127.0.0.1", ":::", ""]),
    ],
)
def test_four_formats_are_checked(
    tmp_path: Path, name: str, good: list[str], bad: list[str]
) -> None:
    schemas = one(tmp_path, field({"format": name}))
    for text in good:
        assert schemas.apply("thing", {"x": text})[1] == {}, text
    for text in bad:
        assert schemas.apply("thing", {"x": text})[1]["x"].keys() == {"wrong_format"}, text
    assert schemas.apply("thing", {"x": 5})[1] == {}


@pytest.mark.parametrize("name", ["uri", "uuid", "hostname", "date", "regex", "phone-number"])
def test_other_formats_are_ignored(tmp_path: Path, name: str) -> None:
    assert one(tmp_path, field({"format": name})).apply("thing", {"x": "("})[1] == {}


# Defaults -----------------------------------------------------------------------------------


def test_defaults_need_a_type_and_do_not_replace(tmp_path: Path) -> None:
    properties = {
        "typed": {"type": "integer", "default": 1},
        "untyped": {"default": 2},
        "plain": {"type": "integer"},
        "any": True,
    }
    schemas = one(tmp_path, {"properties": properties, "required": ["typed"]})
    assert schemas.apply("thing", {}) == ({"typed": 1}, {})
    assert schemas.apply("thing", {"typed": 5, "more": None})[0] == {"typed": 5, "more": None}


def test_defaults_inside_objects_that_exist_or_default_to_empty(tmp_path: Path) -> None:
    inner = {"type": "object", "properties": {"on": {"type": "boolean", "default": False}}}
    properties = {
        "defaulted": {**inner, "default": {}},
        "absent": inner,
        "listed": {"type": "array", "items": inner},
    }
    schemas = one(tmp_path, {"properties": properties})
    assert schemas.apply("thing", {})[0] == {"defaulted": {"on": False}}
    document = {"defaulted": {"on": True}, "absent": {}, "listed": [{}, {"on": True}]}
    assert schemas.apply("thing", document)[0] == {
        "defaulted": {"on": True},
        "absent": {"on": False},
        "listed": [{"on": False}, {"on": True}],
    }


def test_defaults_follow_references_of_what_is_present(tmp_path: Path) -> None:
    other = {"properties": {"n": {"type": "integer", "default": 7}}}
    local = {"$defs": {"part": {"properties": {"n": {"type": "integer", "default": 8}}}}}
    properties = {
        "a": {"$ref": "some.other"},
        "b": {"allOf": [{"$ref": "some.other"}]},
        "c": {"$ref": "#/$defs/part"},
        "d": {"$ref": "some.other#/$defs/part"},
        "e": {"allOf": [{"$ref": "some.other"}, {}]},
        "f": {"anyOf": [{"$ref": "some.other"}]},
        "g": {"$ref": "some.other", "properties": {"n": {"type": "integer", "default": 9}}},
        "h": {"$ref": "some.other"},
    }
    folder = write(
        tmp_path, some__other={**other, **local}, thing={"properties": properties, **local}
    )
    made, errors = Schemas(folder).apply("thing", {name: {} for name in "abcdefg"})
    assert errors == {}
    assert made == {
        "a": {"n": 7},
        "b": {"n": 7},
        "c": {"n": 8},
        "d": {"n": 8},
        "e": {},
        "f": {},
        "g": {"n": 9},
    }


def test_defaults_in_properties_by_pattern_and_in_the_rest(tmp_path: Path) -> None:
    def numbered(default: int) -> dict[str, Any]:
        return {"properties": {"n": {"type": "integer", "default": default}}}

    schemas = one(
        tmp_path,
        {
            "properties": {"own": {}},
            "patternProperties": {"^p": numbered(1)},
            "additionalProperties": numbered(2),
        },
    )
    made, _ = schemas.apply("thing", {"own": {}, "p1": {}, "other": {}, "text": "a", "\ud800": {}})
    assert made == {"own": {}, "p1": {"n": 1}, "other": {"n": 2}, "text": "a", "\ud800": {"n": 2}}


def test_the_argument_is_completed_in_place_and_the_schema_stays_as_it_is(tmp_path: Path) -> None:
    rule = {"type": "object", "default": {"list": [{}]}}
    schemas = one(tmp_path, {"properties": {"x": rule, "n": {"type": "integer"}}})
    document = {"deep": {"list": [{"a": 1}]}, "n": "5"}
    made, _ = schemas.apply("thing", document)
    assert made is document
    assert made["n"] == 5
    made["x"]["list"].append(3)
    schemas.document("thing")["properties"].clear()
    assert schemas.apply("thing", {})[0] == {"x": {"list": [{}]}}


def test_a_schema_may_contain_itself_and_another_that_contains_it(tmp_path: Path) -> None:
    flow = {
        "type": "object",
        "properties": {
            "module": {"type": "string", "default": "menu"},
            "children": {"patternProperties": {".+": {"$ref": "flow"}}},
        },
        "additionalProperties": False,
    }
    folder = write(tmp_path, flow=flow, thing={"properties": {"flow": {"$ref": "flow"}}})
    schemas = Schemas(folder)
    made, errors = schemas.apply("thing", {"flow": {"children": {"_": {"children": {"1": {}}}}}})
    assert errors == {}
    assert made["flow"]["children"]["_"]["children"]["1"] == {"module": "menu"}
    _, errors = schemas.apply("thing", {"flow": {"children": {"_": {"x": 1}}}})
    assert list(errors) == ["flow.children._.x"]


def test_references_in_a_circle_end(tmp_path: Path) -> None:
    folder = write(tmp_path, thing=field({"$ref": "ring"}), ring={"$ref": "ring"})
    assert Schemas(folder)._compile("thing").filled is None


# Soft types ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "text", "value"),
    [
        ("integer", "5", 5),
        ("integer", "-5", -5),
        ("number", "5", 5),
        ("number", "-0.5", -0.5),
        ("number", "1e3", 1000.0),
        ("boolean", "true", True),
        ("boolean", "false", False),
    ],
)
def test_strings_become_the_wanted_type(
    tmp_path: Path, wanted: str, text: str, value: Any
) -> None:
    schemas = one(tmp_path, {"properties": {"a": {"items": {"type": wanted}}}})
    made, errors = schemas.apply("thing", {"a": [text]})
    assert (made, errors) == ({"a": [value]}, {})
    assert type(made["a"][0]) is type(value)


@pytest.mark.parametrize(
    ("wanted", "value"),
    [
        ("integer", "5.5"),
        ("integer", ""),
        ("integer", "٥"),
        ("integer", "1" * 19),
        ("integer", True),
        ("number", "1e999"),
        ("number", "NaN"),
        ("number", "9" * 5000),
        ("boolean", "True"),
        ("boolean", "1"),
        ("boolean", 1),
        ("null", "null"),
        ("string", 5),
        ("object", "{}"),
    ],
)
def test_other_values_stay_and_fail(tmp_path: Path, wanted: str, value: Any) -> None:
    made, errors = one(tmp_path, field({"type": wanted})).apply("thing", {"x": value})
    assert made == {"x": value}
    assert errors["x"].keys() == {"type"}


def test_a_strict_server_converts_nothing(tmp_path: Path) -> None:
    schemas = one(tmp_path, field({"type": "integer"}), strict=True)
    assert schemas.apply("thing", {"x": "5"})[1]["x"].keys() == {"type"}


def test_a_converted_value_is_judged_again(tmp_path: Path) -> None:
    schemas = one(tmp_path, field({"type": "integer", "maximum": 4}))
    made, errors = schemas.apply("thing", {"x": "5"})
    assert made == {"x": 5}
    assert errors["x"] == {
        "maximum": {"message": "Value must be at most 4", "target": 4, "value": 5}
    }


def test_names_and_branches_and_the_root_are_not_converted(tmp_path: Path) -> None:
    schemas = one(
        tmp_path,
        {
            "properties": {
                "named": {"propertyNames": {"type": "integer"}},
                "any": {"anyOf": [{"type": "integer"}]},
            }
        },
    )
    document = {"named": {"5": 1}, "any": "5"}
    made, errors = schemas.apply("thing", document)
    assert made == document
    assert errors.keys() == {"named", "any"}
    root: Any = "5"
    _, errors = one(tmp_path, {"type": "integer"}).apply("thing", root)
    assert errors[ROOT]["type"]["value"] == "5"


# Secrets ------------------------------------------------------------------------------------


def test_write_only_values_are_never_repeated(tmp_path: Path) -> None:
    secret = {"type": "string", "writeOnly": True}
    folder = write(
        tmp_path,
        secret={**secret, "minLength": 8},
        thing={
            "properties": {
                "password": {**secret, "minLength": 8},
                "pin": {"$ref": "secret"},
                "sip": {"properties": {"password": {"type": "object"}}, "minProperties": 5},
                "list": {"type": "array", "items": {"$ref": "secret"}},
                "members": {"uniqueItems": True},
                "properties": {"properties": {"properties": True}},
            },
            "required": ["password"],
        },
    )
    schemas = Schemas(folder)
    member = {"pin": "hunter2", "id": 1}
    document = {
        "password": "hunter2",
        "pin": "hunter2",
        "sip": {"password": "hunter2", "username": "ann"},
        "list": ["hunter2"],
        "members": [member, member],
    }
    _, errors = schemas.apply("thing", document)
    assert "hunter2" not in json.dumps(errors)
    assert errors["password"]["minLength"].keys() == {"message", "target"}
    assert errors["sip"]["too_few_properties"]["value"] == {"username": "ann"}
    assert errors["members"]["uniqueItems"]["value"] == [{"id": 1}, {"id": 1}]
    assert errors.keys() == {"password", "pin", "sip", "sip.password", "list.0", "members"}
    assert schemas.apply("thing", {})[1]["password"]["required"]["value"] == "password"


# Loading ------------------------------------------------------------------------------------


def test_files_are_read_and_compiled_once_and_when_needed(tmp_path: Path) -> None:
    folder = write(tmp_path, b={"type": "object"}, a__c={"$ref": "b"})
    (folder / "broken.json").write_text("{")
    (folder / "notes.txt").write_text("not a schema")
    schemas = Schemas(folder)
    assert schemas.names() == ["a.c", "b", "broken"]
    assert "b" in schemas
    assert "notes" not in schemas
    assert 5 not in schemas
    assert schemas._loaded == {}
    assert schemas.apply("b", {}) == ({}, {})
    compiled = schemas._compiled["b"]
    for path in folder.iterdir():
        path.unlink()
    assert schemas.apply("b", {}) == ({}, {})
    assert schemas._compiled["b"] is compiled
    assert schemas.document("b") == {"$id": "b", "type": "object"}


def test_an_unknown_schema_is_a_key_error(tmp_path: Path) -> None:
    schemas = one(tmp_path, {})
    for name in ("nope", "../thing", ""):
        assert name not in schemas
        with pytest.raises(KeyError):
            schemas.apply(name, {})
        with pytest.raises(KeyError):
            schemas.document(name)


def test_the_default_folder_is_in_the_package_or_beside_it(tmp_path: Path) -> None:
    package = tmp_path / "crossbar"
    assert validation._default_directory(package) == tmp_path / "schemas"
    (package / "schemas").mkdir(parents=True)
    assert validation._default_directory(package) == package / "schemas"
    assert Schemas().names() == REAL_NAMES


def test_a_missing_folder_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Schemas(tmp_path / "nope")


def test_check_accepts_good_schemas(tmp_path: Path) -> None:
    inner = {"type": "object", "default": {}, "properties": {"n": {"type": "integer"}}}
    good = {"type": "object", "minProperties": 5, "required": ["x"], "properties": {"y": inner}}
    assert Schemas(write(tmp_path, thing=good, other={"$ref": "thing"})).check() == []


def test_check_names_every_broken_file(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        dangling={"properties": {"x": {"$ref": "nope"}, "y": {"$ref": "#/$defs/nope"}}},
        meta={"properties": {"x": {"type": "strin"}}},
        regex={"pattern": "("},
        user=field({"$ref": "syntax"}),
    )
    (folder / "syntax.json").write_text("{")
    (folder / "named.json").write_text('{"$id": "other"}')
    problems = Schemas(folder).check()
    assert [problem.split(":")[0] for problem in problems] == [
        "dangling",
        "dangling",
        "meta",
        "named",
        "regex",
        "syntax",
    ]
    assert "dangling: reference to 'nope' leads nowhere" in problems
    assert any(
        problem.startswith("meta: not a schema at /properties/x/type") for problem in problems
    )


def test_check_names_defaults_that_are_refused_or_endless(tmp_path: Path) -> None:
    endless = {"type": "object", "default": {}, "$ref": "endless"}
    inner = {"type": "object", "default": {}, "required": ["id"]}
    wrong = {
        "properties": {"n": {"type": "integer", "default": "a"}, "o": inner},
        "required": ["p"],
    }
    problems = Schemas(write(tmp_path, endless=field(endless), wrong=wrong)).check()
    assert problems == [
        "endless: its defaults contain each other without end",
        "wrong: the default at n is refused: type",
        "wrong: the default at o.id is refused: required",
    ]


def test_a_broken_schema_says_what_is_wrong_when_it_is_used(tmp_path: Path) -> None:
    schemas = Schemas(write(tmp_path, thing=field({"$ref": "nope"})))
    with pytest.raises(BrokenSchema, match=r"^thing: .*nope"):
        schemas.apply("thing", {})


# Odd input ----------------------------------------------------------------------------------


def nested(depth: int) -> dict[str, Any]:
    flow: dict[str, Any] = {"module": 5}
    for _ in range(depth):
        flow = {"module": "menu", "children": {"_": flow}}
    return flow


FLOW = {
    "type": "object",
    "properties": {
        "module": {"type": "string"},
        "children": {"type": "object", "patternProperties": {".+": {"$ref": "flow"}}},
    },
}


def test_a_hundred_levels_are_judged(tmp_path: Path) -> None:
    _, errors = Schemas(write(tmp_path, flow=FLOW)).apply("flow", nested(50))
    assert list(errors) == ["children._." * 50 + "module"]


def test_what_is_nested_beyond_reason_is_refused(tmp_path: Path) -> None:
    document = nested(3000)
    made, errors = Schemas(write(tmp_path, flow=FLOW)).apply("flow", document)
    assert made is document
    assert errors == {ROOT: {"invalid": {"message": "Data is nested too deeply"}}}


def test_lone_surrogates_do_not_crash(tmp_path: Path) -> None:
    schemas = one(tmp_path, {"properties": {"x": {"type": "string"}, "y": {"pattern": ".*"}}})
    assert schemas.apply("thing", {"x": "\ud800"})[1] == {}
    assert schemas.apply("thing", {"y": "\ud800"})[1].keys() == {"y"}
    assert schemas.apply("thing", {"x": 5, "\ud800": "\ud800"})[1].keys() == {"x"}


def test_integers_of_any_size_are_judged(tmp_path: Path) -> None:
    schemas = one(tmp_path, field({"type": "integer", "maximum": 5}))
    assert schemas.apply("thing", {"x": -(10**400)})[1] == {}
    assert schemas.apply("thing", {"x": 10**400})[1].keys() == {"x"}


def test_long_lists_and_greedy_patterns_end_soon(tmp_path: Path) -> None:
    rule = {"properties": {"x": {"uniqueItems": True}, "y": {"pattern": "^(a+)+$"}}}
    many = [{"a": number, "b": [number]} for number in range(10_000)]
    document = {"x": [*many, many[0]], "y": "a" * 5_000 + "b"}
    _, errors = one(tmp_path, rule).apply("thing", document)
    assert errors["x"].keys() == {"uniqueItems"}
    assert errors["y"].keys() == {"pattern"}


def test_when_the_validators_disagree_the_document_is_refused(tmp_path: Path) -> None:
    schemas = one(tmp_path, {})
    compiled = schemas._compile("thing")
    refuses_all = jsonschema_rs.Draft202012Validator(False)
    schemas._compiled["thing"] = replace(compiled, quick=refuses_all)
    assert schemas.apply("thing", {"a": 1})[1] == {
        ROOT: {"invalid": {"message": FAILED, "value": {"a": 1}}}
    }


# Checks beyond JSON Schema -------------------------------------------------------------------

URL = {"type": "string", "x-check": "client_url"}
STEP = {
    "x-check": "callflow",
    "type": "object",
    "properties": {
        "module": {"type": "string"},
        "data": {"type": "object", "default": {}},
        "children": {"type": "object", "patternProperties": {".+": {"$ref": "callflows.action"}}},
    },
}
PLAY = {"properties": {"loops": {"type": "integer", "default": 1}, "url": URL}}


@pytest.mark.parametrize("url", ["ftp://example.com/", "http://localhost/", "http://example.com/"])
def test_urls_of_clients_are_judged_at_their_place(tmp_path: Path, url: str) -> None:
    folder = write(tmp_path, thing=field({"type": "array", "items": URL}))
    schemas = Schemas(folder, client_urls=ClientUrls(["example.com"]))
    error = {"error": {**BAD_CLIENT_URL, "value": url}}
    assert schemas.apply("thing", {"x": ["https://a.b/", url]})[1] == (
        {} if "localhost" in url else {"x.1": error}
    )
    assert schemas.apply("thing", {"x": [5]})[1].keys() == {"x.0"}


def test_expressions_of_clients_are_judged_at_their_place(tmp_path: Path) -> None:
    schemas = one(tmp_path, field({"x-check": "expressions", "items": {"type": "string"}}))
    assert schemas.apply("thing", {"x": ["a+", "(?P<b>c)"]})[1] == {}
    assert schemas.apply("thing", {"x": ["a", "(", 5]})[1].keys() == {"x.1", "x.2"}
    assert schemas.apply("thing", {"x": ["a"] * 201})[1]["x"].keys() == {"maxItems"}
    assert schemas.apply("thing", {"x": "("})[1] == {}


def test_the_data_of_nodes_is_judged_by_their_modules(tmp_path: Path) -> None:
    named = {"callflows__action": STEP, "callflows__play": PLAY}
    folder = write(tmp_path, thing=field({"$ref": "callflows.action"}), **named)
    schemas = Schemas(folder)
    data: dict[str, Any] = {"loops": "2", "url": "http://localhost/"}
    last = {"module": "play", "data": data}
    children: dict[str, Any] = {"a.b": {"module": "dance"}, "c": last, "d": 5}
    flow = {"module": "play", "children": children}
    made, errors = schemas.apply("thing", {"x": flow})
    assert {path: next(iter(found)) for path, found in errors.items()} == {
        "x.children.a%2Eb.module": "error",
        "x.children.c.data.url": "error",
        "x.children.d": "type",
    }
    message = "unable to find callflow schema for module dance"
    assert errors["x.children.a%2Eb.module"]["error"] == {"message": message, "value": "dance"}
    assert (made["x"]["data"], data["loops"]) == ({"loops": 1}, 2)


@pytest.mark.parametrize("node", [5, {"module": 5}, {"module": "play", "data": 5}, {}])
def test_a_node_without_form_is_left_to_its_schema(tmp_path: Path, node: Any) -> None:
    schemas = Schemas(
        write(tmp_path, callflows__action=STEP, thing=field({"x-check": "callflow"}))
    )
    assert schemas.apply("thing", {"x": node})[1] == {}


# Refusals -----------------------------------------------------------------------------------


def test_refusals_gather_errors_and_keep_the_last_of_a_path() -> None:
    refusals = Refusals()
    assert not refusals
    refusals.add("name", "required", "Field is required but missing")
    refusals.add("name", "unique", "Name must be unique", cause="a")
    refusals.merge({"pin": {"minLength": {"message": "short"}}})
    assert refusals
    assert len(refusals) == 2
    assert refusals["name"] == {"unique": {"message": "Name must be unique", "cause": "a"}}
    assert ValidationFailed(refusals).data == {
        "name": {"unique": {"message": "Name must be unique", "cause": "a"}},
        "pin": {"minLength": {"message": "short"}},
    }
    refusals.merge({"name": {"invalid": {"message": "no"}}})
    assert refusals["name"] == {"invalid": {"message": "no"}}


# The two validators -------------------------------------------------------------------------

SCALARS = [
    None, True, False, 0, 1, -1, 5, 1.0, 0.3, 2**70, 1e30, "", "a", "5", "true", "ä" * 40, "a@b",
    "a\n", "٣", "127.0.0.1", "::1", "2024-01-01T00:00:00Z", "0" * 32, "+14155550100",
]  # fmt: skip
JSON = st.recursive(
    st.sampled_from(SCALARS) | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abx5"), inner),
    max_leaves=8,
)  # fmt: skip
KEYWORDS: list[Any] = [
    *(schema for _, schema, _, _ in RULES),
    {"type": "integer"}, {"type": "number"}, {"type": ["boolean", "null"]}, {"type": "array"},
    {"enum": [1, False, [True], {"a": 0}]}, {"const": 0}, {"const": [1.0]}, {"pattern": "^\\d+$"},
    {"pattern": "^\\w$"}, {"pattern": "\\s"}, {"pattern": "^.$"}, {"multipleOf": 2},
    {"multipleOf": 0.01}, {"items": {"type": "string"}}, {"patternProperties": {"^\\w$": False}},
    {"required": ["a"]}, {"properties": {"a": {}}, "additionalProperties": False},
    {"additionalProperties": {"type": "string"}}, {"propertyNames": {"maxLength": 1}},
    {"dependentSchemas": {"a": {"required": ["b"]}}}, {"contains": {"const": 1}, "maxContains": 1},
    {"if": {"type": "string"}, "then": {"minLength": 1}, "else": {"type": "object"}},
    {"unevaluatedProperties": False}, *({"format": name} for name in CHECKED_FORMATS),
]  # fmt: skip
FUZZ = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def verdicts(compiled: validation._Compiled, document: Any) -> tuple[bool, bool]:
    quick = compiled.quick.is_valid(document)
    return quick, next(iter(compiled.wording.iter_errors(document)), None) is None


@pytest.mark.parametrize("schema", KEYWORDS, ids=str)
def test_both_validators_agree_on_each_keyword(tmp_path: Path, schema: Any) -> None:
    compiled = one(tmp_path, field(schema))._compile("thing")

    @FUZZ
    @given(JSON)
    def agree(value: Any) -> None:
        quick, slow = verdicts(compiled, {"x": value})
        assert quick == slow

    agree()


class Guess:
    """Documents that a schema may accept or nearly accept."""

    def __init__(self, schemas: Schemas, chance: random.Random) -> None:
        self.schemas, self.chance = schemas, chance

    def value(self, schema: Any, home: str, depth: int = 0) -> Any:
        chance = self.chance
        if not isinstance(schema, dict) or depth > 6 or chance.random() < 0.04:
            return chance.choice([*SCALARS, [], {}, [1, 1], {"a": 1}])
        if "$ref" in schema:
            name, _, pointer = schema["$ref"].partition("#")
            target: Any = self.schemas.document(name or home)
            for part in pointer.split("/")[1:]:
                target = target[int(part) if isinstance(target, list) else part]
            return self.value(target, name or home, depth + 1)
        for keyword in ("oneOf", "anyOf", "allOf"):
            if keyword in schema and chance.random() < 0.7:
                return self.value(chance.choice(schema[keyword]), home, depth + 1)
        if "enum" in schema:
            return chance.choice(schema["enum"])
        kind = schema.get("type", "object" if "properties" in schema else "string")
        kind = chance.choice(kind) if isinstance(kind, list) else kind
        if kind == "object":
            return self.members(schema, home, depth)
        if kind == "array":
            items = schema.get("items", {})
            return [self.value(items, home, depth + 1) for _ in range(chance.randint(0, 3))]
        return self.scalar(kind, schema)

    def members(self, schema: Any, home: str, depth: int) -> dict[str, Any]:
        chance, required = self.chance, schema.get("required", [])
        made = {
            name: self.value(rule, home, depth + 1)
            for name, rule in schema.get("properties", {}).items()
            if chance.random() < (0.95 if name in required else 0.4)
        }
        others = [
            *schema.get("patternProperties", {}).values(),
            schema.get("additionalProperties"),
        ]
        for rule in others:
            if isinstance(rule, dict):
                name = chance.choice(["_", "1", "22", "a.b", "ab", "0" * 32, "*97", "did_us"])
                made[name] = self.value(rule, home, depth + 1)
        if chance.random() < 0.1:
            made[chance.choice(["unknown", "id", "x y"])] = chance.choice(SCALARS)
        return made

    def scalar(self, kind: str, schema: Any) -> Any:
        chance = self.chance
        if kind == "string":
            shapes = [
                "a",
                "ab_c",
                "12",
                "+1415",
                "a@b.c",
                "::1",
                "10.0.0.1",
                "0" * 32,
                "x.org",
                "",
            ]
            length = chance.choice([schema.get("minLength", 0), schema.get("maxLength", 3)])
            return chance.choice([*shapes, "a" * min(length, 300)])
        if kind in ("integer", "number"):
            edge = chance.choice([schema.get("minimum", 0), schema.get("maximum", 9)])
            return edge + chance.choice([0, 0, 1, -1])
        return {"boolean": chance.random() < 0.5, "null": None}[kind]


@cache
def real() -> Schemas:
    return Schemas(REAL)


@for_each(REAL_NAMES)
def test_both_validators_agree_on_each_schema(name: str) -> None:
    compiled = real()._compile(name)
    for seed in random.sample(range(2**32), 25):
        document = Guess(real(), random.Random(seed)).value(real().document(name), name)
        filled, errors = real().apply(name, document)
        assert errors or verdicts(compiled, filled) == (True, True), f"seed {seed}: {filled}"
        quick, slow = verdicts(compiled, document)
        assert quick == slow, f"seed {seed}: {document}"
        json.dumps(errors)


def test_the_real_schemas_are_sound() -> None:
    assert real().check() == []


def test_holds_is_ascii_and_exact() -> None:
    assert holds("pattern", "^\\d$", "1")
    assert not holds("pattern", "^\\d$", "٣")
    assert not holds("pattern", "^\\d$", "1\n")


def test_a_computed_schema_is_judged_by_and_not_listed() -> None:
    schemas = Schemas()
    schemas.register({"$id": "made", "type": "object", "properties": {"a": {"type": "integer"}}})
    assert schemas.apply("made", {"a": "5"}) == ({"a": 5}, {})
    assert "a" in schemas.apply("made", {"a": []})[1]
    assert "made" not in schemas.names()
    with pytest.raises(BrokenSchema):
        schemas.register({"$id": "made", "type": "nothing"})


# Very many ----------------------------------------------------------------------------------


def test_after_a_hundred_faults_no_more_are_looked_for(tmp_path: Path) -> None:
    schemas = one(tmp_path, field({"items": {"type": "string"}}))
    _, errors = schemas.apply("thing", {"x": [1] * 20_000})
    assert list(errors) == [f"x.{place}" for place in range(101)]


def test_texts_that_spell_numbers_are_converted_however_many(tmp_path: Path) -> None:
    schemas = one(tmp_path, field({"items": {"type": "integer"}}))
    document, errors = schemas.apply("thing", {"x": ["5"] * 900})
    assert not errors
    assert document["x"] == [5] * 900


def test_what_cannot_be_converted_counts_among_what_can(tmp_path: Path) -> None:
    schemas = one(tmp_path, field({"items": {"type": "integer"}}))
    _, errors = schemas.apply("thing", {"x": ["5", "a"] * 400})
    assert list(errors) == [f"x.{place}" for place in range(1, 203, 2)]


async def test_a_large_document_is_judged_as_a_small_one(tmp_path: Path) -> None:
    inner = {"type": "object", "properties": {"b": {"type": "integer", "default": 1}}}
    item = {"type": "object", "properties": {"a": {**inner, "default": {}}}}
    schemas = one(tmp_path, field({"items": item}))
    threads: list[str] = []
    judge = schemas.apply

    def apply(name: str, document: Any) -> Any:
        threads.append(threading.current_thread().name)
        return judge(name, document)

    schemas.apply = apply  # type: ignore[method-assign]
    for count in (1, 20_000):
        document, errors = await schemas.judged("thing", {"x": [{} for _ in range(count)]})
        assert not errors
        assert document["x"] == [{"a": {"b": 1}}] * count
    assert threads[0] == "MainThread"
    assert threads[1] != "MainThread"


def test_a_default_within_itself_is_filled_in_at_every_depth(tmp_path: Path) -> None:
    inner = {"type": "object", "properties": {"b": {"type": "integer", "default": 1}}}
    node = {
        "type": "object",
        "properties": {
            "below": {"type": "object", "default": {}, "additionalProperties": {"$ref": "#"}},
            "data": {**inner, "default": {}},
        },
    }
    schemas = one(tmp_path, node)
    document, errors = schemas.apply("thing", {"below": {"one": {}}})
    assert not errors
    empty = {"below": {}, "data": {"b": 1}}
    assert document == {"below": {"one": empty}, "data": {"b": 1}}


def test_a_schema_that_two_threads_want_is_compiled_once(tmp_path: Path) -> None:
    schemas = one(tmp_path, field({"type": "string"}))
    with ThreadPoolExecutor(4) as threads:
        compiled = list(threads.map(schemas._compile, ["thing"] * 20))
    assert len(set(map(id, compiled))) == 1
