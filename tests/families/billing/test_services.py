"""Services: which plans an account has, what holds instead of their terms, what it all costs."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from crossbar.clock import FixedClock
from crossbar.settings import Settings
from tests.conftest import Api, running_api
from tests.families.billing.support import PRICES, USER, customer, make_plan, pay_in
from tests.families.support import refusal

UNKNOWN = "0123456789abcdef" * 2


async def account_of(api: Api, name: str = "Customer") -> str:
    return f"/v2/accounts/{await api.create_account(name)}"


async def test_a_plan_is_a_document_of_its_reseller(api: Api) -> None:
    plan = await make_plan(api, description="For most", category="Basic")
    assert (await api.get(f"{api.account}/plans")).data == [
        {"id": plan, "name": "Standard", "description": "For most", "category": "Basic"}
    ]
    shown = (await api.get(f"{api.account}/plans/{plan}")).expect(200).data
    assert shown["plan"] == PRICES
    patched = {"plan": {"users": {"user": {"rate": "3"}}}}
    changed = (await api.patch(f"{api.account}/plans/{plan}", patched)).expect(200).data
    assert changed["plan"]["users"]["user"] == {"rate": 3, "activation_charge": 1}


@pytest.mark.parametrize(
    ("terms", "path", "rule"),
    [
        ({"rate": "much"}, "rate", "type"),
        ({"markup_type": "nothing"}, "markup_type", "enum"),
        ({"rate": 1e300}, "rate", "maximum"),
        ({"taxes": [{"rate": -(10**12)}]}, "taxes.0.rate", "maximum"),
        ({"exceptions": "fax"}, "exceptions", "type"),
    ],
)
async def test_terms_are_judged_wherever_they_stand(
    api: Api, terms: Any, path: str, rule: str
) -> None:
    wrong = {"devices": {"a.b": terms}}
    sent = {"name": "Wrong", "plan": wrong}
    refusal(await api.put(f"{api.account}/plans", sent), f"plan.devices.a%2Eb.{path}", rule)
    base, plan = await account_of(api), await make_plan(api)
    overrides = f"overrides.devices.a%2Eb.{path}"
    refusal(await api.post(f"{base}/services/overrides", wrong), overrides, rule)
    assigned = await api.post(f"{base}/services/{plan}", {"overrides": wrong})
    refusal(assigned, f"plans.{plan}.{overrides}", rule)
    quoted = await api.post(f"{base}/services/quote", {"overrides": wrong})
    refusal(quoted, overrides, rule)


async def test_plans_are_assigned_and_taken_away(api: Api) -> None:
    base, first, second = await account_of(api), await make_plan(api), await make_plan(api)
    master = api.master.account_id
    assert (await api.get(f"{base}/services")).expect(200).data == {}
    contract = {"contract": {"months": 12}}
    assigned = (await api.post(f"{base}/services/{first}", contract)).expect(200).data
    assert assigned == {first: {"vendor_id": master, "overrides": {}, **contract}}
    both = (await api.post(f"{base}/services/", {"add": [second]})).expect(200).data
    assert set(both) == {first, second}
    assert (await api.get(f"{base}/services")).data == both
    left = (await api.post(f"{base}/services", {"delete": [first]})).expect(200).data
    assert left == {second: {"vendor_id": master, "overrides": {}}}
    (await api.delete(f"{base}/services/{first}")).expect(404)
    assert (await api.delete(f"{base}/services/{second}")).expect(200).data == {}
    (await api.put(f"{base}/users", USER)).expect(201)  # billed no more


async def test_several_plans_come_with_terms(api: Api) -> None:
    base, plan = await account_of(api), await make_plan(api)
    terms = {"users": {"user": {"rate": 1}}}
    sent = {"plans": [{"id": plan, "overrides": terms}], "overrides": {"users": {"user": {}}}}
    (await api.post(f"{base}/services", sent)).expect(200)
    more = {"add": [plan], "overrides": {"users": {"admin": {"rate": 9}}}}
    merged = (await api.post(f"{base}/services", more, merge=True)).expect(200).data
    assert merged[plan]["overrides"] == terms
    overrides = (await api.get(f"{base}/services/overrides")).data
    assert overrides == {"users": {"user": {}, "admin": {"rate": 9}}}
    replaced = (await api.post(f"{base}/services", more)).expect(200).data
    assert replaced[plan]["overrides"] == {}
    assert (await api.get(f"{base}/services/overrides")).data == more["overrides"]


async def test_a_plan_has_to_be_the_resellers(api: Api) -> None:
    base = await account_of(api)
    for sent in ({"add": [UNKNOWN]}, {"delete": [UNKNOWN]}):
        missing = (await api.post(f"{base}/services", sent)).expect(404)
        assert missing.data["cause"] == UNKNOWN
    refusal(await api.post(f"{base}/services", {"add": "all"}), "add", "type")
    refusal(await api.post(f"{base}/services", {"add": [5]}), "add.0", "type")
    theirs = (await api.put(f"{base}/plans", {"name": "Own"})).expect(201).data["id"]
    (await api.post(f"{base}/services/{theirs}", {})).expect(404)


async def test_only_the_reseller_and_operators_assign(api: Api) -> None:
    reseller = await api.create_account("Reseller")
    (await api.put(f"/v2/accounts/{reseller}/reseller")).expect(201)
    below = await api.create_account("Below", reseller)
    seller, buyer = await api.account_token(reseller), await api.account_token(below)
    made = await api.put(f"/v2/accounts/{reseller}/plans", {"name": "Ours"}, token=seller)
    plan, path = made.expect(201).data["id"], f"/v2/accounts/{below}/services"
    (await api.post(f"{path}/{plan}", {}, token=buyer)).expect(403)
    (await api.post(f"{path}/{plan}", {}, token=seller)).expect(200)
    (await api.get(f"{path}/manual", token=buyer)).expect(403)
    (await api.get(f"{path}/manual", token=seller)).expect(200)
    assert set((await api.get(path, token=buyer)).expect(200).data) == {plan}
    own = f"/v2/accounts/{reseller}/services/overrides"
    (await api.post(own, {"users": {"user": {"rate": 0}}}, token=seller)).expect(403)
    rows = (await api.get(f"{path}/available", token=buyer)).expect(200).data
    assert rows == [{"id": plan, "name": "Ours"}]
    details = (await api.get(f"{path}/available?details=true", token=buyer)).data
    assert details == [{"id": plan, "name": "Ours"}]


async def test_what_holds_instead_of_a_plan_is_merged_in_order(api: Api) -> None:
    base, plan = await account_of(api), await make_plan(api)
    terms = {"users": {"user": {"rate": 1, "activation_charge": 0}}}
    (await api.post(f"{base}/services/{plan}", {"overrides": terms})).expect(200)
    (await api.put(f"{base}/users", USER, accept_charges=True)).expect(201)

    async def price() -> Any:
        summary = (await api.get(f"{base}/services/summary")).expect(200).data
        return summary["invoices"][0]["summary"]["recurring"]

    assert await price() == 1
    (await api.patch(f"{base}/services/overrides", {"users": {"user": {"rate": 4}}})).expect(200)
    assert await price() == 4
    fixed = {"users": {"user": {"discounts": {"single": {"rate": 1}}}}}
    (await api.patch(f"{base}/services/overrides", fixed)).expect(200)
    assert await price() == 3
    (await api.post(f"{base}/services/overrides", {"ports": {"port": {"minimum": 2, "rate": 3}}}))
    assert await price() == 7


async def test_a_summary_shows_all_of_it(api: Api) -> None:
    more = {
        "applications": {"voip": {"enabled": True}},
        "ratedeck": {"id": "us", "name": "US"},
        "limits": {"inbound_trunks": 2},
        "im": {"sms": {"rate": 0.01}},
        "bookkeeper": {"type": "local", "id": "books"},
    }
    base = await customer(api, **more)
    summary = (await api.get(f"{base}/services/summary")).expect(200).data
    for name in ("applications", "ratedeck", "limits", "im"):
        assert summary[name] == more[name]
    (invoice,) = summary["invoices"]
    bookkeeper = {"type": "local", "id": "books", "vendor_id": api.master.account_id}
    assert invoice["bookkeeper"] == bookkeeper
    assert invoice["plan"] == PRICES
    assert {item["item"] for item in invoice["items"]} == {
        "user",
        "admin",
        "sip_device",
        "twoway_trunks",
    }
    assert summary["reseller"] == {"id": api.master.account_id, "is_reseller": False}
    assert summary["billing_cycle"] == {"next": 63_968_659_200, "period": 1, "unit": "month"}
    assert summary["status"] == {"acceptable": True, "reason": "good_standing"}
    (await api.put(f"{base}/ledgers/debit", {**DEBT})).expect(201)
    status = (await api.get(f"{base}/services/summary")).data["status"]
    assert (status["acceptable"], status["reason"]) == (False, "insufficient_credit")


DEBT = {
    "amount": 5,
    "source": {"service": "services", "id": "debt"},
    "usage": {"type": "x", "quantity": 1, "unit": "y"},
}


async def test_a_summary_is_a_table_of_items_too(api: Api) -> None:
    base = await customer(api)
    table = (await api.get(f"{base}/services/summary?accept=csv")).expect(200)
    header, *rows = table.content.decode().splitlines()
    assert header.startswith("category,item,name,quantity,billable,rate,total")
    assert len(rows) == 4
    free = await account_of(api, "Free")
    (await api.get(f"{free}/services/summary?accept=csv")).expect(204)
    assert (await api.get(f"{free}/services/summary")).data["status"]["reason"] == "no_plans"


async def test_plans_with_other_bookkeepers_are_other_invoices(api: Api) -> None:
    base, first = await account_of(api), await make_plan(api)
    second = await make_plan(api, {"users": {"user": {"rate": 7}}}, bookkeeper={"type": "other"})
    (await api.post(f"{base}/services", {"add": [first, second]})).expect(200)
    invoices = (await api.get(f"{base}/services/summary")).data["invoices"]
    assert {each["bookkeeper"]["type"] for each in invoices} == {"", "other"}


async def test_a_quote_prices_what_nobody_has(api: Api) -> None:
    base = await account_of(api)
    (await api.put(f"{base}/users", USER)).expect(201)
    plan = await make_plan(api)
    sent = {"add": [plan], "overrides": {"users": {"user": {"rate": 8}}}}
    quote = (await api.post(f"{base}/services/quote", sent)).expect(200).data
    assert quote["invoices"][0]["summary"]["recurring"] == 8
    assert set(quote["plans"]) == {plan}
    assert (await api.get(f"{base}/services")).data == {}


async def test_quantities_are_kept_by_hand_too(api: Api) -> None:
    base = await customer(api, {"seats": {"chair": {"rate": 2}}})
    path = f"{base}/services/manual"
    refusal(await api.post(path, {"seats": {"chair": -1}}), "manual.seats.chair", "minimum")
    (await api.post(path, {"seats": {"chair": 3}})).expect(200)
    (await api.patch(path, {"seats": {"sofa": 1}})).expect(200)
    assert (await api.get(path)).data == {"seats": {"chair": 3, "sofa": 1}}
    summary = (await api.get(f"{base}/services/summary")).data
    assert summary["invoices"][0]["summary"]["recurring"] == 6
    assert summary["quantities"]["manual"] == {"seats": {"chair": 3, "sofa": 1}}


async def test_what_accounts_below_have_may_be_billed_here(api: Api) -> None:
    base = await customer(api, {"users": {"user": {"rate": 1, "cascade": True}, "admin": {}}})
    for name in ("One", "Two"):
        below = await api.create_account(name, base.rpartition("/")[2])
        (await api.put(f"/v2/accounts/{below}/users", USER)).expect(201)
        admin = {**USER, "priv_level": "admin"}
        (await api.put(f"/v2/accounts/{below}/users", admin)).expect(201)
    summary = (await api.get(f"{base}/services/summary")).data
    assert summary["quantities"]["cascade"] == {"users": {"admin": 2, "user": 2}}
    found = {item["item"]: item["quantity"] for item in summary["invoices"][0]["items"]}
    assert found == {"user": 2, "admin": 0}


async def test_what_terms_may_say_is_told(api: Api) -> None:
    for path in ("/v2", api.account):
        editable = (await api.get(f"{path}/services/editable")).expect(200).data
        assert editable["users"]["admin"]["rate"]["type"] == "number"
        assert "exceptions" in editable["limits"]["_all"]
        assert "twoway_trunks" in editable["limits"]


async def test_books_are_synchronized_and_counts_are_always_right(api: Api) -> None:
    base = await customer(api)
    for path in ("synchronization", "reconciliation"):
        (await api.post(f"{base}/services/{path}", {})).expect(200)


async def test_what_changes_is_audited(api: Api, clock: FixedClock) -> None:
    base = await customer(api)
    await pay_in(api, base, 10)
    user = (await api.put(f"{base}/users", USER, accept_charges=True)).expect(201).data["id"]
    clock.advance(1)
    (await api.delete(f"{base}/users/{user}")).expect(200)
    path = f"{base}/services/audit"
    removal, addition = (await api.get(path)).expect(200).data
    assert addition["summary"] == {"today": 1, "recurring": 2.5}
    record = (await api.get(f"{path}/{removal['id']}")).expect(200).data
    change = {"category": "users", "item": "user", "difference": -1, "quantity": 0}
    assert record["changes"] == [change]
    assert record["authenticating_user"]["user_id"] == api.master.user_id
    day = {
        "addition": 1,
        "removal": 1,
        "quantity": 0,
        "sum_quantity": 1,
        "last_timestamp": clock.gregorian(),
    }
    days = (await api.get(f"{path}/summary")).expect(200).data
    assert days == [{"users": {"2027-01-15": day}}]
    assert (await api.get(f"{path}/summary/users")).data == [{"2027-01-15": day}]
    assert (await api.get(f"{path}/summary/devices")).data == []
    (await api.get(f"{path}/{UNKNOWN}")).expect(404)


async def test_plans_that_are_assigned_at_once_are_all_assigned(
    api: Api, settings: Settings, clock: FixedClock
) -> None:
    base = await account_of(api)
    plans = [await make_plan(api) for _ in range(6)]
    async with running_api(settings, clock, api.master) as other:
        clients = (api, other) * 3
        pairs = zip(clients, plans, strict=True)
        await asyncio.gather(*(one.post(f"{base}/services/{plan}", {}) for one, plan in pairs))
    assert set((await api.get(f"{base}/services")).data) == {*plans}


async def test_older_paths_lead_to_the_same(api: Api) -> None:
    base, plan = await account_of(api), await make_plan(api)
    older = f"{base}/service_plans"
    rows = [{"id": plan, "name": "Standard"}]
    assert (await api.get(f"{older}/available")).expect(200).data == rows
    assert (await api.get(f"{older}/available/{plan}")).expect(200).data["plan"] == PRICES
    (await api.post(f"{older}/{plan}", {})).expect(200)
    assert set((await api.get(f"{older}/current")).expect(200).data["plans"]) == {plan}
    terms = {"users": {"user": {"rate": 1}}}
    assert (await api.post(f"{older}/override", terms)).expect(200).data == terms
    taken = await api.request("DELETE", f"{older}/", {"plans": [plan]})
    assert taken.expect(200).data == {}
    assert (await api.post(f"{older}/", {"add": [plan]})).expect(200).data.keys() == {plan}
    assert (await api.delete(f"{older}/{plan}")).expect(200).data == {}


async def test_the_older_list_has_the_plans_that_the_account_sells(api: Api) -> None:
    """Clients offer a reseller its own plans by it when an account is made."""
    base, plan = await account_of(api), await make_plan(api)
    (await api.post(f"{base}/services/{plan}", {})).expect(200)
    own = f"{api.account}/service_plans"
    assert (await api.get(own)).expect(200).data == [{"id": plan, "name": "Standard"}]
    assert (await api.get(f"{own}/{plan}")).expect(200).data["plan"] == PRICES
    assert (await api.get(f"{base}/service_plans")).expect(200).data == []
    (await api.get(f"{base}/service_plans/{plan}")).expect(404)


async def test_a_reseller_prices_its_own_plans(api: Api) -> None:
    base = await account_of(api)
    (await api.put(f"{base}/reseller", {})).expect(201)
    plan = (await api.put(f"{base}/plans", {"name": "Own", "plan": PRICES})).expect(201).data
    quote = (await api.post(f"{base}/services/quote", {"plans": [plan["id"]]})).expect(200).data
    assert [each["plan"] for each in quote["invoices"]] == [PRICES]
    (await api.post(f"{base}/services/{plan['id']}", {})).expect(404)


async def test_a_plan_that_is_deleted_bills_nobody(api: Api) -> None:
    base, plan = await account_of(api), await make_plan(api)
    (await api.post(f"{base}/services/{plan}", {})).expect(200)
    (await api.delete(f"{api.account}/plans/{plan}")).expect(200)
    (await api.put(f"{base}/users", USER)).expect(201)
    assert (await api.get(f"{base}/services/summary")).data["invoices"] == []
