"""The gateway on an event loop that says how long each of its steps took the processor.

``python -m tests.bench.held FILE serve …`` appends a line to the file for every step of more than
a millisecond. That is what the loop was held by its own work, whoever else uses the machine.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from crossbar.cli import main

WORTH_TELLING = 0.001


def watch(file: Path) -> None:
    """Measure every step from now on. Steps of uvloop cannot be, so that is not used."""
    sys.modules["uvloop"] = None  # type: ignore[assignment]
    run = asyncio.events.Handle._run
    steps = file.open("a", buffering=1)

    def measured(handle: asyncio.events.Handle) -> None:
        began = time.thread_time()
        run(handle)
        if (took := time.thread_time() - began) > WORTH_TELLING:
            steps.write(f"{took * 1000:.1f}\n")

    asyncio.events.Handle._run = measured  # type: ignore[assignment, method-assign]


if __name__ == "__main__":
    watch(Path(sys.argv[1]))
    sys.exit(main(sys.argv[2:]))
