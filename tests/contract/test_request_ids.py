"""Every answer can be found again: request ids (docs/protocol.md §10.2)."""

from __future__ import annotations

import re

import pytest

from crossbar.storage import Key
from tests.conftest import Api
from tests.contract.conftest import on_any_store
from tests.contract.kit import UNKNOWN

pytestmark = on_any_store

OWN = "My-Request_1.2:3"


async def test_each_request_without_an_id_gets_one_of_its_own(api: Api) -> None:
    found = {(await api.get("/v2/schemas")).body["request_id"] for _ in range(10)}
    assert len(found) == 10
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in found)


async def test_a_clients_id_is_used_as_it_is_on_every_kind_of_answer(api: Api) -> None:
    sent = {"X-Request-ID": OWN}
    menus = f"{api.account}/menus"
    for answer in (
        await api.put(menus, {"name": "Main"}, headers=sent),
        await api.get(menus, headers=sent),
        await api.get(f"{menus}?is_chunked=true", headers=sent),
        await api.get(f"{menus}?accept=csv", headers=sent),
        await api.get(f"{menus}/{UNKNOWN}", headers=sent),
        await api.get(menus, headers=sent, token=""),
        await api.put(menus, raw=b"{", headers=sent),
        await api.get("/v2/nope", headers=sent),
        await api.get("/v1", headers=sent),
        await api.request("OPTIONS", menus, headers={**sent, "Origin": "x"}),
    ):
        assert answer.headers["X-Request-ID"] == OWN
        assert answer.body is None or answer.body["request_id"] == OWN


@pytest.mark.parametrize("sent", ["a b", "x" * 129, "", "ä", "tab\there"])
async def test_an_id_that_would_harm_a_log_is_replaced(api: Api, sent: str) -> None:
    answer = await api.get("/v2/schemas", headers={"X-Request-ID": sent})
    assert re.fullmatch("[0-9a-f]{32}", answer.expect(200).body["request_id"])


async def test_a_document_remembers_the_request_that_wrote_it_and_by_whom(api: Api) -> None:
    created = await api.put(
        f"{api.account}/menus", {"name": "Main"}, headers={"X-Request-ID": OWN}
    )
    doc_id = created.expect(201).data["id"]
    key = Key(api.master.account_id, "menu", doc_id)
    stored = await api.gateway.services.store.get(key)
    assert stored is not None
    assert stored["pvt_request_id"] == OWN
    assert stored["pvt_auth_account_id"] == api.master.account_id
    assert stored["pvt_auth_user_id"] == api.master.user_id
