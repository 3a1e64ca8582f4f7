"""Sounds as Asterisk plays them: its own recordings, and files that are made for it."""

from __future__ import annotations

import array
import asyncio
import hashlib
import io
import math
import re
import secrets
import sys
import wave
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import structlog

from crossbar.clock import Clock
from crossbar.core.attachments import ATTACHMENTS
from crossbar.core.services import Services
from crossbar.core.shelving import read_attachment
from crossbar.documents import Document, lookup
from crossbar.errors import CrossbarError
from crossbar.storage import SYSTEM, Key
from crossbar.switch.asterisk.prompts import RECORDED, SPOKEN
from crossbar.switch.executor import Prompt, Recorded, Say, Silence, Sound, Spoken, Taped, Tone

log = structlog.get_logger(__name__)

RATE = 8000
"""Samples a second of what is made here."""

LOUDNESS = 8000
"""Of tones: a quarter of what fits."""

ENGLISH = "en-us"
"""The language of what is spoken."""

MEDIA = "media"

LARGEST = 12_000_000
"""Bytes of a recorded sound that is played."""

SLOWEST, QUICKEST = 4_000, 192_000
"""Samples a second that a recorded sound may have."""

MOST_CHANNELS = 8
MINUTE = 60_000
SPARE = 30 * 86_400
"""Seconds after which a file is removed that nobody has heard since."""

_PROMPT = re.compile(r"[\w-]{1,80}", re.ASCII)
_UNSAYABLE = re.compile(r"[^\w*#+. -]", re.ASCII)


class Sounds:
    """Makes addresses of sounds. Files that it makes are kept in ``folder``."""

    def __init__(self, services: Services, own: Path | None, folder: Path) -> None:
        self._services = services
        self._own = own
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    async def addresses(self, account_id: str, sounds: Sequence[Sound]) -> list[str]:
        """The addresses of what is to be played; of what cannot be found there is none."""
        found = [await self._address(account_id, each) for each in sounds]
        return [address for address in found if address]

    async def _address(self, account_id: str, sound: Sound) -> str:
        if isinstance(sound, Prompt):
            return await self._prompt(account_id, sound)
        if isinstance(sound, Say):
            kind = {"number": "number", "name_spelled": "characters"}.get(sound.kind, "digits")
            is_number = sound.text.isdigit() and sound.method == "pronounced"
            kind = kind if is_number or kind != "number" else "digits"
            # A comma would begin another sound, any file of this machine.
            return f"{kind}:{_UNSAYABLE.sub('', sound.text)}"
        if isinstance(sound, Taped):
            return f"recording:{sound.recording.name}"
        if isinstance(sound, Silence):
            return await self._silent(sound.milliseconds)
        if isinstance(sound, Tone):
            return await self._made(sound)
        if isinstance(sound, Spoken):
            return await self._spoken(sound)
        if isinstance(sound, Recorded):
            return await self._recorded(account_id, sound)
        log.info("address_not_played", account_id=account_id)  # Asterisk would take it for a file
        return ""

    async def _prompt(self, account_id: str, prompt: Prompt) -> str:
        """The account's own sound, the system's, a recording of Asterisk's, or what is spoken."""
        wanted = prompt.language.lower()
        translations = [f"{each}/{prompt.name}" for each in (wanted, wanted.partition("-")[0])]
        own = (account_id, (prompt.name, *translations))
        owners = [own] if self._may_override else []
        for owner, ids in (*owners, (SYSTEM, (*translations, prompt.name))):
            found = await self._services.store.get_many(owner, ids)
            for media in (found[each] for each in ids if each in found):
                if media["pvt_type"] == MEDIA and (file := await self._attached(owner, media)):
                    return file
        if recorded := self._packaged(prompt.name):
            return recorded
        text = SPOKEN.get(prompt.name, "")
        return await self._spoken(Spoken(text=text, language=ENGLISH)) if text else ""

    @property
    def _may_override(self) -> bool:
        """Whether accounts may have prompts of their own."""
        configuration = self._services.configuration.of_system("media")
        return configuration.get("support_account_overrides") is not False

    def _packaged(self, prompt: str) -> str:
        """What Asterisk has recorded, one after the other; "" where it has nothing."""
        own = prompt if _PROMPT.fullmatch(prompt) else ""  # or it names any file of this machine
        for name in (RECORDED.get(prompt, ""), own, own.replace("_", "-")):
            if name and all(map(self._is_there, name.split())):
                return ",".join(f"sound:{part}" for part in name.split())
        return ""

    def _is_there(self, name: str) -> bool:
        return self._own is not None and any(self._own.glob(f"{name}.*"))

    async def _spoken(self, sound: Spoken) -> str:
        name = repr(sound)
        file = self._file(name)
        if not file.exists():
            try:
                voice = f"{sound.voice}/{_region(sound.language)}"
                spoken = await self._services.speech.speak(sound.text, voice)
            except CrossbarError:
                return ""
            await asyncio.to_thread(_write, file, spoken.content)
        return _named(file)

    async def _recorded(self, account_id: str, sound: Recorded) -> str:
        key = Key(account_id, sound.doc_type, sound.media_id)
        return await self._attached(account_id, await self._services.store.get(key) or {})

    async def _attached(self, account_id: str, document: Document) -> str:
        """A file with what a document has attached. Only WAV can be played."""
        attached = next(iter((document.get(ATTACHMENTS) or {}).values()), None)
        text = lookup(document, ("tts", "text"))
        if attached is None and isinstance(text, str):
            return await self._spoken(Spoken(text=text, language=ENGLISH))
        if attached is None or attached["length"] > LARGEST:
            return ""
        file = self._file(attached["id"])
        if not file.exists():
            chunks = read_attachment(self._services, account_id, attached["id"])
            try:
                content = b"".join([chunk async for chunk in chunks])
                await asyncio.to_thread(_write, file, content)
            except (wave.Error, EOFError, KeyError, CrossbarError) as error:
                log.warning("sound_cannot_be_played", id=document["_id"], error=str(error))
                return ""
        return _named(file)

    async def _made(self, sound: Tone | Silence) -> str:
        file = self._file(repr(sound))
        if not file.exists():
            content = await asyncio.to_thread(lambda: wav_of(samples_of(sound)))
            await asyncio.to_thread(_write, file, content)
        return _named(file)

    async def _silent(self, milliseconds: int) -> str:
        """Silence of so long, of a few files that all share."""
        minutes, rest = divmod(max(0, milliseconds), MINUTE)
        step = 1000 if rest > 1000 else 100
        parts = [MINUTE] * minutes + ([-(-rest // step) * step] if rest else [])
        return ",".join([await self._made(Silence(milliseconds=each)) for each in parts])

    def tidy(self) -> None:
        """Remove files that nobody has heard for long. Call it in a thread."""
        remove_unused(self._folder, SPARE)

    def _file(self, name: str) -> Path:
        return self._folder / f"{hashlib.sha256(name.encode()).hexdigest()[:32]}.wav"


def remove_unused(folder: Path, seconds: float) -> None:
    """Remove files of a folder that were neither written nor read for so long."""
    now = Clock().precise()
    for file in folder.iterdir():
        with suppress(OSError):
            facts = file.stat()
            if file.is_file() and max(facts.st_atime, facts.st_mtime) < now - seconds:
                file.unlink()


def _region(language: str) -> str:
    """``en-us`` as voices are named: ``en-US``."""
    first, _, second = language.partition("-")
    return f"{first}-{second.upper()}" if second else f"{first}-{first.upper()}"


def _named(file: Path) -> str:
    """Asterisk wants names without their ends."""
    return f"sound:{file.resolve().with_suffix('')}"


def _write(file: Path, content: bytes) -> None:
    """A file that is there is whole; several may write it at a time."""
    new = file.with_suffix(f".{secrets.token_hex(4)}")
    try:
        new.write_bytes(fitting(content))
        new.rename(file)
    finally:
        new.unlink(missing_ok=True)


def samples_of(sound: Tone | Silence) -> array.array[int]:
    """The samples of a tone or of silence."""
    if isinstance(sound, Silence):
        return array.array("h", bytes(2 * RATE * sound.milliseconds // 1000))
    once = array.array("h", _wave(sound))
    once.extend(array.array("h", bytes(2 * (RATE * sound.off_ms // 1000))))
    return once * max(1, sound.repeat)


def _wave(tone: Tone) -> Iterator[int]:
    share = LOUDNESS / max(1, len(tone.frequencies))
    turns = [2 * math.pi * frequency / RATE for frequency in tone.frequencies]
    for at in range(RATE * tone.on_ms // 1000):
        yield round(share * sum(math.sin(turn * at) for turn in turns))


def wav_of(samples: array.array[int]) -> bytes:
    """A WAV file of samples."""
    if sys.byteorder == "big":
        samples = samples[:]
        samples.byteswap()
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())
    return out.getvalue()


def fitting(content: bytes) -> bytes:
    """A WAV file with the rate and the one channel that Asterisk plays.

    Raises :class:`wave.Error` and :class:`EOFError` for what is no WAV file.
    """
    with wave.open(io.BytesIO(content)) as file:
        rate, channels, width = file.getframerate(), file.getnchannels(), file.getsampwidth()
        if (rate, channels, width) == (RATE, 1, 2):
            return content
        if width != 2 or not SLOWEST <= rate <= QUICKEST or not 1 <= channels <= MOST_CHANNELS:
            raise wave.Error(f"{channels} channels of {width} bytes at {rate} Hz")
        frames = file.readframes(file.getnframes())
        samples = array.array("h", frames[: len(frames) // 2 * 2])  # the last one may be cut
    if sys.byteorder == "big":
        samples.byteswap()
    one = samples[::channels]
    step = rate / RATE
    return wav_of(
        array.array("h", (_between(one, at * step) for at in range(int(len(one) / step))))
    )


def _between(samples: array.array[int], at: float) -> int:
    """The value between two samples."""
    before = int(at)
    after = min(before + 1, len(samples) - 1)
    return round(samples[before] + (samples[after] - samples[before]) * (at - before))
