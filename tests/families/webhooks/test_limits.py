"""What webhooks are narrowed by: settings and configurations, room in the store, a full disk."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from aiohttp import web

from crossbar.clock import FixedClock
from crossbar.core.telling import happening
from crossbar.storage import Batch, Unreachable
from crossbar.storage.sqlite import SQLiteStore
from tests.conftest import Api
from tests.families.support import make, refusal
from tests.families.webhooks.receiver import Receiver
from tests.families.webhooks.support import attempts, hook

CAP = 20


@pytest.fixture
def overrides(overrides: dict[str, Any]) -> dict[str, Any]:
    return {**overrides, "webhooks.max_waiting": CAP}


async def calls(api: Api, numbers: range, **facts: Any) -> None:
    """Calls begin, each of them in the same commit."""
    services, account_id = api.gateway.services, api.master.account_id
    events = [
        happening(services.clock, account_id, "channel_create", {"n": number, **facts})
        for number in numbers
    ]
    await services.commit(Batch(events=events))


async def shown(api: Api, hook_id: str) -> Any:
    """What a webhook shows beside its document."""
    return (await api.get(f"{api.account}/webhooks/{hook_id}")).expect(200).body["metadata"]


async def until_shown(api: Api, hook_id: str, name: str) -> Any:
    """What a webhook shows under a name, as soon as it does."""
    for _ in range(1000):
        found = await shown(api, hook_id)
        if name in found:
            return found[name]
        await asyncio.sleep(0.02)
    raise TimeoutError(name)


async def test_what_is_too_much_is_counted_and_can_be_replayed(
    api: Api, receiver: Receiver, clock: FixedClock
) -> None:
    receiver.answer = lambda got: web.Response(status=500 if got.path == "/dead" else 200)
    await hook(
        api, f"{receiver.url}/told", hook="notifications", custom_data={"type": "webhook_overflow"}
    )
    hook_id = await hook(api, f"{receiver.url}/dead", hook="channel_create", custom_data={})
    path = f"{api.account}/webhooks/{hook_id}"
    await calls(api, range(10))
    await attempts(api, hook_id, 5)
    clock.advance(10)
    at = clock.gregorian()
    await calls(api, range(10, 250))
    [told] = await receiver.until(1, "/told")
    assert told.json["hook_id"] == hook_id
    missed = await until_shown(api, hook_id, "missed")
    assert missed["created_from"] == missed["created_to"] == at
    for _ in range(100):
        if (missed := await until_shown(api, hook_id, "missed"))["count"] >= 240 - 2 * CAP:
            break
        await asyncio.sleep(0.05)
    assert 240 - 2 * CAP <= missed["count"] <= 240
    # A client that sends back what it was shown makes nothing of it.
    (await api.patch(path, {"missed": {"count": 7}})).expect(200)
    assert (await until_shown(api, hook_id, "missed"))["count"] >= 240 - 2 * CAP
    receiver.answer = lambda got: web.Response()
    await api.put(f"{path}/replay", {"created_from": at + 1})
    assert "missed" in await shown(api, hook_id), "that was not the time of it"
    clock.advance(60)
    await api.put(f"{path}/replay", {"created_from": at, "created_to": at})
    assert "missed" not in await shown(api, hook_id)
    for _ in range(500):
        if len({got.json["n"] for got in receiver.got if got.path == "/dead"}) == 250:
            break
        await asyncio.sleep(0.02)
    taken = {got.message_id: got.json["n"] for got in receiver.got if got.path == "/dead"}
    assert len(taken) == 250, "each call has one id"
    assert set(taken.values()) == set(range(250))


@pytest.mark.parametrize("status", [200, 500])
async def test_a_full_disk_loses_nothing(
    api: Api, receiver: Receiver, clock: FixedClock, status: int
) -> None:
    store = api.gateway.services.store
    if not isinstance(store, SQLiteStore):
        pytest.skip("the file of the embedded store")
    hook_id = await hook(api, receiver.url, hook="channel_create", custom_data={})
    receiver.is_open.clear()
    receiver.answer = lambda got: web.Response(status=status)
    await calls(api, range(15), pad="x" * 2000)
    await receiver.until(1)
    await _fill(api, store)
    receiver.is_open.set()
    if status == 200:
        await receiver.until(15)
    await asyncio.sleep(0.5)  # what became of them cannot be written
    kept = (await api.get(f"{api.account}/webhooks/{hook_id}/attempts")).expect(200).data
    assert len(kept) < 15
    await _limit(store, 1_000_000)
    receiver.answer = lambda got: web.Response()
    # One that is changed is not left alone any longer.
    (await api.patch(f"{api.account}/webhooks/{hook_id}", {"name": "Again"})).expect(200)
    successes = 0
    for _ in range(400):
        rows = (await api.get(f"{api.account}/webhooks/{hook_id}/attempts")).expect(200).data
        successes = sum(row["result"] == "success" for row in rows)
        if successes >= 15:
            break
        clock.advance(3)
        await asyncio.sleep(0.05)
    assert {got.json["n"] for got in receiver.got} == set(range(15))
    assert successes == 15


async def _fill(api: Api, store: SQLiteStore) -> None:
    """Let the file grow no more, and use up what is free in it."""
    pages = await store.database.write(
        lambda file: file.execute("PRAGMA page_count").fetchone()[0]
    )
    await _limit(store, pages)
    services, account_id = api.gateway.services, api.master.account_id
    for size in (4000, 400, 4):
        event = happening(services.clock, account_id, "unheard_of", {"pad": "x" * size})
        with suppress(Unreachable):
            while True:
                await services.commit(Batch(events=(event,)))


async def _limit(store: SQLiteStore, pages: int) -> None:
    await store.database.write(
        lambda file: file.execute(f"PRAGMA max_page_count = {pages}").close()
    )


async def configure(api: Api, **values: Any) -> None:
    (await api.post("/v2/system_configs/webhooks", {"default": values})).expect(200)


async def test_types_of_documents_are_configured(api: Api, receiver: Receiver) -> None:
    await configure(api, object_types=["menu", "device"])
    path = f"{api.account}/webhooks"
    kinds = {each["id"]: each for each in (await api.get("/v2/webhooks")).data}
    assert kinds["object"]["modifiers"]["type"]["items"] == ["menu", "device", "all"]
    data = {"name": "N", "hook": "object", "uri": receiver.url}
    chosen = {"type": "user", "action": "all"}
    assert refusal(
        await api.put(path, {**data, "custom_data": chosen}), "custom_data.type", "enum"
    )
    await hook(api, receiver.url)
    await make(api, "users")
    await make(api, "menus")
    [got] = await receiver.until(1)
    assert got.json["type"] == "menu"


async def test_attempts_that_succeed_need_not_be_kept(api: Api, receiver: Receiver) -> None:
    await configure(api, log_successful_attempts=False)
    receiver.answer = lambda got: web.Response(status=200 if len(receiver.got) < 2 else 500)
    hook_id = await hook(api, receiver.url)
    await make(api, "devices")
    await receiver.until(1)
    await make(api, "devices")
    [row] = await attempts(api, hook_id, 1)
    assert row["result"] == "failure"


async def test_failures_that_switch_a_webhook_off_are_configured(
    api: Api, receiver: Receiver
) -> None:
    receiver.answer = lambda got: web.Response(status=500)
    (await api.post(f"{api.account}/configs/webhooks", {"attempt_failure_count": 2})).expect(200)
    hook_id = await hook(api, receiver.url)
    await make(api, "devices")
    await attempts(api, hook_id, 1)
    assert "disable_reason" not in await shown(api, hook_id)
    await make(api, "devices")
    assert await until_shown(api, hook_id, "disable_reason") == (
        "2 deliveries failed within 60 seconds"
    )
    path = f"{api.account}/webhooks/{hook_id}"
    (await api.patch(path, {"enabled": True, "disable_reason": "none"})).expect(200)
    assert "disable_reason" not in await shown(api, hook_id)


async def test_webhooks_need_not_be_switched_off(
    api: Api, receiver: Receiver, clock: FixedClock
) -> None:
    await configure(api, disable_disabler=True, attempt_failure_count=1)
    receiver.answer = lambda got: web.Response(status=500)
    hook_id = await hook(api, receiver.url)
    await make(api, "devices")
    await attempts(api, hook_id, 1)
    clock.advance(60)
    await attempts(api, hook_id, 2)
    assert (await api.get(f"{api.account}/webhooks/{hook_id}")).data["enabled"] is True
