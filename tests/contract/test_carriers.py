"""What carriers ask of a store: rates by an ordered look-up, addresses that one account gets."""

from __future__ import annotations

import asyncio

from tests.conftest import Api
from tests.contract.conftest import on_every_store

pytestmark = on_every_store


async def test_a_number_finds_its_rate_and_a_table_is_written_twice(api: Api) -> None:
    table = "prefix,rate_cost\n1,0.1\n14,0.2\n1415,0.3\n15,0.4\n2,0.5\n9,0.6\n"
    headers = {"Content-Type": "text/csv"}
    for _ in range(2):
        for deck in ("gold", "gold-plus"):
            path = f"/v2/rates?ratedeck_id={deck}"
            sent = await api.post(path, raw=table.encode(), headers=headers)
            assert sent.expect(200).data["faulty"] == 0
    found = {
        number: (await api.get(f"/v2/rates/number/{number}?ratedeck_id=gold")).data.get("Prefix")
        for number in ("+14155550100", "+14145550100", "+15105550100", "+442071234567")
    }
    assert found == {
        "+14155550100": "1415",
        "+14145550100": "14",
        "+15105550100": "15",
        "+442071234567": None,
    }
    decks = (await api.get("/v2/rates/ratedecks")).expect(200).data["ratedecks"]
    assert decks == ["gold", "gold-plus"]
    rows = (await api.get("/v2/rates?ratedeck_id=gold&descending=false")).expect(200).data
    assert [row["prefix"] for row in rows] == [1, 14, 1415, 15, 2, 9]


async def test_of_accounts_that_want_an_address_one_gets_it(api: Api) -> None:
    tenants = [await api.create_account(f"Tenant {number}") for number in range(3)]
    sent = {"ip": "192.0.2.1", "zone": "east", "host": "proxy.example"}
    (await api.put("/v2/ips", sent)).expect(201)
    paths = [f"/v2/accounts/{tenant}/ips/192.0.2.1" for tenant in tenants]
    answers = await asyncio.gather(*map(api.post, paths))
    assert sorted(answer.status for answer in answers) == [200, 400, 400]
    for tenant in tenants:
        (await api.delete(f"/v2/accounts/{tenant}")).expect(200)
    assert len((await api.get(f"{api.account}/ips")).expect(200).data) == 1
