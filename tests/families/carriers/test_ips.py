"""Dedicated addresses: of two accounts that want one, one gets it; it is free when that goes."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.conftest import Api
from tests.families.billing.support import balance, customer, pay_in
from tests.families.support import refusal

IPS = "/v2/ips"


async def add(api: Api, address: str, zone: str = "east", host: str = "proxy1.example") -> None:
    """An address of the platform."""
    (await api.put(IPS, {"ip": address, "zone": zone, "host": host})).expect(201)


async def free(api: Api, query: str = "") -> list[str]:
    """The addresses that nobody has."""
    listed = (await api.get(f"{api.account}/ips{query}")).expect(200).data
    return [row["ip"] for row in listed]


async def test_an_address_is_added_and_read(api: Api) -> None:
    sent = {"ip": "192.0.2.1", "zone": "east", "host": "proxy1.example"}
    shown = {
        **sent,
        "id": "192.0.2.1",
        "type": "dedicated_ip",
        "status": "available",
    }
    assert (await api.put(IPS, sent)).expect(201).data == shown
    assert (await api.get(f"{api.account}/ips/192.0.2.1")).expect(200).data == shown
    assert (await api.get(IPS)).expect(200).data == [{"ip": "192.0.2.1", "zone": "east"}]
    began = time.monotonic()
    (await api.put(IPS, sent)).expect(409)
    assert time.monotonic() - began < 5  # what is there already is no race that may yet be won


async def test_an_address_has_one_spelling(api: Api) -> None:
    await add(api, "2001:DB8:0::1")
    assert await free(api) == ["2001:db8::1"]
    sent = {"ips": ["2001:db8::0:1", "2001:db8::1"]}
    done = (await api.post(f"{api.account}/ips", sent)).expect(200).data
    assert list(done["success"]) == ["2001:db8::1"]
    (await api.get(f"{api.account}/ips/2001:0db8::1")).expect(200)


@pytest.mark.parametrize("address", ["192.0.2.300", "proxy", ""])
async def test_what_is_no_address_is_refused(api: Api, address: str) -> None:
    answer = await api.put(IPS, {"ip": address, "zone": "east", "host": "h"})
    assert "ip" in answer.expect(400).data


async def test_addresses_are_added_by_operators_and_without_an_account(api: Api) -> None:
    sent = {"ip": "192.0.2.1", "zone": "east", "host": "h"}
    (await api.put(f"{api.account}/ips", sent)).expect(403)
    token = await api.account_token(await api.create_account("Tenant"))
    (await api.put(IPS, sent, token=token)).expect(403)


async def test_free_addresses_are_listed_by_zone(api: Api) -> None:
    await add(api, "192.0.2.1", "east")
    await add(api, "192.0.2.2", "west", "proxy2.example")
    assert await free(api) == ["192.0.2.1", "192.0.2.2"]
    assert await free(api, "?zone=west") == ["192.0.2.2"]
    for name, found in (
        ("zones", ["east", "west"]),
        ("hosts", ["proxy1.example", "proxy2.example"]),
    ):
        assert (await api.get(f"{api.account}/ips/{name}")).expect(200).data == found


async def test_addresses_are_assigned_and_released(api: Api) -> None:
    for last in (1, 2, 3):
        await add(api, f"192.0.2.{last}")
    sent = {"ips": ["192.0.2.1", "192.0.2.2"]}
    done = (await api.post(f"{api.account}/ips", sent)).expect(200).data
    assert done["error"] == {}
    assert done["success"]["192.0.2.1"] == {
        "id": "192.0.2.1",
        "ip": "192.0.2.1",
        "zone": "east",
        "host": "proxy1.example",
        "type": "dedicated_ip",
        "status": "assigned",
        "assigned_to": api.master.account_id,
    }
    assert await free(api) == ["192.0.2.3"]
    assigned = (await api.get(f"{api.account}/ips/assigned")).expect(200).data
    assert [row["ip"] for row in assigned] == ["192.0.2.1", "192.0.2.2"]
    (await api.delete(f"{api.account}/ips/192.0.2.1")).expect(200)
    gone = (await api.delete(f"{api.account}/ips", data={"ips": ["192.0.2.2"]})).expect(200).data
    assert gone["success"]["192.0.2.2"]["status"] == "available"
    assert len(await free(api)) == 3


async def test_all_addresses_of_a_request_are_assigned_or_none(api: Api) -> None:
    account_id = await api.create_account("Tenant")
    for last in (1, 2, 3):
        await add(api, f"192.0.2.{last}")
    (await api.post(f"{api.account}/ips/192.0.2.1")).expect(200)
    (await api.post(f"/v2/accounts/{account_id}/ips/192.0.2.2")).expect(200)
    sent = {"ips": ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"]}
    answer = await api.post(f"{api.account}/ips", sent)
    assert refusal(answer, "ips.0", "superfluous")["value"] == "192.0.2.1"
    refusal(answer, "ips.1", "forbidden")
    refusal(answer, "ips.3", "not_found")
    assert "ips.2" not in answer.data
    assert await free(api) == ["192.0.2.3"]
    answer = await api.delete(f"{api.account}/ips", data={"ips": ["192.0.2.2", "192.0.2.3"]})
    refusal(answer, "ips.0", "forbidden")
    refusal(answer, "ips.1", "superfluous")


async def test_addresses_have_to_be_named(api: Api) -> None:
    refusal(await api.post(f"{api.account}/ips", {}), "ips", "required")
    refusal(await api.post(f"{api.account}/ips", {"ips": []}), "ips", "minItems")
    for method in ("GET", "POST", "DELETE"):
        (await api.request(method, f"{api.account}/ips/192.0.2.9")).expect(404)


async def test_whose_an_address_is_others_are_not_told(api: Api) -> None:
    tenants = [await api.create_account(name) for name in ("One", "Other")]
    own, other = [await api.account_token(tenant) for tenant in tenants]
    await add(api, "192.0.2.1")
    path = f"/v2/accounts/{tenants[0]}/ips/192.0.2.1"
    (await api.post(path, token=own)).expect(200)
    assert (await api.get(path, token=own)).data["assigned_to"] == tenants[0]
    seen = await api.get(f"/v2/accounts/{tenants[1]}/ips/192.0.2.1", token=other)
    assert seen.expect(200).data["status"] == "assigned"
    assert "assigned_to" not in seen.data
    assert (await api.get(f"{IPS}/192.0.2.1")).data["assigned_to"] == tenants[0]


async def test_of_accounts_that_want_the_same_address_one_gets_it(api: Api) -> None:
    tenants = [await api.create_account(f"Tenant {number}") for number in range(4)]
    await add(api, "192.0.2.1")
    for _ in range(10):
        paths = [f"/v2/accounts/{tenant}/ips/192.0.2.1" for tenant in tenants]
        answers = await asyncio.gather(*map(api.post, paths))
        assert sorted(answer.status for answer in answers) == [200, 400, 400, 400]
        for answer in answers:
            if answer.status == 400:
                refusal(answer, "ips.0", "forbidden")
        (winner,) = (
            path for path, answer in zip(paths, answers, strict=True) if answer.status == 200
        )
        (await api.delete(winner)).expect(200)


async def test_an_address_is_free_when_its_account_is_deleted(api: Api) -> None:
    account_id = await api.create_account("Tenant")
    await add(api, "192.0.2.1")
    (await api.post(f"/v2/accounts/{account_id}/ips/192.0.2.1")).expect(200)
    assert await free(api) == []
    (await api.delete(f"/v2/accounts/{account_id}")).expect(200)
    assert await free(api) == ["192.0.2.1"]


async def test_an_address_that_is_removed_is_nobodys(api: Api) -> None:
    await add(api, "192.0.2.1")
    (await api.post(f"{api.account}/ips/192.0.2.1")).expect(200)
    gone = (await api.delete(f"{IPS}/192.0.2.1")).expect(200).data
    assert gone["_read_only"]["deleted"] is True
    assert (await api.get(f"{api.account}/ips/assigned")).expect(200).data == []
    (await api.delete(f"{IPS}/192.0.2.1")).expect(404)
    await add(api, "192.0.2.1")
    assert await free(api) == ["192.0.2.1"]


async def test_an_address_that_costs_something_has_to_be_accepted(api: Api) -> None:
    path = await customer(api, {"ips": {"dedicated": {"rate": 5, "activation_charge": 2}}})
    await pay_in(api, path, 10)
    await add(api, "192.0.2.1")
    await add(api, "192.0.2.2")
    sent = {"ips": ["192.0.2.1", "192.0.2.2"]}
    refused = (await api.post(f"{path}/ips", sent)).expect(402)
    assert refused.body["message"] == "accept charges"
    (invoice,) = refused.data
    assert invoice["summary"] == {"today": 4, "recurring": 10}
    assert await free(api) == ["192.0.2.1", "192.0.2.2"]
    (await api.post(f"{path}/ips", sent, accept_charges=True)).expect(200)
    assert await balance(api, path) == 6
    more = {"ips": ["192.0.2.3"]}
    await add(api, "192.0.2.3")
    (invoice,) = (await api.post(f"{path}/ips", more)).expect(402).data
    (item,) = (each for each in invoice["items"] if each["item"] == "dedicated")
    assert item["quantity"] == 3
    (await api.delete(f"{path}/ips", data=sent)).expect(200)
    (invoice,) = (await api.post(f"{path}/ips", more)).expect(402).data
    assert invoice["summary"] == {"today": 2, "recurring": 5}
