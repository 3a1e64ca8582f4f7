"""What schemas ask for beyond JSON Schema: the keyword ``x-check``, which names a check.

The private mate of :mod:`crossbar.validation`. Upstream makes these checks in its server, wherever
a schema is used (docs/protocol.md §4.5, "extra server check"). ``client_url`` is an address of
a web server that clients may name; ``expressions`` is a list of regular expressions that the
server itself matches; ``callflow`` and ``metaflow`` are nodes, whose ``data`` is judged by the
schema of their module (``callflows.<module>``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from crossbar.documents import Document
from crossbar.validation.client_urls import ClientUrls
from crossbar.validation.defaults import Plan, below
from crossbar.validation.patterns import MOST, Expression, Unusable
from crossbar.validation.wording import dotted

KEYWORD = "x-check"
CLIENT_URL = "client_url"
EXPRESSIONS = "expressions"

Path = tuple[str | int, ...]

BAD_CLIENT_URL = {
    "message": "invalid client URL",
    "target": "http or https, and a host that schemas.blocked_hosts does not name",
}
"""What is said of an address that a document may not name."""


class Judges(Protocol):
    """All schemas."""

    def __contains__(self, name: object) -> bool:
        """Whether there is one of this name."""
        ...

    def apply(self, name: str, document: Document) -> tuple[Document, dict[str, Any]]:
        """Judge a document by one, and fill its defaults in."""
        ...


def failed_checks(
    document: Any, plan: Plan, schemas: Judges, client_urls: ClientUrls
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The errors of all checks by dotted path. The data of nodes gets its defaults here."""
    for path, check, value in _checked_values(document, plan):
        if check == EXPRESSIONS:
            yield from _failed_expressions(path, value).items()
        elif check != CLIENT_URL:
            yield from _failed_node(path, check, value, schemas).items()
        elif isinstance(value, str) and not client_urls.allow(value):
            yield dotted(path), {"error": {**BAD_CLIENT_URL, "value": value}}


def _failed_expressions(path: Path, patterns: Any) -> dict[str, Any]:
    """What of a list cannot be matched, and what of it is one too many."""
    if not isinstance(patterns, list):
        return {}  # its own schema says so
    if len(patterns) > MOST:
        message = f"The list is more than {MOST} items"
        return {dotted(path): {"maxItems": {"message": message, "target": MOST}}}
    errors: dict[str, Any] = {}
    for place, pattern in enumerate(patterns):
        try:
            Expression(pattern if isinstance(pattern, str) else "")
        except Unusable as error:
            errors[dotted((*path, place))] = {"error": {"message": str(error), "value": pattern}}
    return errors


def _checked_values(document: Any, plan: Plan) -> Iterator[tuple[Path, str, Any]]:
    """Every value that has a check: its path, the check, and itself."""
    waiting: list[tuple[Path, Any, Plan]] = [((), document, plan)]
    while waiting:
        path, value, plan = waiting.pop()
        if plan.check:
            yield path, plan.check, value
        waiting += [((*path, name), item, inner) for name, item, inner in below(value, plan)]


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
