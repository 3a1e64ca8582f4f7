"""Stores that have a master account already: one is filled, and what is in it copied.

To make the account and to log in takes longer than most tests do.
"""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pymongo import MongoClient

from crossbar.bootstrap import Master
from tests.storage.mongo_server import fresh_database, uri_of

SQLITE, MONGODB = "sqlite", "mongodb"

Client = MongoClient[dict[str, Any]]
Fill = Callable[[str], Awaitable[tuple[Master, str]]]
"""Makes the master account in the empty store of a URL, and a token of its administrator."""


@dataclass(frozen=True)
class Seed:
    """The master account of a store, a token of its administrator, and how to copy the store."""

    master: Master
    token: str
    copy: Callable[[str], None]


class Seeds:
    """One seed for each kind of store, made when it is first asked for.

    ``client`` is asked for only where there is MongoDB.
    """

    def __init__(self, folder: Path, client: Callable[[], Client], fill: Fill) -> None:
        self._folder = folder
        self._client = client
        self._fill = fill
        self._made: dict[str, Seed] = {}

    async def plant(self, url: str) -> Seed:
        """Fill the empty store of a URL, which nobody has opened yet."""
        kind = SQLITE if url.startswith(SQLITE) else MONGODB
        if kind not in self._made:
            make = self._of_sqlite if kind == SQLITE else self._of_mongodb
            self._made[kind] = await make()
        seed = self._made[kind]
        seed.copy(url)
        return seed

    async def _of_sqlite(self) -> Seed:
        file = self._folder / "seed.db"

        def copy(url: str) -> None:
            shutil.copy(file, url.removeprefix("sqlite:///"))

        return Seed(*await self._fill(f"sqlite:///{file}"), copy)

    async def _of_mongodb(self) -> Seed:
        client = self._client()
        place = fresh_database(client, uri_of(client))
        made = await self._fill(place.uri)
        names = place.raw.list_collection_names()
        content = {name: list(place.raw[name].find()) for name in names}

        def copy(url: str) -> None:
            database = client[urlsplit(url).path.removeprefix("/")]
            for name, documents in content.items():
                if documents:
                    database[name].insert_many(documents, ordered=False)

        return Seed(*made, copy)
