"""The seam to what makes of files with sound what telephones play."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol


class Unplayable(Exception):
    """Nothing can be heard of a file. The message says why, for whom it is of."""


class Audio(Protocol):
    """Makes sounds for telephones."""

    async def decode(self, content: bytes, into: Path) -> None:
        """Write the sound of a WAV, MP3, Ogg or FLAC file to a file of ours.

        That is WAV then, of one channel with 8000 samples a second of 16 bits. Raises
        :class:`Unplayable`, and :class:`OSError` where the file cannot be written.
        """
        ...
