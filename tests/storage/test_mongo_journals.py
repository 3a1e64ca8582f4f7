"""Journals of the MongoDB store: their collections, and how those go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from crossbar.storage import Batch
from crossbar.storage.mongodb import MongoStore
from tests.storage.aspects.records import CALLS, append, line, met
from tests.storage.builders import ACCOUNT, OTHER
from tests.storage.mongo_server import Place


@pytest.fixture
async def store(place: Place) -> AsyncIterator[MongoStore]:
    store = MongoStore(place.uri)
    await store.open()
    yield store
    await store.close()


def kept(place: Place) -> list[str]:
    """The collections of records, without what makes their names unique."""
    names = [name.rpartition(".") for name in place.raw.list_collection_names()]
    return sorted(name for name, _, _ in names if name.startswith("records."))


async def until_swept(place: Place) -> None:
    async with asyncio.timeout(20):
        while place.raw["litter"].count_documents({}):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_bucket_is_a_collection_with_indexes(store: MongoStore, place: Place) -> None:
    await append(store, line("202609-a"), line("202610-a"), line("202610-b", account=OTHER))
    assert kept(place) == ["records.call.202609", "records.call.202610"]
    for bucket in place.raw["buckets"].find():
        indexes: Any = place.raw[bucket["collection"]].index_information().values()
        keys = [[name for name, _ in index["key"]] for index in indexes]
        assert sorted(keys) == [
            ["_id"],
            ["account_id", "entries", "place"],
            ["account_id", "place"],
        ]


async def test_the_collection_of_a_dropped_bucket_goes(store: MongoStore, place: Place) -> None:
    await append(store, line("202609-a"), line("202610-a"))
    await store.commit(Batch(drop_buckets=[(CALLS, "202609")]))
    await until_swept(place)
    assert kept(place) == ["records.call.202610"]


async def test_a_process_that_dies_leaves_it_to_the_next(
    store: MongoStore, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    await append(store, line("202609-a"), line("202610-a"), line("202610-b", account=OTHER))
    with monkeypatch.context() as dying:
        dying.setattr(store._files, "sweep_soon", lambda: None)
        await store.commit(Batch(drop_buckets=[(CALLS, "202609")], purge=[ACCOUNT]))
    assert kept(place) == ["records.call.202609", "records.call.202610"]
    await store.close()
    await store.open()
    await until_swept(place)
    assert kept(place) == ["records.call.202610"]
    assert await met(store) == []
    assert await met(store, account_id=OTHER) == ["202610-b"]


async def test_who_knows_a_bucket_that_is_gone_makes_it_anew(
    store: MongoStore, place: Place
) -> None:
    await append(store, line("202609-a"))
    [before] = place.raw["buckets"].find()
    place.raw["buckets"].delete_one({"_id": before["_id"]})
    await append(store, line("202609-b"))
    [after] = place.raw["buckets"].find()
    assert after["collection"] != before["collection"]
    assert await met(store) == ["202609-b"]
