"""Alerts: who is told what, who may clear it, and what port requests and balances say."""

from __future__ import annotations

from typing import Any

import pytest

from crossbar.clock import GREGORIAN_OFFSET
from tests.conftest import NOW, Api
from tests.families.billing.support import customer, pay_in
from tests.families.porting.support import Customer, customer_of, make_port, move
from tests.families.support import refusal

ALERT: dict[str, Any] = {
    "title": "Maintenance",
    "message": "Tonight",
    "from": [{"type": "all", "value": "admins"}],
}


async def tell(api: Api, *audience: Any, **more: Any) -> str:
    """A new alert for an audience; its id."""
    kind, value = audience
    sent = {**ALERT, "to": [{"type": kind, "value": value}], **more}
    alert_id: str = (await api.put(f"{api.account}/alerts", sent)).expect(201).data["id"]
    return alert_id


@pytest.fixture
async def child(api: Api) -> Customer:
    return await customer_of(api)


async def told(api: Api, who: Customer, token: str) -> list[str]:
    """The ids of what somebody is told."""
    rows = (await api.get(f"{who.path}/alerts", token=token)).expect(200).data
    return [each["id"] for each in rows]


async def test_operators_write_alerts(api: Api, child: Customer) -> None:
    sent = {**ALERT, "to": [{"type": "all", "value": "all"}]}
    (await api.put(f"{child.path}/alerts", sent, token=child.admin)).expect(403)
    made = (await api.put(f"{api.account}/alerts", {**sent, "odd": 1})).expect(201).data
    assert "odd" not in made
    for name in ("title", "message", "from", "to"):
        lacking = {key: value for key, value in sent.items() if key != name}
        refusal(await api.put(f"{api.account}/alerts", lacking), name, "required")
    odd = {**sent, "to": [{"type": "all", "value": 5}]}
    refusal(await api.put(f"{api.account}/alerts", odd), "to.0.value", "type")


async def test_an_alert_is_shown_as_clients_expect_it(api: Api, child: Customer) -> None:
    alert_id = await tell(api, "all", "all", metadata={"a": 1})
    answer = (await api.get(f"{child.path}/alerts", token=child.user)).expect(200)
    [alert] = answer.data
    assert answer.body["page_size"] == 1
    assert (alert["id"], alert["key"], alert["clearable"]) == (alert_id, ["all", "all"], True)
    value = alert["value"]
    assert (value["id"], value["title"], value["message"]) == (alert_id, "Maintenance", "Tonight")
    assert (value["category"], value["level"], value["metadata"]) == ("", "info", {"a": 1})
    assert value["created"] == NOW + GREGORIAN_OFFSET


async def test_everybody_is_told_what_is_for_them(api: Api, child: Customer) -> None:
    users = (await api.get(f"{child.path}/users")).data
    [joe] = [user["id"] for user in users if user["username"] == "joe"]
    master = api.master.account_id
    for_both = [
        await tell(api, "all", "all"),
        await tell(api, "all", "users"),
        await tell(api, child.account_id, "all"),
        await tell(api, "descendants", [master, "users"]),
    ]
    for_admins = [
        await tell(api, "all", "admins"),
        await tell(api, child.account_id, "admins"),
        await tell(api, "descendants", [master, "admins"]),
    ]
    for_joe = [await tell(api, child.account_id, joe)]
    for_others = [
        await tell(api, "resellers", "all"),
        await tell(api, master, "all"),
        await tell(api, "descendants", [child.account_id, "all"]),
    ]
    assert sorted(await told(api, child, child.admin)) == sorted(for_both + for_admins)
    assert sorted(await told(api, child, child.user)) == sorted(for_both + for_joe)
    (await api.put(f"{child.path}/reseller", {})).expect(201)
    assert for_others[0] in await told(api, child, child.admin)
    for alert_id in for_others[1:]:
        (await api.get(f"{child.path}/alerts/{alert_id}", token=child.admin)).expect(404)
        (await api.delete(f"{child.path}/alerts/{alert_id}", token=child.admin)).expect(404)
        (await api.get(f"{child.path}/alerts/{alert_id}")).expect(200)


async def test_an_alert_for_several_audiences_comes_once(api: Api, child: Customer) -> None:
    audiences = [{"type": "all", "value": "all"}, {"type": "all", "value": "admins"}]
    (await api.put(f"{api.account}/alerts", {**ALERT, "to": audiences})).expect(201)
    assert len(await told(api, child, child.admin)) == 1


async def test_an_alert_ends(api: Api, child: Customer) -> None:
    now = NOW + GREGORIAN_OFFSET
    await tell(api, "all", "all", expiration_date=now + 60)
    assert len(await told(api, child, child.user)) == 1
    api.clock.advance(60)
    assert await told(api, child, child.user) == []


async def test_who_is_told_alone_may_clear_it(api: Api, child: Customer) -> None:
    users = (await api.get(f"{child.path}/users")).data
    [joe] = [user["id"] for user in users if user["username"] == "joe"]
    wide, account, own = (
        await tell(api, "all", "all"),
        await tell(api, child.account_id, "all"),
        await tell(api, child.account_id, joe),
    )
    for alert_id, token, status in (
        (wide, child.admin, 403),
        (account, child.user, 403),
        (account, child.admin, 200),
        (own, child.user, 200),
    ):
        (await api.delete(f"{child.path}/alerts/{alert_id}", token=token)).expect(status)
    (await api.delete(f"{child.path}/alerts/{wide}")).expect(200)
    (await api.get(f"{child.path}/alerts/{wide}")).expect(404)
    assert await told(api, child, child.user) == []


async def test_port_requests_ask_for_attention(api: Api, child: Customer) -> None:
    port_id = await make_port(api, child.path)
    [alert] = (await api.get(f"{child.path}/alerts")).expect(200).data
    assert (alert["id"], alert["category"], alert["clearable"]) == (
        port_id,
        "port_suspended",
        False,
    )
    assert alert["metadata"]["state"] == "unconfirmed"
    path = f"{child.path}/port_requests/{port_id}"
    await move(api, path, "submitted")
    assert (await api.get(f"{child.path}/alerts")).data == []
    asks = {"content": "Send the bill", "timestamp": 5, "author": "x", "action_required": True}
    hidden = {"content": "secret", "timestamp": 6, "author": "x", "is_private": True}
    (await api.put(f"{path}/comments", {"comments": [asks, hidden]})).expect(201)
    [alert] = (await api.get(f"{child.path}/alerts", token=child.admin)).data
    assert alert["category"] == "port_action_required"
    assert alert["message"]["content"] == "Send the bill"
    done = {"content": "Done", "timestamp": 7, "author": "x"}
    (await api.put(f"{path}/comments", {"comments": [done]}, token=child.admin)).expect(201)
    assert (await api.get(f"{child.path}/alerts")).data == []


async def test_a_low_balance_is_told_to_who_has_plans(api: Api, child: Customer) -> None:
    assert (await api.get(f"{child.path}/alerts")).data == []
    path = await customer(api)
    [alert] = (await api.get(f"{path}/alerts")).expect(200).data
    assert (alert["category"], alert["metadata"]) == (
        "low_balance",
        {"available": 0, "threshold": 0},
    )
    await pay_in(api, path, 10)
    assert (await api.get(f"{path}/alerts")).data == []
    wanted = {"low_balance": {"threshold": 12.5}}
    (await api.patch(path, {"notifications": wanted})).expect(200)
    [alert] = (await api.get(f"{path}/alerts")).data
    assert alert["metadata"] == {"available": 10, "threshold": 12.5}


@pytest.mark.parametrize("switch", ["port_requests", "port_suspended"])
async def test_operators_switch_alerts_of_a_kind_off(
    api: Api, child: Customer, switch: str
) -> None:
    written = await tell(api, "all", "all")
    port_id = await make_port(api, child.path)
    assert await told(api, child, child.admin) == [written, port_id]
    config = "/v2/system_configs/crossbar.alerts"
    (await api.post(config, {"default": {f"check_{switch}": False}})).expect(200)
    assert await told(api, child, child.admin) == [written]
    (await api.post(config, {"default": {"check_system_alerts": False}})).expect(200)
    assert await told(api, child, child.admin) == [port_id]


async def test_operators_switch_all_else_off(api: Api, child: Customer) -> None:
    path, port_id = await customer(api), await make_port(api, child.path)
    asks = {"content": "Send it", "timestamp": 5, "author": "x", "action_required": True}
    comments = f"{child.path}/port_requests/{port_id}/comments"
    (await api.put(comments, {"comments": [asks]})).expect(201)
    assert len(await told(api, child, child.admin)) == 2
    assert len((await api.get(f"{path}/alerts")).data) == 1
    config = "/v2/system_configs/crossbar.alerts"
    off = {"check_port_action_required": False, "check_low_balance": False}
    (await api.post(config, {"default": off})).expect(200)
    assert len(await told(api, child, child.admin)) == 1
    assert (await api.get(f"{path}/alerts")).data == []
    (await api.post("/v2/system_configs/alerts", {"default": {"enabled": False}})).expect(200)
    refused = await api.put(f"{api.account}/alerts", {**ALERT, "to": []})
    assert refused.expect(400).body["message"] == "disabled"


async def test_a_reseller_is_told_of_the_port_requests_of_its_customers(api: Api) -> None:
    reseller = await customer_of(api, "Reseller")
    customer = await customer_of(api, "Customer", reseller.account_id)
    below = await customer_of(api, "Below", customer.account_id)
    stranger = await customer_of(api, "Stranger")
    own, theirs, deep, other = [
        await make_port(api, each.path, numbers={f"+1415555010{place}": {}})
        for place, each in enumerate((reseller, customer, below, stranger))
    ]
    assert await told(api, reseller, reseller.admin) == [own]
    (await api.put(f"{reseller.path}/reseller")).expect(201)
    assert sorted(await told(api, reseller, reseller.admin)) == sorted([own, theirs, deep])
    alerts = (await api.get(f"{reseller.path}/alerts", token=reseller.admin)).data
    [alert] = [each for each in alerts if each["id"] == deep]
    assert alert["from"] == [{"type": "account", "value": below.account_id}]
    assert await told(api, customer, customer.admin) == [theirs]
    assert await told(api, stranger, api.token) == [other]
    (
        await api.put(f"{reseller.path}/whitelabel", {"domain": "x.example", "hide_port": True})
    ).expect(201)
    assert await told(api, customer, customer.admin) == []
    assert own in await told(api, reseller, reseller.admin)
