"""Presence: asked, reset and set, with presence servers and without."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from crossbar.core import writing
from crossbar.core.ports.switch import Command, NoSwitch
from crossbar.documents import Document
from tests.conftest import Api
from tests.families.support import ANN, interrupt_commits, make, refusal, stored, told


async def realm(api: Api) -> str:
    name: str = (await api.get(api.account)).data["realm"]
    return name


def answering(monkeypatch: pytest.MonkeyPatch, *answers: Document) -> list[Command]:
    """Let presence servers answer; what they are asked."""
    asked = []

    async def ask(_: NoSwitch, command: Command) -> list[Document]:
        asked.append(command)
        return list(answers)

    monkeypatch.setattr(NoSwitch, "ask", ask)
    return asked


@pytest.mark.parametrize("tail", ["", "/2001"])
async def test_without_presence_servers_time_runs_out(api: Api, tail: str) -> None:
    assert (await api.get(f"{api.account}/presence{tail}")).expect(200).data == {"timeout": True}


async def test_numbers_of_subscriptions_are_added_up(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answering(
        monkeypatch,
        {"subscriptions": {"dialog": 2, "presence": 1}, "node": "a", "up": True},
        {"subscriptions": {"dialog": 3}, "node": "b", "total": 1, "up": True},
    )
    answer = await api.get(f"{api.account}/presence?event=dialog")
    expected: Document = {"subscriptions": {"dialog": 5, "presence": 1}, "node": "b", "total": 1}
    expected["up"] = True
    assert answer.expect(200).data == expected
    facts = {"event": "dialog", "realm": await realm(api)}
    assert asked == [Command("presence.summary", api.master.account_id, facts)]


async def test_subscriptions_to_an_extension_are_put_together(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answering(monkeypatch, {"dialog": {"a": 1}}, {"dialog": {"b": 2}})
    answer = await api.get(f"{api.account}/presence/2001")
    assert answer.expect(200).data == {"dialog": {"a": 1, "b": 2}}
    assert asked[0].data == {"extension": "2001", "realm": await realm(api)}


async def test_an_extension_is_reset(api: Api) -> None:
    answer = await api.post(f"{api.account}/presence/2001", {})
    assert answer.expect(200).data == "reset command sent for extension 2001"
    facts = {"presence_id": "2001", "realm": await realm(api)}
    assert told(api, "presence.reset") == [Command("presence.reset", api.master.account_id, facts)]
    refused = (await api.post(f"{api.account}/presence", {})).expect(404)
    assert refused.body["message"] == "faulty_request"


async def test_there_are_no_reports(api: Api) -> None:
    (await api.get(f"{api.account}/presence/report-7")).expect(404)


async def test_the_presence_of_a_device_is_set_and_kept(api: Api) -> None:
    first = await make(api, "devices", presence_id="2001")
    second = await make(api, "devices", sip={"username": "desk"})
    for device_id, state in ((first, "early"), (second, "confirmed"), (first, "terminated")):
        path = f"{api.account}/devices/{device_id}/presence"
        answer = await api.post(path, {"action": "set", "state": state})
        assert answer.expect(200).data == "command sent"
    kept = await stored(api, "manual_presence", "manual_presence")
    assert kept["manual_presence"] == {"2001": "terminated", "desk": "confirmed"}
    assert [command.data for command in told(api, "presence.set")] == [
        {"presence_id": "2001", "state": "early"},
        {"presence_id": "desk", "state": "confirmed"},
        {"presence_id": "2001", "state": "terminated"},
    ]


@pytest.mark.parametrize("data", [{"action": "reset"}, {"reset": True}])
async def test_the_presence_of_a_user_or_its_devices_is_reset(api: Api, data: Any) -> None:
    user_id = await make(api, "users", **ANN)
    path = f"{api.account}/users/{user_id}/presence"
    assert (await api.post(path, data)).expect(200).data == "nothing to send command to"
    await make(api, "devices", owner_id=user_id)
    assert (await api.post(path, data)).data == "nothing to send command to"
    await make(api, "devices", owner_id=user_id, presence_id="2001")
    await make(api, "devices", owner_id=user_id, sip={"username": "desk"})
    assert (await api.post(path, data)).expect(200).data == "command sent"
    names = [command.data["presence_id"] for command in told(api, "presence.reset")]
    assert sorted(names) == ["2001", "desk"]
    (await api.patch(f"{api.account}/users/{user_id}", {"presence_id": "2009"})).expect(200)
    (await api.post(path, data)).expect(200)
    assert told(api, "presence.reset")[2].data["presence_id"] == "2009"


@pytest.mark.parametrize(
    ("data", "path"),
    [
        ({}, "action"),
        ({"action": "jump"}, "action"),
        ({"action": ["set"]}, "action"),
        ({"reset": "no"}, "action"),
        ({"action": "set"}, "state"),
        ({"action": "set", "state": "asleep"}, "state"),
        ({"action": "set", "state": {}}, "state"),
    ],
)
async def test_a_command_needs_an_action_and_a_state(api: Api, data: Any, path: str) -> None:
    device_id = await make(api, "devices", presence_id="2001")
    answer = await api.post(f"{api.account}/devices/{device_id}/presence", data)
    assert refusal(answer, path, "invalid")["target"] == "invalid"
    assert told(api, "presence.set") == told(api, "presence.reset") == []


async def test_states_that_are_set_at_once_are_all_kept(api: Api) -> None:
    ids = [await make(api, "devices", presence_id=str(number)) for number in range(5)]
    data = {"action": "set", "state": "early"}
    paths = [f"{api.account}/devices/{device_id}/presence" for device_id in ids]
    await asyncio.gather(*(api.post(path, data) for path in paths))
    kept = (await stored(api, "manual_presence", "manual_presence"))["manual_presence"]
    assert kept == dict.fromkeys(map(str, range(5)), "early")


@pytest.mark.parametrize(("failures", "status"), [(1, 200), (99, 409)])
async def test_a_state_that_another_process_sets_is_not_lost(
    api: Api, monkeypatch: pytest.MonkeyPatch, failures: int, status: int
) -> None:
    monkeypatch.setattr(writing, "PATIENCE", 0)
    device_id = await make(api, "devices", presence_id="2001")
    interrupt_commits(api, monkeypatch, failures)
    path = f"{api.account}/devices/{device_id}/presence"
    (await api.post(path, {"action": "set", "state": "early"})).expect(status)
