"""Resources: of accounts and of the system, many at once, peers; templates and selectors."""

from __future__ import annotations

from typing import Any

from tests.conftest import PASSWORD, Api
from tests.families.carriers.support import configure
from tests.families.support import make, refusal, set_private, told

CARRIER: dict[str, Any] = {"name": "Carrier", "gateways": [{"server": "sip.example"}]}


async def test_resources_of_accounts_and_of_the_system_are_apart(api: Api) -> None:
    for base in (api.account, "/v2"):
        path = f"{base}/resources"
        sent = {**CARRIER, "template_name": "T", "classifiers": {"us": {"prefix": "1"}}}
        made = (await api.put(path, sent)).expect(201).data
        assert (made["weight_cost"], made["grace_period"], made["gateways"][0]["port"]) == (
            50,
            5,
            5060,
        )
        (row,) = (await api.get(path)).expect(200).data
        assert row == {
            "id": made["id"],
            "name": "Carrier",
            "enabled": True,
            "weight_cost": 50,
            "template_name": "T",
            "classifiers": made["classifiers"],
        }
        (await api.delete(f"{path}/{made['id']}")).expect(200)
    assert [command.data["is_global"] for command in told(api, "resources.reload")] == [
        False,
        False,
        True,
        True,
    ]


async def test_a_patch_is_merged_and_judged_as_a_whole(api: Api) -> None:
    sent = {**CARRIER, "caller_id_options": {"type": "internal"}, "classifiers": {"us": {}}}
    made = (await api.put(f"{api.account}/resources", sent)).expect(201).data
    path = f"{api.account}/resources/{made['id']}"
    changes: dict[str, Any] = {"classifiers": {"uk": {}}, "caller_id_options": None}
    patched = (await api.patch(path, changes)).expect(200).data
    assert sorted(patched["classifiers"]) == ["uk", "us"]
    assert "caller_id_options" not in patched
    refusal(await api.patch(path, {"weight_cost": 101}), "weight_cost", "maximum")


async def test_passwords_of_gateways_are_for_administrators(api: Api) -> None:
    sent = {"name": "C", "gateways": [{"server": "sip.example", "password": "s3cret"}]}
    made = (await api.put(f"{api.account}/resources", sent)).expect(201).data
    user = {"first_name": "A", "last_name": "B", "username": "ann", "password": PASSWORD}
    await make(api, "users", **user, priv_level="user")
    token = await api.login("ann", PASSWORD, api.master.account_name)
    path = f"{api.account}/resources"
    seen = (await api.get(f"{path}/{made['id']}", token=token)).expect(200).data
    assert "password" not in seen["gateways"][0]
    assert (await api.get(f"{path}/{made['id']}")).data["gateways"][0]["password"] == "s3cret"
    listed = await api.get(f"{path}?full_docs=true", token=token)
    assert b"s3cret" not in listed.content
    (await api.put(path, CARRIER, token=token)).expect(403)
    (await api.put(f"{path}/collection", [CARRIER], token=token)).expect(403)


async def test_resources_of_the_system_are_for_operators(api: Api) -> None:
    token = await api.account_token(await api.create_account("Tenant"))
    (await api.get("/v2/resources", token=token)).expect(403)
    (await api.put("/v2/resources/collection", [CARRIER], token=token)).expect(403)


async def test_many_resources_are_created_or_none(api: Api) -> None:
    path = f"{api.account}/resources/collection"
    own = "0" * 31 + "1"
    rows = (await api.put(path, [{**CARRIER, "id": own}, CARRIER])).expect(201).data
    assert rows[0]["id"] == own
    assert {row["name"] for row in rows} == {"Carrier"}
    answer = await api.put(path, [CARRIER, {"name": "No gateways"}])
    assert answer.expect(201).data["errors"]["1"]["gateways"]["required"]
    assert len((await api.get(f"{api.account}/resources")).data) == 2


async def test_many_resources_are_changed_or_none(api: Api) -> None:
    path = f"{api.account}/resources/collection"
    made = (await api.put(path, [CARRIER, CARRIER])).expect(201).data
    ids = [row["id"] for row in made]
    changes: list[Any] = [{"id": doc_id, "weight_cost": 9} for doc_id in ids]
    rows = (await api.post(path, changes)).expect(200).data
    assert [row["weight_cost"] for row in rows] == [9, 9]
    changes[0]["weight_cost"] = 8
    answer = await api.post(path, [*changes, {"id": "nobody"}, {"name": "No id"}])
    unknown = "resource does not exist"
    assert answer.expect(200).data == {"errors": {"nobody": unknown, "3": unknown}}
    shown = (await api.get(f"{api.account}/resources/{ids[0]}")).expect(200).data
    assert shown["weight_cost"] == 9


async def test_what_is_no_collection_is_refused(api: Api) -> None:
    path = f"{api.account}/resources/collection"
    refusal(await api.put(path, {"name": "C"}), "data", "type")
    refusal(await api.put(path, ["C"]), "data.0", "type")
    refusal(await api.put(path, [CARRIER] * 501), "data", "maxItems")
    twice = [{**CARRIER, "id": "a"}, {**CARRIER, "id": "a"}]
    refusal(await api.post(path, twice), "data.1.id", "uniqueItems")


def peer(server: str, **more: Any) -> dict[str, Any]:
    return {"name": "Peer", "peer": True, "gateways": [{"server": server, **more}]}


async def test_peers_are_allowed_by_operators(api: Api) -> None:
    path = f"{api.account}/resources"
    refusal(await api.put(path, peer("192.0.2.1")), "peer", "forbidden")
    await configure(api, "crossbar.resources", allow_peers=True)
    (await api.put(path, peer("192.0.2.1"))).expect(201)


async def test_a_peer_has_an_address_that_nobody_else_has(api: Api) -> None:
    await configure(api, "crossbar.resources", allow_peers=True)
    await configure(api, "ecallmgr", acls={"office": {"cidr": "198.51.100.0/24"}})
    await make(api, "devices", sip={"method": "ip", "ip": "192.0.2.9"})
    path = f"{api.account}/resources"
    made = (await api.put(path, peer("192.0.2.1"))).expect(201).data
    (await api.post(f"{path}/{made['id']}", peer("192.0.2.1"))).expect(200)
    refusal(await api.put(path, peer("sip.example")), "gateways.0.server", "required")
    refusal(await api.put(path, peer("192.0.2.1")), "gateways.0.server", "unique")
    refusal(await api.put(path, peer("192.0.2.9")), "gateways.0.server", "unique")
    named = peer("sip.example", inbound_ip="198.51.100.7")
    refusal(await api.put(path, named), "gateways.0.inbound_ip", "unique")
    device = {"name": "Desk", "sip": {"method": "ip", "ip": "192.0.2.1"}}
    refusal(await api.put(f"{api.account}/devices", device), "sip.ip", "unique")
    (await api.put("/v2/resources", peer("192.0.2.1"))).expect(201)


async def test_templates_are_the_resellers(api: Api) -> None:
    reseller_id = await api.create_account("Reseller")
    await set_private(api, reseller_id, pvt_reseller=True)
    tenant_id = await api.create_account("Tenant", reseller_id)
    await set_private(api, tenant_id, pvt_reseller_id=reseller_id)
    reseller = await api.account_token(reseller_id)
    tenant = await api.account_token(tenant_id)
    path = f"/v2/accounts/{tenant_id}/resource_templates"
    sent = {"template_name": "SIP", "name": "Carrier", "classifiers": {}, "anything": [1]}
    made = (await api.put(path, sent, token=reseller)).expect(201).data
    assert made == {**sent, "id": made["id"]}
    (row,) = (await api.get(path, token=tenant)).expect(200).data
    assert row == {
        "id": made["id"],
        "name": "Carrier",
        "template_name": "SIP",
        "classifiers": {},
    }
    one = f"{path}/{made['id']}"
    assert (await api.get(one, token=tenant)).expect(200).data == made
    for token in (tenant, api.token):
        refusal(await api.put(path, sent, token=token), "Account", "forbidden")
        refusal(await api.delete(one, token=token), "Account", "forbidden")
    patched = await api.patch(one, {"template_name": "New"}, token=reseller)
    assert patched.expect(200).data["template_name"] == "New"
    refusal(await api.post(one, {"name": "C"}, token=reseller), "template_name", "required")
    own = f"/v2/accounts/{reseller_id}/resource_templates"
    assert (await api.get(own, token=reseller)).expect(200).data == []
    local = (await api.get(f"{own}?local=true", token=reseller)).expect(200).data
    assert [each["id"] for each in local] == [made["id"]]
    assert (await api.get(f"{path}?local=true", token=tenant)).expect(200).data == local
    (await api.delete(one, token=reseller)).expect(200)
    (await api.get(one, token=tenant)).expect(404)


async def test_selectors_are_counted_and_found_by_name_and_resource(api: Api) -> None:
    path = f"{api.account}/resource_selectors"
    for name, resource in (("zip", "a"), ("zip", "b"), ("state", "a"), ("zip", "a")):
        sent = {"name": name, "resource": resource, "selector": "9", "start_time": 1}
        (await api.put(path, sent)).expect(201)
    rows = (await api.get(path)).expect(200).data
    assert len(rows) == 4
    assert (rows[0]["start_time"], "stop_time" in rows[0]) == (1, False)
    counts = {
        "name": [{"state": 1}, {"zip": 3}],
        "resource": [{"a": 3}, {"b": 1}],
        "name/zip": [{"a": 2}, {"b": 1}],
        "resource/a": [{"state": 1}, {"zip": 2}],
        "name/none": [],
    }
    for below, expected in counts.items():
        assert (await api.get(f"{path}/{below}")).expect(200).data == expected
    for below in ("name/zip/resource/a", "resource/a/name/zip"):
        found = (await api.get(f"{path}/{below}?page_size=1")).expect(200)
        assert (found.data[0]["name"], found.data[0]["resource"]) == ("zip", "a")
        assert "next_start_key" in found.body
    one = f"{path}/{rows[0]['id']}"
    changed = {"name": "zip", "resource": "c", "selector": "8"}
    (await api.post(one, changed)).expect(200)
    assert (await api.get(f"{path}/resource/c")).expect(200).data == [{"zip": 1}]
    (await api.delete(one)).expect(200)
    (await api.post(f"{path}/unknown", changed)).expect(404)


async def test_rules_of_selectors_are_set_and_read(api: Api) -> None:
    path = f"{api.account}/resource_selectors/rules"
    (await api.get(path)).expect(404)
    rules = {"rules": [{"get_resources": {"value": "zip"}}]}
    written = (await api.post(path, rules)).expect(200).data
    assert written == {**rules, "id": "resource_selector_rules"}
    assert (await api.get("/v2/resource_selectors/rules")).expect(200).data == written


async def test_without_an_account_selectors_are_the_master_accounts(api: Api) -> None:
    sent = {"name": "zip", "resource": "a", "selector": "9"}
    made = (await api.put("/v2/resource_selectors", sent)).expect(201).data
    (row,) = (await api.get(f"{api.account}/resource_selectors")).expect(200).data
    assert row["id"] == made["id"]
    token = await api.account_token(await api.create_account("Tenant"))
    (await api.get("/v2/resource_selectors", token=token)).expect(403)
