"""The embedded store: what is large holds up nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from crossbar.storage import Batch
from crossbar.storage.sqlite import sifting
from crossbar.storage.sqlite.store import SQLiteStore
from tests.storage.builders import ids, put, span, write


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SQLiteStore]:
    store = SQLiteStore(str(tmp_path / "store.db"))
    await store.open()
    yield store
    await store.close()


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("entry", [None, ("n", "1")])
async def test_large_documents_are_read_few_at_a_time(
    store: SQLiteStore,
    entry: tuple[str, str] | None,
    descending: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = [f"{number:03}" for number in range(20)]
    await write(store, *(put(name, entries=[("n", "1")], note="x" * 100) for name in names))
    monkeypatch.setattr(sifting, "HEAVY", 300)
    wanted = names[::-1] if descending else names
    assert await ids(store, entry, descending=descending) == wanted
    walked = span(entry, descending=descending)
    portions = [portion async for portion in store.portions(walked)]
    assert len([document for portion in portions for document in portion]) == 20
    assert 1 <= max(map(len, portions)) <= 3
    assert [portion async for portion in store.portions(span(doc_type="device"))] == []


async def test_others_have_turns_while_a_large_batch_is_encoded(
    store: SQLiteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns, at_write = 0, []

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async def instead(*_: object, **__: object) -> int:
        at_write.append(turns)
        return 0

    monkeypatch.setattr(store.database, "write", instead)
    counting = asyncio.create_task(count())
    await store.commit(Batch(puts=[put(f"{number}") for number in range(1000)]))
    counting.cancel()
    assert at_write[0] >= 10


@pytest.mark.parametrize(
    ("large", "is_large"), [({}, False), ({"note": "x" * 70_000}, True), ({"count": 9}, True)]
)
async def test_what_is_large_is_written_beside_the_loop(
    store: SQLiteStore, monkeypatch: pytest.MonkeyPatch, large: dict[str, Any], is_large: bool
) -> None:
    found = []

    async def instead(_: object, *, is_large: bool, written: object) -> int:
        found.append(is_large)
        return 0

    monkeypatch.setattr(store.database, "write", instead)
    puts = [put(f"{number}", **large) for number in range(large.get("count", 1))]
    await store.commit(Batch(puts=puts))
    many = [("n", f"{number:032x}") for number in range(3000)]
    await store.commit(Batch(puts=[put("many", entries=many)]))
    assert found == [is_large, True]


async def test_who_writes_a_moment_later_comes_along(tmp_path: Path) -> None:
    groups: list[int] = []
    path = str(tmp_path / "store.db")
    store = SQLiteStore(path, observer=lambda batches, _: groups.append(batches))
    await store.open()

    async def writes_after(turns: int) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        await store.commit(Batch(puts=[put(f"{turns}")]))

    await asyncio.gather(*map(writes_after, range(6)))
    await store.close()
    assert groups == [6]
