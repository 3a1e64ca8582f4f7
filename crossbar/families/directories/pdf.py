"""A directory on paper: a table of names and numbers as a PDF, with its font within.

Imported when the first one is asked for (``families.paper`` says why).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from crossbar.families.paper import DARK, FONT, GREY, LINE, MARGIN, PALE, Paper

PADDING = 1.5
"""Millimetres beside the text of a cell."""

MOST_LINES = 24
"""Lines of one cell at most: a row always fits on a page."""


class Sheet(Paper):
    """Pages with the same heading, a row of titles below it, and a number at the foot."""

    def __init__(
        self, heading: str, subheading: str, columns: Sequence[tuple[str, float]], made: datetime
    ) -> None:
        """``columns`` are titles, with the share that each has of the page's width."""
        super().__init__(heading, made)
        self._heading = self.shown(heading)
        self._subheading = self.shown(subheading)
        total = sum(share for _, share in columns)
        width = self.w - 2 * MARGIN
        self._columns = [(title, width * share / total) for title, share in columns]
        self._is_shaded = False
        self.add_page()

    def header(self) -> None:
        """The heading, on the first page large, and the titles of the columns."""
        is_first = self.page_no() == 1
        self.set_text_color(DARK)
        self.set_font(FONT, size=18 if is_first else 11)
        (first, *rest) = self.wrapped(self._heading, self.epw)
        title = first + ("…" if rest else "")
        self.cell(0, 9 if is_first else 6, title, new_x="LMARGIN", new_y="NEXT")
        if is_first:
            self.set_font(FONT, size=10)
            self.set_text_color(GREY)
            (line, *_) = self.wrapped(self._subheading, self.epw)
            self.cell(0, 6, line, new_x="LMARGIN", new_y="NEXT")
        self.ln(3)
        self.set_font(FONT, size=9)
        self.set_text_color(GREY)
        for title, width in self._columns:
            self.cell(width, LINE, title)
        self.ln(LINE + 1)
        self.set_draw_color(*GREY)
        self.line(MARGIN, self.y, self.w - MARGIN, self.y)
        self.set_font(FONT, size=10)
        self.set_text_color(DARK)
        self._is_shaded = False

    def row(self, texts: Sequence[str]) -> None:
        """A row of the table; what is too long for its column goes on in the next line."""
        cells = [
            self.wrapped(self.shown(text), width)[:MOST_LINES]
            for text, (_, width) in zip(texts, self._columns, strict=True)
        ]
        height = max(map(len, cells)) * LINE + PADDING
        if self.y + height > self.h - MARGIN - 3 * LINE:  # a note below the last still fits
            self.add_page()
        top = self.y
        if self._is_shaded:
            self.set_fill_color(*PALE)
            self.rect(MARGIN, top, self.epw, height, style="F")
        self._is_shaded = not self._is_shaded
        left = MARGIN
        for lines, (_, width) in zip(cells, self._columns, strict=True):
            for number, line in enumerate(lines):
                self.set_xy(left, top + PADDING / 2 + number * LINE)
                self.cell(width, LINE, line)
            left += width
        self.set_xy(MARGIN, top + height)

    def note(self, text: str) -> None:
        """A line below the table."""
        self.ln(LINE)
        self.set_text_color(GREY)
        self.cell(0, LINE, text, new_x="LMARGIN", new_y="NEXT")
        self.set_text_color(DARK)


def draw(
    heading: str,
    subheading: str,
    columns: Sequence[tuple[str, float]],
    rows: Sequence[Sequence[str]],
    *,
    note: str,
    made: datetime,
) -> bytes:
    """The bytes of the PDF. ``note`` stands below the table unless it is empty."""
    sheet = Sheet(heading, subheading, columns, made)
    for row in rows:
        sheet.row(row)
    if note:
        sheet.note(note)
    return bytes(sheet.output())
