"""What is asked before something is added that costs money."""

from __future__ import annotations

from tests.conftest import Api
from tests.families.billing.support import USER, balance, customer, pay_in


async def test_an_account_without_plans_is_never_asked(api: Api) -> None:
    path = f"/v2/accounts/{await api.create_account('Free')}"
    (await api.put(f"{path}/users", USER)).expect(201)
    (await api.post(f"{path}/limits", {"twoway_trunks": 100})).expect(200)


async def test_what_costs_something_has_to_be_accepted(api: Api) -> None:
    path = await customer(api)
    await pay_in(api, path, 10)
    refused = (await api.put(f"{path}/users", USER)).expect(402)
    assert refused.body["message"] == "accept charges"
    (invoice,) = refused.data
    (item,) = (each for each in invoice["items"] if "changes" in each)
    assert (item["category"], item["item"], item["quantity"]) == ("users", "user", 1)
    assert item["changes"]["type"] == "addition"
    assert item["changes"]["difference"] == {"quantity": 1, "billable": 1, "total": 2.5}
    assert invoice["summary"] == {"today": 1, "recurring": 2.5}
    assert (await api.get(f"{path}/users")).data == []
    (await api.put(f"{path}/users", USER, accept_charges=True)).expect(201)
    assert await balance(api, path) == 9
