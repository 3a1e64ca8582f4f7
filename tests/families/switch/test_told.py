"""Who is told of what a switch tells: webhooks and clients of the socket, once each."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Api
from tests.families.porting.support import Customer, customer_of
from tests.families.support import make
from tests.families.switch.support import TIME, Teller, call, teller
from tests.families.webhooks.conftest import overrides, receiver
from tests.families.webhooks.receiver import Got, Receiver
from tests.families.webhooks.support import hook
from tests.websockets.test_sockets import connected, settled

__all__ = ["overrides", "receiver"]

LEG = {
    "uuid": "a@x",
    "direction": "inbound",
    "caller_id_number": "100",
    "caller_id_name": "Ann",
    "callee_id_number": "200",
    "from": "100@acme",
    "to": "200@acme",
    "custom_channel_vars": {"owner_id": "o"},
}


@pytest.fixture
async def child(api: Api) -> Customer:
    return await customer_of(api)


async def everything(api: Api, receiver: Receiver, account: str = "", path: str = "/own") -> None:
    """A webhook of an account for whatever happens there."""
    await hook(api, f"{receiver.url}{path}", account, hook="all", custom_data={})


def facts(got: Got) -> dict[str, Any]:
    return dict(got.json)


async def a_call(fs1: Teller) -> None:
    await fs1.send(
        fs1.event("channel.create", LEG),
        fs1.event("channel.answer", {"uuid": "a@x"}),
        fs1.event("channel.bridge", {"uuid": "a@x", "other_leg": "b@x"}),
        fs1.event("channel.hold", {"uuid": "a@x"}),
        fs1.event("channel.unhold", {"uuid": "a@x"}),
        fs1.event(
            "channel.destroy",
            {"uuid": "a@x", "hangup_cause": "NORMAL_CLEARING", "duration_seconds": 9},
        ),
        fs1.event("cdr", call("a@x", custom_channel_vars={"owner_id": "o"})),
    )


STEPS = ["create", "answer", "bridge", "hold", "unhold", "destroy"]


async def test_a_call_is_told_to_webhooks_once(
    api: Api, receiver: Receiver, child: Customer
) -> None:
    fs1, other = await teller(api, child.account_id), await customer_of(api, "Other")
    await everything(api, receiver, child.path)
    await everything(api, receiver, other.path, "/other")
    await hook(api, f"{receiver.url}/above", hook="channel_create", custom_data={})
    reaching: dict[str, Any] = {"hook": "channel_create", "custom_data": {}}
    await hook(api, f"{receiver.url}/reaching", include_subaccounts=True, **reaching)
    await a_call(fs1)
    told = [facts(each) for each in await receiver.until(7, "/own")]
    assert [each["hook_event"] for each in told] == [*(f"channel_{s}" for s in STEPS), "cdr"]
    assert told[0] == {
        "hook_event": "channel_create",
        "account_id": child.account_id,
        "call_direction": "inbound",
        "call_forwarded": False,
        "call_id": "a@x",
        "callee_id_number": "200",
        "caller_id_name": "Ann",
        "caller_id_number": "100",
        "custom_channel_vars": {"owner_id": "o"},
        "custom_application_vars": {},
        "emergency_resource_used": False,
        "from": "100@acme",
        "is_internal_leg": False,
        "local_resource_used": False,
        "reseller_id": api.master.account_id,
        "timestamp": TIME,
        "to": "200@acme",
        "cluster_id": api.master.account_id,
    }
    assert told[2]["other_leg_call_id"] == "b@x"
    assert (told[5]["hangup_cause"], told[5]["duration_seconds"]) == ("NORMAL_CLEARING", 9)
    assert told[6]["custom_channel_vars"] == {"owner_id": "o"}
    assert facts((await receiver.until(1, "/reaching"))[0])["call_id"] == "a@x"
    assert {each.path for each in receiver.got} == {"/own", "/reaching"}


async def test_a_call_is_told_to_sockets_once(api: Api, child: Customer) -> None:
    fs1, other = await teller(api, child.account_id), await customer_of(api, "Other")
    async with (
        connected(api, child.admin) as own,
        connected(api) as above,
        connected(api, other.admin) as beside,
    ):
        await own.subscribe(child.account_id, "call.*.*", "object.*.*")
        await above.subscribe(api.master.account_id, "call.*.*", "object.*.*")
        await beside.subscribe(other.account_id, "call.*.*", "object.*.*")
        why = await beside.refused("subscribe", child.account_id, "call.*")
        assert why == "unauthorized account id"
        await a_call(fs1)
        frames = [await own.next() for _ in range(7)]
        await settled(api)
        for client in (own, above, beside):
            await client.pong()
    names = [f"CHANNEL_{step.upper()}" for step in STEPS]
    assert [each["name"] for each in frames] == [*names, "doc_created"]
    first = frames[0]["data"]
    assert (first["call_id"], first["call_direction"]) == ("a@x", "inbound")
    assert (first["event_name"], first["account_id"]) == ("CHANNEL_CREATE", child.account_id)


async def test_streams_of_calls_are_told_to_who_wants_them(api: Api, receiver: Receiver) -> None:
    fs1 = await teller(api)
    chosen: dict[str, Any] = {"hook": "stream", "custom_data": {"type": "stream_stop"}}
    await hook(api, f"{receiver.url}/stop", **chosen)
    await fs1.tell("channel.create", LEG)
    await fs1.send(*(fs1.event(f"stream.{word}", {"uuid": "a@x"}) for word in ("start", "stop")))
    [told] = [facts(each) for each in await receiver.until(1)]
    assert (told["type"], told["call_id"], told["to"]) == ("stream_stop", "a@x", "200@acme")


async def test_a_batch_that_comes_again_is_told_once(api: Api, receiver: Receiver) -> None:
    fs1 = await teller(api)
    await everything(api, receiver)
    first = fs1.event("channel.create", LEG)
    await fs1.send(first)
    await fs1.send(first)
    await fs1.send(first, fs1.event("channel.destroy", {"uuid": "a@x"}))
    told = [facts(each)["hook_event"] for each in await receiver.until(2)]
    assert told == ["channel_create", "channel_destroy"]


async def test_parked_calls_are_told_as_parking(api: Api, receiver: Receiver) -> None:
    fs1 = await teller(api)
    await everything(api, receiver)
    async with connected(api) as client:
        await client.subscribe(fs1.account_id, "call.*")
        await fs1.tell("park", {"slot": "701", "call_id": "a", "caller_id_number": "100"})
        await fs1.tell("unpark", {"slot": "701"})
        await fs1.tell("unpark", {"slot": "701"})
        await fs1.tell("park", {"slot": "702", "call_id": "b"})
        await fs1.tell("unpark", {"slot": "702", "is_abandoned": True})
        names = [(await client.next())["name"] for _ in range(4)]
        await settled(api)
        await client.pong()
    assert names == ["PARK_PARKED", "PARK_RETRIEVED", "PARK_PARKED", "PARK_ABANDONED"]
    told = [facts(each) for each in await receiver.until(4)]
    assert {each["hook_event"] for each in told} == {"parking"}
    assert [each["event_name"] for each in told if each["call_id"] == "a"] == names[:2]
    assert (told[0]["parking_slot"], told[0]["caller_id_number"]) == ("701", "100")


async def test_messages_are_told_when_they_come_and_when_they_are_sent(
    api: Api, receiver: Receiver
) -> None:
    fs1 = await teller(api)
    await everything(api, receiver)
    message = {"kind": "sms", "message_id": "m1", "direction": "inbound", "status": "received"}
    message |= {"from": "+14155550100", "to": "+14155550101", "body": "Hello"}
    async with connected(api) as client:
        await client.subscribe(fs1.account_id, "object.doc_created.sms")
        await fs1.tell("message", message)
        frame = await client.next()
    page = await api.get(f"{api.account}/changes?since={frame['seq'] - 1}&include_docs=true")
    [change] = page.expect(200).data["changes"]
    assert (change["type"], change["id"]) == ("sms", frame["data"]["id"])
    assert change["document"]["body"] == "Hello"
    await fs1.tell("message", {**message, "status": "delivered", "created": TIME})
    [told] = [facts(each) for each in await receiver.until(1)]
    assert (told["hook_event"], told["type"], told["origin"]) == ("sms", "sms", "offnet")
    assert (told["from"], told["to"], told["body"]) == ("+14155550100", "+14155550101", "Hello")
    sent = {"from": "100", "to": "200", "body": "Hi"}
    (await api.put(f"{api.account}/sms", sent)).expect(201)
    told = facts((await receiver.until(2))[1])
    assert (told["direction"], told["origin"], told["body"]) == ("outbound", "onnet", "Hi")


async def test_recordings_and_lost_phones_are_told(api: Api, receiver: Receiver) -> None:
    fs1 = await teller(api)
    await everything(api, receiver)
    phone = {"username": "ann", "contact": "sip:ann@192.0.2.7", "expires": 60}
    async with connected(api) as client:
        await client.subscribe(fs1.account_id, "registration.*.*", "call.DTMF.*")
        await fs1.tell("register", phone)
        await fs1.tell("register", phone)
        await fs1.tell("dtmf", {"uuid": "a", "digit": "5"})
        await fs1.tell("unregister", {"username": "ann"})
        frames = [await client.next() for _ in range(3)]
    assert [each["name"] for each in frames] == ["registered", "DTMF", "unregistered"]
    assert frames[1]["data"]["digit"] == "5"
    assert frames[1]["data"]["call_id"] == "a"
    await fs1.tell("recording", {"call_id": "a", "duration": 5})
    told = [facts(each) for each in await receiver.until(2)]
    [notice] = [each for each in told if each.get("hook_event") == "notifications"]
    assert (notice["type"], notice["username"]) == ("deregister", "ann")
    [made] = [each for each in told if "hook_event" not in each]
    assert (made["type"], made["action"]) == ("call_recording", "doc_created")


async def test_who_comes_to_a_conference_is_told(api: Api, child: Customer) -> None:
    room, fs1 = await make(api, "conferences"), await teller(api)
    ann: dict[str, Any] = {"participant_id": 1, "call_id": "a.1@x", "speak": True}
    bob: dict[str, Any] = {"participant_id": 2, "call_id": "b", "hear": True}

    async def told(*people: Any, **more: Any) -> None:
        await fs1.tell("conference", {"conference_id": room, "participants": people, **more})

    async with connected(api) as client, connected(api) as other:
        await client.subscribe(fs1.account_id, f"conference.event.{room}.*")
        await other.subscribe(fs1.account_id, f"conference.event.{room}.b")
        await told()
        await told(ann)
        await told({**ann, "speak": False}, bob)
        await told({**ann, "speak": False}, bob, is_locked=True)
        await told({**ann, "speak": False})
        await told()
        frames = [(await client.next())["data"] for _ in range(8)]
        got = [(each["event"], each.get("call_id")) for each in frames]
        assert [(await other.next())["data"]["event"] for _ in range(2)] == [
            "add-member",
            "del-member",
        ]
    assert got == [
        ("conference-create", None),
        ("add-member", "a.1@x"),
        ("mute-member", "a.1@x"),
        ("add-member", "b"),
        ("lock", None),
        ("del-member", "b"),
        ("del-member", "a.1@x"),
        ("conference-destroy", None),
    ]
    assert {each["conference_id"] for each in frames} == {room}


async def test_lamps_are_told(api: Api) -> None:
    fs1 = await teller(api)
    async with connected(api) as client:
        await client.subscribe(fs1.account_id, "presence.update.*", "presence.dialog.a@x")
        await fs1.tell("presence", {"presence_id": "101", "state": "early"})
        await fs1.tell("presence", {"presence_id": "101", "state": "early", "call_id": "a@x"})
        frames = [await client.next() for _ in range(2)]
    assert [each["name"] for each in frames] == ["update", "dialog"]
    assert frames[0]["data"]["state"] == "early"


async def test_queues_and_their_agents_are_told(api: Api) -> None:
    fs1, user = await teller(api), await make(api, "users")
    call = {"queue_id": "q", "call_id": "c.1@x", "entered_timestamp": TIME - 9}
    async with connected(api) as client:
        await client.subscribe(fs1.account_id, "queue.*.q.*", "agent.status.*")
        await fs1.tell("agent", {"agent_id": user, "status": "ready"})
        await fs1.tell("queue.call", {**call, "status": "waiting"})
        await fs1.tell("queue.call", {**call, "status": "handled", "agent_id": user})
        frames = [await client.next() for _ in range(3)]
    assert [each["name"] for each in frames] == ["status", "waiting", "handled"]
    assert (frames[0]["data"]["agent_id"], frames[0]["data"]["status"]) == (user, "ready")
    told = frames[2]["data"]
    assert (told["queue_id"], told["call_id"], told["agent_id"]) == ("q", "c.1@x", user)
