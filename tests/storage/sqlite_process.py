"""A process that writes to a SQLite store, for the tests that need several, or need one to die.

``race PATH NAME`` waits for a line on standard input, then claims the values 0 to 59 and prints
those that it got. ``load PATH NAME`` writes without end and prints what was acknowledged.
``count PATH NAME`` numbers two documents in one batch, again and again, and prints the numbers.
"""

from __future__ import annotations

import asyncio
import sys
from itertools import count

from crossbar.storage import Batch, ClaimTaken, Put
from crossbar.storage.sqlite import SQLiteStore
from tests.storage.builders import attach, claim, event, put, write


def pair(doc_id: str) -> Batch:
    """A batch of two documents with everything a document can have."""
    return Batch(
        puts=[_put(f"{doc_id}-{half}") for half in "ab"],
        events=[event(f"{doc_id}-{half}") for half in "ab"],
    )


def _put(doc_id: str) -> Put:
    return put(doc_id, sort=doc_id, entries=[("n", "1")], claims=[claim(doc_id)], pad="x" * 500)


async def race(path: str, name: str) -> None:
    store = SQLiteStore(path)
    await store.open()
    print("ready", flush=True)
    sys.stdin.readline()

    async def attempt(value: int) -> None:
        try:
            await write(store, put(f"{name}-{value}", claims=[claim(f"{value}")]))
        except ClaimTaken:
            return
        print(value, flush=True)

    for first in range(0, 60, 4):
        await asyncio.gather(*(attempt(value) for value in range(first, first + 4)))
    await store.close()


async def load(path: str, name: str) -> None:
    store = SQLiteStore(path)
    await store.open()

    async def documents(writer: int) -> None:
        for turn in count():
            doc_id = f"{name}-{writer}-{turn}"
            await store.commit(pair(doc_id))
            print("document", doc_id, flush=True)

    async def attachments() -> None:
        while True:
            stored = await attach(store, b"x" * 300_000, b"y" * 300_000)
            print("attachment", stored.attachment_id, flush=True)

    await asyncio.gather(*(documents(writer) for writer in range(6)), attachments())


ROUNDS = 400
"""How often :func:`number` numbers its documents."""


async def number(path: str, name: str) -> None:
    store = SQLiteStore(path)
    await store.open()
    before = None
    for turn in range(ROUNDS):
        rev = f"{turn}-a"
        halves = [put(f"{name}-{half}", rev=rev, expected=before, turn=turn) for half in "ab"]
        await store.commit(Batch(puts=halves))
        print(turn, flush=True)
        before = rev
    await store.close()


if __name__ == "__main__":
    what, path, name = sys.argv[1:]
    asyncio.run({"race": race, "load": load, "count": number}[what](path, name))
