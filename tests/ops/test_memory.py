"""What clients that never read an answer cost a real server in memory."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ops.conftest import Installation, Record
from tests.ops.processes import PATIENCE, Server

pytestmark = pytest.mark.thorough

CLIENTS = 30
BODY = b'{"x":"' + b"a" * 7_900_000 + b'"}'
VALID = b'{"data":{"name":"x","x":"' + b"a" * 7_900_000 + b'"}}'
MEGABYTE = 1_048_576


def resident(server: Server) -> float:
    """Megabytes of memory that the server's process has."""
    pages = int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[1])
    return pages * 4096 / MEGABYTE


@contextlib.contextmanager
def unread(server: Server, path: str, token: str, body: bytes) -> Iterator[None]:
    """Connections that have sent a request and do not look at what is answered."""
    lines = [f"PUT /v2{path} HTTP/1.1", "Host: x", "Content-Type: application/json"]
    lines += [f"X-Auth-Token: {token}"] if token else []
    head = "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode()
    with contextlib.ExitStack() as stack:
        for _ in range(CLIENTS):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.settimeout(PATIENCE)
            client.connect(("127.0.0.1", server.port))
            with contextlib.suppress(ConnectionError):
                client.sendall(head + body)
        yield


@pytest.mark.parametrize(
    ("who", "body", "most"),
    [("stranger", BODY, 40), ("caller", BODY, 150), ("writer", VALID, 350)],
)
def test_answers_that_nobody_reads_do_not_fill_the_memory(
    installation: Installation, record: Record, who: str, body: bytes, most: int
) -> None:
    """At first a bounded amount is held, and when the clients are given up nearly nothing."""
    changes = {"CROSSBAR_HTTP__SEND_TIMEOUT": "2"}
    with Server(installation.folder, changes=changes) as server:
        path, token = "/user_auth", ""
        if who != "stranger":
            client = installation.login(server)
            path, token = installation.path("/menus"), client.token
            client.close()
        before = resident(server)
        with unread(server, path, token, body):
            highest = resident(server)
            deadline = time.monotonic() + PATIENCE
            while resident(server) > before + 70 and time.monotonic() < deadline:
                highest = max(highest, resident(server))
                time.sleep(0.05)
            after = resident(server)
        record(f"{who}: megabytes before, at most, after", (before, highest, after))
        assert highest - before < most
        assert after - before < 80
        server.stop()
