"""What is done to conferences and those inside, with a media server and without."""

from __future__ import annotations

from typing import Any

import pytest

from crossbar.core.ports.switch import Command, NoSwitch, Switch
from crossbar.documents import Document
from tests.conftest import Api
from tests.families.support import ANN, SlowSwitch, make, refusal, row, shown

MODERATOR = {
    "participant_id": 1,
    "speak": True,
    "hear": True,
    "conference_channel_vars": {"is_moderator": True},
}
SPEAKER = {"participant_id": 2, "speak": True, "hear": False}
LISTENER = {"participant_id": 3, "speak": False, "hear": True}
COUNTERS = {"members": 2, "moderators": 1, "duration": 60, "is_locked": True}
IDLE = {"members": 0, "moderators": 0, "duration": 0, "is_locked": False}


@pytest.fixture
async def room(api: Api) -> str:
    """The path of a conference."""
    return f"{api.account}/conferences/{await make(api, 'conferences')}"


def occupy(monkeypatch: pytest.MonkeyPatch, room: str) -> list[Document]:
    """Let a media server say that three people are in the room; those who are there."""
    participants: list[Document] = [MODERATOR, SPEAKER, LISTENER]

    async def ask(_: NoSwitch, command: Command) -> list[Document]:
        assert command.name == "conferences.state"
        about = {"conference_id": room.rsplit("/", 1)[1], "participants": participants}
        return [{**about, "duration": 60, "is_locked": True}, {"participants": "?"}]

    monkeypatch.setattr(NoSwitch, "ask", ask)
    return participants


def told(api: Api) -> list[tuple[str, Document]]:
    """What the switch was told of conferences, without the room's id."""
    switch = api.gateway.services.switch
    assert isinstance(switch, NoSwitch)
    return [
        (
            name.removeprefix("conferences."),
            {k: v for k, v in data.items() if k != "conference_id"},
        )
        for name, _, data in switch.told
        if name.startswith("conferences.")
    ]


async def test_who_is_in_a_room_is_shown(
    api: Api, room: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await api.get(f"{room}/participants")).expect(200).data == []
    assert (await api.get(f"{room}/participants/2")).expect(200).data == {}
    participants = occupy(monkeypatch, room)
    other = await make(api, "conferences", name="Other")
    rows = {row["id"]: row for row in (await api.get(f"{api.account}/conferences")).data}
    assert rows[room.rsplit("/", 1)[1]]["_read_only"] == COUNTERS
    assert rows[other]["_read_only"] == IDLE
    live = (await api.get(room)).data["_read_only"]
    assert live == {**COUNTERS, "participants": participants}
    assert (await api.get(f"{room}/participants")).data == participants
    assert (await api.get(f"{room}/participants/2")).data == SPEAKER
    assert (await api.get(f"{room}/participants/9")).data == {}


async def test_whole_documents_in_lists_have_no_live_state(
    api: Api, room: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    occupy(monkeypatch, room)
    (whole,) = (await api.get(f"{api.account}/conferences?full_docs=true")).data
    assert "_read_only" not in whole
    (named,) = (await api.get(f'{api.account}/conferences?fields=["name"]')).data
    assert named == {"id": whole["id"], "name": "Standup"}


async def test_a_users_conferences_are_listed_below_the_user(api: Api, room: str) -> None:
    user_id = await make(api, "users", **ANN)
    own = await make(api, "conferences", owner_id=user_id)
    rows = (await api.get(f"{api.account}/users/{user_id}/conferences")).expect(200).data
    assert [row["id"] for row in rows] == [own]
    (await api.get(f"{api.account}/users/{'0' * 32}/conferences")).expect(404)


async def test_a_room_for_the_moment_is_made_by_dialing_and_there_while_in_use(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = f"{api.account}/conferences/adhoc"
    lock, dial = {"action": "lock"}, {"action": "dial", "endpoints": ["sip:a@b"]}
    for path in (room, f"{room}/participants", f"{room}/participants/2"):
        assert (await api.get(path)).expect(404).data["cause"] == "adhoc"
        assert (await api.put(path, lock)).expect(404).data["cause"] == "adhoc"
    assert (await api.put(room, dial)).expect(201).data["status"] == "error"
    participants = occupy(monkeypatch, room)
    live = (await api.get(room)).expect(200).data
    assert live["_read_only"] == {**COUNTERS, "participants": participants}
    assert (live["id"], live["play_name"], live["member"]["join_muted"]) == ("adhoc", False, True)
    assert (await api.get(f"{room}/participants")).data == participants
    assert (await api.put(room, lock)).expect(201).data == "ok"
    assert (await api.put(f"{room}/participants", {"action": "kick"})).data["id"] == "adhoc"
    assert [name for name, _ in told(api)] == ["lock", "kick", "kick", "kick"]
    for answer in (await api.post(room, {}), await api.patch(room, {}), await api.delete(room)):
        answer.expect(404)
    assert (await api.get(f"{api.account}/conferences")).data == []


async def test_a_deleted_conference_is_no_room_for_the_moment(api: Api, room: str) -> None:
    (await api.delete(room)).expect(200)
    for dial in ({"action": "dial", "endpoints": ["sip:a@b"]}, {"action": "lock"}):
        (await api.put(room, dial)).expect(404)
    (await api.get(room)).expect(404)


@pytest.mark.parametrize("action", ["lock", "unlock"])
async def test_a_room_is_locked_without_a_switch_too(api: Api, room: str, action: str) -> None:
    for data, envelope in (({"action": action}, {}), ({}, {"action": action})):
        assert (await api.put(room, data, **envelope)).expect(201).data == "ok"
    assert told(api) == [(action, {})] * 2


@pytest.mark.parametrize("tail", ["", "/participants", "/participants/2"])
async def test_media_that_exists_is_played(api: Api, room: str, tail: str) -> None:
    media_id = await make(api, "media")
    path = room + tail
    expected = {"media_id": media_id} | ({"participant_id": 2} if tail.endswith("2") else {})
    for data in (
        {"action": "play", "media_id": media_id},
        {"action": "play", "data": {"media_id": media_id}},
    ):
        assert (await api.put(path, data)).expect(201).data == "ok"
    assert told(api) == [("play", expected)] * 2
    refusal(await api.put(path, {"action": "play"}), "data", "required")
    refusal(await api.put(path, {"action": "play", "x": 1}), "data.media_id", "required")
    refusal(await api.put(path, {"action": "play", "media_id": 5}), "data.media_id", "type")
    unknown = await api.put(path, {"action": "play", "media_id": "nope"})
    assert unknown.expect(404).data["cause"] == "nope"
    assert len(told(api)) == 2


async def test_recording_starts_and_stops(api: Api, room: str) -> None:
    for order, said in (("start", "starting recording"), ("stop", "stopping recording")):
        inside = {"action": "record", "data": {"action": order}}
        assert (await api.put(room, inside)).expect(201).data == said
        assert (await api.put(room, {"action": order}, action="record")).data == said
    assert told(api) == [
        ("record", {"action": order}) for order in ("start", "start", "stop", "stop")
    ]
    refusal(await api.put(room, {"action": "record"}), "data.action", "required")
    for wrong in ("pause", 5, ["start"]):
        sent = {"action": "record", "data": {"action": wrong}}
        assert refusal(await api.put(room, sent), "data.action", "enum")["target"] == [
            "start",
            "stop",
        ]


@pytest.mark.parametrize("tail", ["", "/participants", "/participants/2"])
async def test_unknown_actions_are_the_clients_mistake(api: Api, room: str, tail: str) -> None:
    for action in (None, "dance", 5, ["lock"]):
        answer = await api.put(room + tail, {"action": action})
        assert answer.expect(404).body["message"] == "faulty_request"
        assert "play" in answer.data["target"]
    assert told(api) == []


@pytest.mark.parametrize(
    ("action", "touched"), [("mute", [2]), ("unmute", [3]), ("deaf", [3]), ("undeaf", [2])]
)
async def test_members_in_the_opposite_state_are_touched(
    api: Api, room: str, monkeypatch: pytest.MonkeyPatch, action: str, touched: list[int]
) -> None:
    everybody = f"{room}/participants"
    document = (await api.put(everybody, {"action": action})).expect(201).data
    assert told(api) == []
    occupy(monkeypatch, room)
    assert (await api.put(everybody, {"action": action})).expect(201).data == document
    assert document["name"] == "Standup"
    assert told(api) == [(action, {"participant_id": each}) for each in touched]


async def test_everybody_is_kicked(api: Api, room: str, monkeypatch: pytest.MonkeyPatch) -> None:
    occupy(monkeypatch, room)
    (await api.put(f"{room}/participants", {"action": "kick"})).expect(201)
    assert told(api) == [("kick", {"participant_id": each}) for each in (1, 2, 3)]


@pytest.mark.parametrize("action", ["mute", "unmute", "deaf", "undeaf", "kick"])
async def test_one_participant_is_told_apart(api: Api, room: str, action: str) -> None:
    path = f"{room}/participants"
    assert (await api.put(f"{path}/12", {"action": action})).expect(201).data == "ok"
    assert told(api) == [(action, {"participant_id": 12})]
    for wrong in ("x", "-1", "1" * 19, "%C2%B2"):
        refused = await api.put(f"{path}/{wrong}", {"action": action})
        assert refused.expect(404).body["message"] == "bad_identifier"


async def test_two_who_are_there_are_related(
    api: Api, room: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"{room}/participants"
    pair = {"participant_id": 2, "other_participant": "3"}
    absent = await api.put(path, {"action": "relate", "data": pair})
    assert absent.expect(404).data["cause"] == "2"
    occupy(monkeypatch, room)
    for relationship in ({}, {"relationship": "deaf"}):
        answer = await api.put(path, {"action": "relate", "data": pair | relationship})
        assert answer.expect(201).data == "relating participants"
    assert told(api) == [("relate", {**pair, "relationship": kind}) for kind in ("clear", "deaf")]
    half = await api.put(path, {"action": "relate", "participant_id": 2})
    refusal(half, "data.other_participant", "required")
    wrong = {"action": "relate", **pair, "relationship": "love"}
    refusal(await api.put(path, wrong), "data.relationship", "enum")


async def test_an_unknown_conference_has_no_participants(api: Api) -> None:
    path = f"{api.account}/conferences/{'0' * 32}/participants"
    assert (await api.get(path)).expect(404).data["cause"] == "0" * 32


class Dialer:
    """Stands for a media server that dials out; keeps what it was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[tuple[Document, float]] = []
        dialer = self

        async def order(_: NoSwitch, command: Command, timeout: float) -> Document:
            assert command.name == "conferences.dial"
            dialer.asked.append((command.data, timeout))
            return {"endpoint_responses": []}

        monkeypatch.setattr(NoSwitch, "order", order)


async def test_dialing_out_names_devices_numbers_and_addresses(
    api: Api, room: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_id = await make(api, "users", **ANN)
    device_id = await make(api, "devices", owner_id=user_id, sip={"username": "desk"})
    gone = await make(api, "devices", name="Gone")
    (await api.delete(f"{api.account}/devices/{gone}")).expect(200)
    dialer = Dialer(monkeypatch)
    endpoints = [device_id, user_id, "0" * 32, gone, "4155550100", "2001", "sip:a@example.com"]
    sent = {"endpoints": [*endpoints, {"name": "Guest"}], "timeout": 5, "outbound_call_id": "o1"}
    answer = await api.put(
        room, {"action": "dial", "data": sent}, custom_application_vars={"a": "b"}
    )
    assert answer.expect(201).data == {"endpoint_responses": []}
    ((asked, seconds),) = dialer.asked
    assert seconds == 30
    desk = {"endpoint_type": "device", "endpoint_id": device_id}
    *named, guest = asked["endpoints"]
    assert named == [
        desk,
        desk,
        {"endpoint_type": "number", "endpoint_id": "+14155550100"},
        {"endpoint_type": "number", "endpoint_id": "2001"},
        {"endpoint_type": "sip", "endpoint_id": "sip:a@example.com"},
    ]
    assert guest["device"]["name"] == "Guest"
    assert (asked["outbound_call_id"], asked["custom_application_vars"]) == ("o1", {"a": "b"})


async def test_a_request_does_not_wait_for_ever(
    api: Api, room: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialer = Dialer(monkeypatch)
    sent = {"action": "dial", "endpoints": ["2001", "2002"]}
    (await api.put(room, sent)).expect(201)
    (await api.put(room, {**sent, "timeout": 1000})).expect(201)
    assert [seconds for _, seconds in dialer.asked] == [60, 300]


async def test_without_a_media_server_dialing_fails_and_says_so(api: Api, room: str) -> None:
    answer = await api.put(room, {"action": "dial", "endpoints": ["2001"]})
    assert answer.expect(201).data == {
        "status": "error",
        "message": "conference dial failed to find a media server",
    }


class TestASlowSwitch:
    @pytest.fixture
    def switch(self) -> Switch:
        return SlowSwitch()

    async def test_dialing_that_takes_too_long_fails_and_says_so(
        self, api: Api, room: str
    ) -> None:
        answer = await api.put(room, {"action": "dial", "endpoints": ["2001"]})
        assert answer.expect(201).data == {
            "status": "error",
            "message": "timed out trying to dial endpoints",
        }


@pytest.mark.parametrize(
    ("endpoints", "path", "rule"),
    [
        (None, "data.endpoints", "required"),
        ([], "data.endpoints", "minItems"),
        (["0" * 32], "data.endpoints", "minItems"),
        (["2001", "hello world"], "data.endpoints.2", "enum"),
        (["sip:"], "data.endpoints.1", "enum"),
        ([""], "data.endpoints.1", "enum"),
        (["{room}"], "data.endpoints.1", "not_found"),
        (["{user}"], "data.endpoints.1", "minItems"),
    ],
)
async def test_endpoints_that_cannot_be_dialed_are_named(
    api: Api, room: str, endpoints: Any, path: str, rule: str
) -> None:
    ids = {"{room}": room.rsplit("/", 1)[1], "{user}": api.master.user_id}
    sent: Document = {"action": "dial", "caller_id_name": "Us"}
    if endpoints is not None:
        sent["endpoints"] = [ids.get(each, each) for each in endpoints]
    answer = await api.put(room, sent)
    refusal(answer, path, rule)


async def test_changing_a_conference_asks_no_media_server(
    api: Api, room: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    occupy(monkeypatch, room)
    assert "_read_only" not in (await api.patch(room, {"name": "Other"})).expect(200).data
    assert (await row(api, "conferences"))["_read_only"] == COUNTERS
    assert (await shown(api, "conferences", room.rsplit("/", 1)[1]))["name"] == "Other"
