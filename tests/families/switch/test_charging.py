"""What calls cost by the terms that their records name, in the commit of the record."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from crossbar.families.carriers import cost_of
from crossbar.families.switch import seconds_of_today
from tests.conftest import Api
from tests.families.billing.support import balance, pay_in
from tests.families.switch.support import call, teller

TERMS = {
    "account_billing": "per_minute",
    "rate": "600",
    "rate_cost": "0.06",
    "rate_surcharge": "0.01",
    "rate_minimum": "30",
    "rate_increment": "6",
    "rate_nocharge_time": "2",
    "resource_id": "a" * 32,
}


@pytest.mark.parametrize(
    ("seconds", "units"),
    [(0, 0), (2, 0), (3, 400), (30, 400), (31, 460), (36, 460), (37, 520), (3600, 36_100)],
)
def test_what_a_call_costs(seconds: int, units: int) -> None:
    assert cost_of(TERMS, seconds) == units
    assert cost_of({"account_billing": "twoway_trunks"}, seconds) == 0


def out(call_id: str, **more: Any) -> dict[str, Any]:
    record = call(call_id, seconds=65, call_direction="outbound", custom_channel_vars=TERMS)
    return record | {"callee_id_number": "+14155550177", **more}


async def test_a_record_is_charged_once_however_often_it_is_told(api: Api) -> None:
    await pay_in(api, api.account, 5)
    one, two = await teller(api), await teller(api)
    two.source = "fs2"
    event = one.event("cdr", out("c1"))
    for _ in range(2):
        (await one.send(event)).expect(200)
    await one.tell("cdr", out("c1"))
    await two.tell("cdr", out("c1"))
    assert await balance(api, api.account) == 4.93
    [record] = (await api.get(f"{api.account}/cdrs")).expect(200).data
    assert record["cost"] == "0.07"
    [entry] = (await api.get(f"{api.account}/ledgers/per-minute-voip")).expect(200).data
    assert entry["source"] == {"service": "per-minute-voip", "id": "c1"}
    assert entry["metadata"]["to"] == "+14155550177"
    assert await seconds_of_today(api.gateway.services, api.master.account_id) == 60
    api.clock.advance(86_400)
    assert await seconds_of_today(api.gateway.services, api.master.account_id) == 0


async def test_many_records_of_a_batch_and_other_entries_add_up(api: Api) -> None:
    fs1 = await teller(api)
    events = [fs1.event("cdr", out(f"c{each}")) for each in range(40)]
    batches = (events[:20], events[20:])

    async def tell() -> None:
        for batch in batches:
            (await fs1.send(*batch)).expect(200)

    await asyncio.gather(tell(), *(pay_in(api, api.account, 1, f"p{each}") for each in range(10)))
    assert await balance(api, api.account) == 7.2
    assert await seconds_of_today(api.gateway.services, api.master.account_id) == 40 * 60


async def reseller_and_customer(api: Api) -> tuple[str, str]:
    reseller = await api.create_account("Reseller")
    (await api.put(f"/v2/accounts/{reseller}/reseller", {})).expect(201)
    return reseller, await api.create_account("Customer", reseller)


async def entries(api: Api, account_id: str) -> list[Any]:
    path = f"/v2/accounts/{account_id}/ledgers/per-minute-voip"
    found: list[Any] = (await api.get(path)).expect(200).data
    return found


@pytest.mark.parametrize(
    ("by", "own", "theirs"),
    [("per_minute", [-0.07], [-0.07]), ("twoway_trunks", [], [-0.07])],
)
async def test_a_reseller_is_charged_once_for_what_its_account_calls(
    api: Api, by: str, own: list[float], theirs: list[float]
) -> None:
    reseller, customer = await reseller_and_customer(api)
    agreed = {"account_billing": by, "reseller_id": reseller, "reseller_billing": "per_minute"}
    one, two = await teller(api, customer), await teller(api, customer)
    two.source = "fs2"
    event = one.event("cdr", out("c1", custom_channel_vars=TERMS | agreed))
    for _ in range(2):
        (await one.send(event)).expect(200)
    await two.tell("cdr", out("c1", custom_channel_vars=TERMS | agreed))
    assert [each["amount"] for each in await entries(api, customer)] == own
    [entry] = await entries(api, reseller)
    assert [entry["amount"]] == theirs
    assert entry["account"] == {"id": customer, "name": "Customer"}
    assert entry["source"] == {"service": "per-minute-voip", "id": "c1"}
    assert await balance(api, f"/v2/accounts/{reseller}") == -0.07
    [record] = (await api.get(f"/v2/accounts/{customer}/cdrs")).expect(200).data
    assert (record["reseller_cost"], record["reseller_call_type"]) == ("0.07", "per_minute")


async def test_nobody_pays_for_the_calls_of_an_account_that_is_not_below(api: Api) -> None:
    reseller, _ = await reseller_and_customer(api)
    other = await api.create_account("Other")
    agreed = {"reseller_id": reseller, "reseller_billing": "per_minute"}
    await (await teller(api, other)).tell("cdr", out("c1", custom_channel_vars=TERMS | agreed))
    assert [each["amount"] for each in await entries(api, other)] == [-0.07]
    assert await entries(api, reseller) == []


async def test_records_that_cost_nothing_leave_the_books_alone(api: Api) -> None:
    fs1 = await teller(api)
    await fs1.tell("cdr", out("c1", billing_seconds=0))
    await fs1.tell("cdr", call("c2"))
    assert (await api.get(f"{api.account}/ledgers/per-minute-voip")).expect(200).data == []
    foreign = {"account_billing": "per_minute", "rate": "600", "cost": "700"}
    await fs1.tell("cdr", out("c0", custom_channel_vars=foreign))
    assert await balance(api, api.account) == 0
    emergency = {"resource_id": "a" * 32, "emergency": "true"}
    await fs1.tell("cdr", out("c3", custom_channel_vars=emergency))
    assert await seconds_of_today(api.gateway.services, api.master.account_id) == 0


@pytest.mark.parametrize(
    "wrong", [{"rate_cost": "-1"}, {"rate_cost": "much"}, {"rate_minimum": "9" * 40}]
)
async def test_terms_that_are_none_are_refused(api: Api, wrong: Any) -> None:
    fs1 = await teller(api)
    event = fs1.event("cdr", out("c1", custom_channel_vars=TERMS | wrong))
    told = (await fs1.send(event)).expect(200).data
    assert [each["data"].keys() for each in told["refused"]] == [{"data.custom_channel_vars"}]
    assert (await api.get(f"{api.account}/cdrs")).expect(200).data == []
