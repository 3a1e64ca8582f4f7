"""Feature codes that change something: forwarding, rest, hot desks, lamps, ring groups, agents."""

from __future__ import annotations

from typing import Any

from crossbar.core.ports.switch import NoSwitch
from crossbar.switch.executor import Channel, Waited
from tests.conftest import Api
from tests.families.support import make, shown
from tests.families.switch.support import TIME, teller
from tests.switch.executor.support import (
    call,
    callflow,
    heard,
    node,
    person,
    phone,
    simulated,
    then,
)


async def test_call_forward_activate_toggle_update_deactivate(api: Api) -> None:
    user, desk = await person(api, "Ann")
    await callflow(api, r"^\*72([0-9]*)$", node("call_forward", action="activate"))
    await callflow(api, r"^\*74([0-9]*)$", node("call_forward", action="toggle"))
    await callflow(api, "*56", node("call_forward", action="update"))
    await callflow(api, "*73", node("call_forward", action="deactivate"))

    async def forward() -> Any:
        found = (await shown(api, "users", user))["call_forward"]
        return found["enabled"], found["number"]

    made = await call(api, "*722000", device=desk)
    assert made.heard() == ["cf-now_forwarded_to", "2000"]
    assert await forward() == (True, "2000")
    assert (await call(api, "*74", device=desk)).heard() == ["cf-disabled"]
    assert await forward() == (False, "2000")
    await call(api, "*74", device=desk)
    assert await forward() == (True, "2000")
    await call(api, "*56", device=desk, keys=["1", "3000#"])
    assert await forward() == (True, "3000")
    await call(api, "*73", device=desk)
    assert await forward() == (False, "3000")


async def test_call_forward_menu_and_nobody(api: Api) -> None:
    _, desk = await person(api, "Ann")
    await callflow(api, "1", node("call_forward", action="menu"))
    made = await call(api, "1", device=desk, keys=["2", "2000", "1", "1"], hangs_up_after=90)
    assert made.heard()[:2] == ["cf-disabled_menu", "cf-enter_number"]
    assert "cf-now_forwarded_to" in made.heard()
    assert "cf-disabled" in made.heard()
    assert (await call(api, "1")).heard() == ["cf-not_available"]


async def test_do_not_disturb(api: Api) -> None:
    user, desk = await person(api, "Ann")
    flow = node("do_not_disturb", then("play", id="after"), action="toggle")
    await callflow(api, "*76", flow)
    assert (await call(api, "*76", device=desk)).heard() == ["dnd-activated", "after"]
    assert (await shown(api, "users", user))["do_not_disturb"] == {"enabled": True}
    assert (await call(api, "*76", device=desk)).heard()[0] == "dnd-deactivated"
    assert (await call(api, "*76")).heard() == ["dnd-not_available"]


async def test_call_waiting(api: Api) -> None:
    _, desk = await person(api, "Ann")
    await callflow(api, "*70", node("call_waiting"))
    assert (await call(api, "*70", device=desk)).heard() == ["cw-deactivated"]
    assert (await shown(api, "devices", desk))["call_waiting"] == {"enabled": False}
    assert (await call(api, "*70")).heard() == ["cw-not_available"]


async def test_hotdesk_login_logout_and_ring(api: Api) -> None:
    own = {"enabled": True, "id": "77", "require_pin": True, "pin": "1234"}
    user = await make(api, "users", first_name="Bob", hotdesk=own)
    desk, other = await phone(api, "desk"), await phone(api, "other")
    await callflow(api, "*11", node("hotdesk", action="login"))
    await callflow(api, "*12", node("hotdesk", action="logout"))
    ringing = await callflow(
        api, "2", node("hotdesk", then("play", id="x"), action="bridge", id=user)
    )

    async def users(device: str) -> list[str]:
        return list((await shown(api, "devices", device)).get("hotdesk", {}).get("users", {}))

    wrong = await call(api, "*11", device=desk, keys=["77", "1", "2", "3"])
    assert wrong.heard()[-2:] == ["hotdesk-abort", "vm-goodbye"]
    made = await call(api, "*11", device=desk, keys=["55", "77", "1234"])
    assert made.heard()[-2:] == ["hotdesk-logged_in", "vm-goodbye"]
    assert await users(desk) == [user]
    told = await simulated(api, ringing, otherwise="answer")
    assert [leg["name"] for leg in told["steps"][0]["does"][0]["legs"]] == ["desk"]
    assert heard(told) == ["x"]
    await call(api, "*11", device=other, keys=["77", "1234"])
    assert (await users(desk), await users(other)) == ([], [user])
    await call(api, "*12", device=other)
    assert await users(other) == []
    assert (await call(api, "*11")).heard() == ["hotdesk-abort"]


async def test_manual_presence_sets_a_lamp(api: Api) -> None:
    await callflow(api, "1", node("manual_presence", presence_id="door", status="busy"))
    await call(api, "1")
    switch = api.gateway.services.switch
    assert isinstance(switch, NoSwitch)
    command = switch.told[-1]
    assert (command.name, command.data["state"]) == ("presence.set", "confirmed")
    assert command.data["presence_id"].startswith("door@")


async def test_ring_group_toggle(api: Api) -> None:
    user, desk = await person(api, "Ann")
    member = {"endpoint_type": "user", "id": user}
    group = await callflow(api, "1", node("ring_group", endpoints=[member]))
    for number, action in (("2", "logout"), ("3", "login")):
        data = {"action": action, "callflow_id": group}
        await callflow(api, number, node("ring_group_toggle", **data))
    assert (await call(api, "2", device=desk)).heard() == ["agent-logged_out"]
    told = await simulated(api, group)
    assert told["steps"][0]["why"] == "there is nobody to ring"
    assert (await call(api, "3", device=desk)).heard() == ["agent-logged_in"]
    assert (await simulated(api, group))["steps"][0]["does"][0]["verb"] == "ring"
    assert (await call(api, "3")).heard() == ["agent-invalid_choice"]


async def test_agents_log_in_by_telephone(api: Api) -> None:
    user, desk = await person(api, "Ann")
    queue = await make(api, "queues")
    await callflow(api, "1", node("acdc_queue", action="login", id=queue))
    await callflow(api, "2", node("acdc_queue", action="logout", id=queue))
    await callflow(api, "3", node("acdc_agent", action="login"))
    await callflow(api, "4", node("acdc_agent", action="paused"))
    assert (await call(api, "1", device=desk)).heard() == ["agent-logged_in"]
    assert (await shown(api, "users", user))["queues"] == [queue]
    assert (await call(api, "2", device=desk)).heard() == ["agent-logged_out"]
    assert (await call(api, "1")).heard() == ["agent-not_call_center_agent"]
    assert (await call(api, "3", device=desk)).heard() == ["agent-logged_in"]
    switch = api.gateway.services.switch
    assert isinstance(switch, NoSwitch)
    order = {"agent_id": user, "status": "login", "call_id": "call-3"}
    assert switch.told[-1].data == order
    assert (await call(api, "4", device=desk)).heard() == ["agent-invalid_choice"]


async def test_callers_wait_in_queues(api: Api) -> None:
    queue = await make(api, "queues", connection_timeout=300)
    flow = await callflow(api, "1", node("acdc_member", then("play", id="after"), id=queue))
    told = await simulated(api, flow)
    assert heard(told) == ["after"]
    assert told["steps"][0]["why"] == "nobody took the call in time"
    assert told["steps"][1]["at"] == 300
    assert heard(await simulated(api, flow, waits="connected")) == []
    empty = await simulated(api, flow, waits="empty")
    assert empty["steps"][0]["why"] == "the queue has no agents"


async def test_who_waited_before_goes_on_where_it_waited(api: Api) -> None:
    queue = await make(api, "queues")
    waits = node("acdc_member", then("play", id="after"), id=queue)
    await callflow(api, "1", node("menu", {"1": node("play", {"_": waits}, id="before")}))
    made = await call(api, "1", resumed={"queue_id": queue}, waits=Waited.KEY)
    assert made.heard() == ["after"]
    # Where the queue is gone from the flow, it begins anew.
    await callflow(api, "2", node("play", id="welcome"))
    assert (await call(api, "2", resumed={"queue_id": queue})).heard() == ["welcome"]


async def test_the_average_wait_decides(api: Api) -> None:
    children = {"0": node("play", id="now"), "60": node("play", id="later")}
    flow = await callflow(api, "1", node("acdc_wait_time", children, id="0" * 32))
    assert heard(await simulated(api, flow)) == ["now"]
    switch = await teller(api)
    for place, waited in enumerate((30, 100)):
        told = {"queue_id": "0" * 32, "call_id": f"c{place}", "status": "handled"}
        times = {"entered_timestamp": TIME - 200, "wait_time": waited}
        await switch.tell("queue.call", {**told, **times})
    assert heard(await simulated(api, flow)) == ["later"]


async def test_camping_has_the_caller_called_back_when_an_extension_is_free(api: Api) -> None:
    _, desk = await person(api, "Ann")
    other = await phone(api, "other")
    await callflow(api, "102", node("device", id=other))
    await callflow(
        api, "103", node("ring_group", endpoints=[{"id": other, "endpoint_type": "device"}])
    )
    await callflow(api, "no_match", node("offnet"))
    await callflow(api, r"^\*5(\d*)$", node("camping_feature", then("play", id="after")))
    switch = api.gateway.services.switch
    assert isinstance(switch, NoSwitch)
    busy = [Channel(call_id="c1", device_id=other)]
    for dialed, device in (("*5103", desk), ("*5104", desk), ("*5", desk), ("*5102", "")):
        made = await call(api, dialed, device=device, channels=busy)
        assert made.heard() == ["camper-deny"], dialed
    assert "after" in (await call(api, "*5102", device=desk)).heard()
    made = await call(api, "*5102", device=desk, channels=busy)
    assert made.heard() == ["camper-queue"]
    [told] = [each for each in switch.told if each.name == "camping.wait"]
    assert told.data["device_ids"] == [other]
    assert told.data["endpoints"] == [{"endpoint_id": desk}]
    assert (told.data["application_data"], told.data["seconds"]) == ({"route": "102"}, 900)
