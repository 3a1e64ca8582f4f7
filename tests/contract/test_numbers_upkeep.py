"""Documents that carry numbers, and that a version has stored that wrote nothing beside them."""

from __future__ import annotations

from typing import Any

from crossbar.app import COLLECTIONS
from crossbar.cli.placing import Reindexed
from crossbar.cli.upkeep import reindex
from crossbar.storage import SYSTEM, Batch, Entry, Key, Put, Remove, Span
from tests.conftest import PASSWORD, Api, credentials
from tests.contract.conftest import on_every_store
from tests.families.numbers.support import N, path, tenant, told
from tests.families.numbers.test_uses import MOBILE, carriers, carry, used_by

pytestmark = on_every_store


async def forget(api: Api) -> None:
    """Remove all that is kept of numbers beside the documents that carry them."""
    store = api.gateway.services.store
    for doc_type in ("number_owner", "phone_number"):
        span = Span(account_id=SYSTEM, doc_type=doc_type)
        keys = [Key(SYSTEM, doc_type, row.position.doc_id) async for row in store.scan(span)]
        await store.commit(Batch(removes=[Remove(key) for key in keys]))


async def reindexed(api: Api) -> tuple[Reindexed, list[str]]:
    lines: list[str] = []
    return await reindex(api.gateway.services, COLLECTIONS, lines.append), lines


@carriers
async def test_what_an_older_version_stored_is_known_by_its_numbers(
    api: Api, noun: str, document: Any, kind: str
) -> None:
    account, _ = await tenant(api)
    other, _ = await tenant(api, "Other")
    doc_id = await carry(api, account, noun, document)
    await forget(api)
    done, lines = await reindexed(api)
    assert (done.written, lines) == (1, [])
    told(await api.put(path(other, f"/{N}")), 409, "number_exists")
    if kind != "mobile":
        (await api.put(path(account, f"/{N}"))).expect(201)
    assert await used_by(api, account) == (kind, doc_id)
    again, lines = await reindexed(api)
    assert (again.written, lines) == (0, [])
    (await api.delete(f"/v2/accounts/{account}/{noun}/{doc_id}")).expect(200)
    (await api.get(path(account, f"/{N}"))).expect(404 if kind == "mobile" else 200)


async def test_a_login_by_the_number_of_an_old_trunk_finds_the_account(api: Api) -> None:
    trunk: Any = {"servers": [{"auth": {}, "DIDs": {N: {}}}]}
    await carry(api, api.master.account_id, "connectivity", trunk)
    await forget(api)
    digest = credentials("admin", PASSWORD, "")["credentials"]
    named = {"credentials": digest, "phone_number": N}
    (await api.put("/v2/user_auth", named, token="")).expect(401)
    await reindexed(api)
    api.clock.advance(1000)
    answer = (await api.put("/v2/user_auth", named, token="")).expect(201)
    assert answer.data["account_id"] == api.master.account_id


@carriers
async def test_a_number_that_another_account_has_stays_there(
    api: Api, noun: str, document: Any, kind: str
) -> None:
    account, _ = await tenant(api)
    owner, _ = await tenant(api, "Owner")
    doc_id = await carry(api, account, noun, document)
    await forget(api)
    (await api.put(path(owner, f"/{N}"))).expect(201)
    done, lines = await reindexed(api)
    doc_type = {"callflows": "callflow", "connectivity": "sys_info", "devices": "device"}[noun]
    wanted = f"{doc_type} {doc_id} of account {account}: another account has {N}"
    assert (done.written, done.faults, lines) == (1, 1, [wanted])
    data = (await api.get(path(owner, f"/{N}"))).expect(200).data
    assert data["_read_only"]["assigned_to"] == owner
    assert await used_by(api, owner) == (None, None)
    (await api.delete(f"/v2/accounts/{account}/{noun}/{doc_id}")).expect(200)
    (await api.get(path(owner, f"/{N}"))).expect(200)
    assert (await reindexed(api))[1] == []


async def test_a_mobile_device_gets_no_number_that_others_carry(api: Api) -> None:
    account, _ = await tenant(api)
    device = await carry(api, account, "devices", MOBILE)
    await forget(api)
    await carry(api, api.master.account_id, "callflows", {"numbers": [N]})
    _, lines = await reindexed(api)
    wanted = f"device {device} of account {account}: documents of other accounts carry {N}"
    assert lines == [wanted]
    (await api.get(path(account, f"/{N}"))).expect(404)


async def test_a_callflow_that_is_found_stays_as_it_is(api: Api) -> None:
    """An earlier version kept callflows alone, and did not say so."""
    account = api.master.account_id
    callflow = await carry(api, account, "callflows", {"numbers": [N]})
    await forget(api)
    key = Key(SYSTEM, "number_owner", f"{account}-{callflow}")
    old = {"_id": key.doc_id, "_rev": "1-a", "pvt_account_id": account, "pvt_type": key.doc_type}
    entries = [Entry("account", account), Entry("number", N)]
    await api.gateway.services.store.commit(Batch(puts=[Put(key, old, None, entries=entries)]))
    assert (await reindexed(api))[0].written == 1
    assert await api.gateway.services.store.get(key) == old
    assert (await api.gateway.services.store.get(Key(SYSTEM, "phone_number", N))) is not None


async def test_a_deleted_document_carries_nothing(api: Api) -> None:
    callflow = await carry(api, api.master.account_id, "callflows", {"numbers": [N]})
    (await api.delete(f"{api.account}/callflows/{callflow}")).expect(200)
    await forget(api)
    assert (await reindexed(api))[0].written == 0
