"""What events say of queues, conferences, parked calls and lamps, and of dialogues."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

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
    await fs1.tell("agent", {"agent_id": user, "status": "paused", "pause_time": 9}, at=TIME + 5)
    assert (await api.get(f"{path}/status/{user}")).expect(200).data == "paused"
    recent = (await api.get(f"{path}/{user}/status?recent=true")).expect(200).data
    assert [(each, recent[each]["status"]) for each in recent] == [
        (str(TIME + 5), "paused"),
        (str(TIME), "ready"),
    ]
    assert (await api.get(f"{path}/status?status=ready")).expect(200).data == all_of_them
    for number in range(20):
        await fs1.tell("agent", {"agent_id": user, "status": "ready"}, at=TIME + 6 + number)
    recent = (await api.get(f"{path}/{user}/status?recent=true")).expect(200).data
    assert len(recent) == 11, "it is no archive"


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


async def test_who_watches_a_lamp_is_counted(api: Api) -> None:
    fs1, path = await teller(api), f"{api.account}/presence"
    assert (await api.get(path)).expect(200).data == {"timeout": True}
    watch = {"presence_id": "101", "expires": 60, "username": "bob"}
    await fs1.tell("subscribe", {**watch, "call_id": "s1"})
    await fs1.tell("subscribe", {**watch, "call_id": "s1"})
    await fs1.tell("subscribe", {**watch, "call_id": "s2", "event": "message-summary"})
    counted = {"dialog": 1, "message-summary": 1}
    assert (await api.get(path)).expect(200).data == {"subscriptions": counted}
    answer = await api.get(f"{path}?event=dialog")
    assert answer.expect(200).data == {"subscriptions": {"dialog": 1}}
    await fs1.tell("presence", {"presence_id": "101", "state": "early"})
    shown = (await api.get(f"{path}/101?event=dialog")).expect(200).data["101"]
    assert (shown["state"], [*shown["subscriptions"]]) == ("early", ["s1"])
    await fs1.tell("subscribe", {**watch, "call_id": "s1", "expires": 0})
    await fs1.tell("subscribe", {**watch, "call_id": "s1", "expires": 0})
    assert (await api.get(path)).data == {"subscriptions": {"message-summary": 1}}
    api.clock.advance(61)
    assert (await api.get(path)).data == {"timeout": True}


async def test_calls_of_queues_are_archived(api: Api) -> None:
    fs1 = await teller(api)
    data = {"queue_id": "q", "call_id": "a", "entered_timestamp": TIME - 60, "status": "handled"}
    await fs1.tell("queue.call", {**data, "status": "waiting", "caller_id_number": "100"})
    await fs1.tell("queue.call", {**data, "wait_time": 13})
    [row] = (await api.get(f"{api.account}/acdc_call_stats")).expect(200).data
    assert (row["queue_id"], row["status"], row["wait_time"]) == ("q", "handled", 13)
    assert row["caller_id_number"] == "100"


async def test_statistics_of_queues_are_of_what_was_told(api: Api) -> None:
    fs1, path = await teller(api), f"{api.account}/queues/stats"
    agents = f"{api.account}/agents/stats"
    (await api.get(path)).expect(503)
    (await api.get(agents)).expect(503)
    entered = {"queue_id": "q", "entered_timestamp": TIME - 60}
    misses = [{"agent_id": "b", "miss_reason": "timeout"}]
    taken = {"status": "handled", "agent_id": "a", "handled_timestamp": TIME - 40}
    await fs1.send(
        fs1.event("queue.call", {**entered, "call_id": "c1", "status": "waiting"}),
        fs1.event("queue.call", {**entered, "call_id": "c1", "misses": misses, **taken}),
        fs1.event("queue.call", {**entered, "call_id": "c2", "status": "waiting"}),
    )
    report = (await api.get(path)).expect(200).data
    assert report["current_timestamp"] == TIME
    rows = {row["call_id"]: row for row in report["stats"]}
    assert (rows["c1"]["wait_time"], rows["c1"]["talk_time"]) == (20, 40)
    assert (rows["c2"]["wait_time"], rows["c2"]["status"]) == (60, "waiting")
    assert "talk_time" not in rows["c2"]
    [waiting] = (await api.get(f"{path}?status=waiting")).expect(200).data["stats"]
    assert waiting == rows["c2"]
    one = {"total_calls": 1, "answered_calls": 1, "missed_calls": 0}
    other = {"total_calls": 1, "answered_calls": 0, "missed_calls": 1}
    totals = (await api.get(agents)).expect(200).data
    assert totals == {"a": {**one, "queues": {"q": one}}, "b": {**other, "queues": {"q": other}}}
    assert (await api.get(f"{agents}?agent_id=b")).expect(200).data.keys() == {"b"}
    verbose = (await api.get(f"{agents}?format=verbose&agent_id=a")).expect(200).data
    assert [row["call_id"] for row in verbose["stats"]] == ["c1"]
    quiet = f"{path}?start_range={TIME - 50}"
    assert (await api.get(quiet)).expect(200).data["stats"] == []
    table = await api.get(path, headers={"Accept": "text/csv"})
    assert table.expect(200).content.count(b"\n") == 3


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


def packet(label: str, seconds: float, source: str, target: str, **more: Any) -> Any:
    return {
        "label": label,
        "timestamp": TIME + seconds,
        "src_ip": source,
        "src_port": 5080,
        "dst_ip": target,
        **more,
    }


async def test_a_dialogue_says_who_talked_and_what_was_sent_when(api: Api) -> None:
    fs1, path = await teller(api), f"{api.account}/call_inspector"
    invite = packet("INVITE", 0, "192.0.2.1", "192.0.2.2", **{"from": "100@x", "to": "200@x"})
    ringing = packet("180 Ringing", 0.25, "192.0.2.2", "192.0.2.1")
    facts = {"caller_id_number": "100", "callee_id_number": "200", "call_direction": "inbound"}
    await fs1.tell("dialogue", {"call_id": "a", "messages": [ringing], "timestamp": TIME - 60})
    more = {"messages": [invite], "timestamp": TIME - 60, "hangup_cause": "NO_ANSWER"}
    await fs1.tell("dialogue", {"call_id": "a", "duration_seconds": 9, **facts, **more})
    await fs1.tell("dialogue", {"call_id": "b", "messages": [ringing], "caller_id_number": "300"})
    [newest, row] = (await api.get(path)).expect(200).data
    assert (newest["call_id"], newest["caller_id_number"]) == ("b", "300")
    assert (row["caller_id_number"], row["callee_id_number"]) == ("100", "200")
    assert (row["from"], row["to"], row["hangup_cause"]) == ("100@x", "200@x", "NO_ANSWER")
    assert (row["timestamp"], row["duration_seconds"]) == (str(TIME - 60), 9)
    for query, found in (
        ("filter_caller_id_number=100", ["a"]),
        ("filter_not_hangup_cause=NO_ANSWER", ["b"]),
        (f"created_from={TIME - 30}", ["b"]),
        (f"created_from={TIME - 90}&created_to={TIME - 30}", ["a"]),
        ("page_size=1", ["b"]),
    ):
        rows = (await api.get(f"{path}?{query}")).expect(200).data
        assert [each["call_id"] for each in rows] == found, query
    page = (await api.get(f"{path}?page_size=1")).body
    second = await api.get(f"{path}?page_size=1&start_key={quote(page['next_start_key'])}")
    assert [each["call_id"] for each in second.expect(200).data] == ["a"]
    shown = (await api.get(f"{path}/a")).expect(200).data
    assert [each["label"] for each in shown["messages"]] == ["INVITE", "180 Ringing"]
    assert shown["dialog_entities"] == [
        *("192.0.2.1:5080", "192.0.2.2:5060", "192.0.2.2:5080", "192.0.2.1:5060")
    ]
    wrong = {"call_id": "c", "messages": [{"timestamp": "noon"}]}
    told = (await fs1.send(fs1.event("dialogue", wrong))).expect(200).data
    assert [*told["refused"][0]["data"]] == ["data.messages.0.timestamp"]
