"""Functions: documents of accounts, all of which an operator sees."""

from __future__ import annotations

from typing import Any

import pytest

from crossbar.storage import Batch, Key, Put
from tests.conftest import Api
from tests.families.support import FIELDS, make, refusal, row, shown


async def test_functions_show_their_program_and_whether_they_run(api: Api) -> None:
    doc_id = await make(api, "functions", disable_reason="too slow")
    assert await row(api, "functions") == {
        "id": doc_id,
        "name": "Greet",
        "function_js": "function greet() {}",
        "enabled": True,
        "disable_reason": "too slow",
    }


async def test_a_replaced_function_is_stored(api: Api) -> None:
    doc_id = await make(api, "functions")
    sent = {"name": "New", "function_js": "x", "enabled": False}
    (await api.post(f"{api.account}/functions/{doc_id}", sent)).expect(200)
    assert (await shown(api, "functions", doc_id))["name"] == "New"


async def test_what_can_never_run_is_refused_with_its_line(api: Api) -> None:
    sent = {"name": "Greet", "function_js": "var a;\nreturn {"}
    refused = await api.put(f"{api.account}/functions", sent)
    refusal(refused, "function_js", "invalid")
    message = "SyntaxError, line 2: the text ends before it is complete"
    assert message in refused.data["function_js"]["invalid"]["message"]
    doc_id = await make(api, "functions")
    path = f"{api.account}/functions/{doc_id}"
    refusal(await api.patch(path, {"function_js": "if ("}), "function_js", "invalid")
    refusal(await api.post(path, sent), "function_js", "invalid")
    whole = {"function_js": "function(call) { return {}; }"}
    refusal(await api.patch(path, whole), "function_js", "invalid")
    refusal(await api.patch(path, {"function_js": 5}), "function_js", "type")


async def test_what_is_not_javascript_is_stored_as_it_is(api: Api) -> None:
    doc_id = await make(api, "functions", function_js="print('", language_pack="lua")
    path = f"{api.account}/functions/{doc_id}"
    (await api.patch(path, {"enabled": False})).expect(200)
    changed = {"language_pack": "javascript"}
    refusal(await api.patch(path, changed), "function_js", "invalid")


async def test_a_stored_function_that_cannot_run_can_be_switched_off(api: Api) -> None:
    doc_id = await make(api, "functions", function_js="if (", language_pack="lua")
    key = Key(api.master.account_id, "function", doc_id)
    store = api.gateway.services.store
    before = await store.get(key)
    assert before is not None
    older = {**before, "language_pack": "javascript", "_rev": "9-a"}
    await store.commit(Batch(puts=(Put(key, older, before["_rev"]),)))
    path = f"{api.account}/functions/{doc_id}"
    (await api.patch(path, {"enabled": False})).expect(200)


async def test_an_operator_sees_the_functions_of_all_accounts(api: Api) -> None:
    child = await api.create_account("Child")
    sent = {**FIELDS["functions"], "name": "Theirs"}
    (await api.put(f"/v2/accounts/{child}/functions", sent)).expect(201)
    own = await make(api, "functions")
    gone = await make(api, "functions")
    (await api.delete(f"{api.account}/functions/{gone}")).expect(200)
    everything = (await api.get("/v2/functions")).expect(200).data
    assert sorted(one["name"] for one in everything) == ["Greet", "Theirs"]
    assert own in {one["id"] for one in everything}
    assert not any(name.startswith("pvt_") for one in everything for name in one)
    token = await api.account_token(child)
    (await api.get("/v2/functions", token=token)).expect(403)


class TestASmallLimit:
    @pytest.fixture
    def overrides(self) -> dict[str, Any]:
        return {"lists.memory_limit": 1}

    async def test_too_many_functions_are_not_sent_at_once(self, api: Api) -> None:
        for _ in range(2):
            await make(api, "functions")
        (await api.get("/v2/functions")).expect(416)


async def test_samples_are_open_to_everybody_and_no_function(api: Api) -> None:
    samples = (await api.get("/v2/functions/samples", token="")).expect(200).data
    assert samples[0]["Direction"] == "inbound"
    path = f"{api.account}/functions/samples"
    assert (await api.get(path)).expect(200).data == samples
    (await api.get(path, token="")).expect(401)
