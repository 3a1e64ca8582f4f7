"""Asterisk as a process: started, replaced when it dies, stopped or left behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from crossbar.switch.asterisk.files import Plan

log = structlog.get_logger(__name__)

RESTART_PAUSE = 0.5
"""Seconds before an Asterisk that died is replaced."""

PATIENCE = 10.0
"""Seconds that it may take to stop."""

ONE_HEAP = {"MALLOC_ARENA_MAX": "1"}
"""Has glibc's allocator (``mallopt(3)``) serve all threads from one heap.

Else each of Asterisk's seventy has its own, and what is given back in one serves no other: memory
grew by 13 kB with every call. With one it stays as it is after 400 calls.
"""

LOOK = 0.1
"""Seconds between looks at whether it is still there."""


class Supervision:
    """An Asterisk that is kept running. One that ``is_left`` goes on when we end."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._is_child = False
        self.pid: int | None = None
        self.is_left = False

    async def keep(self) -> None:
        """Have one run, for ever.

        One that was left behind with these files, because who started it was killed, is taken
        over: its calls go on.
        """
        while True:
            self.pid = running_one(self._plan)
            if self.pid is None:
                self._start()
            else:
                self._is_child = False
                log.info("asterisk_adopted", process=self.pid)
            await self._gone()
            log.error("asterisk_died", process=self.pid)
            await asyncio.sleep(RESTART_PAUSE)

    def _start(self) -> None:
        command = (*self._plan.program.command, "-f", "-C", str(self._plan.main_file))
        silent = [(os.POSIX_SPAWN_OPEN, stream, os.devnull, os.O_RDWR, 0) for stream in range(3)]
        # In a session of its own: what a terminal sends to stop us would end it before its calls.
        self.pid = os.posix_spawn(
            command[0], command, {**ONE_HEAP, **os.environ}, file_actions=silent, setsid=True
        )
        self._is_child = True
        log.info("asterisk_started", process=self.pid, version=self._plan.program.version)

    async def _gone(self) -> None:
        """Return when it has ended. It need not be a child, so nobody tells."""
        while self._is_there():  # noqa: ASYNC110
            await asyncio.sleep(LOOK)

    def _is_there(self) -> bool:
        if self.pid is None:
            return False
        if self._is_child:
            with contextlib.suppress(ChildProcessError):
                return os.waitpid(self.pid, os.WNOHANG)[0] == 0
            return False
        return _runs(self.pid)

    async def stop(self) -> None:
        """End it."""
        if self.pid is None or self.is_left:
            return
        if self._is_there():
            self._signal(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self._gone()
        if self._is_there():
            self._signal(signal.SIGKILL)
            await self._gone()

    def _signal(self, number: signal.Signals) -> None:
        if self.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


@asynccontextmanager
async def supervised(plan: Plan) -> AsyncIterator[Supervision]:
    """An Asterisk runs for as long as the context is open."""
    supervision = Supervision(plan)
    keeper = asyncio.create_task(supervision.keep(), name="asterisk")
    try:
        yield supervision
    finally:
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)
        await supervision.stop()


def running_one(plan: Plan) -> int | None:
    """The process id of an Asterisk that runs with these files already."""
    try:
        pid = int(plan.pid_file.read_text())
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return None
    is_ours = str(plan.main_file).encode() in words
    return pid if is_ours and _runs(pid) else None


def _runs(pid: int) -> bool:
    try:
        facts = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return False
    return facts.rpartition(b")")[2].split()[0] != b"Z"
