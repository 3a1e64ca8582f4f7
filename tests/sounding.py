"""Sounds for tests: tones, the kinds of files that hold them, and what is heard in samples."""

from __future__ import annotations

import array
import io
import math
import wave

import numpy
import soundfile


def tone(seconds: float, *frequencies: int, rate: int = 16000) -> bytes:
    """A WAV file with tones, one after the other, of so many seconds each."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        for each in frequencies:
            turn = 2 * math.pi * each / rate
            samples = (round(9000 * math.sin(turn * at)) for at in range(round(seconds * rate)))
            file.writeframes(array.array("h", samples).tobytes())
    return out.getvalue()


def silence(seconds: int, rate: int = 8000, channels: int = 1) -> bytes:
    """A WAV file in which nothing is to be heard."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(bytes(2 * channels * rate * seconds))
    return out.getvalue()


def encoded(wav: bytes, kind: str, *, beside: bytes = b"", subtype: str | None = None) -> bytes:
    """A WAV file as one of another kind; with the sound of another one as its second channel."""
    samples, rate = soundfile.read(io.BytesIO(wav))
    if beside:
        samples = numpy.stack([samples, soundfile.read(io.BytesIO(beside))[0]], 1)
    out = io.BytesIO()
    soundfile.write(out, samples, rate, format=kind, subtype=subtype)
    return out.getvalue()


def share(samples: array.array[int], rate: int, frequency: float) -> float:
    """The share of the energy that is at a frequency (Goertzel's algorithm)."""
    total = sum(sample * sample for sample in samples)
    if total <= len(samples) * 100:  # silence
        return 0.0
    turn = 2 * math.cos(2 * math.pi * frequency / rate)
    before = earlier = 0.0
    for sample in samples:
        before, earlier = sample + turn * before - earlier, before
    power = before * before + earlier * earlier - turn * before * earlier
    return 2 * power / (len(samples) * total)
