"""Upkeep: indexing anew what an older version wrote, and removing bytes that nobody names."""

from __future__ import annotations

import time
from typing import Any

import pytest

from crossbar.app import COLLECTIONS
from crossbar.cli import upkeep
from crossbar.cli.placing import Reindexed
from crossbar.cli.upkeep import reindex, sweep
from crossbar.core.attachments import attachment_ids
from crossbar.storage import SYSTEM, Batch, Claim, Event, Key, Put, Span, Store
from tests.conftest import Api
from tests.contract.conftest import on_every_store
from tests.contract.kit import COLLECTIONS as FAMILIES
from tests.contract.kit import document
from tests.dialects.v1.support import client_of
from tests.families.support import ANN, BOB, make, refusal, stored

pytestmark = on_every_store


def store_of(api: Api) -> Store:
    return api.gateway.services.store


async def age(api: Api, doc_type: str, doc_id: str) -> Key:
    """Leave a document as a version would that knew of no order, index or unique value."""
    key = Key(api.master.account_id, doc_type, doc_id)
    document = await stored(api, doc_type, doc_id)
    await store_of(api).commit(Batch(puts=[Put(key, document, document["_rev"])]))
    return key


async def reindexed(api: Api) -> tuple[Reindexed, list[str]]:
    lines: list[str] = []
    return await reindex(api.gateway.services, COLLECTIONS, lines.append), lines


async def names(api: Api, path: str) -> list[str]:
    return [row["first_name"] for row in (await api.get(f"{api.account}/{path}")).data]


async def test_what_an_older_version_wrote_is_found_again(api: Api) -> None:
    ann, bob = await make(api, "users", **ANN), await make(api, "users", **BOB)
    directory = await make(api, "directories")
    (await api.patch(f"{api.account}/users/{ann}", {"directories": {directory: "f"}})).expect(200)
    gone = await make(api, "users", first_name="Gone", last_name="A")
    (await api.delete(f"{api.account}/users/{gone}")).expect(200)
    for doc_id in (ann, bob):
        await age(api, "user", doc_id)
    before, last = await stored(api, "user", ann), await store_of(api).last_event()
    listed = "users?filter_not_username=admin&ascending=true"
    assert sorted(await names(api, listed)) == ["Ann", "Bob"]
    path = f"{api.account}/directories/{directory}"
    assert (await api.get(path)).data["users"] == []
    done, lines = await reindexed(api)
    assert lines == []
    assert done.looked_at >= 5
    assert done.written == 2
    assert await names(api, listed) == ["Bob", "Ann"]
    assert (await api.get(path)).data["users"] == [{"user_id": ann, "callflow_id": "f"}]
    refusal(await api.put(f"{api.account}/users", ANN), "username", "unique")
    assert await stored(api, "user", ann) == before
    assert await store_of(api).last_event() == last
    (await api.get(f"{api.account}/users/{gone}")).expect(404)


async def test_what_an_older_version_kept_for_v1_is_found_again(api: Api) -> None:
    v1 = await client_of(api)
    form = {"name": "Leave", "slug": "leave", "instructions": "x", "is_public": True}
    await v1.make("/forms", **form)
    rank = await v1.make("/ranks", name="Private")
    await make(api, "users", **ANN)
    [ann] = [row["id"] for row in (await v1.get("/users")).data if row["name"].startswith("Ann")]
    records = f"/users/{ann}/rank-records"
    await v1.make(records, rank_id=rank["id"], type=0)
    for doc_type in ("perscom_rankrecord", "perscom_form"):
        span = Span(account_id=api.master.account_id, doc_type=doc_type)
        for doc_id in [row.position.doc_id async for row in store_of(api).scan(span)]:
            await age(api, doc_type, doc_id)
    assert (await v1.get(records)).data == []
    assert (await reindexed(api))[1] == []
    assert [row["rank_id"] for row in (await v1.get(records)).data] == [rank["id"]]
    assert list((await v1.post("/forms", form)).expect(422).errors) == ["slug"]


async def test_what_is_in_its_place_is_not_written_again(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await make(api, "users", **ANN)
    await make(api, "menus")
    await age(api, "user", ann)
    assert (await reindexed(api))[0].written == 1
    written: list[Batch] = []
    commit = store_of(api).commit

    async def noted(batch: Batch) -> int:
        written.append(batch)
        return await commit(batch)

    monkeypatch.setattr(store_of(api), "commit", noted)
    done, lines = await reindexed(api)
    assert (done.written, lines, written) == (0, [], [])


async def test_what_is_used_stays_in_its_place(api: Api) -> None:
    for family in FAMILIES:
        (await api.put(f"{api.account}/{family.noun}", document(family))).expect(201)
    key = {"name": "K", "dialect": "v2", "scopes": ["view:user"]}
    made = (await api.put(f"{api.account}/api_keys", key)).expect(201).data
    (await api.get(f"{api.account}/users", token=made["_read_only"]["key"])).expect(200)
    assert (await stored(api, "api_key", made["id"]))["pvt_last_used"]
    assert (await reindexed(api))[0].written == 0


async def test_of_two_that_claim_a_value_the_holder_keeps_it(api: Api) -> None:
    ann = await make(api, "users", **ANN)
    key = await age(api, "user", ann)
    holder = await make(api, "users", **ANN)
    done, lines = await reindexed(api)
    account = api.master.account_id
    assert done.faults == 1
    assert lines == [
        f"user {ann} of account {account} wants user.username 'ann'"
        f" of user {holder} of account {account}"
    ]
    claim = Claim("user.username", account, "ann")
    assert await store_of(api).holders([claim]) == {claim: Key(account, "user", holder)}
    # All else of it is indexed, so it has its place in the list.
    listed = "users?filter_username=ann&ascending=true"
    assert await names(api, listed) == ["Ann", "Ann"]
    (await api.patch(f"{api.account}/users/{holder}", {"username": "x", "password": "y"})).expect(
        200
    )
    assert await reindexed(api) == (Reindexed(done.looked_at, 1), [])
    assert await store_of(api).holders([claim]) == {claim: key}


async def test_what_cannot_be_indexed_is_reported_and_the_rest_goes_on(api: Api) -> None:
    account = await api.create_account("Child")
    bare = {"_id": "m", "_rev": "1-a", "pvt_type": "mailbox_message"}
    broken = Put(Key(account, "mailbox_message", "m"), bare, None)
    unknown = Put(Key(account, "unheard_of", "u"), {"_id": "u", "_rev": "1-a"}, None, sort=None)
    await store_of(api).commit(Batch(puts=[broken, unknown]))
    done, lines = await reindexed(api)
    wanted = f"mailbox_message m of account {account} cannot be indexed: KeyError('metadata')"
    assert (done.faults, lines) == (1, [wanted])
    assert await store_of(api).get(unknown.key) == unknown.document


@pytest.mark.parametrize("meddle", ["change", "delete"])
async def test_who_writes_meanwhile_is_not_overwritten(
    api: Api, monkeypatch: pytest.MonkeyPatch, meddle: str
) -> None:
    ann = await age(api, "user", await make(api, "users", **ANN))
    path = f"{api.account}/users/{ann.doc_id}"
    menu = await age(api, "menu", await make(api, "menus"))
    commit = store_of(api).commit
    meddled: list[str] = []

    async def overtaken(batch: Batch) -> int:
        if not meddled and any(put.key.doc_type == "user" for put in batch.puts):
            meddled.append(meddle)
            sent = {"username": "new", "password": "x"}
            changed = (
                api.patch(path, sent)
                if meddle == "change"
                else api.delete(f"{path}?should_soft_delete=false")
            )
            (await changed).expect(200)
        return await commit(batch)

    monkeypatch.setattr(store_of(api), "commit", overtaken)
    assert (await reindexed(api))[1] == []
    assert meddled
    if meddle == "change":
        assert (await api.get(path)).expect(200).data["username"] == "new"
        refusal(
            await api.put(f"{api.account}/users", {**ANN, "username": "new"}), "username", "unique"
        )
    else:
        (await api.get(path)).expect(404)
    (await api.put(f"{api.account}/users", ANN)).expect(201)
    assert (await api.get(f"{api.account}/menus/{menu.doc_id}")).expect(200)


async def photo(api: Api, content: bytes) -> tuple[str, list[str]]:
    """A user with a photo, and the name of its attachment."""
    doc_id = await make(api, "users", first_name="Ann", last_name="Lee")
    path = f"{api.account}/users/{doc_id}/photo"
    (await api.post(path, raw=content, headers={"Content-Type": "image/png"})).expect(200)
    return path, attachment_ids(await stored(api, "user", doc_id))


async def leave(api: Api, account_id: str, number: int = 1) -> list[str]:
    """Attachments that no document names."""

    async def source() -> Any:
        yield b"left behind"

    store = store_of(api)
    return [
        (await store.put_attachment(account_id, source())).attachment_id for _ in range(number)
    ]


async def kept(api: Api) -> list[str]:
    return [name async for _, name in store_of(api).attachments(int(time.time()) + 60)]


async def test_bytes_that_no_document_names_are_removed_after_a_day(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "PORTION", 7)
    path, own = await photo(api, b"mine")
    account = await api.create_account("Child")
    left = [*await leave(api, api.master.account_id, 60), *await leave(api, account)]
    await leave(api, "0" * 32)  # of an account that is gone
    assert await sweep(api.gateway.services) == len(left) + 1  # the clock of the tests is ahead
    assert await kept(api) == own
    assert (await api.get(path)).expect(200).content == b"mine"
    assert await sweep(api.gateway.services) == 0
    young = await leave(api, account)
    api.clock.advance(time.time() - api.clock.precise())
    assert await sweep(api.gateway.services) == 0
    assert set(await kept(api)) == {*own, *young}
    assert (await api.gateway.services.store.get(Key(SYSTEM, "account", account))) is not None


async def test_bytes_of_documents_that_are_not_listed_stay(api: Api) -> None:
    [name] = await leave(api, api.master.account_id)
    key = Key(api.master.account_id, "fax", "f")
    facts = {"a": {"id": name, "length": 1, "md5": "", "content_type": "a/b"}}
    document = {"_id": "f", "_rev": "1-a", "pvt_deleted": True, "pvt_attachments": facts}
    put = Put(key, document, None, sort=None)
    await store_of(api).commit(Batch(puts=[put], events=[Event("deleted", key, "1-a", 0, {})]))
    assert await sweep(api.gateway.services) == 0
    assert await kept(api) == [name]
