"""The seam to a voice: how text becomes audio that telephones play.

:class:`NoSpeech` stands in where there is no engine.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from crossbar.errors import TtsUnavailable


class Spoken(NamedTuple):
    """Audio, its media type, and how the name of such a file ends."""

    content: bytes
    content_type: str
    ending: str


class Speech(Protocol):
    """An engine that speaks text."""

    async def speak(self, text: str, voice: str) -> Spoken:
        """The text, spoken by a voice such as ``female/en-US``, or by one that is like it.

        Raises :class:`~crossbar.errors.TtsUnavailable` when nothing has come of it in time.
        """
        ...


class NoSpeech:
    """What stands in where no engine is."""

    async def speak(self, text: str, voice: str) -> Spoken:
        """Refused."""
        raise TtsUnavailable
