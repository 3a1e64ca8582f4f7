"""Documents of accounts that have to be found in all accounts together.

Documents are found within an account only. So each of these has a second one beside it, among
those of the system, which says where it is: it comes and goes in the commit of its document, and
goes with its account.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from crossbar.core.change import Change
from crossbar.core.directory import OWNER
from crossbar.documents import Document, next_revision
from crossbar.storage import SYSTEM, Entry, Key, Put, Remove, Span, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Placing:
    """What a family does whose documents are found so: three of its stages, and the search."""

    doc_type: str
    place_type: str
    """The type of the documents that say where they are."""

    suffix: str = ""
    """What their ids end with, where others have the ids without it."""

    def add(self, change: Change) -> None:
        """Have a document be found among those of all accounts, which was not."""
        change.more.append(self._put(change.key))

    def drop(self, change: Change) -> None:
        """Have it be found there no more."""
        change.removes.append(Remove(self._place(change.key)))

    async def note(self, change: Change) -> None:
        """Have a new document be found."""
        if change.current is None:
            self.add(change)

    async def forget(self, change: Change) -> None:
        """Nobody finds it there any more."""
        self.drop(change)

    async def make_known(self, change: Change) -> None:
        """Have what an earlier version has stored be found there."""
        if change.key.account_id == SYSTEM:
            return
        if await change.actor.services.store.get(self._place(change.key)) is None:
            self.add(change)

    async def all(self, store: Store) -> AsyncIterator[tuple[str, Document]]:
        """The live documents of all accounts, and whose each is."""
        async for row in store.scan(Span(account_id=SYSTEM, doc_type=self.place_type)):
            owner = row.document["pvt_account_id"]
            doc_id = row.position.doc_id.removeprefix(f"{owner}-").removesuffix(self.suffix)
            found = await store.get(Key(owner, self.doc_type, doc_id))
            if found is not None and not found.get("pvt_deleted"):
                yield owner, found

    def _place(self, key: Key) -> Key:
        return Key(SYSTEM, self.place_type, f"{key.account_id}-{key.doc_id}{self.suffix}")

    def _put(self, key: Key) -> Put:
        place = self._place(key)
        document: Document = {
            "_id": place.doc_id,
            "_rev": next_revision(None),
            "pvt_type": place.doc_type,
            "pvt_account_id": key.account_id,
        }
        return Put(place, document, None, entries=(Entry(OWNER, key.account_id),))
