"""Allotments: included calling time, kept with the limits."""

from __future__ import annotations

from tests.conftest import Api
from tests.families.support import refusal

SENT = {"outbound_did_us": {"amount": 3600, "cycle": "monthly"}}


async def test_allotments_are_kept_beside_the_limits(api: Api) -> None:
    path = f"{api.account}/allotments"
    missing = (await api.get(path)).expect(400)
    assert missing.body["message"] == "allotments are not configured for this account yet"
    assert missing.data == {}
    assert (await api.post(path, SENT)).expect(200).data == SENT
    assert (await api.get(path)).expect(200).data == SENT
    limits = (await api.get(f"{api.account}/limits")).expect(200).data
    assert "outbound_did_us" not in limits
    assert limits["allow_prepay"] is True
    (await api.post(f"{api.account}/limits", {"calls": 1})).expect(200)
    assert (await api.get(path)).data == SENT
    (await api.post(path, {})).expect(200)
    (await api.get(path)).expect(400)


async def test_allotments_are_judged(api: Api) -> None:
    wrong = {"us": {"amount": -1, "cycle": "yearly"}}
    answer = await api.post(f"{api.account}/allotments", wrong)
    refusal(answer, "us.amount", "minimum")
    refusal(answer, "us.cycle", "enum")


async def test_who_sets_limits_sets_allotments(api: Api) -> None:
    middle = await api.create_account("Middle", await api.create_account("Direct"))
    token = await api.account_token(middle)
    (await api.post(f"/v2/accounts/{middle}/allotments", SENT, token=token)).expect(403)
    (await api.post(f"/v2/accounts/{middle}/allotments", SENT)).expect(200)


async def test_nothing_is_consumed_while_no_switch_counts_calls(api: Api) -> None:
    path = f"{api.account}/allotments/consumed"
    assert (await api.get(path)).expect(200).data == {}
    (await api.get(f"{path}?created_from=5&created_to=4")).expect(400)
