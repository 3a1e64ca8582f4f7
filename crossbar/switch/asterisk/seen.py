"""When this switch was last there: until then calls count that went while nobody was."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import structlog

from crossbar.clock import Clock

log = structlog.get_logger(__name__)

PAUSE = 2.0
"""Seconds between two notes."""


class Seen:
    """A note in a file. ``at`` is what it said at the start, in Gregorian seconds."""

    def __init__(self, file: Path, clock: Clock) -> None:
        self._file = file
        self._clock = clock
        self.at: int | None = None
        """When the one before us was last there; ``None`` where nobody was."""

        try:
            self.at = int(file.read_text())
        except (OSError, ValueError):
            log.debug("nobody_was_here_before")

    async def work(self, is_busy: Callable[[], bool]) -> None:
        """Note now and then that we are there, while there are calls, for ever."""
        while True:
            if is_busy():
                self.note()
            await asyncio.sleep(PAUSE)

    def note(self) -> None:
        """Note that we are there."""
        new = self._file.with_suffix(".new")
        try:
            new.write_text(str(self._clock.gregorian()))
            new.replace(self._file)
        except OSError as error:
            log.warning("time_not_noted", error=str(error))
