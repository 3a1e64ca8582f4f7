"""The step ``function``: programs of the account say what is done with a call."""

from __future__ import annotations

import json
from typing import Any

import pytest
from structlog.testing import capture_logs

from crossbar.clock import GREGORIAN_OFFSET
from tests.conftest import Api
from tests.families.support import make
from tests.switch.executor.support import (
    call,
    callflow,
    heard,
    node,
    path,
    person,
    simulated,
    then,
)

OTHERWISE = then("play", id="otherwise")


async def calling(api: Api, text: str, **fields: Any) -> str:
    """A callflow with a step that runs this; what comes after it plays ``otherwise``."""
    doc_id = await make(api, "functions", function_js=text, **fields)
    return await callflow(api, "1", node("function", OTHERWISE, id=doc_id))


async def test_the_flow_that_is_returned_is_next(api: Api) -> None:
    flow = json.dumps(node("play", then("play", id="second"), id="first"))
    await calling(api, f"return {flow};")
    assert (await call(api, "1")).heard() == ["first", "second", "otherwise"]


async def test_a_function_is_given_the_call_as_web_servers_are(api: Api) -> None:
    said = "'Thanks for calling us ' + call['Caller-ID-Name']"
    flow = await calling(api, f"return {{'module':'tts','data':{{'text':{said}}}}};")
    told = await simulated(api, flow, **{"from": {"name": "Ann Lee"}})
    assert heard(told)[0] == "Thanks for calling us Ann Lee"
    facts = "[call['Caller-ID-Number'], call.Request, call['Account-ID'], call['Call-ID']]"
    await api.patch(
        f"{api.account}/functions/{told['steps'][0]['document']['id']}",
        {"function_js": f"return {{module:'tts', data:{{text:{facts}.join(' ')}}}}"},
    )
    account = api.master.account_id
    said_of = (await call(api, "1", number="+14155550100")).heard()[0]
    assert said_of == f"+14155550100 1 {account} call-1"


async def test_the_sample_has_the_names_that_functions_are_given(api: Api) -> None:
    text = "return {module: 'tts', data: {text: Object.keys(call).join(' ')}}"
    flow = await calling(api, text)
    (sample,) = (await api.get(f"{api.account}/functions/samples")).expect(200).data
    assert heard(await simulated(api, flow))[0].split() == list(sample)


async def test_digits_and_variables_are_set_over_the_call(api: Api) -> None:
    said = "[call.Digits.pin, call.pin, call.colour, call['Caller-ID-Name']].join(' ')"
    text = f"return {{module:'tts', data:{{text:{said}}}}}"
    doc_id = await make(api, "functions", function_js=text)
    flow: Any = node("function", OTHERWISE, id=doc_id)
    chosen = {"colour": "red", "Caller-ID-Name": "Zoe"}
    flow = node("set_variables", {"_": flow}, custom_application_vars=chosen)
    flow = node("collect_dtmf", {"_": flow}, collection_name="pin", max_digits=2)
    await callflow(api, "1", flow)
    assert "12 12 red Zoe" in (await call(api, "1", keys=["12"])).heard()


async def test_now_is_the_moment_of_the_rehearsal_where_the_account_is(api: Api) -> None:
    await api.patch(api.account, {"timezone": "America/New_York"})
    text = """
        var hour = new Date().getHours();
        return {module: 'play', data: {id: hour < 12 ? 'morning' : 'afternoon'}};
    """
    flow = await calling(api, text)
    noon = 1_700_000_000 // 86_400 * 86_400 + GREGORIAN_OFFSET + 17 * 3600
    assert heard(await simulated(api, flow, timestamp=noon - 60))[0] == "morning"
    assert heard(await simulated(api, flow, timestamp=noon))[0] == "afternoon"


async def test_a_rehearsal_tells_what_a_function_returned_or_said(api: Api) -> None:
    flow = await calling(api, "return {module: 'play', data: {id: 'first'}}")
    told = await simulated(api, flow)
    [step] = [each for each in told["steps"] if each["module"] == "function"]
    assert step["known"] is True
    assert step["notes"] == ['it returned {"module":"play","data":{"id":"first"}}']
    assert (step["branch"], step["why"]) == ("function", "the function has returned a flow")
    assert path(told) == ["function", "play", "play"]
    doc_id = step["document"]["id"]
    await api.patch(f"{api.account}/functions/{doc_id}", {"function_js": "\nreturn call.x.y"})
    step = (await simulated(api, flow))["steps"][0]
    assert step["why"] == "the function has failed: TypeError, line 2"
    assert step["notes"] == ["cannot read property 'y' of undefined"]


@pytest.mark.parametrize(
    "text",
    [
        "return",
        "return 5",
        "return []",
        "return {}",
        "return {module: 'unheard_of', data: {}}",
        "return {module: 'play', data: {id: 5}}",
        "return {module: 'play', data: {id: '\\ud800'}}",
        "return {module: 'play', data: {}, children: {_: {module: 'menu', data: 3}}}",
        'return JSON.parse(\'{"__proto__": {"module": "play", "data": {}}}\')',
        "throw new Error(call['Caller-ID-Number'])",
        "while (1);",
        "var o = {module: 'noop', data: {}}; for (var i = 0; i < 900; i++)"
        " o = {module: 'noop', data: {}, children: {_: o}}; return o",
    ],
)
async def test_what_is_no_flow_goes_on_and_is_logged(api: Api, text: str) -> None:
    await calling(api, text)
    with capture_logs() as logged:
        made = await call(api, "1", number="+14155550100")
    assert made.heard() == ["otherwise"]
    [line] = [each for each in logged if each["event"] == "function_failed"]
    assert line["call_id"] == "call-1"
    assert line["reason"].startswith(("the function has failed", "what the function has"))
    assert "4155550100" not in repr(logged)


async def test_what_is_returned_is_not_logged(api: Api) -> None:
    said = "'You are ' + call['Caller-ID-Number']"
    await calling(api, f"return {{module: 'tts', data: {{text: {said}}}}}")
    with capture_logs() as logged:
        made = await call(api, "1", number="+14155550100")
    assert made.heard()[0] == "You are +14155550100"
    assert [each["module"] for each in logged if each["event"] == "stepped"]
    assert "4155550100" not in repr(logged)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"enabled": False}, "it is not enabled"),
        ({"language_pack": "lua"}, "it is not in JavaScript"),
    ],
)
async def test_some_functions_are_not_run(api: Api, fields: dict[str, Any], why: str) -> None:
    flow = await calling(api, "return {module: 'play', data: {id: 'never'}}", **fields)
    told = await simulated(api, flow)
    assert heard(told) == ["otherwise"]
    assert told["steps"][0]["why"] == f"the function has failed: {why}"


async def test_a_function_that_is_not_there_is_passed_over(api: Api) -> None:
    for number, data in (("1", {"id": "0" * 32}), ("2", {})):
        await callflow(api, number, node("function", OTHERWISE, **data))
        assert (await call(api, number)).heard() == ["otherwise"]
    user, _ = await person(api, "ann")
    await callflow(api, "3", node("function", OTHERWISE, id=user))
    assert (await call(api, "3")).heard() == ["otherwise"]


async def test_functions_that_return_themselves_end(api: Api) -> None:
    doc_id = await make(api, "functions", function_js="return")
    text = f"return {{module: 'function', data: {{id: '{doc_id}'}}}}"
    await api.patch(f"{api.account}/functions/{doc_id}", {"function_js": text})
    await callflow(api, "1", node("function", id=doc_id))
    assert (await call(api, "1")).how == "the call was ended after 50 callflows"
