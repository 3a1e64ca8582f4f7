"""What is asked before something is added that costs money."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from operator import itemgetter
from typing import Any

import pytest

from crossbar.clock import FixedClock
from crossbar.core.change import Change
from crossbar.core.requests import Action, Actor, request_to
from crossbar.core.writing import Work, perform
from crossbar.errors import AcceptCharges, BillingIssue
from crossbar.families.billing import billed_as, charge, charged
from crossbar.families.billing.booking import balance_key
from crossbar.families.endpoints.users import USERS
from crossbar.settings import Settings
from crossbar.storage import SYSTEM, Batch, Entry, Key, Put
from tests.conftest import Api, running_api
from tests.contract.conftest import on_every_store
from tests.families.billing.support import USER, balance, customer, pay_in
from tests.families.support import refusal

DEVICE = {"name": "Desk"}


async def test_an_account_without_plans_is_never_asked(api: Api) -> None:
    path = f"/v2/accounts/{await api.create_account('Free')}"
    (await api.put(f"{path}/users", USER)).expect(201)
    (await api.put(f"{path}/devices", DEVICE)).expect(201)
    (await api.post(f"{path}/limits", {"twoway_trunks": 100})).expect(200)


async def test_an_account_without_plans_costs_no_look_up(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/v2/accounts/{await api.create_account('Free')}"
    (await api.put(f"{path}/users", USER)).expect(201)
    asked: list[Any] = []
    store = api.gateway.services.store
    for name in ("get", "count", "get_record"):
        before = getattr(store, name)

        def told(*given: Any, asks: Any = before) -> Any:
            asked.append(given)
            return asks(*given)

        monkeypatch.setattr(store, name, told)
    (await api.put(f"{path}/users", USER)).expect(201)
    (await api.put(f"{path}/devices", DEVICE)).expect(201)
    assert asked == []


async def test_what_costs_something_has_to_be_accepted(api: Api) -> None:
    path = await customer(api)
    await pay_in(api, path, 10)
    refused = (await api.put(f"{path}/users", USER)).expect(402)
    assert refused.body["message"] == "accept charges"
    (invoice,) = refused.data
    (item,) = (each for each in invoice["items"] if "changes" in each)
    assert (item["category"], item["item"], item["quantity"]) == ("users", "user", 1)
    assert item["changes"]["type"] == "addition"
    assert item["changes"]["difference"] == {"quantity": 1, "billable": 1, "total": 2.5}
    assert item["changes"]["current"]["quantity"] == 0
    (activation,) = invoice["activation_charges"]
    assert (activation["billable"], activation["total"]) == (1, 1)
    assert invoice["summary"] == {"today": 1, "recurring": 2.5}
    assert (await api.get(f"{path}/users")).data == []
    made = (await api.put(f"{path}/users", USER, accept_charges=True)).expect(201).data
    assert await balance(api, path) == 9
    (await api.put(f"{path}/users?accept_charges=true", USER)).expect(201)
    more = (await api.put(f"{path}/users", {**USER, "accept_charges": True})).expect(201).data
    assert "accept_charges" not in more
    assert await balance(api, path) == 7
    (await api.patch(f"{path}/users/{made['id']}", {"timezone": "UTC"})).expect(200)
    (entry,) = (await api.get(f"{path}/ledgers/services")).data[:1]
    assert entry["description"] == "Activation of users.user"


async def test_another_kind_is_another_price(api: Api) -> None:
    path = await customer(api)
    await pay_in(api, path, 10)
    user = (await api.put(f"{path}/users", USER, accept_charges=True)).expect(201).data["id"]
    refused = (await api.patch(f"{path}/users/{user}", {"priv_level": "admin"})).expect(402)
    changes = {
        each["item"]: each["changes"]["difference"]["quantity"]
        for each in refused.data[0]["items"]
        if "changes" in each
    }
    assert changes == {"admin": 1, "user": -1}
    admin = {"priv_level": "admin"}
    (await api.patch(f"{path}/users/{user}?accept_charges=true", admin)).expect(200)
    # What makes it cheaper is no question.
    (await api.delete(f"{path}/users/{user}")).expect(200)
    assert await quantities(api, path) == {}


async def quantities(api: Api, path: str) -> Any:
    summary = (await api.get(f"{path}/services/summary")).expect(200).data
    return summary["quantities"]["account"]


async def test_a_device_counts_as_its_type(api: Api) -> None:
    path = await customer(api)
    (await api.put(f"{path}/devices", DEVICE)).expect(402)
    (await api.put(f"{path}/devices", DEVICE, accept_charges=True)).expect(201)
    for kind in ("softphone", "softphone", "spaceship"):
        (await api.put(f"{path}/devices", {**DEVICE, "device_type": kind})).expect(201)
    found = await quantities(api, path)
    assert found == {"devices": {"sip_device": 1, "softphone": 2, "other": 1}}


async def test_what_credit_does_not_cover_is_refused(api: Api) -> None:
    path = await customer(api)
    refused = (await api.put(f"{path}/users", USER, accept_charges=True)).expect(402)
    assert refused.body["message"] == "billing_issue"
    assert refused.data["reason"] == "insufficient_credit"
    assert (await api.get(f"{path}/users")).data == []
    await pay_in(api, path, 1)
    (await api.put(f"{path}/users", USER, accept_charges=True)).expect(201)
    (await api.put(f"{path}/users", USER, accept_charges=True)).expect(402)


async def test_an_account_may_owe_what_its_plan_says(api: Api) -> None:
    limits = {"allow_postpay": True, "max_postpay_amount": 2}
    path = await customer(api, limits=limits)
    shown = (await api.get(f"{path}/limits")).expect(200).data
    assert (shown["allow_postpay"], shown["max_postpay_amount"]) == (True, 2)
    for _ in range(2):
        (await api.put(f"{path}/users", USER, accept_charges=True)).expect(201)
    (await api.put(f"{path}/users", USER, accept_charges=True)).expect(402)
    assert await balance(api, path) == -2


async def test_an_invalid_document_is_refused_before_its_price(api: Api) -> None:
    path = await customer(api)
    refusal(await api.put(f"{path}/users", {}), "first_name", "required")


async def test_trunks_are_charged_for_when_they_are_added(api: Api) -> None:
    path = await customer(api)
    await pay_in(api, path, 30)
    refused = (await api.post(f"{path}/limits", {"twoway_trunks": 2})).expect(402)
    assert refused.data[0]["summary"] == {"today": 20, "recurring": 40}
    asked = {"twoway_trunks": 2, "accept_charges": True}
    assert "accept_charges" not in (await api.post(f"{path}/limits", asked)).expect(200).data
    assert await balance(api, path) == 10
    (await api.post(f"{path}/limits", {"twoway_trunks": 2, "calls": 5})).expect(200)
    (await api.post(f"{path}/limits", {"twoway_trunks": 1})).expect(200)
    assert await balance(api, path) == 10
    (await api.post(f"{path}/limits", {"twoway_trunks": 4}, accept_charges=True)).expect(402)
    assert (await api.get(f"{path}/limits")).data["twoway_trunks"] == 1


@on_every_store
async def test_trunks_that_are_raised_in_a_race_are_all_paid_for(
    api: Api, settings: Settings, clock: FixedClock
) -> None:
    path = await customer(api)
    (await api.post(f"{path}/limits", {})).expect(200)
    await pay_in(api, path, 50)

    async def climb(client: Api) -> None:
        """Add a trunk to those that there are, for as long as there is credit."""
        for _ in range(200):
            there = (await client.get(f"{path}/limits")).expect(200)
            wanted = {"twoway_trunks": there.data.get("twoway_trunks", 0) + 1}
            known = {"If-Match": there.body["revision"]}
            answer = await client.post(
                f"{path}/limits", wanted, headers=known, accept_charges=True
            )
            if answer.status == 402:
                return
            assert answer.status in (200, 409, 412)

    async with running_api(settings, clock, api.master) as other:
        await asyncio.gather(*(climb(client) for client in (api, other) * 3))
    assert (await api.get(f"{path}/limits")).data["twoway_trunks"] == 5
    assert await balance(api, path) == 0
    entries = (await api.get(f"{path}/ledgers/services")).expect(200).data
    assert [each["amount"] for each in entries] == [-10] * 5


@on_every_store
async def test_credit_that_is_spent_in_a_race_is_spent_once(
    api: Api, settings: Settings, clock: FixedClock
) -> None:
    path = await customer(api)
    await pay_in(api, path, 4)
    async with running_api(settings, clock, api.master) as other:
        answers = await asyncio.gather(
            *(
                client.put(f"{path}/users", USER, accept_charges=True)
                for client in (api, other) * 5
            )
        )
    assert sorted(answer.status for answer in answers) == [201] * 4 + [402] * 6
    assert await balance(api, path) == 0


@on_every_store
async def test_what_is_free_up_to_a_number_is_so_in_a_race(
    api: Api, settings: Settings, clock: FixedClock
) -> None:
    path = await customer(api, {"users": {"user": {"rates": {"3": 0}, "rate": 10}}})
    async with running_api(settings, clock, api.master) as other:
        answers = await asyncio.gather(
            *(client.put(f"{path}/users", USER) for client in (api, other) * 4)
        )
    assert sorted(answer.status for answer in answers) == [201] * 3 + [402] * 5


@pytest.mark.thorough
@on_every_store
async def test_many_who_spend_at_once_are_all_served(
    api: Api, settings: Settings, clock: FixedClock
) -> None:
    path = await customer(api)
    await pay_in(api, path, 44)
    async with running_api(settings, clock, api.master) as other:
        answers = await asyncio.gather(
            *(
                client.put(f"{path}/users", USER, accept_charges=True)
                for client in (api, other) * 22
            )
        )
    assert [answer.status for answer in answers] == [201] * 44
    assert await balance(api, path) == 0


async def test_other_rooms_ask_what_additions_cost(api: Api) -> None:
    path = await customer(api, {"phone_numbers": {"did_us": {"rate": 1, "activation_charge": 2}}})
    account = await api.gateway.services.accounts.get(path.rpartition("/")[2])
    assert account is not None
    actor = Actor(
        services=api.gateway.services,
        account_id=account.account_id,
        account=account,
        request_id="test",
    )
    request = request_to(actor, Action.CREATE, "accounts", account.account_id, "users")
    with pytest.raises(AcceptCharges) as refused:
        await charge(request, {("phone_numbers", "did_us"): 3})
    assert refused.value.data[0]["summary"] == {"today": 6, "recurring": 3}
    await charge(request, {("phone_numbers", "tollfree_us"): 3})
    await charge(request, {("phone_numbers", "did_us"): -1})
    await charge(request, {})
    agreed = replace(request, controls={"accept_charges": True})
    with pytest.raises(BillingIssue):
        await charge(agreed, {("phone_numbers", "did_us"): 3})
    await pay_in(api, path, 6)
    await charge(agreed, {("phone_numbers", "did_us"): 3})
    assert await balance(api, path) == 6  # who asks writes what follows
    written = await charged(actor, agreed, {("phone_numbers", "did_us"): 3})
    await api.gateway.services.commit(Batch(puts=written.puts, records=written.records))
    assert await balance(api, path) == 0


async def test_several_additions_in_one_commit_are_charged_together(api: Api) -> None:
    path = await customer(api)
    await pay_in(api, path, 3)
    account_id = path.rpartition("/")[2]
    account = await api.gateway.services.accounts.get(account_id)
    actor = Actor(
        services=api.gateway.services, account_id=account_id, account=account, request_id="test"
    )

    async def add(many: int) -> None:
        async def build(work: Work) -> None:
            for number in range(many):
                key = Key(account_id, "user", f"{many}-{number}")
                await work.save(Change(actor=actor, family=USERS, key=key, document={**USER}))

        await perform(actor, balance_key(account_id), build)

    with pytest.raises(BillingIssue):
        await add(4)
    await add(2)
    assert await balance(api, path) == 1
    assert len((await api.get(f"{path}/users")).data) == 2
    assert [each["amount"] for each in (await api.get(f"{path}/ledgers/services")).data] == [-2]


@pytest.mark.parametrize(
    ("noun", "category", "item", "sent"),
    [
        ("conferences", "conferences", "conference", {"name": "Standup"}),
        ("faxboxes", "faxes", "mailbox", {"name": "Office"}),
        ("vmboxes", "voicemails", "mailbox", {"name": "Ann", "mailbox": "2001"}),
    ],
)
async def test_boxes_and_rooms_are_billed_where_a_plan_says_so(
    api: Api, noun: str, category: str, item: str, sent: Any
) -> None:
    path = await customer(api, {category: {item: {"rate": 1}}})
    (await api.put(f"{path}/{noun}", sent)).expect(402)
    made = (await api.put(f"{path}/{noun}", sent, accept_charges=True)).expect(201).data["id"]
    assert await quantities(api, path) == {category: {item: 1}}
    (await api.patch(f"{path}/{noun}/{made}", {"flags": ["x"]})).expect(200)
    (await api.delete(f"{path}/{noun}/{made}")).expect(200)
    assert await quantities(api, path) == {}


async def test_documents_of_the_system_count_for_whom_they_say(api: Api) -> None:
    path = await customer(api, {"phone_numbers": {"did_us": {"rate": 1}}})
    account_id = path.rpartition("/")[2]
    index = billed_as("phone_numbers", itemgetter("class"), itemgetter("owner"))
    puts = []
    for number, kind in enumerate(("did_us", "did_us", "moon", "")):
        document = {"_id": f"+{number}", "_rev": "1-a", "class": kind, "owner": account_id}
        entries = [Entry(index.name, value) for value in index.values(document)]
        key = Key(SYSTEM, "phone_number", f"+{number}")
        puts.append(Put(key, document, None, entries=entries))
    await api.gateway.services.store.commit(Batch(puts=puts))
    assert await quantities(api, path) == {"phone_numbers": {"did_us": 2, "other": 1}}
    assert await quantities(api, api.account) == {"users": {"admin": 1}}
