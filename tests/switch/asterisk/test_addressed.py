"""Phones that are known by the address that they call from."""

from __future__ import annotations

import os
from typing import Any

import pytest

from crossbar.documents import Document
from crossbar.storage import SYSTEM, Event, Key, Span
from crossbar.switch.asterisk.addressed import Addressed
from crossbar.switch.asterisk.carriers import Carriers
from crossbar.switch.asterisk.phones import Phones
from tests.conftest import Api
from tests.switch.asterisk.carrier import carrier
from tests.switch.asterisk.conftest import Office

WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
ADDRESS = f"127.0.{100 + WORKER}.2"
"""Where the other exchange is: it is called at the usual port, which nobody else may have."""


def known_by(address: str, **more: Any) -> Document:
    return {"method": "ip", "ip": address, **more}


@pytest.mark.thorough
async def test_an_exchange_calls_and_is_called_without_a_password(office: Office) -> None:
    asked = {"name": "Exchange", "sip": known_by(ADDRESS)}
    device = (await office.api.put(f"{office.path}/devices", asked)).expect(201).data
    await office.callflow("200", "device", device["id"])
    ann = await office.phone("ann", "101")
    async with (
        carrier(ADDRESS, office.sip_port, 5060) as exchange,
        carrier("127.0.0.3", office.sip_port) as stranger,
    ):
        dialog = await exchange.call("101", caller="7001")
        await ann.hears(exchange.tone)
        await dialog.hears(ann.tone)
        [row] = [each for each in await office.rows("channels") if each["direction"] == "inbound"]
        assert row["authorizing_id"] == device["id"]
        assert row["caller_id_number"] == "7001"
        exchange.hang_up(dialog)
        await ann.is_idle()

        called = await ann.dial("200")
        ringing = await exchange.rings(2)
        assert ringing.invite.user == "200"
        await ann.hears(exchange.tone)
        await called.hangup()

        # Its name makes nobody else the exchange.
        for caller in ("7001", f"{office.account_id}.{device['id']}", f"7001@{ADDRESS}"):
            refused = await stranger.call("101", caller=caller)
            await refused.ends()
            assert refused.statuses[-1] == 401

        # Whoever is a carrier is no phone, and calls nobody's extension.
        gateways = {"name": "Telco", "gateways": [{"server": ADDRESS}]}
        (await office.api.put("/v2/resources", gateways)).expect(201)
        refused = await exchange.call("101", caller="7001")
        await refused.ends()
        assert refused.statuses[-1] == 404


class TestKnown:
    """Who is known, without an Asterisk."""

    @pytest.fixture
    def overrides(self) -> dict[str, Any]:
        return {"switch.host": "192.0.2.1", "switch.public_address": "198.51.100.1"}

    @pytest.fixture
    def addressed(self, api: Api) -> Addressed:
        services = api.gateway.services
        made = Addressed(services, Phones(services), Carriers(services))
        services.events.subscribe(made)
        services.events.subscribe(made._phones)
        services.events.subscribe(made._carriers)
        return made

    async def device(self, api: Api, address: str, status: int = 201) -> str:
        asked = {"name": "Exchange", "sip": known_by(address)}
        made = (await api.put(f"{api.account}/devices", asked)).expect(status).data
        return str(made.get("id"))

    async def test_devices_are_known_as_long_as_they_may_be_used(
        self, api: Api, addressed: Addressed
    ) -> None:
        async def at() -> list[str]:
            return [row["match"] for row in await addressed.rows()]

        first = await self.device(api, "203.0.113.1")
        path = f"{api.account}/devices/{first}"
        [row] = await addressed.rows()
        assert row["endpoint"] == f"{api.master.account_id}.{first}"
        await self.device(api, "203.0.113.1", status=400)
        second = await self.device(api, "203.0.113.2")
        assert await at() == ["203.0.113.1", "203.0.113.2"]
        (await api.patch(path, {"enabled": False})).expect(200)
        assert await at() == ["203.0.113.2"]
        (await api.patch(path, {"enabled": True, "sip": {"ip": "203.0.113.3"}})).expect(200)
        assert sorted(await at()) == ["203.0.113.2", "203.0.113.3"]
        addressed.forget()
        assert sorted(await at()) == ["203.0.113.2", "203.0.113.3"]
        (await api.patch(path, {"sip": {"method": "password"}})).expect(200)
        assert await at() == ["203.0.113.2"]
        (await api.delete(f"{api.account}/devices/{second}")).expect(200)
        assert await at() == []
        addressed.forget()
        assert await at() == []
        store = api.gateway.services.store
        assert await store.count(Span(account_id=SYSTEM, doc_type="device_place")) == 0

    async def test_no_address_is_a_phones_by_which_others_are_known(
        self, api: Api, addressed: Addressed
    ) -> None:
        for address in ("127.0.0.1", "127.0.0.2", "192.0.2.1", "198.51.100.1", "203.0.113.1"):
            await self.device(api, address)
        assert [row["match"] for row in await addressed.rows()] == ["203.0.113.1"]
        gateways: Document = {"name": "Telco", "gateways": [{"server": "203.0.113.1"}]}
        made = (await api.put("/v2/resources", gateways)).expect(201).data["id"]
        assert await addressed.rows() == []
        (await api.delete(f"/v2/resources/{made}")).expect(200)
        assert len(await addressed.rows()) == 1
        # Nobody knows yet where this carrier is.
        named: Document = {"name": "Telco", "gateways": [{"server": "telco.example"}]}
        (await api.put("/v2/resources", named)).expect(201)
        assert await addressed.rows() == []

    async def test_nobody_is_such_a_phone_by_a_name(self, api: Api) -> None:
        sip = known_by("203.0.113.1", username="ann", password="secret-word")
        asked = {"name": "Exchange", "sip": sip}
        made = (await api.put(f"{api.account}/devices", asked)).expect(201).data
        account = await api.gateway.services.accounts.get(api.master.account_id)
        assert account is not None
        phones = Phones(api.gateway.services)
        assert await phones.find(f"ann@{account.realm}") is None
        phone = await phones.find(f"{account.account_id}.{made['id']}")
        assert phone is not None
        assert phone.uri("200") == "sip:ann@203.0.113.1"

    async def test_much_that_changes_before_anybody_asks_is_forgotten(
        self, api: Api, addressed: Addressed
    ) -> None:
        await self.device(api, "203.0.113.1")
        for number in range(2000):
            key = Key(SYSTEM, "device", str(number))
            addressed.notice(Event("changed", key, "1-x", 0, {}))
        assert len(addressed._devices._stale) <= 1000
        assert len(await addressed.rows()) == 1
