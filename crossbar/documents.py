"""Documents: what a stored thing looks like, and the pure functions over it.

A document is a JSON object. Keys that start with ``pvt_`` or ``_`` are private: they are dropped
from what a client sends and are not shown (docs/protocol.md §6.5). Nothing here reads or writes
a store.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

Document = dict[str, Any]

PRIVATE_PREFIXES = ("_", "pvt_")

MANY_NAMES = 10_000


class _Privacy(dict[str, bool]):
    """Which names are private, remembered: every field of every request is asked about."""

    def __missing__(self, name: str) -> bool:
        if len(self) >= MANY_NAMES:  # clients may make up names
            self.clear()
        self[name] = found = name.startswith(PRIVATE_PREFIXES)
        return found


PRIVACY = _Privacy()
is_private = PRIVACY.__getitem__
"""Whether a top-level key is private."""


def public(document: Mapping[str, Any]) -> Document:
    """The fields a client may see, without ``id``."""
    shown = dict(document)
    for name in filter(is_private, document):
        del shown[name]
    return shown


def private(document: Mapping[str, Any]) -> Document:
    """The fields that survive a replace: everything a client cannot send."""
    return {name: document[name] for name in filter(is_private, document)}


def merge(stored: Mapping[str, Any], patch: Mapping[str, Any]) -> Document:
    """Merge ``patch`` over ``stored`` as PATCH does (docs/protocol.md §7.2).

    Objects merge recursively, ``null`` removes a key, an empty object empties the stored one,
    arrays and scalars replace. Null-valued keys are dropped at every level of both sides.
    """
    merged = without_nulls(stored)
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, dict):
            before = merged.get(name) if value else None
            merged[name] = merge(before if isinstance(before, dict) else {}, value)
        else:
            merged[name] = value
    return merged


def without_nulls(document: Mapping[str, Any]) -> Document:
    """A copy without null-valued keys, at every depth of nested objects."""
    clean = dict(document)
    for name, value in document.items():
        if value is None:
            del clean[name]
        elif type(value) is dict:  # what JSON is made of
            clean[name] = without_nulls(value) if value else {}
    return clean


def json_of(value: Any) -> bytes:
    """A value as JSON. What orjson cannot write, no client can send; programs may store it."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, separators=(",", ":")).encode()


_MISSING = object()


def lookup(document: Any, path: Iterable[str], default: Any = None) -> Any:
    """The value at ``path``, or ``default``. Array elements are addressed by 1-based position."""
    value = document
    for part in path:
        if type(value) is dict:  # what JSON is made of; quicker than to allow for its kin
            value = value.get(part, _MISSING)
        elif isinstance(value, list) and part.isascii() and part.isdigit():
            position = int(part) - 1 if len(part) < 10 else -1
            value = value[position] if 0 <= position < len(value) else _MISSING
        else:
            return default
        if value is _MISSING:
            return default
    return value


def texts_at(document: Any, *path: str) -> list[str]:
    """The texts in the array at ``path``; none where there is no array."""
    values = lookup(document, path)
    return [each for each in values if isinstance(each, str)] if isinstance(values, list) else []


def new_id() -> str:
    """32 lower-case hex digits that nobody can guess: for documents, revisions and requests."""
    global _entropy
    if len(_entropy) < ID_BYTES:
        _entropy = bytearray(os.urandom(POOL_BYTES))
    fresh = _entropy[-ID_BYTES:]
    del _entropy[-ID_BYTES:]
    return fresh.hex()


def _forget_entropy() -> None:
    _entropy.clear()


ID_BYTES = 16
POOL_BYTES = 4096
"""Asking the system for randomness costs more than an id's worth of it, so it is asked rarely."""

_entropy = bytearray()
os.register_at_fork(after_in_child=_forget_entropy)


def next_revision(current: str | None) -> str:
    """The revision after ``current`` (``None``: a new document), ``<generation>-<32 hex>``."""
    generation = int(current.split("-", 1)[0]) if current else 0
    return f"{generation + 1}-{new_id()}"
