"""JSON is read by two parsers; whichever it is, what comes of a text is the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossbar.dialects.parsing import SHORT, _carefully, _plain, parse_json
from crossbar.errors import ValidationFailed

DEPTH = 8

PIECES = (
    *("{", "}", "[", "]", ",", ":", '"a"', '"b"', '"a":1', '"x:y"', '"\\ud800"', '"\\u00e9"'),
    *("1", "-0", "1.5", "1e5", "1e999", "9223372036854775807", "9223372036854775808"),
    *("1234567890123456789012", "true", "null", "NaN", "\t", " ", '"\x01"', "é", '"'),
)

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)

TEXTS = st.lists(st.sampled_from(PIECES), max_size=14).map("".join) | st.dictionaries(
    st.text(), VALUES, max_size=4
).map(json.dumps)


def outcome(body: bytes, read: Any) -> tuple[str, Any]:
    """What comes of a text: its value with its types, or why it is refused."""
    try:
        return "value", repr(read(body, DEPTH))
    except ValidationFailed as refused:
        return "refused", refused.data


def read(body: bytes, max_depth: int) -> Any:
    return parse_json(body, max_depth, 1000)


@given(TEXTS)
def test_both_parsers_agree(text: str) -> None:
    body = text.encode("utf-8", "surrogatepass")
    assert outcome(body, read) == outcome(body, _carefully)


@pytest.mark.parametrize(
    ("text", "is_plain"),
    [
        ('{"data":{"name":"Ann","flags":["one",{"a":1.5}]}}', True),
        ('{"data":{"a":1,"a":2}}', False),
        ('{"data":{"at":"12:30","a:b":["c:d"]}}', True),
        ('{"data":{"a":":","a":"::"}}', False),
        ('{"data":{"a":1,"a":2,"b":"\\u003a"}}', False),
        ('{"data":12345678901234567890}', False),
        ('{"data":1e999}', False),
        ('{"data":"\\ud800"}', False),
        ("[1]", False),
        ('{"data":' + "[" * 300 + "]" * 300 + "}", False),
        ('{"data":"' + "x" * SHORT + '"}', False),
    ],
)
def test_only_what_is_plain_is_read_quickly(text: str, is_plain: bool) -> None:
    assert (_plain(text.encode()) is not None) == is_plain
