"""What Asterisk is told of fax machines and of carriers that take faxes, without an Asterisk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from crossbar.core.ports import Command
from crossbar.documents import Document
from crossbar.errors import SwitchUnavailable
from crossbar.switch.asterisk import Exchange
from crossbar.switch.asterisk.carrier_rows import CarrierRows
from crossbar.switch.asterisk.carriers import Carriers
from crossbar.switch.asterisk.faxing import MOST_OF_ACCOUNT, Faxing
from crossbar.switch.asterisk.phones import Phones
from crossbar.switch.asterisk.tables import ROWS
from crossbar.switch.asterisk.trunks import Trunks
from tests.conftest import Api
from tests.families.support import make

PLAIN = "ulaw,alaw"
FAX: dict[str, Any] = {
    "to_number": "+14155550100",
    "from_number": "+14155550101",
    "document": {"url": "https://example.com/a.pdf"},
}


@pytest.fixture
def storage_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'crossbar.db'}"


@pytest.mark.parametrize(
    ("device", "by_t38", "codecs"),
    [
        ({"device_type": "fax"}, True, PLAIN),
        ({"media": {"fax_option": True}}, True, PLAIN),
        ({"device_type": "fax", "media": {"fax_option": False}}, False, PLAIN),
        ({"device_type": "fax", "media": {"audio": {"codecs": ["PCMA"]}}}, True, "alaw"),
        ({}, False, "g722,ulaw,alaw"),
    ],
    ids=["machine", "option", "sound alone", "own codecs", "telephone"],
)
async def test_a_fax_machine_speaks_in_plain_sound_or_by_t38(
    api: Api, device: dict[str, Any], by_t38: bool, codecs: str
) -> None:
    sip = {"username": "ann", "password": "secret-word"}
    doc_id = await make(api, "devices", name="Ann", sip=sip, **device)
    phone = await Phones(api.gateway.services).find(f"{api.master.account_id}.{doc_id}")
    assert phone is not None
    row = ROWS["ps_endpoints"]("ann", phone)
    assert (row.get("t38_udptl"), row["allow"]) == ("yes" if by_t38 else None, codecs)
    assert phone.party.is_fax == (codecs != "g722,ulaw,alaw")


@pytest.mark.parametrize("by_t38", [True, False])
async def test_a_carrier_takes_t38_as_its_gateway_says(api: Api, by_t38: bool) -> None:
    gateway = {"server": "192.0.2.1", "media": {"fax_option": by_t38}}
    asked = {"name": "Telco", "rules": [r"^\d+$"], "gateways": [gateway]}
    made = (await api.put("/v2/resources", asked)).expect(201).data["id"]
    services = replace(api.gateway.services)
    rows = CarrierRows(Carriers(services), Trunks(services))
    for name in (f"to.system.{made}.0", "from.192.0.2.1"):
        row = await rows.row("ps_endpoints", name)
        assert row is not None
        assert row.get("t38_udptl") == ("yes" if by_t38 else None)


async def test_one_account_does_not_take_all_modems(api: Api, tmp_path: Path) -> None:
    begun: list[Any] = []
    exchange = SimpleNamespace(
        services=api.gateway.services, teller=SimpleNamespace(source="one"), begin=begun.append
    )
    faxing = Faxing(cast(Exchange, exchange), tmp_path / "fax")

    async def send(account_id: str, at: str) -> Document:
        made = await api.put(f"/v2/accounts/{account_id}/faxes/outgoing", FAX)
        fax_id = made.expect(201).data["id"] if at == "" else at
        command = Command("faxes.send", account_id, {"fax_id": fax_id})
        known = await faxing.send(command)
        assert await faxing.send(command) == known == await faxing.status(command)
        return known

    with pytest.raises(SwitchUnavailable):
        await send(api.master.account_id, "0" * 32)
    others = [await api.create_account("Other")]
    for account_id in (api.master.account_id, *others):
        for _ in range(MOST_OF_ACCOUNT):
            assert await send(account_id, "") == {"status": "preparing", "source": "one"}
        with pytest.raises(SwitchUnavailable):
            await send(account_id, "")
    with pytest.raises(SwitchUnavailable):
        await send(await api.create_account("Third"), "")
    assert len(begun) == 20
    for each in begun:
        each.close()
