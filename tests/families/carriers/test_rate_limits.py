"""Rate limits of accounts and devices, and dial plans of the system."""

from __future__ import annotations

from typing import Any

from crossbar.storage import Key
from tests.conftest import Api
from tests.families.carriers.support import configure
from tests.families.support import make, refusal, stored_account

PER: dict[str, Any] = {
    "per_minute": {"total_packets": 100, "invites": 10},
    "per_second": {"total_packets": 10},
}


async def test_an_account_has_limits_of_its_own(api: Api) -> None:
    path = f"{api.account}/rate_limits"
    assert (await api.get(path)).expect(200).data == {}
    assert (await api.delete(path)).expect(200).data == {}
    sent = {"account": PER, "device": PER, "note": "kept"}
    written = (await api.post(path, sent)).expect(200).data
    doc_id = written.pop("id")
    assert written == sent
    assert (await api.get(path)).expect(200).data == {**sent, "id": doc_id}
    key = Key(api.master.account_id, "rate_limits", doc_id)
    stored = await api.gateway.services.store.get(key) or {}
    account = await stored_account(api, api.master.account_id)
    assert (stored["pvt_owner_type"], stored["pvt_queryname"]) == ("account", account["realm"])
    (await api.delete(path)).expect(200)
    assert (await api.get(path)).expect(200).data == {}
    (await api.post(path, sent)).expect(200)


async def test_a_device_has_limits_of_its_own(api: Api) -> None:
    device_id = await make(api, "devices", sip={"username": "desk"})
    path = f"{api.account}/devices/{device_id}/rate_limits"
    assert (await api.get(path)).expect(200).data == {}
    written = (await api.post(path, PER)).expect(200).data
    assert (await api.get(path)).expect(200).data == written
    assert (await api.get(f"{api.account}/rate_limits")).expect(200).data == {}
    key = Key(api.master.account_id, "rate_limits", written["id"])
    stored = await api.gateway.services.store.get(key) or {}
    assert (stored["pvt_owner_id"], stored["pvt_queryname"]) == (device_id, "desk")
    assert (await api.delete(path)).expect(200).data["_read_only"]["deleted"] is True


async def test_limits_say_how_many_packets(api: Api) -> None:
    sent = {"account": {"per_minute": {}, "per_second": {"total_packets": 1}}, "device": PER}
    answer = await api.post(f"{api.account}/rate_limits", sent)
    refusal(answer, "account.per_minute.total_packets", "required")


async def test_limits_of_unknown_devices_are_not_found(api: Api) -> None:
    for method in ("GET", "POST", "DELETE"):
        path = f"{api.account}/devices/{'0' * 32}/rate_limits"
        (await api.request(method, path, PER)).expect(404)
    (await api.put(f"{api.account}/rate_limits", {})).expect(405)


async def test_dial_plans_are_named_by_themselves_or_by_their_expression(api: Api) -> None:
    path = f"{api.account}/dialplans"
    assert (await api.get(path)).expect(200).data == {}
    await configure(
        api,
        "dialplans",
        **{
            r"^(\d{10})$": {"name": "US", "prefix": "+1"},
            r"^(\d{7})$": [{"prefix": "+1415"}, {"name": "NY", "prefix": "+1212"}, "nonsense"],
        },
    )
    assert (await api.get(path)).expect(200).data == {
        "US": {"name": "US", "prefix": "+1", "regex": r"^(\d{10})$"},
        r"^(\d{7})$": {"name": r"^(\d{7})$", "prefix": "+1415"},
        "NY": {"name": "NY", "prefix": "+1212", "regex": r"^(\d{7})$"},
    }
