"""Counts of visitors and sessions when two server processes count at once."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from threading import Barrier
from typing import Any

import orjson

from tests.ops.conftest import Installation
from tests.ops.processes import PATIENCE, Server, crossbar
from tests.ops.test_workers import wait_until

VISITORS = 16
ARGUMENTS = ("--port", "0", "--workers", "2")


class Site:
    """A web site whose pages talk to the server, each request on a connection of its own, so
    that either process may get it."""

    def __init__(self, server: Server, installation: Installation, key: str) -> None:
        self._port = server.port
        self._headers = {"X-Public-Key": f"pk_{installation.account_id}", "X-Api-Key": key}

    def send(
        self, method: str, path: str, body: Any = None, secret: str = ""
    ) -> tuple[int, Any, str]:
        """Status, JSON (if any) and where the answer leads."""
        connection = HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        headers = {**self._headers, **({"X-Connection-Secret": secret} if secret else {})}
        connection.request(method, f"/v1.1{path}", orjson.dumps(body or {}), headers)
        response = connection.getresponse()
        content = response.read()
        connection.close()
        is_json = response.headers.get("Content-Type", "").startswith("application/json")
        parsed = orjson.loads(content) if is_json else None
        return response.status, parsed, response.headers.get("Location", "")

    def visit(self, number: int) -> None:
        """A visitor that comes, is watched for a moment, and is deleted if its number is odd."""
        _, made, _ = self.send("POST", "/ext/visitors.json")
        short_id, secret = made["visitor"]["short_id"], made["secret"]
        _, wish, _ = self.send(
            "POST",
            f"/visitors/{short_id}/watch_url.json",
            {"agent": {"id": str(number % 3), "name": "A"}},
        )
        token = wish["watch_url"].partition("?")[2]
        assert self.send("GET", f"/watch?{token}")[0] == 303
        _, told, _ = self.send("POST", f"/ext/visitors/{short_id}/heartbeat", None, secret)
        events = f"/ext/sessions/{told['session']['id']}/events"
        assert self.send("POST", events, {"type": "start"}, secret)[0] == 200
        if number % 2:
            assert self.send("DELETE", f"/visitors/{short_id}")[0] == 200


def new_key(installation: Installation) -> str:
    """A key of the master account, made with the command line."""
    arguments = ("--account", installation.account_id, "--dialect", "v1_1", "--name", "K")
    done = crossbar(installation.folder, "key", "create", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    key: str = orjson.loads(done.stdout)["key"]
    return key


def test_two_processes_count_exactly_and_a_link_opens_once(installation: Installation) -> None:
    key = new_key(installation)
    with Server(installation.folder, ARGUMENTS) as server:
        wait_until(lambda: server.log.count('"serving"') == 2)
        client = installation.login(server)
        path = installation.path("/visitor_settings")
        assert client.request("POST", path, {"enabled": True}).status == 200
        client.close()
        site = Site(server, installation, key)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(site.visit, range(VISITORS)))
        _, told, _ = site.send("GET", "/usage.json")
        usage = told["usage"]
        assert usage["visitors"]["online_now"] == VISITORS // 2
        assert usage["visitors"]["last_24_hrs"] == VISITORS
        assert usage["agents"] == {"today": 3, "last_30_days": 3}
        assert usage["session_counts"] == {
            "now": VISITORS // 2,
            "today": VISITORS,
            "last_30_days": VISITORS,
        }
        _, listed, _ = site.send("GET", "/ext/sessions.json")
        assert sorted(each["id"] for each in listed["sessions"]) == list(range(1, VISITORS + 1))
        assert race_for_a_link(site) == {303: 1, 410: 19}
        server.stop()


def race_for_a_link(site: Site) -> dict[int, int]:
    """How often each status answers twenty who open the same link at once."""
    _, made, _ = site.send("POST", "/ext/visitors.json")
    path = f"/visitors/{made['visitor']['short_id']}/watch_url.json"
    _, wish, _ = site.send("POST", path, {"agent": {"id": "1", "name": "A"}})
    token, barrier = wish["watch_url"].partition("?")[2], Barrier(20)

    def open_link(_: int) -> int:
        barrier.wait(PATIENCE)
        return site.send("GET", f"/watch?{token}")[0]

    with ThreadPoolExecutor(20) as pool:
        return dict(Counter(pool.map(open_link, range(20))))
