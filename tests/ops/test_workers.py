"""Several worker processes on one socket and one store."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from crossbar.workers import RESTART_PAUSE
from tests.ops.conftest import Installation
from tests.ops.processes import PATIENCE, Client, Reply, Server, crossbar, environment, is_alive

CREATORS = 32
NOTICED_WITHIN = 1.0
"""Seconds within which one process knows what another one has written."""


@dataclass
class Pair:
    """A server with two workers, and a way to talk to one of them."""

    server: Server
    installation: Installation

    def clients(self, number: int, worker: int, token: str = "") -> list[Client]:
        """Connections that the system has given to ``worker``; others are tried and closed."""
        found: list[Client] = []
        for _ in range(50 * number):
            client = self.server.client(token)
            assert client.request("GET", "/schemas/menus").status == 200
            if self.holds(worker, client):
                found.append(client)
                if len(found) == number:
                    return found
            else:
                client.close()
        raise AssertionError(f"worker {worker} gets no connections")

    def holds(self, worker: int, client: Client) -> bool:
        """Whether the server's end of the client's connection is in that process."""
        ends = f":{self.server.port:04X}", f":{client.connection.sock.getsockname()[1]:04X}"
        for row in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            fields = row.split()
            if fields[1].endswith(ends[0]) and fields[2].endswith(ends[1]):
                socket = f"socket:[{fields[9]}]"
                return socket in map(_target, Path(f"/proc/{worker}/fd").iterdir())
        return False

    def login(self) -> str:
        """A token of the master account, made by whichever worker."""
        client = self.installation.login(self.server)
        client.close()
        return client.token


def _target(descriptor: Path) -> str:
    try:
        return str(descriptor.readlink())
    except FileNotFoundError:  # closed meanwhile
        return ""


@contextmanager
def closing_all(clients: list[Client]) -> Iterator[None]:
    try:
        yield
    finally:
        for client in clients:
            client.close()


@pytest.fixture
def pair(installation: Installation) -> Iterator[Pair]:
    arguments = ("--port", "0", "--workers", "2")
    with Server(installation.folder, arguments, measured=True) as server:
        wait_until(lambda: server.log.count('"serving"') == 2)
        try:
            yield Pair(server, installation)
        finally:
            if server.process.poll() is None:
                server.stop()


def wait_until(condition: Callable[[], object], patience: float = PATIENCE) -> None:
    """Return when the condition holds; fail when it never does."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)


def test_both_workers_answer(pair: Pair) -> None:
    one, other = pair.server.workers()
    clients = pair.clients(1, one) + pair.clients(1, other)
    with closing_all(clients):
        for held, answers in ((one, clients[1]), (other, clients[0])):
            os.kill(held, signal.SIGSTOP)
            assert answers.request("GET", "/schemas/menus").status == 200
            os.kill(held, signal.SIGCONT)


def test_the_parent_has_no_thread_and_no_open_store(pair: Pair) -> None:
    process = Path("/proc", str(pair.server.process.pid))
    assert len(list((process / "task").iterdir())) == 1
    opened = {str(link.readlink()) for link in (process / "fd").iterdir()}
    assert not [name for name in opened if "crossbar.db" in name]


def test_the_first_start_with_workers_shows_credentials_once(tmp_path: Path) -> None:
    with Server(tmp_path, ("--port", "0", "--workers", "2"), measured=True) as server:
        assert server.printed.count("  password ") == 1
        assert len(list(Path(f"/proc/{server.process.pid}/task").iterdir())) == 1
        server.stop()
        assert server.process.stdout is not None
        assert server.process.stdout.read() == ""


def test_an_empty_store_is_refused_with_workers_too(tmp_path: Path) -> None:
    done = crossbar(tmp_path, "serve", "--port", "0", "--workers", "2", "--no-init")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("crossbar: the store is empty;")


def test_a_token_of_one_worker_counts_in_the_other_until_it_is_revoked(pair: Pair) -> None:
    one, other = pair.server.workers()
    [first], [second] = pair.clients(1, one), pair.clients(1, other)
    with closing_all([first, second]):
        key = {"api_key": pair.installation.api_key}
        token = first.request("PUT", "/api_auth", key).body["auth_token"]
        first.token = second.token = token
        for client in (first, second):  # both workers remember the token now
            assert client.request("GET", pair.installation.path()).status == 200
        assert first.request("DELETE", "/token_auth").status == 200
        revoked = time.monotonic()
        assert first.request("GET", pair.installation.path()).status == 401
        wait_until(lambda: second.request("GET", pair.installation.path()).status == 401)
        assert time.monotonic() - revoked < NOTICED_WITHIN


USER = {"first_name": "A", "last_name": "B", "password": "x"}
CONTESTED: dict[str, tuple[str, dict[str, Any]]] = {
    "user name": ("/users", {**USER, "username": "wanted"}),
    "SIP user name": (
        "/devices",
        {"name": "D", "sip": {"username": "wanted", "password": "long enough"}},
    ),
    "mailbox": ("/vmboxes", {"name": "M", "mailbox": "100"}),
    "number": ("/callflows", {"numbers": ["100"], "flow": {"module": "voicemail"}}),
    "realm": ("", {"name": "An account", "realm": "wanted.test"}),
}


@pytest.mark.parametrize("what", CONTESTED)
def test_of_many_who_want_the_same_exactly_one_gets_it(pair: Pair, what: str) -> None:
    path, document = CONTESTED[what]
    token = pair.login()
    clients = [
        client
        for worker in pair.server.workers()
        for client in pair.clients(CREATORS // 2, worker, token)
    ]
    start = Barrier(CREATORS)

    def create(numbered: tuple[int, Client]) -> Reply:
        number, client = numbered
        data = {**document, "name": f"Number {number}"} if "name" in document else document
        start.wait(PATIENCE)
        return client.request("PUT", pair.installation.path(path), data)

    with closing_all(clients), ThreadPoolExecutor(CREATORS) as threads:
        answers = list(threads.map(create, enumerate(clients)))
    assert Counter(answer.status for answer in answers) == {201: 1, 400: CREATORS - 1}
    refusals = [answer.data for answer in answers if answer.status == 400]
    assert all("unique" in rules for fields in refusals for rules in fields.values()), refusals
    assert all(refusals)


def test_a_worker_that_was_killed_is_replaced(pair: Pair) -> None:
    one, other = pair.server.workers()
    token = pair.login()
    os.kill(one, signal.SIGKILL)
    wait_until(lambda: len(set(pair.server.workers()) - {one}) == 2)
    [new] = set(pair.server.workers()) - {one, other}
    wait_until(lambda: pair.server.log.count('"serving"') == 3)
    [client] = pair.clients(1, new, token)
    with closing_all([client]):
        assert client.request("GET", pair.installation.path()).status == 200
    assert '"worker_died"' in pair.server.log


def test_a_signal_to_the_parent_ends_all_even_while_a_worker_is_being_replaced(
    pair: Pair,
) -> None:
    workers = pair.server.workers()
    os.kill(workers[0], signal.SIGKILL)
    wait_until(lambda: not is_alive(workers[0]))
    assert pair.server.stop() < 3
    assert not any(is_alive(worker) for worker in workers)


def test_workers_end_by_themselves_when_their_parent_is_killed(pair: Pair) -> None:
    workers = pair.server.workers()
    pair.server.process.kill()
    pair.server.process.wait(PATIENCE)
    wait_until(lambda: not any(is_alive(worker) for worker in workers), 3)


FAILING_WORK = """
import sys
from crossbar import logs, workers
from crossbar.settings import Log

def work(lifeline):
    raise RuntimeError("cannot start")

logs.configure(Log())
sys.exit(workers.Supervisor(1, work).run())
"""


def test_a_worker_that_cannot_start_is_tried_again_without_haste(tmp_path: Path) -> None:
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(
            [sys.executable, "-c", FAILING_WORK], env=environment(), stderr=log
        ) as process,
    ):
        began = time.monotonic()
        wait_until(lambda: (tmp_path / "log").read_text().count('"worker_died"') == 3)
        assert time.monotonic() - began > RESTART_PAUSE * 2
        process.terminate()
        assert process.wait(PATIENCE) == 0
    assert "cannot start" in (tmp_path / "log").read_text()
