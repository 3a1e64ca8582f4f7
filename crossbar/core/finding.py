"""How lists that are filtered find their documents: by an index where there is one.

An index only narrows what is looked at, and a store leaves out what surely does not pass;
``filtering`` judges every document that is met.
"""

from __future__ import annotations

from collections.abc import Iterable

from crossbar.core.shapes import LONGEST_ENTRY, Collection, FieldIndex
from crossbar.filtering import Filter, Filters
from crossbar.storage import Entry, Hint

MANY_TEXTS = 16
"""Texts that a store is asked to look for, at most; for more it is not told which."""


def index_names(families: Iterable[Collection]) -> frozenset[str]:
    """The names of all indexes that serve filters, as a store notes that it has them."""
    return frozenset(
        _name_of(family, index)
        for family in families
        for index in family.indexes
        if isinstance(index, FieldIndex)
    )


def entries_for(family: Collection, filters: Filters, ready: frozenset[str]) -> list[Entry]:
    """Entries that all documents have which pass the filters, one of each index that is ready.

    An absent value has no entry, and a filter that names several texts none that all share.
    """
    entries: dict[str, Entry] = {}
    for each in filters:
        if not isinstance(each, Filter) or len(each.texts) != 1:
            continue
        [text] = each.texts
        index = _index_of(family, each.path)
        if text and index is not None and _name_of(family, index) in ready:
            entries[index.name] = Entry(index.name, text[:LONGEST_ENTRY])
    return [*entries.values()]


def served_filters(family: Collection, ready: frozenset[str]) -> list[str]:
    """The filters of the family that an index serves which is ready."""
    return [
        f"filter_{index.path}"
        for index in family.indexes
        if isinstance(index, FieldIndex) and _name_of(family, index) in ready
    ]


def hints_of(filters: Filters, secrets: Iterable[str] = ()) -> tuple[Hint, ...]:
    """What all documents have that pass the filters, for a store to leave out others.

    A path that has a number may lead into an array. Of ``secrets``, paths that are kept from who
    asks, a store is told nothing: how long it takes would tell whether a guess is right.
    """
    hidden = [tuple(each.split(".")) for each in secrets]
    names = {name for each in hidden for name in each}
    hints = []
    for each in filters:
        if isinstance(each, Filter) and each.path and "" not in each.texts:
            path = tuple(each.path.split("."))
            # A store may look for the last name wherever it is.
            is_secret = path[-1] in names or any(path[: len(each)] == each for each in hidden)
            if not is_secret and not any(part.isdecimal() for part in path):
                texts = each.texts if len(each.texts) <= MANY_TEXTS else frozenset()
                hints.append(Hint(("_id",) if path == ("id",) else path, texts))
    return tuple(hints)


def _index_of(family: Collection, path: str) -> FieldIndex | None:
    indexes = (each for each in family.indexes if isinstance(each, FieldIndex))
    return next((index for index in indexes if index.path == path), None)


def _name_of(family: Collection, index: FieldIndex) -> str:
    return f"{family.doc_type} {index.name}"
