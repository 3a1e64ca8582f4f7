"""Who is asked for at a phone, and where: what a device says of how it is called."""

from __future__ import annotations

from typing import Any

import baresip
import pytest

from tests.switch.asterisk.conftest import Office, with_settings
from tests.switch.asterisk.phones import until
from tests.switch.asterisk.sip import silent_phone

NUMBER = "+14155550123"

pytestmark = pytest.mark.thorough


async def test_a_device_is_asked_for_whom_it_wants(office: Office) -> None:
    await office.number(NUMBER)
    device = await office.device("eve")
    await office.callflow(NUMBER, "device", device["id"])
    path = f"{office.path}/devices/{device['id']}"
    ann = await office.phone("ann")
    wanted: list[tuple[dict[str, Any], str]] = [
        ({"invite_format": "contact"}, "eve"),
        ({"invite_format": "username"}, "eve"),
        ({"invite_format": "e164"}, "+14155550123"),
        ({"invite_format": "npan"}, "4155550123"),
        ({"invite_format": "1npan"}, "14155550123"),
        ({"invite_format": "strip_plus"}, "14155550123"),
        ({"invite_format": "e164", "number": "4155550199"}, "+14155550199"),
        ({"static_invite": "desk"}, "desk"),
    ]
    async with silent_phone("eve", "secret of eve", office.realm, office.sip_port) as eve:
        assert (await eve.register()).status == 200
        for sip, user in wanted:
            (await office.api.patch(path, {"sip": sip})).expect(200)
            eve.invited.clear()
            await ann.dial(NUMBER)
            await until(lambda: bool(eve.invited))
            assert eve.invited[0].user == user, sip
            await ann.hang_up()


async def test_a_phone_is_shown_callers_as_documents_want_it_or_nobody(office: Office) -> None:
    rules = {"caller_id_number": {"regex": r"^\+1(\d{10})$", "prefix": "9"}}
    device = await office.device("eve", formatters=rules)
    await office.callflow("200", "device", device["id"])
    await office.callflow("201", "device", device["id"], suppress_clid=True)
    shown = {"internal": {"name": "Ann Lee", "number": "+12125550111"}}
    ann = await office.phone("ann", caller_id=shown)
    async with silent_phone("eve", "secret of eve", office.realm, office.sip_port) as eve:
        assert (await eve.register()).status == 200
        for number, is_shown in (("200", True), ("201", False)):
            eve.invited.clear()
            await ann.dial(number)
            await until(lambda: bool(eve.invited))
            sender = eve.invited[0].header("from")
            assert ("Ann Lee" in sender) is ("92125550111" in sender) is is_shown, sender
            assert "ann" not in sender.replace("Ann Lee", "").lower().partition("@")[0], sender
            await ann.hang_up()


async def test_a_device_is_called_where_it_always_is(office: Office) -> None:
    async with silent_phone("eve", "", office.realm, office.sip_port) as eve:
        route = {"invite_format": "route", "route": f"sip:gate@{eve.address}"}
        device = await office.device("eve", sip=route)
        await office.callflow("2000", "device", device["id"])
        await (await office.phone("ann")).dial("2000")
        await until(lambda: bool(eve.invited))
        assert eve.invited[0].user == "gate"


@with_settings(allow_private_carriers=False)
async def test_nobody_is_called_in_a_private_network(office: Office) -> None:
    async with silent_phone("eve", "", office.realm, office.sip_port) as eve:
        route = {"invite_format": "route", "route": f"sip:gate@{eve.address}"}
        device = await office.device("eve", sip=route)
        await office.callflow("2000", "device", device["id"])
        call = await (await office.phone("ann")).dial("2000")
        await until(lambda: call.state is baresip.CallState.CLOSED)
        assert eve.invited == []
