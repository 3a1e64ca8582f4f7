"""The records of the MongoDB store: order, names and bodies, without and with a server."""

from __future__ import annotations

import bson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crossbar.documents import Document
from crossbar.storage import Batch, Position, Span
from crossbar.storage.mongodb import MongoStore, records
from crossbar.storage.mongodb.records import DEEPEST, named, packed, unpacked, within
from tests.storage.builders import ACCOUNT, event, put
from tests.storage.mongo_server import Place

# Few characters, so that the ones that matter meet.
TRICKY = st.text(st.sampled_from("\0\1a/~0é😀"), max_size=4)

NAMES = st.one_of(st.text(max_size=8), st.sampled_from(["$set", "a.b", "", "\0", "_id", "text"]))
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.sampled_from([2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**31]),
    st.floats(allow_nan=False),
    st.text(max_size=12),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
DOCUMENTS: st.SearchStrategy[Document] = st.dictionaries(NAMES, VALUES, max_size=5)


def _nested(depth: int) -> Document:
    document: Document = {}
    for _ in range(depth - 1):
        document = {"in": [document]}
    return document


@given(TRICKY, TRICKY, TRICKY, TRICKY)
def test_places_are_in_the_order_of_sort_and_id(a: str, b: str, c: str, d: str) -> None:
    assert (records.place(a, b) < records.place(c, d)) == ((a, b) < (c, d))
    assert (records.place(a, b) == records.place(c, d)) == ((a, b) == (c, d))


@given(TRICKY, TRICKY, TRICKY, st.booleans(), TRICKY, TRICKY, TRICKY)
def test_a_span_is_one_range_of_places(
    low: str, high: str, sort: str, descending: bool, start: str, doc_id: str, end: str
) -> None:
    span = Span(
        account_id=ACCOUNT,
        doc_type="user",
        low=low,
        high=high,
        start=Position(start, doc_id),
        end=Position(end, doc_id),
        descending=descending,
    )
    bounds = within(span)["place"]
    here = records.place(sort, doc_id)
    found = bounds["$gte"] <= here < bounds["$lt"] and here <= bounds["$lte"]
    first, last = (end, start) if descending else (start, end)
    assert found == (low <= sort <= high and first <= sort <= last)


@given(st.lists(TRICKY, min_size=1, max_size=3), st.lists(TRICKY, min_size=1, max_size=3))
def test_names_are_unambiguous(some: list[str], others: list[str]) -> None:
    assert (named(*some) == named(*others)) == (some == others)


def test_a_usual_name_is_readable() -> None:
    assert named("users.username", ACCOUNT, "ann") == f"users.username/{ACCOUNT}/ann"


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"_rev": "1-a", "name": {"first": ["Ann", 1, 1.5, True, None]}}, "body"),
        ({"i": 2**63 - 1}, "body"),
        ({"i": 2**63}, "text"),
        ({"i": [-(2**63) - 1]}, "text"),
        ({"a": {"b.c": 1}}, "text"),
        ({"$ref": 1}, "text"),
        ({"": 1}, "text"),
        ({"a\0": 1}, "text"),
        ({"lone": "\ud800"}, "text"),
        ({"\udfff": 1}, "text"),
        (_nested(DEEPEST // 2), "body"),
        (_nested(DEEPEST), "text"),
    ],
)
def test_a_document_is_bson_whenever_that_keeps_it(document: Document, field: str) -> None:
    record = packed(document)
    assert list(record) == [field]
    assert repr(unpacked(bson.decode(bson.encode(record)))) == repr(document)


@pytest.mark.parametrize("driver", ["motor", "pymongo"])
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(DOCUMENTS, min_size=5, max_size=15))
async def test_any_json_comes_back(place: Place, driver: str, documents: list[Document]) -> None:
    names = [f"{number}" for number in range(len(documents))]
    store = MongoStore(place.uri, driver=driver)
    await store.open()
    try:
        await store.commit(
            Batch(
                purge=[ACCOUNT],
                puts=[
                    put(name, doc=document)
                    for name, document in zip(names, documents, strict=True)
                ],
                events=[event("x", doc=document) for document in documents],
            )
        )
        found = await store.get_many(ACCOUNT, names)
        assert [repr(found[name]["doc"]) for name in names] == [repr(each) for each in documents]
        logged = await store.events(await store.last_event() - len(documents))
        assert [repr(each.event.summary["doc"]) for each in logged] == [
            repr(each) for each in documents
        ]
    finally:
        await store.close()
