"""What was made with an API key, or by an operator, ends with it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.conftest import PASSWORD, Answer, Api, credentials
from tests.families.support import ANN, set_private

NEXT = {"action": "refresh_token"}


async def refresh(api: Api, token: str) -> Answer:
    return await api.put("/v2/auth", {}, token=token, **NEXT)


async def refresh_with(api: Api, refresh_token: str) -> Answer:
    return await api.put("/v2/auth", {**NEXT, "refresh_token": refresh_token}, token="")


async def log_in(api: Api, key: str) -> Answer:
    return await api.put("/v2/api_auth", {"api_key": key, "refresh": True}, token="")


async def renew_key(api: Api) -> str:
    key: str = (await api.put(f"{api.account}/api_key", {})).expect(201).data["api_key"]
    return key


async def test_a_new_api_key_ends_what_was_made_with_the_old_one(api: Api) -> None:
    answer = (await log_in(api, api.master.api_key)).expect(201)
    first, lasting = answer.body["auth_token"], answer.data["refresh_token"]
    second = (await refresh(api, first)).expect(201).body["auth_token"]
    for token in (first, second):
        (await api.get(api.account, token=token)).expect(200)
    key = await renew_key(api)
    for token in (first, second):
        (await api.get(api.account, token=token)).expect(401)
        (await refresh(api, token)).expect(401)
        assert (await api.get(f"/v2/auth/tokeninfo?token={token}", token="")).status == 401
    (await refresh_with(api, lasting)).expect(401)
    answer = (await log_in(api, key)).expect(201)
    (await api.get(api.account, token=answer.body["auth_token"])).expect(200)
    (await refresh_with(api, answer.data["refresh_token"])).expect(201)


async def test_a_new_api_key_leaves_users_logged_in(api: Api) -> None:
    sent = {**credentials("admin", PASSWORD, "Master"), "refresh": True}
    answer = (await api.put("/v2/user_auth", sent, token="")).expect(201)
    await renew_key(api)
    (await api.get(api.account, token=answer.body["auth_token"])).expect(200)
    (await refresh(api, answer.body["auth_token"])).expect(201)
    (await refresh_with(api, answer.data["refresh_token"])).expect(201)


async def test_tokens_of_accounts_from_before_live_until_the_key_changes(api: Api) -> None:
    await set_private(api, api.master.account_id, pvt_api_key_signature="")
    token = (await log_in(api, api.master.api_key)).expect(201).body["auth_token"]
    (await api.get(api.account, token=token)).expect(200)
    await renew_key(api)
    (await api.get(api.account, token=token)).expect(401)


async def test_no_token_is_made_with_a_named_key(api: Api) -> None:
    sent = {"name": "bot", "scopes": ["*"]}
    key = (await api.put(f"{api.account}/api_keys", sent)).expect(201).data
    secret = key["_read_only"]["key"]
    (await api.get(api.account, token=secret)).expect(200)
    (await refresh(api, secret)).expect(403)
    assert (await log_in(api, secret)).status in (400, 404)
    (await api.delete(f"{api.account}/api_keys/{key['id']}")).expect(200)
    (await api.get(api.account, token=secret)).expect(401)


@dataclass(frozen=True)
class Scene:
    """An operator with a token that acts as a tenant's user."""

    api: Api
    operator: str
    operators_account: str
    tenant: str
    token: str


@pytest.fixture
async def scene(api: Api) -> Scene:
    office = await api.create_account("Office")
    await set_private(api, office, pvt_superduper_admin=True)
    sent = ANN | {"priv_level": "admin"}
    operator = (await api.put(f"/v2/accounts/{office}/users", sent)).expect(201).data["id"]
    tenant = await api.create_account("Tenant")
    user = (await api.put(f"/v2/accounts/{tenant}/users", ANN)).expect(201).data["id"]
    own = await api.login("ann", ANN["password"], "Office")
    path = f"/v2/accounts/{tenant}/users/{user}/user_auth"
    answer = await api.put(path, {}, token=own, action="impersonate_user")
    return Scene(
        api,
        f"/v2/accounts/{office}/users/{operator}",
        f"/v2/accounts/{office}",
        f"/v2/accounts/{tenant}",
        answer.expect(201).body["auth_token"],
    )


def changing(where: str, **change: Any) -> Callable[[Scene], Awaitable[Answer]]:
    return lambda scene: scene.api.patch(getattr(scene, where), change)


async def demote(scene: Scene) -> None:
    office = scene.operators_account.rpartition("/")[2]
    await set_private(scene.api, office, pvt_superduper_admin=False)


ENDS: dict[str, Callable[[Scene], Awaitable[Any]]] = {
    "deleted": lambda scene: scene.api.delete(scene.operator),
    "disabled": changing("operator", enabled=False),
    "demoted": changing("operator", priv_level="user"),
    "another password": changing("operator", password="another"),
    "account deleted": lambda scene: scene.api.delete(scene.operators_account),
    "account disabled": changing("operators_account", enabled=False),
    "account demoted": demote,
}


@pytest.mark.parametrize("how", ENDS)
@pytest.mark.parametrize("is_known", [True, False], ids=["known", "unknown"])
async def test_an_impersonation_ends_with_its_operator(
    scene: Scene, how: str, is_known: bool
) -> None:
    token, api = scene.token, scene.api
    refreshed = (await refresh(api, token)).expect(201).body["auth_token"]
    if is_known:
        for each in (token, refreshed):
            (await api.get(scene.tenant, token=each)).expect(200)
    else:
        api.gateway.identity.callers.forget()
    await ENDS[how](scene)
    for each in (token, refreshed):
        (await refresh(api, each)).expect(401)
        (await api.get(scene.tenant, token=each)).expect(401)


async def test_an_impersonation_ends_with_the_trial_of_its_operators_account(scene: Scene) -> None:
    api, office = scene.api, scene.operators_account.rpartition("/")[2]
    await set_private(api, office, pvt_trial_expires=api.clock.gregorian() + 60)
    (await api.get(scene.tenant, token=scene.token)).expect(200)
    api.clock.advance(60)
    (await api.get(scene.tenant, token=scene.token)).expect(401)


async def test_nobody_hides_behind_who_they_act_as(scene: Scene) -> None:
    api = scene.api
    other = await api.create_account("Other")
    user = (await api.put(f"/v2/accounts/{other}/users", ANN)).expect(201).data["id"]
    path = f"/v2/accounts/{other}/users/{user}/user_auth"
    office = scene.operators_account.rpartition("/")[2]
    admin = f"{api.account}/users/{api.master.user_id}/user_auth"
    own = await api.login("ann", ANN["password"], "Office")
    as_admin = await api.put(admin, {}, token=own, action="impersonate_user")
    token = as_admin.expect(201).body["auth_token"]
    assert office != api.master.account_id
    (await api.put(path, {}, token=token, action="impersonate_user")).expect(403)
    (await api.put(path, {}, action="impersonate_user")).expect(201)
