"""The schemas of callflow and metaflow actions accept what they should and refuse the rest."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import jsonschema_rs
import referencing
from referencing.jsonschema import DRAFT202012

from crossbar.validation.checks import KEYWORD
from tests.each import for_each
from tests.schemas.violations import Violation, minimal, violations

FOLDER = Path(__file__).parents[2] / "schemas"
DIALECT = "https://json-schema.org/draft/2020-12/schema"

ACTIONS: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text("utf-8"))
    for prefix in ("callflows", "metaflows")
    for path in sorted(FOLDER.glob(f"{prefix}.*.json"))
}

# Schemas of other families that actions refer to. They are tested elsewhere; anything goes here.
FOREIGN = ("conferences", "custom_sip_headers")
REGISTRY: dict[str, dict[str, Any]] = ACTIONS | {name: {"$id": name} for name in FOREIGN}

PLAIN = {"$schema", "$id", "title", "description", "type", "enum", "default", "required"}
APPLIED = {"properties", "patternProperties", "additionalProperties", "items", "oneOf", "anyOf"}
BOUNDS = {
    *("minLength", "maxLength", "pattern", "format", "minimum", "maximum"),
    *("minItems", "maxItems", "uniqueItems"),
}
CONDITIONAL = {"if", "then"}
"""What is broken by hand, in the tests of callflows: only addresses have the form of addresses."""


@cache
def python_registry() -> referencing.Registry[Any]:
    pairs = (
        (name, referencing.Resource.from_contents(schema, default_specification=DRAFT202012))
        for name, schema in REGISTRY.items()
    )
    registry: referencing.Registry[Any] = referencing.Registry()
    return registry.with_resources(pairs)


@cache
def rust_registry() -> jsonschema_rs.Registry:
    return jsonschema_rs.Registry(list(REGISTRY.items()), draft=jsonschema_rs.Draft202012)


@cache
def python_validator(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(ACTIONS[name], registry=python_registry())


@cache
def rust_validator(name: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(ACTIONS[name], registry=rust_registry())


def verdicts(name: str, document: Any) -> dict[str, bool]:
    return {
        "python": python_validator(name).is_valid(document),
        "rust": rust_validator(name).is_valid(document),
    }


def faults() -> Iterator[tuple[str, Violation]]:
    for name, schema in ACTIONS.items():
        for violation in violations(schema, REGISTRY):
            yield name, violation


def parts(schema: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Walk over a schema and all schemas inside it."""
    yield place, schema
    for keyword in ("properties", "patternProperties"):
        for name, part in schema.get(keyword, {}).items():
            yield from parts(part, f"{place}.{name}")
    for keyword in ("oneOf", "anyOf"):
        for number, part in enumerate(schema.get(keyword, [])):
            yield from parts(part, f"{place}<{number}>")
    if "items" in schema:
        yield from parts(schema["items"], f"{place}[]")


def test_no_action_is_missing() -> None:
    families = Counter(name.partition(".")[0] for name in ACTIONS)
    assert families == {"callflows": 82, "metaflows": 17}


@for_each(ACTIONS)
def test_schema_is_well_formed(name: str) -> None:
    schema = ACTIONS[name]
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema_rs.meta.validate(schema)
    assert list(schema)[:4] == ["$schema", "$id", "title", "description"]
    assert schema["$schema"] == DIALECT
    assert schema["$id"] == name
    assert schema["type"] == "object"


@for_each(ACTIONS)
def test_only_standard_keywords_and_known_references(name: str) -> None:
    for place, part in parts(ACTIONS[name]):
        known = PLAIN | APPLIED | BOUNDS | CONDITIONAL
        assert set(part) <= known | {"$ref", "writeOnly", KEYWORD}, place
        assert part.get("$ref", name) in REGISTRY, place


@for_each(ACTIONS)
def test_every_property_is_described(name: str) -> None:
    for place, part in parts(ACTIONS[name]):
        for keyword in ("properties", "patternProperties"):
            for key, schema in part.get(keyword, {}).items():
                assert len(schema["description"].split()) > 2, f"{place}.{key}"


@for_each(ACTIONS)
def test_minimal_data_is_accepted(name: str) -> None:
    assert verdicts(name, minimal(ACTIONS[name], REGISTRY)) == {"python": True, "rust": True}


@for_each(faults(), lambda fault: f"{fault[0]}-{fault[1]}")
def test_violation_is_refused(fault: tuple[str, Violation]) -> None:
    name, violation = fault
    assert verdicts(name, violation.document) == {"python": False, "rust": False}


def test_every_rule_was_broken() -> None:
    skipped: Counter[str] = Counter()
    for schema in ACTIONS.values():
        list(violations(schema, REGISTRY, skipped=skipped))
    assert skipped == dict.fromkeys(CONDITIONAL, 2)


def test_secrets_are_write_only() -> None:
    secrets = {
        f"{name}{place}"
        for name in ACTIONS
        for place, part in parts(ACTIONS[name])
        if part.get("writeOnly")
    }
    assert secrets == {"callflows.disa.pin", "callflows.nomorobo.password"}
