"""What the OpenAPI documents of all dialects have in common: schemas and refusals.

The schemas of the project refer to each other by name; inside of a document they refer to its
components. Nothing here knows a dialect or speaks HTTP.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from crossbar import errors
from crossbar.errors import CrossbarError
from crossbar.validation import Schemas

Node = dict[str, Any]

PLACE = "#/components/schemas/"

OF_THE_WHOLE = ("required", "minProperties", "default", "if", "then", "else", "not", "oneOf")
"""What holds for a whole document, and not for changes to one."""

NAMED = ("properties", "patternProperties", "$defs", "dependentSchemas")
"""Keywords that hold schemas by names, which are no keywords themselves."""

LITERAL = ("default", "const", "enum", "examples")
"""Keywords that hold values."""

NULL: Node = {"type": "null"}

Offer = tuple[str, Sequence[str]]
"""An operation that a document describes: its name there, and the tokens of its path."""


class Components:
    """The component schemas of a document, collected as they are asked for."""

    def __init__(self, schemas: Schemas) -> None:
        self._source = schemas
        self.schemas: dict[str, Node] = {}

    def whole(self, name: str) -> Node:
        """A reference to a schema as its file has it: what may be stored."""
        return self._refer(name, name, lambda schema: self._moved(schema, name))

    def changes(self, name: str) -> Node:
        """A reference to what may be merged into a document of the schema.

        Nothing is required, and every key may be ``null``, which removes it. That the result is
        judged by the whole schema cannot be said in one.
        """
        return self._refer(f"{name}.changes", name, lambda schema: self._partial(schema, name))

    def shown(self, name: str, fields: Node) -> Node:
        """A reference to a stored document as it is answered: its fields, the id, and maybe more.

        ``fields`` are those that it is shown with beyond the schema, or unlike it. Nothing but the
        id is required: an account may never have written the document that it reads, and secrets
        are not shown.
        """

        def make(schema: Node) -> Node:
            return self._answered(schema, name, fields)

        return self._refer(f"{name}.shown", name, make)

    def property_of(self, name: str, field: str) -> Node:
        """The schema of a top-level field; anything where the schema does not know it."""
        properties = self._source.document(name).get("properties", {})
        found = self._moved(properties.get(field, {}), name)
        return {key: value for key, value in found.items() if key != "default"}

    def _refer(self, component: str, name: str, make: Callable[[Node], Any]) -> Node:
        if component not in self.schemas:
            self.schemas[component] = {}  # known before it is made: schemas may contain themselves
            schema = self._source.document(name)
            schema.pop("$id", None)
            schema.pop("$schema", None)
            self.schemas[component] = make(schema)
        return {"$ref": PLACE + component}

    def _moved(self, node: Any, name: str) -> Any:
        """The schema with its references turned to components."""
        return _mapped(node, lambda target: self._target(target, name))

    def _target(self, reference: str, name: str) -> str:
        other, hash_sign, pointer = reference.partition("#")
        place: str = self.whole(other or name)["$ref"]
        return place + pointer if hash_sign else place

    def _answered(self, schema: Node, name: str, fields: Node) -> Node:
        answered: Node = {key: schema[key] for key in ("title", "description") if key in schema}
        properties = self._moved(schema, name).get("properties", {})
        own = {"id": {"type": "string"}, "_read_only": {"type": "object"}}
        return {
            **answered,
            "type": "object",
            "required": ["id"],
            "properties": {**properties, **fields, **own},
        }

    def _partial(self, node: Any, name: str) -> Any:
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            other, _, pointer = node["$ref"].partition("#")
            rest = {key: node[key] for key in ("title", "description") if key in node}
            return {**rest, **(self.changes(other) if other and not pointer else {})}
        partial: Node = {}
        for key, value in node.items():
            match key:
                case "properties" | "patternProperties":
                    partial[key] = {
                        each: nullable(self._partial(child, name)) for each, child in value.items()
                    }
                case "additionalProperties" if isinstance(value, dict):
                    partial[key] = nullable(self._partial(value, name))
                case "oneOf" | "anyOf":  # parts of a document may fit several
                    partial["anyOf"] = [self._partial(each, name) for each in value]
                case "allOf":
                    partial[key] = [self._partial(each, name) for each in value]
                case _ if key not in OF_THE_WHOLE:
                    partial[key] = self._moved({key: value}, name)[key]
        return partial


def _mapped(node: Any, target: Callable[[str], str]) -> Any:
    """A copy of a schema with its references replaced."""
    if isinstance(node, list):
        return [_mapped(each, target) for each in node]
    if not isinstance(node, dict):
        return node
    mapped: Node = {}
    for key, value in node.items():
        if key == "$ref":
            mapped[key] = target(value)
        elif key in NAMED:
            mapped[key] = {name: _mapped(child, target) for name, child in value.items()}
        else:
            mapped[key] = value if key in LITERAL else _mapped(value, target)
    return mapped


def params(path: Sequence[str]) -> list[str]:
    """The names of a path's parameters."""
    return [part[1:-1] for part in path if part.startswith("{")]


def from_item(offers: Iterable[Offer], item: Sequence[str]) -> Iterator[Offer]:
    """What can be done with the row at a path, and with what is directly below it."""
    depth = len(item)
    return (
        (name, path)
        for name, path in offers
        if depth <= len(path) <= depth + 1 and tuple(path[:depth]) == tuple(item)
    )


def links_to(offers: Iterable[Offer], known: Mapping[str, str]) -> Node:
    """Links to the operations whose paths need nothing but what is known.

    ``known`` has a runtime expression for each parameter: where in a request, or in the answer
    that the links belong to, its value is.
    """
    return {
        name: {"operationId": name, "parameters": {each: known[each] for each in params(path)}}
        for name, path in offers
        if known.keys() >= {*params(path)}
    }


def as_asked(path: Sequence[str]) -> dict[str, str]:
    """The parameters of a path, for links to where they go on."""
    return {each: f"$request.path.{each}" for each in params(path)}


def nullable(schema: Any) -> Any:
    """A schema that takes ``null`` too; kept flat where it can be, for those who make forms."""
    if not isinstance(schema, dict) or not schema:
        return schema
    kind = schema.get("type")
    if not isinstance(kind, str | list) or {"anyOf", "allOf", "const"} & schema.keys():
        return {"anyOf": [schema, NULL]}
    kinds = [kind] if isinstance(kind, str) else kind
    values = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return {**schema, **values, "type": [*(each for each in kinds if each != "null"), "null"]}


def error_classes(status: int) -> Iterator[type[CrossbarError]]:
    """The errors of a status, the general one first."""
    for _, found in inspect.getmembers(errors, inspect.isclass):
        if issubclass(found, CrossbarError) and found.status == status:
            yield found


def homes() -> Mapping[int, type[CrossbarError]]:
    """The class of errors that each status has its home in."""
    return {found.status: found for found in CrossbarError.__subclasses__()}
