"""Pages for fax machines, made by a program of its own (:mod:`crossbar.outside.pages`).

It is given so much time, and no more is taken of it than a fax may have.
"""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import structlog

from crossbar.core.ports import Pages, Unprintable

log = structlog.get_logger(__name__)

PROGRAM = Path(__file__).with_name("pages.py")
"""Run as a file, for itself: to load the package would take longer than most pages do."""

AT_ONCE = 2
"""How many documents are printed at a time; printing takes a processor."""

SECONDS = 60.0
"""Seconds that printing may take, the wait for a turn not counted."""

ENVIRONMENT = ("PATH", "LANG", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONHOME")
"""What the program is told of ours: secrets are no business of what clients send."""

LONGEST_REASON = 200


class Printer:
    """What makes pages (:class:`crossbar.core.ports.Paper`)."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def print(self, content: bytes) -> Pages:
        """See :class:`crossbar.core.ports.Paper`."""
        async with self._turns:
            printed, told = await _run(content)
        count, _, pages = printed.partition(b"\n")
        if not pages or not count.isdigit():
            raise Unprintable(told or "the document cannot be printed")
        return Pages(pages, int(count))


async def _run(content: bytes) -> tuple[bytes, str]:
    """What the program writes: the count and the pages, or what is wrong."""
    needed = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",  # what is beside it has names that libraries have, too
        str(PROGRAM),
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        env=needed,
    )
    try:
        async with asyncio.timeout(SECONDS):
            printed, told = await process.communicate(content)
    except TimeoutError:
        log.warning("printing_took_too_long")
        return b"", "printing the document takes too long"
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    lines = told.decode(errors="replace").strip().splitlines()
    if process.returncode == 1 and len(lines) == 1:
        return b"", lines[0][:LONGEST_REASON]
    if process.returncode:
        log.warning("printing_failed", status=process.returncode)
        return b"", ""
    return printed, ""
