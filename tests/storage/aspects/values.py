"""Odd data: a document comes back exactly as it was written, whatever JSON it holds."""

from __future__ import annotations

import json
from typing import Any

import pytest

from crossbar.documents import is_private
from crossbar.storage import Store
from tests.storage.builders import ACCOUNT, ids, key, put, rows, span, write


def _typed(value: Any) -> Any:
    """The value with its types spelled out, since ``1 == True == 1.0``."""
    if isinstance(value, dict):
        return {name: _typed(inner) for name, inner in sorted(value.items())}
    if isinstance(value, list):
        return [_typed(inner) for inner in value]
    return type(value).__name__, repr(value)


def _nested(depth: int) -> Any:
    value: Any = "core"
    for level in range(depth):
        value = {"in": value} if level % 2 else [value]
    return value


ODD: dict[str, dict[str, Any]] = {
    "scalars": {"true": True, "false": False, "one": 1, "zero": 0, "null": None, "empty": ""},
    "floats": {"f": [1.0, -0.0, 0.1, 1e300, 5e-324, 2.5, 1e22]},
    "integers": {"i": [2**31, 2**53 + 1, -(2**63), 2**63 - 1, -1]},
    "wide integers": {"i": [2**63, 2**64 - 1]},
    "huge integers": {"i": [2**64, 2**70, -(2**70)], "beside": [1.5, True, None, "é\x00"]},
    "huge integer deep down": {"a": [{"b": {"c": [2**70]}}]},
    "dotted keys": {"a.b": 1, "a": {"b": 2}, ".": 3, "..": 4, "a.": 5, ".a": 6},
    "dollar keys": {"$set": {"$inc": 1}, "a$b": 2, "$": 3, "$$ROOT": 4, "x": {"$ref": "y"}},
    "the empty key": {"": {"": [{"": ""}]}},
    "unicode": {"ключ": "значение", "😀": "\U0001f600\uffff", "e\u0301": "\u00e9"},
    "NUL": {"value": "a\x00b", "a\x00b": "\x00", "\x00": {"\x00": "\x00\x00"}},
    "control characters": {"text": '\x01\x1f\x7f\u2028\r\n\t"\\/'},
    "empty containers": {"object": {}, "array": [], "nested": [[], {}, [{}]]},
    "mixed array": {"array": [1, "1", True, None, 1.0, [], {}, ""]},
    "percent and escapes": {"%25": "%%", "\\u0000": "\\u0000", "~0~1": "/"},
    "names a driver may use": {"_id": "x", "id": 1, "body": 2, "account_id": 3, "_t": None},
    "nested 100 deep": {"deep": _nested(100)},
    "nested 300 deep": {"deep": _nested(300)},
}


class ValueContract:
    @pytest.mark.parametrize("case", ODD)
    async def test_a_document_comes_back_exactly(self, store: Store, case: str) -> None:
        await write(store, put("one", sort="s", entries=[("e", "v")], **ODD[case]))
        expected = {"_rev": "1-a", **ODD[case]}
        found = await store.get(key("one"))
        many = await store.get_many(ACCOUNT, ["one"])
        assert _typed(found) == _typed(expected)
        shown = await store.get_shown(key("one"))
        assert shown is not None
        assert shown.private.keys() == {"_rev", *filter(is_private, ODD[case])}
        assert _typed({**json.loads(shown.public), **shown.private}) == _typed(expected)
        assert _typed(many["one"]) == _typed(expected)

    async def test_every_way_of_reading_gives_the_same(self, store: Store) -> None:
        await write(store, *(put(case, **fields) for case, fields in ODD.items()))
        expected = [_typed({"_rev": "1-a", **ODD[case]}) for case in sorted(ODD)]
        assert [_typed(row.document) for row in await rows(store, span())] == expected
        assert [_typed(await store.get(key(case))) for case in sorted(ODD)] == expected

    async def test_the_order_of_keys_is_kept(self, store: Store) -> None:
        await write(store, put("one", z=1, a={"y": 1, "b": 2}, m=3))
        found = await store.get(key("one"))
        assert found is not None
        assert list(found) == ["_rev", "z", "a", "m"]
        assert list(found["a"]) == ["y", "b"]

    async def test_the_revision_alone_is_a_document(self, store: Store) -> None:
        await write(store, put("one"))
        assert await store.get(key("one")) == {"_rev": "1-a"}

    async def test_a_large_document(self, store: Store) -> None:
        text = "line of text, é and 😀\n" * 80_000
        assert len(text.encode()) > 2_000_000
        await write(store, put("one", text=text))
        assert await store.get(key("one")) == {"_rev": "1-a", "text": text}

    @pytest.mark.parametrize(
        "name",
        [
            "x" * 200,
            "a/b",
            "/",
            "a%2Fb",
            "%",
            "a b",
            "a.b",
            "$a",
            "é😀",
            "A",
            "'; --",
            '"',
            "*",
            "+15551234567",
            "0",
            "null",
        ],
    )
    async def test_any_text_is_an_id(self, store: Store, name: str) -> None:
        await write(store, put(name, sort=name, entries=[(name, name)], mine=True))
        await write(store, put("neighbour", sort="neighbour"))
        assert await store.get(key(name)) == {"_rev": "1-a", "mine": True}
        assert list(await store.get_many(ACCOUNT, [name])) == [name]
        assert await ids(store, (name, name)) == [name]
        assert sorted(await ids(store)) == sorted([name, "neighbour"])

    async def test_long_ids_that_differ_at_their_end(self, store: Store) -> None:
        names = ["x" * 199 + end for end in "abc"]
        await write(store, *(put(name, own=name) for name in names))
        for name in names:
            assert await store.get(key(name)) == {"_rev": "1-a", "own": name}
        assert await ids(store) == names

    async def test_account_and_type_names_may_be_odd(self, store: Store) -> None:
        odd = put("one", account="a/b.$%é", doc_type="t.$/%", sort="", entries=[("n", "v")])
        await write(store, odd, put("one"))
        place: dict[str, Any] = {"account_id": "a/b.$%é", "doc_type": "t.$/%"}
        assert await store.get(odd.key) == {"_rev": "1-a"}
        assert await ids(store, **place) == ["one"]
        assert await ids(store, ("n", "v"), **place) == ["one"]
        assert await ids(store) == ["one"]
