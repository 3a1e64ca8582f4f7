"""A server that is killed in the middle of its work loses no report of an acknowledged write."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing

import orjson
import pytest

from tests.ops.conftest import Installation
from tests.ops.killing import Kills, Receiver

pytestmark = pytest.mark.thorough

ROUNDS = 10


@pytest.mark.timeout(300)
def test_each_acknowledged_write_is_reported(installation: Installation) -> None:
    kills = Kills(installation, Receiver(installation.folder))
    try:
        kills.begin()
        for number in range(ROUNDS):
            kills.one(random.uniform(0, 0.6), receiver_too=number % 3 == 2)
        assert kills.settle(150) == []
        # However often it was sent, one event has one id.
        assert {len(set(ids)) for ids in kills.receiver.taken().values()} == {1}
        assert kills.acknowledged
        assert kills.receiver.kills == ROUNDS // 3
    finally:
        kills.end()


@pytest.mark.timeout(300)
def test_another_process_goes_on(installation: Installation) -> None:
    kills = Kills(installation, Receiver(installation.folder))
    try:
        kills.begin()
        servers = {each.process.pid: each for each in (kills.start(), kills.start())}
        leading = _leading(installation, lambda process_id: process_id in servers)
        servers.pop(leading).kill()
        [(other, server)] = servers.items()
        client = server.client(kills.token)
        for number in range(5):
            answer = client.request("PUT", installation.path("/devices"), {"name": f"D {number}"})
            kills.acknowledged.append(answer.data["id"])
        assert _leading(installation, lambda process_id: process_id == other)
        assert kills.missing(60) == []
        client.close()
        server.kill()
    finally:
        kills.end()


def _leading(installation: Installation, is_right: Callable[[int], bool]) -> int:
    """The process that delivers, as soon as it is one of the right ones."""
    deadline = time.monotonic() + 60
    sql = "SELECT body FROM documents WHERE doc_type = 'webhook_state'"
    with closing(sqlite3.connect(installation.folder / "var" / "crossbar.db")) as store:
        while time.monotonic() < deadline:
            for (body,) in store.execute(sql):
                process_id: int = orjson.loads(body)["process"]
                if is_right(process_id):
                    return process_id
            time.sleep(0.05)
    raise TimeoutError
