"""Callers who wait in queues, and agents who are rung for them, on real phones."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from crossbar.documents import Document
from crossbar.switch.acd.announcing import LONGER, WAITS
from crossbar.switch.acd.rules import Rules
from crossbar.switch.asterisk import Program
from crossbar.switch.asterisk.sounds import Sounds
from crossbar.switch.executor import Prompt
from tests.conftest import Api
from tests.families.webhooks.receiver import receiving
from tests.switch.asterisk.conftest import Office
from tests.switch.asterisk.phones import WITHIN, Phone, until

pytestmark = pytest.mark.thorough


@dataclass
class Desk:
    """An agent of queues, and the phone."""

    office: Office
    agent_id: str
    phone: Phone

    async def order(self, status: str, **more: Any) -> None:
        """Have the agent log in, pause…"""
        path = f"{self.office.path}/agents/{self.agent_id}/status"
        (await self.office.api.post(path, {"status": status, **more})).expect(200)

    async def status(self) -> str:
        """What the agent does, as the API tells."""
        await self.office.station.teller.settled()
        path = f"{self.office.path}/agents/{self.agent_id}/status"
        found: str = (await self.office.api.get(path)).expect(200).data
        return found

    async def becomes(self, status: str) -> None:
        """Wait until the agent does this."""
        try:
            async with asyncio.timeout(WITHIN):
                while await self.status() != status:
                    pass
        except TimeoutError:
            raise AssertionError(f"it is {await self.status()}, not {status}") from None


async def queue_of(office: Office, number: str = "700", **fields: Any) -> str:
    """A queue with a number."""
    asked = {"name": "Sales", **fields}
    made = (await office.api.put(f"{office.path}/queues", asked)).expect(201).data
    if number:
        await office.callflow(number, "acdc_member", made["id"])
    queue_id: str = made["id"]
    return queue_id


async def desk_of(office: Office, username: str, *queues: str, **fields: Any) -> Desk:
    """An agent with a phone, who is logged in."""
    asked = {"first_name": username, "last_name": "Lee", "queues": [*queues]}
    user = (await office.api.put(f"{office.path}/users", asked)).expect(201).data
    phone = await office.phone(username, owner_id=user["id"], **fields)
    desk = Desk(office, user["id"], phone)
    await desk.order("login")
    return desk


async def stats(office: Office) -> list[Document]:
    """The calls of the queues."""
    await office.station.teller.settled()
    found = (await office.api.get(f"{office.path}/queues/stats")).expect(200).data
    calls: list[Document] = found["stats"]
    return calls


async def test_a_caller_waits_with_music_and_is_connected_with_an_agent(office: Office) -> None:
    queue_id = await queue_of(office)
    ann = await office.phone("ann")
    await ann.call("700")
    await until(lambda: ann.loudness() > 100)
    [call] = await stats(office)
    assert (call["status"], call["queue_id"]) == ("waiting", queue_id)
    office.api.clock.advance(5)
    ben = await desk_of(office, "ben", queue_id)
    await ann.hears(ben.phone.tone)
    await ben.phone.hears(ann.tone)
    assert await ben.status() == "connected"
    [call] = await stats(office)
    assert (call["status"], call["agent_id"]) == ("handled", ben.agent_id)
    assert call["wait_time"] == 5
    office.api.clock.advance(7)
    await ben.phone.hang_up()
    await ann.is_idle()
    await ben.becomes("ready")
    [call] = await stats(office)
    assert (call["status"], call["hung_up_by"]) == ("processed", "agent")
    assert (call["wait_time"], call["talk_time"]) == (5, 7)
    totals = (await office.api.get(f"{office.path}/agents/stats")).expect(200).data
    assert totals[ben.agent_id]["answered_calls"] == 1


async def test_a_queue_has_music_of_its_own_and_a_key_to_leave(office: Office) -> None:
    tune = await office.sound(1100, 2)
    queue_id = await queue_of(office, moh=tune, caller_exit_key="9", number="")
    ann, carl = await office.phone("ann"), await office.phone("carl")
    elsewhere = {"module": "device", "data": {"id": carl.device_id}, "children": {}}
    await office.callflow("700", "acdc_member", queue_id, children={"_": elsewhere})
    call = await ann.call("700")
    await ann.hears(1100)
    await ann.speaks(3)  # the tune is over, and comes anew
    await ann.hears(1100)
    await call.send_dtmf("9")
    await ann.hears(carl.tone)
    [told] = await stats(office)
    assert (told["status"], told["abandoned_reason"]) == ("abandoned", "member_exit")


async def test_a_caller_who_gives_up_ends_the_ringing(office: Office) -> None:
    queue_id = await queue_of(office)
    ann, ben = await office.phone("ann"), await desk_of(office, "ben", queue_id)
    mobile = await office.phone("mobile", owner_id=ben.agent_id)
    ben.phone.answers = mobile.answers = False
    await ann.call("700")
    await ben.phone.rings()
    await mobile.rings()
    assert await ben.status() == "connecting"
    await ann.hang_up()
    await ben.phone.is_idle()
    await mobile.is_idle()
    await ben.becomes("ready")
    [told] = await stats(office)
    assert (told["status"], told["abandoned_reason"]) == ("abandoned", "member_hangup")


async def test_who_declines_has_missed_the_call_and_the_next_is_rung(office: Office) -> None:
    queue_id = await queue_of(office)
    ann, ben = await office.phone("ann"), await desk_of(office, "ben", queue_id)
    ben.phone.answers = False
    await ann.call("700")
    ringing = await ben.phone.rings()
    carl = await desk_of(office, "carl", queue_id)
    await ringing.reject()
    await ann.hears(carl.phone.tone)
    await ben.becomes("ready")
    [told] = await stats(office)
    [miss] = told["misses"]
    assert (miss["agent_id"], miss["miss_reason"]) == (ben.agent_id, "rejected")
    totals = (await office.api.get(f"{office.path}/agents/stats")).expect(200).data
    assert totals[ben.agent_id]["missed_calls"] == 1


async def test_agents_of_another_account_are_never_rung(office: Office) -> None:
    queue_id = await queue_of(office)
    ann = await office.phone("ann")
    other_id = await office.api.create_account("Other")
    other = await office.api.gateway.services.accounts.get(other_id)
    assert other is not None
    theirs = Office(office.api, office.station, office.shop, other_id, other.realm)
    await desk_of(theirs, "eve", queue_id)
    eve = theirs.shop.phones[-1]
    await ann.call("700")
    await until(lambda: ann.loudness() > 100)
    ben = await desk_of(office, "ben", queue_id)
    await ann.hears(ben.phone.tone)
    assert eve.calls == []
    # Nor can an agent be told by another account what to do.
    path = f"{theirs.path}/agents/{ben.agent_id}/status"
    assert (await office.api.post(path, {"status": "logout"})).status == 404


async def test_an_agent_logs_in_pauses_and_resumes_by_phone(office: Office) -> None:
    queue_id = await queue_of(office)
    for number, action in (("1", "login"), ("2", "paused"), ("3", "resume"), ("4", "logout")):
        await office.callflow(f"*{number}", "acdc_agent", "", action=action)
    asked = {"first_name": "Ben", "last_name": "Lee", "queues": [queue_id]}
    user = (await office.api.put(f"{office.path}/users", asked)).expect(201).data
    ben = Desk(office, user["id"], await office.phone("ben", owner_id=user["id"]))
    for number, status in (("1", "ready"), ("2", "paused"), ("3", "ready"), ("4", "logged_out")):
        await ben.phone.call(f"*{number}")
        await ben.phone.is_idle()
        await ben.becomes(status)


async def test_an_agent_in_a_call_of_its_own_is_not_rung(office: Office) -> None:
    queue_id = await queue_of(office, agent_wrapup_time=1)
    ann, carl = await office.phone("ann"), await office.phone("carl", "103")
    ben = await desk_of(office, "ben", queue_id)
    await ben.phone.call("103")
    await ben.becomes("outbound")
    await ann.call("700")
    await until(lambda: ann.loudness() > 100)
    assert len(ben.phone.calls) == 1
    await carl.hang_up()
    await ann.hears(ben.phone.tone)
    await ann.hang_up()
    await ben.becomes("wrapup")
    await ben.becomes("ready")


async def test_a_conversation_is_recorded_and_the_agent_hears_what_it_is_about(
    office: Office,
) -> None:
    briefing = await office.sound(1100, 2)
    queue_id = await queue_of(office, announce=briefing, record_caller=True)
    ann = await office.phone("ann")
    await ann.call("700")
    ben = await desk_of(office, "ben", queue_id)
    await ben.phone.hears(1100)
    await ben.phone.hears(ann.tone)
    await until(lambda: office.station.exchange.is_recording)
    await ann.speaks(1)
    await ann.hang_up()
    await ben.phone.is_idle()
    await office.station.exchange.quiet()
    [recording] = await office.rows("recordings")
    assert recording["origin"] == "queue"


async def test_recordings_are_sent_to_a_server_or_kept_if_it_does_not_take_them(
    office: Office,
) -> None:
    async with receiving() as receiver:
        receiver.answer = lambda got: web.Response(status=200 if "good" in got.path else 500)
        ann = await office.phone("ann")
        for number, name in (("700", "good"), ("701", "bad")):
            url = f"{receiver.url}/{name}?key=1"
            queue_id = await queue_of(office, number, record_caller=True, recording_url=url)
            ben = await desk_of(office, f"ben{name}", queue_id)
            await ann.call(number)
            await ben.phone.hears(ann.tone)
            await until(lambda: office.station.exchange.is_recording)
            await ann.speaks(1)
            await ann.hang_up()
            await until(lambda: not office.station.exchange.lines)
        await office.station.exchange.quiet()
        [sent] = await receiver.until(1, "/good")
        assert len(await receiver.until(3, "/bad")) == 3
    assert (sent.method, sent.query) == ("PUT", {"key": "1"})
    assert sent.body.startswith(b"RIFF")
    kept = {each.get("url", ""): each for each in await office.rows("recordings")}
    assert kept.keys() == {f"{receiver.url}{sent.path}?key=1", ""}


async def test_a_supervisor_listens_to_a_queue_and_may_speak(office: Office) -> None:
    queue_id = await queue_of(office)
    ann, ben = await office.phone("ann"), await desk_of(office, "ben", queue_id)
    dora = await office.phone("dora")
    await ann.call("700")
    await ann.hears(ben.phone.tone)
    for mode, agent_hears, caller_hears in MODES:
        asked = {"id": dora.device_id, "mode": mode}
        path = f"{office.path}/queues/{queue_id}/eavesdrop"
        (await office.api.put(path, asked)).expect(201)
        await dora.hears(ann.tone, 0.3)
        await dora.hears(ben.phone.tone, 0.3)
        if agent_hears:
            await ben.phone.hears(dora.tone, 0.3)
        if caller_hears:
            await ann.hears(dora.tone, 0.3)
        assert (ben.phone.spectrum()[dora.tone] > 0.2) == agent_hears
        assert (ann.spectrum()[dora.tone] > 0.2) == caller_hears
        await dora.hang_up()
        await ann.hears(ben.phone.tone)


MODES = (("listen", False, False), ("whisper", True, False), ("full", True, True))
"""How a supervisor listens, and whether agent and caller hear it."""


async def test_where_nobody_talks_there_is_nothing_to_hear(office: Office) -> None:
    queue_id = await queue_of(office)
    dora = await office.phone("dora")
    path = f"{office.path}/queues/{queue_id}/eavesdrop"
    assert (await office.api.put(path, {"id": dora.device_id})).status == 503
    assert dora.calls == []


async def test_servers_are_told_of_the_calls_of_a_queue(office: Office) -> None:
    async with receiving() as receiver:
        urls = {name: f"{receiver.url}/{name}" for name in ("pickup", "hangup")}
        queue_id = await queue_of(office, cdr_url=f"{receiver.url}/cdr", notifications=urls)
        ann, ben = await office.phone("ann"), await desk_of(office, "ben", queue_id)
        await ann.call("700")
        await ann.hears(ben.phone.tone)
        await ann.hang_up()
        got = {each.path: each.json for each in await receiver.until(3)}
    assert got.keys() == {"/pickup", "/hangup", "/cdr"}
    assert got["/pickup"]["agent_id"] == ben.agent_id
    assert got["/cdr"]["call_id"] == got["/hangup"]["call_id"]


async def test_all_that_callers_are_told_can_be_heard(
    api: Api, asterisk: Program, tmp_path: Path
) -> None:
    sounds = Sounds(api.gateway.services, asterisk.sounds, tmp_path)
    names = {name for _, name in WAITS} | {LONGER}
    names |= {f"queue-{name}" for name in ("you_are_at_position", "in_the_queue")}
    names |= {"queue-the_estimated_wait_time_is", "agent-logged_in", "agent-logged_out"}
    for name in names:
        assert await sounds.addresses("a", [Prompt(name=name, language="en-us")]), name


async def test_several_agents_are_rung_and_one_of_them_transfers_the_caller(
    office: Office,
) -> None:
    queue_id = await queue_of(office, ring_simultaneously=2)
    ann, dora = await office.phone("ann"), await office.phone("dora", "103")
    desks = [await desk_of(office, name, queue_id) for name in ("ben", "carl")]
    ben, carl = desks
    ben.phone.answers = carl.phone.answers = False
    await ann.call("700")
    await ben.phone.rings()
    await (await carl.phone.rings()).answer()
    await ann.hears(carl.phone.tone)
    await ben.phone.is_idle()
    await ben.becomes("ready")
    await carl.phone.calls[-1].transfer(f"sip:103@{office.realm}", timeout=WITHIN)
    await ann.hears(dora.tone)
    await carl.becomes("ready")
    [told] = await stats(office)
    assert (told["status"], told["agent_id"]) == ("processed", carl.agent_id)
    assert "misses" not in told


async def test_who_waits_is_sent_elsewhere_by_the_api(office: Office) -> None:
    queue_id = await queue_of(office)
    ann, ben = await office.phone("ann"), await desk_of(office, "ben", queue_id)
    dora = await office.phone("dora")
    elsewhere = await office.callflow("103", "device", dora.device_id)
    ben.phone.answers = False
    await ann.call("700")
    await ben.phone.rings()
    [channel] = [each for each in await office.rows("channels") if each["direction"] == "inbound"]
    path = f"{office.path}/channels/{channel['uuid']}"
    (await office.api.post(path, {"action": "callflow", "id": elsewhere["id"]})).expect(200)
    await ann.hears(dora.tone)
    await ben.phone.is_idle()
    await ben.becomes("ready")
    [told] = await stats(office)
    assert (told["status"], told["abandoned_reason"]) == ("abandoned", "member_exit")


async def test_a_caller_is_told_its_position_between_the_music(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Rules, "interval", 1)
    media_id = await office.sound(1100, 1)
    names = ("in_the_queue", "you_are_at_position", "increase_in_call_volume")
    media = dict.fromkeys((*names, "the_estimated_wait_time_is"), media_id)
    told = {"position_announcements_enabled": True, "media": media}
    queue_id = await queue_of(office, announcements=told, moh=await office.sound(700, 5))
    ann = await office.phone("ann")
    await ann.call("700")
    for heard in (700, 1100, 700, 1100):
        await ann.hears(heard)
    ben = await desk_of(office, "ben", queue_id)
    await ann.hears(ben.phone.tone)


async def test_an_agent_who_fails_too_often_is_logged_out(office: Office) -> None:
    (await office.api.patch(office.path, {"max_connect_failures": 1})).expect(200)
    queue_id = await queue_of(office, agent_ring_timeout=1)
    ann, ben = await office.phone("ann"), await desk_of(office, "ben", queue_id)
    ben.phone.answers = False
    await ann.call("700")
    await ben.becomes("logged_out")
    [told] = await stats(office)
    assert [each["miss_reason"] for each in told["misses"]] == ["timeout"]
    assert told["status"] == "waiting"
