"""Which carriers are known, without an Asterisk, whatever becomes of the store meanwhile."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from crossbar.documents import Document
from crossbar.storage import SYSTEM, Event, Key, Row, Span, Unreachable
from crossbar.storage.sqlite import SQLiteStore
from crossbar.switch.asterisk.carriers import MOST_NAMES, Carriers
from crossbar.switch.asterisk.phones import Phones
from tests.conftest import Api
from tests.switch.asterisk.conftest import with_settings
from tests.switch.asterisk.phones import until


@pytest.fixture
def storage_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'crossbar.db'}"


class Flaky(SQLiteStore):
    """A store that is away now and then."""

    is_away = False

    async def get(self, key: Key) -> Document | None:
        if self.is_away:
            raise Unreachable("away")
        return await super().get(key)

    async def scan(self, span: Span) -> AsyncIterator[Row]:
        if self.is_away:
            raise Unreachable("away")
        async for row in super().scan(span):
            yield row


async def resource(api: Api, *addresses: str, path: str = "/v2") -> str:
    gateways = [{"server": address} for address in addresses]
    asked = {"name": "Telco", "rules": [r"^\d+$"], "gateways": gateways}
    made: str = (await api.put(f"{path}/resources", asked)).expect(201).data["id"]
    return made


@pytest.fixture
async def flaky(api: Api) -> AsyncIterator[Flaky]:
    """The store of the gateway, opened once more."""
    store = Flaky(api.gateway.services.settings.storage.url.removeprefix("sqlite:///"))
    await store.open()
    yield store
    await store.close()


async def test_carriers_are_no_strangers_once_the_store_is_back(api: Api, flaky: Flaky) -> None:
    made = await resource(api, "192.0.2.1")
    carriers = Carriers(replace(api.gateway.services, store=flaky))
    flaky.is_away = True
    with pytest.raises(Unreachable):
        await carriers.at("192.0.2.1")
    flaky.is_away = False
    [gateway] = await carriers.at("192.0.2.1")
    assert gateway.resource["_id"] == made

    (await api.delete(f"/v2/resources/{made}")).expect(200)
    carriers.notice(Event("deleted", Key(SYSTEM, "resource", made), "1-x", 0, {}))
    flaky.is_away = True
    with pytest.raises(Unreachable):
        await carriers.at("192.0.2.1")
    flaky.is_away = False
    assert await carriers.at("192.0.2.1") == []


async def test_much_that_changes_before_anybody_asks_is_forgotten(api: Api) -> None:
    await resource(api, "192.0.2.1")
    carriers = Carriers(api.gateway.services)
    for number in range(2000):
        carriers.notice(Event("changed", Key(SYSTEM, "resource", str(number)), "1-x", 0, {}))
    assert len(carriers._gateways._stale) <= 1000
    assert len(await carriers.at("192.0.2.1")) == 1


async def at_last(carriers: Carriers, address: str) -> None:
    """Wait until a carrier is known at an address."""
    for _ in range(1000):
        if await carriers.at(address):
            return
        await asyncio.sleep(0.01)
    pytest.fail(f"no carrier is at {address}")


async def test_slow_name_servers_of_an_account_hold_up_nothing_else(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its names that are asked for are few, too."""
    asks, asked, answers = socket.getaddrinfo, set(), threading.Event()

    def ask(host: str, *rest: Any, **more: Any) -> Any:
        if not host.startswith("slow"):
            return asks(host, *rest, **more)
        asked.add(host)
        answers.wait(20)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", ask)
    account = await api.create_account("Acme")
    hosts = [f"slow{each}.example" for each in range(40)]
    await resource(api, *hosts, path=f"/v2/accounts/{account}")
    await resource(api, "localhost")
    carriers = Carriers(api.gateway.services)
    work = asyncio.create_task(carriers.work())
    try:
        async with asyncio.timeout(4):
            await at_last(carriers, "127.0.0.1")
            await asyncio.to_thread(lambda: None)
        answers.set()
        await until(lambda: len(asked) >= MOST_NAMES)
        assert not work.done()
    finally:
        answers.set()
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
    assert len(asked) == MOST_NAMES


async def test_a_resource_has_so_many_gateways(api: Api) -> None:
    await resource(api, *["192.0.2.1"] * 100)
    gateways = [{"server": "192.0.2.1"}] * 101
    refused = await api.put("/v2/resources", {"name": "Telco", "gateways": gateways})
    assert "maxItems" in refused.expect(400).data["gateways"]


@with_settings(allow_private_carriers=False)
async def test_servers_are_known_by_addresses_that_anybody_may_have(api: Api) -> None:
    """Those of this machine or its network are phones and browsers of all accounts."""
    account = await api.create_account("Acme")
    addresses = ("8.8.8.8", "127.0.0.3", "10.1.2.3", "none", "2001:4860:4860::8888")
    servers = [{"auth": {"auth_method": "ip", "ip": each}} for each in addresses]
    path = f"/v2/accounts/{account}/connectivity"
    made = (await api.put(path, {"servers": servers})).expect(201).data["id"]
    phones = Phones(api.gateway.services)
    assert await phones.servers.addresses() == ["8.8.8.8", "2001:4860:4860::8888"]
    name = await phones.servers.at("8.8.8.8")
    found = await phones.find(name)
    assert found is not None
    assert found.party.server_id == f"server.{made}.0"
    (await api.patch(f"/v2/accounts/{account}", {"enabled": False})).expect(200)
    phones.forget()
    assert await phones.find(name) is None
