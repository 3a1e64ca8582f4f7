"""Running ``python -m crossbar`` as a real process, and talking to it as a plain client does."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, NamedTuple

import orjson

from tests.ops.forking import Forks, Process

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-W", "error", "-m", "crossbar")
QUICK = {
    "CROSSBAR_PASSWORDS__MEMORY_KIB": "8",
    "CROSSBAR_PASSWORDS__ITERATIONS": "1",
    "CROSSBAR_LIMITS__ENABLED": "false",
}
"""Settings for tests: cheap hashes, no rate limit."""

PATIENCE = 20.0
"""Seconds after which something that should have happened long ago is taken to have failed."""


def environment(
    changes: Mapping[str, str] | None = None, *, measured: bool = True
) -> dict[str, str]:
    """Ours without its own settings and those of pytest, plus ``changes``.

    With ``measured`` false, coverage is not measured in the process: it costs time and memory.
    """
    ours = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CROSSBAR_", "PYTEST_ADDOPTS"))
        and (measured or not name.startswith("COV"))
    }
    return {**ours, "PYTHONPATH": str(ROOT), **QUICK, **(changes or {})}


_FORKS: dict[bool, Forks] = {}
_STARTING = threading.Lock()


def _forks(measured: bool) -> Forks:
    with _STARTING:
        if measured not in _FORKS:
            _FORKS[measured] = Forks(environment(measured=measured))
        return _FORKS[measured]


def crossbar(
    folder: Path, *arguments: str, typed: str = "", changes: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run one command to its end in ``folder``."""
    with TemporaryFile("w+") as sent, TemporaryFile("w+") as out, TemporaryFile("w+") as err:
        sent.write(typed)
        sent.seek(0)
        streams = [each.fileno() for each in (sent, out, err)]
        process = _forks(True).start(arguments, folder, environment(changes), streams)
        try:
            status = process.wait(PATIENCE * 2)
        finally:
            process.kill()
        for each in (out, err):
            each.seek(0)
        return subprocess.CompletedProcess(arguments, status, out.read(), err.read())


class Reply(NamedTuple):
    """A response: status and parsed envelope."""

    status: int
    body: Any

    @property
    def data(self) -> Any:
        """The envelope's data."""
        return self.body["data"]


class Client:
    """One connection, kept open. Nothing is ever sent twice."""

    def __init__(self, port: int, token: str = "") -> None:
        self.token = token
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)

    def request(self, method: str, path: str, data: Any = None, **envelope: Any) -> Reply:
        """Send ``data`` in an envelope and wait for the answer."""
        headers = {"X-Auth-Token": self.token} if self.token else {}
        body = None
        if data is not None or envelope:
            headers["Content-Type"] = "application/json"
            body = orjson.dumps({"data": {} if data is None else data, **envelope})
        self.connection.request(method, f"/v2{path}", body, headers)
        response = self.connection.getresponse()
        return Reply(response.status, orjson.loads(response.read()))

    def close(self) -> None:
        """Hang up."""
        self.connection.close()


@dataclass
class Server:
    """``crossbar serve`` in ``folder``, on a free port unless ``arguments`` name one.

    Or another ``program``, which is started as it is.
    """

    folder: Path
    arguments: tuple[str, ...] = ("--port", "0")
    changes: Mapping[str, str] = field(default_factory=dict)
    measured: bool = False
    program: tuple[str, ...] = ()
    printed: str = ""
    port: int = 0

    def __enter__(self) -> Server:
        log = self.log_file.open("a")
        with log:
            self.process = self._started(log)
        try:
            self._wait_until_it_serves()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _started(self, log: IO[str]) -> subprocess.Popen[str] | Process:
        changed = environment(self.changes, measured=self.measured)
        if self.program:
            return subprocess.Popen(
                [*self.program, *self.arguments],
                cwd=self.folder,
                env=changed,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        read, written = os.pipe()
        with Path(os.devnull).open() as nothing, os.fdopen(written, "w") as out:
            streams = [nothing.fileno(), out.fileno(), log.fileno()]
            arguments = ("serve", *self.arguments)
            forks = _forks(self.measured)
            return forks.start(arguments, self.folder, changed, streams, os.fdopen(read))

    def _wait_until_it_serves(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.printed += line
            if found := re.match(r"Crossbar serves http://.*:(\d+)$", line):
                self.port = int(found[1])
                return
        raise AssertionError(f"did not start: {self.printed}{self.log}")

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> Server:
        """Start it for who kills it himself."""
        return self.__enter__()

    def kill(self) -> None:
        """End it on the spot, if it runs."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)
        assert self.process.stdout is not None
        self.process.stdout.close()

    @property
    def log_file(self) -> Path:
        """Where the process's standard error goes."""
        return self.folder / "log"

    @property
    def log(self) -> str:
        """What all servers of this folder have logged."""
        return self.log_file.read_text()

    def client(self, token: str = "") -> Client:
        """A new connection to the server."""
        return Client(self.port, token)

    def stop(self) -> float:
        """Ask the server to stop; the seconds that it took. It has to say that all is well."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE) == 0, self.log
        return time.monotonic() - began

    def workers(self) -> list[int]:
        """The process ids of its children."""
        pid = self.process.pid
        return [
            int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ]


def is_alive(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def resident_kib(pid: int) -> int:
    """Memory of a process that is in RAM, in KiB."""
    [found] = re.findall(r"^VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.M)
    return int(found)
