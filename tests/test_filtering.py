"""Filters of lists, over public fields only."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossbar.filtering import keeps, parse_filters, text_form

DOCUMENT = {
    "_id": "abc",
    "name": "Ann",
    "age": 42,
    "rate": 1.5,
    "enabled": False,
    "nothing": None,
    "numbers": ["20", "01"],
    "members": [{"number": "7"}, {"number": "8"}],
    "empty": {"text": "", "zero": 0, "zeros": "0", "list": [], "object": {}, "null": None},
    "words": {"a": "undefined", "b": "NULL"},
    "caller_id": {"internal": {"number": "2001"}},
    "pvt_secret": "s3cret",
    "pvt_created": 100,
    "pvt_modified": 200,
    "huge": 2**70,
}


def kept(*parameters: tuple[str, str]) -> bool:
    return keeps(parse_filters(parameters), DOCUMENT)


EQUAL = [
    ("name", "Ann"),
    ("name", '"Ann"'),
    ("name", '["Bob","Ann"]'),
    ("age", "42"),
    ("rate", "1.5"),
    ("enabled", "false"),
    ("nothing", "null"),
    ("missing", ""),
    ("missing", '""'),
    ("numbers", "2001"),
    ("numbers.1", "20"),
    ("members", ""),
    ("members.2.number", "8"),
    ("empty.object", "{}"),
    ("empty.list", ""),
    ("caller_id.internal.number", "2001"),
    ("caller_id.internal", '{"number":"2001"}'),
    ("id", "abc"),
    ("huge", str(2**70)),
]

UNEQUAL = [
    ("name", "ann"),
    ("name", "An"),
    ("name", '["Bob"]'),
    ("name", "[5]"),
    ("name", "[broken"),
    ("name", '"Bob"'),
    ("age", "42.0"),
    ("missing", "x"),
    ("numbers", "20"),
    ("numbers.0", "20"),
    ("pvt_secret", "s3cret"),
    ("_id", "abc"),
    ("_read_only", "x"),
]


@pytest.mark.parametrize(("path", "wanted"), EQUAL)
def test_equal_values_are_kept(path: str, wanted: str) -> None:
    assert kept((f"filter_{path}", wanted))
    assert not kept((f"filter_not_{path}", wanted))


@pytest.mark.parametrize(("path", "wanted"), UNEQUAL)
def test_other_values_are_not(path: str, wanted: str) -> None:
    assert not kept((f"filter_{path}", wanted))
    assert kept((f"filter_not_{path}", wanted))


@pytest.mark.parametrize(
    ("name", "wanted", "expected"),
    [
        ("any_name", '["Bob","Ann"]', True),
        ("any_name", '["Bob"]', False),
        ("any_age", "[41,42]", True),
        ("any_enabled", "[false]", True),
        ("any_missing", '[""]', True),
        ("any_name", "[]", False),
        ("none_name", '["Bob"]', True),
        ("none_name", '["Bob","Ann"]', False),
        ("none_age", "[42]", False),
        ("none_missing", '["x"]', True),
        ("none_name", "[]", True),
        ("array_intersect_all_numbers", '["01","20"]', True),
        ("array_intersect_all_numbers", '["01","02"]', False),
        ("array_intersect_any_numbers", '["01","02"]', True),
        ("array_intersect_any_numbers", '["02"]', False),
        ("array_intersect_none_numbers", '["02"]', True),
        ("array_intersect_none_numbers", '["01","02"]', False),
    ],
)
def test_filters_by_lists(name: str, wanted: str, expected: bool) -> None:
    assert kept((f"filter_{name}", wanted)) is expected


LISTED = ("any", "none", "array_intersect_all", "array_intersect_any", "array_intersect_none")


@pytest.mark.parametrize("kind", LISTED)
def test_filters_by_lists_keep_nothing_where_there_is_no_list(kind: str) -> None:
    for wanted in ("", "Ann", '"Ann"', "5", "[broken", '{"a":1}'):
        assert not kept((f"filter_{kind}_name", wanted))
        assert not kept((f"filter_{kind}_numbers", wanted))
    if kind.startswith("array"):
        for path in ("name", "missing", "caller_id"):
            assert not kept((f"filter_{kind}_{path}", '["Ann"]'))


@pytest.mark.parametrize("kind", LISTED)
def test_filters_by_lists_cannot_read_private_fields(kind: str) -> None:
    wrong = kept((f"filter_{kind}_pvt_secret", '["other"]'))
    assert kept((f"filter_{kind}_pvt_secret", '["s3cret"]')) is wrong


@pytest.mark.parametrize(
    ("path", "exists", "has_value"),
    [
        ("name", True, True),
        ("enabled", True, True),
        ("nothing", True, False),
        ("missing", False, False),
        ("empty.text", True, False),
        ("empty.zero", True, False),
        ("empty.zeros", True, False),
        ("empty.list", True, False),
        ("empty.object", True, False),
        ("empty.null", True, False),
        ("words.a", True, False),
        ("words.b", True, False),
        ("members.1", True, True),
        ("pvt_secret", False, False),
        ("_id", False, False),
        ("id", True, True),
    ],
)
def test_keys_and_values_are_told_apart(path: str, exists: bool, has_value: bool) -> None:
    assert kept(("has_key", path)) is exists
    assert kept(("key_missing", path)) is not exists
    assert kept(("has_value", path)) is has_value
    assert kept(("value_missing", path)) is not has_value


@pytest.mark.parametrize(
    ("name", "bound", "expected"),
    [
        ("created_from", "100", True),
        ("created_from", "101", False),
        ("created_to", "100", True),
        ("created_to", "99", False),
        ("modified_from", "200", True),
        ("modified_from", "201", False),
        ("modified_to", "200", True),
        ("modified_to", "199", False),
        ("created_from", "soon", False),
        ("created_to", "-1", False),
        ("created_to", "", False),
        ("created_to", "٣", False),
        ("created_to", "9" * 20, False),
    ],
)
def test_times_are_bounded_inclusively(name: str, bound: str, expected: bool) -> None:
    assert kept((name, bound)) is expected


def test_a_document_without_times_is_as_old_as_can_be() -> None:
    assert keeps(parse_filters([("created_to", "0")]), {})
    assert not keeps(parse_filters([("created_from", "1")]), {})


def test_all_filters_must_hold_and_unknown_parameters_do_nothing() -> None:
    assert (
        parse_filters([("page_size", "5"), ("missing_value", "name"), ("Filter_name", "x")]) == ()
    )
    assert kept(("filter_name", "Ann"), ("has_key", "age"), ("has_key", "rate"))
    assert not kept(("filter_name", "Ann"), ("has_key", "missing"))
    assert not kept(("filter_name", "Ann"), ("filter_name", "Bob"))


def test_the_text_of_an_object_beyond_64_bits_is_still_text() -> None:
    assert text_form({"a": 2**70}) == str({"a": 2**70})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.text(), st.text(), JSON)
def test_no_filter_fails_and_a_negation_is_the_opposite(
    path: str, wanted: str, value: Any
) -> None:
    document = {"a": value, path: value}
    for name in ("filter_", "has_key", "has_value", "created_from"):
        parameter = (f"{name}{path}", wanted) if name == "filter_" else (name, path)
        keeps(parse_filters([parameter]), document)
    assert keeps(parse_filters([(f"filter_{path}", wanted)]), document) is not keeps(
        parse_filters([(f"filter_not_{path}", wanted)]), document
    ) or path.startswith("not_")
