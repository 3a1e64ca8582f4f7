"""The schemas say what the tables of published facts say, no more and no less.

A table has one row a field: path, type, ``required``, default, bounds. Every schema is written
out in the same notation and compared with its table, so that a field missing on either side shows
up as well as one that differs.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from crossbar.validation.checks import KEYWORD
from tests.each import for_each

PROJECT = Path(__file__).resolve().parents[2]
REFERENCE = Path(os.environ.get("CROSSBAR_REFERENCE", PROJECT.parent / "shared" / "reference"))
FIELDS = REFERENCE / "fields"

if not FIELDS.is_dir():
    pytest.skip(
        "the tables of published facts are not here; set CROSSBAR_REFERENCE to their folder",
        allow_module_level=True,
    )

SCHEMAS: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((PROJECT / "schemas").glob("*.json"))
}


class Difference(NamedTuple):
    """A deliberate difference: what the schemas write instead, and why."""

    ours: str
    reason: str


POSIX = "ECMA-262 has no POSIX classes"
RANGE = "the range A-z is a slip that lets punctuation through; A-Z was meant"
ASCII = r"\w and \d mean ASCII in ECMA-262 but all of Unicode in Python; spelt out they agree"
LINEAR = "an expression that takes linear time looks nowhere ahead; both keys are objects anyway"

# By the regular expression in the table.
DIFFERENCES: dict[str, Difference] = {
    r"^[[:alnum:]_]+$": Difference(r"^[A-Za-z0-9_]+$", POSIX),
    r"^[a-zA-z0-9_\-]+$": Difference(r"^[a-zA-Z0-9_\-]+$", RANGE),
    r"^[.\w-]+$": Difference(r"^[.A-Za-z0-9_-]+$", ASCII),
    r"^[.\w_-]+$": Difference(r"^[.A-Za-z0-9_-]+$", ASCII),
    r"^([+@.\w_-]+)$": Difference(r"^([+@.A-Za-z0-9_-]+)$", ASCII),
    r"^[\w/#*]+$": Difference(r"^[A-Za-z0-9_/#*]+$", ASCII),
    r"^\w+$": Difference(r"^[A-Za-z0-9_]+$", ASCII),
    r"^\+?\d*$": Difference(r"^\+?[0-9]*$", ASCII),
    r"^\+1(\d{10})$": Difference(r"^\+1([0-9]{10})$", ASCII),
    r"(?!id\b)(?!default\b)^.+@.+$": Difference(r"^.+@.+$", LINEAR),
    r"(?!id\b)(?!default\b)^[a-zA-Z0-9.]+$": Difference(r"^[a-zA-Z0-9.]+$", LINEAR),
}

_USERS = "ids of users are no addresses: the format is only that of recipients of type email"
_EMAIL = {
    "if": {"properties": {"type": {"const": "email"}}},
    "then": {"properties": {"id": {"format": "email", "items": {"format": "email"}}}},
}
_RECIPIENTS = {
    "recipients[].id<oneOf:0>: bounds should be {'format': 'email'}, is {}": _USERS,
    "recipients[].id<oneOf:1>[]: bounds should be {'format': 'email'}, is {}": _USERS,
    f"recipients[]: bounds should be {{}}, is {_EMAIL!r}": _USERS,
}

_HOOKS = [
    *("all", "channel_create", "channel_answer", "channel_bridge", "channel_hold"),
    *("channel_unhold", "channel_destroy", "cdr", "stream", "sms", "mms", "parking"),
    *("notifications", "object"),
]

# Faults of the table that we do not repeat, by schema, with the reason.
FAULTS: dict[str, dict[str, str]] = {
    "callflows.missed_call_alert": _RECIPIENTS,
    "callflows.notification": _RECIPIENTS,
    "storage.attachments": {
        "./^[a-z0-9]{32}$/<oneOf:7>: no such row in the table": "a folder is ours alone",
    },
    "resources": {
        "gateways[]: default should be {}, is '(none)'": "a gateway without a server is none",
        "gateways: bounds should be {}, is {'maxItems': 100}": "each may be a name to look up",
    },
    "limits": {
        "outbound_classes: no such row in the table": "a guard against fraud, ours alone",
        "outbound_classes[]: no such row in the table": "a guard against fraud, ours alone",
        "outbound_minutes: no such row in the table": "a guard against fraud, ours alone",
    },
    "webhooks": {
        "custom_request_headers.*: no such row in the table": "only a newer one has them",
        "custom_request_headers: no such row in the table": "only a newer one has them",
        "security_settings.sha256_key: no such row in the table": "only a newer one has it",
        "security_settings: no such row in the table": "only a newer one has them",
        "version: no such row in the table": "only a newer one has it",
        f"hook: bounds should be {{}}, is {{'enum': {_HOOKS!r}}}": "upstream adds it at its start",
    },
    "callflows.audio_macro": {
        "macros: default should be [], is '(none)'": "its own minItems would refuse the default",
    },
}

OURS = {
    "callflow_simulation",
    "switch_events",
    "switch_events.agent",
    "switch_events.cdr",
    "switch_events.channel",
    "switch_events.conference",
    "switch_events.dialogue",
    "switch_events.dtmf",
    "switch_events.fax",
    "switch_events.message",
    "switch_events.park",
    "switch_events.presence",
    "switch_events.queue_call",
    "switch_events.recording",
    "switch_events.register",
    "switch_events.subscribe",
    "switch_events.unpark",
    "switch_events.unregister",
    "alerts",
    "api_keys",
    "external_number_claim",
    "external_number_verify",
    "external_numbers",
    "lnp_lookup_req",
    "people",
    "port_requests.to_scheduled",
    "any_object",
    "service_plans",
    "services",
    "storage.attachment.folder",
    "app_blacklist",
    "app_install",
    "app_override",
    "apps_store",
    "webhook_attempt",
    "visitor_event",
    "visitor_feed",
    "visitor_report",
    "visitor_sessions",
    "resource_templates",
    "visitor_settings",
    "visitors",
    "watch_link",
}
"""Schemas that upstream does not have, or only a newer one."""

CHECKED = {
    ("call_recording.parameters", "url"): "client_url",
    ("callflows.action", "."): "callflow",
    ("callflows.pivot", "voice_url"): "client_url",
    ("callflows.record_call", "url"): "client_url",
    ("callflows.record_caller", "url"): "client_url",
    ("callflows.webhook", "uri"): "client_url",
    ("clicktocall", "whitelist"): "expressions",
    ("faxbox", "notifications.inbound.callback.url"): "client_url",
    ("faxbox", "notifications.outbound.callback.url"): "client_url",
    ("faxbox", "smtp_permission_list"): "expressions",
    ("metaflow", "."): "metaflow",
    ("metaflows.pivot", "voice_url"): "client_url",
    ("metaflows.record_call", "url"): "client_url",
    ("storage.attachment.http", "settings.url"): "client_url",
    ("webhooks", "uri"): "client_url",
}
"""What the server checks beyond the schema. The tables do not say so, the pages beside them do."""

ABSENT = "(none)"
CHILDREN = ("properties", "patternProperties", "additionalProperties", "items", "anyOf", "oneOf")
ANNOTATIONS = ("$schema", "$id", "title", "description", "readOnly", "writeOnly", KEYWORD)


@dataclass(frozen=True)
class Field:
    """The facts of one row."""

    type: str
    required: bool = False
    default: Any = ABSENT
    bounds: dict[str, Any] = field(default_factory=dict)
    closed: bool = False


Table = dict[str, Field]


def translated_path(path: str) -> str:
    for theirs, difference in DIFFERENCES.items():
        path = path.replace(f"/{theirs}/", f"/{difference.ours}/")
    return path


def parse_bounds(text: str) -> tuple[dict[str, Any], bool]:
    """Read ``key=json;key=json;closed``; a value may itself contain semicolons."""
    bounds: dict[str, Any] = {}
    closed = False
    decoder = json.JSONDecoder()
    while text:
        if re.match(r"closed(;|$)", text):
            closed = True
            text = text[len("closed") :]
        else:
            key, _, text = text.partition("=")
            bounds[key], end = decoder.raw_decode(text)
            text = text[end:]
        text = text.removeprefix(";")
    if bounds.get("pattern") in DIFFERENCES:
        bounds["pattern"] = DIFFERENCES[bounds["pattern"]].ours
    return bounds, closed


def parse_row(line: str) -> tuple[str, Field]:
    path, kind, required, default, bounds, *rest = [*line.split("\t"), "", "", "", ""]
    if any(rest) or required not in ("", "required") or (default and default[:8] != "default="):
        raise ValueError(line)
    limits, closed = parse_bounds(bounds)
    value = json.loads(default[8:]) if default else ABSENT
    return translated_path(path), Field(kind, bool(required), value, limits, closed)


def read_tables() -> dict[str, Table]:
    """Read all tables; a file whose name starts with ``_`` holds many, each after ``# name``."""
    tables: dict[str, Table] = {}
    for file in sorted(FIELDS.glob("*.tsv")):
        table: Table = {}
        if not file.stem.startswith("_"):
            tables[file.stem] = table
        for line in file.read_text(encoding="utf-8").splitlines():
            if line.startswith("# "):
                table = tables[line[2:].strip()] = {}
            elif line.strip():
                path, row = parse_row(line)
                if path in table:
                    raise ValueError(f"{file.stem}: {path} twice")
                table[path] = row
    return tables


def facts(node: dict[str, Any], required: bool) -> Field:
    """Write the facts of one schema node as a row; an unknown keyword counts as a bound."""
    kind = node.get("type", "any")
    if isinstance(kind, list):
        kind = "|".join(kind)
    if "$ref" in node:
        kind = f"ref:{node['$ref']}"
    known = ("type", "$ref", "default", "required", *CHILDREN, *ANNOTATIONS)
    bounds = {key: value for key, value in node.items() if key not in known}
    closed = node.get("additionalProperties") is False
    return Field(kind, required, node.get("default", ABSENT), bounds, closed)


def children(path: str, node: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Yield path, node and ``required`` of everything directly below a node."""
    stem = "" if path == "." else path
    required = node.get("required", [])
    for name, child in node.get("properties", {}).items():
        yield (f"{stem}.{name}" if stem else name), child, name in required
    for regex, child in node.get("patternProperties", {}).items():
        yield f"{stem}./{regex}/", child, False
    if isinstance(node.get("additionalProperties"), dict):
        yield f"{stem}.*", node["additionalProperties"], False
    if "items" in node:
        yield f"{stem}[]", node["items"], False
    for keyword in ("anyOf", "oneOf"):
        for index, child in enumerate(node.get(keyword, [])):
            yield f"{stem}<{keyword}:{index}>", child, False


def walk(
    node: dict[str, Any], path: str = ".", required: bool = False
) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Yield path, node and ``required`` of a node and of everything below it."""
    yield path, node, required
    for below, child, needed in children(path, node):
        yield from walk(child, below, needed)


def write_out(node: dict[str, Any]) -> Table:
    return {path: facts(below, required) for path, below, required in walk(node)}


def missing_required(node: dict[str, Any], path: str = ".") -> list[str]:
    """List required keys that no property describes."""
    names = [
        f"{path}: {name}"
        for name in node.get("required", [])
        if name not in node.get("properties", {})
    ]
    for below, child, _ in children(path, node):
        names += missing_required(child, below)
    return names


TABLES = read_tables()


def same(left: Any, right: Any) -> bool:
    """Equal as JSON, so that neither 1 and true nor 0 and 0.0 pass for the same."""
    return json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)


def compare(published: Table, ours: Table) -> list[str]:
    faults = [f"{path}: no such field in the schema" for path in published if path not in ours]
    faults += [f"{path}: no such row in the table" for path in ours if path not in published]
    for path in published.keys() & ours.keys():
        for aspect in ("type", "required", "default", "bounds", "closed"):
            expected, found = (getattr(t[path], aspect) for t in (published, ours))
            if not same(expected, found):
                faults.append(f"{path}: {aspect} should be {expected!r}, is {found!r}")
    return sorted(faults)


@for_each(sorted(TABLES))
def test_schema_agrees_with_table(name: str) -> None:
    assert name in SCHEMAS, "no schema file for this table"
    assert compare(TABLES[name], write_out(SCHEMAS[name])) == sorted(FAULTS.get(name, ()))


def test_checks_beyond_schemas_are_those_of_the_pages() -> None:
    found = {
        (name, path): node[KEYWORD]
        for name, schema in SCHEMAS.items()
        for path, node, _ in walk(schema)
        if KEYWORD in node
    }
    assert found == CHECKED


@for_each(sorted(SCHEMAS))
def test_required_keys_are_described(name: str) -> None:
    assert missing_required(SCHEMAS[name]) == []


def test_every_schema_has_a_table() -> None:
    assert SCHEMAS.keys() - TABLES.keys() == OURS


def test_every_difference_is_still_needed() -> None:
    text = "\n".join(file.read_text(encoding="utf-8") for file in FIELDS.glob("*.tsv"))
    unused = [
        regex
        for regex in DIFFERENCES
        if f"/{regex}/" not in text and f"pattern={json.dumps(regex)}" not in text
    ]
    assert unused == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"type": "integer"}, "a: type should be 'string', is 'integer'"),
        ({"default": "x"}, "a: default should be '(none)', is 'x'"),
        ({"maxLength": 4}, "a: bounds should be {'maxLength': 3}, is {'maxLength': 4}"),
        ({"multipleOf": 2}, "a: bounds should be"),
        ({"additionalProperties": False}, "a: closed should be False, is True"),
        ({"items": {}}, "a[]: no such row in the table"),
        ({"oneOf": [{}]}, "a<oneOf:0>: no such row in the table"),
        ({"patternProperties": {"^b$": {}}}, "a./^b$/: no such row in the table"),
        ({"properties": {"b": {}}}, "a.b: no such row in the table"),
    ],
)
def test_the_comparison_notices(change: dict[str, Any], fault: str) -> None:
    table = dict(map(parse_row, [".\tobject", "a\tstring\trequired\t\tmaxLength=3"]))
    node = {"type": "string", "maxLength": 3}
    schema = {"type": "object", "required": ["a"], "properties": {"a": node}}
    assert compare(table, write_out(schema)) == []
    node |= change
    (found,) = compare(table, write_out(schema))
    assert found.startswith(fault)


def test_the_comparison_notices_required_and_missing_fields() -> None:
    table = dict(map(parse_row, [".\tobject", "a\tstring\trequired", "b\tany"]))
    assert compare(
        table, write_out({"type": "object", "properties": {"a": {"type": "string"}}})
    ) == [
        "a: required should be True, is False",
        "b: no such field in the schema",
    ]
