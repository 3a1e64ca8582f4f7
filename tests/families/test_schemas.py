"""The schemas as a family, and facts about the server."""

from __future__ import annotations

import pytest

from crossbar import __version__
from tests.conftest import Api
from tests.families.support import refusal


async def test_schemas_are_listed_and_read_without_a_token(api: Api) -> None:
    names = (await api.get("/v2/schemas", token="")).expect(200).data
    assert names == sorted(names)
    assert {"users", "callflows.user"} <= set(names)
    schema = (await api.get("/v2/schemas/devices", token="")).expect(200).data
    assert schema["id"] == "devices"
    assert "sip" in schema["properties"]


async def test_an_unknown_schema_is_not_found(api: Api) -> None:
    for path in ("/v2/schemas/nonsense", f"{api.account}/schemas/nonsense"):
        assert (await api.get(path)).expect(404).data["cause"] == "nonsense"
        (await api.put(f"{path}/validation", {})).expect(404)


@pytest.mark.parametrize("is_scoped", [True, False])
async def test_data_is_judged_and_completed_and_not_stored(api: Api, is_scoped: bool) -> None:
    base = api.account if is_scoped else "/v2"
    path = f"{base}/schemas/menus/validation"
    sent = {"name": "Main", "retries": "5", "pvt_x": 1, "_y": 2}
    answer = (await api.put(path, sent)).expect(201)
    assert answer.data["retries"] == 5
    assert answer.data["max_extension_length"] == 4
    assert answer.data.keys().isdisjoint({"pvt_x", "_y"})
    refusal(await api.put(path, {}), "name", "required")
    refusal(await api.put(path, [1]), "data", "type")
    assert (await api.get(f"{api.account}/menus")).data == []
    (await api.put(path, sent, token="")).expect(401)


async def test_what_modules_of_a_flow_say_is_judged_too(api: Api) -> None:
    flow = {"module": "user", "data": {"timeout": "x"}, "children": {"_": {"module": "dance"}}}
    answer = await api.put("/v2/schemas/callflows/validation", {"flow": flow})
    refusal(answer, "flow.data.timeout", "type")
    refusal(answer, "flow.children._.module", "error")
    answer = await api.put("/v2/schemas/callflows.action/validation", {"module": "user"})
    assert answer.expect(201).data["data"]["timeout"] == 20


async def test_schemas_below_an_account_need_a_token(api: Api) -> None:
    path = f"{api.account}/schemas"
    (await api.get(path, token="")).expect(401)
    assert (await api.get(path)).expect(200).data == (await api.get("/v2/schemas")).data


async def test_facts_about_the_server_are_for_operators_and_for_accounts(api: Api) -> None:
    facts = (await api.get("/v2/about")).expect(200).data
    assert facts["version"] == __version__
    assert facts["used_memory"] > 1_000_000
    assert min(facts["processes"], facts["ports"]) > 0
    assert facts.keys() == {"version", "used_memory", "processes", "ports", "erlang_version"}
    tenant = await api.create_account("Tenant")
    token = await api.account_token(tenant)
    (await api.get("/v2/about", token=token)).expect(403)
    (await api.get(f"/v2/accounts/{tenant}/about", token=token)).expect(200)
    (await api.put("/v2/about", {})).expect(405)
