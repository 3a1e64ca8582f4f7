"""Several server processes on one socket: started, replaced when need be, stopped together.

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
from dataclasses import dataclass
from typing import NoReturn

import structlog

from crossbar.pulse import TELL, Pulse

log = structlog.get_logger(__name__)

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
WATCHED = (*STOP_SIGNALS, signal.SIGCHLD)

RESTART_PAUSE = 0.5
"""Seconds before a worker that died is replaced, lest one that cannot start keeps us busy."""

LOOKS = 8
"""How often a worker is looked after within the time that it may be silent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """What a worker is given.

    ``number`` counts from 0; who replaces a worker gets the same. ``lifeline`` is a file
    descriptor that is at its end once the parent is gone. ``beat`` is to be called every
    :data:`~crossbar.pulse.BEAT` seconds, as soon as the worker serves.
    """

    number: int
    lifeline: int
    beat: Callable[[], None]


Work = Callable[[Post], None]
"""What a worker does. It has to end when its lifeline does or when it gets a signal to stop."""


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
    """Keeps ``number`` workers alive until the process is told to stop.

    A worker from which nothing is heard for ``hang_timeout`` seconds is killed and replaced,
    unless that is 0. Workers that have not ended ``stop_timeout`` seconds after they were told to
    are killed.
    """

    def __init__(
        self, number: int, work: Work, *, hang_timeout: float = 0, stop_timeout: float = 25
    ) -> None:
        self._work = work
        self._hang_timeout = hang_timeout
        self._stop_timeout = stop_timeout
        self._workers: dict[int, int] = {}  # the number of each, by its process id
        self._due = dict.fromkeys(range(number), 0.0)
        self._pulses = [Pulse() for _ in range(number)]
        self._looked = time.monotonic()
        self._is_stopping = False
        self._deadline: float | None = None
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
            self._look_after()
        return 0

    def _stop(self, number: int, frame: object) -> None:
        """Note the signal: a worker that is just being started is then not forgotten."""
        self._is_stopping = True

    def _pass_on(self) -> None:
        now = time.monotonic()
        self._deadline = self._deadline or now + self._stop_timeout
        for worker in self._workers:
            if now < self._deadline:
                _signal(worker, signal.SIGTERM)
            else:
                log.error("worker_killed", process=worker)
                _signal(worker, signal.SIGKILL)

    def _start_due(self) -> None:
        now = time.monotonic()
        for number in [number for number, due in self._due.items() if due <= now]:
            del self._due[number]
            self._workers[self._start(number)] = number

    def _sleep(self) -> None:
        """Until a signal, until a worker is due or until it is time to look after them."""
        patience = (
            [1.0] if self._is_stopping else [due - time.monotonic() for due in self._due.values()]
        )
        if self._hang_timeout:
            patience.append(self._hang_timeout / LOOKS)
        select.select([self._woken], [], [], max(0.0, min(patience)) if patience else None)
        with contextlib.suppress(BlockingIOError):
            os.read(self._woken, 512)

    def _reap(self) -> None:
        while self._workers:
            worker, status = os.waitpid(-1, os.WNOHANG)
            if not worker:
                return
            number = self._workers.pop(worker)
            if not self._is_stopping:
                log.error("worker_died", process=worker, status=os.waitstatus_to_exitcode(status))
                self._due[number] = time.monotonic() + RESTART_PAUSE

    def _look_after(self) -> None:
        """Kill workers that hang, having asked them where they do.

        Silence counts only while this process runs as it should: when all of them were suspended,
        or the whole machine was, nobody is to blame.
        """
        if not self._hang_timeout:
            return
        now, look = time.monotonic(), self._hang_timeout / LOOKS
        passed, self._looked = min(now - self._looked, look * 2), now
        for worker, number in self._workers.items():
            pulse = self._pulses[number]
            silence = pulse.listen(passed)
            if silence >= self._hang_timeout and not pulse.is_asked:
                pulse.is_asked = True
                _signal(worker, TELL)
            elif silence >= self._hang_timeout + look:
                log.error(
                    "worker_hangs", process=worker, seconds=round(silence, 1), at=pulse.told()
                )
                _signal(worker, signal.SIGKILL)
                pulse.reset()

    def _start(self, number: int) -> int:
        """Start a worker; its process id."""
        self._pulses[number].reset()
        # A signal that arrives before the worker has its own handlers waits until it has.
        signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
        worker = _fork()
        if not worker:
            _end(lambda: self._be_worker(number))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, WATCHED)
        return worker

    def _be_worker(self, place: int) -> int:
        pulse = self._pulses[place]
        signal.set_wakeup_fd(-1)
        for number in WATCHED:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, WATCHED)
        for descriptor in (self._held, self._woken, self._waker):
            os.close(descriptor)
        pulse.begin()
        self._work(Post(number=place, lifeline=self._lifeline, beat=pulse.beat))
        return 0


def _signal(worker: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(worker, number)


def _wake(number: int, frame: object) -> None:
    """Nothing to do: that there is a handler makes the signal end the sleep."""
