"""A call that is parked by somebody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from crossbar.core.requests import Actor
from crossbar.switch.executor import Book
from crossbar.switch.executor.slots import Slot, hold_slot, release_slot
from tests.conftest import Api


async def book_of(api: Api) -> Book:
    """The documents of the master account, as calls see them."""
    account = await api.gateway.services.accounts.get(api.master.account_id)
    assert account is not None
    actor = Actor(
        services=api.gateway.services,
        account_id=account.account_id,
        account=account,
        request_id="parked",
    )
    return Book(actor)


@asynccontextmanager
async def occupied(api: Api, number: str, call_id: str) -> AsyncIterator[None]:
    """A slot that a call has."""
    book = await book_of(api)
    assert await hold_slot(book, number, Slot(call_id=call_id))
    yield
    await release_slot(book, number, "")
