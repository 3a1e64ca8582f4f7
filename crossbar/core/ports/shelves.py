"""The seam to places outside of the store where files are kept: a folder, a store of objects."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, Protocol


class ShelfFailed(Exception):
    """A place did not do what was asked of it. The message holds no secret.

    ``code`` is the status that it answered with, 0 when it did not answer.
    """

    def __init__(self, reason: str, code: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


class Shelf(Protocol):
    """A place where files are kept by name. Everything here raises :class:`ShelfFailed`."""

    async def put(self, name: str, chunks: AsyncIterator[bytes]) -> None:
        """Keep a file durably, or nothing of it; one of the same name is replaced."""
        ...

    def read(self, name: str, start: int, stop: int) -> AsyncIterator[bytes]:
        """The bytes from ``start`` up to, not including, ``stop``."""
        ...

    async def remove(self, name: str) -> None:
        """Keep the file no more; one that is not there is none."""
        ...


class Shelves(Protocol):
    """Opens places."""

    def open(self, handler: str, settings: Mapping[str, Any]) -> Shelf:
        """The place that a storage document names.

        Raises :class:`ShelfFailed` for one that cannot be reached from here, whatever it is.
        """
        ...
