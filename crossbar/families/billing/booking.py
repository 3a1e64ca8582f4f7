"""The books of an account: a journal of what it was charged and credited, and the balance.

An entry is never changed. Its id is a hash of what it is about, so that the same thing is booked
once however often it is sent. Every entry is written in one commit with the account's balance,
which is compared with what was read: so entries of an account are booked one after the other, in
whatever processes, each knows the balance that it leaves, and all of them added up are the
balance.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import orjson

from crossbar.core.directory import Account
from crossbar.core.journals import bucket_at, record_put
from crossbar.core.requests import Actor
from crossbar.core.shapes import Journal, field_index
from crossbar.core.stamping import stamped
from crossbar.core.writing import in_turn
from crossbar.documents import Document
from crossbar.errors import Conflict, ValidationFailed
from crossbar.families.billing.credit import warnings
from crossbar.families.billing.money import LARGEST, dollars
from crossbar.families.billing.months import month_before
from crossbar.storage import Batch, Key, Put, Remove, Store

LEDGER_TYPE = "ledger"
BALANCE_TYPE = "balance"

UNITS = "pvt_units"
"""The amount of an entry, and the balance: whole units, negative for what was charged."""

AFTER = "pvt_balance"
"""The balance that an entry leaves."""

ENTRIES = "pvt_entries"
"""How many entries the balance is the sum of; of an entry, how many there were with it."""

SERVICES_LEDGER = "services"
"""The ledger of what plans cost."""

ENTRIES_OF = Journal(
    noun="ledgers",
    doc_type=LEDGER_TYPE,
    time="pvt_created",
    indexes=(field_index("source.service"),),
    actions=frozenset(),
    scopes=(),
)
"""The entries; routes of the same noun read and write them."""

T = TypeVar("T")


class Repeated(Exception):
    """The books have the entry already."""


def balance_key(account_id: str) -> Key:
    """Where the balance of an account is kept."""
    return Key(account_id, BALANCE_TYPE, BALANCE_TYPE)


async def balance_of(store: Store, account_id: str) -> int:
    """The balance of an account, in units."""
    stored = await store.get(balance_key(account_id))
    return int(stored[UNITS]) if stored else 0


def entry_of(whose: Account, now: int, sent: Document, units: int) -> Document:
    """A new entry about an account: what was sent, and the amount with its sign."""
    return {
        **sent,
        "period": {"start": now, **(sent.get("period") or {})},
        "metadata": sent.get("metadata") or {},
        "account": {"id": whose.account_id, "name": whose.name},
        UNITS: units,
    }


def hash_of(entry: Document) -> str:
    """What tells an entry from all others, whatever its amount: source, account, usage, period."""
    about = {
        "account": entry["account"]["id"],
        "period": entry["period"],
        "source": entry["source"],
        "type": "credit" if entry[UNITS] > 0 else "debit",
        "usage": entry["usage"],
    }
    raw = orjson.dumps(about, option=orjson.OPT_SORT_KEYS)
    return hashlib.md5(raw, usedforsecurity=False).hexdigest()


class Booking:
    """Entries of one account for one commit, and the balance that they leave.

    :meth:`puts` are the writes of the balance and ``records`` those of the journal; both go into
    the commit that is the reason for the entries, or into one of their own. What is to be written
    along can be put into ``also``.
    """

    def __init__(self, actor: Actor, account: Account, stored: Document | None) -> None:
        self._actor = actor
        self._account = account
        self._stored = stored
        self.balance = int(stored[UNITS]) if stored else 0
        self.count = int(stored[ENTRIES]) if stored else 0
        self.records: list[Put] = []
        self.also: list[Put] = []

    @classmethod
    async def begun(cls, actor: Actor, account: Account) -> Booking:
        """Books with nothing new in them, as they stand now."""
        return cls(actor, account, await actor.services.store.get(balance_key(account.account_id)))

    async def add(self, sent: Document, units: int, *, whose: Account | None = None) -> Document:
        """Add an entry; as it will be stored. Raises :class:`Repeated` for one there is already.

        ``whose`` is the account that it is about, where those are the books of its reseller.
        Raises :class:`ValidationFailed` for an amount that nobody could pay.
        """
        services = self._actor.services
        now = services.clock.gregorian()
        entry = entry_of(whose or self._account, now, sent, units)
        name, account_id = hash_of(entry), self._account.account_id
        bucket = bucket_at(ENTRIES_OF, now)
        # Who repeats something just after midnight of the first of a month is told so, too.
        for each in (month_before(now), bucket):
            if await services.store.get_record(Key(account_id, LEDGER_TYPE, f"{each}-{name}")):
                raise Repeated
        if abs(self.balance + units) > LARGEST:
            message = "The balance would be larger than can be kept"
            raise ValidationFailed.of("amount", "maximum", message, target=dollars(LARGEST))
        self.balance += units
        self.count += 1
        key = Key(account_id, LEDGER_TYPE, f"{bucket}-{name}")
        entry = stamped(self._actor, key, {**entry, AFTER: self.balance, ENTRIES: self.count})
        self.records.append(record_put(ENTRIES_OF, key, entry))
        return entry

    async def puts(self) -> list[Put]:
        """The balance, whose write fails if others have written it since it was read.

        And, if little is left with it, what has its account told of that.
        """
        before = int(self._stored[UNITS]) if self._stored else 0
        told = await warnings(self._actor.services, self._account, before, self.balance)
        return [self._sums(), *told, *self.also]

    def _sums(self) -> Put:
        key, before = balance_key(self._account.account_id), self._stored or {}
        sums = {UNITS: self.balance, ENTRIES: self.count}
        document = stamped(self._actor, key, {**before, **sums})
        return Put(key, document, before.get("_rev"), sort=None)


async def book(
    actor: Actor,
    accounts: Sequence[Account],
    build: Callable[[list[Booking]], Awaitable[T]],
    records: Sequence[Put] = (),
    removes: Sequence[Remove] = (),
) -> T:
    """Book entries of some accounts in one commit; again from the start if others were quicker.

    ``build`` is given the books of each account, and adds to them; ``records`` of other journals
    are written, and ``removes`` done, in the same commit. The writers of one process take turns
    by the last account, which many may share. Raises :class:`Conflict` for an entry
    that there is already.
    """

    async def attempt() -> T:
        books = [await Booking.begun(actor, account) for account in accounts]
        outcome = await build(books)
        await actor.services.commit(
            Batch(
                puts=[put for each in books for put in await each.puts()],
                removes=removes,
                records=[*records, *(put for each in books for put in each.records)],
            )
        )
        return outcome

    try:
        return await in_turn(actor, balance_key(accounts[-1].account_id), attempt)
    except Repeated:
        raise Conflict from None
