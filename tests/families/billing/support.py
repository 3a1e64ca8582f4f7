"""What the tests of billing share: an account with a plan, and its credit."""

from __future__ import annotations

from typing import Any

from tests.conftest import Answer, Api

PRICES: dict[str, Any] = {
    "users": {"user": {"rate": 2.5, "activation_charge": 1}, "admin": {"rate": 5}},
    "devices": {"sip_device": {"rate": 1.25}},
    "limits": {"twoway_trunks": {"rate": 20, "activation_charge": 10}},
}


async def make_plan(api: Api, plan: Any = None, **more: Any) -> str:
    """A plan of the master account; its id."""
    sent = {"name": "Standard", "plan": PRICES if plan is None else plan, **more}
    created: str = (await api.put(f"{api.account}/plans", sent)).expect(201).data["id"]
    return created


async def customer(api: Api, plan: Any = None, **more: Any) -> str:
    """The path of an account of the master account's, to which a plan is assigned."""
    plan_id = await make_plan(api, plan, **more)
    path = f"/v2/accounts/{await api.create_account('Customer')}"
    (await api.post(f"{path}/services/{plan_id}", {})).expect(200)
    return path


def entry(amount: Any, source_id: str = "cause", **more: Any) -> dict[str, Any]:
    """An entry to be booked."""
    return {
        "amount": amount,
        "source": {"service": "payments", "id": source_id},
        "usage": {"type": "cash", "quantity": 1, "unit": "payment"},
        **more,
    }


async def pay_in(api: Api, path: str, amount: Any, source_id: str = "cause") -> Answer:
    """Credit the account at a path."""
    return (await api.put(f"{path}/ledgers/credit", entry(amount, source_id))).expect(201)


async def balance(api: Api, path: str) -> Any:
    """The balance of the account at a path, in dollars."""
    return (await api.get(f"{path}/ledgers/total")).expect(200).data["amount"]


USER = {"first_name": "Ann", "last_name": "Lee"}
