"""What events say of queues, conferences, parked calls and lamps, and of dialogues."""

from __future__ import annotations

from tests.conftest import Api
from tests.families.support import make
from tests.families.switch.support import TIME, teller


async def test_an_agent_does_what_the_switch_has_told(api: Api) -> None:
    user, fs1 = await make(api, "users"), await teller(api)
    path = f"{api.account}/agents"
    assert (await api.get(f"{path}/{user}/status")).expect(200).data == "unknown"
    await fs1.tell("agent", {"agent_id": user, "status": "ready"})
    assert (await api.get(f"{path}/{user}/status")).expect(200).data == "ready"
    full = (await api.get(f"{path}/{user}/status?full=true")).expect(200).data
    assert full == {"agent_id": user, "status": "ready", "timestamp": TIME}
    all_of_them = (await api.get(f"{path}/status")).expect(200).data
    assert all_of_them == {user: {str(TIME): full}}
    assert (await api.get(f"{path}/status?status=paused")).expect(200).data == {}


async def test_a_conference_has_who_is_in_it(api: Api) -> None:
    room, fs1 = await make(api, "conferences"), await teller(api)
    people = [
        {"participant_id": 1, "conference_channel_vars": {"is_moderator": True}},
        {"participant_id": 2},
    ]
    await fs1.tell("conference", {"conference_id": room, "participants": people}, at=TIME - 30)
    await fs1.tell(
        "conference", {"conference_id": room, "participants": people, "is_locked": True}
    )
    path = f"{api.account}/conferences/{room}"
    facts = (await api.get(path)).expect(200).data["_read_only"]
    assert (facts["members"], facts["moderators"]) == (1, 1)
    assert (facts["duration"], facts["is_locked"]) == (30, True)
    await fs1.tell("conference", {"conference_id": room, "participants": []})
    assert (await api.get(path)).expect(200).data["_read_only"]["members"] == 0


async def test_a_call_is_parked_in_a_slot(api: Api) -> None:
    fs1, path = await teller(api), f"{api.account}/parked_calls"
    await fs1.tell("park", {"slot": "701", "call_id": "a"})
    assert (await api.get(path)).expect(200).data == {"slots": {"701": {"call_id": "a"}}}
    await fs1.send(
        fs1.event("park", {"slot": "701", "call_id": "b"}),
        fs1.event("park", {"slot": "702", "call_id": "c"}),
        fs1.event("unpark", {"slot": "702"}),
    )
    assert (await api.get(path)).expect(200).data == {"slots": {"701": {"call_id": "b"}}}
    await fs1.tell("unpark", {"slot": "701"})
    await fs1.tell("unpark", {"slot": "701"})
    assert (await api.get(path)).expect(200).data == {"slots": {}}


async def test_a_lamp_shows_what_was_told_last(api: Api) -> None:
    fs1, path = await teller(api), f"{api.account}/presence/101"
    assert (await api.get(path)).expect(200).data == {"timeout": True}
    await fs1.tell("presence", {"presence_id": "101", "state": "early", "expires": 60})
    assert (await api.get(path)).expect(200).data["101"]["state"] == "early"
    api.clock.advance(61)
    assert (await api.get(path)).expect(200).data == {"timeout": True}


async def test_calls_of_queues_are_archived(api: Api) -> None:
    fs1 = await teller(api)
    data = {"queue_id": "q", "call_id": "a", "entered_timestamp": TIME - 60, "status": "handled"}
    await fs1.tell("queue.call", {**data, "wait_time": 12})
    await fs1.tell("queue.call", {**data, "wait_time": 13})
    [row] = (await api.get(f"{api.account}/acdc_call_stats")).expect(200).data
    assert (row["queue_id"], row["wait_time"]) == ("q", 12)


async def test_a_dialogue_is_put_together(api: Api) -> None:
    fs1, path = await teller(api), f"{api.account}/call_inspector"
    user = await make(api, "users")
    for message in ("INVITE", "200"):
        part = {"call_id": "a@x", "owner_id": user, "messages": [{"method": message}]}
        await fs1.tell("dialogue", part)
    shown = (await api.get(f"{path}/a@x")).expect(200).data
    assert shown["call-id"] == "a@x"
    assert shown["messages"] == [{"method": "INVITE"}, {"method": "200"}]
    assert [row["call_id"] for row in (await api.get(path)).expect(200).data] == ["a@x"]
    assert (await api.get(f"{api.account}/users/{user}/call_inspector")).expect(200).data
    (await api.get(f"{path}/b@x")).expect(404)
