"""What happens when callers do not do as they are asked, and less usual settings."""

from __future__ import annotations

from typing import Any

from tests.conftest import Api
from tests.families.support import make, shown
from tests.switch.executor.slots import occupied
from tests.switch.executor.support import (
    call,
    callflow,
    heard,
    node,
    person,
    phone,
    rung,
    simulated,
    then,
    verbs,
)


async def test_a_dial_plan_completes_what_is_dialed(api: Api) -> None:
    plan = {"^9(.{4})$": {"prefix": "+1415555", "description": "city"}, "system": ["x"]}
    await api.patch(api.account, {"dial_plan": plan})
    await callflow(api, "+14155550100", node("play", id="city"))
    assert (await call(api, "90100")).heard() == ["city"]


async def menu_of(api: Api) -> str:
    menu = await make(api, "menus", record_pin="9999", retries=1)
    await callflow(api, "5", node("menu", id=menu))
    return menu


async def test_a_greeting_is_kept_only_when_it_is_wanted(api: Api) -> None:
    menu, desk = await menu_of(api), await phone(api, "desk")
    short = await call(
        api, "5", device=desk, keys=["9999", "1", "3", "", "", "", "5"], records_ms=[900]
    )
    assert "vm-recording_to_short" in short.heard()
    assert "vm-deleted" in short.heard()
    gone = await call(api, "5", device=desk, keys=["9999"], hangs_up_after=14)
    assert gone.how.startswith("the caller hung up")
    assert "greeting" not in (await shown(api, "menus", menu)).get("media", {})


async def test_a_message_is_left_without_a_choice(api: Api) -> None:
    vmbox = await make(api, "vmboxes", mailbox="1", play_greeting_intro=True)
    await callflow(api, "1", node("voicemail", id=vmbox))
    made = await call(api, "1", keys=["9", "8", "7", "6"])
    assert made.heard().count("vm-review_recording") == 4
    assert made.heard()[0] == "vm-greeting_intro"
    assert made.heard()[-1] == "vm-thank_you"


async def test_conference_names_tones_and_flows_of_their_own(api: Api) -> None:
    room = await make(api, "conferences", play_name=True, play_entry_tone=False)
    flow = await callflow(api, "1", node("conference", id=room, play_exit_tone="conf-bye"))
    told = await simulated(api, flow, hangs_up_after=300)
    assert "conf-announce_your_name" in heard(told)
    user, desk = await person(api, "Ann", pronounced_name={"media_id": "a" * 32})
    told = await simulated(api, flow, hangs_up_after=300, **{"from": {"device_id": desk}})
    assert "conf-announce_your_name" not in heard(told)
    own = {"name": "inline", "moderator": {"pins": ["1"]}, "member": {"pins": []}}
    inline = await callflow(api, "2", node("conference", config=own, moderator=False))
    told = await simulated(api, inline, keys=[""], hangs_up_after=300)
    assert "moderator" not in verbs(told, "confer")[0]
    assert user


async def test_nobody_finds_a_conference(api: Api) -> None:
    flow = await callflow(api, "1", node("conference", welcome_prompt={"media_id": "hello"}))
    told = await simulated(api, flow)
    assert heard(told)[0] == "hello"
    assert heard(told)[-1] == "conf-too_many_attempts"


async def test_the_directory_is_left_and_given_up(api: Api) -> None:
    directory = await make(api, "directories", search_fields="last_name", confirm_match=False)
    one = await callflow(api, "1001", node("play", id="one"))
    names = (("Ann", one), ("Bob", one), ("Cid", "0" * 32))
    for first, flow in names:
        fields = {"first_name": first, "last_name": "Lee", "directories": {directory: flow}}
        await make(api, "users", **fields)
    flow = await callflow(api, "411", node("directory", then("play", id="left"), id=directory))
    assert heard(await simulated(api, flow, keys=["50"]))[-1] == "left"
    silent = await simulated(api, flow, keys=["533", "", "", ""])
    assert heard(silent)[-1] == "dir-no_more_results"
    past = await simulated(api, flow, keys=["533", "2", "2", "2", "533266", "9"])
    assert "dir-no_more_results" in heard(past)
    assert "one" in heard(past)
    anew = await simulated(api, flow, keys=["533", "3", "533243"])
    assert anew["steps"][0]["why"] == "Cid Lee has no callflow"
    never = await simulated(api, flow)
    assert never["steps"][0]["why"] == "no name was spelled"


async def test_hot_desks_by_name_toggled_and_switched_off(api: Api) -> None:
    user = await make(api, "users", first_name="Bob", hotdesk={"enabled": True, "id": "7"})
    off = await make(api, "users", first_name="Off", hotdesk={"enabled": False, "id": "8"})
    desk = await phone(api, "desk")
    await callflow(api, "1", node("hotdesk", action="toggle", id=user))
    assert (await call(api, "1", device=desk)).heard()[0] == "hotdesk-logged_in"
    assert (await call(api, "1", device=desk)).heard()[0] == "hotdesk-logged_out"
    await callflow(api, "2", node("hotdesk", action="login", id=off))
    assert (await call(api, "2", device=desk)).heard() == ["hotdesk-disabled"]
    await callflow(api, "3", node("hotdesk", action="login"))
    lost = await call(api, "3", device=desk, keys=["1", "2", "3"])
    assert lost.heard()[-1] == "hotdesk-abort"
    gone = await callflow(api, "4", node("hotdesk", then("play", id="x"), action="bridge", id=off))
    assert heard(await simulated(api, gone)) == ["x"]


async def test_dynamic_cid_minds_restrictions_and_destinations(api: Api) -> None:
    known = await make(api, "lists", name="Shown")
    entry = {"capture_group_key": "07", "number": "+14155550107"}
    (await api.put(f"{api.account}/lists/{known}/entries", entry)).expect(201)
    await callflow(api, r"^\*2(\d+)$", node("dynamic_cid", action="lists", id=known))
    desk = await phone(api, "desk", call_restriction={"international": {"action": "deny"}})
    nowhere = await call(api, "*207999", device=desk)
    assert nowhere.heard() == ["disa-invalid_extension"]
    await callflow(api, "no_match", node("play", id="outside"))
    barred = await call(api, "*207011442071234567", device=desk)
    assert barred.heard() == ["cf-unauthorized_call"]


async def test_a_full_lot_goes_on(api: Api) -> None:
    await callflow(api, "1", node("park", then("play", id="full"), max_slot_number=101))
    desk = await phone(api, "desk")
    async with occupied(api, "101", "another"):
        assert (await call(api, "1", device=desk)).heard() == ["full"]
        await callflow(api, r"^\*4(\d+)$", node("park"))
        assert (await call(api, "*4101", device=desk)).heard() == ["park-already_in_use"]


async def test_nothing_of_another_account_is_reached(api: Api) -> None:
    other = await api.create_account("Other")
    path = f"/v2/accounts/{other}"
    made = {}
    for noun, data in {
        "users": {"first_name": "Eve", "last_name": "X"},
        "devices": {"name": "theirs", "sip": {"username": "theirs", "password": "secret-word"}},
        "vmboxes": {"name": "theirs", "mailbox": "77"},
        "queues": {"name": "theirs"},
        "conferences": {"name": "theirs", "conference_numbers": ["88"]},
        "groups": {"name": "theirs"},
        "callflows": {"numbers": ["99"], "flow": node("play", id="theirs")},
    }.items():
        made[noun] = (await api.put(f"{path}/{noun}", data)).expect(201).data["id"]
    steps = (
        node("user", id=made["users"]),
        node("device", id=made["devices"]),
        node("voicemail", id=made["vmboxes"]),
        node("acdc_member", id=made["queues"]),
        node("group", id=made["groups"]),
        node("callflow", id=made["callflows"]),
        node("conference", id=made["conferences"]),
        node("eavesdrop", device_id=made["devices"], approved_user_id="x"),
        node("group_pickup", device_id=made["devices"]),
    )
    flow = ""
    for place, step in enumerate(steps):
        flow = await callflow(api, f"1{place}", step)
        told = await simulated(api, flow, otherwise="answer", keys=["88"])
        allowed = {"answer", "play", "collect", "hang_up"}
        assert {each["verb"] for each in verbs(told)} <= allowed, step
        assert "theirs" not in str(told["steps"]), step
    for number in ("77", "99"):
        assert (await simulated(api, flow, to=number))["call"]["leads_to"] is None


async def test_a_ring_group_orders_a_group_by_weight(api: Api) -> None:
    one, two = await phone(api, "one"), await phone(api, "two")
    endpoints = {one: {"type": "device", "weight": 9}, two: {"type": "device", "weight": 2}}
    group = await make(api, "groups", endpoints=endpoints)
    member = {"endpoint_type": "group", "id": group}
    flow = await callflow(api, "1", node("ring_group", endpoints=[member], strategy="single"))
    assert rung(await simulated(api, flow)) == [["two", "one"]]


async def test_one_who_declines_may_end_it_for_all(api: Api) -> None:
    one, two = await phone(api, "one"), await phone(api, "two")
    members: list[Any] = [{"endpoint_type": "device", "id": each} for each in (one, two)]
    data = {"endpoints": members, "fail_on_single_reject": True}
    flow = await callflow(api, "1", node("ring_group", **data))
    rings = {one: {"result": "decline", "after": 1}, two: {"result": "answer", "after": 9}}
    told = await simulated(api, flow, rings=rings)
    assert told["ends"]["at"] == 1
    assert verbs(told, "ring")[0]["cause"] == "CALL_REJECTED"


async def test_nothing_registered_fails_at_once(api: Api) -> None:
    device = await phone(api, "desk")
    flow = await callflow(api, "1", node("device", id=device, timeout=20))
    told = await simulated(api, flow, otherwise="unregistered")
    assert (told["seconds"], verbs(told, "ring")[0]["cause"]) == (0, "SUBSCRIBER_ABSENT")


async def test_a_paged_or_recorded_caller_may_hang_up_before_anything(api: Api) -> None:
    wanted = {"account": {"any": {"any": {"enabled": True}}}}
    await api.patch(api.account, {"call_recording": wanted})
    await callflow(api, "1", node("sleep", duration=5))
    made = await call(api, "1", hangs_up_after=2)
    assert made.how.startswith("the caller hung up")
    assert made.media.told[0]["verb"] == "tape"


async def test_forced_rules_say_which_and_a_silent_caller_forces_none(api: Api) -> None:
    made = await make(api, "temporal_rules")
    data = {"rules": [made, "0" * 32], "action": "disable"}
    await callflow(api, "1", node("temporal_route", **data))
    assert (await call(api, "1")).heard() == ["temporal-marked_disabled"]
    assert (await shown(api, "temporal_rules", made))["enabled"] is False
    menu = await callflow(api, "2", node("temporal_route", rules=[made], action="menu"))
    assert (await simulated(api, menu))["steps"][0]["why"] == "nothing was chosen"
    chosen = {made: node("play", id="x")}
    data = {"rules": [], "rule_set": "0" * 32}
    flow = await callflow(api, "3", node("temporal_route", chosen, **data))
    assert heard(await simulated(api, flow)) == []
