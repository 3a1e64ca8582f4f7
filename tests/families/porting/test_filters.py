"""Filters of lists of port requests, which are grouped by account."""

from __future__ import annotations

from tests.conftest import Api
from tests.families.porting.support import NUMBER, OTHER, customer_of, make_port

LAST = "+14155550102"


async def test_lists_of_port_requests_are_filtered(api: Api) -> None:
    one, two = await customer_of(api, "One"), await customer_of(api, "Two")
    bill = {"name": "Doe", "pin": "8642"}
    first = await make_port(api, one.path, name="First", numbers={NUMBER: {}}, bill=bill)
    second = await make_port(api, one.path, name="Second", numbers={OTHER: {}})
    third = await make_port(api, two.path, name="Second", numbers={LAST: {}})

    async def found(path: str, asked: str, token: str | None = None) -> dict[str, list[str]]:
        groups = (await api.get(f"{path}/port_requests?{asked}", token=token)).expect(200).data
        return {
            group["account_id"]: sorted(each["id"] for each in group["port_requests"])
            for group in groups
        }

    below = f"{api.account}/descendants"
    assert await found(one.path, "") == {one.account_id: sorted([first, second])}
    assert await found(one.path, "filter_name=First") == {one.account_id: [first]}
    assert await found(one.path, "filter_not_name=First") == {one.account_id: [second]}
    assert await found(one.path, "has_key=bill.name") == {one.account_id: [first]}
    assert await found(one.path, "filter_name=nobody") == {}
    assert await found(below, "filter_name=Second") == {
        one.account_id: [second],
        two.account_id: [third],
    }
    assert await found(below, "filter_name=First") == {one.account_id: [first]}
    by_number = f"{one.path}/port_requests?by_number={NUMBER.replace('+', '%2B')}"
    for asked, ids in (("filter_name=First", [first]), ("filter_name=Second", [])):
        answer = (await api.get(f"{by_number}&{asked}")).expect(200)
        assert [each["id"] for each in answer.data] == ids
    guess = "filter_bill.pin=8642"
    assert await found(one.path, guess, one.admin) == {one.account_id: [first]}
    assert await found(one.path, guess, one.user) == {}
