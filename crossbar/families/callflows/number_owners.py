"""Whose telephone number is it? An index over the callflows of all accounts.

Documents are found within an account only. So that a login can name its account by a telephone
number (docs/protocol.md §5.2), every callflow that carries full numbers has a second document
beside it, among those of the system, which is found by each of them. It is written in the commit
of its callflow, so the two never disagree.

A number in a callflow is what an account says of itself, and nobody has judged it: two accounts
may name the same one. Then it is nobody's, so that naming the number of another account never
brings that account's users to one's own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

from crossbar.core.change import Change
from crossbar.core.directory import OWNER, Account
from crossbar.core.requests import Actor
from crossbar.documents import Document, next_revision
from crossbar.families.accounts import OWNER_TYPE
from crossbar.numbers import to_e164
from crossbar.storage import SYSTEM, Entry, Key, Put, Remove, Row, Span, Store


async def index_numbers(change: Change) -> None:
    """Logins find the account by the full numbers that are there from now on."""
    key = _key_of(change)
    numbers = _full_numbers(change.document)
    before = _full_numbers(change.current) if change.current else []
    if before:
        change.removes.append(Remove(key))
    if numbers:
        account_id = change.key.account_id
        document = {
            "_id": key.doc_id,
            "_rev": next_revision(None),
            "pvt_type": OWNER_TYPE,
            "pvt_account_id": account_id,
        }
        entries = [Entry(OWNER, account_id), *(Entry("number", each) for each in numbers)]
        change.more.append(Put(key, document, None, entries=entries))


async def forget_numbers(change: Change) -> None:
    """Logins find nobody by its numbers any more."""
    change.removes.append(Remove(_key_of(change)))


async def account_with_number(actor: Actor, number: str) -> Account | None:
    """The only live account that has a callflow for the number; ``None`` for none and several."""
    full = to_e164(number)
    if full is None:
        return None
    owner: Account | None = None
    async for row in _rows(actor.services.store, Entry("number", full)):
        account = await actor.services.accounts.get(row.document["pvt_account_id"])
        if account is None:
            continue
        if owner is not None and owner.account_id != account.account_id:
            return None
        owner = account
    return owner


def _rows(store: Store, entry: Entry) -> AsyncIterator[Row]:
    return store.scan(Span(account_id=SYSTEM, doc_type=OWNER_TYPE, entry=entry))


def _key_of(change: Change) -> Key:
    # Clients may choose the ids of callflows: two accounts can have the same.
    return Key(SYSTEM, OWNER_TYPE, f"{change.key.account_id}-{change.key.doc_id}")


def _full_numbers(document: Document) -> list[str]:
    numbers: Iterable[str] = document.get("numbers") or ()
    return sorted({full for number in numbers if (full := to_e164(number))})
