"""The embedded store: the contract, and what only this store promises."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from crossbar.storage import Store
from crossbar.storage.sqlite import SQLiteStore
from tests.storage.builders import Opener
from tests.storage.contract import StoreContract


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "store.db")


@pytest.fixture
async def another(path: str) -> AsyncIterator[Opener]:
    opened: list[SQLiteStore] = []

    async def opener() -> Store:
        opened.append(SQLiteStore(path))
        await opened[-1].open()
        return opened[-1]

    yield opener
    for store in opened:
        await store.close()


@pytest.fixture
async def store(another: Opener) -> Store:
    return await another()


@pytest.fixture
def reopen(store: Store, another: Opener) -> Opener:
    async def reopener() -> Store:
        await store.close()
        return await another()

    return reopener


class TestSQLite(StoreContract):
    pass
