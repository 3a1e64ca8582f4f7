"""Quickcall: what the switch is told to ring and dial."""

from __future__ import annotations

import re
from typing import Any

import pytest

from crossbar.core.ports.switch import Command, NoSwitch, Switch
from crossbar.documents import Document
from crossbar.families.endpoints.quickcall import MARGIN
from tests.conftest import Api
from tests.families.support import ANN, ReadySwitch, SlowSwitch, make, refusal, told

PHONE = {"sip": {"username": "desk", "password": "topsecret"}}


async def phone(api: Api, **more: Any) -> str:
    doc_id = await make(api, "devices", **(PHONE | more))
    return f"{api.account}/devices/{doc_id}/quickcall"


async def test_a_device_rings_and_is_connected(api: Api) -> None:
    path = await phone(api, caller_id={"internal": {"name": "Desk", "number": "2001"}})
    device_id = path.split("/")[-2]
    data = (await api.get(f"{path}/2002")).expect(200).data
    (leg,) = data.pop("endpoints")
    assert re.fullmatch(r"[0-9a-f]{36}-quickcall", leg.pop("outbound_call_id"))
    realm = (await api.get(api.account)).data["realm"]
    assert leg == {
        "endpoint_id": device_id,
        "invite_format": "contact",
        "to_did": "2002",
        "to_realm": realm,
        "to_user": "desk",
        "to_username": "desk",
        "custom_channel_vars": {"auto_answer": True},
    }
    assert data == {
        "application_name": "transfer",
        "application_data": {"route": "2002"},
        "continue_on_fail": False,
        "custom_application_vars": {},
        "custom_channel_vars": {
            "account_id": api.master.account_id,
            "authorizing_id": device_id,
            "authorizing_type": "device",
            "inherit_codec": False,
            "retain_cid": False,
        },
        "dial_endpoint_method": "simultaneous",
        "export_custom_channel_vars": [
            "Account-ID",
            "Retain-CID",
            "Authorizing-ID",
            "Authorizing-Type",
        ],
        "ignore_early_media": True,
        "media": "process",
        "outbound_callee_id_name": "Desk",
        "outbound_callee_id_number": "2001",
        "outbound_caller_id_name": "Device QuickCall",
        "outbound_caller_id_number": "2002",
        "timeout": 30,
    }


async def test_the_switch_is_told_what_is_answered_and_no_secret(api: Api) -> None:
    path = await phone(api)
    answer = (await api.get(f"{path}/2002?auth_token={api.token}&case=7")).expect(200)
    assert told(api, "quickcall") == [Command("quickcall", api.master.account_id, answer.data)]
    assert answer.data["custom_application_vars"] == {"case": "7"}
    assert b"topsecret" not in answer.content


async def test_parameters_tune_the_call(api: Api) -> None:
    path = await phone(api)
    query = "auto_answer=false&cid-name=Ann&cid-number=2009&ignore-early-media=false&media=bypass"
    data = (await api.get(f"{path}/2002?{query}&target_call_id=abc&timeout=12")).expect(200).data
    assert "custom_channel_vars" not in data["endpoints"][0]
    assert data["outbound_callee_id_name"] == "Ann"
    assert data["outbound_callee_id_number"] == "2009"
    assert data["custom_channel_vars"]["retain_cid"] is True
    assert (data["ignore_early_media"], data["media"]) == (False, "bypass")
    assert (data["existing_call_id"], data["timeout"]) == ("abc", 12)
    assert data["custom_application_vars"] == {}


@pytest.mark.parametrize(
    ("timeout", "seconds"),
    [("3", 30), ("4", 4), ("x", 30), ("-5", 30), ("99999", 3600), ("9" * 30, 30)],
)
async def test_a_phone_rings_neither_too_short_nor_too_long(
    api: Api, timeout: str, seconds: int
) -> None:
    path = await phone(api)
    assert (await api.get(f"{path}/2002?timeout={timeout}")).data["timeout"] == seconds


@pytest.mark.parametrize(
    ("number", "number_filter", "dialed"),
    [
        ("(415)%20555-01.00,", None, "4155550100"),
        ("(415)%20555-01.00,", "true", "4155550100"),
        ("(415)-1", "false", "(415)-1"),
        ("0014155550100", "%5E00(%5Cd%2B)", "14155550100"),
    ],
)
async def test_a_number_is_filtered(
    api: Api, number: str, number_filter: str | None, dialed: str
) -> None:
    query = f"?number_filter={number_filter}" if number_filter else ""
    data = (await api.get(f"{await phone(api)}/{number}{query}")).expect(200).data
    assert data["application_data"] == {"route": dialed}


@pytest.mark.parametrize(
    ("number_filter", "rule"),
    [
        ("x(y)", "pattern"),
        ("2002", "pattern"),
        ("(x|)", "pattern"),
        ("(", "invalid"),
        ("(%3F%3D2)(.*)", "invalid"),
        ("(2)%5C1", "invalid"),
        ("(2%7B1000%7D)%7B1000%7D", "invalid"),
        ("(" + "a" * 513 + ")", "invalid"),
        ("(a%2B)%2B", "pattern"),
        ("((2%2B)%2B)%2Bx", "pattern"),
    ],
)
async def test_a_filter_that_captures_nothing_or_is_too_much_is_refused(
    api: Api, number_filter: str, rule: str
) -> None:
    answer = await api.get(f"{await phone(api)}/2002?number_filter={number_filter}")
    refusal(answer, "number_filter", rule)


async def test_a_number_has_an_end(api: Api) -> None:
    refusal(await api.get(f"{await phone(api)}/{'2' * 65}"), "number", "maxLength")


async def test_all_usable_devices_of_a_user_ring(api: Api) -> None:
    user_id = await make(api, "users", **ANN)
    path = f"{api.account}/users/{user_id}/quickcall/2002"
    refusal(await api.get(path), "endpoints", "minItems")
    await make(api, "devices", owner_id=user_id)
    await make(api, "devices", owner_id=user_id, enabled=False, sip={"username": "off"})
    refusal(await api.get(path), "endpoints", "minItems")
    address = {"method": "ip", "ip": "192.0.2.7"}
    fixed = await make(api, "devices", owner_id=user_id, sip=address)
    here = await make(api, "devices", hotdesk={"users": {user_id: {}}}, **PHONE)
    data = (await api.get(path)).expect(200).data
    legs = {leg["endpoint_id"]: leg for leg in data["endpoints"]}
    assert legs.keys() == {fixed, here}
    assert legs[fixed]["to_ip"] == "192.0.2.7"
    assert all("custom_channel_vars" not in leg for leg in legs.values())
    assert data["custom_channel_vars"]["authorizing_type"] == "user"


async def test_waiting_needs_a_switch(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    path = await phone(api)
    sent = {"custom_application_vars": {"case": "7"}, "timeout": 5}
    refused = (await api.post(f"{path}/2002", sent)).expect(503)
    assert refused.body["message"] == "switch_unavailable"
    waited = []

    async def order(_: NoSwitch, command: Command, timeout: float) -> Document:
        waited.append((command.name, timeout))
        return {"call_id": "c1"}

    monkeypatch.setattr(NoSwitch, "order", order)
    data = (await api.post(f"{path}/2002", sent)).expect(200).data
    assert (data["call_id"], data["application_name"]) == ("c1", "transfer")
    assert data["custom_application_vars"] == {"case": "7"}
    assert waited == [("quickcall", 5 + MARGIN)]


class TestASlowSwitch:
    @pytest.fixture
    def switch(self) -> Switch:
        return SlowSwitch()

    async def test_waiting_ends(self, api: Api) -> None:
        path = await phone(api)
        assert (await api.post(f"{path}/2002", {})).expect(503).body["message"] == "timeout"


class TestASwitchThatReachesNobody:
    @pytest.fixture
    def switch(self) -> Switch:
        return ReadySwitch({"cause": "CALL_REJECTED"})

    async def test_it_is_said_why(self, api: Api) -> None:
        refused = (await api.post(f"{await phone(api)}/2002", {})).expect(503)
        assert refused.body["message"] == "no_answer"
        told = {"message": "none of the phones has answered", "cause": "CALL_REJECTED"}
        assert refused.data == told


async def test_who_calls_must_be_known(api: Api) -> None:
    (await api.get(f"{await phone(api)}/2002", token="")).expect(401)


class TestLimited:
    @pytest.fixture
    def overrides(self) -> dict[str, Any]:
        return {"limits.enabled": True, "limits.capacity": 3, "limits.refill": 0.5}

    async def test_nobody_makes_telephones_ring_without_end(self, api: Api) -> None:
        path = await phone(api)
        for _ in range(3):
            (await api.get(f"{path}/2002")).expect(200)
        assert (await api.get(f"{path}/2002")).expect(429).headers["Retry-After"] == "2"
        (await api.post(f"{path}/2002")).expect(429)
        assert len(told(api, "quickcall")) == 3
        (await api.get(api.account)).expect(200)
        api.clock.advance(2)
        (await api.get(f"{path}/2002")).expect(200)
        (await api.get(f"{path}/2002")).expect(429)


async def test_to_ask_about_a_call_does_not_start_it(api: Api) -> None:
    path = await phone(api)
    (await api.request("HEAD", f"{path}/2002")).expect(200)
    assert told(api, "quickcall") == []
    (await api.get(f"{path}/2002")).expect(200)
    assert len(told(api, "quickcall")) == 1
