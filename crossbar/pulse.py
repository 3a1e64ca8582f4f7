"""Whether the event loop of a process turns: it tells, and another process sees.

Telling costs a write to memory that both share, a few times a second.
"""

from __future__ import annotations

import faulthandler
import mmap
import signal
import tempfile

BEAT = 0.25
"""Seconds between two beats of a loop that turns."""

TELL = signal.SIGUSR1
"""Has a process that :meth:`Pulse.begin` was called in say where each of its threads is."""


class Pulse:
    """A worker's signs of life, made before the fork."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 1)
        self._traces = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 as long as we live
        self.reset()

    def begin(self) -> None:
        """In the worker: be ready to tell. This is not done in Python, which may be stuck."""
        faulthandler.register(TELL, file=self._traces, all_threads=True)

    def beat(self) -> None:
        """In the worker: say that the loop turns."""
        self._memory[0] = self._memory[0] % 255 + 1

    def reset(self) -> None:
        """In the watcher: expect another worker, which is not watched before its first beat.

        How long a start may take is not known: a store may have to be brought up to date.
        """
        self._memory[0] = 0
        self._seen = 0
        self._forgive()

    def _forgive(self) -> None:
        self.silence = 0.0
        self.is_asked = False
        self._traces.seek(0)
        self._traces.truncate()

    def listen(self, seconds: float) -> float:
        """In the watcher: for how long nothing was heard, in seconds, these included."""
        beats = self._memory[0]
        if beats != self._seen:
            self._seen = beats
            self._forgive()
        elif beats:
            self.silence += seconds
        return self.silence

    def told(self) -> list[str]:
        """In the watcher: what the worker said of its threads, as lines; none if it is stopped."""
        self._traces.seek(0)
        return self._traces.read().decode(errors="replace").splitlines()
