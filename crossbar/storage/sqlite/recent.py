"""What the embedded store remembers of what it has read."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from crossbar.remembering import keep
from crossbar.storage import Key, Shown

RECENT = 4096
"""How many documents' bytes are remembered."""

LONGEST = 16_384
"""Longer ones, in bytes, are not: they would crowd out the many."""

SHORT = 4096
"""Bytes of a document that is remembered in parts too: what is made of them takes as much."""

RECENT_PAGES = 256
"""What was made of so many pages of lists is remembered."""

LARGEST_PAGE = 65_536
"""Larger ones, in bytes, are not: a dialect may make as much again of what is remembered."""


Place = tuple[str, str]
"""An account, and the type of its documents that a list is about."""


class Recent:
    """What was read, and not written since: documents as bytes, and what was made of pages.

    SQLite is asked once in a turn of the event loop whether the file has changed (``PRAGMA
    data_version``). If another process has changed it, nothing is remembered. What this one
    writes is known, so only that is forgotten, before it is acknowledged (:meth:`settle`). That
    is exact, not merely recent: whoever could know of a commit, by its acknowledgement, can only
    be heard in a later turn.

    ``rows`` stay, since they decide nothing: how a document's row was says which statement is
    likely to store the next one.
    """

    def __init__(self) -> None:
        self.bodies: dict[Key, tuple[int | None, bytes | str]] = {}
        self.rows: dict[Key, bytes | None] = {}
        self.shown: dict[Key, Shown] = {}
        self.is_current = False
        self._pages: dict[Place, dict[tuple[Any, ...], Any]] = {}
        self._number_of_pages = 0
        self._version = 0

    def begin_turn(
        self, version: int, loop: asyncio.AbstractEventLoop, *, is_writing: bool
    ) -> Recent:
        """What may be recalled in this turn, as the file has this ``version``.

        While this process writes, another version may be what it writes or another's, which is
        known when it has written: until then nothing is recalled, and nothing need be forgotten.
        """
        if version != self._version:
            if is_writing:
                return Recent()
            self.forget(version)
        self.is_current = True
        loop.call_soon(self._end_turn)
        return self

    def _end_turn(self) -> None:
        self.is_current = False

    def settle(self, written: Iterable[Key], version: int) -> None:
        """Forget what was written; that is all by which this ``version`` differs."""
        for key in written:
            self.bodies.pop(key, None)
            self.shown.pop(key, None)
            pages = self._pages.pop((key.account_id, key.doc_type), ())
            self._number_of_pages -= len(pages)
        self._version = version

    def forget(self, version: int) -> None:
        """Forget everything; from now on the file has this ``version``."""
        self.bodies.clear()
        self.shown.clear()
        self._forget_pages()
        self._version = version

    def _forget_pages(self) -> None:
        self._pages.clear()
        self._number_of_pages = 0

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

    def page(self, place: Place, asked: tuple[Any, ...]) -> Any:
        """What was made of a page; ``None`` when that is not remembered."""
        pages = self._pages.get(place)
        return pages.get(asked) if pages else None

    def keep_page(self, place: Place, asked: tuple[Any, ...], made: Any, size: int) -> None:
        """Remember what was made, in this turn, of a page that was read in it."""
        if size > LARGEST_PAGE:
            return
        if self._number_of_pages >= RECENT_PAGES:
            self._forget_pages()
        self._pages.setdefault(place, {})[asked] = made
        self._number_of_pages += 1
