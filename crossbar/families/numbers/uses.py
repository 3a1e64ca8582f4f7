"""Which documents of accounts carry telephone numbers: callflows, trunks, mobile devices.

Documents are found within an account only. So every document that carries full numbers has a
second one beside it, among those of the system, which is found by each of them. It is written in
the commit of its document, so the two never disagree. A login that names its account by a
telephone number (docs/protocol.md §5.2) is led there by it.

That commit also writes the documents of the numbers that come and go. So does whoever takes a
number, who has looked before for documents of others that carry it. Of the two one is too late,
and reads again: a document never names a number that is another account's, and no account takes
a number that another's documents carry.

A number that nobody has registered may be carried by anybody, even by two accounts. Then it is
nobody's, so that naming the number of another account never brings that account's users to one's
own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from crossbar.core.change import Change, Note, event_of
from crossbar.core.directory import OWNER, Account
from crossbar.core.requests import Actor
from crossbar.documents import Document, next_revision
from crossbar.errors import NumberExists, NumberForbidden
from crossbar.families.accounts import OWNER_TYPE
from crossbar.families.numbers.documents import (
    ASSIGNED_TO,
    MDN,
    MODULE,
    NUMBERS,
    STATE,
    TOUCHED_BY,
    USED_BY,
    USED_BY_ID,
    State,
    is_registered,
    lost,
    normalize,
    number_key,
)
from crossbar.storage import SYSTEM, Entry, Key, Put, Remove, Span, Store

CALLFLOW, TRUNK, MOBILE = "callflow", "trunkstore", "mobile"
"""What numbers are used by."""

AT_A_TIME = 100
"""Numbers that are written before anybody else is answered."""


GONE: Note[frozenset[str]] = Note(frozenset())
"""The numbers that earlier changes of a work remove."""


class Use(NamedTuple):
    """A document that carries a number."""

    account_id: str
    kind: str
    doc_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrying:
    """What a family has to do whose documents carry numbers: three of its stages.

    ``kind`` is what its numbers are said to be used by, ``numbers_of`` are those of a document, in
    whatever spelling; what is no full number does not count. With ``registers``, a number that
    nobody has registered becomes the account's with the document, and goes with it.
    """

    kind: str
    numbers_of: Callable[[Document], Iterable[str]]
    registers: bool = False

    async def index_numbers(self, change: Change) -> None:
        """Its numbers are found by from now on, and are nobody else's."""
        await self._follow(change, self.full_numbers(change.document))

    async def forget_numbers(self, change: Change) -> None:
        """Nothing is found by its numbers any more."""
        await self._follow(change, frozenset())

    async def make_known(self, change: Change) -> None:
        """Have a document of an earlier version be found by its numbers, as one of today's is.

        What it cannot have because another account has it is added to the refusals.
        """
        numbers, store = self.full_numbers(change.document), change.actor.services.store
        use = Use(change.key.account_id, self.kind, change.key.doc_id)
        found = await known(store, numbers)
        await asyncio.sleep(0)  # as in _follow
        is_known = True
        for number in sorted(numbers):
            is_known = is_known and use in await uses_of(store, number)
            document = found.get(number)
            owner = (document or {}).get(ASSIGNED_TO, use.account_id)
            if owner != use.account_id:
                message = f"another account has {number}"
                change.refusals.add(number, "forbidden", message)
            elif self.registers and not is_registered(document):
                try:
                    await _register(change, number, document, use)
                except NumberExists:
                    message = f"documents of other accounts carry {number}"
                    change.refusals.add(number, "forbidden", message)
            elif document is None or (is_registered(document) and USED_BY not in document):
                _gain(change, number, document, use)
        if not is_known:
            self._index(change, numbers, is_indexed=True)

    def full_numbers(self, document: Document) -> frozenset[str]:
        """The numbers of a document in E.164."""
        found = (normalize(number) for number in self.numbers_of(document))
        return frozenset(number for number in found if number)

    async def _follow(self, change: Change, numbers: frozenset[str]) -> None:
        before = self.full_numbers(change.current) if change.current else frozenset()
        self._index(change, numbers, is_indexed=bool(before))
        gained, dropped = numbers - before, before - numbers
        found = await known(change.actor.services.store, gained | dropped)
        account_id = change.key.account_id
        foreign = [n for n in sorted(gained) if _is_of_others(found.get(n), account_id)]
        if foreign:
            told = ", ".join(foreign)
            raise NumberForbidden(f"unauthorized to use {told}", cause=told)
        use = Use(account_id, self.kind, change.key.doc_id)
        await asyncio.sleep(0)  # what a store remembers from this turn of the loop may be older
        for place, number in enumerate(sorted(gained)):
            if place % AT_A_TIME == 0:
                await asyncio.sleep(0)  # a trunk may have thousands
            if self.registers and not is_registered(found.get(number)):
                await _register(change, number, found.get(number), use)
            else:
                _gain(change, number, found.get(number), use)
        for place, number in enumerate(sorted(dropped)):
            if place % AT_A_TIME == 0:
                await asyncio.sleep(0)
            await _drop(change, number, found.get(number), use)

    def _index(self, change: Change, numbers: frozenset[str], *, is_indexed: bool) -> None:
        """Write, or remove, the document by which this one is found."""
        account_id, doc_id = change.key.account_id, change.key.doc_id
        # Clients may choose the ids of documents: two accounts can have the same.
        key = Key(SYSTEM, OWNER_TYPE, f"{account_id}-{doc_id}")
        if is_indexed or not numbers:
            change.removes.append(Remove(key))
        if numbers:
            document = {
                "_id": key.doc_id,
                "_rev": next_revision(None),
                "pvt_type": OWNER_TYPE,
                "pvt_account_id": account_id,
                "pvt_kind": self.kind,
                "pvt_doc_id": doc_id,
            }
            found_by = [Entry("number", number) for number in sorted(numbers)]
            entries = [Entry(OWNER, account_id), *found_by]
            change.more.append(Put(key, document, None, entries=entries))


def _is_of_others(document: Document | None, account_id: str) -> bool:
    """Whether somebody has made it a number, and it is not this account's."""
    return document is not None and STATE in document and document.get(ASSIGNED_TO) != account_id


def _gain(change: Change, number: str, document: Document | None, use: Use) -> None:
    if document is not None and is_registered(document):
        after = {**document, USED_BY: use.kind, USED_BY_ID: use.doc_id}
    else:
        after = {**(document or {}), TOUCHED_BY: use.account_id}
    change.also_put(NUMBERS, number_key(number), after)


async def _register(change: Change, number: str, document: Document | None, use: Use) -> None:
    """Make the number the account's. Raises :class:`NumberExists` while others carry it."""
    uses = await uses_of(change.actor.services.store, number)
    if any(each.account_id != use.account_id for each in uses):
        raise NumberExists(f"number {number} already exists", cause=number)
    facts = {
        STATE: State.IN_SERVICE.value,
        ASSIGNED_TO: use.account_id,
        MODULE: MDN,
        USED_BY: use.kind,
        USED_BY_ID: use.doc_id,
    }
    before = {name: value for name, value in (document or {}).items() if name != TOUCHED_BY}
    change.also_put(NUMBERS, number_key(number), {**before, **facts})


async def _drop(change: Change, number: str, document: Document | None, use: Use) -> None:
    if document is None:
        return  # nobody has met there since an earlier version
    if change.work is not None and number in GONE.found(change.work):
        return  # the mobile device that had it goes in the same commit
    owner, key = document.get(ASSIGNED_TO), number_key(number)
    if owner not in (None, use.account_id):
        return  # it was moved away from what carried it
    others = [each for each in await uses_of(change.actor.services.store, number) if each != use]
    if use.kind == MOBILE and document.get(MODULE) == MDN:
        change.removes.append(Remove(key, document["_rev"]))
        change.events.append(event_of(change.actor, "deleted", change.removes[-1], document))
        change.events.append(lost(change.actor, document))
        if change.work is not None:
            GONE.leave(change.work, GONE.found(change.work) | {number})
    elif is_registered(document):
        mine = [each for each in others if owner in (None, each.account_id)]
        change.also_put(NUMBERS, key, used_by(document, mine))
    elif others:
        change.also_put(NUMBERS, key, {**document, TOUCHED_BY: use.account_id})
    else:
        change.removes.append(Remove(key, document["_rev"]))


def used_by(document: Document, uses: Sequence[Use]) -> Document:
    """The number with what it is used by: the first of the uses, or nothing."""
    after = {name: each for name, each in document.items() if name not in (USED_BY, USED_BY_ID)}
    return {**after, USED_BY: uses[0].kind, USED_BY_ID: uses[0].doc_id} if uses else after


async def known(store: Store, numbers: Iterable[str]) -> dict[str, Document]:
    """The documents of these numbers, by number."""
    return await store.get_many(SYSTEM, numbers) if numbers else {}


async def uses_of(store: Store, number: str) -> list[Use]:
    """The documents that carry a number, of all accounts."""
    span = Span(account_id=SYSTEM, doc_type=OWNER_TYPE, entry=Entry("number", number))
    return [_use(row.position.doc_id, row.document) async for row in store.scan(span)]


def _use(doc_id: str, document: Document) -> Use:
    account_id = document["pvt_account_id"]
    # Earlier versions wrote neither, and for callflows alone.
    own_id = document.get("pvt_doc_id") or doc_id.removeprefix(f"{account_id}-")
    return Use(account_id, document.get("pvt_kind", CALLFLOW), own_id)


async def account_with_number(actor: Actor, number: str) -> Account | None:
    """The live account whose number it is: which has it, else the only one that carries it."""
    full = normalize(number)
    if full is None:
        return None
    services = actor.services
    document = await services.store.get(number_key(full)) or {}
    if document.get(STATE) == State.IN_SERVICE:
        return await services.accounts.get(document.get(ASSIGNED_TO, ""))
    owner: Account | None = None
    for use in await uses_of(services.store, full):
        account = await services.accounts.get(use.account_id)
        if account is None:
            continue
        if owner is not None and owner.account_id != account.account_id:
            return None
        owner = account
    return owner
