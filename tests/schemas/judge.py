"""Judging values by a JSON Schema, without a validator, and inventing values that it accepts.

There are three answers: accepted, refused, and undecided for rules that are not known here.

Schemas refer to each other by bare name (``{"$ref": "callflows.action"}``), optionally followed by
a JSON pointer, or to a part of themselves (``{"$ref": "#/$defs/item"}``).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Final, NamedTuple, TypeAlias

Value: TypeAlias = Any
Schema: TypeAlias = Mapping[str, Any]
Schemas: TypeAlias = Mapping[str, Schema]
"""Schemas by the name under which others refer to them."""
Verdict: TypeAlias = bool | None
"""True: accepted for certain. False: refused for certain. None: undecided."""


class UndecidableError(ValueError):
    """No value could be found that the schema accepts."""


# Samples --------------------------------------------------------------------------------------

FORMATS: Final[Mapping[str, tuple[str, str]]] = {
    "client-url": ("https://example.org/", "no address"),
    "date": ("2024-02-29", "yesterday"),
    "date-time": ("2024-02-29T12:00:00Z", "yesterday noon"),
    "email": ("someone@example.org", "nobody"),
    "hostname": ("host.example.org", "-no host-"),
    "ipv4": ("192.0.2.1", "192.0.2.300"),
    "ipv6": ("2001:db8::1", "2001:db8::g"),
    "regex": ("^[0-9]+$", "(["),
    "uri": ("https://example.org/", "no address"),
    "uuid": ("01234567-89ab-cdef-0123-456789abcdef", "0123"),
}
"""A string of each format and one that is certainly not."""

DISTINCT: Final = frozenset({"date", "date-time", "email", "ipv4", "ipv6", "uuid"})
"""Formats of which no string has two."""

WORDS: Final[Sequence[str]] = (
    *(good for good, _ in FORMATS.values()),
    *("1", "12", "en", "en-US", "key", "key_1", "_key", "pvt_key", "local", "example.org"),
    *("/path", "12:30:00", "+14155550100", "00:16:3e:00:00:01", "192.0.2.0/24", "a" * 32),
    *("a" * 40, "America/New_York", "{{domain}}"),
    *("custom_channel_vars.key", "custom_sip_headers.key"),
)
"""Strings tried where a pattern must match."""

NAMES: Final[Sequence[str]] = ("key", "key_1", "key_2", *WORDS)
"""Names tried for properties that are described by a pattern or not by name."""

HINTS: Final[Mapping[str, str]] = {
    "properties": "object",
    "required": "object",
    "patternProperties": "object",
    "additionalProperties": "object",
    "items": "array",
    "minItems": "array",
    "minimum": "number",
    "maximum": "number",
}
"""The type that a keyword speaks about, for schemas that name none."""

NOTES: Final = frozenset(
    {
        *("$schema", "$id", "$anchor", "$comment", "$defs", "title", "description", "default"),
        *("examples", "deprecated", "readOnly", "writeOnly"),
        *("contentEncoding", "contentMediaType"),
    }
)
"""Keywords that refuse nothing."""

MAX_LEVEL: Final = 24
"""How deep required values may be nested."""

ALTERNATIVES: Final = ("oneOf", "anyOf")


class Node(NamedTuple):
    """A schema and the document it is written in, against which ``#`` is resolved."""

    schema: Schema
    root: Schema


Nodes: TypeAlias = tuple[Node, ...]
"""Schemas that all apply to the same value."""


_ANYTHING: Final[Schema] = {}
_NOTHING: Final[Schema] = {"not": {}}


def schema_node(schema: Schema | bool, root: Schema) -> Node:
    """Wrap a schema, which may be written as true or false."""
    if isinstance(schema, bool):
        schema = _ANYTHING if schema else _NOTHING
    return Node(schema, root)


# Judging values -------------------------------------------------------------------------------


def _all(verdicts: Iterable[Verdict]) -> Verdict:
    found = set(verdicts)
    return False if False in found else None if None in found else True


def _any(verdicts: Iterable[Verdict]) -> Verdict:
    found = set(verdicts)
    return True if True in found else None if None in found else False


def _one(verdicts: Iterable[Verdict]) -> Verdict:
    found = Counter(verdicts)
    if found[True] > 1:
        return False
    return None if found[None] else found[True] == 1


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


TYPES: Final[Mapping[str, Callable[[Value], bool]]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": _is_number,
    "integer": lambda value: _is_number(value) and value == int(value),
}


def _text(value: Value) -> str:
    """Write a value so that equal JSON values read the same and ``1`` differs from ``true``."""
    return json.dumps(value, sort_keys=True)


def matches(pattern: str, text: str) -> Verdict:
    """Search a text for a pattern; undecided when the pattern is not understood."""
    try:
        return re.search(pattern, text) is not None
    except re.error:
        return None


_LIMITS: Final[Mapping[str, tuple[str, Callable[[Value, Any], bool]]]] = {
    "minimum": ("number", lambda value, limit: value >= limit),
    "maximum": ("number", lambda value, limit: value <= limit),
    "exclusiveMinimum": ("number", lambda value, limit: value > limit),
    "exclusiveMaximum": ("number", lambda value, limit: value < limit),
    "multipleOf": ("number", lambda value, step: value % step == 0),
    "minLength": ("string", lambda value, limit: len(value) >= limit),
    "maxLength": ("string", lambda value, limit: len(value) <= limit),
    "minItems": ("array", lambda value, limit: len(value) >= limit),
    "maxItems": ("array", lambda value, limit: len(value) <= limit),
    "uniqueItems": (
        "array",
        lambda value, on: not on or len(set(map(_text, value))) == len(value),
    ),
    "minProperties": ("object", lambda value, limit: len(value) >= limit),
    "maxProperties": ("object", lambda value, limit: len(value) <= limit),
    "required": ("object", lambda value, names: all(name in value for name in names)),
}
"""Keywords about a single value of one type, without a schema inside."""


class Judge:
    """Decides whether a schema accepts a value, and finds the smallest value it accepts."""

    def __init__(self, registry: Schemas, formats: frozenset[str] = frozenset()) -> None:
        self.formats = formats
        self._registry = registry
        self._level = 0
        self._checks: Mapping[str, Callable[[Node, Any, Value], Verdict]] = {
            "type": lambda _, types, value: any(TYPES[name](value) for name in _listed(types)),
            "enum": lambda _, values, value: _text(value) in map(_text, values),
            "const": lambda _, wanted, value: _text(value) == _text(wanted),
            "pattern": lambda _, pattern, value: (
                matches(pattern, value) if isinstance(value, str) else True
            ),
            "format": self._format,
            "items": self._items,
            "properties": self._properties,
            "patternProperties": self._properties,
            "additionalProperties": self._properties,
            "propertyNames": self._names,
            "$ref": lambda node, ref, value: self.node(self.resolve(node, ref), value),
            "not": self._not,
            "allOf": lambda node, parts, value: _all(self._each(node, parts, value)),
            "anyOf": lambda node, parts, value: _any(self._each(node, parts, value)),
            "oneOf": lambda node, parts, value: _one(self._each(node, parts, value)),
        }

    # References

    def resolve(self, node: Node, ref: str) -> Node:
        """Find the schema that a reference names."""
        name, _, pointer = ref.partition("#")
        if name and name not in self._registry:
            raise LookupError(f"no schema is named {name!r}")
        root = self._registry[name] if name else node.root
        found: Any = root
        for part in pointer.split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            found = found[int(key)] if isinstance(found, list) else found[key]
        return schema_node(found, root)

    def expand(self, node: Node) -> Nodes:
        """List the schemas that apply wherever this one does: references and ``allOf`` parts."""
        found: list[Node] = []
        waiting = [node]
        while waiting:
            node = waiting.pop(0)
            if any(node.schema is other.schema for other in found):
                continue
            found.append(node)
            if "$ref" in node.schema:
                waiting.append(self.resolve(node, node.schema["$ref"]))
            waiting.extend(schema_node(part, node.root) for part in node.schema.get("allOf", ()))
        return tuple(found)

    # Verdicts

    def nodes(self, nodes: Iterable[Node], value: Value) -> Verdict:
        """Judge a value by several schemas, all of which have to accept it."""
        return _all(self.node(node, value) for node in nodes)

    def node(self, node: Node, value: Value) -> Verdict:
        """Judge a value by one schema."""
        return _all(self.keyword(node, keyword, value) for keyword in node.schema)

    def broken(self, nodes: Iterable[Node], value: Value) -> int:
        """Count the keywords that refuse a value."""
        keywords = ((node, keyword) for node in nodes for keyword in node.schema)
        return sum(self.keyword(node, keyword, value) is False for node, keyword in keywords)

    def keyword(self, node: Node, keyword: str, value: Value) -> Verdict:
        """Judge a value by one keyword of a schema."""
        argument = node.schema[keyword]
        if keyword in NOTES:
            return True
        if keyword in _LIMITS:
            kind, holds = _LIMITS[keyword]
            return not TYPES[kind](value) or holds(value, argument)
        if keyword in self._checks:
            return self._checks[keyword](node, argument, value)
        return None

    def _each(self, node: Node, parts: Iterable[Any], value: Value) -> Iterator[Verdict]:
        return (self.node(schema_node(part, node.root), value) for part in parts)

    def _not(self, node: Node, schema: Any, value: Value) -> Verdict:
        verdict = self.node(schema_node(schema, node.root), value)
        return None if verdict is None else not verdict

    def _format(self, _: Node, name: str, value: Value) -> Verdict:
        if not isinstance(value, str):
            return True
        good, bad = FORMATS.get(name, (None, None))
        if value == good:
            return True
        strange = name in DISTINCT and value in {FORMATS[other][0] for other in DISTINCT}
        return False if name in self.formats and (strange or value == bad) else None

    def _items(self, node: Node, schema: Any, value: Value) -> Verdict:
        if not isinstance(value, list):
            return True
        if "prefixItems" in node.schema:
            return None
        return self._all_of(schema_node(schema, node.root), value)

    def _all_of(self, node: Node, values: Iterable[Value]) -> Verdict:
        return _all(self.node(node, value) for value in values)

    def _names(self, node: Node, schema: Any, value: Value) -> Verdict:
        return (
            self._all_of(schema_node(schema, node.root), value)
            if isinstance(value, dict)
            else True
        )

    def _properties(self, node: Node, _: Any, value: Value) -> Verdict:
        if not isinstance(value, dict):
            return True
        return _all(
            self.node(part, item)
            for name, item in value.items()
            for part in self.parts_of(node, name)
        )

    # Structure

    def parts_of(self, node: Node, name: str) -> list[Node]:
        """List the schemas that one schema applies to the property of this name."""
        schema = node.schema
        parts = [schema["properties"][name]] if name in schema.get("properties", {}) else []
        for pattern, part in schema.get("patternProperties", {}).items():
            if matches(pattern, name):
                parts.append(part)
        if not parts and "additionalProperties" in schema:
            parts.append(schema["additionalProperties"])
        return [schema_node(part, node.root) for part in parts]

    def property(self, nodes: Nodes, name: str) -> Nodes:
        """List all schemas that apply to the property of this name."""
        parts = (part for node in nodes for part in self.parts_of(node, name))
        return tuple(found for part in parts for found in self.expand(part))

    def names(self, node: Node) -> Iterator[str | None]:
        """List names of properties that a schema provides for.

        These are the names described, one for each pattern, or None where no name is found, and
        a free one where others are permitted and described.
        """
        described = node.schema.get("properties", {})
        yield from described
        for pattern in node.schema.get("patternProperties", {}):
            yield next((name for name in NAMES if matches(pattern, name)), None)
        if isinstance(node.schema.get("additionalProperties"), Mapping):
            rules = {k: part for k, part in node.schema.items() if k != "additionalProperties"}
            free = (name for name in NAMES if not self.parts_of(Node(rules, node.root), name))
            yield next(free, None)

    def item(self, nodes: Nodes) -> Nodes:
        """List all schemas that apply to the items of an array."""
        return tuple(
            found
            for node in nodes
            if "items" in node.schema
            for found in self.expand(schema_node(node.schema["items"], node.root))
        )

    def branches(self, nodes: Nodes) -> Iterator[tuple[str, int, Nodes, Nodes]]:
        """List the alternatives: keyword, number, all schemas with it chosen, its own schemas."""
        for index, node in enumerate(nodes):
            for keyword in ALTERNATIVES:
                rest = {key: part for key, part in node.schema.items() if key != keyword}
                others = (*nodes[:index], Node(rest, node.root), *nodes[index + 1 :])
                for number, part in enumerate(node.schema.get(keyword, ())):
                    own = self.expand(schema_node(part, node.root))
                    yield keyword, number, others + own, own

    # Smallest values

    def smallest(self, nodes: Nodes) -> Value:
        """Find the smallest value that all the schemas accept."""
        if self._level > MAX_LEVEL:
            raise UndecidableError("the schemas require values without end")
        self._level += 1
        try:
            return self._first(nodes)
        finally:
            self._level -= 1

    def _first(self, nodes: Nodes) -> Value:
        undecided: list[Value] = []
        for value in self._proposals(nodes):
            verdict = self.nodes(nodes, value)
            if verdict:
                return value
            if verdict is None:
                undecided.append(value)
        if not undecided:
            raise UndecidableError(f"no value found for {[dict(node.schema) for node in nodes]}")
        return undecided[0]

    def smallest_object(self, nodes: Nodes) -> dict[str, Value] | None:
        """Find the smallest object that all the schemas accept, or None if they accept none."""
        value = self.smallest(nodes)
        if isinstance(value, dict):
            return value
        objects = (value for value in self._objects(nodes) if self.nodes(nodes, value))
        return next(objects, None)

    def _proposals(self, nodes: Nodes) -> Iterator[Value]:
        yield from gather(nodes, "default")
        yield from gather(nodes, "const")
        for values in gather(nodes, "enum"):
            yield from values
        branched = False
        for _, _, branch, _ in self.branches(nodes):
            branched = True
            try:
                yield from self._proposals(branch)
            except UndecidableError:
                continue
        if not branched:
            yield from self._built(nodes)

    def _built(self, nodes: Nodes) -> Iterator[Value]:
        hinted = [HINTS[key] for node in nodes for key in node.schema if key in HINTS]
        for kind in self.types(nodes) or hinted or ["string"]:
            match kind:
                case "object":
                    yield from self._objects(nodes)
                case "array":
                    item = self.item(nodes)
                    least = max(gather(nodes, "minItems"), default=0)
                    yield [self.smallest(item) for _ in range(least)]
                case "string":
                    yield from self.strings(nodes, WORDS)
                case "integer" | "number":
                    yield from self._numbers(nodes)
                case "boolean":
                    yield from (False, True)
                case _:
                    yield None

    def types(self, nodes: Nodes) -> list[str]:
        """List the types that every schema allows, in the order of the first."""
        named = [_listed(types) for types in gather(nodes, "type")]
        return [name for name in chain(*named[:1]) if all(name in other for other in named)]

    def _objects(self, nodes: Nodes) -> Iterator[dict[str, Value]]:
        """Build objects: the required properties, then one more, then as many as prescribed."""
        built = {name: self.smallest(self.property(nodes, name)) for name in _required(nodes)}
        yield built
        least = max(gather(nodes, "minProperties"), default=0)
        known = (name for node in nodes for name in self.names(node) if name is not None)
        for name in chain(known, NAMES if least else ()):
            more = built | {name: self.smallest(self.property(nodes, name))}
            yield more
            if len(built) < least:
                built = more

    def strings(self, nodes: Nodes, words: Iterable[str]) -> Iterator[str]:
        """Bring words to a permitted length."""
        least = max(gather(nodes, "minLength"), default=0)
        most = min(gather(nodes, "maxLength"), default=None)
        for word in ("a" * max(least, 1), *words):
            if len(word) < least:
                yield word + "a" * (least - len(word))
                yield word + (word[-1:] or "0") * (least - len(word))
            yield word[:most]

    def _numbers(self, nodes: Nodes) -> Iterator[Value]:
        yield 0
        for keyword, (kind, _) in _LIMITS.items():
            for limit in gather(nodes, keyword) if kind == "number" else ():
                yield from (limit, limit + 1, limit - 1)


def _required(nodes: Nodes) -> list[str]:
    return [name for names in gather(nodes, "required") for name in names]


def _listed(types: str | list[str]) -> list[str]:
    return [types] if isinstance(types, str) else types


def gather(nodes: Iterable[Node], keyword: str) -> list[Any]:
    """List the arguments that a keyword has in several schemas."""
    return [node.schema[keyword] for node in nodes if keyword in node.schema]
