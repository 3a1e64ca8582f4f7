"""What the embedded store remembers of what it has read."""

from __future__ import annotations

import asyncio
from typing import Any

from crossbar.remembering import keep
from crossbar.storage import Key, Portion, Shown

RECENT = 4096
"""How many documents' bytes are remembered between commits."""

LONGEST = 16_384
"""Longer ones, in bytes, are not: they would crowd out the many."""

SHORT = 4096
"""Bytes of a document that is remembered in parts too: what is made of them takes as much."""

RECENT_PAGES = 256
"""Pages of lists that are remembered."""

LONGEST_PAGE = 101
"""Longer ones, in rows, are not."""

LARGEST_PAGE = 131_072
"""Nor are larger ones, in bytes: what is made of a page takes as much again, twice."""


class Recent:
    """What was read since the last commit of anybody: documents as bytes, and pages of lists.

    SQLite is asked once in a turn of the event loop whether the file has changed (``PRAGMA
    data_version``); if it has, nothing is remembered. That is exact, not merely recent: whoever
    could know of a commit, by its acknowledgement, can only be heard in a later turn.
    """

    def __init__(self) -> None:
        self.bodies: dict[Key, tuple[int | None, bytes | str]] = {}
        self.shown: dict[Key, Shown] = {}
        self.pages: dict[tuple[Any, ...], Portion] = {}
        self.is_current = False
        self._version = 0

    def begin_turn(self, version: int, loop: asyncio.AbstractEventLoop) -> None:
        """Trust what is remembered until the next turn, if ``version`` is still the same."""
        if version != self._version:
            self.bodies.clear()
            self.shown.clear()
            self.pages.clear()
            self._version = version
        self.is_current = True
        loop.call_soon(self._end_turn)

    def _end_turn(self) -> None:
        self.is_current = False

    def keep(self, key: Key, found: tuple[int | None, bytes | str]) -> None:
        """Remember a document that was read in this turn."""
        if len(found[1]) <= LONGEST:
            keep(self.bodies, key, found, RECENT)

    def keep_shown(self, key: Key, shown: Shown) -> None:
        """Remember the parts of a document that was read in this turn."""
        if len(shown.public) <= SHORT:
            keep(self.shown, key, shown, RECENT)

    def keep_page(self, asked: tuple[Any, ...], lines: Portion) -> None:
        """Remember a page that was read in this turn."""
        if (
            len(lines) <= LONGEST_PAGE
            and sum([len(row) for _, _, row in lines if row]) <= LARGEST_PAGE
        ):
            keep(self.pages, asked, lines, RECENT_PAGES)
