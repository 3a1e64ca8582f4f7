"""What becomes of numbers when an account goes, and what others have to do with it."""

from __future__ import annotations

from typing import Any

import pytest

from crossbar.storage import Batch
from tests.conftest import Api
from tests.families.numbers.support import M, N, path, stock, tenant
from tests.families.numbers.test_moving_in import bring
from tests.families.numbers.test_uses import carry, used_by


async def test_a_number_that_moves_away_meanwhile_does_not_go_with_the_account(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    going, _ = await tenant(api, "Going")
    staying, token = await tenant(api, "Staying")
    (await api.put(path(going, f"/{N}"))).expect(201)
    (await api.put(path(going, f"/{M}"))).expect(201)
    store = api.gateway.services.store
    commit = store.commit
    moved: list[int] = []

    async def slow(batch: Batch) -> int:
        if batch.purge and not moved:
            moved.append(1)
            (await api.put(path(staying, f"/{N}/activate"))).expect(201)
        return await commit(batch)

    monkeypatch.setattr(store, "commit", slow)
    (await api.delete(f"/v2/accounts/{going}")).expect(200)
    assert moved
    (await api.get(path(staying, f"/{N}"), token=token)).expect(200)
    (await api.get(path(api.master.account_id, f"/{M}"))).expect(404)


@pytest.mark.parametrize("is_inventory", [False, True])
async def test_a_number_goes_back_to_who_had_reserved_it(api: Api, is_inventory: Any) -> None:
    reseller, token = await tenant(api, "Reseller")
    customer, _ = await tenant(api, "Customer", reseller)
    if is_inventory:
        await stock(api, N)
        (await api.put(path(reseller, f"/{N}/reserve"))).expect(201)
    else:
        (await api.put(path(reseller, f"/{N}"), create_with_state="reserved")).expect(201)
    (await api.put(path(customer, f"/{N}/activate"))).expect(201)
    (await api.delete(f"/v2/accounts/{customer}")).expect(200)
    left = (await api.get(path(reseller, f"/{N}"), token=token)).expect(200).data
    assert left["state"] == "reserved"
    assert left["_read_only"]["assigned_to"] == reseller


async def test_what_uses_a_number_is_what_its_owner_has(api: Api) -> None:
    other, _ = await tenant(api, "Other")
    owner, _ = await tenant(api, "Owner")
    callflow = await carry(api, other, "callflows", {"numbers": [N]})
    await carry(api, other, "callflows", {"numbers": ["2001"], "name": "another"})
    await bring(api, owner, N)
    own = await carry(api, owner, "callflows", {"numbers": [N]})
    (await api.delete(f"/v2/accounts/{other}/callflows/{callflow}")).expect(200)
    assert await used_by(api, owner) == ("callflow", own)
