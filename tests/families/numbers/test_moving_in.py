"""Numbers that other parts of the gateway bring in, as a port does that is completed."""

from __future__ import annotations

import pytest

from crossbar.core.requests import Actor
from crossbar.core.writing import perform
from crossbar.errors import NumberExists
from crossbar.families.numbers import bring_in
from crossbar.storage import SYSTEM, Key
from tests.conftest import PASSWORD, Api, credentials
from tests.families.numbers.support import M, N, path, stock, tenant, told
from tests.families.support import ANN


async def bring(api: Api, account_id: str, *numbers: str) -> None:
    """Have the numbers moved to an account, as nothing in the API does by itself."""
    actor = Actor(services=api.gateway.services, account_id=account_id, request_id="test")
    turn = Key(SYSTEM, "test", "turn")
    await perform(actor, turn, lambda work: bring_in(work, account_id, numbers))


async def test_numbers_are_brought_in_that_nobody_else_has(api: Api) -> None:
    first, _ = await tenant(api, "First")
    second, token = await tenant(api, "Second")
    unknown, offered, theirs, carried = N, M, "+14155550102", "+14155550103"
    await stock(api, offered)
    (await api.put(path(first, f"/{theirs}"), {"name": "Home"})).expect(201)
    mine = await api.put(f"/v2/accounts/{second}/callflows", {"numbers": [carried]})
    with pytest.raises(NumberExists):
        await bring(api, second, unknown, theirs)
    assert (await api.get(path(second), token=token)).expect(200).data["numbers"] == {}
    await bring(api, second, unknown, offered, carried)
    listed = (await api.get(path(second), token=token)).expect(200).data["numbers"]
    assert set(listed) == {unknown, offered, carried}
    assert {each["state"] for each in listed.values()} == {"in_service"}
    assert listed[carried]["used_by"] == "callflow"
    assert "used_by" not in listed[offered]
    (await api.get(path(second, f"/{carried}"), token=token)).expect(200)
    assert mine.status == 201


async def test_a_callflow_of_another_account_keeps_its_number_without_effect(api: Api) -> None:
    other, _ = await tenant(api, "Other")
    owner, _ = await tenant(api, "Owner")
    for account in (other, owner):
        (await api.put(f"/v2/accounts/{account}/users", ANN)).expect(201)
    callflows = f"/v2/accounts/{other}/callflows"
    callflow = (await api.put(callflows, {"numbers": [N]})).expect(201).data["id"]
    await bring(api, owner, N)
    assert "used_by" not in (await api.get(path(owner, f"/{N}"))).expect(200).data
    digest = credentials("ann", ANN["password"], "")["credentials"]
    login = await api.put("/v2/user_auth", {"credentials": digest, "phone_number": N}, token="")
    assert login.expect(201).data["account_id"] == owner
    (await api.patch(f"{callflows}/{callflow}", {"name": "x"})).expect(200)
    (await api.patch(f"{callflows}/{callflow}", {"numbers": ["2001"]})).expect(200)
    told(await api.patch(f"{callflows}/{callflow}", {"numbers": [N]}), 403, "forbidden")


async def test_a_login_by_number_is_led_to_who_has_the_number_in_service(api: Api) -> None:
    digest = credentials("admin", PASSWORD, "")["credentials"]
    named = {"credentials": digest, "phone_number": N}
    (
        await api.put(path(api.master.account_id, f"/{N}"), {"create_with_state": "reserved"})
    ).expect(201)
    (await api.put("/v2/user_auth", named, token="")).expect(401)
    api.clock.advance(1000)
    (await api.put(path(api.master.account_id, f"/{N}/activate"))).expect(201)
    answer = (await api.put("/v2/user_auth", named, token="")).expect(201)
    assert answer.data["account_id"] == api.master.account_id
