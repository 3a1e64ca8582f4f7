"""Calls that the switch begins: buttons that ring one phone and then another, callers who wait."""

from __future__ import annotations

from typing import Any

import pytest

from crossbar.documents import Document
from tests.switch.asterisk.conftest import Office
from tests.switch.asterisk.phones import until

pytestmark = pytest.mark.thorough


async def button(office: Office, **more: Any) -> str:
    """The path of a new button that connects with 101."""
    asked = {"name": "Support", "extension": "101", **more}
    made = (await office.api.put(f"{office.path}/clicktocall", asked)).expect(201).data
    return f"{office.path}/clicktocall/{made['id']}"


async def pressed(office: Office, path: str, contact: str) -> Document:
    """What comes of a press."""
    sent = {"contact": contact, "blocking": True}
    made: Document = (await office.api.post(f"{path}/connect", sent)).expect(200).data
    return made


async def test_a_button_rings_the_extension_and_then_calls_the_contact(office: Office) -> None:
    ann, ben = await office.phone("ann", "101"), await office.phone("ben", "102")
    path = await button(
        office,
        auth_required=False,
        custom_application_vars={"page": "prices"},
        music_on_hold={"media_id": await office.sound(1100, 2)},
    )
    ann.answers = ben.answers = False
    (await office.api.get(f"{path}/connect?contact=102", token="")).expect(200)
    ringing = await ann.rings()
    rows = {each.get("username", ""): each for each in await office.rows("channels")}
    assert (rows["ann"]["caller_id_name"], rows["ann"]["caller_id_number"]) == ("Support", "102")
    assert not ben.calls
    await ringing.answer()
    second = await ben.rings()
    await ann.hears(1100)
    rows = {each.get("username", ""): each for each in await office.rows("channels")}
    assert rows["ben"]["caller_id_number"] == "101"
    await second.answer()
    await ann.hears(ben.tone)
    await ben.hears(ann.tone)
    [kept] = await office.rows(f"{path.removeprefix(office.path)[1:]}/history")
    assert (kept["contact"], kept["result"]) == ("102", "success")
    rows = {each["uuid"]: each for each in await office.rows("channels")}
    assert rows[kept["call_id"]]["custom_application_vars"] == {"page": "prices"}
    assert rows[kept["call_id"]]["authorizing_type"] == "clicktocall"
    await ann.hang_up()
    await ben.is_idle()
    await until(lambda: not office.station.exchange.lines)
    cdrs = await office.rows("cdrs")
    assert kept["call_id"] in {each["call_id"] for each in cdrs}


async def test_of_a_button_that_nobody_answers_the_cause_is_told(office: Office) -> None:
    ann, ben = await office.phone("ann", "101"), await office.phone("ben", "102")
    path = await button(office, dial_first="contact", timeout=2)
    ben.answers = False
    slow = await pressed(office, path, "102")
    assert (slow["result"], slow["cause"]) == ("error", "NO_ANSWER")
    await ben.is_idle()
    assert not ann.calls
    nobody = await pressed(office, path, "103")
    assert (nobody["result"], nobody["cause"]) == ("error", "UNALLOCATED_NUMBER")
    await until(lambda: not office.station.exchange.lines)


async def test_who_waits_for_a_phone_is_called_back_when_it_is_free(office: Office) -> None:
    ann, ben = await office.phone("ann", "101"), await office.phone("ben", "102")
    carl = await office.phone("carl")
    flow = {"module": "camping_feature", "data": {}, "children": {}}
    asked = {"patterns": [r"^\*5(\d+)$"], "flow": flow}
    (await office.api.put(f"{office.path}/callflows", asked)).expect(201)
    await ann.call("102")
    await ann.hears(ben.tone)
    await carl.call("*5102")
    await carl.is_idle()
    assert len(ben.calls) == 1
    await ann.hang_up()
    await carl.hears(ben.tone)
    await ben.hears(carl.tone)
    assert len(carl.calls) == 2
    await carl.hang_up()
    # Now it is free, and called at once.
    await ann.call("*5102")
    await ann.hears(ben.tone)
