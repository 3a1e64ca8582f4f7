"""A server process from its start to its end: how quick, how big, how graceful."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
import time

import pytest

from tests.ops.conftest import Installation, Record
from tests.ops.processes import PATIENCE, Server, environment, resident_kib

STARTED_WITHIN = 2.0
ATTEMPTS = 5
STOPPED_WITHIN = 3.0
RESIDENT_KIB = 100 * 1024


def test_the_first_answer_comes_soon_after_the_start(
    installation: Installation, record: Record
) -> None:
    took: list[float] = []
    # The machine may be busy with something else; one start in peace shows what it takes.
    while len(took) < ATTEMPTS and min(took, default=STARTED_WITHIN) >= STARTED_WITHIN:
        began = time.monotonic()
        with Server(installation.folder) as server:
            client = server.client()
            assert client.request("GET", installation.path()).status == 401
            took.append(time.monotonic() - began)
            client.close()
    record("seconds_from_start_to_first_answer", min(took))
    assert min(took) < STARTED_WITHIN, took


def test_an_idle_server_is_small(installation: Installation, record: Record) -> None:
    with Server(installation.folder) as server:
        client = installation.login(server)
        assert client.request("GET", installation.path()).status == 200
        client.close()
        resident = resident_kib(server.process.pid)
    record("idle_resident_kib", resident)
    assert resident < RESIDENT_KIB


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_request_under_way_is_answered_before_the_server_stops(
    installation: Installation, number: signal.Signals
) -> None:
    with Server(installation.folder, measured=True) as server:
        idle = installation.login(server)
        body = json.dumps({"data": {"name": "late"}})
        connection = _half_sent(server.port, installation.path("/menus"), idle.token, body)
        began = time.monotonic()
        server.process.send_signal(number)
        _wait_until_refused(server.port)
        connection.send(body[10:].encode())
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())["status"]) == (201, "success")
        assert server.process.wait(PATIENCE) == 0
        assert time.monotonic() - began < STOPPED_WITHIN
        connection.close()
        idle.close()


def test_what_no_answer_waited_for_is_done_before_the_server_stops(
    installation: Installation,
) -> None:
    sent = {"auth_modules": {"cb_api_auth": {"log_successful_attempts": True}}}
    with Server(installation.folder) as server:
        client = installation.login(server)
        assert client.request("POST", installation.path("/security"), sent).status == 200
        client.close()
        for _ in range(3):
            installation.login(server).close()
        server.stop()
    with Server(installation.folder) as server:
        client = installation.login(server)
        answer = client.request("GET", installation.path("/security/attempts"))
        methods = [attempt["auth_module"] for attempt in answer.body["data"]]
        client.close()
    assert methods.count("cb_api_auth") >= 3


STOPPED_EARLY = """
import os, signal, sys, uvloop
from crossbar.cli import main

loops = []

def new_event_loop(make=uvloop.new_event_loop):
    loops.append(make())
    if len(loops) == 2:  # the one that is to serve, before it does anything else
        loops[-1].call_soon(os.kill, os.getpid(), signal.Signals[sys.argv[1]])
    return loops[-1]

uvloop.new_event_loop = new_event_loop
sys.exit(main(["serve", "--port", "0"]))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_that_is_stopped_before_it_listens_to_signals_ends_quietly(
    installation: Installation, number: signal.Signals
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", STOPPED_EARLY, number.name],
        cwd=installation.folder,
        env=environment({}),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def _asked_to_go_on(port: int, path: str, token: str, length: int) -> http.client.HTTPConnection:
    """A connection on which a request with a body was announced, and what it is worth asked."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.putrequest("PUT", f"/v2{path}")
    for name, value in (
        ("X-Auth-Token", token),
        ("Content-Type", "application/json"),
        ("Content-Length", str(length)),
        ("Expect", "100-continue"),
    ):
        connection.putheader(name, value)
    connection.endheaders()
    return connection


def _half_sent(port: int, path: str, token: str, body: str) -> http.client.HTTPConnection:
    """A connection on which the server waits for the rest of a body."""
    connection = _asked_to_go_on(port, path, token, len(body))
    assert connection.sock.recv(1024) == b"HTTP/1.1 100 Continue\r\n\r\n"
    connection.send(body[:10].encode())
    return connection


def test_a_body_that_is_too_large_is_refused_before_it_is_sent(installation: Installation) -> None:
    with Server(installation.folder) as server:
        client = installation.login(server)
        path = installation.path("/menus")
        connection = _asked_to_go_on(server.port, path, client.token, 1_000_000_000)
        assert connection.getresponse().status == 413
        connection.close()
        client.close()


def _wait_until_refused(port: int) -> None:
    """Return when the server takes no new connections: it has noticed the signal."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        probe = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        try:
            probe.connect()
        except (ConnectionRefusedError, ConnectionResetError):  # reset: it was being accepted
            return
        finally:
            probe.close()
        time.sleep(0.01)
    raise AssertionError("the server still takes connections")


def test_connections_that_wait_for_nothing_do_not_hold_up_the_end(
    installation: Installation,
) -> None:
    with Server(installation.folder) as server:
        clients = [installation.login(server) for _ in range(5)]
        assert server.stop() < STOPPED_WITHIN
        for client in clients:
            client.close()


def test_a_client_that_never_finishes_is_not_waited_for_beyond_the_set_time(
    installation: Installation,
) -> None:
    patience = {"CROSSBAR_HTTP__SHUTDOWN_TIMEOUT": "0.5"}
    with Server(installation.folder, changes=patience) as server:
        client = installation.login(server)
        body = json.dumps({"data": {"first_name": "A"}})
        connection = _half_sent(server.port, installation.path("/users"), client.token, body)
        assert server.stop() < STOPPED_WITHIN
        connection.close()
        client.close()
