"""Those who guess have to wait; nobody else has, and nobody is locked out."""

import itertools

import pytest

from crossbar.clock import FixedClock
from crossbar.identity import throttle as module
from crossbar.identity.throttle import KNOWN_FOR, MAXIMUM_WRONG, WRONG_FOR, Throttle

HERE, THERE = [b"account at 192.0.2.1"], [b"account at 192.0.2.2"]
RIGHT = b"right"


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(1_700_000_000.25)


@pytest.fixture
def throttle(clock: FixedClock) -> Throttle:
    return Throttle(clock)


guesses = (b"guess %d" % number for number in itertools.count())


def guess(throttle: Throttle, subjects: list[bytes] = HERE) -> int | None:
    """Guess anew: ``None`` when nobody looks, else how long the guesser is told to wait."""
    mark = next(guesses)
    return None if throttle.wait(subjects, mark) else throttle.failed(subjects, mark)


def test_the_first_failures_cost_nothing(throttle: Throttle) -> None:
    assert [guess(throttle) for _ in range(7)] == [0, 0, 0, 0, 0, 0, 1]


def test_many_at_once_are_not_looked_at(throttle: Throttle, clock: FixedClock) -> None:
    looked_at = [guess(throttle) is not None for _ in range(1000)]
    assert sum(looked_at) == 6 + 12
    assert looked_at == sorted(looked_at, reverse=True)
    assert throttle.wait(HERE, RIGHT) > 0
    clock.advance(1)
    assert throttle.wait(HERE, RIGHT) == 0
    assert sum(guess(throttle) is not None for _ in range(1000)) == 4


def test_who_guesses_all_day_gets_a_few_thousand_guesses(
    throttle: Throttle, clock: FixedClock
) -> None:
    looked_at = 0
    for _ in range(4 * 86_400):
        looked_at += guess(throttle) is not None
        clock.advance(0.25)
    assert 5000 < looked_at < 9000


def test_a_right_password_is_let_in_beside_a_wrong_one_every_half_second(
    throttle: Throttle, clock: FixedClock
) -> None:
    for _ in range(150):
        assert guess(throttle) is not None
        clock.advance(0.25)
        assert throttle.wait(HERE, RIGHT) == 0
        clock.advance(0.25)


def test_the_same_wrong_password_for_ever_slows_nobody_down(
    throttle: Throttle, clock: FixedClock
) -> None:
    verified = 0
    for _ in range(10_000):
        if not throttle.wait(HERE, b"old"):
            throttle.failed(HERE, b"old")
            verified += 1
        assert throttle.wait(HERE, RIGHT) == 0
        clock.advance(0.5)
    assert verified <= 5 + 10_000 * 0.5 / WRONG_FOR + 1


def test_a_wrong_password_may_become_right(throttle: Throttle, clock: FixedClock) -> None:
    for _ in range(7):
        throttle.failed(HERE, b"early")
    assert throttle.wait(HERE, b"early") > 0
    clock.advance(WRONG_FOR)
    assert throttle.wait(HERE, b"early") == 0


def test_who_was_right_here_is_let_in_whatever_others_do(
    throttle: Throttle, clock: FixedClock
) -> None:
    throttle.succeeded(RIGHT)
    for _ in range(20_000):
        guess(throttle)
        clock.advance(0.05)
    assert throttle.wait(HERE, b"fresh") > 0
    assert throttle.wait(HERE, RIGHT) == 0
    throttle.failed(HERE, RIGHT)
    assert throttle.wait(HERE, RIGHT) > 0, "it is right no more"


def test_who_was_right_is_known_for_a_while(throttle: Throttle, clock: FixedClock) -> None:
    throttle.succeeded(RIGHT)
    clock.advance(KNOWN_FOR)
    for _ in range(100):
        guess(throttle)
    assert throttle.wait(HERE, RIGHT) > 0


def test_a_success_takes_no_failures_back(throttle: Throttle) -> None:
    looked_at = 0
    for _ in range(200):
        looked_at += guess(throttle) is not None
        throttle.succeeded(b"own")
    assert looked_at == 18


def test_others_do_not_wait(throttle: Throttle) -> None:
    for _ in range(100):
        guess(throttle)
    assert throttle.wait(THERE, RIGHT) == 0
    assert throttle.wait([*THERE, *HERE], RIGHT) > 0, "every name counts"


def test_failures_are_forgotten_after_the_last_one(throttle: Throttle, clock: FixedClock) -> None:
    for _ in range(18):
        guess(throttle)
    clock.advance(899)
    assert [guess(throttle) for _ in range(2)] == [0, 1], "there is no free one"
    clock.advance(900)
    assert [guess(throttle) for _ in range(7)] == [0, 0, 0, 0, 0, 0, 1]


def test_a_clock_set_back_does_not_lengthen_the_wait(
    throttle: Throttle, clock: FixedClock
) -> None:
    for _ in range(18):
        guess(throttle)
    assert throttle.wait(HERE, RIGHT) > 0
    clock.advance(-86_400)
    assert throttle.wait(HERE, RIGHT) == 0
    assert guess(throttle) is not None


def test_the_numbers_are_settings(clock: FixedClock) -> None:
    throttle = Throttle(clock, free=0, base=3, ceiling=7, advance=0, remember=10)
    assert guess(throttle) == 0
    assert throttle.wait(HERE, RIGHT) == 3
    clock.advance(3)
    assert throttle.failed(HERE, next(guesses), cost=100) == 0
    assert throttle.wait(HERE, RIGHT) == 7
    clock.advance(10)
    assert throttle.wait(HERE, RIGHT) == 0


def test_memory_is_bounded_and_the_oldest_goes_first(
    throttle: Throttle, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert module.MAXIMUM_KEYS == module.MAXIMUM_KNOWN == 10_000
    monkeypatch.setattr(module, "MAXIMUM_KEYS", 10)
    monkeypatch.setattr(module, "MAXIMUM_KNOWN", 10)
    for _ in range(30):
        guess(throttle)
    for number in range(9):
        throttle.failed([b"%d" % number], RIGHT)
        throttle.succeeded(b"%d" % number)
    throttle.failed(HERE, next(guesses))  # no longer the oldest
    for number in range(100, 109):
        throttle.failed([b"%d" % number], RIGHT)
        throttle.succeeded(b"%d" % number)
    assert len(throttle._subjects) == len(throttle._known) == 10
    assert throttle.wait(HERE, RIGHT) > 0
    assert len(throttle._subjects[HERE[0]].wrong) == MAXIMUM_WRONG
    throttle.failed([b"one more"], RIGHT)
    assert throttle.wait(HERE, RIGHT) == 0
