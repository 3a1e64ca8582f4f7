"""A directory on paper: a table of names and numbers as a PDF, with its font within.

Imported when the first one is asked for, by ``families.directories`` alone: the library that
writes PDF takes half a second and some megabytes, which a server that draws none should not pay.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import fontpkg
from fpdf import FPDF
from fpdf.enums import MethodReturnValue
from fpdf.fonts import TTFFont

FONT = "Noto Sans"
"""It has Latin, Greek, Cyrillic and Devanagari, with all their accents."""

LACKING = "\N{REPLACEMENT CHARACTER}"
"""What stands for a character that the font lacks, so that a name never looks empty."""

MARGIN = 15.0
LINE = 5.5
PADDING = 1.5
"""Millimetres: around the page, from line to line, and beside the text of a cell."""

MOST_LINES = 24
"""Lines of one cell at most: a row always fits on a page."""

DARK, GREY, PALE = (40, 40, 40), (110, 110, 110), (243, 244, 246)

# What a font lacks is no news for the log, and neither is how it was made smaller.
for _name in ("fpdf", "fontTools"):
    logging.getLogger(_name).setLevel(logging.ERROR)


class Sheet(FPDF):
    """Pages with the same heading, a row of titles below it, and a number at the foot."""

    def __init__(
        self, heading: str, subheading: str, columns: Sequence[tuple[str, float]], made: datetime
    ) -> None:
        """``columns`` are titles, with the share that each has of the page's width."""
        super().__init__(format="A4")
        self.add_font(FONT, "", fontpkg.path(FONT))
        self.set_font(FONT)
        fonts = (font for font in self.fonts.values() if isinstance(font, TTFFont))
        self._drawable = {code for font in fonts for code in font.cmap}
        self._heading = self._shown(heading)
        self._subheading = self._shown(subheading)
        total = sum(share for _, share in columns)
        width = self.w - 2 * MARGIN
        self._columns = [(title, width * share / total) for title, share in columns]
        self._is_shaded = False
        self.set_title(self._heading)
        self.set_creation_date(made)
        self.set_margin(MARGIN)
        self.set_auto_page_break(False)
        self.add_page()

    def header(self) -> None:
        """The heading, on the first page large, and the titles of the columns."""
        is_first = self.page_no() == 1
        self.set_text_color(DARK)
        self.set_font(FONT, size=18 if is_first else 11)
        (first, *rest) = self._wrapped(self._heading, self.epw)
        title = first + ("…" if rest else "")
        self.cell(0, 9 if is_first else 6, title, new_x="LMARGIN", new_y="NEXT")
        if is_first:
            self.set_font(FONT, size=10)
            self.set_text_color(GREY)
            (line, *_) = self._wrapped(self._subheading, self.epw)
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

    def footer(self) -> None:
        """Which page of how many this is."""
        self.set_y(-MARGIN)
        self.set_font(FONT, size=8)
        self.set_text_color(GREY)
        self.cell(0, 5, f"{self.page_no()} / {{nb}}", align="R")

    def row(self, texts: Sequence[str]) -> None:
        """A row of the table; what is too long for its column goes on in the next line."""
        cells = [
            self._wrapped(self._shown(text), width)[:MOST_LINES]
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

    def _shown(self, text: str) -> str:
        """The text in one line, without what is not to be seen."""
        shown = (
            "".join(
                character if ord(character) in self._drawable else LACKING
                for character in word
                if character.isprintable()
            )
            for word in text.split()
        )
        return " ".join(filter(None, shown))

    def _wrapped(self, text: str, width: float) -> list[str]:
        """The text in lines that fit; one line, the usual case, without the cost of breaking."""
        if self.get_string_width(text) <= width - 2 * self.c_margin:
            return [text]
        lines: Any = self.multi_cell(
            width, text=text, dry_run=True, output=MethodReturnValue.LINES
        )
        return list(lines)


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
