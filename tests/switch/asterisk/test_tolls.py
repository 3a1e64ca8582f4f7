"""What holds calls by carriers back, and what they cost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import baresip
import pytest

from crossbar.documents import Document
from tests.families.billing.support import pay_in
from tests.families.webhooks.receiver import receiving
from tests.families.webhooks.support import hook
from tests.switch.asterisk.carrier import Carrier, carrier
from tests.switch.asterisk.conftest import Office, with_settings
from tests.switch.asterisk.phones import Phone, until
from tests.switch.asterisk.test_carriers import NUMBER, RULES, failed, resource, way_out

pytestmark = pytest.mark.thorough

OTHER = "+14155550177"


@pytest.fixture
async def telco(office: Office) -> AsyncIterator[Carrier]:
    async with carrier("127.0.0.2", office.sip_port) as made:
        yield made


async def limit(office: Office, **limits: Any) -> None:
    (await office.api.post(f"{office.path}/limits", {"accept_charges": True, **limits})).expect(
        200
    )


async def rate(office: Office, cost: float, **more: Any) -> None:
    made = {"prefix": 1415, "rate_cost": cost, "direction": ["outbound"], **more}
    (await office.api.put("/v2/rates", made)).expect(201)


async def entries(office: Office) -> list[Document]:
    return await office.rows("ledgers/per-minute-voip")


async def left(office: Office) -> Any:
    await office.station.teller.settled()
    return (await office.api.get(f"{office.path}/ledgers/total")).expect(200).data["amount"]


async def ended(office: Office, phone: Phone) -> None:
    """Hang up, and wait until all is told."""
    await phone.hang_up()
    await until(lambda: not office.station.exchange.lines)
    await office.station.teller.settled()


@with_settings(outbound_calls=1)
async def test_an_account_makes_so_many_calls_at_a_time(office: Office, telco: Carrier) -> None:
    async with receiving() as receiver:
        wanted = {"type": "call_refused"}
        await hook(office.api, receiver.url, office.path, hook="notifications", custom_data=wanted)
        await resource(office, telco.gateway())
        await way_out(office)
        ann, ben = await office.phone("ann"), await office.phone("ben")
        await ann.call(NUMBER)
        assert await failed(ben, NUMBER) == 503
        [report] = await receiver.until(1)
    assert report.json["reason"] == "too_many_calls"
    other = await office.neighbour("Other")
    await other.callflow("no_match", "offnet", "")
    carl = await other.phone("carl")
    await carl.call(NUMBER)
    await ann.hang_up()
    await ann.is_idle()
    await ben.call(NUMBER)
    await limit(office, resource_consuming_calls=2)
    await ann.call(NUMBER)


@with_settings(outbound_calls=1)
async def test_two_calls_never_take_the_same_place(office: Office, telco: Carrier) -> None:
    telco.answers = lambda _: [180]
    await resource(office, telco.gateway())
    await way_out(office)
    phones = [await office.phone(name) for name in ("ann", "ben", "carl")]
    calls = await asyncio.gather(*(phone.dial(NUMBER) for phone in phones))
    closed = baresip.CallState.CLOSED
    await until(lambda: [call.state for call in calls].count(closed) == 2)
    await telco.rings()
    assert len(telco.requests("INVITE")) == 1


@with_settings(outbound_calls=0)
async def test_emergency_calls_are_never_held_back(office: Office, telco: Carrier) -> None:
    shown = {"emergency": {"number": "+14155550199"}, "external": {"number": "+14155550100"}}
    await resource(office, telco.gateway(), rules=["^911$"], emergency=True)
    await way_out(office)
    ann = await office.phone("ann", caller_id=shown)
    await ann.call("911")
    await ann.hears(telco.tone)
    assert "+14155550199" in (await telco.rings()).invite.header("from")


@with_settings(outbound_minutes=2)
async def test_an_account_calls_so_many_minutes_a_day(office: Office, telco: Carrier) -> None:
    await resource(office, telco.gateway())
    await way_out(office)
    ann = await office.phone("ann")
    await ann.call(NUMBER)
    await ann.hears(telco.tone)
    office.api.clock.advance(70)
    await ended(office, ann)
    await ann.call(NUMBER)
    await ann.hears(telco.tone)
    office.api.clock.advance(51)
    await ann.is_idle()
    await until(lambda: not office.station.exchange.lines)
    await office.station.teller.settled()
    assert await failed(ann, NUMBER) == 403
    office.api.clock.advance(86_400)
    await ann.call(NUMBER)


async def test_a_call_does_not_go_back_to_who_calls(office: Office, telco: Carrier) -> None:
    await resource(office, telco.gateway())
    await office.number(NUMBER)
    await way_out(office)
    forward = {"enabled": True, "number": OTHER, "substitute": True}
    await office.phone("ann", NUMBER, call_forward=forward)
    call = await telco.call(NUMBER, OTHER)
    await call.ends()
    assert not telco.requests("INVITE")


async def test_calls_do_not_go_in_circles_by_a_carrier(office: Office, telco: Carrier) -> None:
    """Calls are forwarded to a number that another network forwards back here."""
    await resource(office, telco.gateway())
    await office.number(NUMBER)
    await way_out(office)
    forward = {"enabled": True, "number": OTHER, "substitute": True}
    await office.phone("ann", NUMBER, call_forward=forward)
    telco.answers = lambda _: [180]
    calls = [await telco.call(NUMBER)]
    for count in (1, 2, 3):
        await until(lambda count=count: len(telco.requests("INVITE")) == count)  # type: ignore[misc]
        calls.append(await telco.call(NUMBER))
    await calls[-1].ends()
    assert len(telco.requests("INVITE")) == 3


@with_settings(authorize_calls=True)
async def test_a_call_is_charged_once_by_its_rate(office: Office, telco: Carrier) -> None:
    await resource(office, telco.gateway())
    await way_out(office)
    await rate(office, 0.06, rate_surcharge=0.01, rate_minimum=30, rate_increment=6)
    ann = await office.phone("ann")
    assert await failed(ann, NUMBER) == 403  # it has no credit
    await pay_in(office.api, office.path, 1)
    await ann.call(NUMBER)
    await ann.hears(telco.tone)
    office.api.clock.advance(61)
    await ended(office, ann)
    assert await left(office) == 0.924  # 1 - 0.01 - 0.06 * 66 / 60
    [entry] = await entries(office)
    assert entry["amount"] == -0.076
    assert entry["usage"] == {"type": "voice", "quantity": 61, "unit": "sec"}
    [record] = [
        each for each in await office.rows("cdrs") if each["call_id"] == entry["source"]["id"]
    ]
    assert record["direction"] == "outbound"
    telco.answers = lambda _: [180, 486]
    assert await failed_or_busy(ann) == 486
    assert await left(office) == 0.924


async def failed_or_busy(phone: Phone) -> int:
    call = await phone.dial(NUMBER)
    with pytest.raises(baresip.BaresipError) as refused:
        await call.wait_established()
    status: int = refused.value.status  # type: ignore[attr-defined]
    return status


@with_settings(authorize_calls=True)
async def test_a_call_ends_when_its_credit_does(office: Office, telco: Carrier) -> None:
    await resource(office, telco.gateway())
    await way_out(office)
    await rate(office, 1.2, rate_minimum=1, rate_increment=1)
    await pay_in(office.api, office.path, 1)
    ann = await office.phone("ann")
    await ann.call(NUMBER)
    await ann.hears(telco.tone)
    office.api.clock.advance(30)
    await ann.hears(telco.tone)
    office.api.clock.advance(21)
    await ann.is_idle()
    await until(lambda: not office.station.exchange.lines)
    assert await left(office) == -0.02


@with_settings(authorize_calls=True)
async def test_trunks_carry_calls_and_credit_what_is_beyond(
    office: Office, telco: Carrier
) -> None:
    await resource(office, telco.gateway(), rules=[*RULES, r"^\+1900\d{7}$"])
    await way_out(office)
    await limit(office, outbound_trunks=1, allow_prepay=False)
    await rate(office, 0.06)
    await pay_in(office.api, office.path, 1)
    ann, ben = await office.phone("ann"), await office.phone("ben")
    await ann.call(NUMBER)
    assert await failed(ben, NUMBER) == 403
    await limit(office, outbound_trunks=1)
    await ben.call(NUMBER)
    legs = [each for each in await office.rows("channels") if each["direction"] == "outbound"]
    by = sorted(each["custom_channel_vars"]["account_billing"] for each in legs)
    assert by == ["outbound_trunks", "per_minute"]
    office.api.clock.advance(60)
    await ann.hang_up()
    await ended(office, ben)
    assert await left(office) == 0.94


@with_settings(authorize_calls=True)
async def test_calls_come_in_on_trunks(office: Office, telco: Carrier) -> None:
    await resource(office, telco.gateway())
    await office.number(NUMBER)
    await rate(office, 0.06, direction=["inbound"])
    await office.phone("ann", NUMBER)
    refused = await telco.call(NUMBER)
    await refused.ends()
    assert refused.statuses[-1] == 503
    await limit(office, twoway_trunks=1)
    call = await telco.call(NUMBER)
    await until(lambda: call.answered)
    second = await telco.call(NUMBER)
    await second.ends()
    assert second.statuses[-1] == 503


@with_settings(authorize_calls=True)
async def test_an_accounts_own_carrier_needs_neither(office: Office, telco: Carrier) -> None:
    await resource(office, telco.gateway(), account=True)
    await way_out(office, "resources")
    ann = await office.phone("ann")
    await ann.call(NUMBER)
    await ann.hears(telco.tone)


@with_settings(allow_private_carriers=False)
async def test_an_accounts_own_carrier_is_in_no_private_network(
    office: Office, telco: Carrier
) -> None:
    named = telco.gateway(server="localhost")
    await resource(office, telco.gateway(), named, account=True)
    await way_out(office, "resources")
    ann = await office.phone("ann")
    assert await failed(ann, NUMBER) == 404
    assert not telco.dialogs
