"""Walks through a collection, portion by portion, each from the last place met."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import NamedTuple

from pymongo import ASCENDING, DESCENDING

from crossbar.storage import Sieve
from crossbar.storage.mongodb import records
from crossbar.storage.mongodb.driver import translated
from crossbar.storage.mongodb.journals import Collection

LOOKED = 5000
"""Documents that the server looks at for one question with hints: some dozens of milliseconds."""


class Walk(NamedTuple):
    """How a collection is walked: what is read of each, which way, how many at a time."""

    collection: Collection
    shown: Mapping[str, int]
    is_descending: bool
    portion: int

    async def portions(self, wanted: records.Record) -> AsyncIterator[list[records.Record]]:
        """All that ``wanted`` finds, by place; no portion is empty."""
        more = True
        while more:
            found = await self._read(wanted)
            if found:
                yield found
            more = len(found) == self.portion
            if more:
                wanted = self._beyond(wanted, found[-1]["place"])

    async def sifted(
        self, wanted: records.Record, sieve: Sieve
    ) -> AsyncIterator[list[records.Record]]:
        """The same without what the sieve lets the server leave out.

        The first portion is read whole, as it is all that there is of most lists. What comes then
        is asked for in steps, so that no question takes long, and what is left out is counted.
        """
        found = await self._read(wanted)
        if found:
            yield found
        after = found[-1]["place"] if len(found) == self.portion else None
        having = records.having(sieve.hints)
        while after is not None:
            step = self._beyond(wanted, after)
            after = await self._end_of(step)
            if after is not None:
                step["place"]["$gte" if self.is_descending else "$lte"] = after
            met = 0
            async for found in self.portions({**step, **having}):
                met += len(found)
                yield found
            looked = LOOKED
            if after is None:
                with translated():
                    looked = await self.collection.count_documents(step)
            if looked > met:
                sieve.left_out(looked - met)

    async def _read(self, wanted: records.Record) -> list[records.Record]:
        cursor = self.collection.find(wanted, self.shown).sort("place", self._order)
        with translated():
            return await cursor.limit(self.portion).to_list(self.portion)

    async def _end_of(self, wanted: records.Record) -> str | None:
        """The place of the last document of a step; ``None`` if fewer are left."""
        cursor = self.collection.find(wanted, {"_id": 0, "place": 1}).sort("place", self._order)
        with translated():
            found = await cursor.skip(LOOKED - 1).limit(1).to_list(1)
        return found[0]["place"] if found else None

    @property
    def _order(self) -> int:
        return DESCENDING if self.is_descending else ASCENDING

    def _beyond(self, wanted: records.Record, place: str) -> records.Record:
        beyond = "$lt" if self.is_descending else "$gt"
        return {**wanted, "place": {**wanted["place"], beyond: place}}
