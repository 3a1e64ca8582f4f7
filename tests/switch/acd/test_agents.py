"""What agents do between calls: pauses, wrap-ups, logging out, calls of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from crossbar.documents import Document
from tests.switch.acd.support import Hall, ScriptedVoice, hall, settle


@pytest.fixture
async def room() -> AsyncIterator[Hall]:
    async with hall() as opened:
        await opened.agent("ben")
        yield opened


def order(room: Hall, what: str, pause: int = 0) -> None:
    room.agents.order("acme", "ben", what, pause)


async def talking(room: Hall, call_id: str = "c1", queue: Document | None = None) -> ScriptedVoice:
    voice = await room.caller(call_id, queue)
    await room.answers("ben")
    return voice


async def end(voice: ScriptedVoice) -> None:
    voice.end()
    await settle()


async def test_after_a_call_an_agent_has_a_while(room: Hall) -> None:
    await end(await talking(room, queue={"agent_wrapup_time": 10}))
    assert room.statuses("ben")[-1] == "wrapup"
    await room.caller("c2")
    await room.pass_time(9)
    assert room.rung() == []
    await room.pass_time(1)
    assert room.rung() == ["ben"]


async def test_a_wrap_up_is_ended(room: Hall) -> None:
    await end(await talking(room, queue={"agent_wrapup_time": 10}))
    order(room, "end_wrapup")
    assert room.statuses("ben")[-1] == "ready"
    order(room, "pause")
    await room.pass_time(10)
    assert room.statuses("ben")[-1] == "paused"
    order(room, "end_wrapup")
    assert room.statuses("ben")[-1] == "paused"


async def test_a_pause_ends_by_itself_or_by_order(room: Hall) -> None:
    order(room, "pause", 60)
    await room.caller()
    assert room.rung() == []
    await room.pass_time(60)
    assert room.rung() == ["ben"]
    await room.misses("ben")
    order(room, "pause")
    order(room, "resume")
    assert room.statuses("ben")[-2:] == ["paused", "ready"]


async def test_a_pause_during_a_call_comes_after_it(room: Hall) -> None:
    voice = await talking(room, queue={"agent_wrapup_time": 10})
    order(room, "pause", 60)
    assert room.statuses("ben")[-1] == "connected"
    await end(voice)
    assert room.statuses("ben")[-1] == "paused"
    voice = await talking_after(room, "resume")
    order(room, "pause", 60)
    order(room, "resume")
    await end(voice)
    assert room.statuses("ben")[-1] == "ready"


async def talking_after(room: Hall, what: str) -> ScriptedVoice:
    order(room, what)
    return await talking(room, "c2")


async def test_who_logs_out_during_a_call_is_out_after_it(room: Hall) -> None:
    voice = await talking(room)
    order(room, "logout")
    assert room.statuses("ben")[-1] == "pending_logged_out"
    await end(voice)
    assert room.statuses("ben")[-1] == "logged_out"
    voice = await talking_after(room, "login")
    order(room, "logout")
    order(room, "login")
    assert room.statuses("ben")[-1] == "connected"
    await end(voice)
    assert room.statuses("ben")[-1] == "ready"


async def test_who_logs_out_while_the_phone_rings_takes_this_call_alone(room: Hall) -> None:
    voice = await room.caller()
    order(room, "logout")
    await room.answers("ben")
    assert room.statuses("ben")[-2:] == ["connected", "pending_logged_out"]
    await end(voice)
    assert room.statuses("ben")[-1] == "logged_out"


async def test_who_is_not_on_duty_can_only_log_in(room: Hall) -> None:
    order(room, "logout")
    before = len(room.statuses("ben"))
    for what in ("pause", "resume", "end_wrapup"):
        order(room, what)
    assert len(room.statuses("ben")) == before
    order(room, "logout")
    assert room.statuses("ben")[-1] == "logged_out"
    order(room, "login")
    order(room, "login")
    assert room.statuses("ben")[-2:] == ["logged_in", "ready"]


def leg(call_id: str, direction: str, **more: object) -> Document:
    return {"uuid": call_id, "owner_id": "ben", "direction": direction, **more}


async def test_who_calls_somebody_is_not_rung_meanwhile(room: Hall) -> None:
    room.distributor.hear("channel.create", "acme", leg("x", "inbound"))
    assert room.statuses("ben")[-1] == "outbound"
    await room.caller()
    assert room.rung() == []
    room.distributor.hear("channel.destroy", "acme", leg("x", "inbound"))
    await settle()
    assert room.rung() == ["ben"]


async def test_a_call_counts_from_when_it_is_answered(room: Hall) -> None:
    room.distributor.hear("channel.create", "acme", leg("x", "outbound"))
    assert room.statuses("ben")[-1] == "ready"
    room.distributor.hear("channel.answer", "acme", leg("x", "outbound"))
    assert room.statuses("ben")[-1] == "outbound"


async def test_calls_of_queues_and_of_others_are_no_calls_of_its_own(room: Hall) -> None:
    of_queue = {"custom_channel_vars": {"queue_id": "sales"}}
    for facts in (leg("x", "outbound", **of_queue), {"uuid": "y", "direction": "inbound"}):
        for type in ("channel.create", "channel.answer"):
            room.distributor.hear(type, "acme", facts)
    room.distributor.hear("channel.create", "other", leg("x", "inbound"))
    assert room.statuses("ben")[-1] == "ready"


async def test_a_call_that_begins_during_a_call_outlasts_it(room: Hall) -> None:
    voice = await talking(room)
    room.distributor.hear("channel.create", "acme", leg("x", "inbound"))
    order(room, "pause", 60)
    await end(voice)
    assert room.statuses("ben")[-1] == "outbound"
    room.distributor.hear("channel.destroy", "acme", leg("x", "inbound"))
    assert room.statuses("ben")[-1] == "paused"


async def test_a_call_by_which_an_agent_says_what_it_does_does_not_count(room: Hall) -> None:
    room.distributor.hear("channel.create", "acme", leg("x", "inbound"))
    room.agents.forget_call("acme", "ben", "x")
    order(room, "pause")
    assert room.statuses("ben")[-1] == "paused"
    room.distributor.hear("channel.destroy", "acme", leg("x", "inbound"))
    assert room.statuses("ben")[-1] == "paused"
