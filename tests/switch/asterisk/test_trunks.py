"""Telephone systems of an account (``connectivity``): they call out, and numbers lead to them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.switch.asterisk.carrier import Carrier, carrier
from tests.switch.asterisk.conftest import Office
from tests.switch.asterisk.phones import until
from tests.switch.asterisk.test_arriving import refused
from tests.switch.asterisk.test_carriers import NUMBER, resource

pytestmark = pytest.mark.thorough

OUTSIDE = "+14155550177"


@pytest.fixture
async def telco(office: Office) -> AsyncIterator[Carrier]:
    """A carrier, by which calls leave and come."""
    async with carrier("127.0.0.2", office.sip_port) as made:
        await resource(office, made.gateway())
        yield made


@pytest.fixture
async def pbx(office: Office) -> AsyncIterator[Carrier]:
    """A telephone system at an address of its own."""
    async with carrier("127.0.0.3", office.sip_port, tone=900) as made:
        yield made


def at(system: Carrier) -> dict[str, Any]:
    """How a server is known by its address."""
    return {"auth_method": "IP", "ip": system.host, "port": system.port}


async def trunk(office: Office, auth: Any, **options: Any) -> str:
    """A document with a server, which has the number."""
    server = {"name": "PBX", "auth": auth, "options": options, "DIDs": {NUMBER: {}}}
    path = f"{office.path}/connectivity"
    made: str = (await office.api.put(path, {"servers": [server]})).expect(201).data["id"]
    return made


async def test_a_server_with_a_password_calls_out_and_is_called(
    office: Office, telco: Carrier
) -> None:
    await office.number(NUMBER)
    auth = {"auth_method": "password", "auth_user": "pbx", "auth_password": "long and secret"}
    shown = {"cid_name": "Acme", "cid_number": "+12125550111"}
    doc_id = await trunk(office, auth, inbound_format="username", caller_id=shown)
    system = await office.shop.phone("pbx", "long and secret", office.realm)
    await system.register()
    assert [each["username"] for each in await office.rows("registrations")] == ["pbx"]
    await system.call("4155550177")
    left = await telco.rings()
    assert left.invite.user == OUTSIDE
    assert '"Acme" <sip:+12125550111@' in left.invite.header("from")
    await system.hears(telco.tone)
    await left.hears(system.tone)
    legs = {each["direction"]: each for each in await office.rows("channels")}
    assert legs["inbound"]["authorizing_type"] == "sys_info"
    assert legs["inbound"]["authorizing_id"] == doc_id
    await system.hang_up()
    await left.ends()
    came = await telco.call(NUMBER)
    await system.hears(telco.tone)
    await came.hears(system.tone)


async def test_a_server_is_known_by_its_address(
    office: Office, telco: Carrier, pbx: Carrier
) -> None:
    await office.number(NUMBER)
    doc_id = await trunk(office, at(pbx), inbound_format="1npan")
    ann = await office.phone("ann", "101")
    call = await pbx.call("101", "4155550100")
    await call.hears(ann.tone)
    pbx.hang_up(call)
    call = await pbx.call("14155550177", "4155550100")
    left = await telco.rings()
    assert left.invite.user == OUTSIDE
    await call.hears(telco.tone)
    pbx.hang_up(call)
    came = await telco.call(NUMBER)
    rings = await pbx.rings(3)
    assert rings.invite.user == NUMBER.removeprefix("+")
    assert "+15550001111" in rings.invite.header("from")
    await came.hears(pbx.tone)
    assert await refused(await pbx.call("+19005550100")) == 403
    other = await office.neighbour("Other")
    server = {"auth": at(pbx)}
    (await office.api.put(f"{other.path}/connectivity", {"servers": [server]})).expect(400)
    path = f"{office.path}/connectivity/{doc_id}"
    servers = (await office.api.get(path)).data["servers"]
    servers[0]["options"]["enabled"] = False
    (await office.api.patch(path, {"servers": servers})).expect(200)
    assert await refused(await pbx.call(OUTSIDE)) == 401


async def test_a_server_is_called_with_headers_of_its_own_but_none_of_sip(
    office: Office, telco: Carrier, pbx: Carrier
) -> None:
    await office.number(NUMBER)
    headers = [{"X-Plan": "gold", "Via": "evil", "X-Two": "a\r\nX-Evil: yes"}]
    await trunk(office, at(pbx), sip_headers=headers)
    came = await telco.call(NUMBER)
    invite = (await pbx.rings()).invite
    assert invite.header("x-plan") == "gold"
    assert "evil" not in invite.raw.lower()
    await came.hears(pbx.tone)


async def test_nobody_is_a_server_by_what_is_written(office: Office, telco: Carrier) -> None:
    doc_id = await trunk(office, {"auth_method": "IP", "ip": "127.0.0.3"})
    await trunk(office, {"auth_method": "password", "auth_user": "open"})
    name = f"{office.account_id}.server.{doc_id}.0"
    async with carrier("127.0.0.4", office.sip_port) as stranger:
        for caller in (NUMBER, name, "from.127.0.0.3", f"open@{office.realm}"):
            assert await refused(await stranger.call(OUTSIDE, caller)) == 401
    assert await refused(await telco.call(OUTSIDE, name)) == 404
    assert not telco.requests("INVITE")


async def test_what_is_called_when_a_server_fails(
    office: Office, telco: Carrier, pbx: Carrier
) -> None:
    await office.number(NUMBER)
    pbx.answers = lambda _: [503]
    await trunk(office, at(pbx), failover={"e164": OUTSIDE})
    call = await telco.call(NUMBER)
    left = await telco.rings(2)
    assert left.invite.user == OUTSIDE
    await until(lambda: call.answered)
    assert len(pbx.dialogs) == 1


async def test_a_server_that_takes_its_number_for_anothers_is_not_called_for_ever(
    office: Office, pbx: Carrier
) -> None:
    await office.number(NUMBER)
    await trunk(office, at(pbx))
    calls = [await pbx.call(NUMBER) for _ in range(4)]
    await until(lambda: all(each.answered or each.over for each in calls))
    assert [each.statuses[-1] for each in calls if each.over] == [404]
