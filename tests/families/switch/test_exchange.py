"""What is done to calls by a switch that does it, from the command to what is shown of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Api
from tests.families.support import make, refusal
from tests.families.switch.exchange import Exchange
from tests.families.switch.support import teller


@pytest.fixture
def switch() -> Exchange:
    return Exchange()


@pytest.fixture
async def exchange(api: Api, switch: Exchange) -> Exchange:
    """The switch of the gateway, with two legs of a call."""
    switch.teller = await teller(api)
    await switch.call("a@x", direction="inbound", destination="200")
    await switch.call("b@x", direction="outbound", destination="200")
    await switch.bridge("a@x", "b@x")
    return switch


async def legs(api: Api) -> dict[str, Any]:
    rows = (await api.get(f"{api.account}/channels")).expect(200).data
    return {row["uuid"]: row for row in rows}


async def act(api: Api, action: str, **arguments: Any) -> str:
    path = f"{api.account}/channels/a@x"
    answer = await api.post(path, arguments, action=action)
    told: str = answer.expect(200).data
    return told


async def test_a_call_is_transferred(api: Api, exchange: Exchange) -> None:
    more = {"transfer-type": "blind", "moh": "m"}
    assert await act(api, "transfer", target="300", **more) == "transfer initiated"
    assert exchange.done[-1].data == {
        "target": "300",
        **more,
        "call_id": "a@x",
        "other_leg_call_id": "b@x",
    }
    found = await legs(api)
    assert {uuid: leg["destination"] for uuid, leg in found.items()} == {"b@x": "300"}


async def test_a_call_is_hung_up(api: Api, exchange: Exchange) -> None:
    assert await act(api, "hangup") == "hangup initiated"
    assert [*await legs(api)] == ["b@x"]
    (await api.post(f"{api.account}/channels/a@x", {"action": "hangup"})).expect(404)
    assert [each.name for each in exchange.done] == ["channels.hangup"]


async def test_a_call_goes_on_in_a_callflow(api: Api, exchange: Exchange) -> None:
    flow = "f" * 32
    assert await act(api, "callflow", id=flow, captures={"1": "x"}) == "callflow initiated"
    assert (await legs(api))["a@x"]["callflow_id"] == flow
    assert exchange.done[-1].data["captures"] == {"1": "x"}


async def test_a_call_is_intercepted(api: Api, exchange: Exchange) -> None:
    device = await make(api, "devices")
    asked = {"target_type": "device", "target_id": device, "unbridged_only": False}
    assert await act(api, "intercept", **asked) == "intercept initiated"
    found = await legs(api)
    assert (found["taken@x"]["authorizing_id"], found["a@x"]["other_leg"]) == (device, "taken@x")


async def test_a_call_is_moved_to_another_of_a_user(api: Api, exchange: Exchange) -> None:
    user = await make(api, "users")
    assert await act(api, "move", owner_id=user) == "move initiated"
    [moved] = (await api.get(f"{api.account}/users/{user}/channels")).expect(200).data
    assert moved["uuid"] == "a@x"


async def test_what_runs_in_a_call_is_broken_off_and_it_is_recorded(
    api: Api, exchange: Exchange
) -> None:
    assert await act(api, "break") == "break initiated"
    assert await act(api, "start_record", format="mp3") == "start record initiated"
    assert (await legs(api))["a@x"]["custom_channel_vars"] == {"is_recording": True}
    assert await act(api, "stop_record") == "stop record initiated"
    [made] = (await api.get(f"{api.account}/recordings")).expect(200).data
    assert (made["call_id"], made["duration"]) == ("a@x", 3)


async def test_a_metaflow_runs_in_a_call(api: Api, exchange: Exchange) -> None:
    path = f"{api.account}/channels/a@x"
    sent = {"action": "metaflow", "data": {"module": "hangup", "data": {"quick": True}}}
    assert (await api.put(path, sent)).expect(201).data == "metaflow sent"
    assert exchange.done[-1].data["metaflow"]["data"] == {"quick": True}
    assert [*await legs(api)] == ["b@x"]
    refusal(
        await api.put(f"{api.account}/channels/b@x", {"action": "metaflow"}), "module", "required"
    )


async def test_a_supervisor_listens_to_a_call(api: Api, exchange: Exchange) -> None:
    path, device = f"{api.account}/queues/eavesdrop", await make(api, "devices")
    asked = {"id": device, "call_id": "a@x", "mode": "whisper"}
    data = (await api.put(path, asked)).expect(201).data
    assert (data["call_id"], data["mode"]) == ("spy@x", "whisper")
    [leg] = (await api.get(f"{api.account}/devices/{device}/channels")).expect(200).data
    assert leg["uuid"] == "spy@x"
    refusal(await api.put(path, {**asked, "call_id": "z@x"}), "call_id", "not_found")


async def test_who_talks_in_a_conference_is_muted_and_sent_away(
    api: Api, exchange: Exchange
) -> None:
    room = await make(api, "conferences")
    path = f"{api.account}/conferences/{room}/participants"
    await exchange.enter(room, {"participant_id": 1}, {"participant_id": 2})
    assert (await api.put(f"{path}/1", {"action": "mute"})).expect(201).data == "ok"
    people = (await api.get(path)).expect(200).data
    assert people == [{"participant_id": 1, "speak": False}, {"participant_id": 2}]
    assert (await api.put(f"{path}/2", {"action": "kick"})).expect(201).data == "ok"
    assert [each["participant_id"] for each in (await api.get(path)).data] == [1]


async def test_agents_lamps_and_phones_are_what_was_ordered(api: Api, exchange: Exchange) -> None:
    user = await make(api, "users")
    (await api.post(f"{api.account}/agents/{user}/status", {"status": "login"})).expect(200)
    assert (await api.get(f"{api.account}/agents/{user}/status")).expect(200).data == "ready"
    sip = {"username": "ann", "password": "s3cret-s3cret"}
    device = await make(api, "devices", presence_id="101", sip=sip)
    order = {"action": "set", "state": "early"}
    (await api.post(f"{api.account}/devices/{device}/presence", order)).expect(200)
    shown = (await api.get(f"{api.account}/presence/101")).expect(200).data
    assert shown["101"]["state"] == "early"
    assert exchange.teller is not None
    await exchange.teller.tell("register", {"username": "ann", "expires": 60})
    (await api.delete(f"{api.account}/registrations/ann")).expect(200)
    assert (await api.get(f"{api.account}/registrations")).expect(200).data == []
