"""Ringing people: devices, users, ring groups, and where they forward calls to."""

from __future__ import annotations

from crossbar.switch.executor import Call
from crossbar.switch.executor.recording import taping_of_leg
from crossbar.switch.executor.ringing import merged
from tests.conftest import Api
from tests.families.support import make
from tests.switch.executor.support import (
    call,
    callflow,
    heard,
    node,
    path,
    person,
    phone,
    rung,
    simulated,
    then,
    verbs,
)

ANSWER = {"result": "answer"}


async def test_a_user_rings_at_all_devices_and_the_first_answer_wins(api: Api) -> None:
    user, desk = await person(api, "Ann")
    soft = await phone(api, "soft", owner_id=user)
    flow = await callflow(api, "1001", node("user", then("voicemail"), id=user))
    told = await simulated(api, flow, rings={desk: {**ANSWER, "after": 9}, soft: ANSWER})
    assert sorted(rung(told)[0]) == ["Annphone", "soft"]
    assert verbs(told, "ring")[0]["answered"] == "soft"
    assert path(told) == ["user"]
    assert told["steps"][0]["document"] == {"id": user, "name": "Ann Lee", "type": "user"}
    assert told["ends"]["how"] == "the conversation is over"


async def test_nobody_answers_and_voicemail_is_next(api: Api) -> None:
    user, desk = await person(api, "Ann")
    box = await make(api, "vmboxes", mailbox="1001", owner_id=user)
    flow = await callflow(api, "1001", node("user", then("voicemail", id=box), id=user))
    told = await simulated(api, flow, **{"from": {"number": "+14155550100"}})
    assert path(told) == ["user", "voicemail"]
    assert "vm-person" in heard(told)
    assert told["changes"][0] == {"what": "message", "vmbox_id": box, "milliseconds": 5000}
    busy = await simulated(api, flow, rings={desk: {"result": "busy"}})
    assert busy["steps"][0]["why"] == "nobody has answered (USER_BUSY)"


async def test_nobody_is_rung_for_more_than_five_minutes(api: Api) -> None:
    device = await phone(api, "desk")
    flow = await callflow(api, "1001", node("device", id=device, timeout=10**12))
    told = await simulated(api, flow, rings={device: {"result": "no_answer"}})
    [ring] = verbs(told, "ring")
    assert ring["seconds"] == 300
    assert told["seconds"] == 300


async def test_a_child_named_as_the_cause_comes_before_the_default(api: Api) -> None:
    device = await phone(api, "desk")
    children = {"USER_BUSY": node("play", id="busy"), "_": node("play", id="other")}
    flow = await callflow(api, "1001", node("device", children, id=device))
    told = await simulated(api, flow, rings={device: {"result": "busy"}})
    assert told["steps"][0]["branch"] == "USER_BUSY"
    assert heard(told) == ["busy"]
    coded = {"sip:603": node("play", id="declined")}
    flow = await callflow(api, "1002", node("device", coded, id=device))
    told = await simulated(api, flow, rings={device: {"result": "decline"}})
    assert heard(told) == ["declined"]


async def test_device_disable_and_do_not_disturb(api: Api) -> None:
    off = await phone(api, "off", enabled=False)
    quiet = await phone(api, "quiet", do_not_disturb={"enabled": True})
    reasons = {off: "off is not rung: it is disabled"}
    reasons[quiet] = "quiet is not rung: it is not to be disturbed"
    for number, device in (("1", off), ("2", quiet)):
        flow = await callflow(api, number, node("device", then("play", id="gone"), id=device))
        told = await simulated(api, flow)
        assert rung(told) == []
        assert heard(told) == ["gone"]
        assert told["steps"][0]["notes"] == [reasons[device]]


async def test_a_phone_does_not_ring_itself_nor_its_user(api: Api) -> None:
    user, desk = await person(api, "Ann")
    other = await phone(api, "other", owner_id=user)
    flow = await callflow(api, "1001", node("device", id=desk))
    assert rung(await simulated(api, flow, **{"from": {"device_id": desk}})) == []
    assert rung(await simulated(api, flow, **{"from": {"device_id": other}})) == []
    itself = await callflow(api, "1002", node("device", id=desk, can_call_self=True))
    assert rung(await simulated(api, itself, **{"from": {"device_id": desk}})) == [["Annphone"]]


def forwarding(**more: object) -> dict[str, object]:
    return {"call_forward": {"enabled": True, "number": "2000", **more}}


async def test_call_forward_substitute_and_no_substitute(api: Api) -> None:
    alone = await phone(api, "alone", **forwarding(substitute=True))
    both = await phone(api, "both", **forwarding(substitute=False))
    for number, device, expected in (("1", alone, ["2000"]), ("2", both, ["both", "2000"])):
        flow = await callflow(api, number, node("device", id=device))
        assert rung(await simulated(api, flow)) == [expected]


async def test_call_forward_that_is_off_does_nothing(api: Api) -> None:
    off = {"call_forward": {"enabled": False, "number": "2000", "substitute": True}}
    user, _ = await person(api, "Ann", **off)
    device = await phone(api, "off", **off)
    for number, module, target in (("1", "device", device), ("2", "user", user)):
        flow = await callflow(api, number, node(module, id=target))
        assert rung(await simulated(api, flow)) == [["off" if module == "device" else "Annphone"]]


async def test_a_users_call_forward_is_that_of_its_phones(api: Api) -> None:
    user, _ = await person(api, "Ann", **forwarding(substitute=False))
    flow = await callflow(api, "1", node("user", id=user))
    assert rung(await simulated(api, flow)) == [["Annphone", "2000"]]
    alone, _ = await person(api, "Bob", **forwarding(substitute=True))
    flow = await callflow(api, "2", node("user", id=alone))
    assert rung(await simulated(api, flow)) == [["2000"]]


async def test_call_forward_key_press_and_failover(api: Api) -> None:
    asking = await phone(api, "asking", **forwarding(require_keypress=True))
    flow = await callflow(api, "1", node("device", id=asking))
    [ring] = verbs(await simulated(api, flow), "ring")
    assert ring["legs"][0]["confirms"] is True
    away = await phone(api, "away", **forwarding(failover=True, enabled=False))
    flow = await callflow(api, "2", node("device", id=away))
    assert rung(await simulated(api, flow)) == [["away", "2000"]]


async def test_call_forward_direct_calls_only(api: Api) -> None:
    device = await phone(api, "desk", **forwarding(direct_calls_only=True))
    member = {"endpoint_type": "device", "id": device}
    direct = await callflow(api, "1", node("device", id=device))
    grouped = await callflow(api, "2", node("ring_group", endpoints=[member]))
    assert rung(await simulated(api, direct)) == [["2000"]]
    assert rung(await simulated(api, grouped)) == [["desk"]]


async def test_ring_group_simultaneous_with_timeout_and_delay(api: Api) -> None:
    one, two = await phone(api, "one"), await phone(api, "two")
    members = [
        {"endpoint_type": "device", "id": one, "timeout": 5},
        {"endpoint_type": "device", "id": two, "delay": 10, "timeout": 15},
    ]
    flow = await callflow(api, "1", node("ring_group", endpoints=members, timeout=30))
    rings = {one: {**ANSWER, "after": 8}, two: {**ANSWER, "after": 2}}
    told = await simulated(api, flow, rings=rings)
    [ring] = verbs(told, "ring")
    assert ring["answered"] == "two"
    assert told["seconds"] == 12 + 60


async def test_ring_group_single_rings_in_order_and_repeats(api: Api) -> None:
    one, two = await phone(api, "one"), await phone(api, "two")
    members = [{"endpoint_type": "device", "id": each, "timeout": 5} for each in (two, one)]
    data = {"endpoints": members, "strategy": "single", "repeats": 2, "timeout": 20}
    flow = await callflow(api, "1", node("ring_group", then("play", id="sorry"), **data))
    told = await simulated(api, flow)
    assert rung(told) == [["two", "one"], ["two", "one"]]
    assert told["seconds"] == 2 * 10 + 2.1
    assert heard(told) == ["sorry"]


async def test_ring_group_weighted_random_rings_everybody_once(api: Api) -> None:
    phones = [await phone(api, f"p{each}") for each in range(4)]
    members = [{"endpoint_type": "device", "id": each, "weight": 50} for each in phones]
    data = {"endpoints": members, "strategy": "weighted_random"}
    flow = await callflow(api, "1", node("ring_group", **data))
    [ring] = verbs(await simulated(api, flow), "ring")
    assert ring["strategy"] == "single"
    assert sorted(leg["name"] for leg in ring["legs"]) == ["p0", "p1", "p2", "p3"]


async def test_ring_group_expands_users_and_groups_each_phone_once(api: Api) -> None:
    user, desk = await person(api, "Ann")
    group = await make(api, "groups", endpoints={user: {"type": "user"}, desk: {"type": "device"}})
    members = [
        {"endpoint_type": "user", "id": user},
        {"endpoint_type": "group", "id": group},
        {"endpoint_type": "device", "id": "0" * 32},
    ]
    flow = await callflow(api, "1", node("ring_group", endpoints=members))
    assert rung(await simulated(api, flow)) == [["Annphone"]]


async def test_an_empty_ring_group_goes_on_at_once(api: Api) -> None:
    member = {"endpoint_type": "user", "id": "0" * 32}
    data = {"endpoints": [member], "repeats": 9}
    flow = await callflow(api, "1", node("ring_group", then("play", id="sorry"), **data))
    told = await simulated(api, flow)
    assert rung(told) == []
    assert told["steps"][0]["why"] == "there is nobody to ring"


async def test_a_group_answers_before_it_rings(api: Api) -> None:
    device = await phone(api, "one")
    group = await make(api, "groups", endpoints={device: {"type": "device"}})
    flow = await callflow(api, "1", node("group", id=group))
    assert [each["verb"] for each in verbs(await simulated(api, flow))][:2] == ["answer", "ring"]
    gone = await callflow(api, "2", node("group", then("play", id="gone"), id="0" * 32))
    assert heard(await simulated(api, gone)) == ["gone"]


async def test_page_group_speaks_to_all_hands_free(api: Api) -> None:
    one, two = await phone(api, "one"), await phone(api, "two")
    members = [{"endpoint_type": "device", "id": each} for each in (one, two)]
    flow = await callflow(api, "1", node("page_group", endpoints=members, audio="two-way"))
    told = await simulated(api, flow, otherwise="answer")
    [page] = verbs(told, "page")
    assert page["two_way"] is True
    assert all(leg["auto_answer"] for leg in page["legs"])
    nobody = await simulated(api, flow)
    assert nobody["steps"][0]["why"] == "nobody was reached"


async def test_intercom_makes_phones_answer_by_themselves(api: Api) -> None:
    device = await phone(api, "one")
    await callflow(api, "1001", node("device", id=device))
    flow = await callflow(api, r"^\*0([0-9]+)$", node("intercom"))
    told = await simulated(api, flow, to="*01001")
    assert verbs(told, "ring")[0]["legs"][0]["auto_answer"] is True
    assert path(told) == ["intercom", "device"]
    assert rung(await simulated(api, flow, to="*01002")) == []


async def test_route_to_cid_rings_who_has_the_number(api: Api) -> None:
    await phone(api, "one", caller_id={"internal": {"number": "77"}})
    await phone(api, "two")
    flow = await callflow(api, "77", node("route_to_cid"))
    assert rung(await simulated(api, flow)) == [["one"]]


async def test_call_waiting_off_refuses_a_second_call(api: Api) -> None:
    user, desk = await person(api, "Ann", call_waiting={"enabled": False})
    children = {"USER_BUSY": node("play", id="busy")}
    flow = await callflow(api, "1", node("user", children, id=user))
    told = await simulated(api, flow, channels=[{"device_id": desk}])
    assert heard(told) == ["busy"]
    assert rung(await simulated(api, flow)) == [["Annphone"]]


async def test_a_hot_desked_device_rings_for_who_is_logged_in(api: Api) -> None:
    ann, desk = await person(api, "Ann")
    bob = await make(api, "users", first_name="Bob", last_name="Kay")
    await api.patch(f"{api.account}/devices/{desk}", {"hotdesk": {"users": {bob: {}}}})
    for number, user, expected in (("1", ann, []), ("2", bob, [["Annphone"]])):
        flow = await callflow(api, number, node("user", id=user))
        assert rung(await simulated(api, flow)) == expected


async def test_call_forward_keeps_the_caller_id_or_does_not(api: Api) -> None:
    shown = {"internal": {"number": "1001"}, "external": {"number": "+14155550100"}}
    caller = await phone(api, "caller", caller_id=shown)
    kept = await phone(api, "kept", **forwarding(keep_caller_id=True))
    for number, device, expected in (("1", kept, "+14155550100"),):
        flow = await callflow(api, number, node("device", id=device))
        [ring] = verbs(await simulated(api, flow, **{"from": {"device_id": caller}}), "ring")
        assert ring["legs"][0]["caller_id_number"] == expected
        outside = {"from": {"number": "+442071234567"}}
        [ring] = verbs(await simulated(api, flow, **outside), "ring")
        assert ring["legs"][0]["caller_id_number"] == "+442071234567"


async def test_phones_that_forward_to_each_other_do_so_a_few_times(api: Api) -> None:
    device = await phone(api, "desk", **forwarding(substitute=True))
    await callflow(api, "1", node("device", then("play", id="gone"), id=device))
    assert (await call(api, "1", hops=4)).heard() == ["gone"]
    assert (await call(api, "1", hops=4)).media.told[0]["verb"] == "ring"
    assert (await call(api, "1", hops=5)).media.told[0]["verb"] != "ring"


async def test_a_leg_is_recorded_as_its_endpoint_says(api: Api) -> None:
    wanted = {"inbound": {"any": {"enabled": True, "time_limit": 90}}}
    user, desk = await person(api, "Ann", call_recording=wanted)
    endpoint = merged([{}, {"_id": desk, "name": "desk"}, {"_id": user, "call_recording": wanted}])
    call_in = Call(call_id="c", account_id="a", dialed="1", is_external=True)
    taping = taping_of_leg(call_in, endpoint)
    assert taping is not None
    assert (taping.time_limit, taping.label) == (90, "inbound from offnet to endpoint")
    off = {"inbound": {"offnet": {"enabled": False}}}
    overruled = merged(
        [{}, {"_id": desk, "call_recording": off}, {"_id": user, "call_recording": wanted}]
    )
    assert taping_of_leg(call_in, overruled) is None
