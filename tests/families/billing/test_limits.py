"""Limits: who sets them, and what only looks like a part of them."""

from __future__ import annotations

from tests.conftest import Api
from tests.families.support import refusal


async def test_limits_that_were_never_set_are_the_defaults(api: Api) -> None:
    limits = (await api.get(f"{api.account}/limits")).expect(200).data
    assert limits == {
        "id": "limits",
        "allow_prepay": True,
        "authz_resource_types": [],
        "allow_postpay": False,
        "max_postpay_amount": 0,
    }


async def test_credit_terms_are_shown_and_cannot_be_sent(api: Api) -> None:
    sent = {"calls": 5, "allow_postpay": True, "max_postpay_amount": 100}
    limits = (await api.post(f"{api.account}/limits", sent)).expect(200).data
    assert limits["calls"] == 5
    assert limits["allow_postpay"] is False
    assert limits["max_postpay_amount"] == 0
    assert (await api.get(f"{api.account}/limits")).data == limits
    refusal(await api.post(f"{api.account}/limits", {"calls": -1}), "calls", "minimum")


async def test_limits_are_replaced_as_a_whole_and_not_removed(api: Api) -> None:
    path = f"{api.account}/limits"
    (await api.post(path, {"calls": 5})).expect(200)
    assert "calls" not in (await api.post(path, {"inbound_trunks": 1})).expect(200).data
    for method in ("PUT", "PATCH", "DELETE"):
        (await api.request(method, path, {})).expect(405)


async def test_only_the_resellers_side_and_direct_accounts_set_limits(api: Api) -> None:
    direct = await api.create_account("Direct")
    middle = await api.create_account("Middle", parent=direct)
    lowest = await api.create_account("Lowest", parent=middle)
    tokens = {each: await api.account_token(each) for each in (direct, middle, lowest)}

    async def status(account_id: str, token: str) -> int:
        path = f"/v2/accounts/{account_id}/limits"
        return (await api.post(path, {"calls": 1}, token=token)).status

    assert await status(direct, tokens[direct]) == 200
    assert await status(middle, tokens[middle]) == 403
    assert await status(lowest, tokens[middle]) == 403
    assert await status(lowest, tokens[direct]) == 403
    assert await status(lowest, api.token) == 200
    (await api.put(f"/v2/accounts/{middle}/reseller")).expect(201)
    assert await status(lowest, tokens[middle]) == 200
    assert await status(lowest, tokens[direct]) == 403
    assert await status(lowest, tokens[lowest]) == 403


async def test_a_direct_account_does_not_raise_what_holds_back_its_calls(api: Api) -> None:
    direct = await api.create_account("Direct")
    token, path = await api.account_token(direct), f"/v2/accounts/{direct}/limits"
    for name, value in (
        ("outbound_classes", ["international"]),
        ("outbound_minutes", 100_000),
        ("resource_consuming_calls", 1000),
    ):
        (await api.post(path, {name: value}, token=token)).expect(403)
    (await api.post(path, {"outbound_minutes": 60})).expect(200)
    kept = (await api.post(path, {"inbound_trunks": 1}, token=token)).expect(200).data
    assert (kept["outbound_minutes"], kept["inbound_trunks"]) == (60, 1)
    (await api.post(path, kept, token=token)).expect(200)
