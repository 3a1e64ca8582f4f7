"""A MongoDB to test against: a wire-protocol server of our own on loopback, or a real one.

The server is SecantusDB, from the ``test`` extra. It runs as another process, keeps real
transactions on WiredTiger, and can be told to fail (``configureFailPoint``). The fixtures are made
known by ``conftest.py``. No test lives here.
"""

from __future__ import annotations

import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pymongo import MongoClient

from tests.ports import free_port

STARTING = 60.0
"""Seconds that a server may take until it listens."""


class OwnServer:
    """A server process whose data are in ``directory``; it can be killed and started again."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.port = free_port()
        self.uri = f"mongodb://127.0.0.1:{self.port}/"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        # Given, so that no configuration of this machine is picked up.
        config = self._directory / "empty.toml"
        config.touch()
        options = {
            "--config": str(config),
            "--port": str(self.port),
            "--storage-path": str(self._directory / "data"),
            "--log-level": "ERROR",
        }
        # Without the first flag it acknowledges before its log is on disk, whatever j says.
        command = [sys.executable, "-m", "secantus", "--sync-on-commit", "--enable-test-commands"]
        for option in options.items():
            command += option
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=self._directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self._await_listening(self._process)

    def _await_listening(self, process: subprocess.Popen[bytes]) -> None:
        limit = time.monotonic() + STARTING
        while time.monotonic() < limit and process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        self.kill()
        raise RuntimeError("SecantusDB did not start:\n" + (self._directory / "log").read_text())

    def kill(self) -> None:
        """End it as a power failure would, and wait for that."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextmanager
def own_server(directory: Path) -> Iterator[OwnServer]:
    """A running server that ends with the block."""
    server = OwnServer(directory)
    server.start()
    try:
        yield server
    finally:
        server.kill()


@dataclass(frozen=True)
class Place:
    """A database that one test has for itself."""

    uri: str
    name: str
    client: MongoClient[dict[str, Any]]

    @property
    def raw(self) -> Any:
        """The database as an outsider sees it, not through a store."""
        return self.client[self.name]

    def with_options(self, options: str) -> str:
        """The URI with more options."""
        return f"{self.uri}{'&' if urlsplit(self.uri).query else '?'}{options}"

    @contextmanager
    def failing(self, *commands: str, times: int | None = 1, **how: Any) -> Iterator[None]:
        """Have the server fail those commands: so often, or always if ``times`` is ``None``."""
        mode = "alwaysOn" if times is None else {"times": times}
        point = {"configureFailPoint": "failCommand"}
        data = {"failCommands": list(commands), **how}
        self.client.admin.command({**point, "mode": mode, "data": data})
        try:
            yield
        finally:
            self.client.admin.command({**point, "mode": "off"})


def uri_of(client: MongoClient[dict[str, Any]]) -> str:
    """Where a client's server is."""
    host, port = client.address or ("", 0)
    return f"mongodb://{host}:{port}/"


def fresh_database(client: MongoClient[dict[str, Any]], uri: str) -> Place:
    """A database of its own on the server of ``uri``. Nobody drops it."""
    name = f"crossbar_test_{secrets.token_hex(6)}"
    return Place(urlsplit(uri)._replace(path=f"/{name}").geturl(), name, client)


@pytest.fixture(scope="session")
def mongo_server(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[MongoClient[dict[str, Any]]]:
    """The one server of this session, started when first needed."""
    with (
        own_server(tmp_path_factory.mktemp("mongodb")) as server,
        MongoClient[dict[str, Any]](server.uri) as client,
    ):
        yield client


@pytest.fixture
def place(mongo_server: MongoClient[dict[str, Any]]) -> Place:
    """A database of its own. Its data end with the server: to drop it can take seconds."""
    return fresh_database(mongo_server, uri_of(mongo_server))
