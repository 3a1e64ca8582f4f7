"""The seam to what makes pages for fax machines of documents."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Pages(NamedTuple):
    """What a fax machine is sent: a TIFF file of black and white pages, and how many they are."""

    content: bytes
    number: int


class Unprintable(Exception):
    """No pages can be made of a document. The message says why, for whom it is of."""


class Paper(Protocol):
    """Makes pages for fax machines."""

    async def print(self, content: bytes) -> Pages:
        """The pages of a PDF or of a TIFF file. Raises :class:`Unprintable`."""
        ...
