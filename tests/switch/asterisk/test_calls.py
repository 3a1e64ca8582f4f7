"""Phones register and call each other, and the gateway is told of it."""

from __future__ import annotations

import asyncio

import baresip
import pytest

from crossbar.switch.asterisk.originating import originate
from tests.families.webhooks.receiver import receiving
from tests.families.webhooks.support import hook
from tests.switch.asterisk.conftest import Office
from tests.switch.asterisk.phones import WITHIN, until


async def test_two_phones_hear_each_other_until_one_hangs_up(office: Office) -> None:
    ann, ben = await office.phone("ann"), await office.phone("ben", "102")
    await ann.call("102")
    await ann.hears(ben.tone)
    await ben.hears(ann.tone)
    await ben.hang_up()
    await ann.is_idle()


async def test_a_user_is_rung_on_all_phones_and_the_first_who_answers_has_the_call(
    office: Office,
) -> None:
    user = (await office.api.put(f"{office.path}/users", PERSON)).expect(201).data
    ann = await office.phone("ann")
    desk = await office.phone("desk", owner_id=user["id"])
    mobile = await office.phone("mobile", owner_id=user["id"])
    desk.answers = mobile.answers = False
    await office.callflow("200", "user", user["id"])
    await ann.dial("200")
    await desk.rings()
    await (await mobile.rings()).answer()
    await ann.hears(mobile.tone)
    await desk.is_idle()
    await ann.hang_up()
    await mobile.is_idle()
    causes = {each["hangup_cause"] for each in await office.rows("cdrs")}
    assert "NORMAL_CLEARING" in causes


PERSON = {"first_name": "Ben", "last_name": "Bell"}


async def test_a_number_that_nobody_has_is_refused(office: Office) -> None:
    ann = await office.phone("ann")
    call = await ann.dial("999")
    with pytest.raises(baresip.CallFailed) as failed:
        await call.wait_established()
    assert failed.value.status == 404


async def test_a_busy_phone_and_one_that_is_not_there_are_told_apart(office: Office) -> None:
    ann, ben = await office.phone("ann"), await office.phone("ben", "102")
    ben.answers = False
    call = await ann.dial("102")
    await (await ben.rings()).reject()
    with pytest.raises(baresip.CallBusy):
        await call.wait_established()
    carl = await office.device("carl")
    await office.callflow("103", "device", carl["id"])
    call = await ann.dial("103")
    with pytest.raises(baresip.CallFailed) as failed:
        await call.wait_established()
    assert failed.value.status == 480


async def test_who_gives_up_ends_the_ringing(office: Office) -> None:
    ann, ben = await office.phone("ann"), await office.phone("ben", "102")
    ben.answers = False
    await ann.dial("102")
    await ben.rings()
    await ann.hang_up()
    await ben.is_idle()


async def test_a_running_call_and_its_records_are_read_by_rest(office: Office) -> None:
    ann, ben = await office.phone("ann"), await office.phone("ben", "102")
    await ann.call("102")
    await ann.hears(ben.tone)
    ours, theirs = sorted(await office.rows("channels"), key=lambda each: each["direction"])
    assert (ours["direction"], theirs["direction"]) == ("inbound", "outbound")
    assert (ours["authorizing_id"], theirs["authorizing_id"]) == (ann.device_id, ben.device_id)
    assert ours["other_leg"] == theirs["uuid"]
    assert ours["answered"]
    assert theirs["answered"]
    assert ours["interaction_id"] == theirs["interaction_id"]
    office.api.clock.advance(42)
    await ann.hang_up()
    await ben.is_idle()
    await until(lambda: not office.station.exchange.lines)
    assert await office.rows("channels") == []
    records = await office.rows("cdrs")
    assert {each["direction"] for each in records} == {"inbound", "outbound"}
    assert {each["duration_seconds"] for each in records} == {42}
    [interaction] = await office.rows("cdrs/interaction")
    assert interaction["hangup_cause"] == "NORMAL_CLEARING"


async def test_a_call_reaches_webhooks(office: Office) -> None:
    async with receiving() as receiver:
        for name in ("channel_create", "channel_answer", "channel_destroy", "cdr"):
            await hook(
                office.api, f"{receiver.url}/{name}", office.path, hook=name, custom_data={}
            )
        ann, ben = await office.phone("ann"), await office.phone("ben", "102")
        await ann.call("102")
        await ann.hears(ben.tone)
        await ann.hang_up()
        got = await receiver.until(8)
    assert {each.path for each in got} >= {"/channel_create", "/channel_destroy"}


async def test_a_phone_transfers_the_other_side(office: Office) -> None:
    ann, ben, carl = [
        await office.phone(name, number)
        for name, number in (("ann", "101"), ("ben", "102"), ("carl", "103"))
    ]
    call = await ann.call("102")
    await ann.hears(ben.tone)
    await call.transfer(f"sip:103@{office.realm}", timeout=WITHIN)
    await ben.hears(carl.tone)
    await carl.hears(ben.tone)
    await ann.is_idle()
    await ben.hang_up()
    await carl.is_idle()


async def test_the_one_who_was_called_transfers_the_caller(office: Office) -> None:
    ann, ben, carl = [
        await office.phone(name, number)
        for name, number in (("ann", "101"), ("ben", "102"), ("carl", "103"))
    ]
    await ann.call("102")
    await ann.hears(ben.tone)
    await ben.calls[-1].transfer(f"sip:103@{office.realm}", timeout=WITHIN)
    await ann.hears(carl.tone)
    await carl.hears(ann.tone)
    await ben.is_idle()


async def test_a_phone_asks_first_and_then_transfers(office: Office) -> None:
    ann, ben, carl = [
        await office.phone(name, number)
        for name, number in (("ann", "101"), ("ben", "102"), ("carl", "103"))
    ]
    call = await ann.call("102")
    await ann.hears(ben.tone)
    await call.hold()
    consulting = await ann.call("103")
    await carl.hears(ann.tone)
    await call.attended_transfer(consulting)
    await ben.hears(carl.tone)
    await carl.hears(ben.tone)
    await ann.is_idle()


async def test_a_call_is_held_and_taken_up_again(office: Office) -> None:
    ann, ben = await office.phone("ann", "101"), await office.phone("ben", "102")
    call = await ann.call("102")
    await ben.hears(ann.tone)
    await call.hold()
    await until(lambda: ben.spectrum()[ann.tone] < 0.1)
    [ours] = [each for each in await office.rows("channels") if each["direction"] == "inbound"]
    assert ours["is_onhold"]
    await call.resume()
    await ben.hears(ann.tone)


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("is_there", [False, True])
async def test_a_leg_that_nobody_wants_any_more_while_it_is_made_is_over(
    office: Office, is_there: bool, times: int
) -> None:
    exchange, ann = office.station.exchange, await office.phone("ann")
    phone = await exchange.phones.find(f"{office.account_id}.{ann.device_id}")
    assert phone is not None
    [address] = exchange.contacts.uris(phone, "101")
    line = exchange.adopt(exchange.new_id("leg"), phone.party, like=None)
    line.begin()
    name = phone.name if is_there else "nobody"
    ringing = asyncio.create_task(originate(exchange, name, address, line, seconds=20))
    for _ in range(times):
        await asyncio.sleep(0)
        ringing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ringing
    await exchange.hang_up(line)
    assert not exchange.lines
    assert await office.rows("channels") == []
    async with asyncio.timeout(WITHIN):
        while await exchange.ari.get("channels"):
            pass
