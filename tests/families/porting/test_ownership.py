"""Completing a port request takes nothing that another account has."""

from __future__ import annotations

from crossbar.families.numbers import import_numbers
from tests.conftest import Api
from tests.families.porting.support import NUMBER, OTHER, customer_of, make_port, move


async def test_a_number_added_later_is_not_taken_from_its_owner(api: Api) -> None:
    victim, porter = [await customer_of(api, name) for name in ("Victim", "Porter")]
    (await api.put(f"{victim.path}/phone_numbers/{OTHER}")).expect(201)
    port = f"{porter.path}/port_requests/{await make_port(api, porter.path)}"
    await move(api, port, "submitted", "pending")
    await api.patch(port, {"numbers": {OTHER: {}}}, token=porter.admin)
    refused = await api.patch(f"{port}/completed", {})
    assert refused.expect(409).body["message"] == "number_exists"
    assert refused.data["cause"] == OTHER
    (await api.get(f"{victim.path}/phone_numbers/{OTHER}", token=victim.admin)).expect(200)
    shown = (await api.get(port)).expect(200).data
    assert (shown["port_state"], set(shown["numbers"])) == ("pending", {NUMBER, OTHER})
    (await api.get(f"{porter.path}/phone_numbers/{NUMBER}")).expect(404)


async def test_a_number_that_another_account_buys_meanwhile_stays_there(api: Api) -> None:
    buyer, porter = [await customer_of(api, name) for name in ("Buyer", "Porter")]
    port = f"{porter.path}/port_requests/{await make_port(api, porter.path)}"
    await move(api, port, "submitted", "pending")
    await import_numbers(api.gateway.services, [NUMBER])
    (await api.put(f"{buyer.path}/phone_numbers/{NUMBER}/activate")).expect(201)
    (await api.patch(f"{port}/completed", {})).expect(409)
    (await api.get(f"{buyer.path}/phone_numbers/{NUMBER}", token=buyer.admin)).expect(200)
