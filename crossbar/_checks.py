"""What schemas ask for beyond JSON Schema: the keyword ``x-check``, which names a check.

The private mate of :mod:`crossbar.validation`. Upstream makes these checks in its server, wherever
a schema is used (protocol reference §4.5, "extra server check"). ``client_url`` is an address of
a web server that clients may name; ``callflow`` and ``metaflow`` are nodes, whose ``data`` is
judged by the schema of their module (``callflows.<module>``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from crossbar._defaults import Plan
from crossbar._wording import dotted
from crossbar.client_urls import ClientUrls
from crossbar.documents import Document

KEYWORD = "x-check"
CLIENT_URL = "client_url"

Path = tuple[str | int, ...]


class Judges(Protocol):
    """All schemas."""

    def __contains__(self, name: object) -> bool:
        """Whether there is one of this name."""
        ...

    def apply(self, name: str, document: Document) -> tuple[Document, dict[str, Any]]:
        """Judge a document by one, and fill its defaults in."""
        ...


def leading(plan: Plan) -> Plan | None:
    """What of a plan leads to checks; ``None`` when nothing does. Most of a document does not."""
    plans: dict[int, Plan] = {}
    waiting = [plan]
    while waiting:
        each = waiting.pop()
        if id(each) not in plans:
            plans[id(each)] = each
            waiting += each.inner()
    leads = {key for key, each in plans.items() if each.check}
    while more := {
        key
        for key in plans.keys() - leads
        if any(id(inner) in leads for inner in plans[key].inner())
    }:
        leads |= more
    # A plan may contain itself, so all are there before any is filled.
    kept = {key: Plan(check=plans[key].check) for key in leads}
    for key, part in kept.items():
        _fill(part, plans[key], kept)
    return kept.get(id(plan))


def _fill(part: Plan, whole: Plan, kept: Mapping[int, Plan]) -> None:
    part.items, part.rest = kept.get(id(whole.items)), kept.get(id(whole.rest))
    patterns = [(pattern, kept.get(id(inner))) for pattern, inner in whole.patterns]
    is_open = bool(part.rest) or any(inner for _, inner in patterns)
    part.patterns = patterns if is_open else []
    for name, inner in whole.named.items():
        if is_open or id(inner) in kept:  # a name that leads nowhere hides the patterns
            part.named[name] = kept.get(id(inner))


def failed_checks(
    document: Any, plan: Plan, schemas: Judges, client_urls: ClientUrls
) -> dict[str, Any]:
    """The errors of all checks by dotted path. The data of nodes gets its defaults here."""
    errors: dict[str, Any] = {}
    for path, check, value in _checked_values(document, plan):
        if check != CLIENT_URL:
            errors |= _failed_node(path, check, value, schemas)
        elif isinstance(value, str) and not client_urls.allow(value):
            errors[dotted(path)] = {"error": {"message": "invalid client URL", "value": value}}
    return errors


def _checked_values(document: Any, plan: Plan) -> Iterator[tuple[Path, str, Any]]:
    """Every value that has a check: its path, the check, and itself."""
    waiting: list[tuple[Path, Any, Plan]] = [((), document, plan)]
    while waiting:
        path, value, plan = waiting.pop()
        if plan.check:
            yield path, plan.check, value
        waiting += [((*path, name), item, inner) for name, item, inner in _below(value, plan)]


def _below(value: Any, plan: Plan) -> Iterator[tuple[str | int, Any, Plan]]:
    """What is directly below a value and has a plan: its name or place, itself, the plan."""
    if type(value) is list and plan.items:
        for place, item in enumerate(value):
            yield place, item, plan.items
    elif type(value) is dict:
        is_open = plan.rest or plan.patterns
        for name in value if is_open else plan.named:
            if name in value and (inner := plan.of(name)):
                yield name, value[name], inner


def _failed_node(path: Path, kind: str, node: Any, schemas: Judges) -> dict[str, Any]:
    """What is wrong with the module of a node, or with its data."""
    if not isinstance(node, dict):
        return {}  # its own schema says so
    module, data = node.get("module"), node.get("data")
    if not isinstance(module, str) or not isinstance(data, dict):
        return {}  # the same
    if (name := f"{kind}s.{module}") not in schemas:
        message = f"unable to find {kind} schema for module {module}"
        return {dotted((*path, "module")): {"error": {"message": message, "value": module}}}
    place = dotted((*path, "data"))
    return {f"{place}.{at}": found for at, found in schemas.apply(name, data)[1].items()}
