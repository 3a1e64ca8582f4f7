"""Token buckets."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossbar.clock import FixedClock
from crossbar.identity import buckets as module
from crossbar.identity.buckets import Buckets, Charge

KEY = "192.0.2.1/account"


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(1_700_000_000)


@pytest.fixture
def buckets(clock: FixedClock) -> Buckets:
    return Buckets(clock)


def test_a_request_is_charged(buckets: Buckets) -> None:
    assert buckets.peek(KEY) == Charge(0, 100, 0)
    assert buckets.take(KEY, 1) == Charge(1, 99, 0)
    assert buckets.take(KEY, 35) == Charge(35, 64, 0)
    assert buckets.peek(KEY) == Charge(0, 64, 0)
    assert buckets.peek("other") == Charge(0, 100, 0)


def test_an_empty_bucket_refuses_and_is_not_charged(buckets: Buckets, clock: FixedClock) -> None:
    for _ in range(100):
        assert buckets.take(KEY, 1).retry_after == 0
    for _ in range(50):
        assert buckets.take(KEY, 1) == Charge(1, 0, 1)
    clock.advance(0.1)
    assert buckets.take(KEY, 1) == Charge(1, 0, 0)


def test_waiting_as_told_is_enough(buckets: Buckets, clock: FixedClock) -> None:
    buckets.take(KEY, 70)
    assert buckets.take(KEY, 35) == Charge(35, 30, 1)
    buckets.take(KEY, 30)
    refused = buckets.take(KEY, 35)
    assert refused == Charge(35, 0, 4), "rounded up from 3.5 seconds"
    clock.advance(refused.retry_after)
    assert buckets.take(KEY, 35) == Charge(35, 5, 0)


def test_a_bucket_fills_up_and_no_further(buckets: Buckets, clock: FixedClock) -> None:
    buckets.take(KEY, 50)
    clock.advance(2.55)
    assert buckets.peek(KEY).remaining == 75
    clock.advance(3600)
    assert buckets.peek(KEY).remaining == 100
    assert buckets.take(KEY, 1) == Charge(1, 99, 0)


def test_a_clock_set_back_takes_nothing_away(buckets: Buckets, clock: FixedClock) -> None:
    buckets.take(KEY, 40)
    clock.advance(-86_400)
    assert buckets.peek(KEY).remaining == 60
    buckets.take(KEY, 40)
    clock.advance(1)
    assert buckets.peek(KEY).remaining == 30


def test_a_cost_above_the_capacity_takes_a_full_bucket(clock: FixedClock) -> None:
    buckets = Buckets(clock, capacity=20, refill=4)
    assert buckets.take(KEY, 35) == Charge(35, 0, 0)
    assert buckets.take(KEY, 35) == Charge(35, 0, 5)
    clock.advance(5)
    assert buckets.take(KEY, 35) == Charge(35, 0, 0)


def test_a_free_request_is_never_refused(buckets: Buckets) -> None:
    buckets.take(KEY, 100)
    assert buckets.take(KEY, 0) == Charge(0, 0, 0)


def test_looking_at_an_unknown_bucket_leaves_nothing_behind(buckets: Buckets) -> None:
    first = buckets.peek(KEY)
    blocks = sys.getallocatedblocks()
    for number in range(1000):
        assert buckets.peek(number) is first
    assert sys.getallocatedblocks() - blocks < 100
    assert not buckets._buckets


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(0, 120)), max_size=50))
def test_nobody_gets_more_than_capacity_and_refill(steps: list[tuple[float, int]]) -> None:
    clock = FixedClock(0)
    buckets = Buckets(clock)
    spent = 0
    for delay, cost in steps:
        clock.advance(delay)
        charge = buckets.take(KEY, cost)
        assert 0 <= charge.remaining <= 100
        if charge.retry_after == 0:
            spent += min(cost, 100)
        assert spent <= 100 + clock.precise() * 10 + 0.001


def test_full_buckets_are_forgotten_first(
    buckets: Buckets, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert module.MAXIMUM_KEYS == 10_000
    monkeypatch.setattr(module, "MAXIMUM_KEYS", 10)
    buckets.take("empty", 100)
    for number in range(9):
        buckets.take(number, 1)
    clock.advance(1)
    buckets.take("new", 1)
    assert set(buckets._buckets) == {"empty", "new"}
    assert buckets.peek("empty").remaining == 10


def test_then_those_that_were_charged_longest_ago(
    buckets: Buckets, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAXIMUM_KEYS", 10)
    for number in range(10):
        buckets.take(number, 50)
        clock.advance(0.01)
    buckets.take(0, 1)  # no longer the oldest
    assert len(buckets._buckets) == 10, "a known client needs no room"
    for number in range(10, 13):
        buckets.take(number, 50)
        assert len(buckets._buckets) <= 10
    assert set(buckets._buckets) == {4, 5, 6, 7, 8, 9, 0, 10, 11, 12}


def test_a_charge_can_be_given_back(buckets: Buckets) -> None:
    buckets.take(KEY, 30)
    buckets.take(KEY, 7)
    buckets.give_back(KEY, 7)
    assert buckets.peek(KEY) == Charge(0, 70, 0)
    buckets.give_back(KEY, 1000)
    assert buckets.peek(KEY) == Charge(0, 100, 0)
    buckets.give_back("forgotten", 1)
    assert buckets.peek("forgotten") == Charge(0, 100, 0)
