"""What is pressed during a conversation, on real phones."""

from __future__ import annotations

import json
from typing import Any

import baresip
import pytest

from crossbar.documents import Document
from crossbar.switch.executor import Spoken
from tests.switch.asterisk.conftest import Office
from tests.switch.asterisk.phones import Phone, until
from tests.switch.executor.support import node
from tests.switch.executor.test_servers import Server

pytestmark = pytest.mark.thorough


def keys(**flows: Any) -> Document:
    """Metaflows by their numbers, without the ``n`` before them, that wait for keys briefly."""
    numbers = {
        name[1:]: {"module": module, "data": data} for name, (module, data) in flows.items()
    }
    return {"digit_timeout": 500, "numbers": numbers}


async def talking(
    office: Office, metaflows: Document, **more: Any
) -> tuple[Phone, Phone, baresip.Call]:
    """Ann, who has metaflows, has called Ben."""
    ann = await office.phone("ann", "101", metaflows=metaflows, **more)
    ben = await office.phone("ben", "102")
    call = await ann.call("102")
    await ann.hears(ben.tone)
    return ann, ben, call


async def press(call: baresip.Call, digits: str) -> None:
    for digit in digits:
        await call.send_dtmf(digit)


async def test_keys_record_hold_and_go_on_and_who_is_not_listened_to_does_nothing(
    office: Office,
) -> None:
    flows = keys(n2=("record_call", {}), n3=("hold", {}), n9=("hangup", {}))
    ann, ben, call = await talking(office, flows)
    exchange = office.station.exchange
    await press(ben.calls[-1], "*9")
    await press(call, "*2")
    await until(lambda: exchange.is_recording)
    await press(call, "*3")
    await until(lambda: ben.spectrum()[ann.tone] < 0.1)
    await until(lambda: ben.loudness() > 50)
    await press(call, "1")
    await ben.hears(ann.tone)
    await ann.hears(ben.tone)
    await press(call, "*2")
    await until(lambda: not exchange.is_recording)
    await until(lambda: not any(line.tapes for line in exchange.lines.values()))
    [recording] = await office.rows("recordings")
    assert recording["origin"] == "metaflow"
    await press(call, "*9")
    await ben.is_idle()


async def test_music_on_hold_is_heard_where_a_call_was_forwarded_to(office: Office) -> None:
    ann, ben = (
        await office.phone("ann", metaflows=keys(n3=("hold", {}))),
        await office.phone("ben"),
    )
    away = {"enabled": True, "number": "102", "require_keypress": False}
    await office.phone("cara", "103", call_forward=away)
    await office.callflow("102", "device", ben.device_id)
    call = await ann.call("103")
    await ben.hears(ann.tone)
    await press(call, "*3")
    await until(lambda: ben.spectrum()[ann.tone] < 0.1)
    await until(lambda: ben.loudness() > 50)
    await press(call, "1")
    await ben.hears(ann.tone)
    await ann.hears(ben.tone)


async def test_what_keys_have_said_is_in_the_language_of_the_phone(office: Office) -> None:
    await office.sound(1300, 8, prompt_id="vm-goodbye", language="de-de")
    flows = keys(n5=("play", {"id": "vm-goodbye", "leg": "self"}), n6=("tts", {"text": "Hallo"}))
    ann, _, call = await talking(office, flows, language="de-DE")
    await press(call, "*6")
    sounds = office.station.exchange.sounds
    spoken = sounds._files.of(repr(Spoken(text="Hallo", language="de-de", engine="flite")))
    await until(spoken.exists)
    await press(call, "*5")
    await ann.hears(1300, 0.3)


async def test_the_other_side_is_transferred_at_once(office: Office) -> None:
    flows: Document = {
        "digit_timeout": 500,
        "patterns": {"^1([0-9]+)$": {"module": "transfer", "data": {}}},
    }
    ann, ben, call = await talking(office, flows)
    cara = await office.phone("cara", "103")
    await press(call, "*1103")
    await cara.hears(ben.tone)
    await ben.hears(cara.tone)
    await ann.is_idle()


async def test_the_other_side_is_transferred_after_asking_or_taken_back(office: Office) -> None:
    asks = {"target": "103", "transfer_type": "attended"}
    ann, ben, call = await talking(office, keys(n1=("transfer", asks)))
    cara = await office.phone("cara", "103")
    await press(call, "*1")
    await ann.hears(cara.tone)
    await cara.hears(ann.tone)
    assert ben.spectrum()[ann.tone] < 0.1
    await press(call, "*1")
    await ben.hears(ann.tone)
    await cara.is_idle()
    await press(call, "*1")
    await ann.hears(cara.tone)
    await ann.hang_up()
    await ben.hears(cara.tone)
    await cara.hears(ben.tone)
    await cara.hang_up()
    await ben.is_idle()


async def test_who_was_called_gives_the_call_over_while_it_rings_still(office: Office) -> None:
    ann, ben = await office.phone("ann", "101"), await office.phone("ben")
    asks = {"target": "103", "transfer_type": "attended"}
    await office.api.patch(
        f"{office.path}/devices/{ann.device_id}", {"metaflows": keys(n1=("transfer", asks))}
    )
    cara = await office.phone("cara", "103")
    cara.answers = False
    await ben.call("101")
    await ben.hears(ann.tone)
    await press(ann.calls[-1], "*1")
    await cara.rings()
    cara.answers = True
    await ann.hang_up()
    await ben.hears(cara.tone)
    await cara.hears(ben.tone)
    await ben.hang_up()
    await cara.is_idle()


async def test_a_web_server_says_where_who_called_goes_on(office: Office) -> None:
    server = Server()
    async with server.server:
        flows = keys(n7=("pivot", {"voice_url": server.url()}))
        ann, ben, call = await talking(office, flows)
        cara = await office.phone("cara")
        server.answer = json.dumps(node("device", id=cara.device_id))
        await press(call, "*7")
        await ann.hears(cara.tone)
        await cara.hears(ann.tone)
        await ben.is_idle()
        [(_, query, _)] = server.asked
        assert (query["Request"], query["Call-Status"]) == ("102", "in-progress")
        await ann.hang_up()
        await cara.is_idle()


async def test_the_api_has_a_metaflow_run_and_calls_moved_and_taken(office: Office) -> None:
    owner = await office.api.put(f"{office.path}/users", {"first_name": "A", "last_name": "L"})
    ann = await office.phone("ann", owner_id=owner.expect(201).data["id"])
    desk = await office.phone("desk", owner_id=owner.data["id"])
    ben = await office.phone("ben", "102")
    await ann.call("102")
    await ben.hears(ann.tone)
    rows = await office.rows("channels")
    uuid = next(each["uuid"] for each in rows if each["direction"] == "inbound")
    path = f"{office.path}/channels/{uuid}"
    quiet = {"module": "audio_level", "data": {"action": "start", "level": -4, "mode": "read"}}
    loudness = ben.loudness()
    (await office.api.put(path, {"action": "metaflow", "data": quiet})).expect(201)
    await until(lambda: ben.loudness() < loudness / 3)
    media_id = await office.sound(1300, 30)
    sound = {"module": "play", "data": {"id": media_id, "leg": "self"}}
    (await office.api.put(path, {"action": "metaflow", "data": sound})).expect(201)
    await ann.hears(1300, 0.3)
    await ann.hears(ben.tone, 0.1)
    (await office.api.post(path, {"action": "break"})).expect(200)
    await ann.hears(ben.tone)
    (await office.api.post(path, {"action": "move"})).expect(200)
    await ben.hears(desk.tone)
    await desk.hears(ben.tone)
    await ann.is_idle()
    rows = await office.rows("channels")
    theirs = next(each["uuid"] for each in rows if each["authorizing_id"] == ben.device_id)
    hold = {"action": "metaflow", "data": {"module": "hold_control"}}
    path = f"{office.path}/channels/{theirs}"
    (await office.api.put(path, hold)).expect(201)
    await until(lambda: desk.loudness() > 50 and desk.spectrum()[ben.tone] < 0.1)
    (await office.api.put(path, hold)).expect(201)
    await desk.hears(ben.tone)
    taken = {"target_type": "device", "target_id": ann.device_id, "unbridged_only": False}
    (await office.api.post(path, {"action": "intercept", **taken})).expect(200)
    await ben.hears(ann.tone)
    await ann.hears(ben.tone)
    await desk.is_idle()
