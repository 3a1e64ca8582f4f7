"""Writing what became of deliveries: the place in the log, what others did meanwhile, kills."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from crossbar.clock import FixedClock
from crossbar.core.directory import account_key
from crossbar.core.telling import happening
from crossbar.documents import Document
from crossbar.errors import Conflict
from crossbar.families.webhooks import clerk as clerks
from crossbar.families.webhooks.attempts import attempt_put
from crossbar.families.webhooks.clerk import Clerk, Outcome, Written
from crossbar.families.webhooks.deliveries import (
    DELIVERY_TYPE,
    delivery_of,
    is_stored,
    key_of,
    waiting_put,
)
from crossbar.families.webhooks.lease import STATE, Lease
from crossbar.families.webhooks.reports import Hooks
from crossbar.settings import Settings
from crossbar.storage import SYSTEM, Batch, Key, Remove, Span
from tests.conftest import Api, running_api
from tests.families.webhooks.receiver import Receiver
from tests.families.webhooks.support import hook

HOOK = "h" * 32


class Scene:
    """A clerk, and deliveries for it."""

    def __init__(self, api: Api, clerk: Clerk, told: list[Written]) -> None:
        self.api = api
        self.clerk = clerk
        self.told = told
        self.services = api.gateway.services

    def delivery(self, number: int, account_id: str = "") -> Document:
        """One that is begun."""
        account_id = account_id or self.api.master.account_id
        report = {"number": number, "at": 1, "kind": "all", "about": "x", "facts": {}}
        subject = {"_id": HOOK, "pvt_account_id": account_id}
        delivery = delivery_of(self.services.clock, subject, report)
        self.clerk.begin(number, delivery)
        self.clerk.reached = max(self.clerk.reached, number)
        return delivery

    def success(self, delivery: Document) -> Outcome:
        """That it was taken."""
        attempt = {"hook_id": HOOK, "result": "success"}
        attempt["pvt_created"] = self.services.clock.gregorian()  # type: ignore[assignment]
        return Outcome(delivery, attempt_put(self.services, delivery["account_id"], attempt))

    async def place(self) -> int:
        """The place in the log, as it is stored."""
        stored = await self.services.store.get(STATE)
        assert stored is not None
        number: int = stored["number"]
        return number

    async def waiting(self) -> int:
        """How many deliveries are stored."""
        span = Span(account_id=SYSTEM, doc_type=DELIVERY_TYPE)
        return await self.services.store.count(span)


@pytest.fixture
def overrides(overrides: dict[str, Any]) -> dict[str, Any]:
    return {**overrides, "webhooks.deliver": False}


@pytest.fixture
async def scene(api: Api) -> Scene:
    lease, told = Lease(api.gateway.services), list[Written]()
    assert await lease.take()
    return Scene(api, Clerk(api.gateway.services, lease, told.append), told)


async def test_the_place_is_before_the_first_that_is_not_dealt_with(scene: Scene) -> None:
    first, second, third = (scene.delivery(number) for number in (11, 12, 14))
    scene.clerk.settle(scene.success(second))
    await scene.clerk.write()
    assert await scene.place() == 10
    scene.clerk.settle(scene.success(first))
    await scene.clerk.write()
    assert await scene.place() == 13
    scene.clerk.settle(scene.success(third))
    await scene.clerk.write()
    assert await scene.place() == 14
    assert await scene.waiting() == 0
    assert [each.is_stored for each in scene.told] == [False] * 3


async def test_what_takes_longer_is_stored(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clerks, "MOMENT", -1.0)
    delivery = scene.delivery(11)
    await scene.clerk.write()
    assert is_stored(delivery)
    assert (await scene.place(), await scene.waiting()) == (11, 1)
    scene.clerk.settle(scene.success(delivery))
    await scene.clerk.write()
    assert await scene.waiting() == 0


async def test_one_that_cannot_be_written_holds_up_no_other(scene: Scene) -> None:
    here, gone = scene.delivery(11), scene.delivery(12, "a" * 32)
    scene.clerk.settle(scene.success(gone))
    scene.clerk.settle(scene.success(here))
    twice = scene.delivery(13)
    await scene.services.commit(Batch(puts=(waiting_put(twice),)))
    scene.clerk.keep(twice)
    await scene.clerk.write()
    assert await scene.place() == 12
    assert len(scene.told) == 3
    await scene.clerk.finish()
    assert await scene.place() == 13
    path = f"{scene.api.account}/webhooks/attempts"
    assert len((await scene.api.get(path)).expect(200).data) == 1


async def test_one_that_no_store_takes_holds_up_no_other(scene: Scene) -> None:
    bad = scene.success(scene.delivery(11))
    assert bad.attempt is not None
    bad.attempt.document["resp_body"] = {"not", "JSON"}
    scene.clerk.settle(bad)
    scene.clerk.settle(scene.success(scene.delivery(12)))
    await scene.clerk.write()
    assert await scene.place() == 12
    path = f"{scene.api.account}/webhooks/attempts"
    assert len((await scene.api.get(path)).expect(200).data) == 1


async def test_what_another_process_writes_meanwhile_is_not_overwritten(scene: Scene) -> None:
    scene.clerk.settle(scene.success(scene.delivery(11)))
    stored = await scene.services.store.get(STATE)
    assert stored is not None
    await scene.services.commit(Batch(removes=(Remove(STATE, stored["_rev"]),)))
    other = Lease(scene.services)
    assert await other.take()
    with pytest.raises(Conflict):
        await asyncio.wait_for(scene.clerk.work(), 20)
    assert scene.told == []


async def test_at_the_end_everything_is_written(scene: Scene) -> None:
    scene.delivery(11)
    scene.clerk.keep(scene.delivery(12))
    scene.clerk.settle(scene.success(scene.delivery(13)))
    working = asyncio.create_task(scene.clerk.work())
    scene.clerk.end()
    await working
    await scene.clerk.finish()
    assert (await scene.place(), await scene.waiting()) == (13, 2)
    assert await Lease(scene.services).take()


async def test_a_gap_in_an_account_that_is_gone_is_forgotten(scene: Scene) -> None:
    delivery = scene.delivery(11, "a" * 32)
    scene.clerk._open.clear()
    scene.clerk.leave_out(delivery)
    assert scene.clerk._place(()) == 10
    await scene.clerk.write()
    assert scene.clerk._place(()) == 11


async def test_what_was_stored_before_a_kill_is_not_made_again(
    settings: Settings, clock: FixedClock, receiver: Receiver
) -> None:
    async with running_api(settings, clock) as api:
        hook_id = await hook(api, receiver.url, hook="channel_create", custom_data={})
        services, account_id = api.gateway.services, api.master.account_id
        before = await services.store.last_event()
        for number in range(3):
            event = happening(clock, account_id, "channel_create", {"n": number})
            await services.commit(Batch(events=(event,)))
        # As a process leaves it that was killed after the second was tried, and waits.
        report = {
            "number": before + 2,
            "at": clock.gregorian(),
            "account_id": account_id,
            "about": "second",
            "kind": "channel_create",
            "facts": {"n": 1},
        }
        stored = await services.store.get(Key(account_id, "webhook", hook_id))
        assert stored is not None
        delivery = delivery_of(clock, stored, report)
        later = waiting_put(delivery, clock.precise() + 600)
        lease = Lease(services)
        assert await lease.take()
        await lease.write(before, before + 3, Batch(puts=(later,)))
        master = api.master
    delivering = Settings.load(None, {}, {**_given(settings), "webhooks.deliver": True})
    async with running_api(delivering, clock, master) as api:
        assert [each.json["n"] for each in await receiver.until(2)] == [0, 2]
        clock.advance(700)
        third = (await receiver.until(3))[2]
        assert third.json["n"] == 1
        assert third.message_id == delivery["message_id"]
        for _ in range(500):
            if await api.gateway.services.store.get(key_of(delivery)) is None:
                break
            await asyncio.sleep(0.02)
        assert await api.gateway.services.store.get(key_of(delivery)) is None


def _given(settings: Settings) -> dict[str, Any]:
    """All settings, as they can be given again."""
    return {
        f"{each.section}.{each.name}": getattr(getattr(settings, each.section), each.name)
        for each in Settings.describe()
    }


async def test_who_was_above_an_account_that_is_gone(api: Api) -> None:
    services, below = api.gateway.services, await api.create_account("Below")
    number = await services.store.last_event()
    await api.delete(f"/v2/accounts/{below}")
    assert await services.store.get(account_key(below)) is None
    told = {
        "_id": HOOK,
        "hook": "all",
        "pvt_account_id": api.master.account_id,
        "include_subaccounts": True,
    }
    hooks = Hooks()
    hooks.put(api.master.account_id, HOOK, told)
    report = {"number": number, "account_id": below, "kind": "sms", "facts": {}}
    assert await hooks.telling(services, report) == [told]
    unknown = {**report, "account_id": "f" * 32}
    assert await hooks.telling(services, unknown) == []
