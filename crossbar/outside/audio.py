"""Sounds for telephones, made by a program of its own (:mod:`crossbar.outside.decoding`)."""

from __future__ import annotations

import asyncio
import struct
from pathlib import Path

from crossbar.core.ports import Unplayable
from crossbar.outside.apart import Failed, run

PROGRAM = Path(__file__).with_name("decoding.py")
AT_ONCE = 6
"""How many sounds are made at a time: more than one account may have made, uploads and files of
web servers together. They leave the processor to others who need it."""

SECONDS = 60.0
"""Seconds that it may take, the wait for a turn not counted."""

DONE = b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16_000, 2, 16) + b"data"
"""What WAV files have from their ninth byte on that are as telephones play them."""

EMPTY = 44
"""Bytes of such a file without a sample: nothing can be heard of it."""


class Decoder:
    """What makes sounds (:class:`crossbar.core.ports.Audio`)."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def decode(self, content: bytes, into: Path) -> None:
        """See :class:`crossbar.core.ports.Audio`.

        What telephones have recorded is so already, and needs no program.
        """
        if content.startswith(b"RIFF") and content.startswith(DONE, 8) and len(content) > EMPTY:
            await asyncio.to_thread(into.write_bytes, content)
            return
        try:
            async with self._turns:
                with into.open("wb") as file:
                    await run(PROGRAM, content, SECONDS, file)
        except TimeoutError:
            raise Unplayable("it takes too long to read it") from None
        except Failed as failed:
            raise Unplayable(str(failed) or "the file cannot be read") from None
