"""Sounds as Asterisk plays them: its own recordings, and files that are made for it."""

from __future__ import annotations

import array
import asyncio
import io
import math
import re
import sys
import wave
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import assert_never

from crossbar.core.attachments import ATTACHMENTS
from crossbar.core.ports import Unplayable
from crossbar.core.services import Services
from crossbar.core.shelving import read_attachment
from crossbar.documents import Document, lookup
from crossbar.errors import CrossbarError
from crossbar.storage import SYSTEM, Key
from crossbar.switch.asterisk.making import LARGEST, Files
from crossbar.switch.asterisk.prompts import RECORDED, SPOKEN
from crossbar.switch.asterisk.web_sounds import WebSounds
from crossbar.switch.executor import (
    Address,
    Prompt,
    Recorded,
    Say,
    Silence,
    Sound,
    Spoken,
    Taped,
    Tone,
)

RATE = 8000
"""Samples a second of what is made here."""

LOUDNESS = 8000
"""Of tones: a quarter of what fits."""

ENGLISH = "en-us"
"""The language of what is spoken."""

MEDIA = "media"

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
        self._files = Files(folder)
        self._web = WebSounds(services, folder / "web")

    async def addresses(self, account_id: str, sounds: Sequence[Sound]) -> list[str]:
        """The addresses of what is to be played; of what cannot be found there is none."""
        found = await asyncio.gather(*(self._address(account_id, each) for each in sounds))
        return [address for address in found if address]

    async def _address(self, account_id: str, sound: Sound) -> str:
        match sound:
            case Prompt():
                return await self._prompt(account_id, sound)
            case Say():
                return _said(sound)
            case Taped():
                return f"recording:{sound.recording.name}"
            case Silence():
                return await self._silent(account_id, sound.milliseconds)
            case Tone():
                return await self._made(account_id, sound)
            case Spoken():
                return await self._spoken(account_id, sound)
            case Recorded():
                return await self._recorded(account_id, sound)
            case Address():
                return _named(await self._web.file(account_id, sound.url))
        assert_never(sound)

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
        return await self._spoken(SYSTEM, Spoken(text=text, language=ENGLISH)) if text else ""

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

    async def _spoken(self, account_id: str, sound: Spoken) -> str:
        async def make(new: Path) -> None:
            try:
                voice = f"{sound.voice}/{_region(sound.language)}"
                spoken = await self._services.speech.speak(sound.text, voice)
            except CrossbarError as error:
                raise Unplayable(str(error)) from None
            await self._services.audio.decode(spoken.content, new)

        return _named(await self._files.have(account_id, repr(sound), make))

    async def _recorded(self, account_id: str, sound: Recorded) -> str:
        key = Key(account_id, sound.doc_type, sound.media_id)
        return await self._attached(account_id, await self._services.store.get(key) or {})

    async def _attached(self, account_id: str, document: Document) -> str:
        """A file with what a document has attached."""
        attached = next(iter((document.get(ATTACHMENTS) or {}).values()), None)
        text = lookup(document, ("tts", "text"))
        if attached is None and isinstance(text, str):
            return await self._spoken(account_id, Spoken(text=text, language=ENGLISH))
        if attached is None:
            return ""

        async def make(new: Path) -> None:
            if attached["length"] > LARGEST:
                raise Unplayable(f"{document['_id']}: the file is too large")
            chunks = read_attachment(self._services, account_id, attached["id"])
            try:
                content = b"".join([chunk async for chunk in chunks])
                await self._services.audio.decode(content, new)
            except (KeyError, CrossbarError, Unplayable) as error:
                raise Unplayable(f"{document['_id']}: {error}") from None

        return _named(await self._files.have(account_id, attached["id"], make))

    async def _made(self, account_id: str, sound: Tone | Silence) -> str:
        async def make(new: Path) -> None:
            await asyncio.to_thread(lambda: new.write_bytes(wav_of(samples_of(sound))))

        return _named(await self._files.have(account_id, repr(sound), make))

    async def _silent(self, account_id: str, milliseconds: int) -> str:
        """Silence of so long, of a few files that all share."""
        minutes, rest = divmod(max(0, milliseconds), MINUTE)
        step = 1000 if rest > 1000 else 100
        parts = [MINUTE] * minutes + ([-(-rest // step) * step] if rest else [])
        return ",".join(
            [await self._made(account_id, Silence(milliseconds=each)) for each in parts]
        )

    def tidy(self) -> None:
        """Remove files that nobody has heard for long. Call it in a thread."""
        self._files.tidy(SPARE)
        self._web.tidy()

    async def close(self) -> None:
        """Make no more files."""
        await self._files.close()
        await self._web.close()


def _said(sound: Say) -> str:
    kind = {"number": "number", "name_spelled": "characters"}.get(sound.kind, "digits")
    is_number = sound.text.isdigit() and sound.method == "pronounced"
    kind = kind if is_number or kind != "number" else "digits"
    # A comma would begin another sound, any file of this machine.
    return f"{kind}:{_UNSAYABLE.sub('', sound.text)}"


def _region(language: str) -> str:
    """``en-us`` as voices are named: ``en-US``."""
    first, _, second = language.partition("-")
    return f"{first}-{second.upper()}" if second else f"{first}-{first.upper()}"


def _named(file: Path | None) -> str:
    """Asterisk wants names without their ends."""
    return f"sound:{file.resolve().with_suffix('')}" if file else ""


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
