"""What is played: nothing but sounds that somebody here has made for the account."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from crossbar.switch.asterisk import making
from crossbar.switch.asterisk.making import remove_unused
from crossbar.switch.asterisk.sounds import Sounds
from crossbar.switch.executor import Address, Prompt, Recorded, Say, Silence, Sound, Tone
from crossbar.switch.executor.actions.sounds import _tone
from tests.conftest import Api
from tests.sounding import tone


@pytest.fixture
def sounds(api: Api, tmp_path: Path) -> Sounds:
    own = tmp_path / "package/en"
    own.mkdir(parents=True)
    (own / "vm-goodbye.gsm").touch()
    (tmp_path / "package/secret.wav").touch()
    return Sounds(api.gateway.services, own, tmp_path / "sounds")


@pytest.mark.parametrize(
    "sound",
    [
        Prompt(name="../secret", language="en-us"),
        Prompt(name="vm-goodbye ../secret", language="en-us"),
        Prompt(name="../../../**/secret", language="en-us"),
        Prompt(name="/etc/passwd", language="en-us"),
        Prompt(name="a**b", language="en-us"),
        Address(url="/etc/passwd"),
        Address(url="file:///etc/passwd"),
        Address(url="http://127.0.0.1:1,sound:/etc/passwd"),
    ],
)
async def test_no_file_of_the_machine_is_played(api: Api, sounds: Sounds, sound: Sound) -> None:
    assert await sounds.addresses(api.master.account_id, [sound]) == []


async def test_a_text_is_no_further_sound(api: Api, sounds: Sounds) -> None:
    said = Say(text="1,sound:/etc/passwd", language="en-us")
    [address] = await sounds.addresses(api.master.account_id, [said])
    assert not set(address.partition(":")[2]) & set(",:/")
    goodbye = Prompt(name="vm-goodbye", language="en-us")
    assert await sounds.addresses(api.master.account_id, [goodbye]) == ["sound:vm-goodbye"]


async def test_long_silence_is_made_of_short_files(
    api: Api, sounds: Sounds, tmp_path: Path
) -> None:
    account = api.master.account_id
    pauses = [Silence(milliseconds=3_599_123), Silence(milliseconds=3_599_900)]
    first, second = await sounds.addresses(account, pauses)
    assert len(first.split(",")) == 60
    assert first == second
    assert sum(file.stat().st_size for file in (tmp_path / "sounds").glob("*.wav")) < 2_000_000
    assert await sounds.addresses(account, [Silence(milliseconds=0)]) == []


async def test_many_who_hear_a_new_sound_at_once_all_hear_it(api: Api, sounds: Sounds) -> None:
    account, tone = api.master.account_id, Tone(frequencies=(440,))
    asked = (sounds.addresses(account, [tone]) for _ in range(20))
    assert len({*map(tuple, await asyncio.gather(*asked))}) == 1


async def test_what_cannot_be_played_is_passed_over_and_not_tried_again_at_once(
    api: Api, sounds: Sounds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = (await api.put(f"{api.account}/media", {"name": "No sound"})).expect(201).data
    raw, headers = f"{api.account}/media/{made['id']}/raw", {"Content-Type": "audio/mpeg"}
    (await api.post(raw, raw=b"no sound", headers=headers)).expect(200)
    account, sound = api.master.account_id, Recorded(media_id=made["id"])
    with capture_logs() as logs:
        for _ in range(3):
            assert await sounds.addresses(account, [sound]) == []
    assert [each.name for each in (tmp_path / "sounds").iterdir()] == ["web"]
    [told] = [each for each in logs if each["event"] == "sound_cannot_be_played"]
    assert made["id"] in told["reason"]
    assert "neither WAV, MP3, Ogg nor FLAC" in told["reason"]
    (await api.post(raw, raw=tone(1, 600), headers=headers)).expect(200)  # that is another file
    assert len(await sounds.addresses(account, [sound])) == 1
    (await api.post(raw, raw=b"no sound", headers=headers)).expect(200)
    monkeypatch.setattr(making, "AGAIN", 0.0)
    assert await sounds.addresses(account, [sound]) == []
    assert await sounds.addresses(account, [sound]) == []


@pytest.mark.parametrize(
    "item",
    [
        {"frequencies": [440], "duration_on": 10**12},
        {"frequencies": [440], "repeat": 10**9},
        {"frequencies": [440], "duration_on": 1, "repeat": 10**9, "duration_off": -5},
        {"frequencies": [int("9" * 400)] * 10_000},
        {"frequencies": 5, "duration_on": "x", "duration_off": {}, "repeat": [1]},
        {},
    ],
)
def test_a_tone_has_an_end(item: dict[str, object]) -> None:
    tone = _tone(item)
    assert (tone.on_ms + tone.off_ms) * tone.repeat <= 120_000
    assert len(tone.frequencies) <= 8
    assert min(tone.on_ms, tone.off_ms) >= 0


def test_what_nobody_hears_is_removed(tmp_path: Path) -> None:
    (tmp_path / "new").touch()
    (tmp_path / "folder").mkdir()
    remove_unused(tmp_path, 3600)
    assert (tmp_path / "new").exists()
    remove_unused(tmp_path, -3600)
    assert [each.name for each in tmp_path.iterdir()] == ["folder"]


async def test_what_was_not_heard_for_longest_makes_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "ROOM", 3 * making.BLOCK)
    files = making.Files(tmp_path)
    at = 1_000_000.0

    async def have(name: str) -> Path | None:
        nonlocal at

        async def make(new: Path) -> None:
            await asyncio.to_thread(new.write_bytes, b"x")

        file = await files.have("account", name, make)
        if file is not None:
            at += 1
            os.utime(file, (at, at))
        return file

    kept = [await have(name) for name in ("a", "b", "c")]
    assert [each is not None and each.exists() for each in kept] == [True] * 3
    await have("a")
    kept.append(await have("d"))
    assert [each is not None and each.exists() for each in kept] == [True, False, False, True]
    await files.close()
