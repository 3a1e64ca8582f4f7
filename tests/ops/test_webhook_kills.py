"""A server that is killed in the middle of its work loses no report of an acknowledged write."""

from __future__ import annotations

import random

import pytest

from tests.ops.conftest import Installation
from tests.ops.killing import Kills, Listener

ROUNDS = 6


@pytest.mark.timeout(300)
def test_each_acknowledged_write_is_reported(installation: Installation) -> None:
    kills = Kills(installation, Listener())
    kills.begin()
    try:
        for _ in range(ROUNDS):
            kills.one(random.uniform(0.1, 0.6))
        assert kills.settle(150) == []
        assert len(kills.acknowledged) >= ROUNDS
        # However often it was sent, one event has one id.
        assert {len(ids) for ids in kills.listener.got.values()} == {1}
    finally:
        kills.listener.stop()
