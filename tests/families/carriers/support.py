"""What the tests of carriers share."""

from __future__ import annotations

from typing import Any

from crossbar.documents import next_revision
from crossbar.storage import SYSTEM, Batch, Key, Put
from tests.conftest import Api


async def configure(api: Api, name: str, **values: Any) -> None:
    """Set a part of the system's configuration, as operators do."""
    store, key = api.gateway.services.store, Key(SYSTEM, "system_config", name)
    before = (await store.get(key) or {}).get("_rev")
    document = {"_id": name, "_rev": next_revision(before), "default": values}
    await store.commit(Batch(puts=[Put(key, document, before)]))
