"""Port requests: their documents, the way that they take, and who decides."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies

from crossbar.families.porting.states import FINISHED, FROM, STATES
from crossbar.storage import SYSTEM, Claim, Span
from tests.conftest import PASSWORD, Api
from tests.families.billing.support import balance, customer, pay_in
from tests.families.porting.support import (
    NUMBER,
    OTHER,
    PORT,
    SCHEDULED_DATE,
    Customer,
    customer_of,
    make_port,
    move,
)
from tests.families.support import interrupt_commits, make, refusal, stored


@pytest.fixture
async def child(api: Api) -> Customer:
    return await customer_of(api)


async def test_a_request_is_made_and_read(api: Api, child: Customer) -> None:
    port_id = await make_port(api, child.path, created=5, port_state="completed", sent=True)
    shown = (await api.get(f"{child.path}/port_requests/{port_id}")).expect(200).data
    assert shown["numbers"] == {NUMBER: {}}
    assert (shown["port_state"], shown["sent"], shown["uploads"]) == ("unconfirmed", False, {})
    assert shown["created"] == shown["updated"] > 5
    assert shown["_read_only"] == {
        "account_id": child.account_id,
        "account_name": "Child",
        "port_authority": api.master.account_id,
        "port_authority_name": "Master",
    }


async def test_a_request_goes_its_way_to_the_end(api: Api, child: Customer) -> None:
    path = f"{child.path}/port_requests/{await make_port(api, child.path)}"
    shown = await move(api, path, "submitted", "pending", "scheduled", "completed")
    assert shown["port_state"] == "completed"
    assert shown["numbers"] == {}
    assert shown["_read_only"]["ported_numbers"] == {NUMBER: {}}
    timeline = (await api.get(f"{path}/timeline")).expect(200).data
    steps = [entry["transition"]["new"] for entry in timeline]
    assert steps == ["unconfirmed", "submitted", "pending", "scheduled", "completed"]
    refusal(await api.patch(f"{path}/canceled", {}), "port_state", "enum")
    # What is said afterwards leaves the numbers where they are.
    assert (await api.patch(path, {"winning_carrier": "We"})).expect(200).data["numbers"] == {}
    assert (await api.get(path)).data["_read_only"]["ported_numbers"] == {NUMBER: {}}


async def test_a_transition_says_who_has_made_it_and_why(api: Api, child: Customer) -> None:
    path = f"{child.path}/port_requests/{await make_port(api, child.path)}"
    (await api.patch(f"{path}/submitted", {"reason": "now"}, token=child.admin)).expect(200)
    await move(api, path, "rejected", reason="no letter", winning_carrier="We")
    *_, first, last = (await api.get(f"{path}/timeline")).expect(200).data
    assert first["type"] == "transition"
    assert first["transition"] == {"new": "submitted", "previous": "unconfirmed"}
    assert first["authorization"]["account"] == {"id": child.account_id, "name": "Child"}
    assert first["authorization"]["user"]["full_name"] == "Boss Doe"
    assert (first["reason"], last["reason"]) == ("now", "no letter")
    shown = (await api.get(path)).data
    assert shown["winning_carrier"] == "We"
    assert "reason" not in shown


@pytest.mark.parametrize("before", STATES)
async def test_from_each_state_only_the_ways_that_there_are(
    api: Api, child: Customer, before: str
) -> None:
    ways = {
        "unconfirmed": (),
        "submitted": ("submitted",),
        "pending": ("submitted", "pending"),
        "scheduled": ("submitted", "pending", "scheduled"),
        "rejected": ("submitted", "rejected"),
        "completed": ("submitted", "pending", "completed"),
        "canceled": ("canceled",),
    }
    for number, target in enumerate(FROM):
        numbers: Any = {f"+141555502{number:02}": {}}
        path = f"{child.path}/port_requests/{await make_port(api, child.path, numbers=numbers)}"
        await move(api, path, *ways[before])
        answer = await api.patch(f"{path}/{target}", {"scheduled_date": SCHEDULED_DATE})
        if before in FROM[target]:
            assert answer.expect(200).data["port_state"] == target
        else:
            assert refusal(answer, "port_state", "enum")["cause"] == target


FRESH = itertools.count()
"""For numbers that no example has used before."""


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(wishes=strategies.lists(strategies.sampled_from(list(FROM)), max_size=8))
async def test_whatever_is_wished_a_request_is_where_its_way_leads(
    api: Api, wishes: list[str]
) -> None:
    number = f"+1415556{next(FRESH):04}"
    port_id = await make_port(api, api.account, numbers={number: {}})
    path, state = f"{api.account}/port_requests/{port_id}", "unconfirmed"
    for wish in wishes:
        answer = await api.patch(f"{path}/{wish}", {"scheduled_date": SCHEDULED_DATE})
        assert answer.status == (200 if state in FROM[wish] else 400)
        state = wish if state in FROM[wish] else state
        assert (await api.get(path)).data["port_state"] == state
    document = await stored(api, "port_request", path.rpartition("/")[2])
    steps = [entry["transition"]["new"] for entry in document["pvt_transitions"]]
    assert steps[0] == state
    claim = Claim("port_request.numbers", SYSTEM, number)
    held = await api.gateway.services.store.holders([claim])
    assert bool(held) is (state not in FINISHED)
    listed = await api.get(f"{api.account}/phone_numbers/{number}")
    assert (listed.status == 200) is (state == "completed")


async def test_the_authority_decides_and_the_customer_submits(api: Api, child: Customer) -> None:
    path = f"{child.path}/port_requests/{await make_port(api, child.path, child.admin)}"
    (await api.patch(f"{path}/submitted", {}, token=child.user)).expect(200)
    for target in ("pending", "rejected", "canceled"):
        answer = await api.patch(f"{path}/{target}", {}, token=child.admin)
        assert refusal(answer, "port_state", "enum")["cause"] == target
    await move(api, path, "pending")
    other = await make_port(api, child.path, child.admin, numbers={OTHER: {}})
    cancelled = await api.patch(
        f"{child.path}/port_requests/{other}/canceled", {}, token=child.admin
    )
    assert cancelled.expect(200).data["port_state"] == "canceled"


async def test_a_reseller_with_a_white_label_is_an_authority(api: Api) -> None:
    reseller = await customer_of(api, "Reseller")
    customer = await customer_of(api, "Customer", reseller.account_id)
    path = f"{customer.path}/port_requests/{await make_port(api, customer.path)}"
    await move(api, path, "submitted")
    refusal(await api.patch(f"{path}/pending", {}, token=reseller.admin), "port_state", "enum")
    (await api.get("/v2/port_requests", token=reseller.admin)).expect(403)
    await declare_authority(api, reseller.account_id)
    refusal(await api.patch(f"{path}/pending", {}, token=reseller.user), "port_state", "enum")
    shown = (await api.patch(f"{path}/pending", {}, token=reseller.admin)).expect(200).data
    assert shown["_read_only"]["port_authority"] == reseller.account_id
    own = (
        f"{reseller.path}/port_requests/{await make_port(api, reseller.path, numbers={OTHER: {}})}"
    )
    await move(api, own, "submitted")
    refusal(await api.patch(f"{own}/pending", {}, token=reseller.admin), "port_state", "enum")
    [group] = (await api.get("/v2/port_requests", token=reseller.admin)).expect(200).data
    assert group["account_id"] == customer.account_id
    assert len((await api.get("/v2/port_requests")).expect(200).data) == 2
    (await api.get("/v2/port_requests", token=reseller.user)).expect(403)


async def test_a_white_label_may_leave_it_to_an_account_above(api: Api) -> None:
    reseller = await customer_of(api, "Reseller")
    stranger = await customer_of(api, "Stranger")
    customer = await customer_of(api, "Customer", reseller.account_id)
    path = f"{customer.path}/port_requests/{await make_port(api, customer.path)}"
    await move(api, path, "submitted")
    named = [stranger.account_id, api.master.account_id]
    brand = {"domain": "x.example", "port": {"authority": named}}
    (await api.put(f"{reseller.path}/whitelabel", brand)).expect(201)
    refusal(await api.patch(f"{path}/pending", {}, token=reseller.admin), "port_state", "enum")
    shown = (await api.patch(f"{path}/pending", {})).expect(200).data
    assert shown["_read_only"]["port_authority"] == api.master.account_id
    for who in (reseller, stranger):
        (await api.get("/v2/port_requests", token=who.admin)).expect(403)


async def declare_authority(api: Api, account_id: str) -> None:
    """Write a white label as whoever keeps them does."""
    from crossbar.storage import Batch, Key, Put

    key = Key(account_id, "whitelabel", "whitelabel")
    document = {"_id": "whitelabel", "_rev": "1-0", "port": {"authority": account_id}}
    await api.gateway.services.store.commit(Batch(puts=[Put(key, document, None)]))


async def test_a_date_is_needed_to_be_scheduled(api: Api, child: Customer) -> None:
    path = f"{child.path}/port_requests/{await make_port(api, child.path)}"
    await move(api, path, "submitted", "pending")
    (await api.patch(f"{path}/scheduled", {})).expect(400)
    wanted = {"timezone": "Europe/Berlin", "date_time": "2030-07-01 09:30"}
    shown = (await api.patch(f"{path}/scheduled", {"schedule_on": wanted})).expect(200).data
    assert shown["scheduled_date"] == 1_909_121_400 + 62_167_219_200
    for odd in ({"timezone": "Nowhere/At"}, {"date_time": "2030-13-01 09:30"}):
        answer = await api.patch(path, {"schedule_on": {**wanted, **odd}})
        refusal(answer, "schedule_on", "invalid")


async def test_a_submitted_request_waits_for_the_carrier_unless_a_setting_lets_it(
    api: Api, child: Customer
) -> None:
    path = f"{child.path}/port_requests/{await make_port(api, child.path)}"
    await move(api, path, "submitted")
    answer = await api.patch(f"{path}/scheduled", {"scheduled_date": SCHEDULED_DATE})
    refusal(answer, "port_state", "enum")


@pytest.mark.parametrize("overrides", [{"porting.schedule_submitted": True}])
async def test_a_submitted_request_may_be_scheduled_where_a_setting_says_so(api: Api) -> None:
    path = f"{api.account}/port_requests/{await make_port(api, api.account)}"
    shown = await move(api, path, "submitted", "scheduled")
    assert shown["port_state"] == "scheduled"


async def test_a_number_is_in_one_request_at_a_time(api: Api, child: Customer) -> None:
    port_id = await make_port(api, child.path)
    again = await api.put(f"{child.path}/port_requests", PORT)
    told = refusal(again, NUMBER, "type")
    assert told == {"message": f"Number is on a port request already: {port_id}", "cause": NUMBER}
    other = await customer_of(api, "Other")
    answer = await api.put(f"{other.path}/port_requests", PORT, token=other.admin)
    assert refusal(answer, NUMBER, "type")["message"] == "Number exists on the system already"
    assert port_id.encode() not in answer.content
    (await api.delete(f"{child.path}/port_requests/{port_id}")).expect(200)
    await make_port(api, other.path, other.admin)


async def test_of_two_that_ask_for_a_number_at_once_one_gets_it(api: Api, child: Customer) -> None:
    other = await customer_of(api, "Other")
    for number in range(5):
        sent = {"name": "Race", "numbers": {f"+141555503{number:02}": {}}}
        answers = await asyncio.gather(
            *(api.put(f"{who.path}/port_requests", sent) for who in (child, other) for _ in "ab")
        )
        assert sorted(answer.status for answer in answers) == [201, 400, 400, 400]


async def test_a_patch_cannot_take_a_number_either(api: Api, child: Customer) -> None:
    await make_port(api, child.path)
    path = f"{child.path}/port_requests/{await make_port(api, child.path, numbers={OTHER: {}})}"
    answer = await api.patch(path, {"numbers": {NUMBER: {}}})
    refusal(answer, "numbers", "unique")


async def test_numbers_are_full_numbers_with_objects(api: Api, child: Customer) -> None:
    for numbers, path, rule in (
        ({"1000": {}}, "numbers.1000", "invalid"),
        ({"none": {}}, "numbers.none", "invalid"),
        ({NUMBER: 5}, f"numbers.{NUMBER}", "type"),
    ):
        answer = await api.put(f"{child.path}/port_requests", {"name": "x", "numbers": numbers})
        refusal(answer, path, rule)
    none = await api.put(f"{child.path}/port_requests", {"name": "x", "numbers": {}})
    assert [*none.expect(400).data] == ["numbers"]


async def test_a_request_under_way_is_not_replaced_and_not_removed(
    api: Api, child: Customer
) -> None:
    path = f"{child.path}/port_requests/{await make_port(api, child.path, child.admin)}"
    await move(api, path, "submitted")
    answer = await api.post(path, PORT, token=child.admin)
    refusal(answer, "submitted", "type")
    (await api.patch(path, {"name": "Other"}, token=child.admin)).expect(200)
    (await api.post(path, {**PORT, "name": "Third"})).expect(200)
    for token in (child.admin, api.token):
        answer = await api.delete(path, token=token)
        assert answer.expect(405).body["message"] == "invalid_method"
    await move(api, path, "rejected")
    (await api.post(path, PORT, token=child.admin)).expect(200)
    deleted = (await api.delete(path, token=child.admin)).expect(200)
    assert deleted.data["_read_only"]["deleted"] is True
    (await api.get(path)).expect(404)
    assert (await api.get(f"{child.path}/port_requests?by_types=all")).data == []


async def test_what_was_read_may_be_sent_back(api: Api, child: Customer) -> None:
    path = f"{child.path}/port_requests/{await make_port(api, child.path)}"
    before = (await api.get(path)).data
    after = (await api.post(path, before)).expect(200).data
    assert after == {**before, "updated": after["updated"]}


async def test_completed_numbers_are_the_accounts_own(api: Api, child: Customer) -> None:
    flow = {"numbers": [NUMBER], "flow": {"module": "hangup", "data": {}, "children": {}}}
    (await api.put(f"{child.path}/callflows", flow)).expect(201)
    port_id = await make_port(api, child.path, numbers={NUMBER: {}, OTHER: {}})
    path = f"{child.path}/port_requests/{port_id}"
    (await api.get(f"{child.path}/phone_numbers/{NUMBER}")).expect(404)
    porting = (await api.get(f"{child.path}/phone_numbers")).expect(200).data["numbers"]
    assert (porting[NUMBER]["state"], porting[NUMBER]["port_id"]) == ("port_in", port_id)
    await move(api, path, "submitted", "pending", "completed")
    numbers = (await api.get(f"{child.path}/phone_numbers")).expect(200).data["numbers"]
    assert {number: facts["state"] for number, facts in numbers.items()} == {
        NUMBER: "in_service",
        OTHER: "in_service",
    }
    assert numbers[NUMBER]["used_by"] == "callflow"
    answer = await api.put(f"{child.path}/port_requests", PORT)
    assert refusal(answer, NUMBER, "type")["message"] == "Number is on your account already"
    other = await customer_of(api, "Other")
    answer = await api.put(f"{other.path}/port_requests", PORT)
    assert refusal(answer, NUMBER, "type")["message"] == "Number exists on the system already"


async def test_who_completes_twice_at_once_completes_once(api: Api, child: Customer) -> None:
    path = f"{child.path}/port_requests/{await make_port(api, child.path)}"
    await move(api, path, "submitted", "pending")
    answers = await asyncio.gather(*(api.patch(f"{path}/completed", {}) for _ in range(4)))
    assert sorted(answer.status for answer in answers) == [200, 400, 400, 400]
    (await api.get(f"{child.path}/phone_numbers/{NUMBER}")).expect(200)


async def test_a_transition_that_costs_money_is_agreed_to(api: Api) -> None:
    base = await customer(api, {"ports": {"submitted": {"rate": 0, "activation_charge": 5.5}}})
    path = f"{base}/port_requests/{await make_port(api, base)}"
    answer = await api.patch(f"{path}/submitted", {})
    assert answer.expect(402).body["message"] == "accept charges"
    agreed = {"accept_charges": True}
    assert (await api.patch(f"{path}/submitted", agreed)).expect(402).body["message"] != ""
    assert (await api.get(path)).data["port_state"] == "unconfirmed"
    await pay_in(api, base, 10)
    accepted = (await api.patch(f"{path}/submitted", agreed)).expect(200)
    assert accepted.data["port_state"] == "submitted"
    assert "accept_charges" not in accepted.data
    assert await balance(api, base) == 4.5


async def test_completing_is_done_again_when_others_write(
    api: Api, child: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"{child.path}/port_requests/{await make_port(api, child.path)}"
    await move(api, path, "submitted", "pending")
    interrupt_commits(api, monkeypatch, 2)
    assert (await move(api, path, "completed"))["port_state"] == "completed"
    timeline = (await api.get(f"{path}/timeline")).data
    assert len(timeline) == 4


async def test_an_account_goes_with_its_requests(api: Api, child: Customer) -> None:
    await make_port(api, child.path)
    (await api.delete(child.path)).expect(200)
    assert (await api.get("/v2/port_requests")).expect(200).data == []
    span = Span(account_id=SYSTEM, doc_type="port_place")
    assert [row async for row in api.gateway.services.store.scan(span)] == []
    await make_port(api, api.account)


async def test_numbers_can_be_ported_to_the_carriers_of_the_settings(
    api: Api, child: Customer
) -> None:
    """The port wizard of Monster UI goes on where all numbers are of one carrier with a name."""
    path = f"{child.path}/port_requests/lnp_lookup"
    refusal(await api.post(path, {}), "numbers", "required")
    refusal(await api.post(path, [None, None]), "data", "type")
    answer = (await api.post(path, {"numbers": [NUMBER, OTHER.removeprefix("+1")]})).expect(200)
    found = {
        "losing_carrier": {"name": "Other"},
        "carriers": [{"name": "local", "portability": True}],
    }
    assert answer.data == {"numbers": {NUMBER: found, OTHER: found}}


@pytest.mark.parametrize("overrides", [{"porting.carriers": []}])
async def test_without_carriers_nobody_knows_who_has_numbers(api: Api, child: Customer) -> None:
    path = f"{child.path}/port_requests/lnp_lookup"
    answer = await api.post(path, {"numbers": [NUMBER]})
    assert answer.expect(503).body["message"] == "datastore_fault"


async def test_requests_of_one_account_are_unknown_in_another(api: Api, child: Customer) -> None:
    port_id = await make_port(api, child.path)
    other = await customer_of(api, "Other")
    for path in (
        f"{other.path}/port_requests/{port_id}",
        f"{other.path}/port_requests/{port_id}/loa",
    ):
        (await api.get(path)).expect(404)
    (await api.get(f"{child.path}/port_requests/{port_id}", token=other.admin)).expect(403)


Groups = list[dict[str, Any]]


def ids_in(groups: Groups) -> dict[str, list[str]]:
    """By account: the ids of what a list shows."""
    return {
        group["account_id"]: [port["id"] for port in group["port_requests"]] for group in groups
    }


async def test_lists_are_by_type(api: Api, child: Customer) -> None:
    path = f"{child.path}/port_requests"
    by_state = {}
    for number, (state, ways) in enumerate(
        {
            "unconfirmed": (),
            "submitted": ("submitted",),
            "pending": ("submitted", "pending"),
            "scheduled": ("submitted", "pending", "scheduled"),
            "rejected": ("submitted", "rejected"),
            "completed": ("submitted", "pending", "completed"),
            "canceled": ("canceled",),
        }.items()
    ):
        numbers: Any = {f"+141555504{number:02}": {}}
        by_state[state] = await make_port(api, child.path, numbers=numbers)
        await move(api, f"{path}/{by_state[state]}", *ways)
    for asked, states in (
        ("", ("unconfirmed", "submitted", "pending", "scheduled", "rejected")),
        ("?by_types=active", ("unconfirmed", "submitted", "pending", "scheduled", "rejected")),
        ("?by_types=progressing", ("submitted", "pending", "scheduled")),
        ("?by_types=suspended", ("unconfirmed", "rejected")),
        ("?by_types=completed", ("completed", "canceled")),
        ("?by_types=all", STATES),
        ("?by_types=submitted,pending,canceled", ("submitted", "pending", "canceled")),
    ):
        for base in (path, f"{api.account}/descendants/port_requests", "/v2/port_requests"):
            [listed] = ids_in((await api.get(f"{base}{asked}")).expect(200).data).values()
            assert sorted(listed) == sorted(by_state[state] for state in states), (base, asked)
        assert (await api.get(f"{api.account}/port_requests{asked}")).data == []
    refusal(await api.get(f"{path}?by_types=odd"), "by_types", "enum")
    [listed] = (await api.get(f"{path}?by_types=all")).data
    [one] = [port for port in listed["port_requests"] if port["id"] == by_state["pending"]]
    assert one["account_id"] == child.account_id
    assert one["port_state"] == "pending"


async def test_what_is_finished_is_listed_by_time(api: Api, child: Customer) -> None:
    path = f"{child.path}/port_requests"
    port_id = await make_port(api, child.path)
    await move(api, f"{path}/{port_id}", "canceled")
    updated = (await api.get(f"{path}/{port_id}")).data["updated"]
    api.clock.advance(40 * 86_400)
    api.token = ""
    api.token = await api.login(api.master.username, PASSWORD, api.master.account_name)
    for base in (path, f"{api.account}/descendants/port_requests"):
        asked = f"{base}?by_types=completed"
        assert (await api.get(asked)).expect(200).data == []
        for word in ("modified", "created"):
            ranged = f"{asked}&{word}_from={updated - 10}&{word}_to={updated + 10}"
            assert len((await api.get(ranged)).expect(200).data) == 1
        answer = await api.get(f"{asked}&modified_from={updated}")
        refusal(answer, "modified_from", "date_range")


async def test_a_number_leads_to_its_requests(api: Api, child: Customer) -> None:
    port_id = await make_port(api, child.path)
    other = await customer_of(api, "Other")
    for base in (child.path, api.account, f"{api.account}/descendants", "/v2"):
        asked = f"{base}/port_requests?by_number=4155550100"
        [found] = (await api.get(asked)).expect(200).data
        assert (found["id"], found["account_id"]) == (port_id, child.account_id)
    asked = f"{other.path}/port_requests?by_number=4155550100"
    assert (await api.get(asked, token=other.admin)).expect(200).data == []


async def test_what_waits_for_the_authority_says_since_when(api: Api, child: Customer) -> None:
    path = f"{child.path}/port_requests"
    port_id = await make_port(api, child.path)
    assert (await api.get(f"{path}/last_submitted")).expect(200).data == []
    await move(api, f"{path}/{port_id}", "submitted")
    for asked in (
        f"{path}/last_submitted",
        f"{path}?by_types=last_submitted",
        f"{api.account}/descendants/port_requests?by_types=last_submitted",
        "/v2/port_requests?by_types=last_submitted",
    ):
        [row] = (await api.get(asked)).expect(200).data
        assert row["id"] == port_id
        assert row["transition"]["transition"]["new"] == "submitted"


@pytest.mark.parametrize("overrides", [{"lists.memory_limit": 1}])
async def test_a_list_that_is_too_long_is_refused(api: Api) -> None:
    for number in range(2):
        await make_port(api, api.account, numbers={f"+141555505{number:02}": {}})
    (await api.get(f"{api.account}/port_requests")).expect(416)


async def test_the_pin_of_the_bill_is_for_administrators_and_in_no_list(
    api: Api, child: Customer
) -> None:
    bill = {"pin": "8642", "name": "Doe"}
    port_id = await make_port(api, child.path, child.user, bill=bill)
    path = f"{child.path}/port_requests/{port_id}"
    assert (await api.get(path, token=child.admin)).expect(200).data["bill"] == bill
    shown = (await api.get(path, token=child.user)).expect(200)
    assert shown.data["bill"] == {"name": "Doe"}
    (await api.post(path, shown.data, token=child.user)).expect(200)
    assert (await api.get(path)).data["bill"] == bill
    (await api.patch(path, {"bill": {"pin": "1"}}, token=child.user)).expect(403)
    for asked in (f"{child.path}/port_requests", "/v2/port_requests?by_number=4155550100"):
        listed = await api.get(asked)
        assert b"Doe" in listed.content
        assert b"8642" not in listed.content


async def test_the_other_families_are_as_before(api: Api) -> None:
    doc_id = await make(api, "users")
    (await api.get(f"{api.account}/users/{doc_id}/comments")).expect(200)
