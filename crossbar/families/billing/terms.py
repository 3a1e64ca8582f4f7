"""Judging the terms of items: in plans, and in what holds instead of them.

Terms are kept as they were sent, without the schema's defaults: of terms that are merged over
others a default would hide what it was meant to complete.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from crossbar.core.change import Change
from crossbar.documents import Document

ITEM_SCHEMA = "service_plan.item"

MOST = 1_000_000_000
"""The largest number in terms, on either side of 0: what is more is a slip."""


def judge_terms(change: Change, path: str, terms: Any) -> None:
    """Judge terms by category and item, at a dotted path of the document, and convert texts."""
    if not isinstance(terms, dict):
        return  # the family's schema has refused it
    for category, items in terms.items():
        for item, sent in items.items() if isinstance(items, dict) else ():
            if isinstance(sent, dict):
                items[item] = _judged(change, f"{path}.{_part(category)}.{_part(item)}", sent)


def _part(name: str) -> str:
    """A key as a part of a dotted path."""
    return name.replace(".", "%2E")


def _judged(change: Change, path: str, sent: Document) -> Document:
    schemas = change.actor.services.schemas
    applied, errors = schemas.apply(ITEM_SCHEMA, deepcopy(sent))
    change.refusals.merge({f"{path}.{name}": error for name, error in errors.items()})
    if errors:
        return sent
    for name, value in _numbers(applied):
        if not -MOST <= value <= MOST:
            message = f"Value must be between -{MOST} and {MOST}"
            change.refusals.add(f"{path}.{name}", "maximum", message, target=MOST)
    excepted = sent.get("exceptions")
    if excepted is not None and not _are_texts(excepted):
        message = "Value did not match type(s): array"
        change.refusals.add(f"{path}.exceptions", "type", message, target="array")
    return _as_sent(sent, applied)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _numbers(value: Any, path: str = "") -> Iterator[tuple[str, int | float]]:
    """Every number in terms, with its dotted path."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        yield path, value
    elif isinstance(value, Mapping):
        for name, part in value.items():
            yield from _numbers(part, f"{path}.{_part(name)}".lstrip("."))
    elif isinstance(value, list):
        for place, part in enumerate(value):
            yield from _numbers(part, f"{path}.{place}")


def _as_sent(sent: Document, applied: Document) -> Document:
    """What was sent, converted: without what the schema has added."""
    return {
        name: _as_sent(value, applied[name]) if isinstance(value, dict) else applied[name]
        for name, value in sent.items()
        if name in applied
    }
