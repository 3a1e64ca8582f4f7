"""Pages for fax machines, made by a program of its own (:mod:`crossbar.outside.pages`)."""

from __future__ import annotations

import asyncio
from pathlib import Path

from crossbar.core.ports import Pages, Unprintable
from crossbar.outside.apart import Failed, run

PROGRAM = Path(__file__).with_name("pages.py")
AT_ONCE = 2
"""How many documents are printed at a time; printing takes a processor."""

SECONDS = 60.0
"""Seconds that printing may take, the wait for a turn not counted."""


class Printer:
    """What makes pages (:class:`crossbar.core.ports.Paper`)."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def print(self, content: bytes) -> Pages:
        """See :class:`crossbar.core.ports.Paper`."""
        try:
            async with self._turns:
                printed = await run(PROGRAM, content, SECONDS)
        except TimeoutError:
            raise Unprintable("printing the document takes too long") from None
        except Failed as failed:
            raise Unprintable(str(failed) or "the document cannot be printed") from None
        count, _, pages = printed.partition(b"\n")
        if not pages or not count.isdigit():
            raise Unprintable("the document cannot be printed")
        return Pages(pages, int(count))
