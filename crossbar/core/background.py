"""Work that an answer does not wait for, and that is done all the same."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

log = structlog.get_logger(__name__)

MAXIMUM = 1000
"""Jobs under way at once; what comes on top is dropped, and logged: it must not fill memory."""

PATIENCE = 5.0
"""Seconds that jobs get to finish when the gateway stops."""


class Background:
    """Jobs of this process that nobody waits for. A failure is logged."""

    def __init__(self) -> None:
        # A task that nothing refers to may be collected before it is done.
        self._jobs: set[asyncio.Task[None]] = set()

    def start(self, job: Coroutine[Any, Any, None], name: str) -> None:
        """Begin a job; ``name`` is for the log."""
        if len(self._jobs) >= MAXIMUM:
            job.close()
            log.error("job_dropped", job=name)
            return
        task = asyncio.create_task(self._run(job, name), name=name)
        self._jobs.add(task)
        task.add_done_callback(self._jobs.discard)

    async def finish(self) -> None:
        """Wait a moment for the jobs under way, and give up those that are not done then."""
        jobs = set(self._jobs)
        if not jobs:
            return
        _, left = await asyncio.wait(jobs, timeout=PATIENCE)
        for task in left:
            task.cancel()
            log.error("job_lost", job=task.get_name())
        await asyncio.gather(*left, return_exceptions=True)

    async def _run(self, job: Coroutine[Any, Any, None], name: str) -> None:
        try:
            await job
        except Exception as error:  # nobody else would ever hear of it
            log.error("job_failed", job=name, error=type(error).__name__)
