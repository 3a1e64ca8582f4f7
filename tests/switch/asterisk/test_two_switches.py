"""Two switches with an Asterisk each, on one store."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import baresip
import pytest

from crossbar.app import open_gateway
from crossbar.core.live import SWITCH, find_alive
from crossbar.settings import Settings
from crossbar.storage import SYSTEM
from crossbar.switch.asterisk import Program, running
from crossbar.switch.flows import Flows
from tests.conftest import QUICK
from tests.ports import free_port
from tests.switch.asterisk.carrier import carrier
from tests.switch.asterisk.conftest import MEDIA_PORTS, Office, with_settings
from tests.switch.asterisk.phones import WITHIN, Phone, Shop, until
from tests.switch.asterisk.test_carriers import NUMBER, resource, way_out
from tests.switch.asterisk.test_queues import queue_of

pytestmark = pytest.mark.thorough

FIRST_MEDIA_PORT = 55_000


@pytest.fixture
async def beside(
    office: Office, overrides: dict[str, Any], storage_url: str, asterisk: Program, tmp_path: Path
) -> AsyncIterator[Office]:
    """The same account on another switch."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
    first = FIRST_MEDIA_PORT + number * MEDIA_PORTS
    changed = {
        "switch.folder": str(tmp_path / "beside"),
        "switch.sip_port": free_port(),
        "switch.first_media_port": first,
        "switch.last_media_port": first + MEDIA_PORTS - 1,
    }
    settings = Settings.load(
        None, {}, {"storage.url": storage_url, **QUICK, **overrides, **changed}
    )
    async with open_gateway(settings, clock=office.api.clock) as gateway:
        services, folder = gateway.services, settings.switch_folder()
        async with running(services, asterisk, folder, Flows(services).run) as station:
            async with asyncio.timeout(WITHIN):
                await station.exchange.ready.wait()
            phones = office.shop.beside(settings.switch.sip_port)
            assert await find_alive(services, SWITCH, SYSTEM, station.teller.source)
            yield Office(office.api, station, phones, office.account_id, office.realm)
        assert not await find_alive(services, SWITCH, SYSTEM, station.teller.source)


async def phone_at(shop: Shop, username: str, realm: str) -> Phone:
    """A phone that registers at the switch of a shop."""
    phone = await shop.phone(username, f"secret of {username}", realm)
    await phone.register()
    return phone


@with_settings(outbound_calls=1)
async def test_one_ceiling_holds_in_both(office: Office, beside: Office) -> None:
    async with carrier("127.0.0.2", office.sip_port) as telco:
        await resource(office, telco.gateway())
        await way_out(office)
        for name in ("ann", "ben"):
            await office.device(name)
        ann = await phone_at(office.shop, "ann", office.realm)
        ben = await phone_at(beside.shop, "ben", office.realm)
        calls = await asyncio.gather(ann.dial(NUMBER), ben.dial(NUMBER))
        closed = baresip.CallState.CLOSED
        await until(lambda: [call.state for call in calls].count(closed) == 1)
        await telco.rings()
        assert len(telco.requests("INVITE")) == 1
        for phone in (ann, ben):
            await phone.hang_up()
            await phone.is_idle()
        lines = (office.station.exchange.lines, beside.station.exchange.lines)
        await until(lambda: not any(lines))


async def test_an_agent_who_is_registered_at_both_is_rung_by_one(
    office: Office, beside: Office
) -> None:
    queue_id = await queue_of(office)
    user = {"first_name": "Carl", "last_name": "Lee", "queues": [queue_id]}
    agent_id = (await office.api.put(f"{office.path}/users", user)).expect(201).data["id"]
    for name in ("ann", "ben"):
        await office.device(name)
    for name in ("carl", "dora"):
        await office.device(name, owner_id=agent_id)
    ann = await phone_at(office.shop, "ann", office.realm)
    ben = await phone_at(beside.shop, "ben", office.realm)
    desks = [
        await phone_at(office.shop, "carl", office.realm),
        await phone_at(beside.shop, "dora", office.realm),
    ]
    await asyncio.gather(ann.call("700"), ben.call("700"))
    path = f"{office.path}/agents/{agent_id}/status"
    (await office.api.post(path, {"status": "login"})).expect(200)
    await until(lambda: any(desk.calls for desk in desks))
    [first] = [at for at, desk in enumerate(desks) if desk.calls]
    caller, other = (ann, ben) if first == 0 else (ben, ann)
    await caller.hears(desks[first].tone)
    assert not desks[1 - first].calls
    await desks[first].hang_up()
    await until(lambda: bool(desks[1 - first].calls))
    await other.hears(desks[1 - first].tone)
    assert len(desks[first].calls) == 1
