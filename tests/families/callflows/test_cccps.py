"""Calling cards: numbers and pins that tell callers apart, everywhere in the system."""

from __future__ import annotations

from typing import Any

from tests.conftest import Api
from tests.families.support import make, refusal, row, shown, told

ACTIVE = {"active": True}


async def test_cards_show_whose_they_are(api: Api) -> None:
    doc_id = await make(api, "cccps", cid="415 555 0100", pin="1", comment="c", extra=1)
    assert await row(api, "cccps") == {
        "id": doc_id,
        "account_id": api.master.account_id,
        "active": False,
        "cid": "+14155550100",
        "pin": "1",
        "comment": "c",
    }
    (await api.patch(f"{api.account}/cccps/{doc_id}", {})).expect(405)


async def test_numbers_of_active_cards_are_unique_in_the_system(api: Api) -> None:
    await make(api, "cccps", cid="4155550100")
    await make(api, "cccps", cid="4155550100", **ACTIVE)
    child = f"/v2/accounts/{await api.create_account('Child')}/cccps"
    clash = await api.put(child, {"cid": "+14155550100", **ACTIVE})
    assert refusal(clash, "cccp", "unique")["message"] == "CID already exists"
    one = (await api.put(child, {"cid": "+14155550100"})).expect(201).data["id"]
    refusal(await api.post(f"{child}/{one}", {"cid": "4155550100", **ACTIVE}), "cccp", "unique")
    wrong = refusal(await api.put(child, {"cid": "2001"}), "cccp", "unique")
    assert wrong == {"message": "Number is non reconcilable", "cause": "2001"}


async def test_pins_of_active_cards_without_a_number_are_unique(api: Api) -> None:
    await make(api, "cccps", pin="1", cid="4155550100", **ACTIVE)
    first = await make(api, "cccps", pin="1", **ACTIVE)
    await make(api, "cccps", pin="1")
    clash = await api.put(f"{api.account}/cccps", {"pin": "1", **ACTIVE})
    assert refusal(clash, "cccp", "unique")["message"] == "Pin already exists"
    (await api.delete(f"{api.account}/cccps/{first}")).expect(200)
    (await api.put(f"{api.account}/cccps", {"pin": "1", **ACTIVE})).expect(201)


async def test_odd_cards_are_refused(api: Api) -> None:
    odd: dict[str, Any] = {"cid": 5, "pin": [], "active": "x"}
    answer = await api.put(f"{api.account}/cccps", odd)
    for name in odd:
        refusal(answer, name, "type")
    doc_id = await make(api, "cccps", cid="", pin="")
    assert (await shown(api, "cccps", doc_id))["cid"] == ""


async def test_a_number_is_dialed_for_the_accounts_own_users(api: Api) -> None:
    path = f"{api.account}/cccps/autodial"
    assert (await api.put(path, {"number": "2001", "user_id": "x"})).expect(201).data == {}
    (command,) = told(api, "cccps.autodial")
    assert command.data == {
        "number": "2001",
        "account_id": api.master.account_id,
        "user_id": api.master.user_id,
    }
    child = await api.create_account("Child")
    refusal(await api.put(f"/v2/accounts/{child}/cccps/autodial", {}), "account", "forbidden")
