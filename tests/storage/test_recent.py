"""What the embedded store remembers: so much of it, and nothing older than what is known."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from crossbar.storage import Batch, Line, RevisionConflict, Shown, Unreachable
from crossbar.storage.sqlite import walindex
from crossbar.storage.sqlite.recent import (
    LARGEST_PAGE,
    LONGEST,
    RECENT,
    RECENT_PAGES,
    SHORT,
    Recent,
    State,
)
from crossbar.storage.sqlite.store import SQLiteStore
from tests.storage.builders import OTHER, key, put, remove, span, write


def test_few_and_short_documents_are_remembered_between_commits() -> None:
    recent = Recent()
    recent.keep(key("long"), (None, b"x" * (LONGEST + 1)))
    assert recent.bodies == {}
    for number in range(RECENT):
        recent.keep(key(str(number)), (None, b"{}"))
    assert len(recent.bodies) == RECENT
    recent.keep(key("one more"), (None, b"{}"))
    assert recent.bodies == {key("one more"): (None, b"{}")}
    recent.keep_shown(key("long"), Shown({}, b"x" * (SHORT + 1)))
    assert recent.shown == {}
    for number in range(RECENT + 1):
        recent.keep_shown(key(str(number)), Shown({}, b"{}"))
    assert recent.shown == {key(str(RECENT)): Shown({}, b"{}")}


def test_few_and_short_pages_are_remembered_between_commits() -> None:
    recent, place = Recent(), ("account", "user")
    recent.keep_page(place, ("large",), "made", LARGEST_PAGE + 1)
    assert recent.page(place, ("large",)) is None
    for number in range(RECENT_PAGES):
        recent.keep_page((str(number % 3), "user"), (number,), "made", LARGEST_PAGE)
    assert recent.page(("0", "user"), (0,)) == "made"
    recent.keep_page(place, ("one more",), "made", 1)
    assert recent.page(place, ("one more",)) == "made"
    assert recent.page(("0", "user"), (0,)) is None


@pytest.fixture(params=["mapped", "asked"])
async def sqlite(
    path: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[SQLiteStore]:
    """A store that looks itself whether its file has changed, or has to ask SQLite."""
    if request.param == "asked":
        monkeypatch.setattr(walindex, "DESCRIPTORS", Path("/nowhere"))
    store = SQLiteStore(path)
    await store.open()
    assert (store.database._state == store.database._version) == (request.param == "asked")
    yield store
    await store.close()


async def test_what_was_committed_and_not_acknowledged_is_read_once_the_file_is_back(
    sqlite: SQLiteStore, path: str, tmp_path: Path
) -> None:
    """Whoever wrote was told that it may not be there, and yet it is."""
    away = tmp_path / "away"

    def lose(_: sqlite3.Connection) -> None:
        Path(path).rename(away)

    page = span(portion=2)
    await write(sqlite, put("one", row=b"1"))
    assert await sqlite.get_shown(key("one")) == Shown({"_rev": "1-a"}, b"{}")
    assert await sqlite.page(page, _rows) == [b"1"]
    later = put("one", rev="2-a", expected="1-a", row=b"2")
    failures = await asyncio.gather(
        write(sqlite, later), sqlite.database.write(lose), return_exceptions=True
    )
    assert [type(each) for each in failures] == [Unreachable] * 2
    away.rename(path)
    await write(sqlite, put("another", doc_type="device"))
    assert await sqlite.get(key("one")) == {"_rev": "2-a"}
    assert await sqlite.get_shown(key("one")) == Shown({"_rev": "2-a"}, b"{}")
    assert await sqlite.page(page, _rows) == [b"2"]


def _rows(met: list[Line]) -> tuple[list[bytes | None], int]:
    return [row for *_, row in met], 1


async def test_what_is_written_elsewhere_in_the_file_makes_nothing_forgotten(
    sqlite: SQLiteStore, path: str
) -> None:
    """Only what another process has written does: which documents these are is not told."""
    made: list[str] = []

    def make(_: object) -> tuple[int, int]:
        made.append("again")
        return len(made), 1

    async def page() -> int:
        return await sqlite.page(span(portion=2), make)

    await write(sqlite, put("one"), put("two", doc_type="device"))
    assert [await page(), await page()] == [1, 1]
    shown = await sqlite.get_shown(key("one"))
    await write(sqlite, put("three", doc_type="device"), put("four", account=OTHER))
    await remove(sqlite, key("two", doc_type="device"))
    assert await page() == 1
    assert await sqlite.get_shown(key("one")) is shown
    await write(sqlite, put("five"))
    assert await page() == 2
    assert await sqlite.get_shown(key("one")) is shown
    await write(sqlite, put("one", rev="2-a", expected="1-a", name="Ann"))
    assert await page() == 3
    assert (await sqlite.get(key("one"))) == {"_rev": "2-a", "name": "Ann"}
    other = SQLiteStore(path)
    await other.open()
    try:
        await write(other, put("six", account=OTHER))
        assert await page() == 4
        await sqlite.commit(Batch(purge=[OTHER]))
        assert await page() == 5
    finally:
        await other.close()


async def test_what_is_remembered_is_as_it_was_written_last(sqlite: SQLiteStore) -> None:
    """So what is written again and again is not read in between."""
    await write(sqlite, put("one"), put("two"))
    assert [await sqlite.get(key(each)) for each in ("one", "two")] == [{"_rev": "1-a"}] * 2
    asked: list[str] = []
    assert sqlite.database._reader is not None
    sqlite.database._reader.set_trace_callback(asked.append)
    await write(sqlite, put("one", rev="2-a", expected="1-a", name="Ann"))
    await write(sqlite, put("one", rev="3-a", expected="2-a", name="Bob", pvt_secret=1))
    document = {"_rev": "3-a", "name": "Bob", "pvt_secret": 1}
    assert await sqlite.get(key("one")) == document
    shown = await sqlite.get_shown(key("one"))
    assert shown == Shown({"_rev": "3-a", "pvt_secret": 1}, b'{"name":"Bob"}')
    assert [each for each in asked if "data_version" not in each] == []
    await remove(sqlite, key("one"))
    assert await sqlite.get(key("one")) is None
    assert await sqlite.get(key("two")) == {"_rev": "1-a"}


async def test_what_is_refused_is_not_remembered(sqlite: SQLiteStore) -> None:
    """Though others were committed in the same group."""
    await write(sqlite, put("one"), put("two"))
    assert await sqlite.get(key("one")) == await sqlite.get(key("two")) == {"_rev": "1-a"}
    outcomes = await asyncio.gather(
        write(sqlite, put("one", rev="2-b", expected="1-b", name="refused")),
        write(sqlite, put("two", rev="2-a", expected="1-a", name="Ann")),
        return_exceptions=True,
    )
    assert [type(each) for each in outcomes] == [RevisionConflict, type(None)]
    assert await sqlite.get(key("one")) == {"_rev": "1-a"}
    assert await sqlite.get(key("two")) == {"_rev": "2-a", "name": "Ann"}


async def test_what_is_committed_is_acknowledged_though_the_file_cannot_be_read(
    sqlite: SQLiteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await write(sqlite, put("one", row=b"1"))
    assert await sqlite.page(span(portion=2), _rows) == [b"1"]
    read, failures = sqlite.database._state, [Unreachable("once")]

    def state() -> State:
        if failures:
            raise failures.pop()
        return read()

    monkeypatch.setattr(sqlite.database, "_state", state)
    await write(sqlite, put("one", rev="2-a", expected="1-a", row=b"2"))
    assert failures == []
    assert await sqlite.page(span(portion=2), _rows) == [b"2"]
    await write(sqlite, put("two", doc_type="device"))
    assert await sqlite.get(key("one")) == {"_rev": "2-a"}
