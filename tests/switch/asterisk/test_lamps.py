"""Lamps of telephones: who speaks, who has messages, what a phone is told to do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.switch.asterisk.conftest import Office
from tests.switch.asterisk.phones import until
from tests.switch.asterisk.sip import SilentPhone, silent_phone
from tests.switch.asterisk.test_queues import desk_of, queue_of

pytestmark = pytest.mark.thorough

DIALOG, SUMMARY = "dialog", "message-summary"


@pytest.fixture
async def desk(office: Office) -> AsyncIterator[SilentPhone]:
    """A phone with lamps, of a user who has a voicemail box."""
    user = {"first_name": "Eve", "last_name": "Lee"}
    owner_id = (await office.api.put(f"{office.path}/users", user)).expect(201).data["id"]
    device = await office.device("eve", owner_id=owner_id)
    port = office.api.gateway.services.settings.switch.sip_port
    async with silent_phone("eve", "secret of eve", office.realm, port) as phone:
        phone.device_id = device["id"]
        phone.owner_id = owner_id
        yield phone


async def test_a_lamp_shows_who_is_called_and_who_speaks(
    office: Office, desk: SilentPhone
) -> None:
    ann, ben = await office.phone("ann", "101"), await office.phone("ben", "102")
    ben.answers = False
    for name in ("ann", "ben"):
        assert (await desk.watch(name)).status == 200
        await desk.is_told(f"sip:{name}@", "<state>terminated</state>", of=DIALOG)
    call = await ann.dial("102")
    await desk.is_told("sip:ben@", "<state>early</state>", of=DIALOG)
    await desk.is_told("sip:ann@", "<state>confirmed</state>", of=DIALOG)
    await (await ben.rings()).answer()
    await ann.hears(ben.tone)
    await desk.is_told("sip:ben@", "<state>confirmed</state>", of=DIALOG)
    desk.notified.clear()
    await call.hangup()
    for name in ("ann", "ben"):
        await desk.is_told(f"sip:{name}@", "<state>terminated</state>", of=DIALOG)
    await office.station.teller.settled()
    told = (await office.api.get(f"{office.path}/presence/ben")).expect(200).data
    assert told["ben"]["state"] == "terminated"


async def test_a_lamp_is_set_by_hand_and_is_of_one_account(
    office: Office, desk: SilentPhone
) -> None:
    other = await office.api.create_account("Other")
    assert (await desk.watch("900")).status == 200
    await set_lamp(office, other, "900", "early")
    await set_lamp(office, office.account_id, "900", "confirmed")
    await desk.is_told("<state>confirmed</state>", of=DIALOG)
    assert not [each for each in desk.notified if "<state>early</state>" in each.body]


async def set_lamp(office: Office, account_id: str, extension: str, state: str) -> None:
    device = {"name": extension, "presence_id": extension}
    path = f"/v2/accounts/{account_id}/devices"
    device_id = (await office.api.put(path, device)).expect(201).data["id"]
    asked = {"action": "set", "state": state}
    (await office.api.post(f"{path}/{device_id}/presence", asked)).expect(200)


async def test_a_lamp_shows_how_many_messages_there_are(office: Office, desk: SilentPhone) -> None:
    assert (await desk.register()).status == 200
    await desk.is_told("Messages-Waiting: no", "Voice-Message: 0/0", of=SUMMARY)
    box: dict[str, Any] = {"name": "Box", "mailbox": "700", "owner_id": desk.owner_id}
    box_id = (await office.api.put(f"{office.path}/vmboxes", box)).expect(201).data["id"]
    messages = f"{office.path}/vmboxes/{box_id}/messages"
    (await office.api.put(messages, {"caller_id_number": "1"})).expect(201)
    await desk.is_told("Messages-Waiting: yes", "Voice-Message: 1/0", of=SUMMARY)
    [message] = await office.rows(f"vmboxes/{box_id}/messages")
    asked = {"folder": "saved"}
    (await office.api.post(f"{messages}/{message['media_id']}", asked)).expect(200)
    await desk.is_told("Messages-Waiting: no", "Voice-Message: 0/1", of=SUMMARY)


async def test_a_phone_is_told_by_rest_what_to_do(office: Office, desk: SilentPhone) -> None:
    assert (await desk.register()).status == 200
    path = f"{office.path}/devices/{desk.device_id}"
    (await office.api.post(f"{path}/sync")).expect(200)
    await until(lambda: any(each.headers["event"] == "check-sync" for each in desk.notified))
    body = {"content_type": "text/plain", "data": "one line\nand another"}
    asked = {"action": "notify", "data": {"event": "talk", "body": body}}
    (await office.api.put(path, asked)).expect(201)
    told = await desk.is_told("one line\r\nand another", of="talk")
    assert told.headers["content-type"] == "text/plain"


async def test_lamps_show_what_agents_do_and_that_somebody_waits(
    office: Office, desk: SilentPhone
) -> None:
    queue_id = await queue_of(office)
    ben, ann = await desk_of(office, "ben", queue_id), await office.phone("ann")
    await ben.order("pause", timeout=0)
    assert (await desk.watch(ben.agent_id)).status == 200
    await desk.is_told(ben.agent_id, "<state>early</state>", of=DIALOG)
    assert (await desk.watch(queue_id)).status == 200
    await ann.call("700")
    await desk.is_told(queue_id, "<state>early</state>", of=DIALOG)
    await ann.hang_up()
    await desk.is_told(queue_id, "<state>terminated</state>", of=DIALOG)
    await ben.order("logout", presence_id="900", presence_state="red_solid")
    assert (await desk.watch("900")).status == 200
    await desk.is_told(ben.agent_id, "<state>confirmed</state>", of=DIALOG)
    await desk.is_told("sip:900@", "<state>confirmed</state>", of=DIALOG)


async def test_nobody_watches_the_lamps_of_another_account(
    office: Office, desk: SilentPhone
) -> None:
    other = await office.api.create_account("Other")
    for device in ("", "Stasis:"):
        target = f"1%26{device.replace(':', '%3A')}{other}.900"
        assert (await desk.watch(target)).status in (200, 404)
    assert (await desk.watch("900")).status == 200
    await set_lamp(office, other, "900", "confirmed")
    await set_lamp(office, office.account_id, "900", "early")
    await desk.is_told("sip:900@", "<state>early</state>", of=DIALOG)
    assert not [each for each in desk.notified if "<state>confirmed</state>" in each.body]
