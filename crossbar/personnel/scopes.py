"""Scopes of personnel management: what there is, and whether a caller has one.

A scope is a verb and a noun, ``view:rank``. It is judged as a restriction on the noun's family, by
the routine that judges restrictions everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from crossbar.core.access import ALLOWED, WORDS, Scopes, require_unrestricted
from crossbar.core.requests import Action, Request
from crossbar.errors import Forbidden
from crossbar.personnel.components import COMPONENTS

VERBS: Mapping[str, tuple[str, ...]] = {
    **ALLOWED,
    "manage": tuple(dict.fromkeys(WORDS.values())),
    "note": (),
    "impersonate": (),
}
"""What a verb allows, in the verbs of restrictions; what is about a dashboard allows nothing."""

ACTIONS: Mapping[str, Action] = {
    "view": Action.FETCH,
    "create": Action.CREATE,
    "update": Action.REPLACE,
    "delete": Action.DELETE,
    "manage": Action.REPLACE,
}
"""What who needs a verb is asked to be allowed."""

GRANTS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(
        [
            "announcement",
            "award",
            "calendar",
            "category",
            "document",
            "event",
            "group",
            "mail",
            "position",
            "qualification",
            "rank",
            "specialty",
            "status",
            "unit",
            "form",
            "field",
            "submission",
            "permission",
            "role",
            "awardrecord",
            "assignmentrecord",
            "combatrecord",
            "qualificationrecord",
            "rankrecord",
            "servicerecord",
            "statusrecord",
            "task",
        ],
        tuple(ALLOWED),
    ),
    "user": ("view", "create", "update", "note", "delete", "impersonate"),
    "log": ("view",),
    "attachment": ("create",),
    "image": ("create",),
    "billing": ("manage",),
    "api": ("manage",),
    "webhook": ("manage",),
    "newsfeed": ("manage",),
}
"""The verbs that there are for each noun."""

_NOUNS = {component.scope: component.noun for component in COMPONENTS.values()}


class Need(NamedTuple):
    """A scope that an operation asks for."""

    verb: str
    noun: str

    def __str__(self) -> str:
        return f"{self.verb}:{self.noun}"


SCOPES = Scopes(
    {
        f"{verb}:{noun}": {_NOUNS.get(noun, noun): VERBS[verb]}
        for noun, verbs in GRANTS.items()
        for verb in verbs
    }
)
"""The scopes that keys of personnel management can have."""


async def may(request: Request, need: Need, *, insist: bool = False) -> bool:
    """Whether the caller has a scope; with ``insist``, raise :class:`Forbidden` if not."""
    operation = request.operation
    noun = _NOUNS.get(need.noun, need.noun)
    tokens = [_token(part, request.ids) for part in operation.path]
    if noun != operation.noun:
        operation = replace(operation, noun=noun)
        tokens = tokens[: operation.depth]
    try:
        await require_unrestricted(
            request.services.accounts,
            operation,
            request.caller,
            request.account,
            tokens,
            ACTIONS[need.verb],
        )
    except Forbidden:
        if insist:
            raise Forbidden(f"the scope {need} is missing") from None
        return False
    return True


def _token(part: str, params: Mapping[str, str]) -> str:
    return params[part[1:-1]] if part.startswith("{") else part
