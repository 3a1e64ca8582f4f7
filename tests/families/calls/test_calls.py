"""Calls and registrations while no switch is connected: there are none, wherever one asks."""

from __future__ import annotations

import pytest

from tests.conftest import Api
from tests.families.porting.support import customer_of
from tests.families.support import make, refusal, told

DEVICE = {"name": "Phone", "sip": {"username": "Ann1", "password": "s3cret-s3cret"}}


async def test_nobody_talks(api: Api) -> None:
    user, group = await make(api, "users"), await make(api, "groups", endpoints={})
    device = (await api.put(f"{api.account}/devices", DEVICE)).expect(201).data["id"]
    for path in (
        "/v2",
        api.account,
        f"{api.account}/users/{user}",
        f"{api.account}/devices/{device}",
        f"{api.account}/groups/{group}",
    ):
        answer = (await api.get(f"{path}/channels?paginate=false")).expect(200)
        assert answer.data == []
    (await api.get(f"{api.account}/users/{'0' * 32}/channels")).expect(404)
    for verb in ("GET", "POST", "PUT"):
        answer = await api.request(verb, f"{api.account}/channels/a1@x", {"action": "hangup"})
        assert answer.expect(404).data["cause"] == "a1@x"


async def test_the_calls_of_all_accounts_are_for_operators(api: Api) -> None:
    child = await customer_of(api)
    for path in ("channels", "registrations/count"):
        (await api.get(f"/v2/{path}", token=child.admin)).expect(403)
        (await api.get(f"/v2/{path}")).expect(200)


async def test_no_phone_is_registered(api: Api) -> None:
    path = f"{api.account}/registrations"
    assert (await api.get(path)).expect(200).data == []
    assert (await api.get(f"{path}/count")).expect(200).data == {"count": 0}
    assert (await api.get("/v2/registrations/count")).expect(200).data == {"count": 0}
    assert (await api.delete(path)).expect(200).data == "ok"
    (await api.put(f"{api.account}/devices", DEVICE)).expect(201)
    assert (await api.delete(f"{path}/ANN1")).expect(200).data == "ok"
    assert [command.data.get("username") for command in told(api, "registrations.flush")] == [
        None,
        "ANN1",
    ]
    answer = await api.delete(f"{path}/bob")
    assert answer.expect(404).data["cause"] == "bob"


@pytest.mark.parametrize("tail", ["", "/interaction"])
async def test_nobody_has_talked(api: Api, tail: str) -> None:
    user = await make(api, "users")
    for base in (api.account, f"{api.account}/users/{user}"):
        answer = (await api.get(f"{base}/cdrs{tail}?page_size=50")).expect(200)
        assert (answer.data, answer.body["page_size"]) == ([], 0)
        table = (await api.get(f"{base}/cdrs{tail}?accept=text/csv")).expect(204)
        assert table.content == b""
    path = f"{api.account}/cdrs{tail}"
    refusal(await api.get(f"{path}?created_from=10&created_to=5"), "created_from", "date_range")
    (await api.get(f"{path}?utc_offset=-3600")).expect(200)
    answer = await api.get(f"{path}?utc_offset=noon")
    assert answer.expect(404).data["message"] == "utc_offset must be a number"
    (await api.get(f"{api.account}/users/{'0' * 32}/cdrs{tail}")).expect(404)


async def test_no_call_is_known(api: Api) -> None:
    assert (await api.get(f"{api.account}/cdrs/summary")).expect(200).data == {}
    for tail in ("202611-a1@x", "legs/202611-a1@x"):
        answer = await api.get(f"{api.account}/cdrs/{tail}")
        assert answer.expect(404).data["cause"] == "202611-a1@x"
