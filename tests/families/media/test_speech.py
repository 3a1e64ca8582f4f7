"""Media that are spoken: stored at once, made when somebody plays them, kept, and made anew."""

from __future__ import annotations

import asyncio
import io
import os
import shutil
import stat
import wave
from pathlib import Path
from typing import Any

import pytest

from crossbar.core.ports import Spoken
from crossbar.errors import TtsUnavailable
from crossbar.outside import speech_of
from crossbar.outside.speech import program_voice
from crossbar.settings import Speech
from tests.conftest import Api
from tests.families.support import refusal, stored

SPEECH: dict[str, Any] = {"name": "Hello", "media_source": "tts", "tts": {"text": "Good day"}}
NONE = {"speech.program": ""}

MUST_RUN = "CROSSBAR_TEST_SPEECH_REQUIRED"

needs_program = pytest.mark.skipif(
    not (shutil.which("espeak-ng") or os.environ.get(MUST_RUN)),
    reason="espeak-ng is not installed; make espeak-ng installs it",
)


class Voice:
    """An engine that repeats the text; ``asked`` are the texts and voices."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    async def speak(self, text: str, voice: str) -> Spoken:
        self.asked.append((text, voice))
        await asyncio.sleep(0)
        return Spoken(text.encode(), "audio/wav", ".wav")


@pytest.fixture
def voice(api: Api) -> Voice:
    """The engine that the gateway speaks with."""
    engine = Voice()
    object.__setattr__(api.gateway.services, "speech", engine)
    return engine


async def make_speech(api: Api, **more: Any) -> str:
    """The path of new media with a text."""
    made = await api.put(f"{api.account}/media", {**SPEECH, **more})
    return f"{api.account}/media/{made.expect(201).data['id']}"


@needs_program
async def test_a_text_is_spoken_when_it_is_played(api: Api) -> None:
    path = await make_speech(api)
    played = (await api.get(f"{path}/raw")).expect(200)
    assert played.headers["Content-Type"] == "audio/wav"
    assert "text_to_speech_" in played.headers["Content-Disposition"]
    with wave.open(io.BytesIO(played.content)) as audio:
        assert audio.getnframes() > 0.3 * audio.getframerate()
    assert (await api.get(f"{path}/raw")).content == played.content


@pytest.mark.parametrize("overrides", [NONE])
async def test_without_an_engine_it_is_stored_and_not_played(api: Api) -> None:
    path = await make_speech(api)
    for read in (f"{path}/raw", f"{path}?accept=audio/wav"):
        answer = await api.get(read)
        assert answer.expect(503).body["message"] == "tts_unavailable"
        assert answer.headers["Retry-After"]
    assert (await api.get(path)).expect(200).data["tts"]["text"] == "Good day"
    assert (await api.post(path, {**SPEECH, "name": "Other"})).expect(200).data["name"] == "Other"


async def test_it_is_spoken_once_however_many_listen(api: Api, voice: Voice) -> None:
    path = await make_speech(api)
    assert voice.asked == []
    answers = await asyncio.gather(*(api.get(f"{path}/raw") for _ in range(5)))
    assert {answer.content for answer in answers} == {b"Good day"}
    assert voice.asked == [("Good day", "female/en-US")]


async def test_another_text_or_voice_is_spoken_anew(api: Api, voice: Voice) -> None:
    path = await make_speech(api)
    (await api.get(f"{path}/raw")).expect(200)
    (await api.post(path, {**SPEECH, "name": "Renamed"})).expect(200)
    (await api.get(f"{path}/raw")).expect(200)
    assert len(voice.asked) == 1
    (await api.post(path, {**SPEECH, "tts": {"text": "Bye", "voice": "male/en-GB"}})).expect(200)
    assert (await api.get(f"{path}/raw")).content == b"Bye"
    assert voice.asked[1:] == [("Bye", "male/en-GB")]
    store = api.gateway.services.store
    assert len([one async for one in store.attachments(1 << 40)]) == 1


async def test_an_upload_takes_the_place_of_a_text(api: Api, voice: Voice) -> None:
    path = await make_speech(api)
    headers = {"Content-Type": "audio/wav"}
    sent = (await api.post(f"{path}/raw", raw=b"RIFF", headers=headers)).expect(200).data
    assert sent["media_source"] == "upload"
    assert (await api.get(f"{path}/raw")).content == b"RIFF"
    assert voice.asked == []
    (await api.post(path, SPEECH)).expect(200)
    assert (await api.get(f"{path}/raw")).content == b"Good day"


async def test_a_text_is_needed(api: Api, voice: Voice) -> None:
    for tts in ({}, {"voice": "male/en-GB"}):
        answer = await api.put(f"{api.account}/media", {**SPEECH, "tts": tts})
        refusal(answer, "tts.text", "required")
    path = await make_speech(api)
    refusal(await api.post(path, {**SPEECH, "tts": {}}), "tts.text", "required")


async def test_prompts_of_the_system_are_spoken_too(api: Api, voice: Voice) -> None:
    made = (await api.put("/v2/media", SPEECH)).expect(201).data["id"]
    assert (await api.get(f"/v2/media/{made}/raw")).expect(200).content == b"Good day"
    document = await api.gateway.services.store.get_many("system", [made])
    assert document[made]["pvt_attachments"]


async def test_what_was_written_meanwhile_is_what_is_played(api: Api, voice: Voice) -> None:
    path = await make_speech(api)
    doc_id = path.rpartition("/")[2]
    answers = await asyncio.gather(
        api.get(f"{path}/raw"), api.post(path, {**SPEECH, "tts": {"text": "Bye"}})
    )
    assert [answer.status for answer in answers] == [200, 200]
    assert (await api.get(f"{path}/raw")).content == b"Bye"
    assert (await stored(api, "media", doc_id))["tts"]["text"] == "Bye"


@pytest.mark.parametrize(
    ("voice_name", "program_name"),
    [
        ("female/en-US", "en-us+f2"),
        ("male/en-GB", "en-gb+m3"),
        ("female/zh-HK", "yue+f2"),
        ("de-DE-Wavenet-A", "de+f2"),
        ("male/ru-RU/Vladimir", "ru+m3"),
        ("nonsense", "en-us"),
    ],
)
def test_voices_are_like_those_of_the_program(voice_name: str, program_name: str) -> None:
    assert program_voice(voice_name) == program_name


def program(folder: Path, script: str) -> str:
    """A program that does as the script says."""
    path = folder / "speaker"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


@pytest.mark.parametrize(
    "script",
    [
        "exit 3",
        "cat > /dev/null; echo no audio",
        "cat > /dev/null",
        "exec cat /dev/zero",
    ],
)
async def test_a_program_that_fails_is_no_engine(tmp_path: Path, script: str) -> None:
    engine = speech_of(Speech(program=program(tmp_path, script)))
    with pytest.raises(TtsUnavailable):
        await engine.speak("hello " * 50_000, "female/en-US")


async def test_a_program_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    script = f"echo $$ > {mark}; exec sleep 600"
    engine = speech_of(Speech(program=program(tmp_path, script), timeout=1.0))
    with pytest.raises(TtsUnavailable):
        await engine.speak("hello", "female/en-US")
    if mark.exists():
        with pytest.raises(ProcessLookupError):
            os.kill(int(mark.read_text()), 0)


async def test_a_program_that_is_not_there_is_no_engine() -> None:
    with pytest.raises(TtsUnavailable):
        await speech_of(Speech(program="/nowhere/speaker")).speak("hello", "")
