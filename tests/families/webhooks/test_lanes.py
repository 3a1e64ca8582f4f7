"""One receiver holds up no other, one process delivers, and what is begun is in order."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import pytest
from aiohttp import web

from crossbar.clock import FixedClock
from crossbar.core.telling import happening
from crossbar.errors import Conflict
from crossbar.families.webhooks.lanes import AT_ONCE, ROOM, TOO_MANY, Lane
from crossbar.families.webhooks.lease import HELD, STATE, Lease
from crossbar.settings import Settings
from crossbar.storage import Batch
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


async def test_reports_of_one_document_are_begun_in_order(api: Api, receiver: Receiver) -> None:
    await hook(api, receiver.url, hook="channel_create", custom_data={})
    services, account_id = api.gateway.services, api.master.account_id
    events = [
        happening(services.clock, account_id, "channel_create", {"n": number}, about="one")
        for number in range(50)
    ]
    await services.commit(Batch(events=events))
    got = await receiver.until(50)
    assert [each.json["n"] for each in got] == list(range(50))


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


def test_a_lane_that_fails_rests() -> None:
    lane = Lane("account", "hook", has_more=False)
    for number in range(2 * AT_ONCE):
        lane.offer(delivery(number))
    taken = [lane.take() for _ in range(AT_ONCE)]
    assert all(taken)
    assert lane.take() is None
    for each in taken:
        assert each is not None
        lane.finished(each)
    for _ in range(TOO_MANY):
        lane.note(success=False)
    assert lane.take() is None
    lane.note(success=True)
    assert lane.take() is not None


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
    await first._write({"until": stored["until"], "process": os.getppid(), **changes}, ())
    assert await second.take() is taken


async def test_who_was_too_slow_is_told(api: Api, clock: FixedClock) -> None:
    services = api.gateway.services
    first, second = Lease(services), Lease(services)
    assert await first.take()
    clock.advance(HELD + 1)
    assert await second.take()
    with pytest.raises(Conflict):
        await first.renew(1)
    await second.release(7)
    assert await first.take()
    assert first.reached == 7
