"""A server that is killed in the middle of a task does each row once, and tells of each once."""

from __future__ import annotations

import csv
import io
import random
import signal
import time
from contextlib import closing

import pytest

from tests.ops.conftest import Installation
from tests.ops.processes import Client, Server

pytestmark = pytest.mark.thorough

ROWS = 300
ROUNDS = 4
CHANGES = {
    # Another server goes on a second after the last sign of life.
    "CROSSBAR_TASKS__TAKEOVER_AFTER": "1",
    "CROSSBAR_TASKS__WAIT_AFTER_ROW_MS": "8",
}


def _server(installation: Installation, changes: dict[str, str] = CHANGES) -> Server:
    return Server(installation.folder, changes=changes)


def _content(client: Client, method: str, path: str, body: bytes | None = None) -> bytes:
    headers = {"X-Auth-Token": client.token, "Content-Type": "text/csv"}
    client.connection.request(method, f"/v2{path}", body, headers)
    response = client.connection.getresponse()
    content = response.read()
    assert response.status in (200, 201), content
    return content


def _facts(client: Client, path: str) -> dict[str, int | str]:
    facts: dict[str, int | str] = client.request("GET", path).data["_read_only"]
    return facts


def _make(
    installation: Installation, client: Client, category: str, action: str, table: str
) -> str:
    """Make a task; its path."""
    query = f"/tasks?category={category}&action={action}"
    _content(client, "PUT", installation.path(query), table.encode())
    (task,) = client.request("GET", installation.path("/tasks")).data
    return installation.path(f"/tasks/{task['id']}")


def _begin(installation: Installation, category: str, action: str, table: str) -> str:
    """Make a task, start it, and kill the server; its path."""
    with _server(installation) as server, closing(installation.login(server)) as client:
        path = _make(installation, client, category, action, table)
        assert client.request("PATCH", path).status == 200
        server.process.kill()
    return path


def _interrupt(installation: Installation, path: str, last: int) -> int:
    """Let a server do some rows and kill it among them; how many were done just before."""
    with _server(installation) as server, closing(installation.login(server)) as client:
        deadline = time.monotonic() + 60
        done = last
        while done <= last and time.monotonic() < deadline:
            done = int(_facts(client, path)["success_count"])
        time.sleep(random.uniform(0, 0.1))
        server.process.kill()
    return done


def _end(client: Client, path: str) -> dict[str, int | str]:
    """What is told of the task when it is over."""
    deadline = time.monotonic() + 120
    while (facts := _facts(client, path))["status"] == "executing":
        assert time.monotonic() < deadline, facts
        time.sleep(0.05)
    return facts


def _check(installation: Installation, client: Client, path: str, names: list[str]) -> None:
    """Each row was done once, and the output has one line for each, in order."""
    output = _content(client, "GET", f"{path}/output").decode()
    rows = list(csv.DictReader(io.StringIO(output, newline="")))
    assert [row["name"] for row in rows] == names
    menus = client.request("GET", installation.path("/menus?paginate=false")).data
    assert len(menus) == len(names)
    assert {menu["name"]: menu["id"] for menu in menus} == {row["name"]: row["id"] for row in rows}


def _table(names: list[str]) -> str:
    return "\n".join(("name", *names))


@pytest.mark.timeout(240)
def test_each_row_is_done_once_and_told_of_once(installation: Installation) -> None:
    names = [f"Menu {number}" for number in range(ROWS)]
    path = _begin(installation, "menus", "import", _table(names))
    seen = [0]
    while len(seen) <= ROUNDS and seen[-1] < ROWS:
        seen.append(_interrupt(installation, path, seen[-1]))
    assert any(0 < done < ROWS for done in seen), "no kill came in the middle of the work"
    with (
        _server(installation) as server,
        _server(installation),
        closing(installation.login(server)) as client,
    ):
        facts = _end(client, path)
        assert (facts["status"], facts["success_count"]) == ("success", ROWS)
        _check(installation, client, path, names)


@pytest.mark.timeout(240)
def test_a_server_that_slept_writes_nothing_when_another_has_taken_over(
    installation: Installation,
) -> None:
    names = [f"Menu {number}" for number in range(ROWS)]
    slow = {**CHANGES, "CROSSBAR_TASKS__WAIT_AFTER_ROW_MS": "20"}
    with _server(installation, slow) as one, _server(installation, slow) as other:
        client = installation.login(one)
        elsewhere = other.client(client.token)
        with closing(client), closing(elsewhere):
            path = _make(installation, client, "menus", "import", _table(names))
            assert client.request("PATCH", path).status == 200
            # Whoever runs it: after the first of these the other one does, or has taken over.
            for sleeper, awake in ((one, elsewhere), (other, client), (one, elsewhere)):
                _sleep_until_another_works(sleeper, awake, path)
            facts = _end(client, path)
            assert (facts["status"], facts["success_count"]) == ("success", ROWS)
            _check(installation, client, path, names)


def _sleep_until_another_works(sleeper: Server, awake: Client, path: str) -> None:
    """Stop a server in the middle of its work, let the other one do some rows, and wake it."""
    sleeper.process.send_signal(signal.SIGSTOP)
    facts = _facts(awake, path)
    began, looks = int(facts["success_count"]), 0
    while facts["status"] == "executing" and int(facts["success_count"]) < began + 5:
        time.sleep(0.05)
        looks += 1
        if looks % 100 == 0:  # it may have gone to sleep in the middle of a commit
            sleeper.process.send_signal(signal.SIGCONT)
            time.sleep(random.uniform(0.01, 0.05))
            sleeper.process.send_signal(signal.SIGSTOP)
        facts = _facts(awake, path)
    sleeper.process.send_signal(signal.SIGCONT)
    time.sleep(0.1)
