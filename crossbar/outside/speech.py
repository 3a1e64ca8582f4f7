"""Text spoken by eSpeak NG, a program beside this server: small, and in a hundred languages.

The program reads the text and writes a WAV file to its output. It is given so much time, and no
more audio is taken of it than media may have.
"""

from __future__ import annotations

import asyncio
import io
import re
import shutil
import wave
from asyncio import StreamReader, StreamWriter
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from typing import cast

import structlog

from crossbar.core.ports import NoSpeech, Speech, Spoken
from crossbar.errors import TtsUnavailable
from crossbar.settings import Speech as SpeechSettings

log = structlog.get_logger(__name__)

LARGEST = 11_534_336
"""Bytes of audio, as media may have at most."""

HEADER = 44
"""Bytes of a WAV file before its audio, as the program writes it."""

CHUNK = 65_536

AT_ONCE = 2
"""How many texts are spoken at a time; speaking takes a processor."""

LANGUAGES = {
    "es-us": "es-419",
    "us-us": "en-us",
    "en-ca": "en-us",
    "en-au": "en-gb",
    "zh-cn": "cmn",
    "zh-tw": "cmn",
    "zh-hk": "yue",
    "fr-ca": "fr-fr",
    "nb-no": "nb",
    "pt-pt": "pt",
}
"""The program's languages, where they are not the voice's own or its first part."""

KNOWN_BY_BOTH = ("en-us", "en-gb", "fr-fr", "pt-br")

_LANGUAGE = re.compile(r"(?:(female|male)/)?([a-z]{2})-([A-Z]{2})")


def speech_of(settings: SpeechSettings) -> Speech:
    """The program that the settings name, if it is there."""
    path = shutil.which(settings.program) if settings.program else None
    return Espeak(path, settings.timeout) if path else NoSpeech()


def program_voice(voice: str) -> str:
    """The program's name of a voice, such as ``en-us+f2``; of none like it, an American one."""
    match = _LANGUAGE.match(voice)
    if match is None:
        return "en-us"
    language = f"{match[2]}-{match[3]}".lower()
    known = language if language in KNOWN_BY_BOTH else LANGUAGES.get(language, match[2])
    return f"{known}+{'m3' if match[1] == 'male' else 'f2'}"


class Espeak:
    """eSpeak NG."""

    def __init__(self, path: str, timeout: float) -> None:
        self._path = path
        self._timeout = timeout
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def speak(self, text: str, voice: str) -> Spoken:
        """The text as a WAV file."""
        try:
            async with asyncio.timeout(self._timeout), self._turns:
                audio = await self._run(text, voice)
            content = await asyncio.to_thread(_wav, audio)
        except (TimeoutError, OSError, wave.Error, EOFError) as error:
            log.warning("speech_failed", error=type(error).__name__)
            raise TtsUnavailable from None
        return Spoken(content, "audio/wav", ".wav")

    async def _run(self, text: str, voice: str) -> bytes:
        process = await asyncio.create_subprocess_exec(
            self._path,
            "-v",
            program_voice(voice),
            "-b",
            "1",
            "--stdin",
            "--stdout",
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
        )
        feeding = asyncio.create_task(_feed(process, text.encode()))
        try:
            audio = await _output(process)
            await feeding
            status = await process.wait()
        finally:
            feeding.cancel()
            if process.returncode is None:
                process.kill()
                await process.wait()
        if status != 0:
            raise OSError(f"the program ended with {status}")
        return audio


async def _feed(process: Process, text: bytes) -> None:
    """Give the program the text. One that ends before it has read all of it says so itself."""
    stdin = cast(StreamWriter, process.stdin)
    with suppress(BrokenPipeError, ConnectionResetError):
        stdin.write(text)
        await stdin.drain()
        stdin.close()


async def _output(process: Process) -> bytes:
    """What the program writes. Raises :class:`OSError` when it is too much."""
    stdout = cast(StreamReader, process.stdout)
    chunks, size = [], 0
    while chunk := await stdout.read(CHUNK):
        chunks.append(chunk)
        size += len(chunk)
        if size > LARGEST:
            raise OSError("too much audio")
    return b"".join(chunks)


def _wav(streamed: bytes) -> bytes:
    """A WAV file that says how long it is; in one that is streamed the program cannot know."""
    with wave.open(io.BytesIO(streamed[:HEADER])) as head:
        parameters = head.getparams()
    whole = io.BytesIO()
    with wave.open(whole, "wb") as file:
        file.setnchannels(parameters.nchannels)
        file.setsampwidth(parameters.sampwidth)
        file.setframerate(parameters.framerate)
        file.writeframes(streamed[HEADER:])
    return whole.getvalue()
