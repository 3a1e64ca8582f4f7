"""Work that goes on for as long as the switch runs, whatever goes wrong with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

log = structlog.get_logger(__name__)

PAUSE = 1.0
"""Seconds until work begins again that has failed."""

Work = Callable[[], Awaitable[None]]


@asynccontextmanager
async def working(*work: Work) -> AsyncIterator[None]:
    """Have work done for as long as the context is open. What fails begins again."""
    tasks = [asyncio.create_task(_again_and_again(each)) for each in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _again_and_again(work: Work) -> None:
    while True:
        try:
            await work()
        except Exception:  # a switch that no longer listens would look as if it ran
            log.exception("background_work_failed")
        await asyncio.sleep(PAUSE)
