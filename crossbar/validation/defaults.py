"""Filling the defaults of a schema into a document (docs/protocol.md §7.4).

The private mate of :mod:`crossbar.validation`, which makes the plans.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from crossbar.validation.wording import holds


@dataclass(slots=True)
class Plan:
    """What one schema says of defaults and checks (:mod:`.checks`), precomputed."""

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
for exactly these is quicker: every write is looked through.
"""


def leading(plan: Plan, to: Callable[[Plan], object]) -> Plan | None:
    """What of a plan leads to such plans; ``None`` when nothing does. Most of a document does not.

    It is a copy: a plan may belong to several schemas.
    """
    plans: dict[int, Plan] = {}
    waiting = [plan]
    while waiting:
        each = waiting.pop()
        if id(each) not in plans:
            plans[id(each)] = each
            waiting += each.inner()
    leads = {key for key, each in plans.items() if to(each)}
    while more := {
        key
        for key in plans.keys() - leads
        if any(id(inner) in leads for inner in plans[key].inner())
    }:
        leads |= more
    # A plan may contain itself, so all are there before any is filled.
    kept = {key: Plan() for key in leads}
    for key, part in kept.items():
        _fill(part, plans[key], kept)
    settled: set[int] = set()
    for part in kept.values():
        _settle(part, settled)
    return kept.get(id(plan))


def _fill(part: Plan, whole: Plan, kept: Mapping[int, Plan]) -> None:
    part.check = whole.check
    part.items, part.rest = kept.get(id(whole.items)), kept.get(id(whole.rest))
    part.defaults = [
        (name, copied(value), kept.get(id(inner))) for name, value, inner in whole.defaults
    ]
    patterns = [(pattern, kept.get(id(inner))) for pattern, inner in whole.patterns]
    is_open = bool(part.rest) or any(inner for _, inner in patterns)
    part.patterns = patterns if is_open else []
    for name, inner in whole.named.items():
        if is_open or id(inner) in kept:  # a name that leads nowhere hides the patterns
            part.named[name] = kept.get(id(inner))


def _settle(plan: Plan, settled: set[int]) -> None:
    """Fill in what is below defaults, as far as that is the same every time."""
    if id(plan) in settled:
        return
    settled.add(id(plan))
    for inner in plan.inner():
        _settle(inner, settled)
    for at, (name, default, below_it) in enumerate(plan.defaults):
        if below_it:
            complete(default, below_it)
            plan.defaults[at] = (name, default, None)


def below(value: Any, plan: Plan) -> Iterator[tuple[str | int, Any, Plan]]:
    """What is directly below a value and has a plan: its name or place, itself, the plan."""
    if type(value) is list and plan.items:
        for place, item in enumerate(value):
            yield place, item, plan.items
    elif type(value) is dict:
        is_open = plan.rest or plan.patterns
        for name in value if is_open else plan.named:
            if name in value and (inner := plan.of(name)):
                yield name, value[name], inner


def complete(value: Any, plan: Plan) -> None:
    """Fill the defaults of ``plan`` into ``value``, in place (protocol §7.4)."""
    for _, item, inner in below(value, plan):
        if type(item) in NESTED:
            complete(item, inner)
    if type(value) is dict:
        for name, default, below_it in plan.defaults:
            if name not in value:
                value[name] = copied(default) if type(default) in NESTED else default
                if below_it:  # of a plan that contains itself
                    complete(value[name], below_it)


def copied(value: Any) -> Any:
    """A deep copy of a JSON value; much quicker than one that has to ask what it copies."""
    if type(value) is dict:
        return {
            name: copied(item) if type(item) in NESTED else item for name, item in value.items()
        }
    if type(value) is list:
        return [copied(item) if type(item) in NESTED else item for item in value]
    return value
