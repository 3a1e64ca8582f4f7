"""Relations in answers: which may be asked for, and the rows that they lead to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

from crossbar.core.requests import Actor
from crossbar.documents import Document
from crossbar.errors import ValidationFailed
from crossbar.personnel.components import COMPONENTS
from crossbar.personnel.links import Pair, linked_rows
from crossbar.personnel.rows import every, find_many, number_of
from crossbar.personnel.shapes import Component, HasMany, Linked, Relation
from crossbar.personnel.showing import show_pair

Tree = dict[str, Any]
"""Relations by name, each with those below it."""

MAX_DEPTH = 5
MAX_INCLUDED = 40
MOST_ROWS = 10_000
"""Rows that an answer may include: each level of relations may multiply those of the one above."""

OF_LINKS = ("record", "assignment")
"""Names that ask for the columns of links, which linked rows carry anyway."""


def tree_of(names: Iterable[str], allowed: Sequence[str], component: Component) -> Tree:
    """The relations that are asked for. Raises :class:`ValidationFailed` for those not allowed."""
    tree: Tree = {}
    for count, name in enumerate(names):
        parts = name.split(".")
        if count >= MAX_INCLUDED or len(parts) > MAX_DEPTH:
            raise _refused(name, "Too many relations are asked for")
        if not _is_allowed(parts, allowed) or not _leads(component, parts):
            raise _refused(name, "The relation cannot be included")
        branch = tree
        for part in parts:
            branch = branch.setdefault(part, {})
    return tree


def _refused(name: str, message: str) -> ValidationFailed:
    return ValidationFailed.of("include", "invalid", message, value=name[:200])


def _is_allowed(parts: Sequence[str], allowed: Sequence[str]) -> bool:
    name = ".".join(parts)
    stems = (each.removesuffix("*") for each in allowed if each.endswith(".*"))
    return name in allowed or any(name.startswith(stem) and name != stem for stem in stems)


def _leads(component: Component, parts: Sequence[str]) -> bool:
    """Whether the names lead from relation to relation; upstream allows some that do not exist."""
    for at, part in enumerate(parts):
        target = target_of(component, part)
        if target is None:
            return at == len(parts) - 1 and part in (*OF_LINKS, "image")
        component = target
    return True


def target_of(component: Component, name: str) -> Component | None:
    """The component that a relation leads to; ``None`` where there is no such relation."""
    relation = component.relations.get(name)
    if relation is not None:
        return COMPONENTS[relation.component]
    for field in component.fields:
        if field.refers and field.relation == name:
            return COMPONENTS[field.refers]
    return None


async def include(
    actor: Actor, component: Component, rows: Sequence[tuple[Document, Document]], tree: Tree
) -> None:
    """Add the relations of a tree to shown rows; each row comes with what is stored of it.

    Raises :class:`ValidationFailed` for more than ``MOST_ROWS`` rows, be it that they had to be
    read or that the answer would repeat some of them so often.
    """
    await _Inclusion(actor).add(component, rows, tree)
    known: dict[int, int] = {}
    if sum(_weight(shown, tree, known) - 1 for shown, _ in rows) > MOST_ROWS:
        raise _too_many()


def _too_many() -> ValidationFailed:
    message = f"More than {MOST_ROWS} rows would be included"
    return ValidationFailed.of("include", "maximum", message, target=MOST_ROWS)


def _weight(shown: Document, tree: Tree, known: dict[int, int]) -> int:
    """How many rows a row is in the answer: itself and, wherever it is shown, those below it."""
    weight = known.get(id(shown))
    if weight is None:
        weight = 1
        for name, below in tree.items():
            found = shown.get(name) or []
            rows = found if isinstance(found, list) else [found]
            weight += sum(_weight(row, below, known) for row in rows)
        known[id(shown)] = weight
    return weight


class _Inclusion:
    """What one answer includes, and how much more may be read for it."""

    def __init__(self, actor: Actor) -> None:
        self._actor = actor
        self._left = MOST_ROWS

    async def add(
        self, component: Component, rows: Sequence[tuple[Document, Document]], tree: Tree
    ) -> None:
        """Add the relations of a tree to rows that are shown so far without."""
        for name, below in tree.items():
            relation = component.relations.get(name)
            if relation is not None:
                await self._add_related(component, rows, name, relation, below)
            elif (target := target_of(component, name)) is not None:
                await self._add_referred(rows, name, target, below)
            elif name not in OF_LINKS:
                for shown, _ in rows:
                    shown[name] = None

    async def _shown(
        self,
        component: Component,
        pairs: Iterable[Pair],
        below: Tree,
        relation: Relation | None = None,
    ) -> list[Document]:
        rows = [
            (await show_pair(self._actor, component, pair, relation), pair[0]) for pair in pairs
        ]
        await self.add(component, rows, below)
        return [shown for shown, _ in rows]

    async def _add_referred(
        self,
        rows: Sequence[tuple[Document, Document]],
        name: str,
        target: Component,
        below: Tree,
    ) -> None:
        """The row that a column refers to."""
        wanted = {shown[f"{name}_id"] for shown, _ in rows if shown.get(f"{name}_id") is not None}
        found = await find_many(self._actor, target, wanted)
        made = await self._shown(target, [(stored, None) for stored in found.values()], below)
        by_number = dict(zip(found, made, strict=True))
        for shown, _ in rows:
            shown[name] = by_number.get(shown.get(f"{name}_id") or 0)

    async def _add_related(
        self,
        component: Component,
        rows: Sequence[tuple[Document, Document]],
        name: str,
        relation: Relation,
        below: Tree,
    ) -> None:
        """The rows that a relation leads to, from each row by itself."""
        target = COMPONENTS[relation.component]
        is_single = isinstance(relation, HasMany) and relation.single
        for shown, stored in rows:
            number = number_of(component, stored)
            pairs = []
            async for pair in related(self._actor, component, relation, number):
                if self._left == 0:
                    raise _too_many()
                self._left -= 1
                pairs.append(pair)
            made = await self._shown(target, pairs, below, relation)
            shown[name] = (made[0] if made else None) if is_single else made


def entry_of(component: Component, relation: HasMany, number: int) -> tuple[str, Any]:
    """The column of the rows that a has-many relation leads to, and what it holds."""
    is_image = relation.column == "owner"
    return relation.column, f"{component.noun}:{number}" if is_image else number


async def related(
    actor: Actor, component: Component, relation: Relation, number: int
) -> AsyncIterator[Pair]:
    """The stored rows that a relation of a row leads to, each with its link where it is linked."""
    if isinstance(relation, Linked):
        async for pair in linked_rows(actor, relation, number):
            yield pair
        return
    target = COMPONENTS[relation.component]
    async for stored in every(actor, target, entry_of(component, relation, number)):
        if all(stored.get(column) == wanted for column, wanted in relation.only):
            yield stored, None
