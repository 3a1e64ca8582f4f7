"""Documents that break exactly one rule of a JSON Schema.

``minimal`` builds the smallest document that a schema accepts. ``violations`` starts from it and
breaks one rule after the other, all the way down: the wrong type, a value outside the enumeration,
a number out of bounds, a string of the wrong length, a missing property, an unexpected one, and so
on. A test can send every one of them and expect a refusal.

No validator takes part in this, so that validators can be tested with the outcome. Only documents
that are refused for certain are handed out; every rule that could not be broken with certainty is
counted in ``skipped``.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NamedTuple, TypeAlias

from tests.schemas.judge import (
    ALTERNATIVES,
    FORMATS,
    NOTES,
    TYPES,
    Judge,
    Node,
    Nodes,
    Schema,
    Schemas,
    UndecidableError,
    Value,
    gather,
)

Path: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True)
class Violation:
    """A document that breaks one rule."""

    path: Path
    """Where the fault is reported; for a missing or unexpected property this ends in its name."""
    rule: str
    """The keyword that is broken. Faults inside alternatives break ``oneOf`` or ``anyOf``."""
    document: dict[str, Value]
    """The document to be refused."""
    within: str = ""
    """For a fault inside alternatives: which place and rule of which alternative."""

    def __str__(self) -> str:
        place = ".".join(map(str, self.path))
        return f"{place}:{self.rule}" + (f"({self.within})" if self.within else "")


def minimal(schema: Schema, registry: Schemas) -> dict[str, Value]:
    """Build the smallest document the schema accepts: required properties only.

    A default that the schema itself accepts is preferred to an invented value.
    """
    judge = Judge(registry, frozenset(FORMATS))
    value = judge.smallest(judge.expand(Node(schema, schema)))
    if not isinstance(value, dict):
        raise UndecidableError("the schema does not describe an object")
    return value


def violations(
    schema: Schema,
    registry: Schemas,
    *,
    formats: Collection[str] = (),
    defaults_fill_gaps: bool = False,
    depth: int = 2,
    skipped: Counter[str] | None = None,
) -> Iterator[Violation]:
    """Break every rule of the schema once and yield the documents.

    :param formats: names of the formats that the validator under test enforces; others are notes.
    :param defaults_fill_gaps: the validator fills in defaults before it checks, so that leaving
        out a required property that has a default is no fault.
    :param depth: how often the same schema may be entered on the way down a recursive structure.
    :param skipped: counts, by keyword, the rules for which no certain violation was found.
    """
    walker = _Walker(
        Judge(registry, frozenset(formats)),
        Judge(registry, frozenset(FORMATS)),
        Node(schema, schema),
        defaults_fill_gaps,
        depth,
        Counter() if skipped is None else skipped,
    )
    seen: set[str] = set()
    for violation in walker.run():
        key = json.dumps([violation.path, violation.rule, violation.document], sort_keys=True)
        if key not in seen:
            seen.add(key)
            yield violation


MISFITS: Final[Sequence[str]] = ("", " ", "~", "~ ~", "\u20ac", "unexpected", "0")
"""Strings tried where a pattern must not match, and as names of unexpected properties."""

STRANGERS: Final[Sequence[Value]] = (
    {"unexpected": ["value"]},
    ["unexpected"],
    "unexpected",
    7.5,
    True,
    None,
)
"""One value of each type. Scalars come late: a server may convert them to what it expects."""

_Wrap: TypeAlias = Callable[[Value], Value]
"""Puts a value into its place in a document that is right otherwise."""


class _Place(NamedTuple):
    """A place in the document and what applies there."""

    path: Path
    nodes: Nodes
    own: Nodes
    """The schemas to break; less than all of them inside an alternative."""
    wrap: _Wrap
    entered: tuple[int, ...]
    """The schemas passed on the way down, to notice recursion."""


class _Walker:
    """Visits every place that a schema describes and breaks the rules there."""

    def __init__(
        self,
        judge: Judge,
        maker: Judge,
        root: Node,
        defaults_fill_gaps: bool,
        depth: int,
        skipped: Counter[str],
    ) -> None:
        self._judge = judge
        self._maker = maker
        self._root = root
        self._defaults_fill_gaps = defaults_fill_gaps
        self._depth = depth
        self._skipped = skipped
        self._breakers: Mapping[str, Callable[[_Place, Any], Iterable[Value]]] = {
            "type": lambda _, __: STRANGERS,
            "enum": self._not_listed,
            "const": self._not_listed,
            "minimum": lambda _, limit: (limit - 1,),
            "maximum": lambda _, limit: (limit + 1,),
            "exclusiveMinimum": lambda _, limit: (limit,),
            "exclusiveMaximum": lambda _, limit: (limit,),
            "multipleOf": lambda _, step: (step + 1, step * 1.5),
            "minLength": self._too_short,
            "maxLength": self._too_long,
            "pattern": lambda place, _: self._judge.strings(place.nodes, MISFITS),
            "format": self._misformatted,
            "minItems": lambda place, limit: self._list_of(place, limit - 1),
            "maxItems": lambda place, limit: self._list_of(place, limit + 1),
            "uniqueItems": self._repeated,
            "minProperties": lambda place, limit: self._object_of(place, limit - 1),
            "maxProperties": lambda place, limit: self._object_of(place, limit + 1),
        }

    def run(self) -> Iterator[Violation]:
        nodes = self._judge.expand(self._root)
        entered = tuple(id(node.schema) for node in nodes)
        return self._visit(_Place((), nodes, nodes, lambda value: value, entered))

    def _visit(self, place: _Place) -> Iterator[Violation]:
        try:
            self._maker.smallest(place.nodes)
            base = self._maker.smallest_object(place.nodes)
        except UndecidableError:
            self._skipped["minimal"] += 1
            return
        yield from self._rules(place)
        yield from self._alternatives(place)
        if base is not None:
            yield from self._missing(place, base)
            yield from self._unexpected(place, base)
            yield from self._properties(place, base)
        yield from self._items(place)

    # Emission

    def _emit(
        self, place: _Place, rule: str, values: Iterable[Value], path: Path = ()
    ) -> Iterator[Violation]:
        """Yield the document with the value that breaks the fewest rules, if it is refused."""
        refused = [value for value in values if self._judge.nodes(place.nodes, value) is False]
        for value in sorted(refused, key=partial(self._judge.broken, place.nodes)):
            document = place.wrap(value)
            if isinstance(document, dict) and self._judge.node(self._root, document) is False:
                yield Violation(place.path + path, rule, document)
                return
        if place.path or rule != "type":  # the document itself is an object by definition
            self._skipped[rule] += 1

    # Rules about the value itself

    def _rules(self, place: _Place) -> Iterator[Violation]:
        for node in place.own:
            for keyword, argument in node.schema.items():
                if keyword in self._breakers and not self._is_idle(keyword, argument):
                    values = self._breakers[keyword](place, argument)
                    broken = [v for v in values if self._judge.keyword(node, keyword, v) is False]
                    yield from self._emit(place, keyword, broken)
                elif keyword not in _HANDLED and keyword not in self._breakers:
                    self._skipped[keyword] += 1

    def _is_idle(self, keyword: str, argument: Any) -> bool:
        """Tell whether a keyword can refuse nothing."""
        if keyword == "format":
            return argument not in self._judge.formats
        if keyword == "uniqueItems":
            return not argument
        return keyword in {"minLength", "minItems", "minProperties"} and argument <= 0

    def _typed(self, place: _Place, values: Iterable[Value]) -> list[Value]:
        types = self._judge.types(place.nodes)
        return [
            value for value in values if not types or any(TYPES[name](value) for name in types)
        ]

    def _not_listed(self, place: _Place, _: Any) -> list[Value]:
        texts = self._judge.strings(place.nodes, MISFITS)
        return self._typed(place, ("unexpected", *texts, -1, 7.5, 10**6, *STRANGERS))

    def _too_short(self, place: _Place, limit: int) -> list[str]:
        return [filler[: limit - 1] for filler in self._fillers(place, limit)]

    def _too_long(self, place: _Place, limit: int) -> list[str]:
        return [filler[: limit + 1] for filler in self._fillers(place, limit + 1)]

    def _fillers(self, place: _Place, length: int) -> list[str]:
        start = self._maker.smallest(place.nodes)
        start = start if isinstance(start, str) else ""
        return [(start + char * length)[:length] for char in ("a", "0", start[-1:] or "a")]

    def _misformatted(self, _: _Place, name: str) -> list[str]:
        return [FORMATS[name][1]] if name in FORMATS else []

    def _list_of(self, place: _Place, length: int) -> list[Value]:
        item = self._judge.item(place.nodes)
        choices = [choice for values in gather(item, "enum") for choice in values]
        if len(choices) >= length:
            return [choices[:length]]
        try:
            same = self._maker.smallest(item)
        except UndecidableError:
            return []
        if isinstance(same, str):
            return [[f"{same}{number}" for number in range(length)], [same] * length]
        return [[same] * length]

    def _repeated(self, place: _Place, _: Any) -> list[Value]:
        length = max([2, *gather(place.nodes, "minItems")])
        try:
            return [[self._maker.smallest(self._judge.item(place.nodes))] * length]
        except UndecidableError:
            return []

    def _object_of(self, place: _Place, size: int) -> list[Value]:
        base = self._maker.smallest(place.nodes)
        if not isinstance(base, dict):
            return []
        filled = base | {f"key_{number}": "value" for number in range(size)}
        return [dict(list(filled.items())[:size])]

    # Alternatives

    def _alternatives(self, place: _Place) -> Iterator[Violation]:
        keywords = {keyword for node in place.own for keyword in node.schema}
        for keyword, number, nodes, own in self._judge.branches(place.nodes):
            if keyword not in keywords:
                continue
            branch = place._replace(nodes=nodes, own=own)
            entered = self._enter(place, own)
            if entered is None:
                continue
            for inner in self._visit(branch._replace(entered=entered)):
                where = ".".join(map(str, inner.path[len(place.path) :]))
                within = f"{number}/{where}:{inner.rule}"
                yield Violation(place.path, keyword, inner.document, within)

    # Objects

    def _missing(self, place: _Place, base: dict[str, Value]) -> Iterator[Violation]:
        for name in (name for names in gather(place.own, "required") for name in names):
            part = self._judge.property(place.nodes, name)
            if self._defaults_fill_gaps and gather(part, "default"):
                continue
            rest = {key: value for key, value in base.items() if key != name}
            yield from self._emit(place, "required", [rest], (name,))

    def _unexpected(self, place: _Place, base: dict[str, Value]) -> Iterator[Violation]:
        for keyword in ("additionalProperties", "propertyNames"):
            for part in gather(place.own, keyword):
                if keyword == "additionalProperties" and part is not False:
                    continue
                name = self._refused_name(place, base)
                yield from self._emit(place, keyword, [base | {name: "value"}], (name,))

    def _refused_name(self, place: _Place, base: dict[str, Value]) -> str:
        for name in ("unexpected", *reversed(MISFITS)):
            if self._judge.nodes(place.nodes, base | {name: "value"}) is False:
                return name
        return "unexpected"

    def _properties(self, place: _Place, base: dict[str, Value]) -> Iterator[Violation]:
        for name in (name for node in place.own for name in self._judge.names(node)):
            if name is None:
                self._skipped["patternProperties"] += 1
            else:
                yield from self._descend(place, name, partial(_with, base, name))

    # Arrays

    def _items(self, place: _Place) -> Iterator[Violation]:
        if not gather(place.own, "items"):
            return
        least = max(gather(place.nodes, "minItems"), default=1)
        try:
            rest = [self._maker.smallest(self._judge.item(place.nodes)) for _ in range(least - 1)]
        except UndecidableError:
            self._skipped["items"] += 1
            return
        yield from self._descend(place, 0, lambda value: [value, *rest])

    # Going down

    def _descend(self, place: _Place, step: str | int, put: _Wrap) -> Iterator[Violation]:
        if isinstance(step, int):
            nodes, own = self._judge.item(place.nodes), self._judge.item(place.own)
        else:
            nodes = self._judge.property(place.nodes, step)
            own = self._judge.property(place.own, step)
        entered = self._enter(place, own)
        if entered is not None:
            wrap = place.wrap
            yield from self._visit(
                _Place((*place.path, step), nodes, own, lambda value: wrap(put(value)), entered)
            )

    def _enter(self, place: _Place, own: Nodes) -> tuple[int, ...] | None:
        """Note the schemas entered, or refuse when one was entered too often already."""
        entered = Counter(place.entered)
        if any(entered[id(node.schema)] >= self._depth for node in own):
            return None
        return (*place.entered, *(id(node.schema) for node in own))


def _with(base: dict[str, Value], name: str, value: Value) -> dict[str, Value]:
    return base | {name: value}


_HANDLED: Final = NOTES | {
    *("$ref", "allOf", *ALTERNATIVES, "required", "properties", "patternProperties"),
    *("additionalProperties", "propertyNames", "items"),
}
"""Keywords that are dealt with elsewhere than in the table of rules."""
