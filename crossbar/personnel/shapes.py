"""The shapes that components are declared with: data, no behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A column. ``kind`` is ``text``, ``integer``, ``boolean``, ``time``, ``array`` or ``object``.

    ``null``: it may be emptied. ``write``: a body may set it. ``required``: a create must.
    ``refers`` names the component whose row the number is an id of; the relation of the same name
    without ``_id`` leads there. ``after`` names a time that this one follows. A ``hidden`` column
    is never shown.
    """

    name: str
    about: str
    kind: str = "text"
    null: bool = True
    write: bool = True
    required: bool = False
    hidden: bool = False
    refers: str = ""
    after: str = ""
    schema: Mapping[str, Any] = field(default_factory=dict)

    @property
    def relation(self) -> str:
        """The name under which the row that the column refers to is included."""
        return self.name.removesuffix("_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class HasMany:
    """Rows of another component whose column holds this row's id.

    ``only`` are values that further columns of those rows must have. ``single`` shows the first
    one instead of a list.
    """

    component: str
    column: str
    only: tuple[tuple[str, Any], ...] = ()
    single: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Linked:
    """Rows of another component that links join to this row.

    ``link`` names the kind of link; its left end is where it is written from. ``pivot`` are the
    columns that a link carries, by kind, ``shown_as`` the key under which they are shown.
    ``is_inverse``: this row is the right end.
    """

    component: str
    link: str
    pivot: Mapping[str, str] = field(default_factory=dict)
    shown_as: str = "pivot"
    is_inverse: bool = False


Relation = HasMany | Linked


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Component:
    """A kind of row: its path, its singular, its columns and what leads from it.

    ``noun`` is the path, ``scope`` the noun of scopes and stored types, ``model`` the name of its
    schema. ``includes`` are the relations that answers may carry, ``columns`` the relations whose
    columns may be searched, ``scopes`` the named searches. ``order``: ``id``, ``order`` or
    ``newest``. ``computed`` are what is shown beside the columns. ``is_open``: other
    keys of a body mean something too. ``stored_as`` is the type of documents that another family
    has.
    """

    noun: str
    scope: str
    model: str
    fields: tuple[Field, ...]
    about: str
    includes: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    relations: Mapping[str, Relation] = field(default_factory=dict)
    order: str = "id"
    computed: tuple[Field, ...] = ()
    is_open: bool = False
    stored_as: str = ""

    @property
    def param(self) -> str:
        """The path parameter of a row: ``award_record`` for ``award-records``."""
        return singular(self.noun).replace("-", "_")

    @property
    def doc_type(self) -> str:
        """The type of its stored documents."""
        return self.stored_as or f"perscom_{self.scope}"

    @property
    def schema(self) -> str:
        """The name of its JSON schema."""
        return f"perscom_{self.noun.replace('-', '_')}"

    @property
    def by_name(self) -> dict[str, Field]:
        """Its columns by name."""
        return {each.name: each for each in self.fields}


def singular(noun: str) -> str:
    """The singular of a path's noun."""
    for ending, replacement in (("ies", "y"), ("statuses", "status"), ("s", "")):
        if noun.endswith(ending):
            return noun.removesuffix(ending) + replacement
    return noun
