"""What is refused over the legs that run in two switches on one store, without an Asterisk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from crossbar.app import open_gateway
from crossbar.core.live import SWITCH, find_alive
from crossbar.families.accounts import CALL_TALLY_TYPE
from crossbar.storage import SYSTEM, Span
from crossbar.switch.asterisk.wishes import IN
from crossbar.switch.leases import LEASE, RENEWED
from tests.conftest import Api
from tests.contract.conftest import on_any_store
from tests.families.billing.support import pay_in
from tests.switch.asterisk.conftest import with_settings
from tests.switch.asterisk.test_ceilings import Running, family

pytestmark = on_any_store


@pytest.fixture
async def both(api: Api) -> AsyncIterator[tuple[Running, Running]]:
    """Two switches, each of which has the store open by itself."""
    services = api.gateway.services
    async with open_gateway(services.settings, clock=api.clock) as beside:
        yield Running(services), Running(beside.services, "two")


Both = tuple[Running, Running]


@with_settings(outbound_calls=1)
async def test_a_ceiling_holds_in_all_switches_of_a_store(api: Api, both: Both) -> None:
    one, two = both
    top, below, beside = await family(api)
    assert await one.calls(below) == ""
    for account_id in (top, below, beside):
        assert await two.asks(account_id) == "too_many_calls"
    assert await two.asks(await api.create_account("Other")) == ""
    one.lines.popitem()[1].end("NORMAL_CLEARING")
    assert await two.asks(top) == "too_many_calls"
    await one.look()
    assert await two.calls(top) == ""
    assert await one.asks(below) == "too_many_calls"


@with_settings(outbound_calls=3)
async def test_of_switches_that_race_only_so_many_let_a_call_through(api: Api, both: Both) -> None:
    top, below, beside = await family(api)
    asked = [each.calls(account) for each in both * 3 for account in (top, below, beside)]
    looked = [each.look() for each in both]
    looking = asyncio.gather(*looked)
    found = await asyncio.gather(*asked)
    await looking
    assert found.count("") == 3
    assert found.count("too_many_calls") == len(found) - 3
    assert sum(len(each.lines) for each in both) == 3


@with_settings(outbound_calls=1)
async def test_what_a_killed_switch_had_is_free_in_a_while(api: Api, both: Both) -> None:
    one, two = both
    account_id = await api.create_account("Acme")
    assert await one.calls(account_id) == ""
    api.clock.advance(LEASE - 1)
    assert await two.asks(account_id) == "too_many_calls"
    api.clock.advance(1)
    assert await two.calls(account_id) == ""
    await one.look()  # it was not killed, but did not reach the store
    two.lines.clear()
    await two.look()
    assert await two.asks(account_id) == "too_many_calls"


@with_settings(outbound_calls=1)
async def test_a_switch_keeps_what_it_has_for_as_long_as_it_runs(api: Api, both: Both) -> None:
    one, two = both
    account_id = await api.create_account("Acme")
    assert await one.calls(account_id) == ""
    for _ in range(2 * LEASE // RENEWED):
        api.clock.advance(RENEWED + 1)
        await one.look()
    assert await two.asks(account_id) == "too_many_calls"


@with_settings(outbound_calls=1)
async def test_a_switch_that_is_started_anew_gives_up_what_it_had(api: Api, both: Both) -> None:
    one, two = both
    account_id = await api.create_account("Acme")
    assert await one.calls(account_id) == ""
    anew = Running(one.services, one.name)
    await anew.tolls.begin()
    assert await two.asks(account_id) == "too_many_calls"  # it is not known yet what runs
    await anew.look()
    assert await two.asks(account_id) == ""


@with_settings(outbound_calls=1)
async def test_a_switch_that_ends_leaves_nothing_behind(api: Api, both: Both) -> None:
    one, _ = both
    services = one.services
    assert await one.calls(await api.create_account("Acme")) == ""
    one.lines.clear()
    await one.tolls.finish()
    span = Span(account_id=SYSTEM, doc_type=CALL_TALLY_TYPE)
    assert [row async for row in services.store.scan(span)] == []
    assert await find_alive(services, SWITCH, SYSTEM, one.name) is None


async def test_what_runs_goes_with_its_account(api: Api, both: Both) -> None:
    one, _ = both
    account_id = await api.create_account("Acme")
    assert await one.calls(account_id) == ""
    (await api.delete(f"/v2/accounts/{account_id}")).expect(200)
    span = Span(account_id=SYSTEM, doc_type=CALL_TALLY_TYPE)
    assert [row async for row in one.services.store.scan(span)] == []
    await one.look()
    assert [row async for row in one.services.store.scan(span)] == []
    assert await one.asks(account_id) == "no_account"


@with_settings(outbound_minutes=2)
async def test_minutes_of_all_switches_count_together(api: Api, both: Both) -> None:
    one, two = both
    account_id = await api.create_account("Acme")
    lines = []
    for each in both:
        assert await each.calls(account_id) == ""
        [line] = each.lines.values()
        line.answer()
        lines.append(line)
        assert await each.look() == set()
    api.clock.advance(59)
    assert (await two.asks(account_id), await two.look()) == ("", set())
    api.clock.advance(1)
    assert await one.asks(account_id) == "too_many_minutes"
    assert await one.look() == {lines[0]}
    lines[0].is_ending = True
    await one.look()
    assert await two.look() == set()  # it has half of them again


async def test_calls_of_any_kind_count_in_all_switches(api: Api, both: Both) -> None:
    one, two = both
    account_id = await api.create_account("Acme")
    (await api.post(f"/v2/accounts/{account_id}/limits", {"calls": 2})).expect(200)
    internal = one.leg(account_id, IN, by="")
    one.leg(account_id, by="", of=internal.interaction_id)
    await one.look()
    assert await two.asks(account_id) == ""
    await two.look()  # nothing came of it
    one.leg(account_id, IN, by="")
    assert await one.asks(account_id, of=internal.interaction_id) == ""
    await one.look()
    assert await two.asks(account_id) == "too_many_calls"


@with_settings(authorize_calls=True)
async def test_a_trunk_is_taken_in_all_switches(api: Api, both: Both) -> None:
    one, two = both
    account_id = await api.create_account("Acme")
    wanted = {"outbound_trunks": 1, "twoway_trunks": 1, "accept_charges": True}
    (await api.post(f"/v2/accounts/{account_id}/limits", wanted)).expect(200)
    assert await one.calls(account_id) == await two.calls(account_id) == ""
    [mine], [others] = one.lines.values(), two.lines.values()
    billed = [line.terms["account_billing"] for line in (mine, others)]
    assert billed == ["outbound_trunks", "twoway_trunks"]
    assert await one.asks(account_id) == await two.asks(account_id) == "no_rate"


@with_settings(authorize_calls=True)
async def test_credit_is_spent_in_all_switches(api: Api, both: Both) -> None:
    one, two = both
    account_id = await api.create_account("Acme")
    made = {"prefix": 1415, "rate_cost": 1, "direction": ["outbound"], "rate_increment": 1}
    (await api.put("/v2/rates", {**made, "rate_minimum": 1})).expect(201)
    await pay_in(api, f"/v2/accounts/{account_id}", 1.5)
    assert await one.calls(account_id) == await two.calls(account_id) == ""
    [mine], [others] = one.lines.values(), two.lines.values()
    for each, line in ((one, mine), (two, others)):
        line.answer()
        assert await each.look() == set()
    api.clock.advance(44)
    assert (await one.asks(account_id), await one.look()) == ("", set())
    api.clock.advance(2)
    assert await one.asks(account_id) == await two.asks(account_id) == "no_credit"
    assert await one.look() == {mine}
    mine.is_ending = True
    await one.look()
    assert await two.look() == set()
