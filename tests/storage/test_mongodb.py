"""The MongoDB store keeps the store's contract, through both drivers."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from typing import Any, ClassVar

import pytest
from pymongo import MongoClient

from crossbar.storage import Store
from crossbar.storage.mongodb import MongoStore
from tests.storage.builders import Opener
from tests.storage.contract import StoreContract
from tests.storage.mongo_server import Place, fresh_database

REAL = os.environ.get("CROSSBAR_TEST_MONGODB_URI", "")


class _Stores:
    """The contract's fixtures, for stores that use ``driver``."""

    driver: ClassVar[str]

    @pytest.fixture
    async def another(self, place: Place) -> AsyncIterator[Opener]:
        opened: list[Store] = []

        async def another() -> Store:
            store = MongoStore(place.uri, driver=self.driver)
            await store.open()
            opened.append(store)
            return store

        yield another
        for store in opened:
            await store.close()

    @pytest.fixture
    async def store(self, another: Opener) -> Store:
        return await another()

    @pytest.fixture
    def reopen(self, store: Store, another: Opener) -> Opener:
        async def reopen() -> Store:
            await store.close()
            return await another()

        return reopen


class TestMongoMotor(_Stores, StoreContract):
    driver = "motor"


@pytest.mark.thorough
class TestMongoPyMongo(_Stores, StoreContract):
    driver = "pymongo"


class _Real(_Stores):
    """The same on a real MongoDB; its databases are named ``crossbar_test_...`` and dropped."""

    @pytest.fixture
    def place(self) -> Iterator[Place]:
        with MongoClient[dict[str, Any]](REAL) as client:
            place = fresh_database(client, REAL)
            yield place
            client.drop_database(place.name)


if REAL:

    class TestMongoRealMotor(_Real, StoreContract):
        driver = "motor"

    class TestMongoRealPyMongo(_Real, StoreContract):
        driver = "pymongo"

else:

    @pytest.mark.skip(reason="CROSSBAR_TEST_MONGODB_URI names no real MongoDB")
    def test_the_contract_on_a_real_mongodb() -> None: ...
