"""A running switch with real Asterisk and real phones.

Where there is no Asterisk and none can be fetched, tests are skipped and say so; with
CROSSBAR_TEST_SWITCH_REQUIRED they fail.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from crossbar.core.ports import Switch
from crossbar.documents import Document
from crossbar.settings import Settings
from crossbar.switch import SwitchBeside
from crossbar.switch.asterisk import Flow, Missing, Program, Station, obtain, running
from crossbar.switch.flows import Flows
from tests.conftest import Api
from tests.ports import free_port
from tests.sounding import tone
from tests.switch.asterisk.phones import WITHIN, Phone, Shop, shop

FETCHED = Path(__file__).parents[3] / "build/switch"
"""Where tests keep an Asterisk that they have fetched."""

MEDIA_PORTS = 200


@pytest.fixture(scope="session")
def asterisk() -> Program:
    """The Asterisk of this machine, which is fetched once if need be."""
    FETCHED.mkdir(parents=True, exist_ok=True)
    with (FETCHED / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            return obtain(FETCHED, print)
        except Missing as missing:
            if os.environ.get("CROSSBAR_TEST_SWITCH_REQUIRED"):
                pytest.fail(str(missing))
            pytest.skip(str(missing))


@pytest.fixture
def wanted() -> dict[str, Any]:
    """Settings of the switch that a test wants otherwise."""
    return {}


def with_settings(**values: Any) -> pytest.MarkDecorator:
    """Settings of the switch for a test."""
    return pytest.mark.parametrize("wanted", [values], ids=["set"])


@pytest.fixture
def overrides(tmp_path: Path, wanted: dict[str, Any]) -> dict[str, Any]:
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
    first = 30_000 + number * MEDIA_PORTS
    return {
        "webhooks.deliver": True,
        "webhooks.allow_private_addresses": True,
        "schemas.blocked_hosts": [],
        "switch.folder": str(tmp_path / "switch"),
        "switch.sip_port": free_port(),
        "switch.allow_private_carriers": True,
        "switch.first_media_port": first,
        "switch.last_media_port": first + MEDIA_PORTS - 1,
        **{f"switch.{name}": value for name, value in wanted.items()},
    }


@pytest.fixture
def flow() -> Flow | None:
    """What calls do; ``None``: what the flow of the number says."""
    return None


@pytest.fixture
def switch(settings: Settings) -> Switch:
    """The seam of the gateway leads to the running switch."""
    return SwitchBeside(settings.switch_folder())


@dataclass
class Office:
    """A running switch, an account on it, and phones."""

    api: Api
    station: Station
    shop: Shop
    account_id: str
    realm: str

    @property
    def sip_port(self) -> int:
        """Where the switch listens."""
        return self.api.gateway.services.settings.switch.sip_port

    @property
    def path(self) -> str:
        """The account in the API."""
        return f"/v2/accounts/{self.account_id}"

    async def neighbour(self, name: str) -> Office:
        """Another account on the same switch."""
        account = await self.api.gateway.services.accounts.get(await self.api.create_account(name))
        assert account is not None
        return Office(self.api, self.station, self.shop, account.account_id, account.realm)

    async def number(self, number: str, **more: Any) -> None:
        """A telephone number that is the account's, in service."""
        path = f"{self.path}/phone_numbers/{quote(number)}"
        (await self.api.put(path, {"create_with_state": "in_service"})).expect(201)
        if more:
            (await self.api.patch(path, more)).expect(200)

    async def device(self, username: str, **more: Any) -> Document:
        """A new device."""
        sip = {"username": username, "password": f"secret of {username}", **more.pop("sip", {})}
        asked = {"name": username.title(), "sip": sip, **more}
        made: Document = (await self.api.put(f"{self.path}/devices", asked)).expect(201).data
        return made

    async def phone(self, username: str, number: str = "", **more: Any) -> Phone:
        """A registered phone with a new device, which has a number."""
        device = await self.device(username, **more)
        if number:
            await self.callflow(number, "device", device["id"])
        phone = await self.shop.phone(username, f"secret of {username}", self.realm)
        phone.device_id = device["id"]
        await phone.register()
        return phone

    async def callflow(
        self, number: str, module: str, doc_id: str, children: Any = None, **data: Any
    ) -> Document:
        """A new callflow of one step, and what comes after it."""
        named = {"id": doc_id} if doc_id else {}
        flow = {"module": module, "data": {**named, **data}, "children": children or {}}
        asked = {"numbers": [number], "flow": flow}
        made: Document = (await self.api.put(f"{self.path}/callflows", asked)).expect(201).data
        return made

    async def media(self, content: bytes, content_type: str = "audio/wav", **more: Any) -> str:
        """A new media document with a file; its id."""
        asked = {"name": "Tone", **more}
        made = (await self.api.put(f"{self.path}/media", asked)).expect(201).data
        path = f"{self.path}/media/{quote(made['id'], safe='')}/raw"
        headers = {"Content-Type": content_type}
        (await self.api.post(path, raw=content, headers=headers)).expect(200)
        media_id: str = made["id"]
        return media_id

    async def sound(self, frequency: int, seconds: float, **more: Any) -> str:
        """A new media document with a tone; its id."""
        return await self.media(tone(seconds, frequency), **more)

    async def rows(self, path: str) -> list[Document]:
        """A list of the account, once all is told that has happened."""
        await self.station.teller.settled()
        found: list[Document] = (await self.api.get(f"{self.path}/{path}")).expect(200).data
        return found


@pytest.fixture
async def office(api: Api, asterisk: Program, flow: Flow | None) -> AsyncIterator[Office]:
    services = api.gateway.services
    folder = services.settings.switch_folder()
    account_id = await api.create_account("Acme")
    account = await services.accounts.get(account_id)
    assert account is not None
    async with (
        running(services, asterisk, folder, flow or Flows(services).run) as station,
        shop(services.settings.switch.sip_port) as phones,
    ):
        async with asyncio.timeout(WITHIN):
            await station.exchange.ready.wait()
        yield Office(api, station, phones, account_id, account.realm)
