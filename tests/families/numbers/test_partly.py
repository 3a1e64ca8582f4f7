"""Collections of which some numbers cannot be what is asked: the others are."""

from __future__ import annotations

from typing import Any

from crossbar.errors import CarrierUnavailable
from crossbar.families.numbers import LocalInventory
from tests.conftest import Api
from tests.families.billing.support import balance, customer, pay_in
from tests.families.numbers.support import M, N, connect, path, stock, tenant
from tests.families.support import refusal

ADDRESS = {
    "street_address": "1 Main",
    "locality": "Town",
    "region": "CA",
    "postal_code": "94000",
}


async def test_a_number_that_would_become_invalid_is_told_beside_the_others(api: Api) -> None:
    account, token = await tenant(api)
    numbers = [f"+1415555{number:04}" for number in range(120)]
    await stock(api, *numbers)
    base = path(account)
    sent: dict[str, Any] = {"numbers": numbers}
    (await api.put(f"{base}/collection/activate", sent, token=token)).expect(201)
    sent = {"numbers": numbers[:100], "e911": ADDRESS}
    (await api.patch(f"{base}/collection", sent, token=token)).expect(200)
    sent = {"numbers": numbers, "e911": {"caller_name": "Home"}}
    told = (await api.patch(f"{base}/collection", sent, token=token)).expect(200).data
    assert set(told["success"]) == set(numbers[:100])
    assert set(told["error"]) == set(numbers[100:])
    assert told["error"][numbers[-1]]["error"] == "invalid"
    assert told["error"][numbers[-1]]["cause"].startswith("e911.")
    sent = {"numbers": numbers, "cnam": {"display_name": "x" * 16}}
    refused = await api.patch(f"{base}/collection", sent, token=token)
    refusal(refused, "cnam.display_name", "maxLength")


class Grudging(LocalInventory):
    """An inventory that keeps one number for itself."""

    async def acquire(self, number: str, account_id: str) -> None:
        if number == M:
            raise CarrierUnavailable


async def test_a_number_that_the_carrier_does_not_give_is_not_paid_for(api: Api) -> None:
    connect(api, carrier=Grudging(api.gateway.services.store))
    await stock(api, N, M)
    prices = {"phone_numbers": {"did_us": {"rate": 1, "activation_charge": 2}}}
    account = await customer(api, prices)
    await pay_in(api, account, 10)
    sent = {"numbers": [N, M], "accept_charges": True}
    told = await api.put(f"{account}/phone_numbers/collection/activate", sent)
    assert set(told.expect(201).data["success"]) == {N}
    assert set(told.data["error"]) == {M}
    assert await balance(api, account) == 8
