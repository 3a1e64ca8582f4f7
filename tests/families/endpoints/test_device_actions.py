"""What devices are asked to do, and what the switch hears when they or their users change."""

from __future__ import annotations

from typing import Any

import pytest

from crossbar.core.ports.switch import Command, NoSwitch
from crossbar.documents import Document
from tests.conftest import Api
from tests.families.support import ANN, make, refusal, shown, told

NOTE = {"event": "check-sync", "body": {"content_type": "text/plain", "data": "hello"}}


async def desk(api: Api, **more: Any) -> str:
    return await make(api, "devices", sip={"username": "Desk", "password": "topsecret"}, **more)


async def address(api: Api, device_id: str, username: str = "Desk") -> Document:
    realm = (await api.get(api.account)).data["realm"]
    return {"device_id": device_id, "username": username, "realm": realm}


@pytest.mark.parametrize(
    ("data", "beside"),
    [({"action": "notify", "data": NOTE}, {}), ({"data": NOTE}, {"action": "notify"})],
)
async def test_a_device_is_notified(api: Api, data: Any, beside: Any) -> None:
    device_id = await desk(api)
    answer = await api.put(f"{api.account}/devices/{device_id}", data, **beside)
    assert answer.expect(201).data == "NOTIFY sent"
    assert "location" not in answer.headers
    expected = {**await address(api, device_id), **NOTE}
    assert told(api, "devices.notify") == [
        Command("devices.notify", api.master.account_id, expected)
    ]


async def test_a_notification_without_its_parts_is_refused(api: Api) -> None:
    path = f"{api.account}/devices/{await desk(api)}"
    for data, message in (({}, "action required"), ({"action": "jump"}, "invalid action")):
        assert (await api.put(path, data)).expect(400).body["message"] == message
    refusal(await api.put(path, {"action": "notify"}), "data", "required")
    refusal(await api.put(path, {"action": "notify", "data": {}}), "data.event", "required")
    part = {"event": "x", "body": {"data": "y"}}
    refusal(
        await api.put(path, {"action": "notify", "data": part}),
        "data.body.content_type",
        "required",
    )
    assert told(api, "devices.notify") == []


async def test_a_device_is_asked_to_sync(api: Api) -> None:
    device_id = await desk(api)
    answer = await api.post(f"{api.account}/devices/{device_id}/sync")
    assert answer.expect(200).data == "sync request sent"
    expected = Command("devices.sync", api.master.account_id, await address(api, device_id))
    assert told(api, "devices.sync") == [expected]


async def test_below_a_user_who_is_not_there_nothing_is_asked_of_a_device(api: Api) -> None:
    device_id = await desk(api)
    path = f"{api.account}/users/{'0' * 32}/devices/{device_id}/sync"
    assert (await api.post(path)).expect(404).data["cause"] == "0" * 32
    assert told(api, "devices.sync") == []


async def test_registered_devices_are_those_that_a_registrar_names(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    device_id = await desk(api)
    path = f"{api.account}/devices/status"
    assert (await api.get(path)).expect(200).data == []

    async def ask(_: NoSwitch, command: Command) -> list[Document]:
        assert command.name == "devices.registrations"
        return [{"username": "dESK"}, {"username": "Desk"}, {"username": "stranger"}, {}]

    monkeypatch.setattr(NoSwitch, "ask", ask)
    assert (await api.get(path)).data == [{"device_id": device_id, "registered": True}]


async def test_sync_in_a_change_is_passed_on_and_not_kept(api: Api) -> None:
    device_id = await desk(api, sync=True)
    assert told(api, "devices.sync") == []
    path = f"{api.account}/devices/{device_id}"
    expected = Command("devices.sync", api.master.account_id, await address(api, device_id))
    (await api.patch(path, {"sync": False})).expect(200)
    assert told(api, "devices.sync") == []
    (await api.patch(path, {"sync": True})).expect(200)
    assert told(api, "devices.sync") == [expected]
    (await api.patch(path, {"sync": True, "name": 5})).expect(400)
    assert told(api, "devices.sync") == [expected]
    assert "sync" not in await shown(api, "devices", device_id)


async def test_sync_of_a_user_reaches_each_device(api: Api) -> None:
    user_id = await make(api, "users", **ANN)
    ids = [
        await make(api, "devices", owner_id=user_id),
        await make(api, "devices", hotdesk={"users": {user_id: {}}}),
    ]
    await desk(api)
    path = f"{api.account}/users/{user_id}"
    (await api.patch(path, {"timezone": "UTC"})).expect(200)
    assert told(api, "devices.sync") == []
    assert "sync" not in (await api.patch(path, {"sync": True})).expect(200).data
    assert sorted(one.data["device_id"] for one in told(api, "devices.sync")) == sorted(ids)


async def test_the_switch_forgets_a_device_that_changes_or_goes(api: Api) -> None:
    device_id = await desk(api)
    path = f"{api.account}/devices/{device_id}"
    own, renamed = await address(api, device_id), await address(api, device_id, "lobby")
    assert [one.data for one in told(api, "devices.flush")] == [own]
    (await api.patch(path, {"sip": {"username": "lobby"}})).expect(200)
    assert [one.data for one in told(api, "devices.flush")][1:] == [renamed, own]
    (await api.delete(path)).expect(200)
    assert [one.data for one in told(api, "devices.flush")][3:] == [renamed]


async def test_the_switch_forgets_the_devices_of_a_user_when_that_matters(api: Api) -> None:
    path = f"{api.account}/users/{await make(api, 'users', **ANN)}"
    (await api.patch(path, {"timezone": "UTC"})).expect(200)
    assert told(api, "devices.flush") == []
    (await api.patch(path, {"presence_id": "2001"})).expect(200)
    encryption = {"media": {"encryption": {"enforce_security": True}}}
    (await api.patch(path, encryption)).expect(200)
    flushed = told(api, "devices.flush")
    assert [one.data for one in flushed] == [{"owner_id": path.rsplit("/", 1)[1]}] * 2
    (await api.delete(path)).expect(200)
    assert told(api, "devices.flush") == flushed


async def test_no_secret_reaches_the_switch(api: Api) -> None:
    device_id = await desk(api)
    (await api.post(f"{api.account}/devices/{device_id}/sync")).expect(200)
    switch = api.gateway.services.switch
    assert isinstance(switch, NoSwitch)
    assert switch.told
    assert "topsecret" not in repr(switch.told)
