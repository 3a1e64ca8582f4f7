"""What SQLite's adapter leaves out before anything is decoded."""

from __future__ import annotations

import pytest

from crossbar.storage import Hint
from crossbar.storage.sqlite.sifting import sifter


@pytest.mark.parametrize(
    "hint",
    [
        Hint(path=("\ud800",), texts=frozenset({"x"})),
        Hint(path=("name",), texts=frozenset({"\ud800"})),
    ],
    ids=["path", "text"],
)
def test_what_no_json_has_leaves_nothing_out(hint: Hint) -> None:
    assert sifter([hint])(b'{"name":"Ann"}')


def test_a_body_without_the_value_is_left_out() -> None:
    may = sifter([Hint(path=("name",), texts=frozenset({"Ann"}))])
    assert may(b'{"name":"Ann"}')
    assert not may(b'{"name":"Bob"}')
