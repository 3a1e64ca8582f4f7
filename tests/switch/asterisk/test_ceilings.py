"""What is refused over the legs that run, without an Asterisk."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from crossbar.switch.asterisk.lines import Line
from crossbar.switch.asterisk.phones import Party
from crossbar.switch.asterisk.telling import Teller
from crossbar.switch.asterisk.tolls import IN, OUT, Refused, Tolls, Wish
from tests.conftest import Api
from tests.families.switch.support import call, teller
from tests.switch.asterisk.conftest import with_settings

pytestmark = pytest.mark.any_store

NUMBER = "+14155550100"


class Running:
    """Legs that run, and what they let through."""

    def __init__(self, api: Api) -> None:
        self.services = api.gateway.services
        self.lines: dict[str, Line] = {}
        self.tolls = Tolls(self.services, self.lines)
        self.teller = Teller(self.services)

    def leg(self, account_id: str, direction: str = OUT, *, of: str = "", **facts: Any) -> Line:
        """A leg by a carrier, in a conversation of its own or in that which it is ``of``."""
        channel_id = f"leg-{len(self.lines)}"
        line = self.lines[channel_id] = Line(
            channel_id,
            Party(account_id=account_id, realm="", resource_id="telco"),
            is_inbound=direction == IN,
            interaction_id=of or channel_id,
            clock=self.services.clock,
            teller=self.teller,
            lamp=lambda _: None,
        )
        for name, value in facts.items():
            setattr(line, name, value)
        return line

    async def asks(self, account_id: str, number: str = NUMBER, of: str = "") -> str:
        """Why an account may not call a number; "" when it may."""
        wish = Wish(
            call_id="asks",
            account_id=account_id,
            direction=OUT,
            number=number,
            other="+12125550111",
            resource={"_id": "telco"},
            interaction_id=of,
        )
        try:
            async with self.tolls.turn(account_id):
                await self.tolls.terms(wish)
        except Refused as refused:
            return refused.reason
        return ""


@with_settings(authorize_calls=True)
@pytest.mark.parametrize("number", ["19005551234", "9005551234", "8765551234"])
async def test_a_number_is_flat_rate_by_what_it_is_in_full(api: Api, number: str) -> None:
    wanted = {"outbound_trunks": 1, "accept_charges": True}
    (await api.post(f"{api.account}/limits", wanted)).expect(200)
    running = Running(api)
    assert await running.asks(api.master.account_id, "4155550100") == ""
    assert await running.asks(api.master.account_id, number) == "no_rate"


@pytest.mark.parametrize(
    ("caller", "number"),
    [
        ("12125550100", "+12125550100"),
        ("2125550100", "+12125550100"),
        ("+12125550100", "2125550100"),
        ("442071234567", "+442071234567"),
    ],
)
async def test_nobody_is_called_back_however_the_number_is_spelled(
    api: Api, caller: str, number: str
) -> None:
    running, account = Running(api), api.master.account_id
    came = running.leg(account, IN, caller_number=caller)
    assert await running.asks(account, number, came.interaction_id) == "loop"
    assert await running.asks(account, "+14155550177", came.interaction_id) == ""


async def test_few_calls_from_outside_leave_to_one_number_however_it_is_spelled(
    api: Api,
) -> None:
    running, account = Running(api), api.master.account_id
    for spelled in ("4155550100", "14155550100", NUMBER):
        came = running.leg(account, IN, caller_number="+442071234567")
        running.leg(account, of=came.interaction_id, destination=spelled)
    came = running.leg(account, IN, caller_number="+442071234567")
    assert await running.asks(account, NUMBER, came.interaction_id) == "loop"


async def family(api: Api) -> tuple[str, str, str]:
    """An account, and two below it."""
    top = await api.create_account("Acme")
    return top, await api.create_account("Acme 1", top), await api.create_account("Acme 2", top)


@with_settings(outbound_calls=1)
async def test_accounts_below_take_the_places_of_the_account(api: Api) -> None:
    top, one, two = await family(api)
    running = Running(api)
    running.leg(one)
    for account_id in (top, one, two):
        assert await running.asks(account_id) == "too_many_calls"
    assert await running.asks(await api.create_account("Other")) == ""
    (await api.post(f"/v2/accounts/{top}/limits", {"resource_consuming_calls": 2})).expect(200)
    assert await running.asks(top) == await running.asks(two) == ""
    assert await running.asks(one) == "too_many_calls"
    (await api.post(f"/v2/accounts/{top}/limits", {"calls": 1})).expect(200)
    assert await running.asks(two) == "too_many_calls"


@with_settings(outbound_calls=1)
async def test_a_reseller_shares_what_it_may_with_its_customers(api: Api) -> None:
    reseller, one, two = await family(api)
    (await api.put(f"/v2/accounts/{reseller}/reseller", {})).expect(201)
    below = await api.create_account("Below", two)
    running = Running(api)
    running.leg(one)
    assert await running.asks(below) == "too_many_calls"
    wanted = {"resource_consuming_calls": 5}
    (await api.post(f"/v2/accounts/{reseller}/limits", wanted)).expect(200)
    assert await running.asks(below) == ""
    running.leg(below)
    assert await running.asks(two) == "too_many_calls"


@with_settings(outbound_calls=1)
async def test_two_accounts_never_take_the_same_place_above(api: Api) -> None:
    _, one, two = await family(api)
    running = Running(api)

    async def take(account_id: str) -> str:
        wish = Wish(
            call_id=account_id,
            account_id=account_id,
            direction=OUT,
            number=NUMBER,
            other="",
            resource={"_id": "telco"},
        )
        try:
            async with running.tolls.turn(account_id):
                await running.tolls.terms(wish)
                await asyncio.sleep(0)
                running.leg(account_id)
        except Refused as refused:
            return refused.reason
        return ""

    assert sorted(await asyncio.gather(take(one), take(two))) == ["", "too_many_calls"]


@with_settings(outbound_minutes=2)
async def test_minutes_of_accounts_below_count_too(api: Api) -> None:
    top, one, two = await family(api)
    told = await teller(api, one)
    variables = {"resource_id": "telco"}
    record = call("c1", seconds=75, call_direction="outbound", custom_channel_vars=variables)
    await told.tell("cdr", record)
    running = Running(api)
    line = running.leg(one)
    line.answer()
    ended: list[Line] = []

    async def end(line: Line) -> None:
        ended.append(line)

    api.clock.advance(49)
    await running.tolls.look(end)
    assert (ended, await running.asks(two)) == ([], "")
    api.clock.advance(1)
    for account_id in (top, one, two):
        assert await running.asks(account_id) == "too_many_minutes"
    assert await running.asks(await api.create_account("Other")) == ""
    await running.tolls.look(end)
    assert set(ended) == {line}
    (await api.post(f"/v2/accounts/{top}/limits", {"outbound_minutes": 60})).expect(200)
    assert await running.asks(two) == ""
    assert await running.asks(one) == "too_many_minutes"
    (await api.post(f"/v2/accounts/{top}/limits", {"outbound_minutes": 1})).expect(200)
    assert await running.asks(two) == "too_many_minutes"
