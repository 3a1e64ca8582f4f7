"""The letter of authorization on paper. Imported when the first one is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from crossbar.families.paper import DARK, FONT, GREY, LINE, MARGIN, Paper

TITLE = "Letter of Authorization"

WORDS = (
    "The customer named below owns the telephone numbers of this letter, or acts for their owner,"
    " and authorizes {by} to have them moved from the present carrier and to order for the"
    " customer whatever that takes. The present carrier is asked to release the numbers."
)

COLUMNS = 4
FIRST_COLUMN = 50.0
"""Millimetres for the titles of facts."""


def draw(
    *,
    by: str,
    facts: Sequence[tuple[str, str]],
    numbers: Sequence[str],
    signee: str,
    signed: str,
    made: datetime,
) -> bytes:
    """The bytes of the PDF; ``by`` is who acts for the customer."""
    paper = Paper(TITLE, made)
    paper.add_page()
    paper.set_text_color(DARK)
    _line(paper, TITLE, size=18, height=12)
    _text(paper, WORDS.format(by=paper.shown(by) or "the new carrier"))
    paper.ln(LINE)
    for title, text in facts:
        _fact(paper, title, text)
    paper.ln(LINE)
    _line(paper, f"Telephone numbers ({len(numbers)})", size=12, height=8)
    for start in range(0, len(numbers), COLUMNS):
        _make_room(paper, LINE)
        for number in numbers[start : start + COLUMNS]:
            paper.cell(paper.epw / COLUMNS, LINE, paper.shown(number))
        paper.ln(LINE)
    _sign(paper, signee, signed)
    return bytes(paper.output())


def _make_room(paper: Paper, height: float) -> None:
    """Begin another page when there is no room left on this one."""
    if paper.y + height > paper.h - MARGIN - LINE:
        paper.add_page()
        paper.set_font(FONT, size=10)
        paper.set_text_color(DARK)


def _line(paper: Paper, text: str, *, size: int, height: float) -> None:
    _make_room(paper, height)
    paper.set_font(FONT, size=size)
    paper.cell(0, height, text, new_x="LMARGIN", new_y="NEXT")
    paper.set_font(FONT, size=10)


def _text(paper: Paper, text: str) -> None:
    for line in paper.wrapped(text, paper.epw):
        _make_room(paper, LINE)
        paper.cell(0, LINE, line, new_x="LMARGIN", new_y="NEXT")


def _fact(paper: Paper, title: str, text: str) -> None:
    lines = paper.wrapped(paper.shown(text), paper.epw - FIRST_COLUMN)
    for number, line in enumerate(lines):
        _make_room(paper, LINE)
        paper.set_text_color(GREY)
        paper.cell(FIRST_COLUMN, LINE, "" if number else title)
        paper.set_text_color(DARK)
        paper.cell(0, LINE, line, new_x="LMARGIN", new_y="NEXT")


def _sign(paper: Paper, signee: str, signed: str) -> None:
    _make_room(paper, 8 * LINE)
    paper.ln(4 * LINE)
    width = paper.epw / 3
    for title in ("Name", "Signature", "Date"):
        told = {"Name": signee, "Date": signed}.get(title, "")
        paper.line(paper.x + 1, paper.y, paper.x + width - 5, paper.y)
        left, top = paper.x, paper.y
        paper.set_xy(left, top - LINE)
        (line, *_) = paper.wrapped(paper.shown(told), width)
        paper.cell(width, LINE, line)
        paper.set_xy(left, top)
        paper.set_text_color(GREY)
        paper.cell(width, LINE, title)
        paper.set_text_color(DARK)
