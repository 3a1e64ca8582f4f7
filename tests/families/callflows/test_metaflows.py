"""Metaflows: a sub-object of every document, whose actions are checked at every depth."""

from __future__ import annotations

from typing import Any

from tests.conftest import Api
from tests.families.support import make, refusal, shown

HOLD: dict[str, Any] = {"module": "hold"}
ODD: tuple[Any, ...] = ([], 5, {"1": 5}, {"1": {"module": 5}}, {"1": {**HOLD, "data": []}})


async def places(api: Api) -> list[str]:
    """Where metaflows can be: the account, a user, a device, any other document."""
    documents = [f"{noun}/{await make(api, noun)}" for noun in ("users", "devices", "menus")]
    return [api.account, *(f"{api.account}/{document}" for document in documents)]


async def test_metaflows_are_read_replaced_and_removed_wherever_they_are(api: Api) -> None:
    for place in await places(api):
        path = f"{place}/metaflows"
        before = (await api.get(place)).expect(200).data
        assert (await api.get(path)).expect(200).data == {}
        answer = await api.post(path, {"numbers": {"1": HOLD}, "digit_timeout": 5})
        made = answer.expect(200).data
        assert made == {
            "binding_digit": "*",
            "digit_timeout": 5,
            "numbers": {"1": {"module": "hold", "data": {"unhold_key": "1"}}},
        }
        assert (await api.get(path)).expect(200).data == made
        after = (await api.get(place)).expect(200).data
        assert after == {**before, "metaflows": made}
        (await api.post(path, {})).expect(200)
        assert (await api.get(path)).expect(200).data == {"binding_digit": "*"}
        assert (await api.delete(path)).expect(200).data == {}
        assert (await api.get(place)).expect(200).data == before


async def test_actions_are_checked_at_every_depth(api: Api) -> None:
    path = f"{api.account}/metaflows"
    deep = {
        **HOLD,
        "children": {
            "a.b": {"module": "nothing"},
            "c": {"module": "say", "data": {"gender": "x"}},
        },
    }
    flow = {"module": "callflow", "data": {"flow": {"module": "user", "data": {"delay": "x"}}}}
    sent = {"numbers": {"1": deep}, "patterns": {"^2.": {"module": "pivot"}, "3": flow}}
    answer = await api.post(path, sent)
    assert refusal(answer, "numbers.1.children.a%2Eb.module", "error") == {
        "message": "unable to find metaflow schema for module nothing",
        "value": "nothing",
    }
    refusal(answer, "numbers.1.children.c.data.gender", "enum")
    refusal(answer, "patterns.^2%2E.data.voice_url", "required")
    refusal(answer, "patterns.3.data.flow.data.delay", "type")
    assert (await api.get(path)).expect(200).data == {}


async def test_metaflows_within_a_document_are_checked_as_at_their_own_path(api: Api) -> None:
    actions = {"1": {"module": "nothing"}, "2": {"module": "say", "data": {"gender": "x"}}}
    child = await api.create_account("Child")
    for noun in ("users", "devices"):
        one = f"{api.account}/{noun}/{await make(api, noun)}"
        for place in (one, f"/v2/accounts/{child}"):
            answer = await api.patch(place, {"metaflows": {"numbers": actions}})
            refusal(answer, "metaflows.numbers.1.module", "error")
            refusal(answer, "metaflows.numbers.2.data.gender", "enum")
            patched = await api.patch(place, {"metaflows": {"numbers": {"1": HOLD}}})
            stored = patched.expect(200).data["metaflows"]["numbers"]["1"]
            assert stored == {"module": "hold", "data": {"unhold_key": "1"}}
        refusal(await api.patch(one, {"metaflows": [1]}), "metaflows", "type")


async def test_codes_are_digits(api: Api) -> None:
    doc_id = await make(api, "users")
    answer = await api.post(f"{api.account}/users/{doc_id}/metaflows", {"numbers": {"a": HOLD}})
    assert answer.expect(400).body["message"] == "validation error"
    for odd in ODD:
        (await api.post(f"{api.account}/metaflows", {"numbers": odd})).expect(400)
    assert "metaflows" not in await shown(api, "users", doc_id)
