"""What the API has the switch do to running calls, through the seam and back."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from baresip import CallState
from structlog.testing import capture_logs

from crossbar.core.ports import Command
from crossbar.documents import Document
from crossbar.errors import SwitchUnavailable
from crossbar.settings import Settings
from crossbar.switch import SwitchBeside
from tests.switch.asterisk.carrier import carrier
from tests.switch.asterisk.conftest import Office
from tests.switch.asterisk.phones import WITHIN, Phone, until
from tests.switch.asterisk.test_carriers import NUMBER, resource, way_out

pytestmark = pytest.mark.thorough


async def talking(office: Office) -> tuple[Phone, Phone, Document]:
    """Two phones in a call, and the channel of the one who called."""
    ann, ben = await office.phone("ann", "101"), await office.phone("ben", "102")
    await ann.call("102")
    await ann.hears(ben.tone)
    rows = await office.rows("channels")
    return ann, ben, next(each for each in rows if each["direction"] == "inbound")


async def order(office: Office, channel: Document, action: str, **data: str) -> None:
    path = f"{office.path}/channels/{channel['uuid']}"
    (await office.api.post(path, {"action": action, **data})).expect(200)


async def test_a_call_is_hung_up(office: Office) -> None:
    ann, ben, channel = await talking(office)
    await order(office, channel, "hangup")
    await ann.is_idle()
    await ben.is_idle()


async def test_the_other_side_is_transferred(office: Office) -> None:
    ann, ben, channel = await talking(office)
    carl = await office.phone("carl", "103")
    await order(office, channel, "transfer", target="103")
    await ann.is_idle()
    await ben.hears(carl.tone)
    await carl.hears(ben.tone)
    await ben.hang_up()
    await carl.is_idle()


async def test_a_quickcall_rings_a_phone_and_then_the_number(office: Office) -> None:
    ann, ben = await office.phone("ann"), await office.phone("ben", "102")
    path = f"{office.path}/devices/{ann.device_id}/quickcall/102?cid-number=555"
    answer = (await office.api.post(path)).expect(200).data
    await ann.hears(ben.tone)
    await ben.hears(ann.tone)
    rows = {each.get("username"): each for each in await office.rows("channels")}
    assert rows["ann"]["uuid"] == answer["call_id"]
    assert rows["ben"]["caller_id_number"] == "555"
    await ann.hang_up()
    await ben.is_idle()


async def test_a_quickcall_of_a_user_who_hides_shows_nobody(office: Office) -> None:
    hidden = {"caller_id_options": {"outbound_privacy": "full"}, "first_name": "Ann"}
    user = (await office.api.put(f"{office.path}/users", {**hidden, "last_name": "Lee"})).data
    shown = {"external": {"name": "Acme", "number": "+12125550111"}}
    ann = await office.phone("ann", owner_id=user["id"], caller_id=shown)
    async with carrier("127.0.0.2", office.sip_port) as telco:
        await resource(office, telco.gateway())
        await way_out(office)
        path = f"{office.path}/users/{user['id']}/quickcall/{NUMBER[1:]}"
        (await office.api.post(path)).expect(200)
        await ann.hears(telco.tone)
        invite = (await telco.rings()).invite
        assert "anonymous" in invite.header("from").lower()
        assert "12125550111" not in invite.header("from")
        await ann.hang_up()


async def test_a_quickcall_that_nobody_answers_is_over_in_time(office: Office) -> None:
    ann = await office.phone("ann")
    ann.answers = False
    path = f"{office.path}/devices/{ann.device_id}/quickcall/102?timeout=4"
    (await office.api.get(path)).expect(200)  # this one does not wait
    assert (await ann.rings()).state is not CallState.CLOSED
    answer = await office.api.post(path)
    assert (answer.status, answer.data["cause"]) == (503, "NO_ANSWER")
    await ann.is_idle()


async def test_why_no_phone_of_a_quickcall_has_answered_is_told(office: Office) -> None:
    ann = await office.phone("ann")
    ann.answers = False
    path = f"{office.path}/devices/{ann.device_id}/quickcall/102?auto_answer=false"
    asked = asyncio.create_task(office.api.post(path))
    await (await ann.rings()).reject()
    refused = (await asked).expect(503)
    assert (refused.body["message"], refused.data["cause"]) == ("no_answer", "USER_BUSY")
    carl = await office.device("carl")
    path = f"{office.path}/devices/{carl['id']}/quickcall/102"
    refused = (await office.api.post(path)).expect(503)
    assert refused.data["cause"] == "USER_NOT_REGISTERED"


async def test_what_is_of_another_account_is_left_alone(office: Office) -> None:
    ann, ben, channel = await talking(office)
    other = await office.api.create_account("Other")
    command = Command("channels.hangup", other, {"call_id": channel["uuid"]})
    await office.api.gateway.services.switch.tell(command)
    await ann.hears(ben.tone)


async def test_an_order_that_nobody_knows_is_refused(office: Office) -> None:
    beside = office.api.gateway.services.switch
    with pytest.raises(SwitchUnavailable):
        await beside.order(Command("tea.make", office.account_id, {}), 1)
    await beside.tell(Command("tea.make", office.account_id, {}))
    assert await beside.ask(Command("tea.cups", office.account_id, {})) == []


async def test_a_new_carrier_is_no_order_that_nobody_knows(office: Office) -> None:
    with capture_logs() as logs:
        await resource(office, {"server": "carrier.example.com"})
    assert "command_not_known" not in [each["event"] for each in logs]


async def test_where_no_switch_runs_orders_are_refused(settings: Settings) -> None:
    beside = SwitchBeside(settings.switch_folder())
    with pytest.raises(SwitchUnavailable):
        await beside.order(Command("quickcall", "a", {}), 1)
    await beside.tell(Command("channels.hangup", "a", {"call_id": "1"}))
    assert await beside.ask(Command("devices.registrations", "a", {})) == []


async def test_a_conference_is_told_and_its_members_are_muted_and_sent_away(
    office: Office,
) -> None:
    asked = {"name": "Daily", "conference_numbers": ["300"], "member": {"join_muted": False}}
    made = (await office.api.put(f"{office.path}/conferences", asked)).expect(201).data
    await office.callflow("300", "conference", made["id"])
    ann, ben, carl = [await office.phone(name) for name in ("ann", "ben", "carl")]
    for phone in (ann, ben, carl):
        await phone.call("300")
    await ann.hears(ben.tone, 0.3)
    await ann.hears(carl.tone, 0.3)
    await ben.hears(ann.tone, 0.3)
    path = f"{office.path}/conferences/{made['id']}"
    await until_all_are_in(office, made["id"], 3)
    (await office.api.put(f"{path}/participants", {"action": "mute"})).expect(201)
    await until(lambda: ann.spectrum()[ben.tone] < 0.1 and ann.spectrum()[carl.tone] < 0.1)
    (await office.api.put(f"{path}/participants", {"action": "unmute"})).expect(201)
    await ann.hears(ben.tone, 0.3)
    (await office.api.put(f"{path}/participants", {"action": "kick"})).expect(201)
    for phone in (ann, ben, carl):
        await phone.is_idle()
    await office.station.exchange.quiet()  # phones know it before
    assert await office.rows(f"conferences/{made['id']}/participants") == []


async def test_who_enter_a_conference_at_once_are_all_in_it(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two that open a bridge of one name at once Asterisk refuses one."""
    made = (await office.api.put(f"{office.path}/conferences", {"name": "Daily"})).expect(201).data
    silent = {"welcome_prompt": {"play": False}, "play_entry_tone": False}
    await office.callflow("300", "conference", made["id"], **silent)
    phones = [await office.phone(name) for name in ("ann", "ben", "carl")]
    ari, opening = office.station.exchange.conferences._ari, asyncio.Event()
    arrived: list[tuple[str, ...]] = []
    post = ari.post

    async def together(*path: str, **query: Any) -> Any:
        if path == ("bridges",):  # opened when all are there, or some time after the first
            arrived.append(path)
            if len(arrived) == len(phones):
                opening.set()
            with suppress(TimeoutError):
                await asyncio.wait_for(opening.wait(), 0.15)
        return await post(*path, **query)

    monkeypatch.setattr(ari, "post", together)
    for _ in range(5):
        opening.clear()
        arrived.clear()
        await asyncio.gather(*(phone.call("300") for phone in phones))
        await until_all_are_in(office, made["id"], len(phones))
        await asyncio.gather(*(phone.hang_up() for phone in phones))
        await office.station.exchange.quiet()
        assert await office.rows(f"conferences/{made['id']}/participants") == []


async def until_all_are_in(office: Office, conference_id: str, number: int) -> None:
    """What is told of a conference may come later than who is in it."""
    async with asyncio.timeout(WITHIN):
        while len(await office.rows(f"conferences/{conference_id}/participants")) < number:
            pass


async def test_a_call_is_recorded_on_demand(office: Office) -> None:
    ann, ben, channel = await talking(office)
    await order(office, channel, "start_record")
    await until(lambda: office.station.exchange.is_recording)
    await ann.speaks(1)
    await order(office, channel, "stop_record")
    await until(lambda: not office.station.exchange.is_recording)
    async with asyncio.timeout(WITHIN):
        while not (rows := await office.rows("recordings")):
            pass
    assert rows[0]["call_id"] == channel["uuid"]
    assert rows[0]["duration_ms"] >= 500
    await ann.hears(ben.tone)


async def test_a_call_is_sent_into_a_callflow(office: Office) -> None:
    ann, ben, channel = await talking(office)
    carl = await office.phone("carl")
    made = await office.callflow("999", "device", carl.device_id)
    await order(office, channel, "callflow", id=made["id"])
    await ann.hears(carl.tone)
    await carl.hears(ann.tone)
    await ben.is_idle()
    rows = await office.rows("channels")
    assert {each["callflow_id"] for each in rows} == {made["id"]}
