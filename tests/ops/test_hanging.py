"""Servers whose event loop does not turn any more: noticed, replaced, ended."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import orjson
import pytest

from tests.ops.conftest import Installation
from tests.ops.processes import PATIENCE, Server, environment, is_alive
from tests.ops.test_workers import wait_until

pytestmark = pytest.mark.thorough

HANGING = """
import sys, time
from crossbar import server
from crossbar.cli import main

def handler_of(gateway, plain=server.handler_of):
    handle = plain(gateway)

    async def answer(request):
        if request.path in STUCK:
            print("stuck now", file=sys.stderr, flush=True)
            STUCK[request.path]()
        return await handle(request)

    return answer

def spinning():
    while True:
        pass

def sleeping():
    time.sleep(3600)

STUCK = {"/spinning": spinning, "/sleeping": sleeping}
server.handler_of = handler_of
sys.exit(main(["serve", *sys.argv[1:]]))
"""
"""A server with two requests that hold up its event loop for ever."""

WAYS = ["spinning", "sleeping"]

HANG = 2.0
"""Seconds of silence after which a worker hangs: enough for one that runs, on a busy machine."""


@contextmanager
def serving(
    installation: Installation, workers: int, *, measured: bool = False
) -> Iterator[Server]:
    changes = {"CROSSBAR_HTTP__HANG_TIMEOUT": str(HANG)}
    program = (sys.executable, "-c", HANGING)
    arguments = ("--port", "0", "--workers", str(workers))
    with Server(
        installation.folder, arguments, changes, measured=measured, program=program
    ) as server:
        wait_until(lambda: server.log.count('"serving"') == workers)
        yield server


def ask(server: Server, path: str) -> socket.socket:
    """A connection on which a request was sent whose answer nobody waits for."""
    connection = socket.create_connection(("127.0.0.1", server.port), PATIENCE)
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return connection


def logged(server: Server, event: str) -> list[dict[str, object]]:
    lines = [line for line in server.log.splitlines() if line.startswith("{")]
    found = [orjson.loads(line) for line in lines]
    return [line for line in found if line["event"] == event]


@pytest.mark.parametrize("way", WAYS)
def test_a_worker_that_hangs_says_where_and_is_replaced(
    installation: Installation, way: str
) -> None:
    with serving(installation, 2, measured=True) as server:
        before = server.workers()
        with ask(server, f"/{way}"):
            wait_until(lambda: server.log.count('"serving"') == 3)
        [told] = logged(server, "worker_hangs")
        assert {told["process"]} == set(before) - set(server.workers())
        assert f"in {way}" in str(told["at"]), told
        for _ in range(8):
            client = server.client()
            assert client.request("GET", "/schemas/menus").status == 200
            client.close()
        server.stop()


def total(page: str, name: str) -> float:
    """The sum of a metric's samples, whatever their labels."""
    rows = re.findall(rf"^{name}(?:{{.*}})? (\S+)$", page, re.MULTILINE)
    return sum(map(float, rows))


def scrape(server: Server) -> str:
    with urllib.request.urlopen(
        f"http://127.0.0.1:{server.port}/metrics", timeout=PATIENCE
    ) as page:
        text: str = page.read().decode()
    return text


def test_every_worker_answers_for_all_and_for_those_before_it(installation: Installation) -> None:
    asked = 20
    with serving(installation, 2) as server:
        for _ in range(asked):
            client = server.client()
            assert client.request("GET", "/schemas/menus").status == 200
            client.close()
        # What another worker has counted is known within a second.
        wait_until(lambda: total(scrape(server), "crossbar_requests_total") == asked)
        assert total(scrape(server), "crossbar_workers") == 2
        wait_until(lambda: total(scrape(server), "crossbar_loop_lag_seconds_count") > 0)
        held = [server.client() for _ in range(5)]
        for client in held:
            client.request("GET", "/schemas/menus")
        wait_until(lambda: total(scrape(server), "crossbar_connections") >= 5)
        wait_until(lambda: total(scrape(server), "crossbar_requests_total") == asked + 5)
        for client in held:
            client.close()
        for worker in server.workers():
            os.kill(worker, signal.SIGKILL)
        wait_until(lambda: server.log.count('"serving"') == 4)
        assert total(scrape(server), "crossbar_requests_total") == asked + 5
        server.stop()


def test_a_worker_that_was_stopped_is_replaced_too(installation: Installation) -> None:
    with serving(installation, 2) as server:
        stopped = server.workers()[0]
        os.kill(stopped, signal.SIGSTOP)
        wait_until(lambda: server.log.count('"serving"') == 3)
        assert not is_alive(stopped)
        server.stop()


def test_nobody_is_to_blame_when_all_of_them_were_suspended(installation: Installation) -> None:
    with serving(installation, 2) as server:
        workers = server.workers()
        everybody = [server.process.pid, *workers]
        for number in (signal.SIGSTOP, signal.SIGCONT):
            for process in everybody:
                os.kill(process, number)
            time.sleep(HANG * 1.5)
        assert server.workers() == workers
        assert not logged(server, "worker_hangs")
        server.stop()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("workers", [1, 2])
def test_a_server_that_hangs_can_be_stopped(
    installation: Installation, workers: int, way: str
) -> None:
    with serving(installation, workers) as server, ask(server, f"/{way}"):
        wait_until(lambda: "stuck now" in server.log)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(PATIENCE) == (1 if workers == 1 else 0)
        assert f"in {way}" in server.log


DEAF = """
import signal, sys, time
from crossbar import logs, workers
from crossbar.settings import Log

def work(post):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("works", flush=True)
    while True:
        time.sleep(0.1)

logs.configure(Log())
sys.exit(workers.Supervisor(1, work, stop_timeout=0.5).run())
"""


def test_a_worker_that_does_not_end_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", DEAF],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "works\n"
            process.terminate()
            _, said = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
        assert process.returncode == 0
        assert '"worker_killed"' in said
