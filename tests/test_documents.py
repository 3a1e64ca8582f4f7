"""Documents: private fields, merging, looking up, ids and revisions."""

from __future__ import annotations

import copy
import os
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossbar import documents as module
from crossbar.documents import (
    MANY_NAMES,
    PRIVACY,
    Document,
    is_private,
    lookup,
    merge,
    new_id,
    next_revision,
    private,
    public,
    texts_at,
    without_nulls,
)

SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=3)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=10,
)
DOCUMENTS = st.dictionaries(st.sampled_from("abcd"), VALUES, max_size=4)


def has_nulls(value: Any) -> bool:
    """Whether an object, at any depth of objects, has a null under a key."""
    return isinstance(value, dict) and any(
        item is None or has_nulls(item) for item in value.values()
    )


def test_the_example_of_the_reference_is_merged_as_it_says() -> None:
    stored = {
        "name": "A",
        "ringtones": {"internal": "x", "external": "y"},
        "flags": ["a", "b"],
        "email": "q@e.com",
    }
    patch = {"ringtones": {"external": None}, "flags": ["c"], "email": None}
    assert merge(stored, patch) == {"name": "A", "ringtones": {"internal": "x"}, "flags": ["c"]}


@pytest.mark.parametrize(
    ("stored", "patch", "merged"),
    [
        ({"a": {"b": 1}}, {"a": {}}, {"a": {}}),
        ({"a": {"b": 1}}, {"a": {"c": 2}}, {"a": {"b": 1, "c": 2}}),
        ({"a": 1}, {"a": {"b": None, "c": 1}}, {"a": {"c": 1}}),
        ({"a": None, "b": {"c": None}}, {}, {"b": {}}),
        ({"a": [None]}, {"b": [None]}, {"a": [None], "b": [None]}),
        ({"a": {"b": 1}}, {"a": 1}, {"a": 1}),
        ({}, {"a": None}, {}),
    ],
)
def test_merging(stored: Document, patch: Document, merged: Document) -> None:
    assert merge(stored, patch) == merged


@given(DOCUMENTS, DOCUMENTS)
def test_a_merge_changes_neither_side_and_leaves_no_nulls(
    stored: Document, patch: Document
) -> None:
    before = copy.deepcopy((stored, patch))
    merged = merge(stored, patch)
    assert (stored, patch) == before
    assert not has_nulls(merged)


@given(DOCUMENTS, DOCUMENTS)
def test_merging_the_same_again_changes_nothing(stored: Document, patch: Document) -> None:
    once = merge(stored, patch)
    assert merge(once, patch) == once


@given(DOCUMENTS)
def test_an_empty_patch_and_the_document_itself_change_nothing(document: Document) -> None:
    assert merge(document, {}) == without_nulls(document)
    assert merge(document, document) == without_nulls(document)
    assert merge({}, document) == without_nulls(document)


@given(DOCUMENTS, DOCUMENTS)
def test_keys_come_from_one_side_or_the_other(stored: Document, patch: Document) -> None:
    kept = {name for name, value in stored.items() if value is not None}
    removed = {name for name, value in patch.items() if value is None}
    added = {name for name, value in patch.items() if value is not None}
    assert merge(stored, patch).keys() == (kept - removed) | added


@pytest.mark.parametrize("name", ["pvt_x", "_x", "_id", "_read_only", "_"])
def test_keys_that_look_private_are(name: str) -> None:
    assert is_private(name)


@pytest.mark.parametrize("name", ["", "id", "pvt", "x_", "xpvt_"])
def test_other_keys_are_not_private(name: str) -> None:
    assert not is_private(name)


def test_names_that_are_made_up_do_not_fill_the_memory() -> None:
    for number in range(MANY_NAMES + 1):
        assert not is_private(f"x{number}")
    assert len(PRIVACY) <= MANY_NAMES
    assert is_private("pvt_x")


@given(st.dictionaries(st.sampled_from(["a", "pvt_a", "_a", "id"]), SCALARS))
def test_a_document_is_its_public_and_its_private_part(document: Document) -> None:
    assert public(document) | private(document) == document
    assert public(document).keys().isdisjoint(private(document))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("a.b", 1),
        ("a", {"b": 1}),
        ("list.1", "first"),
        ("list.2.c", 3),
        ("list.0", "none"),
        ("list.3", "none"),
        ("list.x", "none"),
        ("list.-1", "none"),
        ("list.²", "none"),
        ("list.99999999999999999999", "none"),
        ("a.x", "none"),
        ("a.b.c", "none"),
        ("null", None),
        ("null.x", "none"),
    ],
)
def test_looking_up(path: str, value: Any) -> None:
    document = {"a": {"b": 1}, "list": ["first", {"c": 3}], "null": None}
    assert lookup(document, path.split("."), "none") == value


def test_ids_and_revisions_have_their_form_and_do_not_repeat() -> None:
    assert re.fullmatch("[0-9a-f]{32}", new_id())
    assert new_id() != new_id()
    first = next_revision(None)
    assert re.fullmatch("1-[0-9a-f]{32}", first)
    assert next_revision("9-abc").startswith("10-")
    assert next_revision(None) != first


def test_two_processes_do_not_make_the_same_ids() -> None:
    new_id()  # there is randomness in store that a fork would copy
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, new_id().encode())
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(reading, 32).decode()
    os.close(reading)
    os.close(writing)
    assert re.fullmatch("[0-9a-f]{32}", theirs)
    assert new_id() != theirs
    module._forget_entropy()
    assert re.fullmatch("[0-9a-f]{32}", new_id())


@pytest.mark.parametrize(
    ("document", "texts"),
    [
        ({"a": {"b": ["x", 1, None, "y"]}}, ["x", "y"]),
        ({"a": {"b": "xy"}}, []),
        ({"a": {"b": {"x": 1}}}, []),
        ({"a": ["b"]}, []),
        ({}, []),
    ],
)
def test_texts_in_an_array(document: dict[str, Any], texts: list[str]) -> None:
    assert texts_at(document, "a", "b") == texts
