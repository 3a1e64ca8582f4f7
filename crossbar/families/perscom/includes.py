"""Relations in answers: which may be asked for, and the rows that they lead to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

from crossbar.core.actions import Context
from crossbar.documents import Document
from crossbar.errors import ValidationFailed
from crossbar.families.perscom.components import COMPONENTS
from crossbar.families.perscom.links import linked_rows, shown_pivot
from crossbar.families.perscom.rows import every, find_many, number_of
from crossbar.families.perscom.shapes import Component, HasMany, Linked
from crossbar.families.perscom.showing import show

Tree = dict[str, Any]
"""Relations by name, each with those below it."""

MAX_DEPTH = 5
MAX_INCLUDED = 40
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
    context: Context, component: Component, rows: Sequence[tuple[Document, Document]], tree: Tree
) -> None:
    """Add the relations of a tree to shown rows; each row comes with what is stored of it."""
    for name, below in tree.items():
        relation = component.relations.get(name)
        if isinstance(relation, Linked):
            await _include_linked(context, component, rows, name, relation, below)
        elif isinstance(relation, HasMany):
            await _include_many(context, component, rows, name, relation, below)
        elif (target := target_of(component, name)) is not None:
            await _include_one(context, rows, name, target, below)
        elif name not in OF_LINKS:
            for shown, _ in rows:
                shown[name] = None


async def _shown(
    context: Context, component: Component, stored: Sequence[Document], below: Tree
) -> list[Document]:
    rows = [(await show(context, component, each), each) for each in stored]
    await include(context, component, rows, below)
    return [shown for shown, _ in rows]


async def _include_one(
    context: Context,
    rows: Sequence[tuple[Document, Document]],
    name: str,
    target: Component,
    below: Tree,
) -> None:
    """The row that a column refers to."""
    wanted = {shown[f"{name}_id"] for shown, _ in rows if shown.get(f"{name}_id") is not None}
    found = await find_many(context, target, wanted)
    made = await _shown(context, target, list(found.values()), below)
    by_number = dict(zip(found, made, strict=True))
    for shown, _ in rows:
        shown[name] = by_number.get(shown.get(f"{name}_id") or 0)


async def _include_many(
    context: Context,
    component: Component,
    rows: Sequence[tuple[Document, Document]],
    name: str,
    relation: HasMany,
    below: Tree,
) -> None:
    """The rows whose column refers to this one."""
    target = COMPONENTS[relation.component]
    for shown, stored in rows:
        referred = referring(context, component, relation, number_of(component, stored))
        found = [each async for each in referred]
        made = await _shown(context, target, found, below)
        shown[name] = (made[0] if made else None) if relation.single else made


def entry_of(component: Component, relation: HasMany, number: int) -> tuple[str, Any]:
    """The column of the rows that a has-many relation leads to, and what it holds."""
    is_image = relation.column == "owner"
    return relation.column, f"{component.noun}:{number}" if is_image else number


async def referring(
    context: Context, component: Component, relation: HasMany, number: int
) -> AsyncIterator[Document]:
    """The stored rows that a has-many relation leads to."""
    target = COMPONENTS[relation.component]
    async for stored in every(context, target, entry_of(component, relation, number)):
        if all(stored.get(column) == wanted for column, wanted in relation.only):
            yield stored


async def _include_linked(
    context: Context,
    component: Component,
    rows: Sequence[tuple[Document, Document]],
    name: str,
    relation: Linked,
    below: Tree,
) -> None:
    """The rows that links lead to, each with the columns of its link."""
    target = COMPONENTS[relation.component]
    for shown, stored in rows:
        number = number_of(component, stored)
        pairs = [pair async for pair in linked_rows(context, relation, number)]
        made = await _shown(context, target, [each for each, _ in pairs], below)
        for row, (_, link) in zip(made, pairs, strict=True):
            row[relation.shown_as] = shown_pivot(context, relation, link)
        shown[name] = made
