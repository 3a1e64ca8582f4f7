"""Where carriers' documents and settings are: in accounts, or in the system."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import wraps
from typing import Any

from crossbar.core.directory import Account
from crossbar.core.requests import Request, Result
from crossbar.core.services import Services
from crossbar.core.shapes import Handler
from crossbar.documents import lookup
from crossbar.errors import NoSuchDocument
from crossbar.storage import SYSTEM, Key


def in_account(request: Request, account: Account) -> Request:
    """The same request, about documents of another account than the path names."""
    actor = replace(request.actor, account=account, account_id=account.account_id)
    return replace(request, actor=actor)


def moved(choose: Callable[[Request], Awaitable[Account]]) -> Callable[[Handler], Handler]:
    """Makes handlers work on the documents of the account that is chosen."""

    def wrap(handler: Handler) -> Handler:
        @wraps(handler)
        async def handle(request: Request) -> Result:
            return await handler(in_account(request, await choose(request)))

        return handle

    return wrap


async def master_of(request: Request) -> Account:
    """The master account, which stands for the system where no account is named."""
    account = await request.services.accounts.master()
    if account is None:
        raise NoSuchDocument("the master account")
    return account


async def configured(services: Services, name: str) -> dict[str, Any]:
    """What operators have set in a part of the system's configuration; empty for nothing."""
    stored = await services.store.get(Key(SYSTEM, "system_config", name)) or {}
    found = {} if stored.get("pvt_deleted") else lookup(stored, ("default",))
    return found if isinstance(found, dict) else {}
