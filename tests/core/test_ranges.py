"""Ranges of time in lists: sort keys, and the times that clients send."""

from __future__ import annotations

from typing import Any

import pytest

from crossbar.clock import GREGORIAN_OFFSET, moment
from crossbar.core.ranges import LATEST, seconds_of, time_key


def test_keys_sort_as_their_times() -> None:
    times = [0, 1, 99, 63_876_219_200, LATEST]
    assert sorted(map(time_key, times)) == [time_key(time) for time in times]
    assert time_key(63_876_219_200) == "63876219200"
    assert (time_key(-5), time_key(LATEST + 5)) == (time_key(0), time_key(LATEST))


@pytest.mark.parametrize(
    ("sent", "time"),
    [
        (5, 5),
        ("5", 5),
        (0, None),
        ("0", None),
        (-1, None),
        ("-1", None),
        ("x", None),
        ("١", None),
        ("9" * 20, None),
        (True, None),
        (1.5, None),
        (None, None),
        ([], None),
    ],
)
def test_a_time_that_is_none_is_as_if_it_were_not_sent(sent: Any, time: int | None) -> None:
    assert seconds_of(sent) == time


def test_a_moment_is_in_its_zone_or_in_utc() -> None:
    summer = GREGORIAN_OFFSET + 1_785_000_000
    assert f"{moment(summer, 'Europe/Rome'):%z %H}" == "+0200 19"
    for unknown in (None, "", "Nowhere", 7):
        assert f"{moment(summer, unknown):%z %H}" == "+0000 17"
