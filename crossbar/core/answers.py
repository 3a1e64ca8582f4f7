"""What an operation answers, in the words of JSON Schema: a part of its declaration.

Nothing is checked by it while requests are served: it is what the OpenAPI document says, and the
tests hold every answer that they get against that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Node = dict[str, Any]
"""A JSON Schema, or a part of one."""

TEXT: Node = {"type": "string"}
COUNT: Node = {"type": "integer"}
YES_OR_NO: Node = {"type": "boolean"}
SOME_OBJECT: Node = {"type": "object"}
NOTHING: Node = {"type": "object", "maxProperties": 0}


def some(items: Node) -> Node:
    """An array of such items."""
    return {"type": "array", "items": items}


def rows(**properties: Node) -> Node:
    """An array of objects that have these properties, unless ``fields`` leaves them out."""
    kept = ["id"] if "id" in properties else []
    return some({"type": "object", "required": kept, "properties": properties})


def an_object(**properties: Node) -> Node:
    """An object that always has these properties, and maybe others."""
    return {"type": "object", "required": [*properties], "properties": properties}


def maybe(described: Node, **properties: Node) -> Node:
    """The object, which may have these properties too."""
    return {**described, "properties": {**described["properties"], **properties}}


ROW = an_object(id=TEXT)


@dataclass(frozen=True, slots=True)
class Answers:
    """What is under ``data``; anything when nothing is said of it.

    ``is_paged``: it is a list that has pages. ``by_caller``: the path is public, but the answer
    depends on who asks.
    """

    data: Mapping[str, Any] = field(default_factory=dict)
    is_paged: bool = False
    by_caller: bool = False


ANYTHING = Answers()

DOCUMENT = Answers(SOME_OBJECT)
"""One document of the family, as its schema and its ``shown`` fields tell."""

ROWS = Answers(some(ROW), is_paged=True)
"""Rows of the family's documents, as its ``summary`` tells."""
