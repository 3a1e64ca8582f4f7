"""A process of the claims race: takes what it can, and prints which values it won.

Run by ``test_mongodb_failures``; no test lives here.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys

from crossbar.storage import Batch, ClaimTaken
from crossbar.storage.mongodb import MongoStore
from tests.storage.builders import claim, event, put


async def race(uri: str, driver: str, name: str) -> list[int]:
    store = MongoStore(uri, driver=driver)
    await store.open()
    won = []

    async def take(value: int) -> None:
        doc_id = f"{name}{value}"
        batch = Batch(puts=[put(doc_id, claims=[claim(f"{value}")])], events=[event(doc_id)])
        try:
            await store.commit(batch)
        except ClaimTaken:
            return
        won.append(value)

    values = random.sample(range(30), 30)
    for at in range(0, 30, 3):
        await asyncio.gather(*map(take, values[at : at + 3]))
    await store.close()
    return won


if __name__ == "__main__":
    print(json.dumps(asyncio.run(race(*sys.argv[1:4]))))
