"""What is remembered of accounts and callers, and that nothing stale is, here or elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from crossbar.core import directory as module
from crossbar.core.directory import AccountDirectory, account_key, account_of, is_at_or_below
from crossbar.core.requests import Caller
from crossbar.documents import Document
from crossbar.identity import callers as callers_module
from crossbar.identity.callers import Callers
from crossbar.storage import SYSTEM, Batch, Event, Key, Put
from crossbar.storage.sqlite import SQLiteStore
from tests.conftest import Api
from tests.families.support import ANN
from tests.support import quick_settings, running

OWN, OTHER = "b" * 32, "d" * 32


class Counting(SQLiteStore):
    """A store that counts its reads, and lets something happen during the next one."""

    def __init__(self) -> None:
        super().__init__(":memory:")
        self.reads = 0
        self.meanwhile: Callable[[], None] | None = None

    async def get(self, key: Key) -> Document | None:
        self.reads += 1
        found = await super().get(key)
        if self.meanwhile is not None:
            self.meanwhile()
            self.meanwhile = None
        return found


@pytest.fixture
async def store() -> AsyncIterator[Counting]:
    store = Counting()
    await store.open()
    for account_id in (OWN, OTHER):
        document = {"_id": account_id, "_rev": "1-x", "name": "Old"}
        await store.commit(Batch(puts=[Put(account_key(account_id), document, None)]))
    yield store
    await store.close()


@pytest.fixture
def accounts(store: Counting) -> AccountDirectory:
    return AccountDirectory(store)


def changed(doc_type: str, doc_id: str = OWN, account_id: str = SYSTEM) -> Event:
    return Event("changed", Key(account_id, doc_type, doc_id), "2-x", 0, {})


async def test_an_account_is_read_once_until_it_changes(
    accounts: AccountDirectory, store: Counting
) -> None:
    for _ in range(3):
        await accounts.get(OWN)
    assert store.reads == 1
    accounts.notice(changed("account", OTHER))
    accounts.notice(changed("user"))
    await accounts.get(OWN)
    assert store.reads == 1
    accounts.notice(changed("account"))
    await accounts.get(OWN)
    assert store.reads == 2
    accounts.forget()
    await accounts.get(OWN)
    assert store.reads == 3
    await accounts.get(OWN, anew=True)
    assert store.reads == 4


async def test_restrictions_are_read_once_until_they_change(
    accounts: AccountDirectory, store: Counting
) -> None:
    async def reads_after(event: Event | None) -> int:
        if event is not None:
            accounts.notice(event)
        before = store.reads
        await accounts.restrictions(OWN)
        return store.reads - before

    restrictions = "token_restrictions"
    assert await reads_after(None) == 1
    assert await reads_after(None) == 0
    assert await reads_after(changed(restrictions, restrictions, OTHER)) == 0
    assert await reads_after(changed(restrictions, restrictions, OWN)) == 1
    assert await reads_after(changed("account")) == 1
    accounts.forget()
    assert await reads_after(None) == 1


async def test_what_is_unknown_is_not_remembered(accounts: AccountDirectory) -> None:
    assert await accounts.get("0" * 32) is None
    assert await accounts.master() is None


@pytest.mark.parametrize("event", [changed("account"), None])
async def test_what_was_read_while_an_event_came_in_is_not_kept(
    accounts: AccountDirectory, store: Counting, event: Event | None
) -> None:
    def meanwhile() -> None:
        accounts.notice(event) if event else accounts.forget()

    store.meanwhile = meanwhile
    assert await accounts.get(OWN) is not None
    await accounts.get(OWN)
    assert store.reads == 2
    store.meanwhile = meanwhile
    await accounts.restrictions(OWN)
    await accounts.restrictions(OWN)
    assert store.reads == 4


async def test_a_full_directory_starts_afresh(
    accounts: AccountDirectory, store: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_CACHED", 1)
    for _ in range(2):
        await accounts.get(OWN)
        await accounts.get(OTHER)
    assert store.reads == 4


def test_facts_of_an_account_have_sensible_fallbacks() -> None:
    root = account_of({"_id": "r"})
    assert root.is_enabled
    assert root.reseller_id == "r"
    assert not root.has_expired(10**12)
    child = account_of({"_id": "c", "pvt_tree": ["r", "p"], "pvt_trial_expires": 100})
    assert child.reseller_id == "r"
    assert child.is_in_good_standing(99)
    assert not child.is_in_good_standing(100)
    assert not account_of({"_id": "c", "pvt_enabled": False}).is_in_good_standing(0)
    assert is_at_or_below(child, "c")
    assert is_at_or_below(child, "r")
    assert not is_at_or_below(child, "x")


# Callers

WHO = Caller(account_id=OWN, user_id="u", method="m", priv_level="user")


def remember(callers: Callers, credential: str = "token", until: float = 100) -> None:
    callers.remember(credential, WHO, until, (OWN, "u", None), noticed=callers.noticed)


def test_a_caller_is_remembered_until_its_time_is_over() -> None:
    callers = Callers()
    assert callers.recall("token", 0) is None
    remember(callers)
    assert callers.recall("token", 99) is WHO
    assert callers.recall("token", 100) is None
    assert callers.recall("token", 0) is None


@pytest.mark.parametrize("event", [changed("account"), changed("user", "u", OWN)])
def test_a_caller_is_forgotten_with_account_and_user(event: Event) -> None:
    callers = Callers()
    remember(callers, "one")
    remember(callers, "two")
    callers.notice(changed("device", "u"))
    callers.notice(changed("user", "v"))
    assert callers.recall("one", 0) is WHO
    callers.notice(event)
    assert callers.recall("one", 0) is None
    assert callers.recall("two", 0) is None


def test_who_was_verified_while_an_event_came_in_is_not_remembered() -> None:
    callers = Callers()
    noticed = callers.noticed
    callers.notice(changed("user", "v"))
    callers.remember("token", WHO, 100, (OWN,), noticed=noticed)
    assert callers.recall("token", 0) is None


def test_too_many_callers_are_forgotten_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callers_module, "MAX_REMEMBERED", 2)
    callers = Callers()
    for credential in ("one", "two", "three"):
        remember(callers, credential)
    assert callers.recall("one", 0) is None
    assert callers.recall("three", 0) is WHO


# Two processes


@pytest.fixture
async def two(storage_url: str) -> AsyncIterator[tuple[Api, Api]]:
    """Two gateways on one store, as two processes would have it."""
    settings = quick_settings(storage_url)
    async with running(settings) as here, running(settings, here.master) as there:
        yield here, there


async def within_a_second(status: Callable[[], Awaitable[int]], expected: int) -> None:
    """Wait until an answer has the status; fail after a second."""
    deadline = asyncio.get_running_loop().time() + 1
    while await status() != expected:
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.02)


async def test_what_one_process_changes_the_other_sees_within_a_second(
    two: tuple[Api, Api],
) -> None:
    here, there = two
    tenant = await here.create_account("Tenant")
    path = f"/v2/accounts/{tenant}"
    ann = (await here.put(f"{path}/users", ANN)).expect(201).data["id"]
    tokens = [await here.login("ann", "s3cret", "Tenant") for _ in range(3)]

    def status(token: str, at: str = "users") -> Callable[[], Awaitable[int]]:
        async def ask() -> int:
            return (await there.get(f"{path}/{at}", token=token)).status

        return ask

    for token in tokens:
        assert await status(token)() == 200
    (await here.delete("/v2/token_auth", token=tokens[0])).expect(200)
    await within_a_second(status(tokens[0]), 401)
    rules = {"restrictions": {"_": {"_": {"devices": [{"rules": {"#": ["_"]}}]}}}}
    (await here.post(f"{path}/token_restrictions", rules)).expect(200)
    await within_a_second(status(tokens[1]), 403)
    assert await status(tokens[1], "devices")() == 200
    (await here.patch(f"{path}/users/{ann}", {"password": "n3wpass"})).expect(200)
    await within_a_second(status(tokens[1], "devices"), 401)
    fresh = await there.login("ann", "n3wpass", "Tenant")
    assert await status(fresh, "devices")() == 200
    (await here.patch(path, {"enabled": False})).expect(200)
    await within_a_second(status(fresh, "devices"), 401)
    (await here.delete(path)).expect(200)
    await within_a_second(status(there.token), 404)
