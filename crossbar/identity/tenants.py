"""Account numbers: the small positive integers by which clients of v1 name their tenant.

An account gets its number when it is first needed and keeps it. Numbers are given out in order by
a counter of the whole system; no two accounts share one, whichever processes ask at once.
"""

from __future__ import annotations

from crossbar.clock import Clock
from crossbar.core.change import put_of
from crossbar.core.directory import ACCOUNT_TYPE, Account, AccountDirectory, account_key
from crossbar.core.registry import Registry
from crossbar.core.sequences import next_number
from crossbar.core.writing import Writer, persistently
from crossbar.documents import next_revision
from crossbar.errors import NoSuchDocument
from crossbar.storage import SYSTEM, Batch, Event, Key, Store

INDEX = "perscom_id"
FIELD = "pvt_perscom_id"
COUNTER = Key(SYSTEM, "counter", "perscom_id")


class Tenants:
    """Numbers of accounts, and accounts by number."""

    def __init__(
        self,
        store: Store,
        writer: Writer,
        accounts: AccountDirectory,
        registry: Registry,
        clock: Clock,
    ) -> None:
        self._store = store
        self._writer = writer
        self._accounts = accounts
        self._family = registry.collection(ACCOUNT_TYPE)
        self._clock = clock

    async def find(self, number: int) -> Account | None:
        """The account that has the number."""
        found = await self._accounts.find(INDEX, str(number))
        return found[0] if found else None

    async def number_of(self, account_id: str) -> int:
        """The account's number, given out now if it has none.

        Raises :class:`NoSuchDocument`, and :class:`Conflict` when others write all the time.
        """
        key = account_key(account_id)

        async def attempt() -> int:
            stored = await self._store.get(key)
            if stored is None:
                raise NoSuchDocument(account_id)
            if FIELD in stored:
                return int(stored[FIELD])
            number, taken = await next_number(self._store, COUNTER)
            account = {**stored, "_rev": next_revision(stored["_rev"]), FIELD: number}
            put = put_of(self._family, key, account, stored["_rev"])
            event = Event("changed", key, account["_rev"], self._clock.gregorian(), {})
            await self._writer.commit(Batch(puts=(put, taken), events=(event,)))
            return number

        return await persistently(attempt)
