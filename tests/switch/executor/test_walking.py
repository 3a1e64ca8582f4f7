"""The walk: which flow, from step to step, and that it ends."""

from __future__ import annotations

from typing import cast

import pytest

from crossbar.reference.callflow_pages import modules
from crossbar.switch.executor import ACTIONS
from crossbar.switch.executor.walking import Action
from tests.conftest import Api
from tests.families.support import make
from tests.switch.executor.support import call, callflow, heard, node, path, phone, simulated, then


async def test_a_number_has_one_flow_and_patterns_come_after(api: Api) -> None:
    await callflow(api, r"^10(\d+)$", node("play", id="pattern"))
    await callflow(api, r"^1(\d+)$", node("play", id="longer"))
    await callflow(api, "1001", node("play", id="number"))
    await callflow(api, "no_match", node("play", id="outside"))
    device = await phone(api, "desk")
    for dialed, expected in (("1001", "number"), ("1002", "longer"), ("2002", "outside")):
        assert (await call(api, dialed, device=device)).heard() == [expected]


async def test_who_comes_from_outside_does_not_get_out_again(api: Api) -> None:
    flow = await callflow(api, "no_match", node("play", id="outside"))
    told = await simulated(api, flow, to="2002")
    assert told["call"]["leads_to"] is None
    inside = await simulated(
        api, flow, to="2002", **{"from": {"device_id": await phone(api, "a")}}
    )
    assert inside["call"]["leads_to"] == flow


async def test_a_pattern_that_cannot_be_used_is_passed_over(api: Api) -> None:
    await make(api, "callflows", numbers=[], patterns=["^(?=1)"], flow=node("play", id="never"))
    await callflow(api, r"^1(\d)$", node("play", id="good"))
    assert (await call(api, "12")).heard() == ["good"]


async def test_what_is_captured_is_told(api: Api) -> None:
    flow = await callflow(api, r"^\*3([0-9]*)$", node("park"))
    assert (await simulated(api, flow, to="*3102"))["call"]["capture"] == "102"


def test_every_module_of_callflows_has_an_action() -> None:
    assert set(modules("callflows")) == set(ACTIONS)


async def test_an_unknown_module_and_a_skipped_one_go_on(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = then("play", id="last")
    flow = await callflow(api, "1", node("skel", last))
    monkeypatch.delitem(cast(dict[str, Action], ACTIONS), "skel")
    told = await simulated(api, flow)
    assert heard(told) == ["last"]
    assert told["steps"][0]["known"] is False
    skipped = await callflow(api, "2", node("tts", last, text="Hello", skip_module=True))
    assert heard(await simulated(api, skipped)) == ["last"]


async def test_after_another_callflow_the_default_child_is_next(api: Api) -> None:
    inner = await callflow(api, "1", node("play", id="inner"))
    flow = await callflow(api, "2", node("callflow", then("play", id="outer"), id=inner))
    assert heard(await simulated(api, flow)) == ["inner", "outer"]
    gone = await callflow(api, "3", node("callflow", then("play", id="outer"), id="0" * 32))
    assert heard(await simulated(api, gone)) == ["outer"]


async def test_nothing_follows_a_conversation_not_even_in_the_flow_before(api: Api) -> None:
    device = await phone(api, "desk")
    inner = await callflow(api, "1", node("device", id=device))
    flow = await callflow(api, "2", node("callflow", then("play", id="outer"), id=inner))
    assert heard(await simulated(api, flow, otherwise="answer")) == []


async def test_callflows_that_lead_to_each_other_end(api: Api) -> None:
    one = await callflow(api, "1", node("noop"))
    two = await callflow(api, "2", node("callflow", then("play", id="x"), id=one))
    flow = node("callflow", then("play", id="x"), id=two)
    await api.patch(f"{api.account}/callflows/{one}", {"flow": flow})
    told = await simulated(api, one)
    assert told["ends"]["how"] == "the call was ended after 50 callflows"
    assert told["ends"]["cause"] == "NORMAL_TEMPORARY_FAILURE"


async def test_a_long_tree_ends(api: Api) -> None:
    flow = node("noop")
    for _ in range(39):
        flow = node("noop", {"_": flow})
    inner = await callflow(api, "1", flow)
    outer = node("callflow", id=inner)
    for _ in range(13):
        outer = node("callflow", {"_": outer}, id=inner)
    told = await simulated(api, await callflow(api, "2", outer))
    assert len(told["steps"]) == 500
    assert "goes in circles" in told["ends"]["how"]


async def test_the_preflow_comes_first(api: Api) -> None:
    before = await callflow(api, "1", node("play", id="before"))
    await api.patch(api.account, {"preflow": {"always": before}})
    flow = await callflow(api, "2", node("play", id="after"))
    assert heard(await simulated(api, flow)) == ["before", "after"]
    assert heard(await simulated(api, flow, transferred=True)) == ["after"]


async def test_a_restricted_call_is_refused(api: Api) -> None:
    rules = {"international": {"action": "deny"}}
    device = await phone(api, "desk", call_restriction=rules)
    flow = await callflow(api, "no_match", node("offnet"))
    caller = {"from": {"device_id": device}}
    told = await simulated(api, flow, to="+442071234567", **caller)
    assert [each["verb"] for each in told["before"]] == ["answer", "play", "hang_up"]
    assert "class international" in told["ends"]["how"]
    allowed = await simulated(api, flow, to="+14155550100", **caller)
    assert path(allowed) == ["offnet"]


async def test_who_is_logged_in_counts_before_the_device(api: Api) -> None:
    deny = {"did_us": {"action": "deny"}}
    user = await make(api, "users", first_name="Ann")
    device = await phone(api, "desk", call_restriction=deny)
    flow = await callflow(api, "no_match", node("offnet"))
    asked = {"to": "+14155550100", "from": {"device_id": device}}
    assert "the device may not call" in (await simulated(api, flow, **asked))["ends"]["how"]
    await api.patch(f"{api.account}/devices/{device}", {"hotdesk": {"users": {user: {}}}})
    assert path(await simulated(api, flow, **asked)) == ["offnet"]
    await api.patch(f"{api.account}/users/{user}", {"call_restriction": deny})
    assert "the user may not call" in (await simulated(api, flow, **asked))["ends"]["how"]
    await api.patch(api.account, {"call_restriction": deny})
    assert "the account may not call" in (await simulated(api, flow, **asked))["ends"]["how"]


async def test_closed_groups_reach_their_members_alone(api: Api) -> None:
    ann = await make(api, "users", first_name="Ann")
    bob = await make(api, "users", first_name="Bob")
    closed = {"closed_groups": {"action": "deny"}}
    device = await phone(api, "desk", call_restriction=closed)
    await make(api, "groups", endpoints={device: {"type": "device"}, bob: {"type": "user"}})
    for number, user, expected in (("1", ann, []), ("2", bob, ["user"])):
        flow = await callflow(api, number, node("user", id=user))
        assert path(await simulated(api, flow, **{"from": {"device_id": device}})) == expected


async def test_the_caller_hangs_up_and_nothing_more_is_done(api: Api) -> None:
    device = await phone(api, "desk")
    flow = await callflow(api, "1", node("device", then("play", id="x"), id=device))
    told = await simulated(api, flow, hangs_up_after=3)
    assert heard(told) == []
    assert told["ends"]["who"] == "caller"
    assert told["seconds"] == 3


async def test_calls_are_recorded_as_settings_say(api: Api) -> None:
    wanted = {"account": {"inbound": {"offnet": {"enabled": True, "time_limit": 60}}}}
    await api.patch(api.account, {"call_recording": wanted})
    device = await phone(api, "desk")
    flow = await callflow(api, "1", node("device", id=device))
    [tape] = (each for each in (await call(api, "1")).media.told if each["verb"] == "tape")
    assert tape["label"] == "inbound from offnet to account"
    assert (await call(api, "1", device=await phone(api, "b"))).media.told[0]["verb"] == "ring"
    assert path(await simulated(api, flow)) == ["device"]


async def test_the_language_is_the_endpoints(api: Api) -> None:
    device = await phone(api, "desk", language="fr-FR")
    flow = await callflow(api, "1", node("play", then("language", language="de-DE"), id="x"))
    told = await simulated(api, flow, **{"from": {"device_id": device}})
    assert told["steps"][0]["does"][-1]["sounds"][0]["language"] == "fr-fr"
    assert told["call"]["language"] == "de-de"


async def test_anonymous_callers_are_refused_where_they_are_not_wanted(api: Api) -> None:
    await callflow(api, "1", node("play", id="hello"))
    flow = await callflow(api, "2", node("play", id="hello"))
    hidden = {"from": {"anonymous": True}}
    assert heard(await simulated(api, flow, **hidden)) == ["hello"]
    assert (await call(api, "1", number="0000")).heard() == ["hello"]
    wanted = await make(api, "blacklists", numbers={"4155550199": {}}, should_block_anonymous=True)
    await api.patch(api.account, {"blacklists": [wanted]})
    told = await simulated(api, flow, **hidden)
    assert (told["ends"]["code"], heard(told)) == (433, [])
    assert told["ends"]["how"] == "the call was refused: 433 Anonymity Disallowed"
    assert (await call(api, "1", number="0000")).heard() == []
    assert (await call(api, "1", number="+14155550100")).heard() == ["hello"]
    listed = await call(api, "1", number="+14155550199")
    assert listed.how == "the call was refused: 603 Decline"
    inside = await call(api, "1", number="+14155550199", device=await phone(api, "desk"))
    assert inside.heard() == ["hello"]


async def test_anonymity_can_be_refused_by_configuration(api: Api) -> None:
    await callflow(api, "1", node("play", id="hello"))
    config = {"default": {"check_additional_anonymous_cid_numbers": True}}
    (await api.post("/v2/system_configs/privacy", config)).expect(200)
    path = f"{api.account}/configs/privacy"
    (await api.post(path, {"block_anonymous_caller_id": True})).expect(200)
    assert (await call(api, "1", number="Restricted")).how.endswith("433 Anonymity Disallowed")
    assert (await call(api, "1", number="+14155550100")).heard() == ["hello"]


async def test_the_transferors_restrictions_count(api: Api) -> None:
    rules = {"international": {"action": "deny"}}
    denied = await phone(api, "denied", call_restriction=rules)
    await callflow(api, "no_match", node("play", id="outside"))
    made = await call(api, "+442071234567", number="+14155550100", transferor=denied)
    assert "class international" in made.how
    allowed = await call(api, "+442071234567", transferor=await phone(api, "allowed"))
    assert allowed.heard() == ["outside"]
