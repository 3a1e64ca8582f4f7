"""The accounts of the system, as every request needs them: who is above whom, enabled or not.

Account documents are read often and change rarely, so the directory keeps what it has read until
an event says that the account changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from crossbar.documents import Document
from crossbar.remembering import keep
from crossbar.storage import SYSTEM, Entry, Event, Key, Span, Store

ACCOUNT_TYPE = "account"
GONE_TYPE = "gone_account"
RESTRICTIONS_TYPE = "token_restrictions"
OWNER = "account"
"""The entry by which documents of the system are found that belong to an account."""

SYSTEM_SIGNATURE = "pvt_system_signature"
"""The field of the master account that every token of the system depends on."""

MAX_CACHED = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The facts of a live account that access decisions and answers rest on.

    ``tree`` are the ids of the ancestors, root first. ``expires`` is in Gregorian seconds, for
    trials only. ``document`` is shared: nobody changes it.
    """

    account_id: str
    name: str
    realm: str
    tree: tuple[str, ...]
    is_enabled: bool
    is_superduper_admin: bool
    is_reseller: bool
    reseller_id: str
    expires: int | None
    document: Document

    def has_expired(self, now: int) -> bool:
        """Whether the account was a trial that is over at ``now``, in Gregorian seconds."""
        return self.expires is not None and self.expires <= now

    def is_in_good_standing(self, now: int) -> bool:
        """Whether its users and keys are accepted at ``now``, in Gregorian seconds."""
        return self.is_enabled and not self.has_expired(now)

    def is_below(self, account_id: str) -> bool:
        """Whether ``account_id`` is an ancestor of this account."""
        return account_id in self.tree

    @property
    def counted_at(self) -> tuple[str, ...]:
        """The accounts whose ceilings its calls count against: itself, up to its nearest reseller.

        So an account gains nothing by accounts below it. The operator's own account is left out,
        but for its own calls: it sells to everybody.
        """
        at = self.tree.index(self.reseller_id) if self.reseller_id in self.tree else 0
        return (self.account_id, *reversed(self.tree[max(at, 1) :]))

    def is_sold_by(self, account_id: str) -> bool:
        """Whether ``account_id`` is this account's reseller, or above it."""
        above = (*self.tree, self.account_id)
        until = above.index(self.reseller_id) + 1 if self.reseller_id in above else 0
        return account_id in above[:until]


def account_key(account_id: str) -> Key:
    """Where an account's document is kept."""
    return Key(SYSTEM, ACCOUNT_TYPE, account_id)


def gone_key(account_id: str) -> Key:
    """Where a mark is kept as long as something is left of an account that was deleted."""
    return Key(SYSTEM, GONE_TYPE, f"{GONE_TYPE}_{account_id}")


def account_of(document: Document) -> Account:
    """The facts of a stored account document."""
    tree = tuple(document.get("pvt_tree", ()))
    return Account(
        account_id=document["_id"],
        name=document.get("name", ""),
        realm=document.get("realm", ""),
        tree=tree,
        is_enabled=document.get("pvt_enabled", True),
        is_superduper_admin=document.get("pvt_superduper_admin", False),
        is_reseller=document.get("pvt_reseller", False),
        reseller_id=document.get("pvt_reseller_id", tree[0] if tree else document["_id"]),
        expires=document.get("pvt_trial_expires"),
        document=document,
    )


class AccountDirectory:
    """Live accounts by id, cached until an event touches them.

    What was read while an event came in is not kept: it may be what the event made stale.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._noticed = 0
        self._cached: dict[str, Account] = {}
        self._restrictions: dict[str, Document] = {}

    async def get(self, account_id: str, *, anew: bool = False) -> Account | None:
        """The account, or ``None`` when it is unknown or deleted.

        ``anew`` asks the store whatever is remembered, for what must not rest on a stale fact.
        """
        account = None if anew else self._cached.get(account_id)
        if account is None:
            noticed = self._noticed
            document = await self._store.get(account_key(account_id))
            if document is None:
                return None
            account = account_of(document)
            if noticed == self._noticed:
                keep(self._cached, account_id, account, MAX_CACHED)
        return account

    async def find(self, index: str, value: str) -> list[Account]:
        """Live accounts that have a value in an index of theirs, such as ``name`` or ``realm``."""
        span = Span(account_id=SYSTEM, doc_type=ACCOUNT_TYPE, entry=Entry(index, value))
        return [account_of(row.document) async for row in self._store.scan(span)]

    async def master(self) -> Account | None:
        """The account at the root of the tree; ``None`` on an empty store."""
        masters = await self.find("master", "true")
        return masters[0] if masters else None

    async def restrictions(self, account_id: str) -> Document:
        """An account's token restrictions by authentication method; empty when it has none."""
        found = self._restrictions.get(account_id)
        if found is None:
            noticed = self._noticed
            key = Key(account_id, RESTRICTIONS_TYPE, RESTRICTIONS_TYPE)
            found = (await self._store.get(key) or {}).get("restrictions") or {}
            if noticed == self._noticed:
                keep(self._restrictions, account_id, found, MAX_CACHED)
        return found

    def notice(self, event: Event) -> None:
        """Forget what an event has made stale."""
        if event.key.doc_type == ACCOUNT_TYPE:
            self._noticed += 1
            self._cached.pop(event.key.doc_id, None)
            self._restrictions.pop(event.key.doc_id, None)
        elif event.key.doc_type == RESTRICTIONS_TYPE:
            self._noticed += 1
            self._restrictions.pop(event.key.account_id, None)

    def forget(self) -> None:
        """Forget everything: the event log could not be read, so nothing is known to be fresh."""
        self._noticed += 1
        self._cached.clear()
        self._restrictions.clear()


def is_at_or_below(account: Account, ancestor_id: Any) -> bool:
    """Whether the account is ``ancestor_id`` or one of its descendants."""
    return account.account_id == ancestor_id or account.is_below(ancestor_id)
