"""What is heard of files with sound: what accounts have uploaded, and what web servers have."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from crossbar.documents import Document
from tests.families.webhooks.receiver import Got, Receiver, receiving
from tests.sounding import encoded, silence, tone
from tests.switch.asterisk.conftest import Office
from tests.switch.asterisk.phones import until

pytestmark = pytest.mark.thorough

KINDS = {"MP3": "audio/mpeg", "OGG": "audio/ogg", "FLAC": "audio/mp3", "WAV": "audio/wav"}
"""The types that files are uploaded as; of FLAC the API knows none, and nobody goes by it."""


@pytest.fixture
async def server() -> AsyncIterator[Receiver]:
    """A web server; it has a file with a tone at every path until it is told otherwise."""
    async with receiving() as receiver:
        has(receiver, encoded(tone(8, 1300, rate=44_100), "MP3"))
        yield receiver
        receiver.is_open.set()


def has(receiver: Receiver, content: bytes) -> None:
    def answer(got: Got) -> web.Response:
        return web.Response(body=content, content_type="audio/mpeg")

    receiver.answer = answer


def then(media_id: str) -> Document:
    """What a flow goes on with."""
    return {"_": {"module": "play", "data": {"id": media_id}, "children": {}}}


@pytest.mark.parametrize("kind", KINDS)
async def test_uploads_of_all_kinds_are_heard(office: Office, kind: str) -> None:
    content = encoded(tone(8, 1100, rate=22_050), kind)
    media_id = await office.media(content, KINDS[kind])
    await office.callflow("400", "play", media_id)
    ann = await office.phone("ann")
    await ann.call("400")
    await ann.hears(1100)


async def test_a_wav_file_of_an_odd_rate_is_heard(office: Office) -> None:
    await office.callflow("400", "play", await office.media(tone(8, 1100, rate=11_127)))
    ann = await office.phone("ann")
    await ann.call("400")
    await ann.hears(1100)


async def test_a_file_that_is_no_sound_or_one_without_end_is_passed_over(office: Office) -> None:
    good, bomb = await office.sound(1100, 8), encoded(silence(3600, 4000), "FLAC")
    for number, content in (("400", b"no sound"), ("401", bomb)):
        media_id = await office.media(content, "audio/mpeg")
        await office.callflow(number, "play", media_id, then(good))
    for number in ("400", "401"):
        phone = await office.phone(f"ann{number}")
        await phone.call(number)
        await phone.hears(1100)


async def test_a_file_of_a_web_server_is_heard(office: Office, server: Receiver) -> None:
    await office.callflow("400", "play", f"{server.url}/welcome.mp3")
    ann = await office.phone("ann")
    await ann.call("400")
    await ann.hears(1300)
    await ann.hang_up()
    await ann.call("400")
    await ann.hears(1300)
    [got] = server.got
    assert got.path == "/welcome.mp3"


async def test_who_is_held_hears_the_music_of_a_web_server(
    office: Office, server: Receiver
) -> None:
    holds = {"numbers": {"3": {"module": "hold", "data": {}}}, "digit_timeout": 500}
    music = {"media_id": f"{server.url}/music.mp3"}
    ann = await office.phone("ann", metaflows=holds, music_on_hold=music)
    ben = await office.phone("ben", "102")
    call = await ann.call("102")
    await ann.hears(ben.tone)
    for key in "*3":
        await call.send_dtmf(key)
    await ben.hears(1300)


async def test_a_web_server_that_hangs_or_sends_too_much_is_passed_over(
    office: Office, server: Receiver
) -> None:
    good = await office.sound(1100, 8)
    await office.callflow("400", "play", f"{server.url}/large", then(good))
    await office.callflow("401", "play", f"{server.url}/slow", then(good))
    has(server, bytes(20_000_000))
    ann = await office.phone("ann")
    await ann.call("400")
    await ann.hears(1100)
    server.is_open.clear()
    ben = await office.phone("ben")
    await ben.call("401")
    await ben.hears(1100)
    await until(lambda: len(server.got) == 2)
