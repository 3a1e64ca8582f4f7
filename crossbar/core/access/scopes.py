"""Scopes: short names for what a key may do, computed from the operations that there are.

A scope is ``<verb>:<noun>``, for example ``view:user``; :data:`EVERYTHING` is all of them. Scopes
are compiled to the form of token restrictions (docs/protocol.md §6.4), so that ``core.access``
decides about keys as it does about tokens.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from crossbar.core.access.rules import WORDS
from crossbar.core.requests import Action
from crossbar.core.shapes import Access

if TYPE_CHECKING:
    from crossbar.core.registry import Operation

EVERYTHING = "*"

VERB_OF: Mapping[Action, str] = {
    Action.LIST: "view",
    Action.FETCH: "view",
    Action.CREATE: "create",
    Action.REPLACE: "update",
    Action.PATCH: "update",
    Action.DELETE: "delete",
}

ALLOWED: Mapping[str, tuple[str, ...]] = {
    "view": (WORDS[Action.FETCH],),
    "create": (WORDS[Action.CREATE],),
    "update": (WORDS[Action.REPLACE], WORDS[Action.PATCH]),
    "delete": (WORDS[Action.DELETE],),
}
"""What a scope's verb is in a restriction."""


class Scopes:
    """The scopes of one dialect: which verbs of restrictions each of them allows, by noun.

    With ``is_closed`` there is none that allows everything.
    """

    def __init__(
        self, grants: Mapping[str, Mapping[str, Iterable[str]]], *, is_closed: bool = False
    ) -> None:
        self._grants = grants
        self._everything = () if is_closed else (EVERYTHING,)

    def names(self) -> list[str]:
        """Every scope, :data:`EVERYTHING` first, the others in alphabetical order."""
        return [*self._everything, *sorted(self._grants)]

    def rules(self, scopes: Iterable[str]) -> Mapping[str, Any] | None:
        """What the scopes allow, as restrictions by noun; ``None`` when they allow everything.

        A scope that is unknown (any more) allows nothing.
        """
        wanted = list(scopes)
        if any(each in wanted for each in self._everything):
            return None
        verbs: dict[str, list[str]] = {}
        for scope in wanted:
            for noun, allowed in self._grants.get(scope, {}).items():
                verbs.setdefault(noun, []).extend(allowed)
        return {noun: [{"rules": {"#": allowed}}] for noun, allowed in verbs.items()}


def scopes_of(operations: Iterable[Operation]) -> Scopes:
    """The scopes that the operations ask for.

    The noun of a scope is the type of the family's documents, or the family's own noun where it
    has none. What is public needs no scope and has none.
    """
    asked = [each for each in operations if each.access is not Access.PUBLIC]
    types = {each.family.noun: each.doc_type for each in asked if each.doc_type}
    grants: dict[str, dict[str, tuple[str, ...]]] = {}
    for operation in asked:
        verb = VERB_OF[operation.action]
        scope = f"{verb}:{types.get(operation.noun, operation.noun)}"
        grants.setdefault(scope, {})[operation.noun] = ALLOWED[verb]
    return Scopes(grants)
