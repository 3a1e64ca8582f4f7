"""Makes pages for fax machines of a document, as a program of its own.

It reads a PDF or a TIFF file from its input. To its output it writes how many pages it has made, a
new line and a TIFF file: group 4, 1728 pixels wide, 204 by 196 pixels an inch, as fax machines do.
What cannot be printed is told on its error output, in a line, and it ends with 1. Nothing else
of the server is loaded here: who writes a file that makes a library fail ends this program alone,
and a file that wants too much memory is refused it by the system.
"""

from __future__ import annotations

import io
import os
import resource
import sys
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

WIDTH = 1728
"""Pixels of a line of a fax."""

ACROSS, DOWN = 204, 196
"""Pixels an inch, as fax machines print them in their fine mode."""

TALLEST = 3 * WIDTH
"""Pixels of the height of a page: more than twice that of a sheet of A4."""

MOST_PAGES = 200
LARGEST = 20_000_000
"""Bytes of the pages."""

LARGEST_IMAGE = 100_000_000
"""Pixels of a picture that is read."""

MEMORY = 1_500_000_000
"""Bytes of addresses that the program may use."""

LARGEST_PAGE = 14_400
"""Points (1/72 inch) of a side of a page that PDF knows of at most."""


class Unprintable(Exception):
    """No pages can be made of this."""


def main() -> int:
    """Make the pages of what is read; 1 when that cannot be, with the reason."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    os.nice(10)  # calls are not to stutter meanwhile
    warnings.simplefilter("ignore")  # they are for who writes programs
    content = sys.stdin.buffer.read()
    try:
        count, printed = pages_of(content)
    except Unprintable as error:
        return _refuse(str(error))
    except MemoryError:  # also of what the system has refused
        return _refuse("the document is too large")
    except Exception as error:  # of libraries, which meet what nobody has thought of
        return _refuse(f"the document cannot be read: {type(error).__name__}")
    sys.stdout.buffer.write(f"{count}\n".encode() + printed)
    return 0


def _refuse(why: str) -> int:
    sys.stderr.write(f"{why}\n")
    return 1


def pages_of(content: bytes) -> tuple[int, bytes]:
    """How many pages there are, and the TIFF file. Raises :class:`Unprintable`."""
    from PIL import Image  # loaded here, below the limit
    from PIL.TiffImagePlugin import AppendingTiffWriter

    Image.MAX_IMAGE_PIXELS = LARGEST_IMAGE // 2  # twice as many are an error there
    out, count = io.BytesIO(), 0
    pictures = _of_pdf(content) if content[:1024].lstrip()[:5] == b"%PDF-" else _of_tiff(content)
    with AppendingTiffWriter(out) as file:
        for picture in pictures:
            count += 1
            picture.save(
                file,
                format="TIFF",
                compression="group4",
                dpi=(ACROSS, DOWN),
                strip_size=2**30,  # one strip a page
            )
            file.newFrame()
            if out.tell() > LARGEST:
                raise Unprintable("the document is too large for a fax")
    if not count:
        raise Unprintable("the document has no pages")
    return count, out.getvalue()


def _of_pdf(content: bytes) -> Iterator[Image]:
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        raise Unprintable(f"the PDF cannot be read: {error}") from None
    _require_few(len(document))
    for page in document:
        width, height = page.get_size()
        if min(width, height) <= 0 or max(width, height) > LARGEST_PAGE:
            raise Unprintable("a page has no size")
        rotation = 90 if width > height else 0
        if rotation:
            width, height = height, width
        tall = _height(width, height, 1.0)
        picture = page.render(scale=WIDTH / width, rotation=rotation, grayscale=True).to_pil()
        yield _black_and_white(picture, tall)


def _of_tiff(content: bytes) -> Iterator[Image]:
    from PIL import Image, ImageSequence, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(content), formats=("TIFF",)) as file:
            _require_few(getattr(file, "n_frames", 1))
            for frame in ImageSequence.Iterator(file):
                across, down = frame.info.get("dpi", (1, 1))
                shape = float(across) / float(down) if across and down else 1.0
                tall = _height(frame.width, frame.height, shape)
                yield _black_and_white(frame, tall)
    except UnidentifiedImageError:
        raise Unprintable("this is neither a PDF nor a TIFF file") from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise Unprintable(f"the TIFF file cannot be read: {error}") from None


def _require_few(pages: int) -> None:
    if pages > MOST_PAGES:
        raise Unprintable(f"the document has more than {MOST_PAGES} pages")


def _height(width: float, height: float, shape: float) -> int:
    """How tall a page becomes; ``shape`` is the width of a pixel's height, as it were."""
    tall = round(height / width * shape * WIDTH * DOWN / ACROSS)
    if not 0 < tall <= TALLEST:
        raise Unprintable("a page is too long")
    return tall


def _black_and_white(picture: Image, tall: int) -> Image:
    if picture.mode == "1" and picture.width == WIDTH and abs(picture.height - tall) <= tall // 50:
        return picture.copy()
    return picture.convert("L").resize((WIDTH, tall)).convert("1")


if __name__ == "__main__":
    sys.exit(main())
