"""How much of what a client has sent an error repeats: enough to recognise it, and no more.

An answer that grows with the request would let a client fill the server's memory by not reading
it, and the log of whoever calls on behalf of others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

REPEATED = 800
"""Characters of what was sent that one error repeats, in all."""

SHORT = 100
"""Characters of a name or a message that are not counted: most are the server's own words."""

MAX_FAULTS = 100
"""Refused fields that one error names."""

_SENT = frozenset(("value", "cause"))
"""Members of an error that are what was sent: they count from their first character on."""

_OURS = "target"
"""The member of an error that says what was expected."""

_MORE = "…"


def abridged(value: Any) -> Any:
    """A copy of what was sent that is short enough to be repeated."""
    return _Budget().value(value)


def brief(detail: Mapping[str, Any]) -> dict[str, Any]:
    """The members of an error that say more than its code."""
    return _Budget().members(detail)


def brief_faults(faults: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The refused fields of an error: rules by dotted path, and their members by rule.

    Of many fields the first :data:`MAX_FAULTS` are named.
    """
    budget = _Budget()
    return {
        budget.text(path, SHORT): {
            rule: budget.members(members) for rule, members in rules.items()
        }
        for path, rules in islice(faults.items(), MAX_FAULTS)
    }


class _Budget:
    """What is left of the characters that may be repeated."""

    def __init__(self) -> None:
        self._left = REPEATED

    def text(self, text: str, free: int = 0) -> str:
        """A text, cut where the budget ends; its first ``free`` characters cost nothing."""
        kept = text[: free + self._left]
        self._left -= max(0, len(kept) - free)
        return kept if len(kept) == len(text) else kept + _MORE

    def members(self, detail: Mapping[str, Any]) -> dict[str, Any]:
        """The members of an error. What was expected is ours, unless it is a text."""
        return {
            name: self.text(value, 0 if name in _SENT else SHORT)
            if isinstance(value, str)
            else value
            if name == _OURS
            else self.value(value)
            for name, value in detail.items()
        }

    def value(self, value: Any) -> Any:
        """A copy of a JSON value that costs no more than is left, and no time for the rest."""
        if isinstance(value, str) or not self._left:
            return self.text(value) if isinstance(value, str) else _MORE
        if isinstance(value, Mapping):
            return {self.text(name): self.value(each) for name, each in self._few(value.items())}
        if isinstance(value, list | tuple):
            return [self.value(each) for each in self._few(value)]
        self._left = max(0, self._left - len(str(value)))
        return value

    def _few(self, items: Iterable[Any]) -> Iterable[Any]:
        for item in items:
            if not self._left:
                break
            self._left -= 1
            yield item
