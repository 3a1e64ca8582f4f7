"""Documents become pages for fax machines, in a program of its own."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from fpdf import FPDF
from PIL import Image

from crossbar.core.ports import Pages, Unprintable
from crossbar.outside import Printer, pages, paper

A4 = (1728, 2348)


def pdf(*formats: tuple[float, float], text: str = "Hello") -> bytes:
    """A document with pages of these sizes in millimetres."""
    made = FPDF()
    made.set_font("helvetica", size=24)
    for each in formats or ((210, 297),):
        made.add_page(format=each, orientation="landscape" if each[0] > each[1] else "portrait")
        made.text(20, 40, text)
    return bytes(made.output())


def tiff(*sizes: tuple[int, int], mode: str = "L", **more: object) -> bytes:
    """A picture of pages of these sizes in pixels, half of them black."""
    pictures = []
    for size in sizes:
        picture = Image.new(mode, size, "white")
        picture.paste("black", (0, 0, size[0], size[1] // 2))
        pictures.append(picture)
    out = io.BytesIO()
    pictures[0].save(out, format="TIFF", save_all=True, append_images=pictures[1:], **more)
    return out.getvalue()


def pages_of(content: bytes) -> Pages:
    """What the program makes of a document."""
    number, made = pages.pages_of(content)
    return Pages(made, number)


def sizes(made: Pages) -> list[tuple[int, int]]:
    """The sizes of the pages; that they are what fax machines take is checked."""
    found = []
    with Image.open(io.BytesIO(made.content)) as file:
        for at in range(made.number):
            file.seek(at)
            assert (file.mode, file.info["compression"]) == ("1", "group4")
            assert [round(float(each)) for each in file.info["dpi"]] == [204, 196]
            found.append(file.size)
        with pytest.raises(EOFError):
            file.seek(made.number)
    return found


def darkness(made: Pages) -> float:
    """The share of black pixels of the first page."""
    with Image.open(io.BytesIO(made.content)) as file:
        black, *_ = file.convert("L").histogram()
        return black / (file.width * file.height)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (pdf(), [A4]),
        (pdf((210, 297), (297, 210)), [A4, A4]),  # what is wide is turned
        (tiff((1728, 2292), mode="1", dpi=(204, 196)), [(1728, 2292)]),
        (tiff((1728, 1146), mode="1", dpi=(204, 98)), [(1728, 2292)]),
        (tiff((864, 1221), (432, 611), mode="RGB"), [(1728, 2346), (1728, 2348)]),
    ],
    ids=["PDF", "wide", "fine", "coarse", "colour"],
)
def test_documents_become_pages(content: bytes, expected: list[tuple[int, int]]) -> None:
    made = pages_of(content)
    assert sizes(made) == expected
    assert sizes(pages_of(made.content)) == expected  # such as one that is forwarded


def test_black_stays_black_and_white_white() -> None:
    assert 0.4 < darkness(pages_of(tiff((864, 1221)))) < 0.6
    assert 0.0001 < darkness(pages_of(pdf())) < 0.05


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "neither a PDF nor a TIFF"),
        (b"hello", "neither a PDF nor a TIFF"),
        (b"%PDF-1.4 nothing", "the PDF cannot be read"),
        (tiff((100, 100))[:100], "the TIFF file cannot be read"),
        (tiff((10, 1000)), "a page is too long"),
        (tiff(*[(16, 16)] * 201), "more than 200 pages"),
        (pdf(*[(100, 100)] * 201), "more than 200 pages"),
    ],
    ids=["empty", "text", "PDF", "TIFF", "long", "many", "many of PDF"],
)
@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_what_is_no_document_is_told(content: bytes, reason: str) -> None:
    with pytest.raises(pages.Unprintable, match=reason):
        pages_of(content)


async def test_a_program_of_its_own_does_it() -> None:
    made = pdf()
    assert await Printer().print(made) == pages_of(made)
    with pytest.raises(Unprintable, match="the TIFF file cannot be read"):
        await Printer().print(tiff((100, 100))[:100])


async def test_a_program_that_fails_or_takes_too_long_fails_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "crashing.py").write_text("import os\nos.abort()\n")
    (tmp_path / "sleeping.py").write_text("import time\ntime.sleep(60)\n")
    monkeypatch.setattr(paper, "PROGRAM", tmp_path / "crashing.py")
    with pytest.raises(Unprintable, match="cannot be printed"):
        await Printer().print(pdf())
    monkeypatch.setattr(paper, "PROGRAM", tmp_path / "sleeping.py")
    monkeypatch.setattr(paper, "SECONDS", 0.5)
    with pytest.raises(Unprintable, match="too long"):
        await Printer().print(pdf())
