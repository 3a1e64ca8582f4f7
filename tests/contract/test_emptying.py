"""Accounts that have much are gone at once, and emptied by a job, in small commits."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from crossbar.core.directory import OWNER, gone_key
from crossbar.core.jobs import FIRST_PAUSE
from crossbar.families.accounts import belongings, emptying
from crossbar.storage import SYSTEM, Batch, Claim, ClaimTaken, Entry, Key, Put, Remove, Unreachable
from tests.conftest import Api
from tests.contract.conftest import on_every_store
from tests.core.support import path_of

pytestmark = on_every_store

MANY = 3 * emptying.AT_ONCE


def documents(account_id: str, count: int, **more: Any) -> list[Put]:
    """Documents of an account, as they are stored; each holds a claim in the whole system."""
    made = []
    for number in range(count):
        key = Key(account_id, "thing", hashlib.md5(str(number).encode()).hexdigest())
        document = {"_id": key.doc_id, "_rev": "1-a", "pvt_type": "thing", **more}
        claims = [Claim("thing.name", SYSTEM, f"{account_id}-{number}")]
        made.append(Put(key, document, None, "", [Entry("n", "1")], claims))
    return made


def watch(api: Api, monkeypatch: pytest.MonkeyPatch) -> list[Batch]:
    """The batches that are committed from now on."""
    store, batches = api.gateway.services.store, list[Batch]()
    commit = store.commit

    async def watched(batch: Batch) -> int:
        batches.append(batch)
        return await commit(batch)

    monkeypatch.setattr(store, "commit", watched)
    return batches


async def left_in(api: Api, account_id: str) -> list[Put]:
    return [put async for put in api.gateway.services.store.walk(account_id)]


async def idle(api: Api) -> None:
    await api.gateway.services.jobs.idle(api.gateway.services)


async def test_a_large_account_goes_in_small_commits(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    account_id, store = await api.create_account("Large"), api.gateway.services.store

    async def content() -> Any:
        yield b"x"

    kept = await store.put_attachment(account_id, content())
    loose = await store.put_attachment(account_id, content())
    named = {"pvt_attachments": {"a": {"id": kept.attachment_id}}}
    puts = documents(account_id, MANY)
    puts[0].document.update(named)
    await store.commit(Batch(puts=puts))
    batches = watch(api, monkeypatch)
    gone = (await api.delete(path_of(account_id))).expect(200).data
    assert gone["_read_only"] == {"deleted": True}
    (await api.get(path_of(account_id))).expect(404)
    (await api.get(f"{path_of(account_id)}/users")).expect(404)
    await idle(api)
    assert await left_in(api, account_id) == []
    assert await store.get(gone_key(account_id)) is None
    assert await store.holders(claim for put in puts for claim in put.claims) == {}
    for attachment in (kept, loose):
        with pytest.raises(KeyError):
            await anext(store.read_attachment(account_id, attachment.attachment_id))
    removals = [len(batch.removes) for batch in batches if batch.removes]
    assert max(removals) <= emptying.AT_ONCE
    assert sum(removals) >= MANY


async def test_a_small_account_goes_in_the_commit_that_deletes_it(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    account_id = await api.create_account("Small")
    await api.gateway.services.store.commit(Batch(puts=documents(account_id, 3)))
    batches = watch(api, monkeypatch)
    (await api.delete(path_of(account_id))).expect(200)
    assert [batch.purge for batch in batches if batch.purge] == [(account_id,)]
    assert await left_in(api, account_id) == []


async def test_what_belongs_to_an_account_goes_in_small_commits_too(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(belongings, "AT_ONCE", 5)
    account_id, store = await api.create_account("Large"), api.gateway.services.store
    keys = [Key(SYSTEM, "auth_link", f"link{number}") for number in range(23)]
    owner = [Entry(OWNER, account_id)]
    await store.commit(Batch(puts=[Put(key, {"_rev": "1-a"}, None, "", owner) for key in keys]))
    batches = watch(api, monkeypatch)
    (await api.delete(path_of(account_id))).expect(200)
    await idle(api)
    assert [await store.get(key) for key in keys] == [None] * 23
    assert await store.get(gone_key(account_id)) is None
    assert max(len(batch.removes) for batch in batches) <= 6  # with the account itself


async def test_a_job_that_takes_too_long_asks_for_another(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emptying, "STEPS", 2)
    account_id = await api.create_account("Large")
    await api.gateway.services.store.commit(Batch(puts=documents(account_id, MANY)))
    (await api.delete(path_of(account_id))).expect(200)
    await idle(api)
    assert await left_in(api, account_id) == []


async def test_emptying_that_was_broken_off_is_gone_on_with(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    account_id, store = await api.create_account("Large"), api.gateway.services.store
    await store.commit(Batch(puts=documents(account_id, MANY)))
    commit, removals = store.commit, 0

    async def breaking(batch: Batch) -> int:
        nonlocal removals
        if len(batch.removes) == emptying.AT_ONCE:
            removals += 1
            if removals == 2:
                raise Unreachable
        return await commit(batch)

    monkeypatch.setattr(store, "commit", breaking)
    (await api.delete(path_of(account_id))).expect(200)
    await idle(api)
    assert len(await left_in(api, account_id)) == MANY - emptying.AT_ONCE
    api.clock.advance(FIRST_PAUSE)
    await idle(api)
    assert await left_in(api, account_id) == []


async def test_an_account_that_was_brought_back_is_left_alone(api: Api) -> None:
    account_id, services = await api.create_account("Back"), api.gateway.services
    await services.store.commit(Batch(puts=documents(account_id, 1)))
    await emptying.EMPTY.run(services, {"account": account_id})
    assert len(await left_in(api, account_id)) == 1


async def test_what_waits_to_be_removed_holds_no_unique_value(api: Api) -> None:
    services, account_id = api.gateway.services, await api.create_account("A")
    other = await api.create_account("B")
    [left, *_], [heir, *_] = documents(account_id, 1), documents(other, 1)
    await services.store.commit(Batch(puts=[left]))
    wanted = Batch(puts=[heir._replace(claims=left.claims)])
    with pytest.raises(ClaimTaken):
        await services.commit(wanted)
    mark = Put(gone_key(account_id), {"_id": account_id, "_rev": "1-a"}, None)
    await services.store.commit(Batch(puts=[mark]))
    await services.commit(wanted)
    assert await services.store.holders(left.claims) == {left.claims[0]: heir.key}
    assert await left_in(api, account_id) == []
    await services.store.commit(Batch(removes=[Remove(mark.key)]))
