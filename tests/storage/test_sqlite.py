"""The embedded store: the contract, and what only this store promises."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from itertools import product
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from crossbar.settings import Storage
from crossbar.storage import (
    Batch,
    Entry,
    Position,
    RevisionConflict,
    Shown,
    Span,
    Store,
    StoreError,
    Unreachable,
)
from crossbar.storage.factory import store_for
from crossbar.storage.sqlite.layout import ABANDONED, FORMAT, PIECE
from crossbar.storage.sqlite.place import LOOK_INTERVAL
from crossbar.storage.sqlite.store import SQLiteStore
from crossbar.storage.sqlite.stretches import stretch_of
from crossbar.storage.sqlite.writer import GROUP
from tests.storage.builders import (
    ACCOUNT,
    Opener,
    attach,
    claim,
    content,
    ids,
    key,
    lines,
    put,
    span,
    stream,
    write,
)
from tests.storage.contract import StoreContract


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
    """Nothing here: what is tested is inherited."""


@contextmanager
def raw(path: str) -> Iterator[sqlite3.Connection]:
    """The file as another program sees it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


@pytest.fixture
async def sqlite(store: Store) -> SQLiteStore:
    assert isinstance(store, SQLiteStore)
    return store


async def pragma(store: SQLiteStore, setting: str) -> None:
    """Change a setting of the writing connection, as a fault of the disk would."""
    await store.database.write(lambda connection: connection.execute(f"PRAGMA {setting}").close())


async def test_a_commit_reaches_the_disk(sqlite: SQLiteStore) -> None:
    found = {}

    def look(connection: sqlite3.Connection) -> None:
        for name in ("synchronous", "journal_mode"):
            [found[name]] = connection.execute(f"PRAGMA {name}").fetchone()

    await sqlite.database.write(look)
    assert found == {"synchronous": 2, "journal_mode": "wal"}  # 2: a flush for each commit


async def test_waiting_batches_are_committed_together(sqlite: SQLiteStore) -> None:
    statements: list[str] = []
    await sqlite.database.write(
        lambda connection: connection.set_trace_callback(statements.append)
    )
    await asyncio.gather(*(write(sqlite, put(f"{number}")) for number in range(200)))
    assert statements.count("COMMIT") < 20
    assert len(await ids(sqlite)) == 200


async def test_a_group_has_a_limit(sqlite: SQLiteStore) -> None:
    number = GROUP * 2 + 1
    await asyncio.gather(*(write(sqlite, put(f"{each}")) for each in range(number)))
    assert await sqlite.count(span()) == number


async def test_a_write_is_refused_when_another_process_holds_the_file(path: str) -> None:
    store = SQLiteStore(path, patience=0.05)
    await store.open()
    with raw(path) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unreachable, match="locked"):
            await write(store, put("one"))
        await store.ping()
        assert await store.get(key("one")) is None
        other.execute("COMMIT")
    await write(store, put("one"))
    await store.close()


async def test_a_write_waits_for_another_process(store: Store, path: str) -> None:
    with raw(path) as other:
        other.execute("BEGIN IMMEDIATE")
        writing = asyncio.ensure_future(write(store, put("one")))
        await asyncio.sleep(0.05)
        assert not writing.done()
        other.execute("COMMIT")
        await writing


async def test_opening_is_refused_when_another_process_holds_the_file(path: str) -> None:
    with raw(path) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Unreachable, match="locked"):
            await SQLiteStore(path, patience=0.05).open()


async def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("not a database, but long enough to be mistaken for one " * 20)
    for bad, reason in (
        (tmp_path, "unable to open"),
        (tmp_path / "none" / "store.db", "unable to open"),
        (text, "not a database"),
    ):
        with pytest.raises(Unreachable, match=f"{bad.name}.*{reason}"):
            await SQLiteStore(str(bad)).open()


async def test_the_files_are_their_owners_alone_whatever_the_umask_is(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        store = store_for(Storage(url=f"sqlite:///{tmp_path}/some/where/store.db"))
        await store.open()
        await write(store, put("one"))
        folder = tmp_path / "some/where"
        modes = {file.name: file.stat().st_mode & 0o777 for file in folder.iterdir()}
        await store.close()
    finally:
        os.umask(before)
    assert modes == dict.fromkeys(("store.db", "store.db-wal", "store.db-shm"), 0o600)
    assert folder.stat().st_mode & 0o777 == 0o700


async def test_a_folder_and_a_file_that_are_there_keep_their_modes(tmp_path: Path) -> None:
    file = tmp_path / "store.db"
    file.touch()
    for place, mode in ((file, 0o640), (tmp_path, 0o750)):
        place.chmod(mode)
    store = store_for(Storage(url=f"sqlite:///{file}"))
    await store.open()
    await store.close()
    assert [place.stat().st_mode & 0o777 for place in (tmp_path, file)] == [0o750, 0o640]


async def test_nothing_is_acknowledged_into_a_file_that_is_gone(
    store: Store, path: str, tmp_path: Path
) -> None:
    await write(store, put("one"))
    away = tmp_path / "away"
    for gone, replaced in product((Path(path), Path(f"{path}-wal")), (False, True)):
        gone.rename(away)
        if replaced:
            shutil.copy(away, gone)
        with capture_logs() as logged:
            for _ in range(2):
                with pytest.raises(Unreachable, match="removed or replaced"):
                    await write(store, put("two"))
                with pytest.raises(Unreachable, match="removed or replaced"):
                    await store.get(key("one"))
            away.replace(gone)
            await write(store, put(f"after {gone} {replaced}"))
        assert [line["event"] for line in logged] == [
            "database_file_removed_or_replaced",
            "database_file_is_back",
        ]
        assert await store.get(key("one"))


async def test_a_file_that_goes_while_it_is_written_is_noticed(
    sqlite: SQLiteStore, path: str
) -> None:
    def lose(_: sqlite3.Connection) -> None:
        Path(path).unlink()

    with pytest.raises(Unreachable, match="removed or replaced"):
        await sqlite.database.write(lose)


async def test_a_file_that_goes_between_reads_is_noticed_within_a_second(
    store: Store, path: str
) -> None:
    await write(store, put("one"))
    for file in (Path(path), Path(f"{path}-wal")):
        file.unlink()

    async def read_on() -> None:
        while True:
            await store.get(key("one"))
            await asyncio.sleep(0.01)

    with pytest.raises(Unreachable, match="removed or replaced"):
        await asyncio.wait_for(read_on(), 20)
    assert LOOK_INTERVAL < 1


async def test_a_file_of_a_newer_version_is_refused(store: Store, path: str) -> None:
    await store.close()
    with raw(path) as other:
        other.execute(f"PRAGMA user_version = {FORMAT + 1}")
    with pytest.raises(StoreError, match="newer version"):
        await SQLiteStore(path).open()
    with raw(path) as other:
        other.execute(f"PRAGMA user_version = {FORMAT}")
    again = SQLiteStore(path)
    await again.open()
    await again.close()


async def test_a_read_only_file(sqlite: SQLiteStore) -> None:
    await write(sqlite, put("one"))
    await pragma(sqlite, "query_only = ON")
    with pytest.raises(Unreachable, match="readonly"):
        await write(sqlite, put("two"))
    assert await ids(sqlite) == ["one"]


async def test_a_full_disk_leaves_nothing_half_written(sqlite: SQLiteStore, path: str) -> None:
    await pragma(sqlite, "max_page_count = 40")
    with pytest.raises(Unreachable, match="full"):
        await attach(sqlite, b"x" * PIECE, b"y" * PIECE)
    large = [put(f"{number}", claims=[claim(f"{number}")], pad="x" * 9000) for number in range(60)]
    with pytest.raises(Unreachable, match="full"):
        await write(sqlite, *large)
    assert await ids(sqlite) == []
    assert await sqlite.holders([claim("0")]) == {}
    await pragma(sqlite, "max_page_count = 4000")
    await write(sqlite, *large)
    with raw(path) as other:
        assert other.execute("SELECT count(*) FROM pieces").fetchone() == (0,)
        assert other.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_a_batch_that_cannot_be_expressed_fails_alone(store: Store) -> None:
    outcomes = await asyncio.gather(
        write(store, put("one")),
        write(store, put("two"), put("lone surrogate \ud800")),
        write(store, put("three")),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [type(None), UnicodeEncodeError, type(None)]
    assert await ids(store) == ["one", "three"]


async def test_a_damaged_file_is_reported(store: Store, path: str) -> None:
    with raw(path) as other:
        other.execute("DROP TABLE claims")
    with pytest.raises(Unreachable, match="no such table"):
        await store.holders([claim("ann")])
    with pytest.raises(Unreachable, match="no such table"):
        await write(store, put("one", claims=[claim("ann")]))
    assert await store.get(key("one")) is None


async def test_a_writer_that_goes_away_disturbs_nobody(store: Store) -> None:
    writing = [asyncio.ensure_future(write(store, put(f"{number}"))) for number in range(9)]
    await asyncio.sleep(0)
    writing[4].cancel()
    outcomes = await asyncio.gather(*writing, return_exceptions=True)
    assert [number for number, outcome in enumerate(outcomes) if outcome is not None] == [4]
    assert len(await ids(store)) == 9


async def test_a_store_that_is_not_open(path: str) -> None:
    store = SQLiteStore(path)
    await store.close()
    await store.open()
    await store.close()
    await store.close()
    with pytest.raises(Unreachable, match="not open"):
        await store.ping()
    with pytest.raises(Unreachable, match="not open"):
        await store.commit(Batch())


def _files(folder: str) -> list[str]:
    return sorted(each.name for each in Path(folder).glob("*"))


async def test_memory_is_a_private_file_removed_on_close() -> None:
    one, two = SQLiteStore(":memory:"), SQLiteStore(":memory:")
    await one.open()
    await two.open()
    assert one.database._folder
    folder = one.database._folder.name
    await write(one, put("one"))
    assert await two.get(key("one")) is None
    assert _files(folder)[0] == "store.db"
    await one.close()
    await two.close()
    assert _files(folder) == []


async def test_a_failing_source_leaves_no_bytes_in_the_file(store: Store, path: str) -> None:
    async def failing() -> AsyncIterator[bytes]:
        for _ in range(4):
            yield b"x" * PIECE
        raise EOFError

    with pytest.raises(EOFError):
        await store.put_attachment(ACCOUNT, failing())
    with raw(path) as other:
        assert other.execute("SELECT count(*) FROM pieces").fetchone() == (0,)
        assert other.execute("SELECT count(*) FROM attachments").fetchone() == (0,)


async def test_an_unfinished_attachment_is_not_seen(store: Store, path: str) -> None:
    names = []

    async def source() -> AsyncIterator[bytes]:
        for chunk in (b"x" * PIECE, b"y" * PIECE, b"z"):
            yield chunk
            with raw(path) as other:
                names.extend(other.execute("SELECT attachment_id FROM attachments").fetchall())
            for (name,) in names:
                with pytest.raises(KeyError):
                    await content(store, name)

    stored = await store.put_attachment(ACCOUNT, source())
    assert (stored.attachment_id,) in names
    assert await content(store, stored.attachment_id) == b"x" * PIECE + b"y" * PIECE + b"z"


async def test_what_a_dead_process_left_unfinished_is_removed(
    store: Store, reopen: Opener, path: str
) -> None:
    kept = await attach(store, b"kept")
    with raw(path) as other:
        for name, age in (("old", ABANDONED + 60), ("new", 60)):
            other.execute(
                "INSERT INTO attachments (account_id, attachment_id, begun)"
                " VALUES (?, ?, CAST(strftime('%s', 'now') AS INTEGER) - ?)",
                (ACCOUNT, name, age),
            )
            other.execute("INSERT INTO pieces VALUES (?, ?, 0, x'00')", (ACCOUNT, name))
        other.execute("UPDATE attachments SET begun = 0 WHERE length IS NOT NULL")
    fresh = await reopen()
    with raw(path) as other:
        for table in ("attachments", "pieces"):
            left = other.execute(f"SELECT attachment_id FROM {table}").fetchall()
            assert sorted(left) == sorted([("new",), (kept.attachment_id,)])
    assert await content(fresh, kept.attachment_id) == b"kept"


async def test_a_purge_while_an_attachment_is_stored(store: Store, path: str) -> None:
    async def source() -> AsyncIterator[bytes]:
        yield b"x" * (PIECE + 1)
        await store.commit(Batch(purge=[ACCOUNT]))
        yield b"y"

    with pytest.raises(Unreachable, match="purged"):
        await store.put_attachment(ACCOUNT, source())
    with raw(path) as other:
        assert other.execute("SELECT count(*) FROM pieces").fetchone() == (0,)


async def test_a_drop_while_an_attachment_is_read(store: Store) -> None:
    stored = await store.put_attachment(ACCOUNT, stream(b"x" * PIECE * 3))
    chunks = store.read_attachment(ACCOUNT, stored.attachment_id)
    assert await anext(chunks)
    await store.commit(Batch(drop_attachments=[(ACCOUNT, stored.attachment_id)]))
    with pytest.raises(KeyError):
        await anext(chunks)


async def test_a_walk_reads_no_further_than_it_must(store: Store) -> None:
    await write(store, *(put(f"{number:04}") for number in range(500)))
    walk = store.scan(span())
    await anext(walk)
    await write(store, put("0499+"))
    assert [row.position.doc_id async for row in walk][-1] == "0499+"


async def test_a_long_walk_lets_others_run(store: Store) -> None:
    await write(store, *(put(f"{number:04}") for number in range(500)))
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    running = asyncio.ensure_future(other())
    assert len([row async for row in store.scan(span())]) == 500
    running.cancel()
    assert turns >= 5


async def test_every_walk_enters_its_index_where_it_begins(sqlite: SQLiteStore) -> None:
    entries, edges = (None, Entry("n", "v")), (None, Position("k", "1"))
    for entry, start, end, low, high, descending in product(
        entries, edges, edges, (None, "a"), (None, "z"), (False, True)
    ):
        walked = Span(
            account_id=ACCOUNT,
            doc_type="user",
            entry=entry,
            start=start,
            end=end,
            low=low,
            high=high,
            descending=descending,
        )
        where, values = stretch_of(walked).within(walked)
        way = "DESC" if descending else "ASC"
        explain = f"EXPLAIN QUERY PLAN SELECT sort FROM {where} ORDER BY sort {way}, doc_id {way}"
        plan = sqlite.database.read(explain, values)
        assert len(plan) == 1, plan
        assert plan[0][3].startswith("SEARCH")
        assert ("(sort,doc_id)" in plan[0][3]) == (start is not None or end is not None)


async def test_of_two_puts_of_a_document_in_a_batch_the_later_holds(store: Store) -> None:
    first = put("one", claims=[claim("ann"), claim("bea")])
    await write(store, first, put("one", rev="2-b", expected="1-a", claims=[claim("bea")]))
    assert await store.get(key("one")) == {"_rev": "2-b"}
    assert await store.holders([claim("ann"), claim("bea")]) == {claim("bea"): key("one")}
    with pytest.raises(RevisionConflict):
        await write(store, first)


async def test_what_was_read_is_forgotten_when_anybody_commits(
    sqlite: SQLiteStore, another: Opener
) -> None:
    neighbour = await another()
    await write(sqlite, put("a", n=1))
    for n in (2, 3):
        assert (await sqlite.get(key("a")) or {})["n"] == n - 1
        stored = await neighbour.get(key("a")) or {}
        await write(neighbour, put("a", expected=stored["_rev"], n=n))
    assert (await sqlite.get(key("a")) or {})["n"] == 3


FORMAT_1 = """
CREATE TABLE documents (
    account_id TEXT NOT NULL, doc_id TEXT NOT NULL, doc_type TEXT NOT NULL,
    rev TEXT NOT NULL, sort TEXT, body BLOB NOT NULL, PRIMARY KEY (account_id, doc_id));
CREATE INDEX listing ON documents (account_id, doc_type, sort, doc_id) WHERE sort IS NOT NULL;
CREATE TABLE entries (
    account_id TEXT NOT NULL, doc_type TEXT NOT NULL, name TEXT NOT NULL,
    value TEXT NOT NULL, sort TEXT NOT NULL, doc_id TEXT NOT NULL,
    PRIMARY KEY (account_id, doc_type, name, value, sort, doc_id)) WITHOUT ROWID;
CREATE INDEX entries_of ON entries (account_id, doc_id);
CREATE TABLE claims (
    space TEXT NOT NULL, scope TEXT NOT NULL, value TEXT NOT NULL, account_id TEXT NOT NULL,
    doc_type TEXT NOT NULL, doc_id TEXT NOT NULL, PRIMARY KEY (space, scope, value)) WITHOUT ROWID;
CREATE INDEX claims_of ON claims (account_id, doc_id);
CREATE TABLE events (
    number INTEGER PRIMARY KEY, action TEXT NOT NULL, account_id TEXT NOT NULL,
    doc_type TEXT NOT NULL, doc_id TEXT NOT NULL, revision TEXT NOT NULL,
    at INTEGER NOT NULL, summary BLOB NOT NULL);
CREATE TABLE attachments (
    account_id TEXT NOT NULL, attachment_id TEXT NOT NULL, begun INTEGER NOT NULL,
    length INTEGER, md5 TEXT, PRIMARY KEY (account_id, attachment_id)) WITHOUT ROWID;
CREATE INDEX unfinished ON attachments (begun) WHERE length IS NULL;
CREATE TABLE pieces (
    account_id TEXT NOT NULL, attachment_id TEXT NOT NULL, position INTEGER NOT NULL,
    data BLOB NOT NULL, PRIMARY KEY (account_id, attachment_id, position));
PRAGMA user_version = 1;
"""
"""How files were laid out before documents carried their entries and claims."""


async def test_a_file_of_the_first_format_is_taken_over(path: str, another: Opener) -> None:
    with raw(path) as old:
        old.executescript(FORMAT_1)
        body = b'{"_rev":"1-a"}'
        for doc_id, sort in (("one", "b"), ("two", None)):
            old.execute(
                "INSERT INTO documents VALUES (?, ?, 'user', '1-a', ?, ?)",
                (ACCOUNT, doc_id, sort, body),
            )
        old.execute("INSERT INTO entries VALUES (?, 'user', 'n', '\"é', 'b', 'one')", (ACCOUNT,))
        for value in ("ann", "bea"):
            old.execute(
                "INSERT INTO claims VALUES ('users.username', ?, ?, ?, 'user', 'one')",
                (ACCOUNT, value, ACCOUNT),
            )
    store = await another()
    assert await ids(store) == await ids(store, ("n", '"é')) == ["one"]
    assert await store.get(key("two")) == {"_rev": "1-a"}
    changed = put("one", rev="2-b", expected="1-a", entries=[("n", "0")], claims=[claim("bea")])
    await write(store, changed)
    assert (await ids(store, ("n", '"é')), await ids(store, ("n", "0"))) == ([], ["one"])
    assert await store.holders([claim("ann"), claim("bea")]) == {claim("bea"): key("one")}
    await store.close()
    await another()


async def test_a_file_of_the_third_format_is_taken_over(path: str, another: Opener) -> None:
    """It kept no rows of lists, and documents as their writers had ordered them."""
    store = await another()
    await write(store, put("one", sort="s", claims=[claim("ann")], row=b"{}", name="Ann"))
    await store.close()
    with raw(path) as old:
        old.execute("DROP INDEX listing")
        old.execute("ALTER TABLE documents DROP COLUMN row")
        old.execute("ALTER TABLE documents DROP COLUMN cut")
        old.execute("UPDATE documents SET body = ?", (b'{"name":"Ann","_rev":"1-a","age":3}',))
        old.execute("CREATE INDEX listing ON documents (account_id, doc_type, sort, doc_id)")
        old.execute("PRAGMA user_version = 3")
    store = await another()
    assert await lines(store, span()) == [("s", "one", None)]
    assert await store.get_shown(key("one")) == Shown({"_rev": "1-a"}, b'{"name":"Ann","age":3}')
    assert await store.holders([claim("ann")]) == {claim("ann"): key("one")}
    await write(store, put("one", rev="2-b", expected="1-a", sort="s", row=b"[]"))
    assert await lines(store, span()) == [("s", "one", b"[]")]


async def test_very_many_documents_are_counted_in_steps(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crossbar.storage.sqlite.store.COUNTED", 3)
    await write(store, *(put(f"{at}", sort=f"{at % 2}", entries=[("n", "x")]) for at in range(9)))
    for descending in (False, True):
        for entry in (None, ("n", "x")):
            walked = span(entry, descending=descending)
            assert await store.count(walked) == 9
            for most in range(12):
                assert await store.count(walked, most) == min(most, 9)
            assert await store.count(span(entry, descending=descending, low="1")) == 4
