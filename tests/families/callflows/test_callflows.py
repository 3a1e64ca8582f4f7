"""Callflows: reachability, uniqueness, the data of every node, and what reading adds."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Api
from tests.families.support import ANN, make, refusal, row, shown


def node(module: str, data: Any = None, **children: Any) -> dict[str, Any]:
    return {"module": module, "data": {} if data is None else data, "children": children}


async def test_a_callflow_that_nothing_can_reach_is_refused(api: Api) -> None:
    callflows = f"{api.account}/callflows"
    nowhere: list[dict[str, Any]] = [{}, {"numbers": []}, {"numbers": [], "patterns": []}]
    for empty in nowhere:
        details = refusal(await api.put(callflows, {"name": "x", **empty}), "numbers", "required")
        assert details["message"] == "Callflows must be assigned at least one number or pattern"
    (await api.put(callflows, {"patterns": ["^1$"]})).expect(201)
    for field in ("numbers", "patterns"):
        details = refusal(await api.put(callflows, {field: "2001"}), field, "type")
        assert details["target"] == "array"


async def test_full_numbers_become_e164_and_extensions_stay(api: Api) -> None:
    numbers = ["(415) 555-0100", "011442071838750", "2001", "*97"]
    doc_id = await make(api, "callflows", numbers=numbers)
    stored = (await shown(api, "callflows", doc_id))["numbers"]
    assert stored == ["+14155550100", "+442071838750", "2001", "*97"]
    refusal(await api.put(f"{api.account}/callflows", {"numbers": [5]}), "numbers.0", "type")


async def test_a_number_is_in_one_callflow_only_and_the_refusal_says_in_which(api: Api) -> None:
    doc_id = await make(api, "callflows", name="Main", numbers=["4155550100"], patterns=["^9"])
    clash = await api.put(f"{api.account}/callflows", {"numbers": ["+14155550100"]})
    assert refusal(clash, "numbers", "unique") == {
        "message": f"Number +14155550100 exists in callflow {doc_id} Main",
        "cause": "+14155550100",
    }
    refusal(await api.put(f"{api.account}/callflows", {"patterns": ["^9"]}), "patterns", "unique")
    unnamed = await make(api, "callflows", numbers=["7"])
    clash = await api.put(f"{api.account}/callflows", {"numbers": ["7"]})
    message = refusal(clash, "numbers", "unique")["message"]
    assert message == f"Number 7 exists in callflow {unnamed}"


async def test_a_number_that_was_given_up_can_be_taken(api: Api) -> None:
    first = await make(api, "callflows", numbers=["1", "2"])
    (await api.patch(f"{api.account}/callflows/{first}", {"numbers": ["1"]})).expect(200)
    await make(api, "callflows", numbers=["2"])
    (await api.delete(f"{api.account}/callflows/{first}")).expect(200)
    await make(api, "callflows", numbers=["1"])


async def test_an_unknown_module_is_refused_at_its_place(api: Api) -> None:
    flow = node("menu", {"id": "0" * 32}, **{"1.5": node("nonsense")})
    answer = await api.put(f"{api.account}/callflows", {"numbers": ["1"], "flow": flow})
    details = refusal(answer, "flow.children.1%2E5.module", "error")
    assert details["message"] == "unable to find callflow schema for module nonsense"


async def test_a_nodes_data_is_judged_at_every_depth(api: Api) -> None:
    flow = node("menu", {"id": "0" * 32}, _=node("user", {"timeout": "soon"}))
    answer = await api.put(f"{api.account}/callflows", {"numbers": ["1"], "flow": flow})
    refusal(answer, "flow.children._.data.timeout", "type")


async def test_defaults_of_a_module_are_stored(api: Api) -> None:
    doc_id = await make(api, "callflows", flow=node("user", {"id": "0" * 32}))
    flow = (await shown(api, "callflows", doc_id))["flow"]
    assert flow["data"]["timeout"] == 20


@pytest.mark.parametrize(
    "flow", [{"data": {}}, {"module": 5}, {"module": "user", "data": 5}, "user"]
)
async def test_a_node_without_form_is_refused(api: Api, flow: Any) -> None:
    (await api.put(f"{api.account}/callflows", {"numbers": ["1"], "flow": flow})).expect(400)


async def test_lists_show_modules_depth_first_and_each_once(api: Api) -> None:
    skipped = node("sleep", {"skip_module": True})
    flow = node("menu", {"id": "m"}, a=node("user", {"id": "u"}, b=node("voicemail")), c=skipped)
    flow["children"]["d"] = node("user", {"id": "v"})
    doc_id = await make(api, "callflows", flow=flow, type="mainUserCallflow", owner_id="o")
    assert await row(api, "callflows") == {
        "id": doc_id,
        "type": "mainUserCallflow",
        "numbers": ["2001"],
        "patterns": [],
        "featurecode": False,
        "owner_id": "o",
        "modules": ["menu", "user", "voicemail"],
        "flags": [],
    }


async def test_reading_names_the_documents_that_the_flow_mentions(api: Api) -> None:
    user_id, menu_id = await make(api, "users", **ANN), await make(api, "menus")
    other = await make(api, "callflows", numbers=["9"], name="Other")
    gone = await make(api, "menus")
    (await api.delete(f"{api.account}/menus/{gone}")).expect(200)
    flow = node("user", {"id": user_id}, **{menu_id: node("callflow", {"id": other}), "_": {}})
    flow["children"]["_"] = node("menu", {"id": gone})
    doc_id = await make(api, "callflows", flow=flow)
    assert (await shown(api, "callflows", doc_id))["metadata"] == {
        user_id: {"name": "Ann Lee", "pvt_type": "user"},
        menu_id: {"name": "Main", "pvt_type": "menu"},
        other: {"name": "Other", "numbers": ["9"], "pvt_type": "callflow"},
    }
    path = f"{api.account}/callflows/{doc_id}"
    for answer in (await api.patch(path, {}), await api.delete(path)):
        assert "metadata" not in answer.expect(200).data


async def test_filtering_by_numbers_compares_their_concatenation(api: Api) -> None:
    doc_id = await make(api, "callflows", numbers=["no_match"])
    await make(api, "callflows", numbers=["no_match2", "3"])
    listed = (await api.get(f"{api.account}/callflows?filter_numbers=no_match")).data
    assert [callflow["id"] for callflow in listed] == [doc_id]


async def test_features_during_calls_are_judged_too(api: Api) -> None:
    odd = {"patterns": {"^1": {"module": "hold", "children": {"a": {"module": "nothing"}}}}}
    refused = await api.put(f"{api.account}/callflows", {"numbers": ["1"], "metaflow": odd})
    refusal(refused, "metaflow.patterns.^1.children.a.module", "error")
    doc_id = await make(api, "callflows", metaflow={"numbers": {"1": {"module": "hold"}}})
    made = (await shown(api, "callflows", doc_id))["metaflow"]
    assert made["numbers"]["1"]["data"] == {"unhold_key": "1"}


@pytest.mark.parametrize("module", ["missed_call_alert", "notification"])
async def test_only_recipients_by_mail_have_addresses(api: Api, module: str) -> None:
    def alert(*recipients: dict[str, Any]) -> dict[str, Any]:
        flow = node(module, {"name": "Missed", "recipients": [*recipients]})
        return {"numbers": ["7"], "flow": flow}

    user = "0a" * 16
    good = (
        {"type": "user", "id": user},
        {"type": "user", "id": [user, "b" * 32]},
        {"type": "email", "id": "ann@example.com"},
        {"type": "email", "id": ["ann@example.com", "bob@example.com"]},
    )
    doc_id = await make(api, "callflows", **alert(*good))
    assert (await shown(api, "callflows", doc_id))["flow"]["data"]["recipients"] == [*good]
    path, place = f"{api.account}/callflows/{doc_id}", "flow.data.recipients.0"
    bad = await api.post(path, alert({"type": "email", "id": user}))
    assert refusal(bad, f"{place}.id", "wrong_format")["value"] == user
    bad = await api.post(path, alert({"type": "email", "id": ["ann@example.com", user]}))
    refusal(bad, f"{place}.id.1", "wrong_format")
    refusal(
        await api.post(path, alert({"type": "user", "id": 5})),
        f"{place}.id",
        "not_one_schema_valid",
    )
    refusal(await api.post(path, alert({"type": "sms", "id": user})), f"{place}.type", "enum")
