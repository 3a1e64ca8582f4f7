"""Sounds, keys, variables, and branches by them."""

from __future__ import annotations

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


async def test_play_answers_first_unless_it_is_told_not_to(api: Api) -> None:
    media = await make(api, "media")
    flow = await callflow(api, "1", node("play", then("play", id="hi", answer=False), id=media))
    told = await simulated(api, flow)
    assert [each["verb"] for each in verbs(told)] == ["answer", "wait", "play", "play", "hang_up"]
    kinds = [each["sounds"][0]["kind"] for each in verbs(told, "play")]
    assert kinds == ["media", "prompt"]
    url = await callflow(api, "2", node("play", id="https://sounds.example/a.wav"))
    assert verbs(await simulated(api, url), "play")[0]["sounds"][0]["kind"] == "url"


async def test_endless_playback_ends_when_the_caller_hangs_up(api: Api) -> None:
    flow = await callflow(api, "1", node("play", id="music", endless_playback=True))
    told = await simulated(api, flow, hangs_up_after=600)
    assert (told["seconds"], told["ends"]["who"]) == (600, "caller")


async def test_tts_and_audio_macro(api: Api) -> None:
    macros = [
        {"macro": "prompt", "id": "vm-goodbye", "language": "fr-fr"},
        {"macro": "say", "text": "12", "type": "number"},
        {"macro": "tts", "text": "Bye"},
        {"macro": "tone", "frequencies": [440]},
        {"macro": "play", "id": "beep"},
    ]
    flow = await callflow(api, "1", node("tts", then("audio_macro", macros=macros), text="Hello"))
    told = await simulated(api, flow)
    assert heard(told) == ["Hello", "vm-goodbye", "12", "Bye", "tone", "beep"]


async def test_response_refuses_with_its_code(api: Api) -> None:
    flow = await callflow(
        api, "1", node("response", then("play", id="x"), code=503, media="sorry")
    )
    told = await simulated(api, flow)
    assert (told["ends"]["code"], told["ends"]["answered"]) == (503, False)
    assert told["ends"]["cause"] == "NORMAL_TEMPORARY_FAILURE"
    assert (path(told), heard(told)) == (["response"], ["sorry"])


async def test_hangup_ends_it_all(api: Api) -> None:
    inner = await callflow(api, "1", node("hangup", then("play", id="x")))
    flow = await callflow(api, "2", node("callflow", then("play", id="x"), id=inner))
    assert path(await simulated(api, flow)) == ["callflow", "hangup"]


async def test_sleep_and_dead_air_take_their_time(api: Api) -> None:
    flow = await callflow(api, "1", node("sleep", then("dead_air"), duration=2, unit="m"))
    told = await simulated(api, flow, hangs_up_after=500)
    assert [each["at"] for each in verbs(told)] == [0, 120, 120]
    assert told["seconds"] == 500


async def test_wait_for_hangup_and_answer(api: Api) -> None:
    flow = await callflow(api, "1", node("answer", then("wait_for_hangup")))
    told = await simulated(api, flow, hangs_up_after=30)
    assert told["ends"]["answered"] is True
    assert told["seconds"] == 30


async def test_keys_are_collected_and_decide(api: Api) -> None:
    inner = node("noop", then("flush_dtmf", collection_name="pin"))
    flow = await callflow(
        api, "1", node("collect_dtmf", {"_": inner}, max_digits=4, collection_name="pin")
    )
    told = await simulated(api, flow, keys=["12#34"])
    assert told["steps"][0]["why"] == "12 was pressed"
    assert path(told) == ["collect_dtmf", "noop", "flush_dtmf"]
    made = await call(api, "1", keys=["98765"])
    assert made.call.digits == {}


async def test_a_key_during_a_sound_counts_for_who_collects_later(api: Api) -> None:
    flow = node("play", then("collect_dtmf", max_digits=1, collection_name="k"), id="hi")
    await callflow(api, "1", flow)
    assert (await call(api, "1", interrupts={"hi": "7"})).call.digits == {"k": "7"}


async def test_transfer_leaves_the_flow(api: Api) -> None:
    flow = await callflow(api, "1", node("transfer", then("play", id="x"), target="2000"))
    told = await simulated(api, flow)
    assert verbs(told)[0] == {
        "verb": "transfer",
        "at": 0,
        "target": "2000",
        "kind": "blind",
        "leg": "self",
    }
    assert path(told) == ["transfer"]
    captured = await callflow(api, r"^9(\d+)$", node("transfer"))
    assert verbs(await simulated(api, captured, to="92000"))[0]["target"] == "2000"


async def test_after_a_conversation_the_caller_is_transferred(api: Api) -> None:
    device = await phone(api, "desk")
    rest = then("device", id=device)
    flow = await callflow(api, "1", node("after_bridge", rest, action="transfer", data="2000"))
    told = await simulated(api, flow, otherwise="answer")
    assert [each["verb"] for each in verbs(told)] == ["ring", "transfer"]


async def test_send_dtmf_and_record_caller(api: Api) -> None:
    rest = then("record_caller", time_limit=5)
    flow = await callflow(api, "1", node("send_dtmf", rest, digits="12", duration_ms="500"))
    told = await simulated(api, flow, records_ms=[9000])
    assert [each["verb"] for each in verbs(told)][:3] == ["send_keys", "answer", "record"]
    assert verbs(told, "record")[0]["milliseconds"] == 5000
    assert told["changes"][0]["what"] == "record"


async def test_variables_are_set_and_decide(api: Api) -> None:
    children = {"gold": node("play", id="gold"), "_": node("play", id="usual")}
    decide = node("branch_variable", children, variable="Customer-Level")
    flow = await callflow(
        api,
        "1",
        node("set_variables", {"_": decide}, custom_application_vars={"Customer-Level": "gold"}),
    )
    told = await simulated(api, flow)
    assert heard(told) == ["gold"]
    assert verbs(told, "label")[0]["variables"] == {"Customer-Level": "gold"}
    plain = await callflow(api, "2", decide)
    assert heard(await simulated(api, plain)) == ["usual"]
    assert heard(await simulated(api, plain, variables={"customer_level": "gold"})) == ["gold"]


async def test_nobody_sets_who_calls_by_a_variable(api: Api) -> None:
    children = {"boss": node("play", id="boss")}
    given = {"Owner-ID": "boss"}
    decide = {"_": node("branch_variable", children, variable="owner_id")}
    flow = await callflow(api, "1", node("set_variables", decide, custom_application_vars=given))
    assert heard(await simulated(api, flow)) == []


async def test_documents_decide(api: Api) -> None:
    user = await make(api, "users", first_name="Ann", timezone="Europe/Paris")
    device = await phone(api, "desk", owner_id=user, language="fr-fr")
    for scope, variable, value in (
        ("user", "timezone", "Europe/Paris"),
        ("device", "sip.username", "user_desk"),
        ("merged", "language", "fr-fr"),
        ("account", "realm", ""),
    ):
        children = {value or "x": node("play", id="yes")}
        number = f"7{scope}"
        flow = await callflow(
            api, number, node("branch_variable", children, scope=scope, variable=variable)
        )
        told = await simulated(api, flow, **{"from": {"device_id": device}})
        assert heard(told) == (["yes"] if value else []), scope


async def test_set_variable_sets_the_priority(api: Api) -> None:
    await callflow(api, "1", node("set_variable", variable="call_priority", value="7"))
    assert (await call(api, "1")).call.priority == 7
    await callflow(api, "2", node("set", skill="french"))
    assert (await call(api, "2")).call.skills == {"skill": "french"}


async def test_branch_bnumber_by_child_and_by_number(api: Api) -> None:
    children = {"22": node("play", id="child"), "_": node("play", id="other")}
    flow = await callflow(api, r"^\*5(\d+)$", node("branch_bnumber", children))
    assert heard(await simulated(api, flow, to="*522")) == ["child"]
    assert heard(await simulated(api, flow, to="*523")) == ["other"]
    await callflow(api, "1001", node("play", id="ann"))
    hunting = await callflow(
        api, r"^\*6(\d+)$", node("branch_bnumber", children, hunt=True, hunt_deny="^2")
    )
    assert heard(await simulated(api, hunting, to="*61001"))[0] == "ann"
    assert heard(await simulated(api, hunting, to="*622")) == ["other"]


async def test_disa_asks_for_a_pin_and_a_number(api: Api) -> None:
    await callflow(api, "1001", node("play", id="ann"))
    shown = {"external": {"number": "+14155550100", "name": "Acme"}}
    await api.patch(api.account, {"caller_id": shown})
    await callflow(api, "1", node("disa", pin="1234", use_account_caller_id=True))
    wrong = await call(api, "1", keys=["1", "2", "3"])
    assert wrong.heard()[-1] == "disa-retries_exceeded"
    right = await call(api, "1", keys=["1234#", "9999", "1001"])
    assert right.heard()[-3:] == ["disa-invalid_extension", "tone", "ann"]
    assert (right.call.from_number, right.call.retains_caller) == ("+14155550100", True)


async def test_disa_enforces_restrictions_where_it_is_told_to(api: Api) -> None:
    await callflow(api, "no_match", node("offnet"))
    rules = {"international": {"action": "deny"}}
    await api.patch(api.account, {"call_restriction": rules})
    await callflow(api, "1", node("disa", enforce_call_restriction=True))
    made = await call(api, "1", keys=["011442071234567"])
    assert "cf-unauthorized_call" in made.heard()
