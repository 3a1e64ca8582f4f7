"""Token restrictions as a document, and that they hold at once."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Api
from tests.families.support import refusal

READ_USERS = {"cb_api_auth": {"_": {"users": [{"rules": {"#": ["GET"]}}]}}}


@pytest.fixture
async def tenant(api: Api) -> tuple[str, str]:
    """Path and token of an account that can be restricted; the master account cannot."""
    account_id = await api.create_account("Tenant")
    return f"/v2/accounts/{account_id}", await api.account_token(account_id)


async def test_restrictions_are_written_read_and_removed_for_good(
    api: Api, tenant: tuple[str, str]
) -> None:
    path = f"{tenant[0]}/token_restrictions"
    assert (await api.get(path)).expect(404).data["cause"] == "token_restrictions"
    (await api.delete(path)).expect(404)
    created = (await api.post(path, {"restrictions": READ_USERS})).expect(200)
    assert created.data == {"id": "token_restrictions", "restrictions": READ_USERS}
    assert (await api.get(path)).data == created.data
    assert (await api.post(path, {})).expect(200).data == {"id": "token_restrictions"}
    gone = (await api.delete(path)).expect(200)
    assert gone.data["_read_only"] == {"deleted": True}
    (await api.get(path)).expect(404)
    for method in ("PUT", "PATCH"):
        (await api.request(method, path, {})).expect(405)


async def test_restrictions_hold_and_fall_at_once(api: Api, tenant: tuple[str, str]) -> None:
    path, token = tenant
    (await api.get(f"{path}/devices", token=token)).expect(200)
    (await api.post(f"{path}/token_restrictions", {"restrictions": READ_USERS})).expect(200)
    refused = (await api.get(f"{path}/devices", token=token)).expect(403)
    assert refused.body["message"] == "forbidden"
    assert refused.data == {
        "message": "forbidden",
        "cause": "access denied by token restrictions",
    }
    (await api.get(f"{path}/users", token=token)).expect(200)
    (await api.put(f"{path}/users", {}, token=token)).expect(403)
    (await api.delete(f"{path}/token_restrictions", token=token)).expect(403)
    (await api.get(f"{path}/devices")).expect(200)
    (await api.delete(f"{path}/token_restrictions")).expect(200)
    (await api.get(f"{path}/devices", token=token)).expect(200)


async def test_the_master_account_is_never_restricted(api: Api) -> None:
    nothing: dict[str, Any] = {"restrictions": {"_": {"_": {}}}}
    (await api.post(f"{api.account}/token_restrictions", nothing)).expect(200)
    (await api.get(f"{api.account}/users")).expect(200)


@pytest.mark.parametrize("value", [5, None, "GET", {"GET": True}])
async def test_a_rule_under_a_key_that_no_schema_knows_allows_nothing(
    api: Api, tenant: tuple[str, str], value: Any
) -> None:
    path, token = tenant
    odd = {"_": {"_": {"users": [{"rules": {"a-b": value}}]}}}
    (await api.post(f"{path}/token_restrictions", {"restrictions": odd})).expect(200)
    (await api.get(f"{path}/users/a-b", token=token)).expect(403)


async def test_restrictions_without_form_are_refused(api: Api) -> None:
    path = f"{api.account}/token_restrictions"
    wrong = {"_": {"_": {"users": [{"rules": {"#": ["FETCH"]}}]}}}
    refusal(
        await api.post(path, {"restrictions": wrong}), "restrictions._._.users.0.rules.#.0", "enum"
    )


async def test_a_refreshed_token_and_descendants_are_restricted_by_the_tokens_account(
    api: Api, tenant: tuple[str, str]
) -> None:
    path, token = tenant
    own = {"allowed_accounts": ["{AUTH_ACCOUNT_ID}"], "rules": {"#": ["_"]}}
    below = {"allowed_accounts": ["{DESCENDANT_ACCOUNT_ID}"], "rules": {"/": ["GET"]}}
    created = (await api.put(path, {"name": "Child"}, token=token)).expect(201)
    child = f"/v2/accounts/{created.data['id']}"
    rules = {"_": {"_": {"users": [own, below]}}}
    (await api.post(f"{path}/token_restrictions", {"restrictions": rules})).expect(200)
    user = {"first_name": "A", "last_name": "B"}
    (await api.put(f"{path}/users", user, token=token)).expect(201)
    (await api.get(f"{child}/users", token=token)).expect(200)
    (await api.put(f"{child}/users", user, token=token)).expect(403)
