"""A switch that tells its events to servers which are killed: each event counts exactly once."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any

import pytest

from tests.ops.conftest import Installation
from tests.ops.killing import CHANGES, HERE
from tests.ops.listening import Listener
from tests.ops.processes import Client, Server

pytestmark = pytest.mark.thorough

ROUNDS = 4
CALLS = 12
"""Calls that a batch is about; every third of them still runs at the end."""

LONGEST = 150.0
"""Seconds within which a batch is taken, on a machine that has much else to do."""


@dataclass
class Told(Listener):
    """Keeps the ids of the reports of each event, by its kind and call."""

    def take(self, body: Any, message_id: str) -> int:
        if random.random() < self.refused:
            return 503
        about = f"{body['hook_event']} {body['call_id']}"
        self.got.setdefault(about, set()).add(message_id)
        return 200


@dataclass
class Switch:
    """Who counts events and sends each batch until it is taken. ``ports`` are those of servers."""

    key: str
    account_id: str
    ports: list[int] = field(default_factory=list)
    sequence: int = 0
    calls: list[str] = field(default_factory=list)
    accepted: list[int] = field(default_factory=list)

    def batch(self) -> list[Any]:
        """Calls that begin, are answered and end, with their records."""
        events = []
        for _ in range(CALLS):
            call_id = f"c{len(self.calls)}"
            self.calls.append(call_id)
            steps = ["channel.create", "channel.answer"]
            if not self.goes_on(call_id):
                steps += ["channel.destroy", "cdr"]
            for step in steps:
                self.sequence += 1
                data = {"call_id" if step == "cdr" else "uuid": call_id}
                named = {"sequence": self.sequence, "account_id": self.account_id}
                events.append({**named, "type": step, "data": data})
        return events

    def goes_on(self, call_id: str) -> bool:
        """Whether the call still runs at the end."""
        return int(call_id[1:]) % 3 == 0

    def expected(self) -> set[str]:
        """What is to be reported of all calls."""
        steps = ("channel_create", "channel_answer", "channel_destroy", "cdr")
        return {
            f"{step} {call_id}"
            for call_id in self.calls
            for step in (steps[:2] if self.goes_on(call_id) else steps)
        }

    def wait_for_a_batch(self) -> None:
        """Return when one more batch, or a part of it, has been taken."""
        deadline, before = time.monotonic() + LONGEST, len(self.accepted)
        while len(self.accepted) == before:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def send(self, events: list[Any], port: int | None = None) -> None:
        """Have a batch taken by whichever server answers."""
        deadline, last = time.monotonic() + LONGEST, events[-1]["sequence"]
        while time.monotonic() < deadline:
            client = Client(port or random.choice(self.ports), self.key)
            try:
                answer = client.request(
                    "POST", "/switch/events", {"source": "s", "events": events}
                )
            except (HTTPException, OSError):
                time.sleep(0.02)
                continue
            finally:
                client.close()
            if answer.status in (409, 503):
                continue
            assert answer.status == 200, answer
            assert answer.data["refused"] == [], answer
            self.accepted.append(answer.data["accepted"])
            if answer.data["last"] >= last:
                return
        raise TimeoutError


@dataclass
class Scene:
    """An installation with a webhook for everything and a switch."""

    installation: Installation
    listener: Told
    switch: Switch

    def server(self) -> Server:
        return Server(self.installation.folder, changes=CHANGES)

    def check(self, seconds: float = 120) -> None:
        """Each event has come of everything: once."""
        deadline = time.monotonic() + seconds
        switch, listener = self.switch, self.listener
        with self.server() as server:
            while switch.expected() - listener.got.keys() and time.monotonic() < deadline:
                time.sleep(0.05)
            assert listener.got.keys() == switch.expected()
            assert {len(ids) for ids in listener.got.values()} == {1}
            client = self.installation.login(server)
            path = self.installation.path
            rows = client.request("GET", path("/cdrs?paginate=false")).data
            running = client.request("GET", path("/channels")).data
            client.close()
        over = [each for each in switch.calls if not switch.goes_on(each)]
        assert sorted(row["call_id"] for row in rows) == sorted(over)
        assert {leg["uuid"] for leg in running} == set(switch.calls) - set(over)
        assert all(leg["answered"] for leg in running)


@pytest.fixture
def scene(installation: Installation) -> Iterator[Scene]:
    listener = Told()
    listener.start()
    with Server(installation.folder, changes=CHANGES) as server:
        client = installation.login(server)
        hook = {"name": "All", "hook": "all", "format": "json", "custom_data": {}}
        hook["uri"] = f"http://{HERE}:{listener.port}/in"
        assert client.request("PUT", installation.path("/webhooks"), hook).status == 201
        asked = {"name": "Switch", "dialect": "switch", "scopes": ["switch"]}
        made = client.request("PUT", installation.path("/api_keys"), asked)
        assert made.status == 201, made
        key = made.data["_read_only"]["key"]
        client.close()
    try:
        yield Scene(installation, listener, Switch(key, installation.account_id))
    finally:
        listener.stop()


@pytest.mark.timeout(300)
def test_a_killed_server_counts_each_event_once(scene: Scene) -> None:
    switch = scene.switch
    stopping = threading.Event()

    def tell() -> None:
        while not stopping.is_set():
            switch.send(switch.batch())

    teller = threading.Thread(target=tell)
    for number in range(ROUNDS):
        with scene.server() as server:
            switch.ports = [server.port]
            if not number:
                teller.start()
            switch.wait_for_a_batch()
            time.sleep(random.uniform(0, 0.3))  # in the middle of another
            server.process.kill()
    with scene.server() as server:
        switch.ports = [server.port]
        stopping.set()
        teller.join(LONGEST)
        assert not teller.is_alive()
    assert len(switch.calls) >= ROUNDS * CALLS
    scene.check()


@pytest.mark.timeout(300)
def test_two_servers_that_are_told_the_same_count_it_once(scene: Scene) -> None:
    switch = scene.switch
    batches = [switch.batch() for _ in range(6)]
    with ExitStack() as stack:
        servers = [stack.enter_context(scene.server()) for _ in range(2)]

        def tell(port: int) -> None:
            for batch in batches:
                switch.send(batch, port)

        threads = [threading.Thread(target=tell, args=(server.port,)) for server in servers * 2]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LONGEST)
        assert not any(thread.is_alive() for thread in threads)
    assert sum(switch.accepted) == sum(map(len, batches))
    scene.check()
