"""Commands for the pages of families: what to type to send their examples."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from crossbar.core.registry import Operation
from crossbar.core.requests import Action
from crossbar.core.shapes import Access, Journal, Routes
from crossbar.dialects.examples import Schemas, body
from crossbar.dialects.v2.verbs import VERB_OF

SHOWN = (Action.CREATE, Action.LIST, Action.FETCH, Action.PATCH, Action.REPLACE, Action.DELETE)
"""In this order; where there is a PATCH, a POST says nothing new."""


def curl(found: Iterable[Operation], schemas: Schemas) -> Iterator[str]:
    """A command for the first operation of each action that has a document to show."""
    first: dict[Action, Operation] = {}
    for operation in found:
        if _is_plain(operation):
            first.setdefault(operation.action, operation)
    if Action.PATCH in first:
        first.pop(Action.REPLACE, None)
    for action in SHOWN:
        if action in first:
            yield from _command(first[action], schemas)


def _is_plain(operation: Operation) -> bool:
    """Whether it is about a whole document or list, and sends what a schema describes."""
    sends = operation.action in (Action.CREATE, Action.REPLACE, Action.PATCH)
    below = operation.path[operation.depth :]
    is_own = below in ((), (f"{{{operation.id_param}}}",))
    is_own = is_own or isinstance(operation.family, Journal | Routes)
    return operation.parent is None and is_own and bool(operation.schema or not sends)


def _command(operation: Operation, schemas: Schemas) -> Iterator[str]:
    verb = VERB_OF[operation.action]
    sent = body(operation, schemas)
    token = "" if operation.access is Access.PUBLIC else ' -H "X-Auth-Token: $TOKEN"'
    method = "" if verb == "GET" else f" -X {verb}"
    line = f"curl{token}{method} $U/v2/{'/'.join(map(_shell, operation.path))}"
    if sent is None:
        yield line
    else:
        data = json.dumps({"data": sent}, ensure_ascii=False).replace("'", "'\\''")
        yield f"{line} \\\n  -d '{data}'"


def _shell(part: str) -> str:
    """A token of a path; parameters are variables of the shell, the account's is ``A``."""
    if not part.startswith("{"):
        return part
    return "$A" if part == "{account_id}" else f"${part[1:-1].upper()}"
