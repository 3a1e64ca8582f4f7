"""What a store leaves out of a walk: nothing that a filter would keep, and it says how much."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crossbar.core.finding import hints_of
from crossbar.documents import Document, new_id
from crossbar.filtering import keeps, parse_filters, text_form
from crossbar.storage import Batch, Hint, Key, Put, Sieve, Store
from tests.storage.builders import put, rows, span, write

KEYS = st.sampled_from(
    ["a", "b", "a.b", "", "$a", 'a"b', 'a"', "a\\", "é", "1", "a\x00", "\ud800"]
)
TEXTS = st.one_of(
    st.sampled_from(["", "a", "ab", '"a"', 'a"', "\\", "\\u0061", "/", "é", "\u2028", "😀", "中"]),
    st.sampled_from(["1", "1.0", "1e3", "-0.0", "true", "null", "9223372036854775808", " ", "\n"]),
    st.sampled_from(["[]", "{}", '{"a":1}', '["a"]', '"a":"b"', "NULL", "\x00", "\x7f", "\ud800"]),
    st.text(max_size=3),
)
VALUES = st.recursive(
    st.one_of(
        TEXTS,
        st.sampled_from([None, True, False, 0, 1, -1, 1.0, 1e3, -0.0, 1.5, 1e300, 2**63, 2**70]),
        st.floats(allow_nan=False, allow_infinity=False),
        st.integers(-(2**65), 2**65),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=6,
)
PLAIN: st.SearchStrategy[Any] = st.sampled_from(
    ["a", "b", "10", 10, 1.0, True, None, ["a", "b"], ["10"], [1], {"b": "a"}, {"b": ["1", "0"]}]
)
DOCUMENTS = st.one_of(
    st.fixed_dictionaries({"a": PLAIN}, optional={"é": PLAIN}),
    st.dictionaries(KEYS, VALUES, max_size=4),
)
PATHS = st.one_of(
    KEYS,
    st.lists(KEYS, min_size=1, max_size=3).map(".".join),
    st.sampled_from(["id", "pvt_type", "_read_only.a", ".".join("a" * 70), "a.1", "a.1.b"]),
)
PREFIXES = ("filter_", "filter_not_", "filter_any_", "filter_none_", "filter_array_intersect_")
NAMES = st.just("filter_") | st.sampled_from(
    [*PREFIXES[:4], *(f"{PREFIXES[4]}{how}_" for how in ("all", "any", "none"))]
)


def _inside(value: Any, *path: str) -> Iterator[tuple[str, str]]:
    """Every path in a value, and the text that is there."""
    if path:
        yield ".".join(path), text_form(value)
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _inside(inner, *path, name)


def _asked(documents: Sequence[Document]) -> st.SearchStrategy[list[tuple[str, str]]]:
    """Filters, many of which ask for what documents have."""
    there = [each for document in documents for each in _inside(document)]
    compared = st.tuples(NAMES, PATHS, TEXTS)
    tested = st.tuples(st.sampled_from(["has_key", "has_value", "key_missing"]), PATHS)
    kinds = [compared.map(lambda each: (each[0] + each[1], each[2])), tested]
    if there:
        hits = st.sampled_from(there)
        listed = st.tuples(NAMES, hits, TEXTS)
        kinds = [
            hits.map(lambda hit: (f"filter_{hit[0]}", hit[1])),
            listed.map(lambda each: (each[0] + each[1][0], json.dumps([each[1][1], each[2]]))),
            *kinds,
        ]
    return st.lists(st.one_of(kinds), min_size=1, max_size=2)


class SieveContract:
    @given(st.data())
    @settings(
        max_examples=60,
        deadline=None,
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.differing_executors,
        ],
    )
    async def test_nothing_is_left_out_that_a_filter_keeps(
        self, store: Store, data: st.DataObject
    ) -> None:
        account = new_id()
        documents = data.draw(st.lists(DOCUMENTS, min_size=1, max_size=5))
        documents.insert(0, {})  # some stores look at the first portion themselves
        filters = parse_filters(data.draw(_asked(documents)))
        puts = [
            Put(
                Key(account, "user", f"{at}"),
                {**each, "_id": f"{at}", "_rev": "1-a", "pvt_type": "user"},
                None,
            )
            for at, each in enumerate(documents)
        ]
        await write(store, *puts)
        counted: list[int] = []
        sieve = Sieve(hints=hints_of(filters), left_out=counted.append)
        for descending in (False, True):
            counted.clear()
            walked = span(account_id=account, portion=1, descending=descending, sieve=sieve)
            met = [row.document for row in await rows(store, walked)]
            in_portions = [each async for some in store.portions(walked) for each in some]
            assert in_portions == met
            wanted = [each.document for each in puts if keeps(filters, each.document)]
            assert [each for each in met if keeps(filters, each)] == wanted[:: 1 - 2 * descending]
            assert 2 * len(met) + sum(counted) == 2 * len(documents)

    async def test_what_surely_is_not_wanted_is_left_out(self, store: Store) -> None:
        await write(
            store,
            *(
                put(f"{at:03}", sort=f"{at % 7}", place={"name": f"p{at}", "flags": [at]})
                for at in range(400)
            ),
        )
        counted: list[int] = []
        hints = [Hint(("place", "name"), frozenset({"p333", "p0"}))]
        walked = span(portion=50, sieve=Sieve(hints=hints, left_out=counted.append))
        met = [row.position.doc_id for row in await rows(store, walked)]
        assert {"000", "333"} <= set(met)
        assert len(met) < 60
        assert len(met) + sum(counted) == 400

    async def test_of_many_what_is_left_out_is_counted_step_by_step(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("crossbar.storage.mongodb.walks.LOOKED", 30)
        names = ["b" if at % 30 == 29 else "a" for at in range(300)]
        await write(store, *(put(f"{at:03}", name=name) for at, name in enumerate(names)))
        for descending in (False, True):
            counted: list[int] = []
            hints = [Hint(("name",), frozenset({"b"}))]
            sieve = Sieve(hints=hints, left_out=counted.append)
            walked = span(portion=20, sieve=sieve, descending=descending)
            met = [row.document["name"] for row in await rows(store, walked)]
            assert met.count("b") == 10
            assert len(met) + sum(counted) == 300

    async def test_who_counts_may_end_the_walk(self, store: Store) -> None:
        await write(store, *(put(f"{at:03}", name="a") for at in range(300)))

        def refuse(number: int) -> None:
            raise OverflowError(number)

        sieve = Sieve(hints=[Hint(("name",), frozenset({"b"}))], left_out=refuse)
        with pytest.raises(OverflowError):
            await rows(store, span(portion=100, sieve=sieve))

    async def test_records_are_sifted_too(self, store: Store) -> None:
        puts = [
            put(f"2026{month:02}-{at:03}", doc_type="log", sort=f"{month}{at:03}", n=at)
            for month in (10, 11)
            for at in range(100)
        ]
        await store.commit(Batch(records=puts))
        hints = [Hint(("n",), frozenset({"77"}))]
        counted: list[int] = []
        sieve = Sieve(hints=hints, left_out=counted.append)
        walked = span(doc_type="log", buckets=("", "99999999"), portion=10, sieve=sieve)
        met = [row.position.doc_id for row in await rows(store, walked)]
        assert {"202610-077", "202611-077"} <= set(met)
        assert len(met) < 30
        assert len(met) + sum(counted) == 200
