"""Callers in queues: who is rung for them, and what is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from crossbar.switch.acd.holds import AgentKey, NoOthers
from crossbar.switch.executor import HungUp, Waited
from tests.switch.acd.support import Hall, ScriptedVoice, hall, settle


@pytest.fixture
async def room() -> AsyncIterator[Hall]:
    async with hall() as opened:
        yield opened


def result(voice: ScriptedVoice) -> Any:
    """How waiting has ended."""
    assert voice.result is not None
    assert voice.result.done()
    return voice.result.result()


async def test_a_call_is_taken_and_all_of_it_is_told(room: Hall) -> None:
    voice = await room.caller(music="tune")
    assert voice.heard == ["answer", "music tune"]
    await room.pass_time(5)
    await room.agent("ben")
    assert room.rung() == ["ben"]
    await room.answers("ben")
    assert voice.heard[2:] == ["no music", ("talks", "ben", "")]
    await room.pass_time(7)
    voice.end()
    await settle()
    assert result(voice) is Waited.CONNECTED
    assert room.statuses("ben") == ["logged_in", "ready", "connecting", "connected", "ready"]
    waiting, handled, processed = room.calls()
    assert waiting["status"] == "waiting"
    assert waiting["entered_position"] == 1
    assert handled | {"status": "handled", "agent_id": "ben", "wait_time": 5} == handled
    assert processed | {"status": "processed", "talk_time": 7, "hung_up_by": "agent"} == processed


async def test_a_caller_who_hangs_up_has_abandoned_the_call(room: Hall) -> None:
    await room.agent("ben")
    voice = await room.caller()
    await room.pass_time(3)
    voice.hang_up()
    await settle()
    with pytest.raises(HungUp):
        result(voice)
    assert room.rung() == []
    assert room.statuses("ben") == ["logged_in", "ready", "connecting", "ready"]
    last = room.calls()[-1]
    assert (last["status"], last["abandoned_reason"]) == ("abandoned", "member_hangup")
    assert last["wait_time"] == 3


async def test_a_caller_who_hangs_up_while_talking_has_been_served(room: Hall) -> None:
    await room.agent("ben")
    voice = await room.caller()
    await room.answers("ben")
    voice.hang_up()
    await settle()
    assert (room.calls()[-1]["status"], room.calls()[-1]["hung_up_by"]) == ("processed", "member")


async def test_a_caller_leaves_by_a_key_also_while_an_agent_is_rung(room: Hall) -> None:
    await room.agent("ben")
    voice = await room.caller(exit_key="5")
    voice.press("5")
    await settle()
    assert result(voice) is Waited.KEY
    assert room.calls()[-1]["abandoned_reason"] == "member_exit"
    assert room.statuses("ben")[-1] == "ready"
    assert voice.heard[-1] == "no music"


async def test_a_caller_who_waits_too_long_goes_on(room: Hall) -> None:
    voice = await room.caller(timeout=0.001)
    assert voice.result is not None
    assert await voice.result is Waited.TIMEOUT
    assert room.calls()[-1]["abandoned_reason"] == "member_timeout"


async def test_a_full_queue_takes_nobody(room: Hall) -> None:
    await room.caller("c1", {"max_queue_size": 1})
    second = await room.caller("c2", {"max_queue_size": 1})
    assert result(second) is Waited.FULL
    assert room.calls("c2") == []
    assert second.heard == []


async def test_an_empty_queue_takes_nobody_if_it_says_so(room: Hall) -> None:
    assert result(await room.caller(enters_empty=False)) is Waited.EMPTY
    await room.agent("ben")
    room.agents.order("acme", "ben", "pause")
    voice = await room.caller("c2", enters_empty=False)
    assert room.distributor.waiting("acme", "sales") == 1
    room.agents.order("acme", "ben", "logout")
    await settle()
    assert result(voice) is Waited.EMPTY
    assert room.calls("c2")[-1]["abandoned_reason"] == "member_exit_empty"


async def test_priority_comes_before_arrival(room: Hall) -> None:
    queue = {"max_priority": 5}
    for name, priority in (("c1", 0), ("c2", 9), ("c3", 5), ("c4", 0)):
        await room.caller(name, queue, priority=priority)
    assert [room.calls(f"c{at}")[0]["caller_priority"] for at in (1, 2, 3, 4)] == [0, 5, 5, 0]
    assert [room.calls(f"c{at}")[0]["entered_position"] for at in (1, 2, 3, 4)] == [1, 1, 2, 4]
    order = []
    await room.agent("ben")
    for _ in range(4):
        call_id = room.bell("ben").caller.call_id
        order.append(call_id)
        await room.answers("ben")
        next(each for each in room.voices if each.call_id == call_id).end()
        await settle()
    assert order == ["c2", "c3", "c1", "c4"]


async def test_agents_take_turns(room: Hall) -> None:
    await room.agent("ben", "carl", "dora")
    await room.caller()
    order = []
    for _ in range(6):
        [name] = room.rung()
        order.append(name)
        await room.misses(name)
        await room.pass_time(1)
        if len(order) == 3:
            for each in ("ben", "carl", "dora"):
                agent = room.agents.find("acme", each)
                assert agent is not None
                agent.failures = 0
    assert order == ["ben", "carl", "dora"] * 2


async def test_who_is_idle_for_longest_is_rung(room: Hall) -> None:
    queue = {"strategy": "most_idle"}
    await room.agent("ben", "carl")
    for call_id, expected in (("c1", "ben"), ("c2", "carl")):
        await room.caller(call_id, queue)
        assert room.rung() == [expected]
        await room.answers(expected)
    for voice in reversed(room.voices):
        voice.end()
        await settle()
    await room.caller("c3", queue)
    assert room.rung() == ["carl"]


async def test_several_are_rung_at_once_and_the_others_have_missed_nothing(room: Hall) -> None:
    await room.agent("ben", "carl", "dora")
    voice = await room.caller(queue={"ring_simultaneously": 2})
    assert sorted(room.rung()) == ["ben", "carl"]
    await room.answers("carl")
    assert room.rung() == []
    assert room.statuses("ben")[-1] == "ready"
    assert "misses" not in room.calls()[-1]
    assert ("talks", "carl", "") in voice.heard


async def test_of_two_who_answer_at_once_one_is_let_go(room: Hall) -> None:
    await room.agent("ben", "carl")
    voice = await room.caller(queue={"ring_simultaneously": 2})
    for bell in room.bells[:]:
        bell.answer()
    await settle()
    [(_, talking, _)] = [each for each in voice.heard if each[0] == "talks"]
    [dropped] = voice.dropped
    assert {talking, dropped} == {"ben", "carl"}
    assert room.statuses(dropped)[-1] == "ready"


async def test_who_does_not_answer_has_missed_the_call_and_is_logged_out_at_last(
    room: Hall,
) -> None:
    await room.agent("ben")
    await room.caller()
    for cause in ("NO_ANSWER", "CALL_REJECTED", "USER_NOT_REGISTERED"):
        assert room.rung() == ["ben"]
        await room.misses("ben", cause)
        assert room.rung() == []
        await room.pass_time(1)
    assert room.rung() == []
    assert room.statuses("ben")[-1] == "logged_out"
    reasons = [each["miss_reason"] for each in room.calls()[-1]["misses"]]
    assert reasons == ["timeout", "rejected", "USER_NOT_REGISTERED"]


async def test_who_answers_in_between_has_failed_in_no_row(room: Hall) -> None:
    await room.agent("ben")
    voice = await room.caller(most_failures=2)
    await room.misses("ben")
    await room.pass_time(1)
    await room.answers("ben")
    voice.end()
    await settle()
    await room.caller("c2", most_failures=2)
    await room.misses("ben")
    await room.pass_time(1)
    assert room.rung() == ["ben"]


async def test_an_agent_without_phones_is_logged_out(room: Hall) -> None:
    room.without_phones.add("ben")
    await room.agent("ben", "carl")
    await room.caller()
    assert room.rung() == ["carl"]
    assert room.statuses("ben")[-1] == "logged_out"


async def test_an_agent_of_two_queues_is_rung_for_who_came_first(room: Hall) -> None:
    await room.caller("c1", queue_id="support")
    await room.caller("c2", queue_id="sales")
    await room.agent("ben", queues=("sales", "support"))
    assert [bell.caller.call_id for bell in room.bells] == ["c1"]


async def test_agents_of_other_queues_are_not_rung(room: Hall) -> None:
    await room.agent("ben", queues=("support",))
    await room.caller()
    assert room.rung() == []


async def test_an_agent_hears_first_what_it_is_about_and_may_go(room: Hall) -> None:
    await room.agent("ben", "carl")
    voice = await room.caller(queue={"announce": "sound"})
    voice.briefs = False
    await room.answers("ben")
    assert room.calls()[-1]["misses"][0]["miss_reason"] == "ORIGINATOR_CANCEL"
    voice.briefs = True
    await room.answers("carl")
    assert ("briefed", "carl") in voice.heard
    assert voice.heard[-1] == ("talks", "carl", "")


async def test_conversations_are_recorded_where_the_queue_or_the_agent_says_so(
    room: Hall,
) -> None:
    await room.agent("ben")
    await room.agent("carl", record_call=True)
    first = await room.caller("c1", {"record_caller": True})
    await room.answers("ben")
    assert first.heard[-1] == ("talks", "ben", "queue")
    second = await room.caller("c2")
    await room.answers("carl")
    assert second.heard[-1] == ("talks", "carl", "queue")


async def test_nothing_is_told_of_a_call_that_goes_on_without_us(room: Hall) -> None:
    await room.agent("ben")
    voice = await room.caller()
    await room.answers("ben")
    before = len(room.told)
    assert voice.result is not None
    voice.result.cancel()
    await asyncio.gather(voice.result, return_exceptions=True)
    assert len(room.told) == before


async def test_who_leaves_while_others_stop_ringing_leaves_no_agent_alone(room: Hall) -> None:
    await room.agent("ben", "carl")
    voice = await room.caller(queue={"ring_simultaneously": 2}, exit_key="5")
    voice.is_slow = True
    for bell in room.bells[:]:
        bell.answer()
    for _ in range(4):
        await asyncio.sleep(0)
    voice.press("5")
    await settle()
    voice.is_quick.set()
    await settle()
    assert result(voice) is Waited.KEY
    assert set(voice.dropped) == {"ben", "carl"}
    for name in ("ben", "carl"):
        assert room.statuses(name)[-1] == "ready"


class Elsewhere(NoOthers):
    """Another switch has all agents."""

    async def take(self, agent: AgentKey) -> bool:
        return False


async def test_agents_of_another_switch_are_asked_for_once_in_a_while(room: Hall) -> None:
    room.distributor._holds = Elsewhere()
    await room.agent("ann", "ben", "cid")
    await room.caller()
    for _ in range(5):
        room.distributor.wake()
        await settle()
        await room.pass_time(0.3)
    assert len([timer for timer in room.timers if timer.seconds <= 1]) == 1
    assert room.rung() == []
