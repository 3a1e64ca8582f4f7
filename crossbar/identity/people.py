"""Whose credentials are accepted: accounts and users as they are now, and callers made of them."""

from __future__ import annotations

from typing import Any

from crossbar.clock import GREGORIAN_OFFSET, Clock
from crossbar.core.directory import SYSTEM_SIGNATURE, Account, AccountDirectory
from crossbar.core.requests import Caller
from crossbar.documents import Document
from crossbar.errors import AccountSuspended, InvalidCredentials
from crossbar.settings import Settings
from crossbar.storage import Key, Store


class People:
    """Accounts and users in good standing. Everybody else raises :class:`InvalidCredentials`."""

    def __init__(
        self, store: Store, accounts: AccountDirectory, clock: Clock, settings: Settings
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._clock = clock
        self._settings = settings

    async def account(self, account_id: str, *, anew: bool = False) -> Account:
        """An account whose users and keys are accepted: there, enabled, its trial not over."""
        account = await self._accounts.get(account_id, anew=anew)
        if account is None:
            raise InvalidCredentials
        if not account.is_in_good_standing(self._clock.gregorian()):
            raise AccountSuspended
        return account

    async def user(self, account_id: str, user_id: str) -> Document:
        """A user who is there and enabled."""
        user = await self._store.get(Key(account_id, "user", user_id))
        if user is None or user.get("pvt_deleted") or not user.get("enabled", True):
            raise InvalidCredentials
        return user

    async def system_signature(self, account: Account, *, anew: bool = False) -> str:
        """The secret of the whole system; the account at the root of the tree keeps it."""
        root_id = account.tree[0] if account.tree else account.account_id
        root = await self._accounts.get(root_id, anew=anew)
        return str(root.document.get(SYSTEM_SIGNATURE, "")) if root else ""

    def caller(self, account: Account, user: Document | None, method: str, **more: Any) -> Caller:
        """Who calls with a credential of the account or of one of its users."""
        level = self._settings.auth.default_priv_level
        if user is not None:
            level = user.get("priv_level") or "user"
        return Caller(
            account_id=account.account_id,
            user_id=user["_id"] if user else None,
            method=method,
            priv_level=level,
            is_superduper_admin=account.is_superduper_admin,
            is_admin_user=user is not None and level == "admin",
            has_all_powers=self._settings.auth.users_have_all_powers,
            **more,
        )


def remembered_until(account: Account, latest: float) -> float:
    """When to verify a credential again at the latest, in Unix seconds: also at a trial's end."""
    if account.expires is None:
        return latest
    return min(latest, account.expires - GREGORIAN_OFFSET)
