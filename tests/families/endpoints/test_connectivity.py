"""Connectivity: trunks that log in to the account's realm, under names of their own."""

from __future__ import annotations

from typing import Any

from tests.conftest import Api
from tests.families.support import make, refusal, shown, told

SERVER = {"auth": {"auth_user": "Trunk", "auth_password": "s3cret"}, "name": "PBX"}


async def realm(api: Api) -> str:
    name: str = (await api.get(api.account)).expect(200).data["realm"]
    return name


async def test_rows_are_ids(api: Api) -> None:
    made = [await make(api, "connectivity") for _ in range(2)]
    path = f"{api.account}/connectivity"
    assert (await api.get(path)).expect(200).data == sorted(made, reverse=True)
    whole = (await api.get(f"{path}?full_docs=true")).expect(200).data
    assert {one["id"] for one in whole} == {*made}


async def test_the_realm_is_the_accounts_on_every_save(api: Api) -> None:
    doc_id = await make(api, "connectivity", account={"auth_realm": "other", "trunks": 2})
    path = f"{api.account}/connectivity/{doc_id}"
    account = (await shown(api, "connectivity", doc_id))["account"]
    assert account == {"auth_realm": await realm(api), "trunks": 2}
    for verb in ("POST", "PATCH"):
        sent: Any = {"account": {"auth_realm": "x"}}
        data = (await api.request(verb, path, sent)).expect(200).data
        assert data["account"]["auth_realm"] == await realm(api)
    assert (await api.post(path, {})).expect(200).data["account"] == {
        "auth_realm": await realm(api)
    }
    refusal(await api.post(path, {"account": 5}), "account", "type")


async def test_servers_and_phones_share_one_namespace(api: Api) -> None:
    await make(api, "connectivity", servers=[SERVER, SERVER])
    phone = {"name": "x", "sip": {"username": "trunk", "password": "s3cret"}}
    answer = await api.put(f"{api.account}/devices", phone)
    assert refusal(answer, "sip.username", "unique")["cause"] == "trunk"
    await make(api, "devices", sip={"username": "phone"})
    taken = {"auth": {"auth_user": "PHONE"}}
    answer = await api.put(f"{api.account}/connectivity", {"servers": [taken]})
    refusal(answer, "servers", "unique")
    assert b"s3cret" not in answer.content
    odd = {"servers": [5, {"auth": 5}, {"auth": {"auth_user": 5}}, taken]}
    (await api.put(f"{api.account}/connectivity", odd)).expect(400)


async def test_a_switch_is_told_to_forget(api: Api) -> None:
    doc_id = await make(api, "connectivity")
    path = f"{api.account}/connectivity/{doc_id}"
    facts = {"id": doc_id, "realm": await realm(api)}
    assert [command.data for command in told(api, "registrations.flush")] == [facts]
    (await api.post(path, {})).expect(200)
    (await api.patch(path, {"name": "x"})).expect(200)
    assert [command.data for command in told(api, "trunks.flush")] == [facts, facts]
    (await api.delete(path)).expect(200)
    assert len(told(api, "registrations.flush")) == 2
