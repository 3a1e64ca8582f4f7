"""Places: where rows are reached from, by themselves or below a row of another component."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from crossbar.core.requests import Actor, Request
from crossbar.documents import Document
from crossbar.errors import NoSuchDocument
from crossbar.families.endpoints import PERSON
from crossbar.personnel.components import USERS
from crossbar.personnel.includes import entry_of, related
from crossbar.personnel.links import Pair, links_of, other_end
from crossbar.personnel.rows import count, every, find, number_of
from crossbar.personnel.shapes import Component, HasMany, Linked, Relation

T = TypeVar("T")


async def first(rows: AsyncIterator[T], number: int) -> AsyncIterator[T]:
    """The first rows, so many at most."""
    async for row in rows:
        yield row
        number -= 1
        if number == 0:
            return


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Place:
    """Rows of ``component``: all of them or, with a ``parent``, those that belong to one row.

    ``relation`` leads from the parent to the rows; without one the parent's column ``column``
    holds the id of the only row. ``includes`` and ``columns`` are what answers may include and
    the relations whose columns may be searched, ``None`` for no search at all.
    """

    component: Component
    parent: Component | None = None
    relation: Relation | None = None
    column: str = ""
    includes: Sequence[str] = ()
    columns: Sequence[str] | None = ()

    @property
    def is_single(self) -> bool:
        """Whether there is at most one row, so that its id may be left out."""
        is_one = isinstance(self.relation, HasMany) and self.relation.single
        return bool(self.column) or is_one

    async def parent_row(self, request: Request) -> Document:
        """The stored row that the path goes through. Raises :class:`NoSuchDocument`."""
        if self.parent is None:
            raise LookupError("this place is below no row")
        return await find(request.actor, self.parent, request.ids[self.parent.param])

    async def parent_number(self, request: Request) -> int:
        """The id of the row that the path goes through."""
        parent = await self.parent_row(request)
        return number_of(self.parent or self.component, parent)

    async def pairs(self, request: Request) -> AsyncIterator[Pair]:
        """Walk every stored row here, in default order."""
        if self.parent is None:
            async for stored in every(request.actor, self.component):
                yield stored, None
            return
        parent = await self.parent_row(request)
        if self.relation is None:
            yield await self._referred(request.actor, parent), None
            return
        number = number_of(self.parent, parent)
        async for pair in related(request.actor, self.parent, self.relation, number):
            yield pair

    async def page(self, request: Request, start: int, limit: int) -> list[Pair]:
        """So many stored rows here, from the ``start``-th on."""
        if self.parent is None:
            rows = every(request.actor, self.component, start=start)
            return [(stored, None) async for stored in first(rows, limit)]
        pairs = [pair async for pair in first(self.pairs(request), start + limit)]
        return pairs[start:]

    async def count(self, request: Request) -> int | None:
        """How many rows are here; ``None`` where the store cannot tell without reading them."""
        if self.parent is None:
            return await count(request.actor, self.component)
        if isinstance(self.relation, HasMany) and not self.relation.only:
            number = await self.parent_number(request)
            entry = entry_of(self.parent, self.relation, number)
            return await count(request.actor, self.component, entry)
        return None

    async def first(self, request: Request) -> Pair | None:
        """The first stored row here, if there is any."""
        async for pair in self.pairs(request):
            return pair
        return None

    async def _referred(self, actor: Actor, parent: Document) -> Document:
        columns = parent.get(PERSON, {}) if self.parent is USERS else parent
        number = columns.get(self.column)
        if number is None:
            raise NoSuchDocument(self.column)
        return await find(actor, self.component, number)

    async def pair(self, request: Request, number: str | int | None = None) -> Pair:
        """The stored row that the path names, or the one with this id, if it is here.

        Raises :class:`NoSuchDocument`.
        """
        wanted = request.ids.get(self.component.param) if number is None else number
        if wanted is None:
            first = await self.first(request)
            if first is None:
                raise NoSuchDocument(self.component.noun)
            return first
        if self.parent is None:
            return await find(request.actor, self.component, wanted), None
        return await self._below(request, wanted)

    async def _below(self, request: Request, wanted: str | int) -> Pair:
        if self.column:
            stored = await self._referred(request.actor, await self.parent_row(request))
            if str(number_of(self.component, stored)) == str(wanted):
                return stored, None
            raise NoSuchDocument(str(wanted))
        stored = await find(request.actor, self.component, wanted)
        if isinstance(self.relation, Linked):
            number = await self.parent_number(request)
            async for link in links_of(request.actor, self.relation, number):
                if other_end(self.relation, link) == number_of(self.component, stored):
                    return stored, link
        elif (await self.columns_here(request)).items() <= stored.items():
            return stored, None
        raise NoSuchDocument(str(wanted))

    async def columns_here(self, request: Request) -> Document:
        """The columns by which a row of has-many belongs here."""
        if self.parent is None or not isinstance(self.relation, HasMany):
            return {}
        number = await self.parent_number(request)
        if self.relation.column == "owner":
            noun = self.parent.noun
            return {"model_type": noun, "model_id": str(number), "owner": f"{noun}:{number}"}
        return {self.relation.column: number}
