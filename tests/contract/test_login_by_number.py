"""Logging in with a telephone number that a callflow of the account carries."""

from __future__ import annotations

from typing import Any

import pytest

from crossbar.storage import SYSTEM, Batch, Entry, Key, Put, Span
from tests.conftest import PASSWORD, Answer, Api, credentials
from tests.contract.conftest import on_every_store
from tests.families.support import ANN, make
from tests.storage.builders import rows

pytestmark = on_every_store

NUMBER = "+14155550100"
CALLFLOW_ID = "c" * 32
INDEX = Span(account_id=SYSTEM, doc_type="number_owner")


async def log_in(api: Api, number: str, username: str = "admin", **sent: Any) -> Answer:
    password = PASSWORD if username == "admin" else ANN["password"]
    digest = credentials(username, password, "")["credentials"]
    named = {"credentials": digest, "phone_number": number, **sent}
    return await api.put("/v2/user_auth", named, token="")


async def tenant_with(api: Api, name: str, *numbers: str) -> str:
    """An account with the user Ann and a callflow for the numbers."""
    tenant = await api.create_account(name)
    (await api.put(f"/v2/accounts/{tenant}/users", ANN)).expect(201)
    sent = {"id": CALLFLOW_ID, "numbers": numbers}
    (await api.put(f"/v2/accounts/{tenant}/callflows", sent)).expect(201)
    return tenant


async def indexed(api: Api) -> int:
    """How many callflows are found by their numbers."""
    return await api.gateway.services.store.count(INDEX)


@pytest.mark.parametrize("spelling", [NUMBER, "(415) 555-0100", "14155550100"])
async def test_an_account_is_found_by_its_number_however_it_is_written(
    api: Api, spelling: str
) -> None:
    await make(api, "callflows", numbers=["4155550100", "2001"])
    answer = (await log_in(api, spelling)).expect(201)
    assert answer.data["account_id"] == api.master.account_id


async def test_the_number_wins_over_realm_and_name_unless_it_is_nobodys(api: Api) -> None:
    tenant = await tenant_with(api, "Tenant", NUMBER)
    found = await log_in(api, NUMBER, "ann", account_name="Master", account_realm="x.example.com")
    assert found.expect(201).data["account_id"] == tenant
    (await log_in(api, "+14155550199", account_name="Master")).expect(201)
    (await log_in(api, "no number", account_realm=api.master.realm)).expect(201)


async def test_extensions_and_patterns_find_nobody(api: Api) -> None:
    await make(api, "callflows", numbers=["2001"], patterns=[r"^\+1415"])
    for number in ("2001", NUMBER, "*97"):
        (await log_in(api, number)).expect(401)
        api.clock.advance(1000)
    assert await indexed(api) == 0


async def test_a_number_that_two_accounts_claim_is_nobodys(api: Api) -> None:
    await tenant_with(api, "Tenant", NUMBER)
    thief = await tenant_with(api, "Thief", NUMBER)
    refused = (await log_in(api, NUMBER, "ann")).expect(401)
    assert refused.data == {"message": "invalid credentials"}
    found = await log_in(api, NUMBER, "ann", account_name="Tenant")
    assert found.expect(201).data["account_name"] == "Tenant"
    (await api.delete(f"/v2/accounts/{thief}/callflows/{CALLFLOW_ID}")).expect(200)
    assert (await log_in(api, NUMBER, "ann")).expect(201).data["account_name"] == "Tenant"


async def test_a_number_is_found_where_it_was_moved_to(api: Api) -> None:
    first = await make(api, "callflows", numbers=[NUMBER, "+14155550101"])
    callflows = f"{api.account}/callflows"
    (await api.patch(f"{callflows}/{first}", {"numbers": ["+14155550101"]})).expect(200)
    (await log_in(api, NUMBER)).expect(401)
    second = await make(api, "callflows", numbers=[NUMBER])
    (await log_in(api, NUMBER)).expect(201)
    (await log_in(api, "+14155550101")).expect(201)
    (await api.patch(f"{callflows}/{first}", {"numbers": ["2001"]})).expect(200)
    (await api.delete(f"{callflows}/{second}")).expect(200)
    assert await indexed(api) == 0
    (await log_in(api, NUMBER)).expect(401)


async def test_a_refused_callflow_leaves_no_number_behind(api: Api) -> None:
    await make(api, "callflows", numbers=[NUMBER])
    clash = await api.put(f"{api.account}/callflows", {"numbers": [NUMBER, "+14155550101"]})
    assert clash.expect(400).data["numbers"].keys() == {"unique"}
    (await log_in(api, "+14155550101")).expect(401)
    assert await indexed(api) == 1


async def test_the_numbers_of_an_account_go_with_it(api: Api) -> None:
    tenant = await tenant_with(api, "Tenant", NUMBER)
    (await api.delete(f"/v2/accounts/{tenant}")).expect(200)
    assert await indexed(api) == 0
    await make(api, "callflows", numbers=[NUMBER])
    (await log_in(api, NUMBER)).expect(201)


async def test_a_number_that_a_deleted_account_has_left_behind_counts_for_nothing(
    api: Api,
) -> None:
    """As when a callflow is written while its account is deleted."""
    tenant = await tenant_with(api, "Tenant", NUMBER)
    store = api.gateway.services.store
    (left,) = await rows(store, INDEX)
    (await api.delete(f"/v2/accounts/{tenant}")).expect(200)
    key = Key(SYSTEM, "number_owner", left.position.doc_id)
    put = Put(key, left.document, None, entries=[Entry("number", NUMBER)])
    await store.commit(Batch(puts=[put]))
    await make(api, "callflows", numbers=[NUMBER])
    (await log_in(api, NUMBER)).expect(201)
