"""Calls that come from carriers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from tests.families.webhooks.receiver import receiving
from tests.switch.asterisk.carrier import Carrier, Dialog, carrier
from tests.switch.asterisk.conftest import Office
from tests.switch.asterisk.phones import until
from tests.switch.asterisk.test_carriers import NUMBER, resource

pytestmark = pytest.mark.thorough

OTHER = "+14155550177"


@pytest.fixture
def overrides(overrides: dict[str, Any]) -> dict[str, Any]:
    return overrides | {"numbers.local_feature_override": True}


@pytest.fixture
async def telco(office: Office) -> AsyncIterator[Carrier]:
    async with carrier("127.0.0.2", office.sip_port) as made:
        yield made


async def refused(call: Dialog) -> int:
    """The status by which a call of a carrier is refused."""
    await call.ends()
    return call.statuses[-1]


async def test_a_call_for_a_number_reaches_its_callflow(office: Office, telco: Carrier) -> None:
    resource_id = await resource(office, telco.gateway())
    await office.number(NUMBER, prepend={"enabled": True, "name": "Sales "})
    ann = await office.phone("ann", NUMBER)
    call = await telco.call("4155550100", name="Mr Smith")
    await ann.hears(telco.tone)
    await call.hears(ann.tone)
    legs = {each["direction"]: each for each in await office.rows("channels")}
    came, rings = legs["inbound"], legs["outbound"]
    assert came["authorizing_type"] == "resource"
    assert came["custom_channel_vars"]["resource_id"] == resource_id
    assert came["inception"] == "offnet"
    assert came["destination"] == NUMBER
    assert came["caller_id_number"] == "+15550001111"
    assert rings["caller_id_name"] == "Sales Mr Smith"
    telco.hang_up(call)
    await ann.is_idle()
    await until(lambda: not office.station.exchange.lines)
    assert len(await office.rows("cdrs")) == 2


@pytest.mark.parametrize("called", ["14155550100", "+14155550100"])
async def test_a_number_is_known_however_the_carrier_writes_it(
    office: Office, telco: Carrier, called: str
) -> None:
    await resource(office, telco.gateway())
    await office.number(NUMBER)
    await office.phone("ann", NUMBER)
    call = await telco.call(called)
    await until(lambda: call.answered)


async def test_what_a_carrier_tells_is_rewritten_as_its_formatters_say(
    office: Office, telco: Carrier
) -> None:
    rules = {
        "request": [{"direction": "outbound", "value": "1"}, {"regex": "^77(.*)$", "prefix": "+"}],
        "from": {"regex": r"^00(\d+)$", "prefix": "+"},
        "caller_id_name": {"suffix": " (by Telco)"},
    }
    await resource(office, telco.gateway(), formatters=rules)
    await office.number(NUMBER)
    await office.phone("ann", NUMBER)
    call = await telco.call(f"77{NUMBER[1:]}", "0015550001111", name="Mr Smith")
    await until(lambda: call.answered)
    legs = {each["direction"]: each for each in await office.rows("channels")}
    assert legs["inbound"]["destination"] == NUMBER
    assert legs["outbound"]["caller_id_number"] == "+15550001111"
    assert legs["outbound"]["caller_id_name"] == "Mr Smith (by Telco)"
    assert await refused(await telco.call("78" + NUMBER[1:])) == 404


async def test_the_name_of_a_caller_is_looked_up_where_the_number_wants_it(
    office: Office, telco: Carrier
) -> None:
    await resource(office, telco.gateway())
    prepend = {"enabled": True, "name": "Sales "}
    await office.number(NUMBER, cnam={"inbound_lookup": True}, prepend=prepend)
    await office.number(OTHER)
    ann, ben = await office.phone("ann", NUMBER), await office.phone("ben", OTHER)
    async with receiving() as receiver:
        receiver.answer = lambda got: web.Response(text="Ann Lee")
        config = {"default": {"http_url": f"{receiver.url}/{{{{phone_number}}}}"}}
        (await office.api.post("/v2/system_configs/cnam", config)).expect(200)
        shown = []
        for number, phone in ((NUMBER, ann), (OTHER, ben)):
            call = await telco.call(number, name="Mr Smith")
            await until(lambda call=call: call.answered)  # type: ignore[misc]
            legs = await office.rows("channels")
            shown += [each["caller_id_name"] for each in legs if each["direction"] == "outbound"]
            telco.hang_up(call)
            await phone.is_idle()
            await until(lambda: not office.station.exchange.lines)
        hidden = "Privacy: id\r\nP-Asserted-Identity: <sip:+15550002222@127.0.0.2>\r\n"
        call = await telco.call(NUMBER, headers=hidden)
        await until(lambda: call.answered)
    assert shown == ["Sales Ann Lee", "Mr Smith"]
    assert [got.path for got in receiver.got] == ["/+15550001111"]


async def test_formatters_bring_no_calls_for_the_numbers_of_others(
    office: Office, telco: Carrier
) -> None:
    other = await office.neighbour("Other")
    await other.number(OTHER)
    await other.phone("ben", OTHER)
    await resource(office, telco.gateway(), account=True, formatters={"request": {"value": OTHER}})
    assert await refused(await telco.call("1")) == 404


async def test_numbers_that_nobody_has_here_are_not_known(office: Office, telco: Carrier) -> None:
    await resource(office, telco.gateway())
    # It is in a callflow, but not the account's number; and there is a way out.
    await office.phone("ann", OTHER)
    await office.callflow("no_match", "offnet", "")
    for called in (OTHER, "+19005550100", "101", "no_match", "911"):
        assert await refused(await telco.call(called)) == 404
    assert not telco.requests("INVITE")


async def test_strangers_are_refused_whatever_they_write(office: Office, telco: Carrier) -> None:
    await resource(office, telco.gateway())
    await office.number(NUMBER)
    await office.phone("ann", NUMBER)
    address = f"from.{telco.host}"
    async with carrier("127.0.0.3", office.sip_port) as stranger:
        for caller in (
            "+15550001111",
            f"+15550001111@{telco.host}",
            f"{address}@{telco.host}",
            address,
            "from.127.0.0.2@127.0.0.1",
        ):
            call = await stranger.call(NUMBER, caller)
            assert await refused(call) == 401
        assert not office.station.exchange.lines
    await resource(office, {"server": telco.host, "username": "us", "password": "secret"})
    async with carrier("127.0.0.3", office.sip_port) as stranger:
        [row, *_] = (await office.api.get("/v2/resources")).data
        call = await stranger.call(NUMBER, f"to.system.{row['id']}.0@{telco.host}")
        assert await refused(call) == 401


async def test_a_carrier_that_is_switched_off_is_a_stranger(
    office: Office, telco: Carrier
) -> None:
    resource_id = await resource(office, telco.gateway())
    await office.number(NUMBER)
    await office.phone("ann", NUMBER)
    call = await telco.call(NUMBER)
    await until(lambda: call.answered)
    await office.api.patch(f"/v2/resources/{resource_id}", {"enabled": False})
    assert await refused(await telco.call(NUMBER)) == 401


async def test_an_accounts_own_carrier_brings_calls_for_its_numbers_alone(
    office: Office, telco: Carrier
) -> None:
    await resource(office, telco.gateway(), account=True)
    other = await office.neighbour("Other")
    await office.number(NUMBER)
    await other.number(OTHER)
    await office.phone("ann", NUMBER)
    await other.phone("ben", OTHER)
    call = await telco.call(NUMBER)
    await until(lambda: call.answered)
    assert await refused(await telco.call(OTHER)) == 404
    await resource(office, telco.gateway())
    call = await telco.call(OTHER)
    await until(lambda: call.answered)


async def test_who_is_blocked_or_hides_is_refused_where_that_is_wanted(
    office: Office, telco: Carrier
) -> None:
    await resource(office, telco.gateway())
    await office.number(NUMBER)
    await office.phone("ann", NUMBER)
    blocked = {"name": "Pests", "numbers": {"+15550009999": {}}, "should_block_anonymous": True}
    made = (await office.api.put(f"{office.path}/blacklists", blocked)).expect(201).data
    (await office.api.patch(office.path, {"blacklists": [made["id"]]})).expect(200)
    call = await telco.call(NUMBER)
    await until(lambda: call.answered)
    assert await refused(await telco.call(NUMBER, "+15550009999")) >= 400
    assert await refused(await telco.call(NUMBER, "anonymous@anonymous.invalid")) >= 400
    hidden = "Privacy: id\r\nP-Asserted-Identity: <sip:+15550001111@127.0.0.2>\r\n"
    assert await refused(await telco.call(NUMBER, headers=hidden)) >= 400


async def test_a_number_of_another_account_here_is_reached_without_a_carrier(
    office: Office, telco: Carrier
) -> None:
    await resource(office, telco.gateway())
    other = await office.neighbour("Other")
    await other.number(OTHER)
    ben = await other.phone("ben", OTHER)
    ann = await office.phone("ann")
    await office.callflow("no_match", "offnet", "")
    await ann.call(OTHER)
    await ann.hears(ben.tone)
    await ben.hears(ann.tone)
    assert not telco.dialogs
    assert {each["inception"] for each in await other.rows("channels")} == {"offnet", "onnet"}


async def test_a_call_from_outside_is_forwarded_outside(office: Office, telco: Carrier) -> None:
    await resource(office, telco.gateway())
    await office.number(NUMBER)
    await office.callflow("no_match", "offnet", "")
    forward = {
        "enabled": True,
        "number": OTHER,
        "substitute": True,
        "keep_caller_id": True,
        "require_keypress": False,
    }
    await office.phone("ann", NUMBER, call_forward=forward)
    call = await telco.call(NUMBER)
    await until(lambda: call.answered)
    [left] = telco.requests("INVITE")
    assert left.user == OTHER
    assert "<sip:+15550001111@" in left.header("from")


async def test_a_carrier_is_known_by_the_addresses_of_its_name(office: Office) -> None:
    await office.number(NUMBER)
    await office.phone("ann", NUMBER)
    await resource(office, {"server": "localhost"}, {"server": "nowhere.invalid"})
    async with carrier("127.0.0.1", office.sip_port) as telco:
        call = await telco.call(NUMBER)
        await call.is_decided()
        while not call.answered:  # the name is being found out
            assert call.statuses[-1] == 401
            call = await telco.call(NUMBER)
            await call.is_decided()
