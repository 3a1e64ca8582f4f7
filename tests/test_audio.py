"""Files with sound become what telephones play, in a program of its own."""

from __future__ import annotations

import array
import io
import wave
from pathlib import Path

import pytest

from crossbar.core.ports import Unplayable
from crossbar.outside import Decoder, audio, decoding
from tests.sounding import encoded, share, silence, tone

HOUR = 3600
KINDS = ("MP3", "OGG", "FLAC", "WAV")


def decoded(content: bytes) -> array.array[int]:
    """The samples that the program makes of a file; what they are written as is checked."""
    out = io.BytesIO()
    decoding.decode(content, out)
    return samples_of(out.getvalue())


def samples_of(content: bytes) -> array.array[int]:
    with wave.open(io.BytesIO(content)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)
        return array.array("h", file.readframes(file.getnframes()))


def assert_heard(samples: array.array[int], frequency: int) -> None:
    """That a tone of a second is heard, about as loud as it was."""
    assert len(samples) == pytest.approx(8000, abs=500)
    middle = samples[3000:5000]
    assert share(middle, 8000, frequency) > 0.9
    assert max(middle) == pytest.approx(9000, rel=0.1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rate", [8000, 11_025, 16_000, 44_100, 48_000])
def test_files_of_all_kinds_and_rates_are_heard(kind: str, rate: int) -> None:
    assert_heard(decoded(encoded(tone(1, 1100, rate=rate), kind)), 1100)


@pytest.mark.parametrize("kind", KINDS)
def test_long_sounds_have_no_gaps(kind: str) -> None:
    samples = decoded(encoded(tone(8, 1100, rate=44_100), kind))
    assert len(samples) == pytest.approx(64_000, abs=500)
    for at in range(800, 63_000, 400):
        assert share(samples[at : at + 400], 8000, 1100) > 0.9


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_24", "FLOAT", "ULAW", "IMA_ADPCM", "GSM610"])
def test_wav_files_hold_many_things(subtype: str) -> None:
    content = encoded(tone(1, 1100, rate=8000), "WAV", subtype=subtype)
    assert share(decoded(content)[3000:5000], 8000, 1100) > 0.9


def test_ogg_holds_opus_too() -> None:
    assert_heard(decoded(encoded(tone(1, 1100, rate=48_000), "OGG", subtype="OPUS")), 1100)


def test_all_channels_are_heard() -> None:
    both = encoded(tone(1, 600), "WAV", beside=tone(1, 1300))
    middle = decoded(both)[3000:5000]
    assert share(middle, 8000, 600) == pytest.approx(0.5, abs=0.05)
    assert share(middle, 8000, 1300) == pytest.approx(0.5, abs=0.05)


def test_what_telephones_cannot_carry_does_not_come_back_as_something_else() -> None:
    samples = decoded(tone(1, 6000, rate=44_100))
    assert max(map(abs, samples[1000:-1000])) < 200  # unfiltered it would be 2000 Hz


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_was_cut_is_heard_as_far_as_it_goes(kind: str) -> None:
    content = encoded(tone(10, 1100), kind)
    samples = decoded(content[: len(content) * 3 // 4])
    assert 16_000 < len(samples) <= 64_000
    assert share(samples[3000:5000], 8000, 1100) > 0.9


@pytest.fixture(scope="module")
def bomb() -> bytes:
    """A small file that lasts for an hour."""
    content = encoded(silence(HOUR, 4000), "FLAC")
    assert len(content) < 100_000
    return content


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "neither WAV, MP3, Ogg nor FLAC"),
        (b"<html>", "neither WAV, MP3, Ogg nor FLAC"),
        (b"RIFF\0\0\0\0WAVEfmt ", "the sound in it cannot be read"),
        (b"\xff\xfb" + bytes(1000), "cannot be read"),
        (b"OggS" + bytes(1000), "cannot be read"),
        (b"fLaC" + bytes(1000), "cannot be read"),
        (silence(0, 16_000), "nothing is to be heard"),
        (silence(1000, 1), "1 channels at 1 Hz"),
        (silence(1, 192_000), "1 channels at 192000 Hz"),
        (silence(1, 8000, 3), "3 channels at 8000 Hz"),
    ],
    ids=["empty", "text", "WAV", "MP3", "Ogg", "FLAC", "nothing", "slow", "quick", "channels"],
)
def test_what_is_no_sound_is_told(content: bytes, reason: str) -> None:
    with pytest.raises(decoding.Unplayable, match=reason):
        decoded(content)


def test_what_would_last_too_long_is_given_up(bomb: bytes) -> None:
    with pytest.raises(decoding.Unplayable, match="longer than 30 minutes"):
        decoded(bomb)


async def test_a_program_of_its_own_does_it(tmp_path: Path, bomb: bytes) -> None:
    content = encoded(tone(1, 1100, rate=44_100), "MP3")
    await Decoder().decode(content, tmp_path / "made")
    assert samples_of((tmp_path / "made").read_bytes()) == decoded(content)
    with pytest.raises(Unplayable, match="longer than 30 minutes"):
        await Decoder().decode(bomb, tmp_path / "long")
    with pytest.raises(Unplayable, match="neither"):
        await Decoder().decode(b"hello", tmp_path / "none")
    with pytest.raises(Unplayable, match="nothing is to be heard"):
        await Decoder().decode(silence(0, 8000), tmp_path / "none")


async def test_libraries_that_talk_do_not_hide_the_reason(tmp_path: Path) -> None:
    cut = encoded(tone(2, 1100), "MP3")[:450]  # its beginning says that it is longer
    with pytest.raises(Unplayable, match="the sound in it cannot be read"):
        await Decoder().decode(cut, tmp_path / "made")


async def test_what_telephones_have_recorded_needs_no_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audio, "PROGRAM", tmp_path / "there is none")
    content = tone(1, 1100, rate=8000)
    await Decoder().decode(content, tmp_path / "made")
    assert (tmp_path / "made").read_bytes() == content


async def test_a_program_that_fails_or_takes_too_long_fails_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, does in (("crashing", "os.abort()"), ("sleeping", "time.sleep(60)")):
        (tmp_path / f"{name}.py").write_text(f"import os, time\n{does}\n")
    monkeypatch.setattr(audio, "PROGRAM", tmp_path / "crashing.py")
    content = tone(1, 1100)
    with pytest.raises(Unplayable, match="the file cannot be read"):
        await Decoder().decode(content, tmp_path / "made")
    monkeypatch.setattr(audio, "PROGRAM", tmp_path / "sleeping.py")
    monkeypatch.setattr(audio, "SECONDS", 0.5)
    with pytest.raises(Unplayable, match="too long"):
        await Decoder().decode(content, tmp_path / "made")
