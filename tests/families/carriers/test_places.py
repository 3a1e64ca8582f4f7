"""How switches find the carriers of all accounts."""

from __future__ import annotations

from typing import Any

from crossbar.app import COLLECTIONS
from crossbar.cli.upkeep import reindex
from crossbar.families.carriers import all_resources
from crossbar.storage import SYSTEM, Batch, Key, Remove, Span
from tests.conftest import Api

CARRIER: dict[str, Any] = {"name": "Telco", "gateways": [{"server": "192.0.2.7"}]}


async def known(api: Api) -> list[tuple[str, str]]:
    """Whose carriers there are, and their ids."""
    store = api.gateway.services.store
    return sorted([(owner, found["_id"]) async for owner, found in all_resources(store)])


async def test_carriers_are_known_until_they_or_their_account_go(api: Api) -> None:
    account_id = await api.create_account("Acme")
    path = f"/v2/accounts/{account_id}/resources"
    of_system = (await api.put("/v2/resources", CARRIER)).expect(201).data["id"]
    own = [(await api.put(path, CARRIER)).expect(201).data["id"] for _ in range(2)]
    many = (await api.put(f"{path}/collection", [CARRIER])).expect(201).data
    own.append(many[0]["id"])
    listed = sorted([(SYSTEM, of_system), *((account_id, each) for each in own)])
    assert await known(api) == listed
    (await api.patch(f"{path}/{own[0]}", {"name": "Other"})).expect(200)
    (await api.delete(f"{path}/{own[0]}")).expect(200)
    listed.remove((account_id, own[0]))
    assert await known(api) == listed
    (await api.delete(f"/v2/accounts/{account_id}")).expect(200)
    assert await known(api) == [(SYSTEM, of_system)]
    span = Span(account_id=SYSTEM, doc_type="carrier_place")
    assert [row async for row in api.gateway.services.store.scan(span)] == []


async def test_those_that_an_older_version_stored_are_known_after_a_reindex(api: Api) -> None:
    made = (await api.put(f"{api.account}/resources", CARRIER)).expect(201).data["id"]
    store, listed = api.gateway.services.store, await known(api)
    place = Key(SYSTEM, "carrier_place", f"{api.master.account_id}-{made}")
    await store.commit(Batch(removes=[Remove(place)]))
    assert await known(api) == []
    written = [(await reindex(api.gateway.services, COLLECTIONS, print)).written for _ in range(2)]
    assert written == [1, 0]
    assert await known(api) == listed
