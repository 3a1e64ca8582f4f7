"""Several server processes on one socket: started, replaced when they die, stopped together.

What a worker does is not known here: it comes as a function. The parent only forks and waits. It
must have no thread and no open store when it begins, since neither survives a fork.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from typing import NoReturn

import structlog

log = structlog.get_logger(__name__)

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
WATCHED = (*STOP_SIGNALS, signal.SIGCHLD)

RESTART_PAUSE = 0.5
"""Seconds before a worker that died is replaced, lest one that cannot start keeps us busy."""

Work = Callable[[int], None]
"""What a worker does. It is handed a file descriptor that is at its end once the parent is gone,
and has to end when that happens or when it gets a signal to stop."""


def in_child(work: Callable[[], int]) -> int:
    """Do something in a process of its own and wait for it; the exit status.

    Whatever it leaves behind, threads above all, is gone then.
    """
    child = _fork()
    if not child:
        _end(work)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _fork() -> int:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()  # what is left in a buffer would be written by both processes
    return os.fork()


def _end(work: Callable[[], int]) -> NoReturn:
    """Work, and end the process: nothing that the parent left to be done at its end may run."""
    status = 1
    try:
        status = work()
    except BaseException:
        log.exception("process_failed", process=os.getpid())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


class Supervisor:
    """Keeps ``number`` workers alive until the process is told to stop."""

    def __init__(self, number: int, work: Work) -> None:
        self._work = work
        self._workers: set[int] = set()
        self._due = [0.0] * number
        self._is_stopping = False
        # Nobody writes to this pipe: workers see its end when the parent, however it died, closes
        # the other side.
        self._lifeline, self._held = os.pipe()
        self._woken, self._waker = os.pipe()

    def run(self) -> int:
        """Return the exit status when all workers have ended after SIGTERM or SIGINT."""
        os.set_blocking(self._woken, False)
        os.set_blocking(self._waker, False)
        signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)
        for number in STOP_SIGNALS:
            signal.signal(number, self._stop)
        signal.signal(signal.SIGCHLD, _wake)
        while self._workers or not self._is_stopping:
            if self._is_stopping:
                self._pass_on()
            else:
                self._start_due()
            self._sleep()
            self._reap()
        return 0

    def _stop(self, number: int, frame: object) -> None:
        """Note the signal: a worker that is just being started is then not forgotten."""
        self._is_stopping = True

    def _pass_on(self) -> None:
        for worker in self._workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker, signal.SIGTERM)

    def _start_due(self) -> None:
        now = time.monotonic()
        for _ in [due for due in self._due if due <= now]:
            self._workers.add(self._start())
        self._due = [due for due in self._due if due > now]

    def _sleep(self) -> None:
        """Until a signal, or until a worker is due."""
        patience = None
        if self._due and not self._is_stopping:
            patience = max(0.0, min(self._due) - time.monotonic())
        select.select([self._woken], [], [], patience)
        with contextlib.suppress(BlockingIOError):
            os.read(self._woken, 512)

    def _reap(self) -> None:
        while self._workers:
            worker, status = os.waitpid(-1, os.WNOHANG)
            if not worker:
                return
            self._workers.discard(worker)
            if not self._is_stopping:
                log.error("worker_died", process=worker, status=os.waitstatus_to_exitcode(status))
                self._due.append(time.monotonic() + RESTART_PAUSE)

    def _start(self) -> int:
        """Start a worker; its process id."""
        # A signal that arrives before the worker has its own handlers waits until it has.
        signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
        worker = _fork()
        if not worker:
            _end(self._be_worker)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, WATCHED)
        return worker

    def _be_worker(self) -> int:
        signal.set_wakeup_fd(-1)
        for number in WATCHED:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, WATCHED)
        for descriptor in (self._held, self._woken, self._waker):
            os.close(descriptor)
        self._work(self._lifeline)
        return 0


def _wake(number: int, frame: object) -> None:
    """Nothing to do: that there is a handler makes the signal end the sleep."""
