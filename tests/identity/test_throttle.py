"""Those who guess have to wait; nobody is locked out."""

import pytest

from crossbar.clock import FixedClock
from crossbar.identity import throttle as module
from crossbar.identity.throttle import Throttle

KEY = ("192.0.2.1", "account")
OTHER = ("192.0.2.2", "account")


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(1_700_000_000.25)


@pytest.fixture
def throttle(clock: FixedClock) -> Throttle:
    return Throttle(clock)


def fail(throttle: Throttle, times: int) -> None:
    for _ in range(times):
        throttle.failed(KEY)


def test_the_first_failures_cost_nothing(throttle: Throttle) -> None:
    assert throttle.wait(KEY) == 0
    fail(throttle, 5)
    assert throttle.wait(KEY) == 0


def test_then_the_wait_doubles_up_to_the_ceiling(throttle: Throttle) -> None:
    fail(throttle, 5)
    waits = []
    for _ in range(8):
        fail(throttle, 1)
        waits.append(throttle.wait(KEY))
    assert waits == [1, 2, 4, 8, 16, 30, 30, 30]


def test_any_number_of_failures_waits_no_longer_than_the_ceiling(throttle: Throttle) -> None:
    fail(throttle, 5000)
    assert throttle.wait(KEY) == 30


def test_the_wait_passes(throttle: Throttle, clock: FixedClock) -> None:
    fail(throttle, 8)
    clock.advance(0.5)
    assert throttle.wait(KEY) == 4, "rounded up"
    clock.advance(3)
    assert throttle.wait(KEY) == 1
    clock.advance(0.5)
    assert throttle.wait(KEY) == 0
    fail(throttle, 1)
    assert throttle.wait(KEY) == 8, "having waited does not excuse the next failure"


def test_others_do_not_wait(throttle: Throttle) -> None:
    fail(throttle, 20)
    assert throttle.wait(OTHER) == 0


def test_a_success_is_a_fresh_start(throttle: Throttle) -> None:
    fail(throttle, 8)
    throttle.succeeded(KEY)
    assert throttle.wait(KEY) == 0
    fail(throttle, 5)
    assert throttle.wait(KEY) == 0
    throttle.succeeded(OTHER)


def test_failures_are_forgotten_after_the_last_one(throttle: Throttle, clock: FixedClock) -> None:
    fail(throttle, 9)
    clock.advance(899)
    fail(throttle, 1)
    assert throttle.wait(KEY) == 16
    clock.advance(899)
    fail(throttle, 1)
    assert throttle.wait(KEY) == 30
    clock.advance(900)
    assert throttle.wait(KEY) == 0
    fail(throttle, 5)
    assert throttle.wait(KEY) == 0


def test_a_clock_set_back_does_not_lengthen_the_wait(
    throttle: Throttle, clock: FixedClock
) -> None:
    fail(throttle, 7)
    clock.advance(-86_400)
    assert throttle.wait(KEY) == 2


def test_the_numbers_are_settings(clock: FixedClock) -> None:
    throttle = Throttle(clock, free=0, base=3, ceiling=7, remember=10)
    fail(throttle, 1)
    assert throttle.wait(KEY) == 3
    fail(throttle, 2)
    assert throttle.wait(KEY) == 7
    clock.advance(10)
    assert throttle.wait(KEY) == 0


def test_memory_is_bounded_and_the_oldest_failure_goes_first(
    throttle: Throttle, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert module.MAXIMUM_KEYS == 10_000
    monkeypatch.setattr(module, "MAXIMUM_KEYS", 10)
    fail(throttle, 6)
    for number in range(9):
        throttle.failed(number)
    fail(throttle, 1)  # no longer the oldest
    for number in range(100, 109):
        throttle.failed(number)
    assert len(throttle._subjects) == 10
    assert throttle.wait(KEY) == 2
    throttle.failed("one more")
    assert throttle.wait(KEY) == 0
