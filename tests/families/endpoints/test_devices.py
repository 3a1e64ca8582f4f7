"""Devices: SIP credentials, addresses, kinds, and whose they are."""

from __future__ import annotations

from typing import Any

import pytest

from crossbar.families.endpoints.acls import SWITCH_CONFIG
from crossbar.storage import Batch, Put
from tests.conftest import Api
from tests.families.support import ANN, BOB, make, refusal, row, shown


async def clash(api: Api, path: str, **device: Any) -> str:
    """The message with which a second device is refused for a value at ``path``."""
    answer = await api.put(f"{api.account}/devices", {"name": "Second", **device})
    message: str = refusal(answer, path, "unique")["message"]
    return message


async def test_a_mac_address_is_kept_bare_and_is_unique(api: Api) -> None:
    doc_id = await make(api, "devices", mac_address="00:1A:2b-3c.4D 5e")
    assert (await shown(api, "devices", doc_id))["mac_address"] == "001a2b3c4d5e"
    message = await clash(api, "mac_address", mac_address="001A2B3C4D5E")
    assert message == "MAC address already in use"
    other = await api.create_account("Other")
    elsewhere = {"name": "Desk", "mac_address": "001a2b3c4d5e"}
    (await api.put(f"/v2/accounts/{other}/devices", elsewhere)).expect(201)


async def test_sip_user_names_are_unique_in_an_account_whatever_their_case(api: Api) -> None:
    await make(api, "devices", sip={"username": "Desk"})
    assert await clash(api, "sip.username", sip={"username": "dESK"}) == (
        "SIP credentials already in use"
    )
    other = await api.create_account("Other")
    elsewhere = {"name": "Desk", "sip": {"username": "desk"}}
    (await api.put(f"/v2/accounts/{other}/devices", elsewhere)).expect(201)


async def test_sip_user_names_are_unique_in_a_realm_that_two_accounts_use(api: Api) -> None:
    await make(api, "devices", sip={"username": "desk", "realm": "shared.example.com"})
    other = await api.create_account("Other")
    device = {"name": "Desk", "sip": {"username": "DESK", "realm": "Shared.example.com"}}
    refused = await api.put(f"/v2/accounts/{other}/devices", device)
    refusal(refused, "sip.username", "unique")


async def test_the_accounts_own_realm_is_not_repeated(api: Api) -> None:
    realm = (await api.get(api.account)).data["realm"]
    doc_id = await make(api, "devices", sip={"realm": realm.upper(), "username": "desk"})
    assert "realm" not in (await shown(api, "devices", doc_id))["sip"]


async def test_a_device_known_by_its_address_needs_one_that_nobody_has(api: Api) -> None:
    for wrong in ({"method": "ip"}, {"method": "ip", "ip": "1.2.3"}, {"method": "ip", "ip": 7}):
        device = {"name": "Trunk", "sip": wrong}
        refusal(await api.put(f"{api.account}/devices", device), "sip.ip", "type")
    sip = {"method": "ip", "ip": "192.0.2.7"}
    await make(api, "devices", sip=sip)
    await make(api, "devices", sip={"method": "password", "ip": "192.0.2.7"})
    assert await clash(api, "sip.ip", sip=sip) == "SIP IP already in use"
    other = await api.create_account("Other")
    elsewhere = {"name": "Trunk", "sip": sip}
    refused = await api.put(f"/v2/accounts/{other}/devices", elsewhere)
    refusal(refused, "sip.ip", "unique")


async def test_an_unknown_sip_method_is_refused(api: Api) -> None:
    answer = await api.put(f"{api.account}/devices", {"name": "Desk", "sip": {"method": "magic"}})
    assert refusal(answer, "sip.method", "enum")["target"] == ["password", "ip"]


async def test_only_operators_change_what_kind_of_device_it_is(api: Api) -> None:
    tenant = await api.create_account("Tenant")
    token = await api.account_token(tenant)
    path = f"/v2/accounts/{tenant}/devices"
    created = (await api.put(path, {"name": "Desk"}, token=token)).expect(201)
    device = f"{path}/{created.data['id']}"
    (await api.post(device, {"name": "D", "device_type": "sip_device"}, token=token)).expect(200)
    refused = await api.patch(device, {"device_type": "fax"}, token=token)
    assert refusal(refused, "device_type", "invalid")["cause"] == "fax"
    (await api.patch(device, {"device_type": "fax"})).expect(200)
    refused = await api.post(device, {"name": "Desk"}, token=token)
    refusal(refused, "device_type", "invalid")


async def test_a_mobile_needs_a_number_that_is_its_own_and_stays(api: Api) -> None:
    devices = f"{api.account}/devices"
    mobile = {"name": "Mobile", "device_type": "mobile"}
    refusal(await api.put(devices, mobile), "mobile.mdn", "required")
    refusal(await api.put(devices, {**mobile, "mobile": "x"}), "mobile.mdn", "required")
    refusal(await api.put(devices, {**mobile, "mobile": {"mdn": 5}}), "mobile.mdn", "type")
    doc_id = await make(api, "devices", **mobile, mobile={"mdn": "4155550100"})
    assert await clash(api, "mobile.mdn", **mobile | {"mobile": {"mdn": "+14155550100"}}) == (
        "Mobile number already in use"
    )
    changed = await api.patch(f"{devices}/{doc_id}", {"mobile": {"mdn": "4155550199"}})
    refusal(changed, "mobile.mdn", "invalid")
    (await api.patch(f"{devices}/{doc_id}", {"name": "Renamed"})).expect(200)


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ([" a ", "b"], ["a", "b"]),
        ({"static": [" a "], "dynamic": ["b "]}, {"static": ["a"], "dynamic": ["b"]}),
    ],
)
async def test_outbound_flags_are_trimmed(api: Api, sent: Any, stored: Any) -> None:
    doc_id = await make(api, "devices", outbound_flags=sent)
    assert (await shown(api, "devices", doc_id))["outbound_flags"] == stored


@pytest.mark.parametrize("wrong", [[" a ", 5], {"static": "a"}, "a"])
async def test_outbound_flags_of_another_shape_are_refused(api: Api, wrong: Any) -> None:
    device = {"name": "Desk", "outbound_flags": wrong}
    (await api.put(f"{api.account}/devices", device)).expect(400)


async def test_keys_that_were_emptied_are_not_stored(api: Api) -> None:
    key = {"type": "line"}
    keys = {"1": None, "2": key}
    doc_id = await make(api, "devices", provision={"combo_keys": keys, "feature_keys": keys})
    provision = (await shown(api, "devices", doc_id))["provision"]
    assert provision == {"combo_keys": {"2": key}, "feature_keys": {"2": key}}
    for wrong in ("x", {"combo_keys": "x"}):
        device = {"name": "Desk", "provision": wrong}
        (await api.put(f"{api.account}/devices", device)).expect(400)


async def test_the_emergency_number_becomes_e164_and_resync_is_not_stored(api: Api) -> None:
    emergency = {"emergency": {"number": "415 555 0100"}}
    doc_id = await make(api, "devices", caller_id=emergency, sync=True)
    device = await shown(api, "devices", doc_id)
    assert device["caller_id"]["emergency"]["number"] == "+14155550100"
    assert "sync" not in device


async def test_a_list_shows_sip_user_and_fixed_defaults(api: Api) -> None:
    doc_id = await make(api, "devices", sip={"username": "desk"})
    assert await row(api, "devices") == {
        "id": doc_id,
        "name": "Desk",
        "username": "desk",
        "mac_address": "",
        "enabled": True,
        "device_type": "sip_device",
        "flags": [],
    }


async def test_a_users_devices_are_those_it_owns_and_those_where_it_is_logged_in(
    api: Api,
) -> None:
    ann, bob = await make(api, "users", **ANN), await make(api, "users", **BOB)
    owned = await make(api, "devices", owner_id=ann, hotdesk={"users": {ann: {}}})
    lent = await make(api, "devices", owner_id=bob, hotdesk={"users": {ann: {}}})
    await make(api, "devices", owner_id=bob)
    listed = (await api.get(f"{api.account}/users/{ann}/devices")).expect(200).data
    common = {"name": "Desk", "mac_address": "", "enabled": True, "device_type": "sip_device"}
    rows = {device["id"]: device for device in listed}
    assert rows == {
        owned: {**common, "id": owned, "owner_id": ann, "hotdesked": False},
        lent: {**common, "id": lent, "owner_id": bob, "hotdesked": True},
    }
    assert len((await api.get(f"{api.account}/users/{bob}/devices")).data) == 2


async def test_creating_below_a_user_does_not_set_the_owner(api: Api) -> None:
    ann = await make(api, "users", **ANN)
    path = f"{api.account}/users/{ann}/devices"
    created = (await api.put(path, {"name": "Desk"})).expect(201)
    assert "owner_id" not in created.data
    (await api.get(f"{path}/{created.data['id']}")).expect(200)


async def test_an_address_of_the_systems_networks_is_no_devices(api: Api) -> None:
    sip = {"method": "ip", "ip": "192.0.2.7"}
    own = await make(api, "devices", sip=sip)
    (await api.patch(f"{api.account}/devices/{own}", {"sip": {"ip": "192.0.2.8"}})).expect(200)
    acls = {
        "odd": {"cidr": "nonsense"},
        "other": {"cidr": "198.51.100.0/24"},
        "own": {"cidr": "192.0.2.8/32", "authorizing_id": own},
        "carrier": {"cidr": "203.0.113.1/24"},
    }
    config = {"_rev": "1-0", "default": {"acls": acls}}
    await api.gateway.services.store.commit(Batch(puts=[Put(SWITCH_CONFIG, config, None)]))
    (await api.patch(f"{api.account}/devices/{own}", {"name": "Still"})).expect(200)
    listed = {"name": "New", "sip": {"method": "ip", "ip": "203.0.113.9"}}
    refusal(await api.put(f"{api.account}/devices", listed), "sip.ip", "unique")
    free = {"name": "New", "sip": {"method": "ip", "ip": "192.0.2.9"}}
    (await api.put(f"{api.account}/devices", free)).expect(201)
