"""What numbers cost, and that nobody pays without having said so."""

from __future__ import annotations

from typing import Any

from tests.conftest import Api
from tests.families.billing.support import balance, customer, pay_in
from tests.families.numbers.support import M, N, state_of, stock

PRICES: dict[str, Any] = {
    "phone_numbers": {"did_us": {"rate": 1, "activation_charge": 2}},
    "number_services": {"outbound_cnam": {"rate": 0.5}},
}
YES = {"accept_charges": True}


def of(account: str, tail: str) -> str:
    return f"{account}/phone_numbers{tail}".replace("+", "%2B")


async def test_a_number_that_costs_something_has_to_be_accepted(api: Api) -> None:
    await stock(api, N)
    account = await customer(api, PRICES)
    await pay_in(api, account, 10)
    asked = (await api.put(of(account, f"/{N}/activate"))).expect(402)
    assert asked.body["message"] == "accept charges"
    master = api.master.account_id
    assert await state_of(api, master, N) == "available"
    assert await balance(api, account) == 10
    (await api.put(of(account, f"/{N}/activate"), {}, accept_charges=True)).expect(201)
    assert await balance(api, account) == 8
    again = await api.put(of(account, f"/{N}/activate"))
    again.expect(201)  # it is theirs already, and costs no more


async def test_features_cost_what_they_cost(api: Api) -> None:
    await stock(api, N)
    account = await customer(api, PRICES)
    await pay_in(api, account, 10)
    (await api.put(of(account, f"/{N}/activate"), YES)).expect(201)
    named = {"cnam": {"display_name": "Ann"}}
    (await api.patch(of(account, f"/{N}"), named)).expect(402)
    data = (await api.patch(of(account, f"/{N}"), named | YES)).expect(200).data
    assert data["features"] == ["outbound_cnam"]
    assert "accept_charges" not in data
    (await api.patch(of(account, f"/{N}"), {"name": "x"})).expect(200)
    (await api.delete(of(account, f"/{N}"))).expect(200)


async def test_numbers_are_counted_by_their_class(api: Api) -> None:
    await stock(api, N, M)
    account = await customer(api, PRICES)
    await pay_in(api, account, 10)
    (await api.put(of(account, f"/{N}/activate"), YES)).expect(201)
    (await api.put(of(account, "/+18005550100"), YES)).expect(201)
    quantities = (await api.get(f"{account}/services/summary")).expect(200).data
    assert quantities["quantities"]["account"]["phone_numbers"] == {"did_us": 1, "tollfree_us": 1}
    assert quantities["quantities"]["account"]["number_carriers"] == {"local": 1, "managed": 1}


async def test_a_collection_is_accepted_as_a_whole(api: Api) -> None:
    numbers = [f"+1415555{at:04}" for at in range(120)]
    await stock(api, *numbers)
    account = await customer(api, PRICES)
    await pay_in(api, account, 1000)
    sent = {"numbers": numbers}
    asked = await api.put(of(account, "/collection/activate"), sent)
    assert asked.expect(402).data[0]["items"][0]["quantity"] == 120
    assert (await api.get(of(account, ""))).expect(200).data["numbers"] == {}
    (await api.put(of(account, "/collection/activate"), sent | YES)).expect(201)
    assert await balance(api, account) == 1000 - 240


async def test_an_account_without_credit_gets_no_number(api: Api) -> None:
    await stock(api, N)
    account = await customer(api, PRICES)
    refused = (await api.put(of(account, f"/{N}/activate"), YES)).expect(402)
    assert refused.body["message"] != "accept charges"
    assert await state_of(api, api.master.account_id, N) == "available"
