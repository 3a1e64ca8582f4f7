"""What is refused over the legs that run, without an Asterisk."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from crossbar.core.services import Services
from crossbar.switch.asterisk.lines import Line
from crossbar.switch.asterisk.phones import Party
from crossbar.switch.asterisk.telling import Teller
from crossbar.switch.asterisk.tolls import Tolls
from crossbar.switch.asterisk.wishes import IN, OUT, Refused, Wish, by_carriers
from crossbar.switch.leases import Lease
from tests.conftest import Api
from tests.families.billing.support import pay_in
from tests.families.switch.support import call, teller
from tests.switch.asterisk.conftest import with_settings

pytestmark = pytest.mark.any_store

NUMBER = "+14155550100"


class Running:
    """Legs that run in a switch of this name, and what they let through."""

    def __init__(self, services: Services, name: str = "one") -> None:
        self.services = services
        self.name = name
        self.lines: dict[str, Line] = {}
        self.tolls = Tolls(self.services, self.lines, Lease(self.services, name))
        self.teller = Teller(self.services)

    def leg(self, account_id: str, direction: str = OUT, *, of: str = "", **facts: Any) -> Line:
        """A leg by a carrier, in a conversation of its own or in that which it is ``of``."""
        channel_id = f"{self.name}-{len(self.lines)}"
        line = self.lines[channel_id] = Line(
            channel_id,
            Party(account_id=account_id, realm="", resource_id=facts.pop("by", "telco")),
            is_inbound=direction == IN,
            interaction_id=of or channel_id,
            clock=self.services.clock,
            teller=self.teller,
            lamp=lambda _: None,
        )
        for name, value in facts.items():
            setattr(line, name, value)
        return line

    async def asks(
        self, account_id: str, number: str = NUMBER, of: str = "", *, calls: bool = False
    ) -> str:
        """Why an account may not call a number; "" when it may, and then it ``calls``."""
        try:
            await self.terms(account_id, calls=calls, number=number, interaction_id=of)
        except Refused as refused:
            return refused.reason
        return ""

    async def terms(self, account_id: str, *, calls: bool = False, **more: Any) -> dict[str, str]:
        """By what an account may call, and then it ``calls``."""
        usual: dict[str, Any] = {"number": NUMBER, "direction": OUT, "resource": {"_id": "telco"}}
        wish = Wish(call_id="asks", account_id=account_id, other="+12125550111", **(usual | more))
        async with self.tolls.turn(account_id):
            terms = await self.tolls.terms(wish)
            await asyncio.sleep(0)
            if calls:
                self.leg(account_id, terms=terms)
        return terms

    async def calls(self, account_id: str) -> str:
        """Why an account may not call; "" when it does."""
        return await self.asks(account_id, calls=True)

    async def look(self) -> set[Line]:
        """Look at the calls that run; those that are to end, which takes them some time."""
        ended: set[Line] = set()

        async def end(line: Line) -> None:
            ended.add(line)

        await self.tolls.look(end)
        return ended


@with_settings(authorize_calls=True)
@pytest.mark.parametrize("number", ["19005551234", "9005551234", "8765551234"])
async def test_a_number_is_flat_rate_by_what_it_is_in_full(api: Api, number: str) -> None:
    wanted = {"outbound_trunks": 1, "accept_charges": True}
    (await api.post(f"{api.account}/limits", wanted)).expect(200)
    running = Running(api.gateway.services)
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
    running, account = Running(api.gateway.services), api.master.account_id
    came = running.leg(account, IN, caller_number=caller)
    assert await running.asks(account, number, came.interaction_id) == "loop"
    assert await running.asks(account, "+14155550177", came.interaction_id) == ""


async def test_few_calls_from_outside_leave_to_one_number_however_it_is_spelled(
    api: Api,
) -> None:
    running, account = Running(api.gateway.services), api.master.account_id
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
    running = Running(api.gateway.services)
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
    running = Running(api.gateway.services)
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
    running = Running(api.gateway.services)

    found = await asyncio.gather(running.calls(one), running.calls(two))
    assert sorted(found) == ["", "too_many_calls"]


@with_settings(outbound_minutes=2)
async def test_minutes_of_accounts_below_count_too(api: Api) -> None:
    top, one, two = await family(api)
    told = await teller(api, one)
    variables = {"resource_id": "telco"}
    record = call("c1", seconds=75, call_direction="outbound", custom_channel_vars=variables)
    await told.tell("cdr", record)
    running = Running(api.gateway.services)
    line = running.leg(one)
    line.answer()
    api.clock.advance(49)
    assert (await running.look(), await running.asks(two)) == (set(), "")
    api.clock.advance(1)
    for account_id in (top, one, two):
        assert await running.asks(account_id) == "too_many_minutes"
    assert await running.asks(await api.create_account("Other")) == ""
    assert await running.look() == {line}
    (await api.post(f"/v2/accounts/{top}/limits", {"outbound_minutes": 60})).expect(200)
    assert await running.asks(two) == ""
    assert await running.asks(one) == "too_many_minutes"
    (await api.post(f"/v2/accounts/{top}/limits", {"outbound_minutes": 1})).expect(200)
    assert await running.asks(two) == "too_many_minutes"


async def customer_of_reseller(api: Api) -> tuple[str, str]:
    """A reseller, and an account below an account of its."""
    reseller = await api.create_account("Reseller")
    (await api.put(f"/v2/accounts/{reseller}/reseller", {})).expect(201)
    between = await api.create_account("Between", reseller)
    return reseller, await api.create_account("Customer", between)


async def rate(api: Api, cost: float = 0.6) -> None:
    made = {"prefix": 1415, "rate_cost": cost, "rate_minimum": 60, "rate_increment": 60}
    (await api.put("/v2/rates", made)).expect(201)


async def limit(api: Api, account_id: str, **limits: Any) -> None:
    wanted = {"accept_charges": True, **limits}
    (await api.post(f"/v2/accounts/{account_id}/limits", wanted)).expect(200)


def billed(terms: dict[str, str]) -> tuple[str, str]:
    return terms["account_billing"], terms.get("reseller_billing", "")


@with_settings(authorize_calls=True)
async def test_an_account_and_its_reseller_pay_each_as_they_can(api: Api) -> None:
    await rate(api)
    reseller, customer = await customer_of_reseller(api)
    running = Running(api.gateway.services)
    assert await running.asks(customer) == "no_credit"
    await pay_in(api, f"/v2/accounts/{customer}", 1)
    with pytest.raises(Refused, match="its reseller has no credit"):
        await running.terms(customer)
    await limit(api, reseller, twoway_trunks=1)
    terms = await running.terms(customer)
    assert billed(terms) == ("per_minute", "twoway_trunks")
    assert terms["reseller_id"] == reseller
    line = running.leg(customer, terms=terms)
    assert await running.asks(customer) == "no_credit"  # the trunk is taken, its own credit too
    await pay_in(api, f"/v2/accounts/{customer}", 1, "more")
    assert await running.asks(customer) == "no_credit"
    await pay_in(api, f"/v2/accounts/{reseller}", 5)
    assert billed(await running.terms(customer)) == ("per_minute", "per_minute")
    await limit(api, customer, twoway_trunks=1)
    second = await running.terms(customer)
    assert billed(second) == ("twoway_trunks", "per_minute")
    running.leg(customer, terms=second)
    assert billed(await running.terms(reseller)) != ("twoway_trunks", "")
    line.cause = "NORMAL_CLEARING"
    assert billed(await running.terms(reseller)) == ("twoway_trunks", "")


@with_settings(authorize_calls=True)
async def test_the_operator_and_who_has_own_carriers_pay_nobody(api: Api) -> None:
    await rate(api)
    reseller, customer = await customer_of_reseller(api)
    running = Running(api.gateway.services)
    for account_id in (customer, reseller):
        await pay_in(api, f"/v2/accounts/{account_id}", 5)
    assert billed(await running.terms(reseller)) == ("per_minute", "")
    assert billed(await running.terms(customer, resource_of=customer)) == ("none", "")
    assert billed(await running.terms(customer, resource_of=reseller)) == ("per_minute", "")
    assert billed(await running.terms(customer)) == ("per_minute", "per_minute")
    other = await api.create_account("Other")
    await pay_in(api, f"/v2/accounts/{other}", 5)
    assert billed(await running.terms(other)) == ("per_minute", "")


@with_settings(authorize_calls=True)
async def test_calls_end_when_the_credit_of_the_reseller_does(api: Api) -> None:
    await rate(api)
    reseller, customer = await customer_of_reseller(api)
    await pay_in(api, f"/v2/accounts/{customer}", 50)
    await pay_in(api, f"/v2/accounts/{reseller}", 1)
    running = Running(api.gateway.services)
    line = running.leg(customer, terms=await running.terms(customer))
    line.answer()

    api.clock.advance(60)
    assert await running.look() == set()
    api.clock.advance(1)
    assert await running.look() == {line}


@with_settings(authorize_calls=True)
async def test_an_emergency_call_that_was_taken_over_takes_nobodys_place(api: Api) -> None:
    running, account_id = Running(api.gateway.services), api.master.account_id
    terms = await running.terms(account_id, is_emergency=True)
    stored = {"direction": "outbound", "custom_channel_vars": terms}
    line = running.leg(account_id)
    assert by_carriers([line])
    line.restore(stored, "")
    assert not by_carriers([line])
