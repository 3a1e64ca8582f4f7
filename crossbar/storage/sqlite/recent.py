"""What the embedded store remembers of what it has read."""

from __future__ import annotations

import asyncio
from typing import Any

from crossbar.remembering import keep
from crossbar.storage import Key, Shown

RECENT = 4096
"""How many documents' bytes are remembered between commits."""

LONGEST = 16_384
"""Longer ones, in bytes, are not: they would crowd out the many."""

SHORT = 4096
"""Bytes of a document that is remembered in parts too: what is made of them takes as much."""

RECENT_PAGES = 256
"""What was made of so many pages of lists is remembered."""

LARGEST_PAGE = 65_536
"""Larger ones, in bytes, are not: a dialect may make as much again of what is remembered."""


class Recent:
    """What was read since the last commit of anybody: documents as bytes, and pages of lists.

    SQLite is asked once in a turn of the event loop whether the file has changed (``PRAGMA
    data_version``); if it has, nothing is remembered. That is exact, not merely recent: whoever
    could know of a commit, by its acknowledgement, can only be heard in a later turn.

    ``rows`` alone stay, since they decide nothing: how a document's row was says which statement
    is likely to store the next one.
    """

    def __init__(self) -> None:
        self.bodies: dict[Key, tuple[int | None, bytes | str]] = {}
        self.rows: dict[Key, bytes | None] = {}
        self.shown: dict[Key, Shown] = {}
        self.pages: dict[tuple[Any, ...], Any] = {}
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

    def keep(
        self, key: Key, found: tuple[int | None, bytes | str], row: bytes | None = None
    ) -> None:
        """Remember a document that was read in this turn, and its row of lists."""
        if len(found[1]) <= LONGEST:
            keep(self.bodies, key, found, RECENT)
            keep(self.rows, key, row, RECENT)

    def keep_shown(self, key: Key, shown: Shown) -> None:
        """Remember the parts of a document that was read in this turn."""
        if len(shown.public) <= SHORT:
            keep(self.shown, key, shown, RECENT)

    def keep_page(self, asked: tuple[Any, ...], made: Any, size: int) -> None:
        """Remember what was made, in this turn, of a page that was read in it."""
        if size <= LARGEST_PAGE:
            keep(self.pages, asked, made, RECENT_PAGES)
