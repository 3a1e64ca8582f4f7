"""Tokens on requests: where they are found, what they tell, how they are renewed and die."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import orjson
import pytest

from crossbar.identity.tokens import Tokens
from crossbar.storage import SYSTEM, Span
from tests.conftest import PASSWORD, Api, credentials
from tests.families.support import ANN, BOB, make, set_private_of_user


def claims_of(token: str) -> dict[str, Any]:
    """What a browser reads in a token."""
    payload = token.split(".")[1]
    claims: dict[str, Any] = orjson.loads(
        base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    )
    return claims


async def test_a_token_is_found_wherever_clients_put_it(api: Api) -> None:
    token, path = api.token, f"{api.account}/users"
    bearer = {"Authorization": f"Bearer {token}"}
    (await api.get(path, token="", headers=bearer)).expect(200)
    (await api.get(f"{path}?auth_token={token}", token="")).expect(200)
    (await api.get(f"{path}?authorization={token}", token="")).expect(200)
    (await api.get(path, token="", auth_token=token)).expect(200)
    (await api.get(path, data={"auth_token": token}, token="")).expect(200)
    answer = (await api.get(path)).expect(200)
    assert answer.body["auth_token"] == token


@pytest.mark.parametrize("wrong", ["undefined", "x", "a.b.c", "é"])
async def test_a_wrong_token_is_none(api: Api, wrong: str) -> None:
    answer = (await api.get(f"{api.account}?auth_token={wrong}", token="")).expect(401)
    assert answer.data == {"message": "invalid credentials"}
    (await api.get(f"/v2/schemas?auth_token={wrong}", token="")).expect(200)


async def test_the_header_wins(api: Api) -> None:
    (await api.get(f"{api.account}?auth_token=x")).expect(200)
    (await api.get(f"{api.account}?auth_token={api.token}", token="undefined")).expect(401)


async def test_a_token_is_a_jwt_that_browsers_can_read(api: Api) -> None:
    assert api.token.count(".") == 2
    header = orjson.loads(base64.urlsafe_b64decode(api.token.split(".")[0] + "=="))
    assert header["typ"] == "JWT"
    claims = claims_of(api.token)
    assert claims["account_id"] == api.master.account_id
    assert claims["owner_id"] == api.master.user_id
    assert claims["method"] == "cb_user_auth"
    assert claims["iss"] == "kazoo"
    assert claims["exp"] == api.clock.unix() + 3600


async def test_an_expired_token_is_refused_even_on_public_paths(api: Api) -> None:
    (await api.get(api.account)).expect(200)
    api.clock.advance(3600)
    for path in (api.account, "/v2/schemas", f"/v2/auth/tokeninfo?token={api.token}"):
        answer = (await api.get(path)).expect(401)
        assert answer.body["message"] == "invalid credentials"
        assert answer.data == {}
    api.token = ""
    await api.login("admin", PASSWORD, "Master")


async def test_the_account_header_must_name_the_tokens_account(api: Api) -> None:
    own = {"X-Auth-Account-ID": api.master.account_id}
    (await api.get(api.account, headers=own)).expect(200)
    other = {"X-Auth-Account-ID": "0" * 32}
    (await api.get(api.account, headers=other)).expect(401)
    (await api.get("/v2/schemas", headers=other)).expect(200)


async def test_a_logout_holds_at_once_and_for_one_token_only(api: Api) -> None:
    other = await api.login("admin", PASSWORD, "Master")
    answer = (await api.delete("/v2/token_auth")).expect(200)
    assert "data" not in answer.body
    (await api.get(api.account)).expect(401)
    api.gateway.identity.callers.forget()
    (await api.get(api.account)).expect(401)
    (await api.get(api.account, token=other)).expect(200)


async def test_logouts_at_once_are_one_logout(api: Api) -> None:
    answers = await asyncio.gather(*(api.delete("/v2/token_auth") for _ in range(5)))
    assert {answer.status for answer in answers} <= {200, 401}
    caller = await api.gateway.identity.read_token(await api.login("admin", PASSWORD, "Master"))
    await api.gateway.identity.revoke_token(caller)
    await api.gateway.identity.revoke_token(caller)


async def test_revocations_of_expired_tokens_are_forgotten(api: Api) -> None:
    for _ in range(12):
        token = await api.login("admin", PASSWORD, "Master")
        (await api.delete("/v2/token_auth", token=token)).expect(200)
    assert len(await revocations(api)) == 12
    api.clock.advance(4000)
    api.token = ""
    for left in (3, 2):
        token = await api.login("admin", PASSWORD, "Master")
        (await api.delete("/v2/token_auth", token=token)).expect(200)
        assert len(await revocations(api)) == left


async def revocations(api: Api) -> list[Any]:
    span = Span(account_id=SYSTEM, doc_type="revoked_token")
    return [row async for row in api.gateway.services.store.scan(span)]


async def test_a_refresh_gives_a_new_hour_and_keeps_the_identity(api: Api) -> None:
    api.clock.advance(1800)
    answer = (await api.put("/v2/auth", {}, action="refresh_token")).expect(201)
    token = answer.body["auth_token"]
    assert token != api.token
    assert answer.data["owner_id"] == api.master.user_id
    assert claims_of(token)["method"] == "cb_auth"
    assert claims_of(token)["exp"] == api.clock.unix() + 3600
    api.clock.advance(2000)
    (await api.get(api.account)).expect(401)
    (await api.get(api.account, token=token)).expect(200)


async def test_a_dead_token_cannot_be_refreshed_even_where_it_is_remembered(api: Api) -> None:
    await make(api, "users", **ANN)
    token = await api.login("ann", "s3cret", "Master")
    owner_id = claims_of(token)["owner_id"]
    identity = api.gateway.identity
    caller = await identity.read_token(token)
    await set_private_of_user(api, owner_id, pvt_signature_secret="changed")
    identity.callers.remember(token, caller, 2e9, (), noticed=identity.callers.noticed)
    (await api.get(api.account, token=token)).expect(200)
    (await api.put("/v2/auth", {}, action="refresh_token", token=token)).expect(401)


async def test_an_unknown_action_is_forbidden_or_asked_for(api: Api) -> None:
    (await api.put("/v2/auth", {})).expect(403)
    (await api.put("/v2/auth", {}, action="refresh_token", token="")).expect(401)
    user = f"{api.account}/users/{api.master.user_id}"
    for path in (f"{api.account}/auth", f"{user}/auth", f"{user}/user_auth"):
        answer = (await api.put(path, {}, action="nonsense")).expect(404)
        assert answer.data["message"] == "action required"


async def test_a_token_is_described_to_its_owner(api: Api) -> None:
    described = (await api.get("/v2/token_auth")).expect(200).data
    assert described["account_name"] == "Master"
    assert described["method"] == "cb_user_auth"
    assert described["exp"] == claims_of(api.token)["exp"]
    assert "identity_sig" not in described
    for path in (f"/v2/user_auth/{api.token}", f"{api.account}/user_auth/{api.token}"):
        own = (await api.get(path)).expect(200).data
        assert own == {**described, "id": api.token}
    other = await api.login("admin", PASSWORD, "Master")
    (await api.get(f"/v2/user_auth/{other}")).expect(401)
    (await api.get(f"/v2/user_auth/{other}", token="")).expect(401)


async def test_token_info_is_public_and_tells_whose_token_it_is(api: Api) -> None:
    token = api.token
    for answer in (
        await api.get(f"/v2/auth/tokeninfo?token={token}", token=""),
        await api.post("/v2/auth/tokeninfo", {"token": token}, token=""),
    ):
        data = answer.expect(200).data
        assert data["account_id"] == api.master.account_id
        assert data["owner_id"] == api.master.user_id
        assert data["account_name"] == "Master"
    missing = (await api.get("/v2/auth/tokeninfo")).expect(404)
    assert missing.body["message"] == "missing token in params"
    missing = (await api.post("/v2/auth/tokeninfo", {"token": 5})).expect(404)
    assert missing.body["message"] == "missing token in request"
    (await api.get("/v2/auth/tokeninfo?token=x")).expect(401)


async def test_an_accounts_tokens_die_with_its_signature_secret(api: Api) -> None:
    await make(api, "users", **ANN)
    await make(api, "users", **BOB, priv_level="admin")
    ann, bob = [
        await api.login(name, password, "Master")
        for name, password in (("ann", "s3cret"), ("bob", "hunter22"))
    ]
    tenant = await api.create_account("Tenant")
    (await api.put(f"/v2/accounts/{tenant}/users", ANN)).expect(201)
    user = await api.login("ann", "s3cret", "Tenant")
    path = f"/v2/accounts/{tenant}/auth"
    reset = {"action": "reset_signature_secret"}
    (await api.put(path, {}, token=user, **reset)).expect(403)
    (await api.put(path, {}, token=bob, **reset)).expect(201)
    (await api.get(f"/v2/accounts/{tenant}", token=user)).expect(401)
    (await api.get(api.account, token=ann)).expect(200)
    fresh = await api.login("ann", "s3cret", "Tenant")
    (await api.get(f"/v2/accounts/{tenant}", token=fresh)).expect(200)


async def test_every_token_dies_with_the_signature_secret_of_the_system(api: Api) -> None:
    tenant = await api.create_account("Tenant")
    base = f"/v2/accounts/{tenant}"
    (await api.put(f"{base}/users", ANN)).expect(201)
    sent = {**credentials("ann", "s3cret", "Tenant"), "refresh": True}
    login = (await api.put("/v2/user_auth", sent, token="")).expect(201)
    ann, renewal = login.body["auth_token"], {"refresh_token": login.data["refresh_token"]}
    reset = {"action": "reset_signature_secret"}
    (await api.get(base, token=ann)).expect(200)
    (await api.put("/v2/auth", {}, token=ann, **reset)).expect(403)
    (await api.put("/v2/auth", {}, token="", **reset)).expect(401)
    (await api.put("/v2/auth", renewal, token=ann, **reset)).expect(403)
    (await api.get(base, token=ann)).expect(200)
    assert (await api.put("/v2/auth", {}, **reset)).expect(201).data == {}
    for token, path in ((ann, base), (api.token, api.account)):
        (await api.get(path, token=token)).expect(401)
    (await api.put("/v2/auth", renewal, token="", action="refresh_token")).expect(401)
    fresh = await api.login("ann", "s3cret", "Tenant")
    (await api.get(base, token=fresh)).expect(200)
    (await api.put("/v2/auth", {}, action="refresh_token", token=fresh)).expect(201)


async def test_a_users_tokens_die_with_its_signature_secret(api: Api) -> None:
    tenant = await api.create_account("Tenant")
    base = f"/v2/accounts/{tenant}/users"
    ann = (await api.put(base, ANN)).expect(201).data["id"]
    (await api.put(base, BOB)).expect(201)
    first, second = [await api.login("ann", "s3cret", "Tenant") for _ in range(2)]
    bob = await api.login("bob", "hunter22", "Tenant")
    reset = {"action": "reset_signature_secret"}
    (await api.put(f"{base}/{ann}/auth", {}, token=bob, **reset)).expect(403)
    (await api.put(f"{base}/{ann}/auth", {}, token=first, **reset)).expect(201)
    for token in (first, second):
        (await api.get(base, token=token)).expect(401)
    (await api.get(base, token=bob)).expect(200)
    gone = await api.put(f"{base}/{'0' * 32}/auth", {}, **reset)
    gone.expect(404)


async def test_operators_impersonate_users_of_other_accounts_and_leave_a_trail(api: Api) -> None:
    tenant = await api.create_account("Tenant")
    base = f"/v2/accounts/{tenant}/users"
    ann = (await api.put(base, ANN)).expect(201).data["id"]
    answer = (await api.put(f"{base}/{ann}/user_auth", {}, action="impersonate_user")).expect(201)
    token = answer.body["auth_token"]
    assert answer.data["owner_id"] == ann
    (await api.get(f"/v2/accounts/{tenant}", token=token)).expect(200)
    (await api.get(api.account, token=token)).expect(403)
    refreshed = await api.put("/v2/auth", {}, action="refresh_token", token=token)
    for each in (token, refreshed.expect(201).body["auth_token"]):
        assert claims_of(each)["original_account_id"] == api.master.account_id
        assert claims_of(each)["original_owner_id"] == api.master.user_id


async def test_impersonation_is_for_admin_users_of_the_master_account_only(api: Api) -> None:
    tenant = await api.create_account("Tenant")
    base = f"/v2/accounts/{tenant}/users"
    ann = (await api.put(base, ANN)).expect(201).data["id"]
    await make(api, "users", **BOB)
    plain = await api.login("bob", "hunter22", "Master")
    path, action = f"{base}/{ann}/user_auth", "impersonate_user"
    key = await api.account_token(api.master.account_id)
    own = await api.login("ann", "s3cret", "Tenant")
    for token in (plain, key, own):
        (await api.put(path, {}, action=action, token=token)).expect(403)
    same = f"{api.account}/users/{api.master.user_id}/user_auth"
    (await api.put(same, {}, action=action)).expect(403)
    (await api.patch(f"{base}/{ann}", {"enabled": False})).expect(200)
    (await api.put(path, {}, action=action)).expect(403)
    (await api.patch(f"/v2/accounts/{tenant}", {"enabled": False})).expect(200)
    refused = (await api.put(path, {}, action=action)).expect(400)
    assert "disabled" in refused.data["account"]


async def test_a_token_dies_with_its_user_or_its_account(api: Api) -> None:
    tenant = await api.create_account("Tenant")
    base = f"/v2/accounts/{tenant}/users"
    ann = (await api.put(base, ANN)).expect(201).data["id"]
    token = await api.login("ann", "s3cret", "Tenant")
    key = await api.account_token(tenant)
    (await api.delete(f"{base}/{ann}")).expect(200)
    (await api.get("/v2/token_auth", token=token)).expect(401)
    (await api.get("/v2/token_auth", token=key)).expect(200)
    (await api.delete(f"/v2/accounts/{tenant}")).expect(200)
    (await api.get("/v2/token_auth", token=key)).expect(401)


async def test_a_user_without_a_privilege_level_is_no_admin(api: Api) -> None:
    user_id = await make(api, "users", **ANN)
    await set_private_of_user(api, user_id, priv_level=None)
    user = await api.gateway.services.store.get_many(api.master.account_id, [user_id])
    assert user[user_id]["priv_level"] is None
    token = await api.login("ann", "s3cret", "Master")
    (await api.put(f"{api.account}/api_key", {}, token=token)).expect(403)


async def test_a_genuine_token_of_nobody_is_refused(api: Api) -> None:
    identity = api.gateway.identity
    tokens: Tokens = identity.bearers.tokens
    for account_id in (None, "0" * 32):
        token = tokens.issue({"account_id": account_id, "method": "cb_user_auth"})
        (await api.get("/v2/token_auth", token=token)).expect(401)


async def test_the_alias_account_is_the_tokens_account(api: Api) -> None:
    assert (await api.get("/v2/account")).expect(200).data["id"] == api.master.account_id
    (await api.get("/v2/account/users", token="")).expect(401)
    sent = credentials("admin", PASSWORD, "Master")
    assert (await api.put("/v2/user_auth", sent)).data["account_id"] == api.master.account_id
