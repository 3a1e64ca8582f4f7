"""Telephone numbers: what is a full one, and how it is written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossbar.numbers import normalized, to_e164


@pytest.mark.parametrize(
    "number",
    [
        "4155550100",
        "14155550100",
        "+14155550100",
        "(415) 555-0100",
        "415.555.0100",
        "1-415-555-0100",
    ],
)
def test_north_american_numbers_become_e164(number: str) -> None:
    assert to_e164(number) == "+14155550100"


@pytest.mark.parametrize("number", ["+442071838750", "00442071838750", "011442071838750"])
def test_international_numbers_become_e164(number: str) -> None:
    assert to_e164(number) == "+442071838750"


@pytest.mark.parametrize(
    "number",
    [
        "",
        "2001",
        "*97",
        "911",
        "555-0100",
        "415555010",
        "+0123456789",
        "+44",
        "abc4155550100",
        "٤١٥٥٥٥٠١٠٠",
        "+9991234567890",
        "+" + "1" * 20,
    ],
)
def test_anything_else_is_no_full_number_and_stays(number: str) -> None:
    assert to_e164(number) is None
    assert normalized(number) == number


@given(st.text(alphabet="0123456789+-(). *#", max_size=20))
def test_normalising_twice_changes_nothing(number: str) -> None:
    assert normalized(normalized(number)) == normalized(number)
