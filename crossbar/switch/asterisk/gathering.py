"""What documents of one type say, of all accounts, kept up to date by the event log."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from typing import Generic, TypeVar

from crossbar.documents import Document
from crossbar.storage import Event, Key, Store

T = TypeVar("T")

Place = tuple[str, str]
"""An account and a document's id."""


MOST, MOST_OF_ACCOUNT = 1000, 100
"""Who may be known by their addresses, of all accounts and of one. Asterisk asks for all of them
whenever a stranger sends it something."""


def fairly(known: Iterable[T], account_of: Callable[[T], str]) -> Iterator[T]:
    """As many as there may be, of no account too many."""
    counted: Counter[str] = Counter()
    given = 0
    for each in known:
        account_id = account_of(each)
        counted[account_id] += 1
        if counted[account_id] <= MOST_OF_ACCOUNT and given < MOST:
            given += 1
            yield each


class Gathered(Generic[T]):
    """What ``read`` makes of each live document of a type. A subscriber to events.

    ``every`` finds the documents of all accounts, and whose each is.
    """

    def __init__(
        self,
        store: Store,
        doc_type: str,
        every: Callable[[Store], AsyncIterator[tuple[str, Document]]],
        read: Callable[[str, Document], Sequence[T]],
        changed: Callable[[], None],
    ) -> None:
        """``changed`` is called when something may have."""
        self._store = store
        self._doc_type = doc_type
        self._every = every
        self._make = read
        self._changed = changed
        self._known: dict[Place, Sequence[T]] = {}
        self._is_known = False
        self._stale: set[Place] = set()
        self._turn = asyncio.Lock()

    def __iter__(self) -> Iterator[T]:
        """All that is known."""
        return (each for found in self._known.values() for each in found)

    async def read(self, owner: str, doc_id: str) -> Sequence[T]:
        """What one document says now."""
        document = await self._store.get(Key(owner, self._doc_type, doc_id))
        return self._make(owner, document) if document else ()

    def notice(self, event: Event) -> None:
        """Note what an event has made stale; of much at once, that everything is."""
        if event.key.doc_type == self._doc_type:
            self._stale.add((event.key.account_id, event.key.doc_id))
            if len(self._stale) > MOST:
                self.forget()
            else:
                self._changed()

    def forget(self) -> None:
        """Forget everything."""
        self._is_known = False
        self._stale.clear()
        self._changed()

    async def look(self) -> bool:
        """Know what there is now; whether anything was new.

        What cannot be read now is as stale afterwards as before.
        """
        async with self._turn:
            if self._is_known and not self._stale:
                return False
            stale, self._stale = self._stale, set()
            was_known, self._is_known = self._is_known, True
            try:
                known = dict(self._known) if was_known else await self._all()
                for place in stale:
                    if found := await self.read(*place):
                        known[place] = found
                    else:
                        known.pop(place, None)
            except BaseException:
                self._stale |= stale
                self._is_known &= was_known  # it may have been forgotten meanwhile
                raise
            self._known = known
            return True

    async def _all(self) -> dict[Place, Sequence[T]]:
        return {
            (owner, document["_id"]): self._make(owner, document)
            async for owner, document in self._every(self._store)
        }
