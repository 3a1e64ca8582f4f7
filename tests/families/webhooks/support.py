"""What the tests of webhooks share."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.conftest import Api

OBJECTS = {"type": "all", "action": "all"}


async def hook(api: Api, uri: str, account: str = "", **data: Any) -> str:
    """A new webhook for changes of documents; its id."""
    fields = {
        "name": "Reports",
        "hook": "object",
        "uri": uri,
        "format": "json",
        "custom_data": OBJECTS,
        **data,
    }
    made = await api.put(f"{account or api.account}/webhooks", fields)
    created: str = made.expect(201).data["id"]
    return created


async def attempts(api: Api, hook_id: str, count: int, seconds: float = 20) -> list[Any]:
    """The attempts at a webhook as soon as there are so many, the newest first."""
    path = f"{api.account}/webhooks/{hook_id}/attempts"
    rows: list[Any] = []
    for _ in range(int(seconds / 0.02)):
        rows = (await api.get(path)).expect(200).data
        if len(rows) >= count:
            return rows
        await asyncio.sleep(0.02)
    raise TimeoutError(rows)
