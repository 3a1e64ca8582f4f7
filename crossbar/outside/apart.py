"""Programs that make sense of what clients send, each in a process of its own.

Such a program (:mod:`crossbar.outside.pages`, :mod:`crossbar.outside.decoding`,
:mod:`crossbar.outside.javascript`) reads a file from its input and writes what it makes of it to
its output. If that cannot be, it tells why in a line
on its error output, and ends with 1. It is given so much time.
"""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import IO

import structlog

log = structlog.get_logger(__name__)

ENVIRONMENT = ("PATH", "LANG", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONHOME")
"""What a program is told of ours: secrets are no business of what clients send."""

LONGEST_REASON = 200


class Failed(Exception):
    """Nothing was made. The message says why, if the program has told; it is for clients."""


async def run(
    program: Path, content: bytes, seconds: float, into: IO[bytes] | None = None
) -> bytes:
    """What a program makes of a file; it goes to ``into``, if that is given.

    It is run as a file, for itself: to load the package would take longer than most work does.
    Raises :class:`Failed`, and :class:`TimeoutError` when so many seconds are not enough.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",  # what is beside it has names that libraries have, too
        str(program),
        stdin=PIPE,
        stdout=into or PIPE,
        stderr=PIPE,
        env={name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
    )
    try:
        async with asyncio.timeout(seconds):
            made, told = await process.communicate(content)
    except TimeoutError:
        log.warning("program_took_too_long", program=program.stem)
        raise
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    lines = told.decode(errors="replace").strip().splitlines()
    if process.returncode == 1 and len(lines) == 1:
        raise Failed(lines[0][:LONGEST_REASON])
    if process.returncode:
        log.warning("program_failed", program=program.stem, status=process.returncode)
        raise Failed
    return made or b""
