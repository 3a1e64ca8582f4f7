"""Calls to and from the telephone systems of an account, over a script."""

from __future__ import annotations

from typing import Any

import pytest

from crossbar.documents import Document
from crossbar.families.endpoints import server_id
from crossbar.switch.executor import Call, find_flow
from tests.conftest import Api
from tests.families.support import make
from tests.switch.executor.support import Made, book_of, call, callflow, node, phone

DID, OTHER = "+14155550100", "+14155550177"


async def trunk(api: Api, *, method: str = "password", document: Any = None, **more: Any) -> str:
    """A document with one server; its id."""
    auth: Document = {
        "auth_method": method,
        "auth_user": "pbx",
        "auth_password": "long and secret",
    }
    if method == "IP":
        auth = {"auth_method": method, "ip": "192.0.2.7", "port": 5070}
    server = {"name": "PBX", "auth": auth, "DIDs": {"4155550100": {}}, **more}
    path = f"{api.account}/phone_numbers/%2B14155550100"
    await api.put(path, {"create_with_state": "in_service"})
    return await make(api, "connectivity", servers=[server], account=document or {})


async def carrier(api: Api, server: str = "192.0.2.1", **more: Any) -> str:
    gateways = [{"server": server}]
    asked = {"name": "Telco", "rules": [r"^(\+1\d{10}|911)$"], "gateways": gateways, **more}
    made: str = (await api.put("/v2/resources", asked)).expect(201).data["id"]
    return made


async def dialed(api: Api, doc_id: str, number: str, caller: str = "", **script: Any) -> Made:
    """A call that the server makes."""
    return await call(api, number, server=server_id(doc_id, 0), number=caller, **script)


def legs(made: Made) -> list[Document]:
    return [leg for each in made.media.told if each["verb"] == "ring" for leg in each["legs"]]


@pytest.mark.parametrize(
    ("caller", "number", "shown"),
    [
        ("4155550100", OTHER, "+12125550001"),
        ("4155550199", OTHER, "+12125550002"),
        ("4155550199", "911", "+12125550003"),
    ],
    ids=["of the number", "of the server", "of emergencies"],
)
async def test_a_server_calls_out_as_who_documents_say(
    api: Api, caller: str, number: str, shown: str
) -> None:
    await carrier(api)
    doc_id = await trunk(
        api,
        DIDs={"4155550100": {"caller_id": {"cid_number": "+12125550001"}}},
        options={"caller_id": {"cid_number": "+12125550002"}},
        document={
            "caller_id": {"cid_number": "+12125550009"},
            "emergency_caller_id": {"cid_number": "+12125550003"},
        },
    )
    [leg] = legs(await dialed(api, doc_id, number, caller))
    assert leg["caller_id_number"] == shown


async def test_what_an_account_may_not_call_its_servers_may_not_either(api: Api) -> None:
    await carrier(api)
    doc_id = await trunk(api)
    barred = await dialed(api, doc_id, "+19005550100")
    assert barred.media.told[-1]["code"] == 403
    await api.patch(api.account, {"call_restriction": {"did_us": {"action": "deny"}}})
    denied = await dialed(api, doc_id, OTHER)
    assert denied.media.told[-1]["code"] == 403
    assert not legs(barred)
    assert not legs(denied)


async def test_a_dial_plan_counts_once_before_a_server_is_judged(api: Api) -> None:
    await carrier(api)
    doc_id = await trunk(api)
    plan = {r"^\+1415(\d{7})$": {"prefix": "+1900"}}
    restriction = {"did_us": {"action": "deny"}}
    patch = {"dial_plan": plan, "call_restriction": restriction}
    (await api.patch(api.account, patch)).expect(200)
    denied = await dialed(api, doc_id, "4155550177")
    assert denied.media.told[-1]["code"] == 403
    assert not legs(denied)


@pytest.mark.parametrize(
    ("method", "options", "route"),
    [
        ("password", {}, None),
        ("password", {"ip": "192.0.2.8"}, "sip:4155550100@192.0.2.8:5060"),
        ("IP", {}, "sip:4155550100@192.0.2.7:5070"),
    ],
)
async def test_where_a_server_is_known_is_not_where_one_with_a_password_is_called(
    api: Api, method: str, options: Document, route: str | None
) -> None:
    auth = {"auth_method": method, "auth_user": "pbx", "ip": "192.0.2.7", "port": 5070}
    await trunk(api, auth=auth, options=options)
    made = Call(call_id="call", account_id=api.master.account_id, dialed=DID, is_external=True)
    found = await find_flow(await book_of(api), made)
    assert found is not None
    assert found.callflow["flow"]["data"].get("route") == route


async def test_extensions_are_for_servers_but_the_way_out_is_not(api: Api) -> None:
    device = await phone(api, "ann")
    await callflow(api, "101", node("device", id=device))
    await callflow(api, "no_match", node("offnet"))
    doc_id = await trunk(api)
    assert (await dialed(api, doc_id, "101", answers=(device,))).media.told
    with pytest.raises(AssertionError, match="nothing answers"):
        await dialed(api, doc_id, "102")
    await carrier(api)
    assert [each["kind"] for each in legs(await dialed(api, doc_id, OTHER))] == ["gateway"]


@pytest.mark.parametrize(
    ("wanted", "asked_for"),
    [
        (None, "4155550100"),
        ("e164", DID),
        ("1npan", "14155550100"),
        ("strip_plus", "14155550100"),
    ],
)
async def test_a_number_is_called_as_its_server_wants_it(
    api: Api, wanted: str | None, asked_for: str
) -> None:
    await trunk(api, method="IP", options={"inbound_format": wanted} if wanted else {})
    made = Call(call_id="call", account_id=api.master.account_id, dialed=DID, is_external=True)
    found = await find_flow(await book_of(api), made)
    assert found is not None
    data = found.callflow["flow"]["data"]
    assert (data["user"], data["route"]) == (asked_for, f"sip:{asked_for}@192.0.2.7:5070")


async def test_carriers_have_what_is_so_of_a_servers_call(api: Api) -> None:
    await carrier(api, weight_cost=1)
    await carrier(api, "192.0.2.2", flags=["sys_info", "2125550001", "gold"])
    named = ["custom_channel_vars.authorizing_type", "from_user", "zone", "nothing"]
    doc_id = await trunk(api, options={"flags": ["gold"], "dynamic_flags": named})
    [leg] = legs(await dialed(api, doc_id, OTHER, "2125550001"))
    assert leg["name"] == f"{OTHER} at 192.0.2.2"
    assert not legs(await dialed(api, doc_id, OTHER, "2125550002"))


@pytest.mark.parametrize(
    ("place", "given", "sent"),
    [
        ("server", [{"X-Plan": "gold"}, {"X-Site": "north"}], ["X-Plan", "X-Site"]),
        ("did", {"X-Plan": "gold"}, ["X-Plan"]),
        ("document", {"X-Plan": "gold"}, ["X-Plan"]),
        ("did", ["junk", 5], []),
    ],
)
async def test_a_server_is_called_with_headers_of_its_own(
    api: Api, place: str, given: Any, sent: list[str]
) -> None:
    headers = {"sip_headers": given}
    await trunk(
        api,
        DIDs={"4155550100": headers if place == "did" else {}},
        options=headers if place == "server" else {},
        document=headers if place == "document" else None,
    )
    made = Call(call_id="call", account_id=api.master.account_id, dialed=DID, is_external=True)
    found = await find_flow(await book_of(api), made)
    assert found is not None
    assert [*found.callflow["flow"]["data"].get("headers", {})] == sent


@pytest.mark.parametrize("place", ["number", "did", "server"])
async def test_another_number_is_called_when_a_server_fails(api: Api, place: str) -> None:
    await carrier(api)
    failover = {"failover": {"e164": "4155550177"}}
    dids = {"4155550100": failover if place == "did" else {}}
    await trunk(api, DIDs=dids, options=failover if place == "server" else {})
    if place == "number":
        (await api.patch(f"{api.account}/phone_numbers/%2B14155550100", failover)).expect(200)
    made = await call(api, DID, number=OTHER)
    assert [each["kind"] for each in legs(made)] == ["device", "gateway"]


async def test_a_number_is_called_by_carriers_though_it_is_here_where_that_is_wanted(
    api: Api,
) -> None:
    await carrier(api)
    for options, kind in (({}, "number"), ({"force_outbound": True}, "gateway")):
        doc_id = await trunk(api, options=options)
        assert [each["kind"] for each in legs(await dialed(api, doc_id, DID))] == [kind]
        await api.delete(f"{api.account}/connectivity/{doc_id}")
