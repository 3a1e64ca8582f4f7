"""Several processes on one file of the embedded store: they race, and they die."""

from __future__ import annotations

import asyncio
import gc
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import pytest

from crossbar.storage.sqlite import SQLiteStore, walindex
from crossbar.storage.sqlite.walindex import WalIndex
from tests.storage.builders import claim, content, ids, key, put, write
from tests.storage.sqlite_process import ROUNDS


async def test_processes_may_create_the_file_at_once(path: str) -> None:
    stores = [SQLiteStore(path) for _ in range(6)]
    await asyncio.gather(*(store.open() for store in stores))
    await asyncio.gather(*(write(store, put(f"{number}")) for number, store in enumerate(stores)))
    assert len(await ids(stores[0])) == 6
    for store in stores:
        await store.close()


async def start(what: str, path: str, name: str) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.storage.sqlite_process", what, path, name,
        stdin=PIPE, stdout=PIPE,
    )  # fmt: skip


async def test_processes_that_race_for_claims(path: str) -> None:
    store = SQLiteStore(path)
    await store.open()
    racers = {name: await start("race", path, name) for name in "abcd"}
    for racer in racers.values():
        assert racer.stdout
        assert await racer.stdout.readline() == b"ready\n"
    outputs = await asyncio.gather(*(racer.communicate(b"go\n") for racer in racers.values()))
    assert [racer.returncode for racer in racers.values()] == [0] * 4
    winners = {
        claim(value.decode()): key(f"{name}-{value.decode()}")
        for name, (output, _) in zip(racers, outputs, strict=True)
        for value in output.split()
    }
    assert sum(len(output.split()) for output, _ in outputs) == len(winners) == 60
    assert await store.holders(winners) == winners
    assert len(await ids(store)) == 60
    await store.close()


async def test_what_another_process_was_acknowledged_is_read_at_once(path: str) -> None:
    """And of what it wrote together nobody meets the half, in whatever order it is read."""
    store = SQLiteStore(path)
    await store.open()
    told = dict.fromkeys("ab", -1)
    own = None

    async def listen(name: str) -> None:
        process = await start("count", path, name)
        assert process.stdout
        async for line in process.stdout:
            told[name] = int(line)
        assert await process.wait() == 0

    async def turn_of(doc_id: str) -> int:
        document = await store.get(key(doc_id))
        return -1 if document is None else int(document["turn"])

    listening = [asyncio.create_task(listen(name)) for name in told]
    checks = 0
    while not all(task.done() for task in listening):
        for name in told:
            for first, second in ("ab", "ba"):
                known = told[name]
                seen = await turn_of(f"{name}-{first}")
                assert seen >= known
                assert await turn_of(f"{name}-{second}") >= seen
                checks += 1
        if checks % 16 == 0:
            rev = f"{checks}-a"
            await write(store, put("own", rev=rev, expected=own, turn=checks))
            own = rev
            assert await turn_of("own") == checks
        await asyncio.sleep(0)
    await asyncio.gather(*listening)
    assert set(told.values()) == {ROUNDS - 1}
    assert checks > ROUNDS
    await store.close()


async def test_a_store_that_is_closed_leaves_the_locks_of_another_in_its_process(
    path: str,
) -> None:
    """Without them the next process to come would make the index of the log anew (SQLite's
    "dead man's switch", a lock of one byte)."""
    stays, goes = SQLiteStore(path), SQLiteStore(path)
    await stays.open()
    await goes.open()
    await write(goes, put("one"))
    await goes.close()
    assert not await _can_lock(f"{path}-shm")
    await write(stays, put("two"))
    await stays.close()
    await stays.open()
    assert not await _can_lock(f"{path}-shm")
    for _ in range(10):
        goes, stays = stays, SQLiteStore(path)
        await asyncio.gather(stays.open(), goes.close())
        assert not await _can_lock(f"{path}-shm")
    await stays.close()


async def test_who_closes_twice_at_once_waits_for_what_is_written(path: str) -> None:
    store = SQLiteStore(path)
    await store.open()
    writing = [asyncio.create_task(write(store, put(str(number)))) for number in range(3)]
    await asyncio.sleep(0)
    await asyncio.gather(store.close(), store.close())
    await asyncio.gather(*writing)
    await store.open()
    assert len(await ids(store)) == 3
    await store.close()


async def test_a_close_that_is_cancelled_leaves_what_is_written_alone(path: str) -> None:
    store = SQLiteStore(path)
    await store.open()
    writing = asyncio.create_task(write(store, put("one")))
    await asyncio.sleep(0)
    closing = asyncio.create_task(store.close())
    await asyncio.sleep(0)
    closing.cancel()
    async with asyncio.timeout(5):
        await writing
    assert await ids(store) == ["one"]
    await store.close()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not list mappings as files")
async def test_what_is_mapped_goes_with_its_store(path: str) -> None:
    async def use() -> None:
        store = SQLiteStore(path)
        await store.open()
        await store.close()

    for _ in range(3):
        await use()
    gc.collect()
    maps = await asyncio.to_thread(Path("/proc/self/maps").read_text)
    assert f"{path}-shm" not in maps


async def test_where_nothing_can_be_mapped_sqlite_is_asked(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(FileNotFoundError):
        WalIndex(path)
    store = SQLiteStore(path)
    await store.open()
    other = Path(f"{path}.copy-shm")
    await asyncio.to_thread(other.touch)
    with pytest.raises(FileNotFoundError, match="not open"):
        WalIndex(f"{path}.copy")
    monkeypatch.setattr(walindex, "HEADER", 0)  # which no system maps
    with pytest.raises(OSError, match="cannot be mapped"):
        WalIndex(path)
    again = SQLiteStore(path)
    await again.open()
    await write(store, put("one"))
    assert await again.get(key("one")) == {"_rev": "1-a"}
    await store.close()
    await again.close()


async def _can_lock(file: str) -> bool:
    """Whether another process can lock the byte that all processes with the file open share."""
    program = (
        "import fcntl, sys\n"
        "with open(sys.argv[1], 'r+b') as file:\n"
        "    fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 128)"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, file, stderr=PIPE
    )
    _, error = await process.communicate()
    assert process.returncode == 0 or b"BlockingIOError" in error
    return process.returncode == 0


async def _killed_under_load(path: str, name: str, lines: int) -> list[list[str]]:
    """What a process had acknowledged when it was killed, some ``lines`` after its start."""
    process = await start("load", path, name)
    assert process.stdout
    seen = [await process.stdout.readline() for _ in range(lines)]
    process.kill()
    rest, _ = await process.communicate()
    printed = b"".join(seen) + rest[: rest.rfind(b"\n") + 1]
    return [line.split() for line in printed.decode().splitlines()]


async def test_a_killed_process_loses_nothing_it_acknowledged(path: str) -> None:
    acknowledged = []
    for attempt, lines in enumerate((1, 40, 150, 300)):
        acknowledged += await _killed_under_load(path, f"{attempt}", lines)
    assert {len(each) for each in acknowledged} == {2}
    assert len(acknowledged) >= 1 + 40 + 150 + 300
    store = SQLiteStore(path)
    await store.open()
    found = await ids(store)
    for kind, name in acknowledged:
        if kind == "document":
            assert {f"{name}-a", f"{name}-b"} <= set(found)
        else:
            assert await content(store, name) == b"x" * 300_000 + b"y" * 300_000
    whole = {name.rpartition("-")[0] for name in found}
    assert found == sorted(f"{name}-{half}" for name in whole for half in "ab")
    assert await ids(store, ("n", "1")) == found
    claims = [claim(name) for name in found]
    assert await store.holders(claims) == {each: key(each.value) for each in claims}
    logged = await store.events(0, limit=100_000)
    assert sorted(each.event.key.doc_id for each in logged) == found
    await store.close()
