"""Searches: which rows a body asks for, and in which order.

A search is judged against what the component lets be searched, then becomes a predicate and a sort
key over shown rows. Text is compared without case where it is matched (``like``, ``search``), and
exactly where it is compared.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from crossbar.documents import Document
from crossbar.errors import FilterTooDeep, ValidationFailed
from crossbar.personnel.components import COMPONENTS
from crossbar.personnel.shapes import Component, Field
from crossbar.personnel.values import BOOLEANS, TIMES, instant
from crossbar.validation import Like, Unusable

Seen = Mapping[str, Any]
"""A row as searches see it: its columns, and those of related rows under ``relation``."""

Predicate = Callable[[Seen], bool]

T = TypeVar("T")

ID = Field(name="id", about="Number of the row.", kind="integer")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")

# Every row is asked all of it, so what a search may ask has an end.
MOST_FILTERS = 100
"""Filters of a search, nested ones included; and sorts and named searches, each."""

MOST_VALUES = 1000
"""Values in the lists of all filters together."""

MOST_PARTS = 10
"""How far a field leads into an object."""

LONGEST_TEXT = 255
"""Characters of a text that any column may contain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """Where a search looks: a column, of the row or of a related one, and what is below it."""

    field: Field
    relation: str = ""
    path: tuple[str, ...] = ()

    def read(self, row: Seen) -> Any:
        """The value; ``None`` where there is none."""
        holder = row.get(self.relation) if self.relation else row
        value = holder.get(self.field.name) if isinstance(holder, Mapping) else None
        for part in self.path:
            value = value.get(part) if isinstance(value, Mapping) else None
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Sort:
    """One key of an order."""

    column: Column
    descending: bool

    def key(self, row: Seen) -> tuple[bool, Any]:
        """What rows are compared by; those without a value come first."""
        value = self.column.read(row)
        if isinstance(value, str):
            return True, value.casefold()
        return (False, 0) if value is None or not isinstance(value, int | float) else (True, value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """A named search with its parameters."""

    name: str
    parameters: tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What a body asks for. ``relations`` are those whose columns it looks at."""

    keep: Predicate
    sorts: tuple[Sort, ...] = ()
    scopes: tuple[Scope, ...] = ()
    relations: frozenset[str] = frozenset()

    @property
    def is_everything(self) -> bool:
        """Whether rows are neither chosen nor put in another order."""
        return self.keep is everything and not self.sorts and not self.scopes

    def sort(self, rows: list[tuple[Seen, T]]) -> None:
        """Put rows in the order asked for, each with what searches see of it.

        Equals keep the order that they had.
        """
        for each in reversed(self.sorts):
            rows.sort(key=partial(_key_of, each), reverse=each.descending)


def _key_of(sort: Sort, row: tuple[Seen, Any]) -> tuple[bool, Any]:
    return sort.key(row[0])


def everything(_: Seen) -> bool:
    """Every row."""
    return True


def searchable(component: Component, relations: Sequence[str] | None) -> dict[str, Column]:
    """What may be searched, by the name that bodies use; nothing for ``relations`` ``None``."""
    if relations is None:
        return {}
    columns = {each.name: Column(field=each) for each in _own(component)}
    by_relation = {each.relation: each.refers for each in component.fields if each.refers}
    for relation in relations:
        target = COMPONENTS[by_relation[relation]]
        for each in _own(target):
            columns[f"{relation}.{each.name}"] = Column(field=each, relation=relation)
    return columns


def _own(component: Component) -> list[Field]:
    kept = [each for each in component.fields if not each.hidden]
    return [ID, *kept, *TIMES]


def search_of(body: Document, component: Component, columns: Mapping[str, Column]) -> Search:
    """The search that a body describes. Raises :class:`ValidationFailed` and its kin."""
    reader = _Reader(columns)
    filters = reader.filters(_list(body, "filters"), "filters", 0)
    predicates = [filters] if filters else []
    text = body.get("search")
    if text is not None:
        if not isinstance(text, dict):
            raise _wrong("search", "The search must be an object")
        if text.get("value") is not None:
            predicates.append(_text_search(component, text))
    sorts = tuple(reader.sort(each, f"sort.{at}") for at, each in enumerate(_list(body, "sort")))
    scopes = tuple(
        _scope(each, component, f"scopes.{at}") for at, each in enumerate(_list(body, "scopes"))
    )
    if body.get("aggregates"):
        raise _wrong("aggregates", "No aggregates are offered")
    keep: Predicate = everything
    if predicates:
        keep = lambda row: all(predicate(row) for predicate in predicates)  # noqa: E731
    return Search(keep=keep, sorts=sorts, scopes=scopes, relations=frozenset(reader.relations))


def _wrong(path: str, message: str, **detail: Any) -> ValidationFailed:
    return ValidationFailed.of(path, "invalid", message, **detail)


def _list(body: Document, name: str) -> list[Any]:
    value = body.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise _wrong(name, f"The {name} must be a list")
    if len(value) > MOST_FILTERS:
        raise _too_many(name, MOST_FILTERS)
    return value


def _too_many(path: str, most: int) -> ValidationFailed:
    return ValidationFailed.of(path, "maxItems", f"More than {most} are too many", target=most)


def _text_search(component: Component, text: Document) -> Predicate:
    """Whether any column contains the text."""
    wanted, minds_case = str(text["value"]), text.get("case_sensitive") is True
    if len(wanted) > LONGEST_TEXT:
        raise _wrong("search.value", f"Text to look for has at most {LONGEST_TEXT} characters")
    names = [each.name for each in _own(component)]
    fold: Callable[[str], str] = str if minds_case else str.casefold
    wanted = fold(wanted)

    def holds(row: Seen) -> bool:
        values = (row.get(name) for name in names)
        return any(
            wanted in fold(str(value))
            for value in values
            if isinstance(value, str | int) and not isinstance(value, bool)
        )

    return holds


def _scope(sent: Any, component: Component, path: str) -> Scope:
    name = sent.get("name") if isinstance(sent, dict) else None
    if name not in component.scopes:
        raise _wrong(f"{path}.name", "There is no such scope", value=name)
    parameters = sent.get("parameters") or []
    if not isinstance(parameters, list):
        raise _wrong(f"{path}.parameters", "The parameters must be a list")
    if name == "datePeriod" and not (
        len(parameters) == 2
        and all(isinstance(each, str) and instant(each) for each in parameters)
    ):
        raise _wrong(f"{path}.parameters", "The parameters must be a start and an end date")
    return Scope(name=name, parameters=tuple(parameters))


class _Reader:
    """Reads filters and sorts, and notes which relations they look at."""

    def __init__(self, columns: Mapping[str, Column]) -> None:
        self._columns = columns
        self._filters = self._values = 0
        self.relations: set[str] = set()

    def column(self, name: Any, path: str) -> Column:
        """The column of a name, which may lead into an object: ``options->size``."""
        first, *below = name.split("->") if isinstance(name, str) else ("",)
        column = self._columns.get(first)
        if (
            column is None
            or (below and column.field.kind not in ("object", "array"))
            or len(below) > MOST_PARTS
        ):
            raise _wrong(f"{path}.field", "The field cannot be searched", value=name)
        if column.relation:
            self.relations.add(column.relation)
        return Column(field=column.field, relation=column.relation, path=tuple(below))

    def sort(self, sent: Any, path: str) -> Sort:
        """One key of an order."""
        if not isinstance(sent, dict):
            raise _wrong(path, "A sort must be an object")
        direction = sent.get("direction", "asc")
        if direction not in ("asc", "desc"):
            raise _wrong(f"{path}.direction", "The direction is asc or desc", value=direction)
        column = self.column(sent.get("field"), path)
        return Sort(column=column, descending=direction == "desc")

    def filters(self, sent: list[Any], path: str, depth: int) -> Predicate | None:
        """What filters in a list ask for together; ``and`` binds closer than ``or``."""
        groups: list[list[Predicate]] = []
        self._filters += len(sent)
        if self._filters > MOST_FILTERS:
            raise _too_many(path, MOST_FILTERS)
        for at, each in enumerate(sent):
            here = f"{path}.{at}"
            if not isinstance(each, dict):
                raise _wrong(here, "A filter must be an object")
            kind = each.get("type", "and")
            if kind not in ("and", "or"):
                raise _wrong(f"{here}.type", "The type is and or or", value=kind)
            predicate = self._filter(each, here, depth)
            if predicate is None:
                continue
            if kind == "or" or not groups:
                groups.append([])
            groups[-1].append(predicate)
        if not groups:
            return None
        return lambda row: any(all(holds(row) for holds in group) for group in groups)

    def _filter(self, sent: Document, path: str, depth: int) -> Predicate | None:
        if "nested" in sent:
            if depth:
                raise FilterTooDeep.of(path, "depth", "Filters nest one level deep")
            return self.filters(_list(sent, "nested"), f"{path}.nested", depth + 1)
        column = self.column(sent.get("field"), path)
        operator = sent.get("operator", "=")
        make = OPERATORS.get(operator) if isinstance(operator, str) else None
        if make is None:
            raise _wrong(f"{path}.operator", "There is no such operator", value=operator)
        value = sent.get("value")
        if isinstance(value, list) != (operator in OF_LISTS):
            form = "a list" if operator in OF_LISTS else "a single value"
            raise _wrong(f"{path}.value", f"The operator {operator} takes {form}")
        if isinstance(value, dict):
            raise _wrong(f"{path}.value", "The value must not be an object")
        self._values += len(value) if isinstance(value, list) else 0
        if self._values > MOST_VALUES:
            raise _too_many(f"{path}.value", MOST_VALUES)
        try:
            test = make(_wanted(column, value))
        except Unusable as error:
            raise _wrong(f"{path}.value", str(error)) from None
        by_day = _is_day(column, value)
        return lambda row: test(_day(column.read(row)) if by_day else column.read(row))


def _is_day(column: Column, value: Any) -> bool:
    """Whether times are to be compared by their day."""
    return column.field.kind == "time" and isinstance(value, str) and bool(_DATE.fullmatch(value))


def _day(value: Any) -> Any:
    return value[:10] if isinstance(value, str) else value


def _wanted(column: Column, value: Any) -> Any:
    """A filter's value in the form in which the column's values are."""
    if isinstance(value, list):
        return [_wanted(column, each) for each in value]
    kind = column.field.kind
    if kind == "time" and isinstance(value, str) and not _DATE.fullmatch(value):
        return instant(value) or value
    if kind == "boolean" and value is not None:
        return BOOLEANS.get(str(value).lower(), value)
    if kind == "integer" and isinstance(value, str):
        digits = value.removeprefix("-")
        return int(value) if digits.isascii() and digits.isdigit() and len(value) < 19 else value
    return value


Test = Callable[[Any], bool]


def _compares(holds: Callable[[Any, Any], bool]) -> Callable[[Any], Test]:
    """An order between values of one kind; nothing else compares."""

    def make(wanted: Any) -> Test:
        def test(value: Any) -> bool:
            if isinstance(value, str) != isinstance(wanted, str):
                return False
            if not isinstance(value, str | int | float) or wanted is None:
                return False
            return holds(value, wanted)

        return test

    return make


def _equal(wanted: Any) -> Test:
    return lambda value: type(value) is type(wanted) and value == wanted


def _unequal(wanted: Any) -> Test:
    """Nothing is unequal to an empty column, except where that is asked for."""
    return lambda value: value is not None and value != wanted


def _like(wanted: Any) -> Test:
    """Text that matches a pattern with ``%`` for any text and ``_`` for any character."""
    like = Like(str(wanted).casefold())
    return lambda value: value is not None and like.fits(str(value).casefold())


def _not_like(wanted: Any) -> Test:
    test = _like(wanted)
    return lambda value: value is not None and not test(value)


def _within(wanted: list[Any]) -> Test:
    return lambda value: any(type(value) is type(each) and value == each for each in wanted)


def _not_within(wanted: list[Any]) -> Test:
    test = _within(wanted)
    return lambda value: (value is not None or None in wanted) and not test(value)


def _all_in(wanted: list[Any]) -> Test:
    return lambda value: isinstance(value, list) and all(each in value for each in wanted)


def _any_in(wanted: list[Any]) -> Test:
    return lambda value: isinstance(value, list) and any(each in value for each in wanted)


OPERATORS: Mapping[str, Callable[[Any], Test]] = {
    "<": _compares(lambda value, wanted: value < wanted),
    "<=": _compares(lambda value, wanted: value <= wanted),
    ">": _compares(lambda value, wanted: value > wanted),
    ">=": _compares(lambda value, wanted: value >= wanted),
    "=": _equal,
    "!=": _unequal,
    "like": _like,
    "not like": _not_like,
    "ilike": _like,
    "not ilike": _not_like,
    "in": _within,
    "not in": _not_within,
    "all in": _all_in,
    "any in": _any_in,
}
OF_LISTS = frozenset({"in", "not in", "all in", "any in"})
"""Operators whose value is a list."""
