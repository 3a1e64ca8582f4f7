"""Processes of Crossbar that start at once: forked from one that has loaded its modules.

Loading them takes a second and more, each time. A forked process runs the same ``main`` with its
own arguments, environment, folder and standard streams, and ends as an interpreter does; only what
happens before ``main`` is not shown by it.
"""

from __future__ import annotations

import gc
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

import orjson

LARGEST = 1 << 20
"""Bytes of a request to start a process."""

DIED = "the process that forks has died"


class Process:
    """A forked process; what :class:`subprocess.Popen` has of the same names does the same."""

    def __init__(self, channel: socket.socket, stdout: IO[str] | None = None) -> None:
        self.stdout = stdout
        self.returncode: int | None = None
        self._channel = channel
        self._waiting = threading.Lock()
        self.pid = self._told(None)

    def _told(self, timeout: float | None) -> int:
        self._channel.settimeout(timeout)
        told = self._channel.recv(32)
        if not told:
            raise AssertionError(DIED)
        return int(told)

    def poll(self) -> int | None:
        """The exit status, once there is one."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the exit status. Raises :class:`subprocess.TimeoutExpired`."""
        with self._waiting:
            if self.returncode is None:
                try:
                    self.returncode = os.waitstatus_to_exitcode(self._told(timeout))
                except (TimeoutError, BlockingIOError):
                    raise subprocess.TimeoutExpired("crossbar", timeout or 0) from None
                self._channel.close()
            return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it runs."""
        if self.poll() is None:
            with suppress(
                ProcessLookupError
            ):  # it has just ended, of which we are told in a moment
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it on the spot."""
        self.send_signal(signal.SIGKILL)


class Forks:
    """A process that has loaded Crossbar, and starts others."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        ours, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-W", "error", "-m", "tests.ops.forking", str(theirs.fileno())],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        self._asked = ours

    def start(
        self,
        arguments: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        streams: Sequence[int],
        stdout: IO[str] | None = None,
    ) -> Process:
        """``crossbar`` with these arguments; ``streams`` are its three standard ones."""
        request = orjson.dumps([list(arguments), str(folder), dict(environment)])
        ours, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
        with theirs:
            socket.send_fds(self._asked, [request], [theirs.fileno(), *streams])
        return Process(ours, stdout)


def _serve(asked: socket.socket) -> list[str]:
    """Fork for who asks, and say what becomes of each process; returns in these processes.

    The arguments are returned that one is to run with. What is no fork ends when nobody can ask
    any more.
    """
    with selectors.DefaultSelector() as selector:
        selector.register(asked, selectors.EVENT_READ)
        channels: dict[int, tuple[int, socket.socket]] = {}
        while True:
            for ready, _ in selector.select():
                if ready.fd in channels:
                    process_id, channel = channels.pop(ready.fd)
                    selector.unregister(ready.fd)
                    os.close(ready.fd)
                    _, status = os.waitpid(process_id, 0)
                    _tell(channel, status)
                    channel.close()
                    continue
                request, files, *_ = socket.recv_fds(asked, LARGEST, 4)
                if not request:
                    os._exit(0)
                channel = socket.socket(fileno=files[0])
                process_id = os.fork()
                if process_id == 0:
                    for handle, (_, other) in channels.items():
                        os.close(handle)
                        other.close()
                    channel.close()
                    asked.close()
                    return _become(request, files[1:])
                _tell(channel, process_id)
                for each in files[1:]:
                    os.close(each)
                handle = os.pidfd_open(process_id)
                channels[handle] = process_id, channel
                selector.register(handle, selectors.EVENT_READ)


def _tell(channel: socket.socket, number: int) -> None:
    with suppress(OSError):  # nobody may wait for it
        channel.send(str(number).encode())


def _become(request: bytes, streams: Sequence[int]) -> list[str]:
    arguments, folder, environment = orjson.loads(request)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for number, each in enumerate(streams):
        os.dup2(each, number)
        os.close(each)
    return list(arguments)


def _main() -> int:
    import crossbar.server  # noqa: F401 - what takes long to load
    from crossbar.cli import main

    gc.collect()
    gc.freeze()
    arguments = _serve(socket.socket(fileno=int(sys.argv[1])))
    sys.argv = ["crossbar", *arguments]
    return main()


if __name__ == "__main__":
    sys.exit(_main())
