"""Rows as lines of a table."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossbar.tables import cell, flattened, lines_of

TEXTS = st.one_of(
    st.sampled_from(
        ["", "+14155550100", "-5", "=1+1", "+x", "@a", 'a"b', "a,b", "a\nb", "\r", "ä"]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
)
VALUES = st.one_of(
    TEXTS,
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.lists(TEXTS, max_size=3),
    st.dictionaries(TEXTS, TEXTS, max_size=2),
)
ROWS = st.integers(1, 4).flatmap(
    lambda width: st.lists(
        st.one_of(*(st.lists(kind, min_size=width, max_size=width) for kind in (TEXTS, VALUES))),
        max_size=8,
    )
)


@given(ROWS)
def test_lines_are_those_of_cells_written_one_by_one(rows: list[list[Any]]) -> None:
    expected = io.StringIO()
    csv.writer(expected).writerows(map(cell, row) for row in rows)
    assert lines_of(rows).decode() == expected.getvalue()


@pytest.mark.parametrize("begins", ["=", "@", "\t", "\r", "\n", "+a", "-a", "+1 a", "-(1)x"])
def test_what_a_spreadsheet_would_run_is_defused(begins: str) -> None:
    for row in ([begins, "b"], ["b", begins], ["b", f"{begins}c"]):
        [read] = csv.reader(io.StringIO(lines_of([row]).decode(), newline=""))
        assert read == [f"'{text}" if text.startswith(begins) else text for text in row]


def test_telephone_numbers_and_numbers_stay() -> None:
    row = ["+1 (415) 555-0100", "-5", -1e-05, 3, True, None, ["a", "=b"]]
    assert lines_of([row]) == b'+1 (415) 555-0100,-5,-1e-05,3,true,,"a,\'=b"\r\n'


def test_half_a_character_is_replaced() -> None:
    assert lines_of([["\ud800", "a"]]) == b"?,a\r\n"


def test_keys_of_objects_are_joined() -> None:
    assert flattened({"a": 1, "b": {"c": 2, "d": {"e": [3]}}}) == {"a": 1, "b_c": 2, "b_d_e": [3]}
    assert flattened("x") == {"value": "x"}
