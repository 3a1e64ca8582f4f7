"""Journals of the embedded store: how lists are read, and how forgotten records go."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from functools import partial
from itertools import product
from typing import Any

import pytest

from crossbar.storage import Batch, Entry, Position
from crossbar.storage.sqlite import journals
from crossbar.storage.sqlite.layout import FORMAT, WAL_PAGES
from crossbar.storage.sqlite.store import SQLiteStore
from crossbar.storage.sqlite.stretches import stretch_of_book
from tests.storage.aspects.records import CALLS, append, line, met, named, stretch
from tests.storage.builders import ACCOUNT, OTHER, ids, put, write


@pytest.fixture
async def store(path: str) -> AsyncIterator[SQLiteStore]:
    store = SQLiteStore(path)
    await store.open()
    yield store
    await store.close()


def rows_in(path: str) -> dict[str, int]:
    """How many rows the tables of journals have, as another program sees them."""
    with closing(sqlite3.connect(path)) as connection:
        return {
            table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("books", "records", "record_entries", "forgotten_books")
        }


async def until_reclaimed(path: str) -> dict[str, int]:
    async with asyncio.timeout(30):
        while (found := rows_in(path))["forgotten_books"]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return found


async def fill(store: SQLiteStore, number: int, account: str = ACCOUNT) -> None:
    for start in range(0, number, 100):
        lines = [
            line(f"202609-{at:05}", f"{at:05}", account=account, entries=[("n", "v")])
            for at in range(start, start + 100)
        ]
        await append(store, *lines)


async def test_every_walk_enters_its_tree_where_it_begins(store: SQLiteStore) -> None:
    entries, edges = (None, Entry("n", "v")), (None, Position("k", "1"))
    for entry, start, end, low, high, descending in product(
        entries, edges, edges, (None, "a"), (None, "z"), (False, True)
    ):
        span = stretch(entry, start=start, end=end, low=low, high=high, descending=descending)
        where, values = stretch_of_book(span, 1).within(span)
        way = "DESC" if span.descending else "ASC"
        explain = f"EXPLAIN QUERY PLAN SELECT sort FROM {where} ORDER BY sort {way}, doc_id {way}"
        [step] = store.database.read(explain, values)
        assert step[3].startswith("SEARCH")
        assert "PRIMARY KEY" in step[3]
        assert ("(sort,doc_id)" in step[3]) == (start is not None or end is not None)


async def test_one_record_is_one_look_up(store: SQLiteStore) -> None:
    place = (ACCOUNT, CALLS, "202611", "202611-a")
    steps = store.database.read(f"EXPLAIN QUERY PLAN {journals.BODY}", place)
    assert all("SCAN" not in step[3] for step in steps)


async def test_the_rows_of_what_is_forgotten_go_in_steps(
    store: SQLiteStore, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journals, "STEP", 0.0)
    await fill(store, 400)
    await fill(store, 100, OTHER)
    await append(store, line("202610-kept", entries=[("n", "v")]))
    commits: list[str] = []
    await store.database.write(lambda connection: connection.set_trace_callback(commits.append))
    await store.commit(Batch(drop_buckets=[(CALLS, "202609")]))
    assert await met(store) == await met(store, ("n", "v")) == ["202610-kept"]
    assert rows_in(path)["books"] == 1
    assert rows_in(path)["records"] > 1  # they go after the commit
    kept = {"books": 1, "records": 1, "record_entries": 1, "forgotten_books": 0}
    assert await until_reclaimed(path) == kept
    assert commits.count("COMMIT") >= 10
    await store.commit(Batch(purge=[ACCOUNT]))
    assert await until_reclaimed(path) == dict.fromkeys(kept, 0)


async def test_what_is_forgotten_during_the_last_step_goes_too(
    store: SQLiteStore, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(store, 100)
    await append(store, line("202610-kept", entries=[("n", "v")]))
    write = store.database.write
    purged: list[Any] = []

    async def purging(work: Any, **how: Any) -> Any:
        is_last = isinstance(work, partial) and work.args == (WAL_PAGES,)
        if is_last and not purged:
            purged.append(work)
            await store.commit(Batch(purge=[ACCOUNT]))
        return await write(work, **how)

    monkeypatch.setattr(store.database, "write", purging)
    await store.commit(Batch(drop_buckets=[(CALLS, "202609")]))
    async with asyncio.timeout(10):
        while not purged:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert await until_reclaimed(path) == dict.fromkeys(rows_in(path), 0)


@pytest.mark.parametrize("how", ["records alone", "entries"])
async def test_a_step_does_not_look_at_the_rows_that_it_leaves(
    how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journals, "STEP", 0)
    done = {many: work_of_a_step(many, with_entries=how == "entries") for many in (200, 5000)}
    assert done[5000] < 2 * done[200]


def work_of_a_step(many: int, *, with_entries: bool) -> int:
    """Instructions of SQLite's machine, in tens, for a step in a book with so many rows."""
    done: list[int] = []
    with closing(sqlite3.connect(":memory:")) as connection:
        for statement in journals.SCHEMA:
            connection.execute(statement)
        rows = [(f"{at:05}", f"202609-{at:05}") for at in range(many)]
        connection.executemany("INSERT INTO records VALUES (1, ?, ?, '', '', '')", rows)
        if with_entries:
            connection.executemany("INSERT INTO record_entries VALUES (1, 'n', 'v', ?, ?)", rows)
        connection.execute("INSERT INTO forgotten_books VALUES (1)")
        connection.set_progress_handler(lambda: done.append(1), 10)
        assert journals.reclaim(connection)
    return len(done)


async def test_others_write_while_rows_go(
    store: SQLiteStore, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journals, "STEP", 0.0)
    await fill(store, 300)
    await store.commit(Batch(drop_buckets=[(CALLS, "202609")]))
    await store.commit(Batch(drop_buckets=[(CALLS, "202609")]))
    await asyncio.gather(*(write(store, put(f"{each}")) for each in range(20)))
    await fill(store, 100)
    await until_reclaimed(path)
    assert len(await ids(store)) == 20
    assert len(await met(store)) == len(await met(store, ("n", "v"))) == 100


async def test_what_was_not_finished_is_at_the_next_start(
    store: SQLiteStore, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(store, 300)

    def fails(connection: Any) -> bool:
        raise sqlite3.OperationalError("disk full")

    with monkeypatch.context() as broken:
        broken.setattr(journals, "reclaim", fails)
        await store.commit(Batch(drop_buckets=[(CALLS, "202609")]))
        await store.close()
    assert rows_in(path)["records"] == 300
    await store.open()
    assert (await until_reclaimed(path))["records"] == 0


async def test_a_store_may_close_while_rows_go(
    store: SQLiteStore, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journals, "STEP", 0.0)
    await fill(store, 400)
    await store.commit(Batch(drop_buckets=[(CALLS, "202609")]))
    await store.close()
    assert rows_in(path)["forgotten_books"] == 1


async def test_a_number_of_a_book_is_used_once(store: SQLiteStore, path: str) -> None:
    for _ in range(3):
        await append(store, line("202609-a"))
        await store.commit(Batch(drop_buckets=[(CALLS, "202609")]))
        await until_reclaimed(path)
    await append(store, line("202609-b"))
    [(book,)] = store.database.read("SELECT book FROM books")
    assert book == 4
    assert await store.get_record(named("202609-a")) is None


async def test_a_file_of_the_second_format_is_taken_over(store: SQLiteStore, path: str) -> None:
    await write(store, put("one", entries=[("n", "1")]))
    await store.close()
    with closing(sqlite3.connect(path)) as old:
        for table in ("books", "records", "record_entries", "forgotten_books"):
            old.execute(f"DROP TABLE {table}")
        old.execute("PRAGMA user_version = 2")
        old.commit()
    await store.open()
    assert await ids(store, ("n", "1")) == ["one"]
    await append(store, line("202609-a"))
    assert await met(store) == ["202609-a"]
    assert store.database.read("PRAGMA user_version") == [(FORMAT,)]
