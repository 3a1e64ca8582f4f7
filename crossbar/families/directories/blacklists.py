"""Blacklists: callers to turn away."""

from __future__ import annotations

from crossbar.core.change import Change
from crossbar.core.shapes import FLAGS, Collection, Hooks
from crossbar.numbers import normalized


async def normalize(change: Change) -> None:
    """Full telephone numbers among the keys are kept as E.164."""
    numbers = change.value("numbers")
    if isinstance(numbers, dict):
        change.document["numbers"] = {normalized(name): value for name, value in numbers.items()}


BLACKLISTS = Collection(
    noun="blacklists",
    doc_type="blacklist",
    schema="blacklists",
    summary=("name", FLAGS),
    hooks=Hooks(normalize=(normalize,)),
)
