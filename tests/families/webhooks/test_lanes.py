"""One receiver holds up no other, one process delivers, and what is begun is in order."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from crossbar.clock import FixedClock
from crossbar.core.telling import happening
from crossbar.documents import Document, next_revision
from crossbar.errors import Conflict
from crossbar.families.webhooks.lane import FIRST, ROOM, SMALL, TOO_MANY, Lane
from crossbar.families.webhooks.lease import HELD, STATE, Lease
from crossbar.families.webhooks.reports import HOOK_TYPE
from crossbar.settings import Settings
from crossbar.storage import Batch, Event, Key, Put
from tests.conftest import Api, running_api
from tests.families.support import make
from tests.families.webhooks.receiver import Receiver
from tests.families.webhooks.support import attempts, hook


async def test_a_receiver_that_never_answers_holds_up_no_other(
    api: Api, receiver: Receiver
) -> None:
    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(never, "127.0.0.1", 0)
    async with silent:
        port = silent.sockets[0].getsockname()[1]
        await hook(api, f"http://127.0.0.1:{port}/", hook="channel_create", custom_data={})
        await hook(api, receiver.url, hook="channel_create", custom_data={})
        services, account_id = api.gateway.services, api.master.account_id
        for number in range(100):
            event = happening(services.clock, account_id, "channel_create", {"n": number})
            await services.commit(Batch(events=(event,)))
        got = await receiver.until(100)
    assert sorted(int(str(each.json["n"])) for each in got) == list(range(100))


@pytest.mark.parametrize("many", [50, ROOM + 100])
async def test_reports_of_one_document_are_begun_in_order(
    api: Api, receiver: Receiver, many: int
) -> None:
    await hook(api, receiver.url, hook="channel_create", custom_data={})
    services, account_id = api.gateway.services, api.master.account_id
    events = [
        happening(services.clock, account_id, "channel_create", {"n": number}, about="one")
        for number in range(many)
    ]
    await services.commit(Batch(events=events))
    got = await receiver.until(many, seconds=50)
    assert [each.json["n"] for each in got] == list(range(many))


async def test_more_than_there_is_room_for_waits_in_the_store(
    api: Api, receiver: Receiver
) -> None:
    await hook(api, receiver.url, hook="channel_create", custom_data={})
    services, account_id, many = api.gateway.services, api.master.account_id, 3 * ROOM
    events = [
        happening(services.clock, account_id, "channel_create", {"n": number})
        for number in range(many)
    ]
    await services.commit(Batch(events=events))
    got = await receiver.until(many, seconds=50)
    assert len({each.message_id for each in got}) == many


async def test_a_fault_ends_no_delivering(api: Api, receiver: Receiver) -> None:
    hook_id = await hook(api, receiver.url)
    services, key = api.gateway.services, Key(api.master.account_id, HOOK_TYPE, hook_id)

    async def write(document: Document) -> None:
        before = (await services.store.get(key) or {})["_rev"]
        put = Put(key, {**document, "_rev": next_revision(before)}, before, sort="")
        event = Event("changed", key, put.document["_rev"], services.clock.gregorian(), {})
        await services.commit(Batch(puts=(put,), events=(event,)))

    whole = await services.store.get(key)
    assert whole is not None
    with capture_logs() as logs:
        await write({name: value for name, value in whole.items() if name != "hook"})
        await make(api, "devices")
        for _ in range(1000):
            if any(each["event"] == "webhooks_failed" for each in logs):
                break
            await asyncio.sleep(0.02)
        await write(whole)
    await receiver.until(1)


async def test_what_waits_is_delivered_after_a_restart(
    settings: Settings, clock: FixedClock, receiver: Receiver
) -> None:
    receiver.answer = lambda got: web.Response(status=500)
    async with running_api(settings, clock) as api:
        hook_id = await hook(api, receiver.url)
        await make(api, "devices")
        await attempts(api, hook_id, 1)
        master = api.master
    receiver.answer = lambda got: web.Response()
    clock.advance(60)
    async with running_api(settings, clock, master) as api:
        first, second = (await receiver.until(2))[:2]
        assert first.message_id == second.message_id


def delivery(number: int, about: str = "") -> dict[str, Any]:
    return {"_id": str(number), "report": {"about": about or str(number)}}


def test_a_lane_that_fails_narrows_and_rests() -> None:
    lane = Lane("account", "hook", has_more=False)
    for number in range(ROOM):
        assert lane.has_room
        lane.add(delivery(number))
    assert not lane.has_room
    taken = [lane.take() for _ in range(FIRST)]
    assert all(taken)
    assert lane.take() is None
    for each in taken:
        assert each is not None
        lane.free(each)
    assert lane.note(success=False) == []
    assert lane.width == FIRST // 2
    for _ in range(TOO_MANY - 2):
        assert lane.note(success=False) == []
    excess = lane.note(success=False)
    assert [each["_id"] for each in excess] == [str(n) for n in range(FIRST + SMALL, ROOM)]
    assert lane.take() is None
    assert lane.has_more
    lane.note(success=True)
    assert lane.take() is not None


def test_what_waits_in_the_store_is_not_overtaken() -> None:
    assert Lane("account", "hook", has_more=False).has_room
    assert not Lane("account", "hook", has_more=True).has_room
    assert not Lane("account", "hook", has_more=False, is_looking=True).has_room
    assert not Lane("account", "hook", has_more=False, unwritten=1).has_room


@pytest.mark.parametrize(
    ("changes", "taken"),
    [
        ({}, False),
        ({"until": 0}, True),
        ({"process": os.getpid()}, True),
        ({"process": 2**22 + 1}, True),
        ({"process": 2**22 + 1, "node": "elsewhere"}, False),
    ],
)
async def test_one_process_delivers(api: Api, changes: dict[str, Any], taken: bool) -> None:
    services = api.gateway.services
    first, second = Lease(services), Lease(services)
    assert await first.take()
    stored = await services.store.get(STATE)
    assert stored is not None
    # The parent of this process is alive, as far as anybody can tell.
    first._state = {**stored}
    facts = {"until": stored["until"], "process": os.getppid(), **changes}
    await first._write(facts, Batch())
    assert await second.take() is taken


async def test_who_was_too_slow_is_told(api: Api, clock: FixedClock) -> None:
    services = api.gateway.services
    first, second = Lease(services), Lease(services)
    assert await first.take()
    clock.advance(HELD + 1)
    assert await second.take()
    with pytest.raises(Conflict):
        await first.write(1, 1)
    await second.release(7, 9)
    assert await first.take()
    assert (first.reached, first.ahead) == (7, 9)
