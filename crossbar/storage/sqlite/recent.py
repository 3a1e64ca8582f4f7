"""What the embedded store remembers of what it has read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from crossbar.remembering import keep
from crossbar.storage import Key, Shown
from crossbar.storage.sqlite.encoding import Columns

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

Body = tuple[int | None, bytes | str]
"""Where a document is to be cut into its private and its public part, and the document."""

State = bytes | int | None
"""What tells whether the file has changed; ``None`` is none of a file."""


class Recent:
    """What was read, and not changed since: documents as bytes, and what was made of pages.

    It holds for one state of the file, which every commit changes (:mod:`.walindex`), and is
    recalled only while the file is in that state: so it is as fresh as what would be read. If
    another process has changed the file, nothing is remembered. What this one writes is known:
    before it is acknowledged (:meth:`settle`), documents are replaced by what they are now, and
    pages forgotten.

    ``rows`` stay, since they decide nothing: how a document's row was says which statement is
    likely to store the next one.
    """

    def __init__(self) -> None:
        self.bodies: dict[Key, Body] = {}
        self.rows: dict[Key, bytes | None] = {}
        self.shown: dict[Key, Shown] = {}
        self.state: State = None
        self._pages: dict[Place, dict[tuple[Any, ...], Any]] = {}
        self._number_of_pages = 0

    def settle(self, written: Iterable[tuple[Key, Columns | None]], state: State) -> None:
        """Take over what was written; that is all by which this ``state`` of the file differs."""
        for key, columns in written:
            self.shown.pop(key, None)
            if self.bodies.pop(key, None) is not None and columns is not None:
                self.keep(key, (columns.cut, columns.body), columns.row)
            pages = self._pages.pop((key.account_id, key.doc_type), ())
            self._number_of_pages -= len(pages)
        self.state = state

    def forget(self, state: State) -> None:
        """Forget everything; from now on the file is in this ``state``."""
        self.bodies.clear()
        self.shown.clear()
        self._forget_pages()
        self.state = state

    def _forget_pages(self) -> None:
        self._pages.clear()
        self._number_of_pages = 0

    def keep(self, key: Key, found: Body, row: bytes | None = None) -> None:
        """Remember a document, and its row of lists."""
        if len(found[1]) <= LONGEST:
            keep(self.bodies, key, found, RECENT)
            keep(self.rows, key, row, RECENT)

    def keep_shown(self, key: Key, shown: Shown) -> None:
        """Remember the parts of a document."""
        if len(shown.public) <= SHORT:
            keep(self.shown, key, shown, RECENT)

    def page(self, place: Place, asked: tuple[Any, ...]) -> Any:
        """What was made of a page; ``None`` when that is not remembered."""
        pages = self._pages.get(place)
        return pages.get(asked) if pages else None

    def keep_page(self, place: Place, asked: tuple[Any, ...], made: Any, size: int) -> None:
        """Remember what was made of a page."""
        if size > LARGEST_PAGE:
            return
        if self._number_of_pages >= RECENT_PAGES:
            self._forget_pages()
        self._pages.setdefault(place, {})[asked] = made
        self._number_of_pages += 1
