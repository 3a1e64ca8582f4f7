"""Filters of lists: predicates over stored documents (docs/protocol.md §8.4).

Filtering happens here and not in the store, so that both stores agree on what "equal" means:
values are compared by their text form, as upstream does. Private fields can be neither read nor
tested; the only private facts that a filter sees are the creation and modification times.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from crossbar.documents import Document, is_private, lookup

Predicate = Callable[[Document], bool]
Filters = tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class Filter:
    """A predicate, and the parameter that asks for it.

    With ``path``, only documents pass that have a value there; with ``texts``, too, only those
    where it is one of these as text, of which nothing is the empty one.
    """

    name: str
    holds: Predicate
    path: str = ""
    texts: frozenset[str] = frozenset()

    def __call__(self, document: Document) -> bool:
        return self.holds(document)


Comparison = Callable[[str, str], Predicate]
"""Makes a predicate of a path and of the text that its value is compared with."""

ABSENT: Any = object()
EMPTY: tuple[Any, ...] = ("", 0, "0", [], {}, None, "undefined", "NULL")


def parse_filters(parameters: Iterable[tuple[str, str]]) -> Filters:
    """The predicates that the query parameters ask for; others are ignored. All must hold."""
    predicates = [_predicate(name, value) for name, value in parameters]
    return tuple([predicate for predicate in predicates if predicate is not None])


def keeps(filters: Filters, document: Document) -> bool:
    """Whether the document passes every filter."""
    return all(predicate(document) for predicate in filters)


def names_of(filters: Filters) -> list[str]:
    """The parameters that ask for the filters."""
    return list(dict.fromkeys(each.name for each in filters if isinstance(each, Filter)))


def _predicate(name: str, value: str) -> Predicate | None:
    for prefix, compare, texts_of in _COMPARISONS if name.startswith(_PREFIXES) else ():
        if name.startswith(prefix):
            path = name.removeprefix(prefix)
            if texts_of is None:
                return Filter(name, compare(path, value))
            return Filter(name, compare(path, value), path, texts_of(value))
    if name in TIME_BOUNDS:
        return Filter(name, _time_bound(name, value))
    test = _KEY_TESTS.get(name)
    if test is None:
        return None
    return Filter(name, test(value), value if name in _NEEDS_KEY else "")


def _value_at(path: str) -> Callable[[Document], Any]:
    """A reader of a public path; private and malformed ones read as absent."""
    parts = tuple(path.split("."))
    if is_private(parts[0]) and parts[0] != "_read_only":
        return lambda _: ABSENT
    if parts == ("id",):
        return lambda document: document.get("_id", ABSENT)
    if len(parts) == 1:
        return lambda document: document.get(path, ABSENT)
    return lambda document: lookup(document, parts, ABSENT)


def text_at(path: str) -> Callable[[Document], str]:
    """A reader of what a filter for equality sees at a dotted path."""
    read = _value_at(path)

    def text(document: Document) -> str:
        value = read(document)
        if type(value) is str:
            return value
        return "" if value is ABSENT else text_form(value)

    return text


def text_form(value: Any) -> str:
    """A value as the text that filters compare.

    An array of strings is its elements concatenated, an object its compact JSON, an array of
    anything else is empty.
    """
    if isinstance(value, str):
        return value
    if value is ABSENT:
        return ""
    if isinstance(value, list):
        return "".join(value) if all(isinstance(item, str) for item in value) else ""
    return _json_text(value)


def _json_text(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # an integer beyond 64 bits, alone or inside an object
        return str(value)


def _equals(path: str, wanted: str) -> Predicate:
    read = _value_at(path)
    alternatives = _alternatives(wanted)
    return lambda document: text_form(read(document)) in alternatives


def _alternatives(wanted: str) -> frozenset[str]:
    """The texts that a filter value stands for: itself, a JSON string, or a JSON array of them."""
    texts = {wanted}
    if wanted[:1] in ("[", '"'):
        try:
            parsed = orjson.loads(wanted)
        except orjson.JSONDecodeError:
            parsed = None
        if isinstance(parsed, str):
            texts.add(parsed)
        elif isinstance(parsed, list):
            texts.update(item for item in parsed if isinstance(item, str))
    return frozenset(texts)


def _negated(predicate: Predicate) -> Predicate:
    return lambda document: not predicate(document)


def _by_list(test: Callable[[Any, set[str]], bool]) -> Comparison:
    """A filter by a JSON array: ``test`` is asked about a value and the array's elements as text.

    What is no JSON array keeps nothing.
    """

    def compare(path: str, wanted: str) -> Predicate:
        read = _value_at(path)
        texts = _texts_listed(wanted)
        if texts is None:
            return lambda _: False
        return lambda document: test(read(document), texts)

    return compare


def _texts_listed(wanted: str) -> set[str] | None:
    """The elements of a JSON array as text; ``None`` for anything else."""
    try:
        listed = orjson.loads(wanted)
    except orjson.JSONDecodeError:
        listed = None
    return {text_form(item) for item in listed} if isinstance(listed, list) else None


def _by_overlap(test: Callable[[set[str], set[str]], bool]) -> Comparison:
    """The same for values that are arrays: ``test`` is asked about the elements of both."""
    return _by_list(
        lambda value, texts: (
            isinstance(value, list) and test({text_form(item) for item in value}, texts)
        )
    )


def _any(_: str) -> frozenset[str]:
    return frozenset()


def _listed(wanted: str) -> frozenset[str]:
    return frozenset(_texts_listed(wanted) or ())


_COMPARISONS: tuple[tuple[str, Comparison, Callable[[str], frozenset[str]] | None], ...] = (
    ("filter_not_", lambda path, wanted: _negated(_equals(path, wanted)), None),
    ("filter_any_", _by_list(lambda value, texts: text_form(value) in texts), _listed),
    ("filter_none_", _by_list(lambda value, texts: text_form(value) not in texts), None),
    ("filter_array_intersect_all_", _by_overlap(lambda has, texts: has >= texts), _any),
    ("filter_array_intersect_any_", _by_overlap(lambda has, texts: bool(has & texts)), _any),
    ("filter_array_intersect_none_", _by_overlap(lambda has, texts: not has & texts), _any),
    ("filter_", _equals, _alternatives),
)
"""Filters that compare, by how their names begin, the first that fits is meant; and of those that
keep only what has a value, the texts that it may have, none for any."""

_PREFIXES = tuple(prefix for prefix, *_ in _COMPARISONS)


def _has_key(path: str) -> Predicate:
    read = _value_at(path)
    return lambda document: read(document) is not ABSENT


def _has_value(path: str) -> Predicate:
    read = _value_at(path)

    def holds(document: Document) -> bool:
        value = read(document)
        if value is ABSENT:
            return False
        return isinstance(value, bool) or value not in EMPTY

    return holds


_KEY_TESTS: dict[str, Callable[[str], Predicate]] = {
    "has_key": _has_key,
    "key_missing": lambda path: _negated(_has_key(path)),
    "has_value": _has_value,
    "value_missing": lambda path: _negated(_has_value(path)),
}

_NEEDS_KEY = ("has_key", "has_value")

TIME_BOUNDS = {
    "created_from": ("pvt_created", True),
    "created_to": ("pvt_created", False),
    "modified_from": ("pvt_modified", True),
    "modified_to": ("pvt_modified", False),
}
"""Filters by time: the field each reads, and whether it is a lower bound."""


def _time_bound(name: str, text: str) -> Predicate:
    """Inclusive bounds in Gregorian seconds; a bound that is no number keeps nothing."""
    field, is_lower = TIME_BOUNDS[name]
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        return lambda _: False
    bound = int(text)
    if is_lower:
        return lambda document: document.get(field, 0) >= bound
    return lambda document: document.get(field, 0) <= bound
