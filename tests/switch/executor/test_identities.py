"""Who is shown as the caller, and branches by who calls."""

from __future__ import annotations

from typing import Any

from crossbar.core.requests import Actor
from crossbar.switch.executor import Book, Call
from crossbar.switch.executor.callers import caller_id
from tests.conftest import Api
from tests.families.support import make
from tests.switch.executor.support import (
    call,
    callflow,
    heard,
    node,
    path,
    phone,
    simulated,
    then,
    verbs,
)

OUTSIDE: dict[str, Any] = {"from": {"number": "+14155550100", "name": "Jane"}}


async def seen(api: Api, before: Any, asked: Any = OUTSIDE, number: str = "1") -> tuple[str, str]:
    """What a phone shows of the caller after some steps."""
    device = await phone(api, f"callee{number}")
    last = {"_": node("device", id=device)}
    flow = node("noop", last)
    for step in reversed(before):
        flow = {**step, "children": {"_": flow}}
    told = await simulated(api, await callflow(api, number, flow), **asked)
    leg = verbs(told, "ring")[0]["legs"][0]
    return leg.get("caller_id_name", ""), leg.get("caller_id_number", "")


async def test_external_callers_are_shown_as_presented(api: Api) -> None:
    assert await seen(api, []) == ("Jane", "+14155550100")


async def test_who_is_called_by_a_button_sees_who_is_called_by_it_too(api: Api) -> None:
    shown = {"internal": {"number": "900"}, "external": {"number": "+12125550111"}}
    (await api.patch(api.account, {"caller_id": shown})).expect(200)
    account = await api.gateway.services.accounts.get(api.master.account_id)
    assert account is not None
    actor = Actor(
        services=api.gateway.services,
        account_id=account.account_id,
        account=account,
        request_id="",
    )
    made = Call(
        call_id="c",
        account_id=account.account_id,
        dialed="101",
        from_number="+14155550100",
        authorizing_type="clicktocall",
    )
    # Carriers are shown what is the account's, unless the button names a number.
    for retains, kind, number in (
        (False, "internal", "+14155550100"),
        (False, "external", "+12125550111"),
        (True, "external", "+14155550100"),
    ):
        made.retains_caller = retains
        assert (await caller_id(Book(actor), made, kind)).number == number


async def test_caller_id_onnet_is_the_users_before_the_devices(api: Api) -> None:
    own = {"internal": {"name": "Ann", "number": "1001"}}
    user = await make(api, "users", first_name="Ann", caller_id=own)
    other = {"internal": {"name": "Desk", "number": "22"}}
    device = await phone(api, "desk", owner_id=user, caller_id=other)
    assert await seen(api, [], {"from": {"device_id": device}}) == ("Ann", "1001")
    alone = await phone(api, "alone", caller_id=other)
    assert await seen(api, [], {"from": {"device_id": alone}}, "2") == ("Desk", "22")


async def test_prepend_cid_in_front_instead_and_not_at_all(api: Api) -> None:
    first = node("prepend_cid", caller_id_name_prefix="A-", caller_id_number_prefix="1")
    second = node("prepend_cid", caller_id_name_prefix="B-")
    assert await seen(api, [first, second]) == ("B-A-Jane", "1+14155550100")
    instead = node("prepend_cid", caller_id_name_prefix="C-", apply_to="original")
    assert await seen(api, [first, instead], number="2") == ("C-Jane", "+14155550100")
    assert (await seen(api, [first, node("prepend_cid", action="reset")], number="3"))[0] == "Jane"


async def test_set_cid_replaces(api: Api) -> None:
    step = node("set_cid", caller_id_name="Door", caller_id_number="5")
    assert await seen(api, [step]) == ("Door", "5")
    assert await seen(api, [step, node("set_cid")], number="2") == ("Jane", "+14155550100")


async def test_privacy_hides_the_caller_and_goes_on(api: Api) -> None:
    callee = await phone(api, "callee")
    await callflow(api, "1001", node("device", id=callee))
    flow = await callflow(api, r"^\*67(\d*)$", node("privacy", mode="number"))
    told = await simulated(api, flow, to="*671001", **OUTSIDE)
    leg = verbs(told, "ring")[0]["legs"][0]
    assert (leg["caller_id_name"], leg.get("caller_id_number")) == ("Jane", None)
    assert "fault-can_not_be_completed_as_dialed" in heard(await simulated(api, flow, to="*67"))
    private = await phone(api, "private", caller_id_options={"outbound_privacy": "full"})
    told = await simulated(api, flow, to="*671001", **{"from": {"device_id": private}})
    assert path(told) == ["privacy", "device"]


async def test_check_cid_by_pattern(api: Api) -> None:
    children = {
        "match": node("play", id="yes"),
        "nomatch": node("play", id="no"),
        "+14155550100": node("play", id="exact"),
    }
    for number, data, expected in (
        ("1", {"regex": "^\\+1415"}, "yes"),
        ("2", {"regex": "^\\+44"}, "no"),
        ("3", {"regex": "^\\+1415", "use_absolute_mode": True}, "exact"),
    ):
        flow = await callflow(api, number, node("check_cid", children, **data))
        assert heard(await simulated(api, flow, **OUTSIDE)) == [expected]


async def listed(api: Api, *entries: dict[str, Any]) -> str:
    made = await make(api, "lists", name="Friends")
    for entry in entries:
        (await api.put(f"{api.account}/lists/{made}/entries", entry)).expect(201)
    return made


async def test_cidlistmatch_and_lookupcidname(api: Api) -> None:
    friends = await listed(
        api,
        {"number": "+1415", "displayname": "Bay"},
        {"number": "+1415555", "displayname": "Jane Doe"},
        {"pattern": "^44", "displayname": "UK"},
    )
    children = {"match": node("play", id="friend"), "nomatch": node("play", id="stranger")}
    flow = await callflow(api, "1", node("cidlistmatch", children, id=friends))
    for number, expected in (("+14155550100", "friend"), ("+44207", "friend"), ("99", "stranger")):
        told = await simulated(api, flow, **{"from": {"number": number}})
        assert heard(told) == [expected], number
    name, _ = await seen(api, [node("lookupcidname", lists=[friends])], number="2")
    assert name == "Jane Doe"


async def test_dynamic_cid_by_hand_and_fixed(api: Api) -> None:
    device = await phone(api, "desk", caller_id={"internal": {"name": "Desk", "number": "22"}})
    asked = {"from": {"device_id": device}, "keys": ["4155550123"]}
    assert (await seen(api, [node("dynamic_cid", action="manual")], asked))[1] == "4155550123"
    wrong = {**asked, "keys": ["12"]}
    assert (await seen(api, [node("dynamic_cid")], wrong, "2"))[1] == "22"
    fixed = node("dynamic_cid", action="static", caller_id={"name": "X", "number": "5"})
    assert await seen(api, [fixed], {"from": {"device_id": device}}, "3") == ("X", "5")


async def test_dynamic_cid_from_a_list(api: Api) -> None:
    entry = {"capture_group_key": "07", "name": "Sales", "number": "+14155550107"}
    known = await listed(api, entry)
    await callflow(api, "no_match", node("play", id="outside"))
    step = node("dynamic_cid", action="lists", id=known)
    await callflow(api, r"^\*2(\d+)$", step)
    device = await phone(api, "desk")
    made = await call(api, "*2074155550100", device=device)
    assert made.heard() == ["outside"]
    assert (made.call.shown_number, made.call.dialed) == ("+14155550107", "4155550100")
    wrong = await call(api, "*2994155550100", device=device)
    assert wrong.heard() == ["fault-can_not_be_completed_as_dialed"]


async def test_set_alert_info_reaches_the_phones(api: Api) -> None:
    device = await phone(api, "desk")
    await callflow(api, "1", node("set_alert_info", then("device", id=device), alert_info="ring2"))
    made = await call(api, "1")
    assert made.call.alert == "ring2"
