"""Flows of documents over real calls: what is heard, pressed and recorded."""

from __future__ import annotations

import array
import io
import wave
from urllib.parse import parse_qs

import pytest
from aiohttp import web

from crossbar.outside import speech_of
from tests.families.webhooks.receiver import Got, receiving
from tests.sounding import share, tone
from tests.switch.asterisk.conftest import Office
from tests.switch.asterisk.phones import WITHIN, until

pytestmark = pytest.mark.thorough


async def test_a_menu_is_walked_by_keys(office: Office) -> None:
    ann, ben = await office.phone("ann"), await office.phone("ben")
    menu = {"name": "Main", "timeout": 8000, "retries": 3, "max_extension_length": 1}
    menu_id = (await office.api.put(f"{office.path}/menus", menu)).expect(201).data["id"]
    rings = {"module": "device", "data": {"id": ben.device_id}, "children": {}}
    await office.callflow("400", "menu", menu_id, children={"2": rings})
    call = await ann.call("400")
    await call.send_dtmf("2")
    await ann.hears(ben.tone)
    await ben.hears(ann.tone)


async def test_a_message_is_left_and_is_in_the_box(office: Office) -> None:
    ann = await office.phone("ann")
    box = {"name": "Box", "mailbox": "700", "skip_instructions": True}
    box_id = (await office.api.put(f"{office.path}/vmboxes", box)).expect(201).data["id"]
    await office.callflow("701", "voicemail", box_id, action="compose")
    call = await ann.call("701")
    recording = office.station.exchange
    await until(lambda: recording.is_recording)
    office.api.clock.advance(1)
    await ann.speaks(1.5)
    await call.send_dtmf("#")
    await ann.hang_up()
    await until(lambda: not office.station.exchange.lines)
    await office.station.exchange.quiet()
    path = f"vmboxes/{box_id}/messages"
    [message] = await office.rows(path)
    assert message["caller_id_number"] == "ann"
    raw = await office.api.get(f"{office.path}/{path}/{message['media_id']}/raw")
    with wave.open(io.BytesIO(raw.expect(200).content)) as file:
        samples = array.array("h", file.readframes(file.getnframes()))
        rate = file.getframerate()
    middle = samples[len(samples) // 2 : len(samples) // 2 + rate // 10]
    assert share(middle, rate, ann.tone) > 0.6


async def test_a_message_is_wound_back_and_ahead(office: Office) -> None:
    config = {"default": {"voicemail": {"is_voicemail_ff_rw_enabled": True}}}
    (await office.api.post("/v2/system_configs/callflow", config)).expect(200)
    winds = {"is_voicemail_ff_rw_enabled": True, "seek_duration_ms": 10_500}
    user = {"first_name": "Ann", "last_name": "Lee"}
    owner = (await office.api.put(f"{office.path}/users", user)).expect(201).data["id"]
    asked = {"name": "Box", "mailbox": "1", "owner_id": owner, "is_setup": True, **winds}
    box_id = (await office.api.put(f"{office.path}/vmboxes", asked)).expect(201).data["id"]
    message, headers = tone(10, 600, 1300), {"Content-Type": "audio/wav"}
    path = f"{office.path}/vmboxes/{box_id}/messages"
    (await office.api.put(path, raw=message, headers=headers)).expect(201)
    await office.callflow("*97", "voicemail", box_id, action="check")
    ann = await office.phone("ann", owner_id=owner)
    call = await ann.call("*97")
    await until(lambda: ann.loudness() > 100)
    await call.send_dtmf("1")
    await ann.hears(600)
    await call.send_dtmf("8")
    await ann.hears(1300)
    await call.send_dtmf("5")
    await ann.hears(600)
    await call.send_dtmf("7")
    await until(lambda: ann.spectrum()[600] < 0.3)
    [row] = await office.rows(f"vmboxes/{box_id}/messages?filter_folder=deleted")
    assert row["folder"] == "deleted"


async def test_who_does_not_answer_gets_messages(office: Office) -> None:
    ann, ben = await office.phone("ann"), await office.phone("ben")
    ben.answers = False
    box = {"name": "Box", "mailbox": "700", "skip_instructions": True}
    box_id = (await office.api.put(f"{office.path}/vmboxes", box)).expect(201).data["id"]
    leave = {"module": "voicemail", "data": {"id": box_id, "action": "compose"}, "children": {}}
    await office.callflow("102", "device", ben.device_id, timeout=1, children={"_": leave})
    await ann.call("102")
    await ben.is_idle()
    await until(lambda: office.station.exchange.is_recording)


async def test_a_text_is_spoken(office: Office) -> None:
    if type(speech_of(office.api.gateway.services.settings.speech)).__name__ == "NoSpeech":
        pytest.skip("there is no espeak-ng here")
    ann = await office.phone("ann")
    await office.callflow("500", "tts", "", text="Hello there. This is a long text to hear.")
    await ann.call("500")
    await until(lambda: ann.loudness() > 300)
    await ann.is_idle()


async def test_a_function_says_what_each_caller_hears(office: Office) -> None:
    ann, ben = await office.phone("ann"), await office.phone("ben")
    low, high = await office.sound(600, 20), await office.sound(1300, 20)
    text = f"""
        var sound = call['Caller-ID-Number'] === 'ann' ? '{low}' : '{high}';
        return {{module: 'play', data: {{id: sound}}}};
    """
    function = {"name": "Who calls", "function_js": text}
    made = (await office.api.put(f"{office.path}/functions", function)).expect(201).data
    await office.callflow("600", "function", made["id"])
    await ann.call("600")
    await ann.hears(600)
    await ben.call("600")
    await ben.hears(1300)


async def test_a_function_that_returns_no_flow_is_passed_over(office: Office) -> None:
    ann, low = await office.phone("ann"), await office.sound(600, 20)
    function = {"name": "Broken", "function_js": "return {module: 'unheard_of', data: {}}"}
    made = (await office.api.put(f"{office.path}/functions", function)).expect(201).data
    play = {"module": "play", "data": {"id": low}, "children": {}}
    await office.callflow("601", "function", made["id"], children={"_": play})
    await ann.call("601")
    await ann.hears(600)


async def test_a_parked_call_hears_music_and_is_picked_up(office: Office) -> None:
    ann, ben = await office.phone("ann"), await office.phone("ben")
    await office.callflow("801", "park", "", action="direct_park", slot="801")
    await office.callflow("802", "park", "", action="retrieve", slot="801")
    await ann.call("801")
    await until(lambda: ann.loudness() > 100)
    await ben.call("802")
    await ann.hears(ben.tone)
    await ben.hears(ann.tone)


async def test_a_phone_forwards_calls(office: Office) -> None:
    ann, carl = await office.phone("ann"), await office.phone("carl", "103")
    forward = {"enabled": True, "number": "103", "require_keypress": False, "substitute": True}
    await office.phone("ben", "102", call_forward=forward)
    await ann.call("102")
    await ann.hears(carl.tone)
    await carl.hears(ann.tone)


async def test_who_is_forwarded_to_is_asked(office: Office) -> None:
    ann, carl = await office.phone("ann"), await office.phone("carl", "103")
    forward = {"enabled": True, "number": "103", "require_keypress": True, "substitute": True}
    await office.phone("ben", "102", call_forward=forward)
    for key, is_taken in (("2", False), ("1", True)):
        call = await ann.dial("102")
        await (asked := await carl.rings()).wait_established(WITHIN)
        await asked.send_dtmf(key)
        if is_taken:
            await call.wait_established(WITHIN)
        else:
            await carl.is_idle()
            await ann.is_idle()
            carl.calls.clear()
    await ann.hears(carl.tone)
    await carl.hears(ann.tone)


async def test_a_recording_of_the_account_is_played(office: Office) -> None:
    ann = await office.phone("ann")
    media_id = await office.sound(1100, 8)
    await office.callflow("600", "play", media_id)
    await ann.call("600")
    await ann.hears(1100)


async def test_a_call_is_recorded_and_the_recording_is_read_by_rest(office: Office) -> None:
    ann, ben = await office.phone("ann"), await office.phone("ben")
    rings = {"module": "device", "data": {"id": ben.device_id}, "children": {}}
    await office.callflow("610", "record_call", "", action="start", children={"_": rings})
    await ann.call("610")
    await ann.hears(ben.tone)
    await until(lambda: office.station.exchange.is_recording)
    await ann.speaks(1)
    await ann.hang_up()
    await until(lambda: not office.station.exchange.lines)
    await office.station.exchange.quiet()
    [recording] = await office.rows("recordings")
    path = f"{office.path}/recordings/{recording['id']}"
    raw = await office.api.get(path, headers={"Accept": "audio/wav"})
    with wave.open(io.BytesIO(raw.expect(200).content)) as file:
        samples = array.array("h", file.readframes(file.getnframes()))
    tenths = [samples[at : at + 800] for at in range(0, len(samples), 800)]
    assert any(
        all(share(tenth, 8000, phone.tone) > 0.3 for phone in (ann, ben)) for tenth in tenths
    )


async def test_who_may_listens_to_a_call(office: Office) -> None:
    ann, ben, carl = [
        await office.phone(name, number)
        for name, number in (("ann", "101"), ("ben", "102"), ("carl", "103"))
    ]
    await office.callflow(
        "620", "eavesdrop", "", device_id=ann.device_id, approved_device_id=carl.device_id
    )
    await ann.call("102")
    await ann.hears(ben.tone)
    await carl.call("620")
    await carl.hears(ann.tone, 0.3)
    await carl.hears(ben.tone, 0.3)
    await ann.hears(ben.tone)
    await ann.hang_up()
    await carl.is_idle()


async def test_all_of_a_group_are_spoken_to(office: Office) -> None:
    ann, ben, carl = [await office.phone(name) for name in ("ann", "ben", "carl")]
    endpoints = [{"id": each.device_id, "endpoint_type": "device"} for each in (ben, carl)]
    await office.callflow("630", "page_group", "", endpoints=endpoints)
    await ann.call("630")
    await ben.hears(ann.tone)
    await carl.hears(ann.tone)
    assert ann.spectrum()[ben.tone] < 0.1
    await ann.hang_up()
    await ben.is_idle()
    await carl.is_idle()


async def test_a_number_plays_a_tone_by_which_lines_are_tested(office: Office) -> None:
    tone = {"frequencies": ["1004"], "frequency_on": 2000, "frequency_off": 0, "duration": 2000}
    config = {"default": {"tone": {**tone, "number": ["5555555551"]}}}
    (await office.api.post("/v2/system_configs/milliwatt", config)).expect(200)
    ann = await office.phone("ann")
    await ann.call("5555555551")
    await ann.hears(1004)
    await ann.is_idle()
    await until(lambda: not office.station.exchange.lines)


async def test_a_number_lets_callers_hear_themselves(office: Office) -> None:
    ann = await office.phone("ann")
    await ann.call("5555555552")
    await ann.hears(ann.tone)
    await ann.hang_up()
    await until(lambda: not office.station.exchange.lines)


async def test_a_web_server_has_a_caller_recorded(office: Office) -> None:
    async with receiving() as receiver:

        def answer(got: Got) -> web.StreamResponse:
            verb = "<Record action='/done' finishOnKey='#'/>" if got.path == "/flow" else ""
            return web.Response(text=f"<Response>{verb}</Response>")

        receiver.answer = answer
        await office.callflow("300", "pivot", "", voice_url=f"{receiver.url}/flow")
        ann = await office.phone("ann")
        call = await ann.call("300")
        await until(lambda: office.station.exchange.is_recording)
        await ann.speaks(1.5)
        await call.send_dtmf("#")
        await ann.is_idle()
        [got] = await receiver.until(1, "/done")
    told = {name: each[0] for name, each in parse_qs(got.body.decode()).items()}
    assert told["Digits"] == "#"
    path = f"{office.path}/media/{told['RecordingSid']}/raw"
    raw = (await office.api.get(path)).expect(200).content
    with wave.open(io.BytesIO(raw)) as file:
        samples = array.array("h", file.readframes(file.getnframes()))
        rate = file.getframerate()
    middle = samples[len(samples) // 2 : len(samples) // 2 + rate // 10]
    assert share(middle, rate, ann.tone) > 0.6
