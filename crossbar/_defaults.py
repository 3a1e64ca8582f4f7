"""Filling the defaults of a schema into a document (protocol reference §7.4).

The private mate of :mod:`crossbar.validation`, which makes the plans.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from crossbar._wording import holds


@dataclass(slots=True)
class Plan:
    """What one schema says of defaults and checks (:mod:`crossbar._checks`), precomputed."""

    defaults: list[tuple[str, Any, Plan | None]] = field(default_factory=list)
    named: dict[str, Plan | None] = field(default_factory=dict)
    patterns: list[tuple[str, Plan | None]] = field(default_factory=list)
    rest: Plan | None = None
    items: Plan | None = None
    check: str = ""

    def inner(self) -> list[Plan]:
        """The plans for what is below."""
        found = (*self.named.values(), *(plan for _, plan in self.patterns), self.rest, self.items)
        return [plan for plan in found if plan]

    def of(self, name: str) -> Plan | None:
        """The plan for the property ``name``."""
        if name in self.named:
            return self.named[name]
        for pattern, plan in self.patterns:
            if holds("pattern", pattern, name):
                return plan
        return self.rest


NESTED = frozenset((dict, list))
"""The types of JSON values that have others inside. Nothing derived from them is met, and looking
for exactly these is quicker: every field of every write is looked at.
"""


def complete(value: Any, plan: Plan) -> None:
    """Fill the defaults of ``plan`` into ``value``, in place (protocol §7.4)."""
    if type(value) is dict:
        for name, item in value.items():
            if type(item) in NESTED and (inner := plan.of(name)):
                complete(item, inner)
        for name, default, inner in plan.defaults:
            if name not in value:
                value[name] = _fresh(default, inner) if type(default) in NESTED else default
    elif plan.items:
        for item in value:
            if type(item) in NESTED:
                complete(item, plan.items)


def copied(value: Any) -> Any:
    """A deep copy of a JSON value; much quicker than one that has to ask what it copies."""
    if isinstance(value, dict):
        return {name: copied(item) for name, item in value.items()}
    if isinstance(value, list):
        return [copied(item) for item in value]
    return value


def _fresh(default: Any, plan: Plan | None) -> Any:
    """A copy of a default, itself filled in."""
    made = copied(default)
    if plan:
        complete(made, plan)
    return made
