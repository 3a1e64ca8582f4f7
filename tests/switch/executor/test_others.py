"""Conferences, parking, picking up, carriers, faxes, reports."""

from __future__ import annotations

import asyncio
from typing import Any

from crossbar.switch.executor.media import Channel, Waited
from crossbar.switch.executor.slots import Slot, free_slot, hold_slot, release_slot
from tests.conftest import Api
from tests.families.support import make
from tests.switch.executor.slots import book_of, occupied
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


async def test_conference_asks_for_number_and_pin(api: Api) -> None:
    room = await make(
        api,
        "conferences",
        member={"numbers": ["500"], "pins": ["11"], "join_muted": True},
        moderator={"pins": ["99"], "numbers": ["501"]},
    )
    flow = await callflow(api, "1", node("conference"))
    told = await simulated(api, flow, keys=["7", "500", "22", "11"], hangs_up_after=120)
    assert heard(told)[:5] == [
        "conf-welcome",
        "conf-enter_conf_number",
        "conf-bad_conf",
        "conf-enter_conf_number",
        "conf-enter_conf_pin",
    ]
    [seat] = verbs(told, "confer")
    assert (seat["conference_id"], seat["muted"]) == (room, True)
    told = await simulated(api, flow, keys=["501", "99"], hangs_up_after=120)
    assert verbs(told, "confer")[0]["moderator"] is True
    told = await simulated(api, flow, keys=["501", "1", "2", "3"])
    assert heard(told)[-1] == "conf-too_many_attempts"


async def test_conference_full_named_and_by_feature_code(api: Api) -> None:
    room = await make(api, "conferences", max_participants=2)
    quiet = {"welcome_prompt": {"play": False}}
    flow = await callflow(api, "1", node("conference", id=room, **quiet))
    assert heard(await simulated(api, flow, people=2)) == ["conf-max_participants"]
    told = await simulated(api, flow, people=1, hangs_up_after=9)
    assert [each["verb"] for each in verbs(told)] == ["answer", "confer", "wait_for_hangup"]
    feature = await callflow(api, r"^\*88(\w+)$", node("conference_feature"))
    told = await simulated(api, feature, to=f"*88{room}", hangs_up_after=9)
    assert verbs(told, "confer")[0]["conference_id"] == room


async def lot(api: Api) -> Any:
    slots = (await api.get(f"{api.account}/parked_calls")).expect(200).data["slots"]
    return {number: slot["call_id"] for number, slot in slots.items()}


async def test_blind_park_waits_and_is_fetched(api: Api) -> None:
    _, desk = await person(api, "Ann")
    await callflow(api, r"^\*3([0-9]*)$", node("park", action="auto"))
    made = await call(api, "*3", transferor=desk, waits=Waited.CONNECTED)
    [park] = (each for each in made.media.told if each["verb"] == "park")
    assert (park["slot"], park["seconds"]) == ("101", 120)
    assert await lot(api) == {}
    await callflow(api, "9", node("park", action="retrieve"))
    assert (await call(api, "9")).heard() == ["park-no_caller"]


async def test_park_ringback_and_ignored_ringback(api: Api) -> None:
    _, desk = await person(api, "Ann")
    await callflow(api, r"^\*3([0-9]*)$", node("park", then("play", id="after"), action="auto"))
    back = await call(api, "*3102", transferor=desk, number="22", answers=(desk,))
    [ring] = (each for each in back.media.told if each["verb"] == "ring")
    assert ring["at"] >= 120
    assert ring["answered"] == "Annphone"
    ignored = await call(api, "*3102", transferor=desk)
    assert ignored.heard()[-1] == "after"
    assert await lot(api) == {}


async def test_attended_park_and_occupied_slot(api: Api) -> None:
    _, desk = await person(api, "Ann")
    await callflow(api, r"^\*4([0-9]*)$", node("park", action="park"))
    made = await call(api, "*4105", device=desk)
    assert made.heard() == ["park-call_placed_in_spot", "105"]
    assert await lot(api) == {}


async def test_a_slot_belongs_to_one_call(api: Api) -> None:
    _, desk = await person(api, "Ann")
    await callflow(api, r"^\*3([0-9]*)$", node("park", action="auto"))
    async with occupied(api, "107", "another-call"):
        assert await lot(api) == {"107": "another-call"}
        taken = await call(api, "*3107", transferor=desk, answers=(desk,))
        assert taken.media.told[0]["verb"] == "ring"
        fetched = await call(api, "*3107", device=desk)
        assert {"verb": "take", "call_id": "another-call"}.items() <= fetched.media.told[1].items()
        assert await lot(api) == {}


async def test_of_calls_that_want_a_slot_at_once_one_has_it(api: Api) -> None:
    book = await book_of(api)
    for _ in range(2):  # also where the slot was used before
        slots = [Slot(call_id=f"call-{each}") for each in range(5)]
        held = await asyncio.gather(*(hold_slot(book, "101", each) for each in slots))
        assert sorted(held) == [False, False, False, False, True]
        assert await free_slot(book, 0) == "102"
        assert await release_slot(book, "101", "")
        assert await lot(api) == {}


async def test_a_parked_call_is_fetched_by_one(api: Api) -> None:
    _, desk = await person(api, "Ann")
    await callflow(api, r"^\*5([0-9]+)$", node("park", action="retrieve"))
    async with occupied(api, "101", "parked"):
        made = await asyncio.gather(*(call(api, "*5101", device=desk) for _ in range(3)))
        taken = [each for one in made for each in one.media.told if each["verb"] == "take"]
        assert len(taken) == 1


async def test_group_pickup_takes_what_rings(api: Api) -> None:
    user, desk = await person(api, "Ann")
    await callflow(api, "1", node("group_pickup", user_id=user))
    channels = [
        Channel(call_id="talking", device_id=desk, answered=True),
        Channel(call_id="ringing", device_id=desk, answered=False),
    ]
    made = await call(api, "1", channels=channels)
    assert made.media.told[1] == {"verb": "take", "at": 0, "call_id": "ringing"}
    assert (await call(api, "1", channels=channels[:1])).heard() == ["pickup-no_channels"]
    await callflow(api, "2", node("group_pickup", device_id="0" * 32))
    assert (await call(api, "2")).heard() == ["pickup-no_users"]


async def test_pickup_is_for_who_is_approved(api: Api) -> None:
    user, desk = await person(api, "Ann")
    group = await make(api, "groups", endpoints={user: {"type": "user"}})
    channel = Channel(call_id="ringing", device_id=desk, answered=False)
    await callflow(api, "1", node("group_pickup", device_id=desk, approved_group_id=group))
    other = await phone(api, "other", owner_id=user)
    assert (await call(api, "1", device=other, channels=[channel])).heard() == []
    stranger = await phone(api, "stranger")
    made = await call(api, "1", device=stranger, channels=[channel])
    assert made.heard() == ["pickup-no_channels"]


async def test_pickup_by_extension_and_by_user_name(api: Api) -> None:
    _, desk = await person(api, "Ann")
    await callflow(api, "1001", node("device", id=desk))
    await callflow(api, r"^\*87([0-9]+)$", node("group_pickup_feature", type="extension"))
    await callflow(api, r"^\*86(\w+)$", node("group_pickup_feature", type="device"))
    channel = Channel(call_id="ringing", device_id=desk, answered=False)
    for dialed in ("*871001", "*86user_Annphone"):
        made = await call(api, dialed, channels=[channel])
        assert "take" in [each["verb"] for each in made.media.told], dialed
    assert (await call(api, "*879999")).heard() == ["park-no_caller"]


async def test_intercept_is_among_the_users_own_phones(api: Api) -> None:
    user, desk = await person(api, "Ann")
    other = await phone(api, "other", owner_id=user)
    channel = Channel(call_id="talking", device_id=desk)
    await callflow(api, "1", node("intercept", device_id=desk))
    made = await call(api, "1", device=other, channels=[channel])
    assert "take" in [each["verb"] for each in made.media.told]
    stranger = await phone(api, "stranger")
    made = await call(api, "1", device=stranger, channels=[channel])
    assert made.heard() == ["intercept-no_channels"]
    await callflow(api, "1001", node("device", id=desk))
    await callflow(api, r"^\*5(\d+)$", node("intercept_feature", type="extension"))
    made = await call(api, "*51001", device=other, channels=[channel])
    assert "take" in [each["verb"] for each in made.media.told]


async def test_eavesdrop_needs_approval(api: Api) -> None:
    boss, bosses = await person(api, "Boss")
    _, desk = await person(api, "Ann")
    channel = Channel(call_id="talking", device_id=desk)
    await callflow(api, "1", node("eavesdrop", device_id=desk))
    await callflow(api, "2", node("eavesdrop", device_id=desk, approved_user_id=boss))
    await callflow(api, "1001", node("play", then("device", id=desk), id="hello"))
    await callflow(api, r"^\*7(\d+)$", node("eavesdrop_feature", approved_device_id=bosses))
    assert (await call(api, "1", device=bosses, channels=[channel])).heard() == [
        "eavesdrop-no_channels"
    ]
    for dialed in ("2", "*71001"):
        made = await call(api, dialed, device=bosses, channels=[channel])
        assert "listen" in [each["verb"] for each in made.media.told], dialed


async def test_move_fetches_the_users_other_call(api: Api) -> None:
    user, desk = await person(api, "Ann")
    other = await phone(api, "other", owner_id=user)
    await callflow(api, "6683", node("move"))
    channel = Channel(call_id="talking", device_id=desk)
    made = await call(api, "6683", device=other, channels=[channel])
    assert "take" in [each["verb"] for each in made.media.told]
    assert (await call(api, "6683", device=other)).heard() == ["cf-move-no_channel"]
    assert (await call(api, "6683")).heard() == ["cf-move-no_owner"]


async def carrier(api: Api, name: str, **fields: Any) -> str:
    gateways = [{"server": f"{name}.example", "prefix": "9"}]
    usual = {"rules": [r"^\+1(\d{10})$"], "gateways": gateways}
    resource = {"name": name, **usual, **fields}
    return str((await api.put("/v2/resources", resource)).expect(201).data["id"])


async def test_offnet_tries_carriers_by_their_cost(api: Api) -> None:
    await carrier(api, "dear", weight_cost=70)
    cheap = await carrier(api, "cheap", weight_cost=10)
    await carrier(api, "off", enabled=False)
    await carrier(api, "uk", rules=[r"^\+44\d+$"])
    flow = await callflow(api, "no_match", node("offnet", then("play", id="never")))
    caller = {"from": {"device_id": await phone(api, "desk")}}
    told = await simulated(api, flow, to="4155550100", **caller)
    assert rung(told) == [["94155550100 at cheap.example", "94155550100 at dear.example"]]
    assert (told["ends"]["cause"], told["ends"]["code"]) == ("NO_ANSWER", 480)
    assert path(told) == ["offnet"]
    talked = await simulated(api, flow, to="4155550100", rings={cheap: {}}, **caller)
    assert verbs(talked, "ring")[0]["answered"] == "94155550100 at cheap.example"
    nowhere = await simulated(api, flow, to="+33123456789", **caller)
    assert nowhere["ends"]["code"] == 404
    assert heard(nowhere) == ["fault-can_not_be_completed_as_dialed"]


async def test_a_class_of_numbers_may_be_carried_or_not(api: Api) -> None:
    classes = {"did_us": {"prefix": "1"}, "international": {"enabled": False}}
    rules = {"rules": [r"^\+\d+$"], "classifiers": classes}
    await carrier(api, "one", gateways=[{"server": "one.example"}], **rules)
    flow = await callflow(api, "no_match", node("offnet"))
    caller = {"from": {"device_id": await phone(api, "desk")}}
    told = await simulated(api, flow, to="4155550100", **caller)
    assert rung(told) == [["14155550100 at one.example"]]
    assert rung(await simulated(api, flow, to="+442071234567", **caller)) == []


async def test_a_dial_plan_counts_once_before_a_call_leaves(api: Api) -> None:
    await carrier(api, "one", rules=[r"^(\+\d+)$"], gateways=[{"server": "one.example"}])
    plan = {r"^9(\d+)$": {"description": "a line outside"}}
    (await api.patch(api.account, {"dial_plan": plan})).expect(200)
    own = {r"^8(\d+)$": {"prefix": "9"}}
    device = await phone(api, "desk", dial_plan=own)
    flow = await callflow(api, "no_match", node("offnet"))
    caller = {"from": {"device_id": device}}
    for number, reached in (("99145550100", "9145550100"), ("8145550100", "9145550100")):
        told = await simulated(api, flow, to=number, **caller)
        assert rung(told) == [[f"+1{reached} at one.example"]]


async def test_carriers_have_what_a_call_needs(api: Api) -> None:
    await carrier(api, "plain")
    await carrier(api, "fax", flags=["fax"])
    data = {"outbound_flags": ["fax"]}
    flow = await callflow(api, "1", node("offnet", to_did="+14155550100", **data))
    assert rung(await simulated(api, flow)) == [["94155550100 at fax.example"]]
    await carrier(api, "german", flags=["de-de"], weight_cost=1)
    flags = {"dynamic": ["language"], "static": []}
    device = await phone(api, "desk", language="de-DE", outbound_flags=flags)
    flow = await callflow(api, "2", node("offnet", to_did="+14155550100"))
    told = await simulated(api, flow, **{"from": {"device_id": device}})
    assert rung(told) == [["94155550100 at german.example"]]


async def test_resources_are_the_accounts_own(api: Api) -> None:
    await carrier(api, "system")
    own = {"name": "own", "rules": [r"^(\d+)$"], "gateways": [{"server": "own.example"}]}
    (await api.put(f"{api.account}/resources", own)).expect(201)
    data = {"to_did": "4155550100", "hunt_account_id": "0" * 32}
    flow = await callflow(api, "1", node("resources", **data))
    told = await simulated(api, flow)
    assert rung(told) == [["4155550100 at own.example"]]
    assert "carriers of an account that is not above" in told["steps"][0]["notes"][0]


async def test_what_an_account_may_call_by_carriers_its_limits_say(api: Api) -> None:
    await carrier(api, "any", rules=[r"^\+?\d+$"])
    reseller = await api.create_account("Reseller")
    (await api.put(f"/v2/accounts/{reseller}/reseller", {})).expect(201)
    path = f"/v2/accounts/{await api.create_account('Customer', reseller)}"
    flow = {"numbers": ["no_match"], "flow": node("offnet")}
    made = (await api.put(f"{path}/callflows", flow)).expect(201).data["id"]

    async def leads_out(number: str) -> bool:
        asked = {"to": number}
        told = (await api.post(f"{path}/callflows/{made}/simulate", asked)).expect(200).data
        is_rung = bool(rung(told))
        if not is_rung:
            assert heard(told) == ["cf-unauthorized_call"]
            assert told["ends"]["code"] == 403
        return is_rung

    assert await leads_out("+14155550100")
    assert await leads_out("911")
    for number in ("+442071234567", "011442071234567", "+19005550100", "+18765550100", "123456"):
        assert not await leads_out(number)
    wanted = {"outbound_classes": ["international"]}
    (await api.post(f"{path}/limits", wanted)).expect(200)
    assert not await leads_out("+442071234567")
    (await api.post(f"/v2/accounts/{reseller}/limits", wanted)).expect(200)
    assert await leads_out("+442071234567")
    assert not await leads_out("+19005550100")


async def test_emergency_calls_show_their_own_number(api: Api) -> None:
    await carrier(api, "any", rules=["^911$"])
    shown = {"emergency": {"number": "+14155550199"}, "external": {"number": "+14155550100"}}
    device = await phone(api, "desk", caller_id=shown)
    flow = await callflow(api, "no_match", node("offnet"))
    for to, number in (("911", "+14155550199"),):
        told = await simulated(api, flow, to=to, **{"from": {"device_id": device}})
        assert verbs(told, "ring")[0]["legs"][0]["caller_id_number"] == number


async def test_a_gateway_shows_the_caller_id_that_it_wants(api: Api) -> None:
    gateways = [
        {"server": "one.example"},
        {"server": "two.example", "caller_id_type": "internal", "invite_format": "npan"},
        {"server": "three.example", "invite_format": "1npan", "prefix": "7"},
    ]
    await carrier(api, "any", gateways=gateways, rules=[r"^(\+1\d{10})$"])
    ids = {"internal": {"number": "101"}, "external": {"number": "+14155550100"}}
    device = await phone(api, "desk", caller_id=ids)
    flow = await callflow(api, "no_match", node("offnet"))
    told = await simulated(api, flow, to="4155550177", **{"from": {"device_id": device}})
    [ring] = verbs(told, "ring")
    assert [each["caller_id_number"] for each in ring["legs"]] == [
        "+14155550100",
        "101",
        "+14155550100",
    ]
    assert rung(told) == [
        [
            "+14155550177 at one.example",
            "4155550177 at two.example",
            "714155550177 at three.example",
        ]
    ]


async def test_a_number_of_an_account_here_does_not_leave(api: Api) -> None:
    other = await api.create_account("Other")
    number = f"/v2/accounts/{other}/phone_numbers/+14155550177"
    (await api.put(number, {})).expect(201)
    (await api.put(f"{number}/activate", {})).expect(201)
    flow = await callflow(api, "no_match", node("offnet"))
    caller = {"from": {"device_id": await phone(api, "desk")}}
    told = await simulated(api, flow, to="4155550177", **caller)
    assert verbs(told, "ring")[0]["legs"][0]["kind"] == "number"


async def test_faxes_are_told_from_voices(api: Api) -> None:
    children = {"ON_FAX": node("receive_fax"), "ON_VOICE": node("play", id="voice")}
    flow = await callflow(api, "1", node("fax_detect", children, duration=3))
    assert heard(await simulated(api, flow)) == ["voice"]
    told = await simulated(api, flow, fax=True)
    assert told["ends"]["how"] == "1 pages came by fax"


async def test_a_fax_is_received_as_its_box_says(api: Api) -> None:
    own = {"fax_identity": "+14155550199", "fax_header": "Sales", "media": {"fax_option": False}}
    made = await make(api, "faxboxes", **own)
    box = await callflow(api, "2", node("faxbox", faxbox_id=made))
    [received] = verbs(await simulated(api, box), "receive_fax")
    assert (received["identity"], received["header"]) == ("+14155550199", "Sales")
    assert received["t38"] == "false"
    plain = await callflow(api, "3", node("receive_fax", media={"fax_option": "auto"}))
    [received] = verbs(await simulated(api, plain), "receive_fax")
    assert (received["identity"], received["t38"]) == ("3", "auto")


async def test_recordings_begin_and_end(api: Api) -> None:
    last = {"_": node("record_call", action="stop")}
    flow = await callflow(api, "1", node("record_call", last, action="start", label="Sales"))
    told = await simulated(api, flow)
    assert [each["verb"] for each in verbs(told)][:2] == ["tape", "stop_tape"]
    assert verbs(told)[0]["label"] == "callflow : Sales"


async def test_webhook_edr_and_pivot_are_not_asked_in_a_rehearsal(api: Api) -> None:
    last = then("play", id="x")
    pivot = node("pivot", last, voice_url="https://a.example/flow?key=secret")
    flow = node("webhook", {"_": node("edr", {"_": pivot})}, uri="https://a.example/hook")
    told = await simulated(api, await callflow(api, "1", flow))
    assert [each["what"] for each in told["changes"]] == ["call_report", "tell", "not_asked"]
    assert "secret" not in str(told)
    assert heard(told) == ["x"]


async def test_missed_calls_are_told(api: Api) -> None:
    device = await phone(api, "desk")
    recipients = [{"type": "email", "id": "ann@acme.example"}]
    step = node("missed_call_alert", then("device", id=device), recipients=recipients)
    flow = await callflow(api, "1", step)
    told = await simulated(api, flow)
    mail = {"what": "mail", "template": "missed_call", "to": ["ann@acme.example"]}
    assert told["changes"] == [{"what": "tell", "kind": "missed_call"}, mail]
    assert (await simulated(api, flow, otherwise="answer"))["changes"] == []
    inside = {"from": {"device_id": await phone(api, "inside")}}
    assert (await simulated(api, flow, **inside))["changes"] == []
