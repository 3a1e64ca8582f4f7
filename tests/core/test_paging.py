"""Pages of lists: opaque keys, sizes, borders."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossbar.core.paging import (
    LAST,
    decode_key,
    encode_key,
    page_of,
    page_size_of,
    span_of,
)
from crossbar.core.requests import Query
from crossbar.errors import FaultyRequest, ValidationFailed
from crossbar.storage import Position, Span

SPAN = Span(account_id="a", doc_type="cat")


def query(**more: object) -> Query:
    return Query(filters=(), **more)  # type: ignore[arg-type]


TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(TEXTS, TEXTS, st.booleans())
def test_a_key_names_its_row(sort: str, doc_id: str, descending: bool) -> None:
    position = Position(sort, doc_id)
    key = encode_key(position)
    assert "=" not in key
    assert decode_key(key, descending=descending) == position


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@pytest.mark.parametrize(
    "text", ["lee ann", "é", "%", "abc", "Wy", encoded(b"[1,2]"), encoded(b"{}")]
)
def test_what_is_no_key_of_ours_is_a_sort_value(text: str) -> None:
    assert decode_key(text, descending=False) == Position(text, "")
    assert decode_key(text, descending=True) == Position(text, LAST)
    for descending in (True, False):
        assert decode_key(text, descending=descending, by_id=True) == Position("", text)


@given(TEXTS, TEXTS, st.integers(4, 40))
def test_a_key_that_is_cut_is_refused(sort: str, doc_id: str, kept: int) -> None:
    key = encode_key(Position(sort, doc_id))
    for broken in (key[:kept], f"{key}*", encoded(b'["a"]'), encoded(b'["a","b","c"]')):
        if broken != key:
            with pytest.raises(ValidationFailed) as refused:
                decode_key(broken, descending=True, name="end_key")
            assert list(refused.value.data) == ["end_key"]


def test_a_page_has_the_size_that_is_asked_for() -> None:
    assert page_size_of(query(), 50) == 50
    assert page_size_of(query(page_size=1), 50) == 1
    assert page_size_of(query(paginate=False, page_size=0), 50) is None
    for size in (0, -1):
        with pytest.raises(FaultyRequest, match="page size must be at least 1"):
            page_size_of(query(page_size=size), 50)


def test_a_walk_goes_down_unless_told_otherwise_and_ends_at_its_end_key() -> None:
    down = span_of(query(end_key="m"), SPAN)
    assert (down.descending, down.end) == (True, Position("m", ""))
    up = span_of(query(end_key="m", ascending=True), SPAN)
    assert (up.descending, up.end) == (False, Position("m", LAST))
    plain = span_of(query(), SPAN)
    assert (plain.start, plain.end, plain.low, plain.high) == (None, None, None, None)


def test_a_start_counts_only_with_pages() -> None:
    key = encode_key(Position("s", "i"))
    assert span_of(query(start_key=key), SPAN).start == Position("s", "i")
    assert page_of(query(start_key=key)).start_key == key
    whole = query(start_key=key, paginate=False)
    assert span_of(whole, SPAN).start is None
    assert page_of(whole).start_key is None
