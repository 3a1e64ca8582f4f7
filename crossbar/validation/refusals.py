"""What is wrong with a document, field by field, as it is told to the client."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

FieldErrors = dict[str, dict[str, Any]]
"""``{"dotted.path": {"<error id>": {"message": …, "target": …, "value": …}}}``."""


class Refusals(Mapping[str, dict[str, Any]]):
    """Gathers what is wrong with a document; falsy while nothing is.

    A path holds one error: the last one recorded replaces those before it (docs/protocol.md
    §4.5).
    """

    def __init__(self) -> None:
        self._fields: FieldErrors = {}

    def add(self, path: str, rule: str, message: str, **detail: Any) -> None:
        """Record one error at a dotted path."""
        self._fields[path] = {rule: {"message": message, **detail}}

    def merge(self, errors: Mapping[str, dict[str, Any]]) -> None:
        """Record errors found elsewhere, path by path."""
        self._fields.update(errors)

    def __getitem__(self, path: str) -> dict[str, Any]:
        return self._fields[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)
