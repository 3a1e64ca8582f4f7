"""Whether the embedded store's file is where it was opened."""

from __future__ import annotations

import time
from pathlib import Path

import structlog

from crossbar.storage import Unreachable

log = structlog.get_logger(__name__)

LOOK_INTERVAL = 0.25
"""Seconds that reads go on trusting that the file is in its place; no acknowledgement does."""


class Place:
    """Whether a path still leads to the file that was opened there, and to its log of writes.

    SQLite does not notice when a file is removed or replaced: it goes on in one that nobody will
    ever open again. Whoever puts the right one back, the same and no copy, is believed.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._paths = (Path(path), Path(f"{path}-wal"))
        self._files = self._found()
        self._is_good = True
        self._trusted_until = 0.0

    def _found(self) -> list[tuple[int, int]]:
        try:
            found = [path.stat() for path in self._paths]
        except OSError:
            return []
        return [(status.st_dev, status.st_ino) for status in found]

    def require(self) -> None:
        """Look. Raises :class:`Unreachable` when a file is not there, or another one is."""
        is_good = self._found() == self._files
        if is_good != self._is_good:
            self._is_good = is_good
            if is_good:
                log.warning("database_file_is_back", path=self._path)
            else:
                log.error("database_file_removed_or_replaced", path=self._path)
        if not is_good:
            self._trusted_until = 0.0
            raise Unreachable(f"{self._path}: the file was removed or replaced while it was open")
        self._trusted_until = time.monotonic() + LOOK_INTERVAL

    def require_lately(self) -> None:
        """The same, for what nobody relies on: what was looked at a moment ago is not again."""
        if time.monotonic() > self._trusted_until:
            self.require()
