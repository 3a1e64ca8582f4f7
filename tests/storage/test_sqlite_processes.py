"""Several processes on one file of the embedded store: they race, and they die."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process

from crossbar.storage.sqlite import SQLiteStore
from tests.storage.builders import claim, content, ids, key, put, write


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
