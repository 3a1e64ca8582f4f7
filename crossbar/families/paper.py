"""What is printed: pages in a font that is carried along, as PDF.

Imported when something is printed for the first time, never before: the library that writes PDF
takes half a second and some megabytes, which a server that prints nothing should not pay.
"""

from __future__ import annotations

import logging
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
"""Millimetres: around the page, and from line to line."""

DARK, GREY, PALE = (40, 40, 40), (110, 110, 110), (243, 244, 246)

# What a font lacks is no news for the log, and neither is how it was made smaller.
for _name in ("fpdf", "fontTools"):
    logging.getLogger(_name).setLevel(logging.ERROR)


class Paper(FPDF):
    """Pages of A4 in the one font. Texts are to be :meth:`shown` before they are printed."""

    def __init__(self, title: str, made: datetime) -> None:
        super().__init__(format="A4")
        self.add_font(FONT, "", fontpkg.path(FONT))
        self.set_font(FONT)
        fonts = (font for font in self.fonts.values() if isinstance(font, TTFFont))
        self._drawable = {code for font in fonts for code in font.cmap}
        self.set_title(self.shown(title))
        self.set_creation_date(made)
        self.set_margin(MARGIN)
        self.set_auto_page_break(False)

    def footer(self) -> None:
        """Which page of how many this is."""
        self.set_y(-MARGIN)
        self.set_font(FONT, size=8)
        self.set_text_color(GREY)
        self.cell(0, 5, f"{self.page_no()} / {{nb}}", align="R")

    def shown(self, text: str) -> str:
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

    def wrapped(self, text: str, width: float) -> list[str]:
        """The text in lines that fit; one line, the usual case, without the cost of breaking."""
        if self.get_string_width(text) <= width - 2 * self.c_margin:
            return [text]
        lines: Any = self.multi_cell(
            width, text=text, dry_run=True, output=MethodReturnValue.LINES
        )
        return list(lines)
