"""Second factors: their providers as documents, and logins that need one."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import orjson
import pytest

from crossbar.families.logins.second_factor import PROVIDER_TYPE, SEALED, opened
from crossbar.storage import Batch, Key, Put
from tests.conftest import Answer, Api, credentials
from tests.families.support import ANN, refusal, set_private

SETTINGS = {
    "integration_key": "DI" + "X" * 18,
    "secret_key": "s" * 40,
    "application_secret_key": "a" * 40,
    "api_hostname": "api.duo.example.com",
}
PROVIDER = {"enabled": True, "name": "Ours", "provider_name": "duo", "settings": SETTINGS}

UNUSABLE = {"message": "the second factor that the account asks for is not available"}


@pytest.fixture
async def tenant(api: Api) -> str:
    """Path of an account with the user Ann."""
    path = f"/v2/accounts/{await api.create_account('Tenant')}"
    (await api.put(f"{path}/users", ANN)).expect(201)
    return path


async def provide(api: Api, path: str, **changed: Any) -> str:
    created = await api.put(f"{path}/multi_factor", {**PROVIDER, **changed})
    doc_id: str = created.expect(201).data["id"]
    return doc_id


async def demand(
    api: Api, path: str, provider: str = "", method: str = "cb_user_auth", **more: Any
) -> None:
    factor = {"enabled": True, **more}
    if provider:
        factor = {"configuration_id": provider, "account_id": path.rpartition("/")[2], **factor}
    sent = {"auth_modules": {method: {"multi_factor": factor}}}
    (await api.post(f"{path}/security", sent)).expect(200)


async def log_in(api: Api, response: Any = None, name: str = "Tenant") -> Answer:
    sent: dict[str, Any] = credentials("ann", "s3cret", name)
    if response is not None:
        sent["multi_factor_response"] = response
    return await api.put("/v2/user_auth", sent, token="")


async def challenge(api: Api) -> str:
    """What a login is answered that lacks its second factor: the signed request."""
    answer = (await log_in(api)).expect(401)
    assert answer.body["message"] == "invalid_credentials"
    assert "auth_token" not in answer.body
    asked = answer.data["multi_factor_request"]
    assert asked["provider_name"] == "duo"
    assert asked["settings"]["duo_api_hostname"] == SETTINGS["api_hostname"]
    request: str = asked["settings"]["duo_sig_request"]
    return request


def confirmed(request: str, until: int | None = None, **changed: str) -> str:
    """What Duo makes of a request: it signs the user that it has seen, and returns our part."""
    for_duo, ours = request.split(":")
    prefix, facts, signature = for_duo.split("|")
    assert (prefix, signature) == ("TX", sign(SETTINGS["secret_key"], f"TX|{facts}"))
    user, integration, expires = base64.b64decode(facts).decode().split("|")
    seen = [changed.get("user", user), changed.get("integration", integration)]
    answer = base64.b64encode("|".join([*seen, str(until or expires)]).encode()).decode()
    text = f"{changed.get('prefix', 'AUTH')}|{answer}"
    return f"{text}|{sign(changed.get('key', SETTINGS['secret_key']), text)}:{ours}"


def sign(key: str, text: str) -> str:
    return hmac.new(key.encode(), text.encode(), hashlib.sha1).hexdigest()


async def test_providers_are_documents_of_accounts_and_of_the_system(
    api: Api, tenant: str
) -> None:
    own, systems = await provide(api, tenant), await provide(api, "/v2", name="System")
    listed = (await api.get(f"{tenant}/multi_factor")).expect(200).data
    row = {
        "enabled": True,
        "name": "Ours",
        "provider_name": "duo",
        "provider_type": "multi_factor",
    }
    assert listed == {
        "configured": [{**row, "id": own}],
        "multi_factor_providers": [{**row, "id": systems, "name": "System"}],
    }
    shown = (await api.get(f"{tenant}/multi_factor/{own}")).data["settings"]
    assert shown == {name: SETTINGS[name] for name in ("integration_key", "api_hostname")}
    patched = await api.patch(f"{tenant}/multi_factor/{own}", {"enabled": False})
    assert patched.expect(200).data["enabled"] is False
    (await api.get(f"{tenant}/multi_factor/{systems}")).expect(404)
    (await api.delete(f"{tenant}/multi_factor/{own}")).expect(200)
    (await api.get(f"{tenant}/multi_factor/{own}")).expect(404)
    refusal(await api.put(f"{tenant}/multi_factor", {}), "provider_name", "required")


async def test_providers_of_the_system_are_the_operators(api: Api, tenant: str) -> None:
    systems = await provide(api, "/v2")
    token = await api.account_token(tenant.rpartition("/")[2])
    (listed,) = (await api.get("/v2/multi_factor", token=token)).expect(200).data
    assert "settings" not in listed
    whole = await api.get("/v2/multi_factor?full_docs=true", token=token)
    assert whole.expect(200).data == [listed]
    for name in ("secret_key", "integration_key"):
        filters = f"filter_settings.{name}={SETTINGS[name]}"
        assert (await api.get(f"/v2/multi_factor?{filters}", token=token)).data == []
        assert (await api.get(f"/v2/multi_factor?has_key=settings.{name}", token=token)).data == []
    (await api.get(f"/v2/multi_factor/{systems}", token=token)).expect(403)
    (await api.put("/v2/multi_factor", PROVIDER, token=token)).expect(403)
    (await api.post(f"/v2/multi_factor/{systems}", PROVIDER)).expect(200)
    (await api.delete(f"/v2/multi_factor/{systems}")).expect(403)


async def test_providers_are_listed_as_documents_are(api: Api, tenant: str) -> None:
    systems = sorted([await provide(api, "/v2") for _ in range(3)], reverse=True)
    first = (await api.get("/v2/multi_factor?page_size=2")).expect(200)
    assert [row["id"] for row in first.data] == systems[:2]
    key = first.body["next_start_key"]
    second = await api.get(f"/v2/multi_factor?page_size=2&start_key={key}")
    assert [row["id"] for row in second.expect(200).data] == systems[2:]
    assert (await api.get("/v2/multi_factor?filter_name=Others")).expect(200).data == []
    both = (await api.get(f"{tenant}/multi_factor?ascending=true")).expect(200).data
    assert [row["id"] for row in both["multi_factor_providers"]] == systems[::-1]


async def test_a_login_is_confirmed_by_a_second_factor(api: Api, tenant: str) -> None:
    await demand(api, tenant, await provide(api, tenant))
    request = await challenge(api)
    granted = (await log_in(api, confirmed(request))).expect(201)
    token = granted.body["auth_token"]
    facts = (await api.get("/v2/token_auth", token=token)).expect(200).data
    assert facts["mfa_resp"] == {"provider_name": "duo", "status": "success"}
    refreshed = await api.put("/v2/auth", {}, token=token, action="refresh_token")
    again = await api.get("/v2/token_auth", token=refreshed.expect(201).body["auth_token"])
    assert again.data["mfa_resp"] == facts["mfa_resp"]
    (attempt,) = (await api.get(f"{tenant}/multi_factor/attempts")).expect(200).data
    assert (attempt["auth_type"], attempt["status"]) == ("multi_factor", "failed")
    path = f"{tenant}/multi_factor/attempts/{attempt['id']}"
    assert (await api.get(path)).expect(200).data["metadata"]["owner_id"] == facts["owner_id"]


async def test_secrets_are_stored_sealed_and_stay_until_others_are_sent(
    api: Api, tenant: str
) -> None:
    own = await provide(api, tenant)
    path = f"{tenant}/multi_factor/{own}"
    place = Key(tenant.rpartition("/")[2], PROVIDER_TYPE, own)
    await demand(api, tenant, own)
    shown = (await api.get(path)).expect(200).data
    for verb in (api.post, api.patch):
        answer = (await verb(path, shown)).expect(200)
        kept = await api.gateway.services.store.get(place)
        for name in ("secret_key", "application_secret_key"):
            assert SETTINGS[name].encode() not in answer.content + orjson.dumps(kept)
    (await log_in(api, confirmed(await challenge(api)))).expect(201)
    other = {"settings": {"secret_key": "z" * 40}}
    (await api.patch(path, other)).expect(200)
    with pytest.raises(AssertionError):
        confirmed(await challenge(api))
    (await api.patch(path, {"settings": None})).expect(200)
    emptied = await api.gateway.services.store.get(place)
    assert emptied is not None
    assert emptied[SEALED] == {}
    assert (await log_in(api)).expect(401).data == UNUSABLE


async def test_secrets_deeper_in_the_settings_are_sealed_too(api: Api, tenant: str) -> None:
    settings = {
        "clientSecret": "s3cret-0",
        "emptied": {"secret": "s3cret-1"},
        "server": {"host": "h", "secret_key": "s3cret-2", "deeper": {"a_secret": "s3cret-3"}},
        "keys": [["id"], [{"id": 1, "of": {"secret": "s3cret-4"}}]],
        "plain": [{"id": 1}],
    }
    own = await provide(api, tenant, settings=settings)
    path, place = f"{tenant}/multi_factor/{own}", Key(tenant[-32:], PROVIDER_TYPE, own)

    async def whole() -> Any:
        stored = await api.gateway.services.store.get(place)
        assert stored is not None
        assert b"s3cret" not in orjson.dumps(stored)
        return opened(api.gateway.services.credentials.unseal, stored)

    shown = (await api.get(path)).expect(200)
    assert shown.data["settings"] == {
        "emptied": {},
        "server": {"host": "h", "deeper": {}},
        "plain": [{"id": 1}],
    }
    assert await whole() == settings
    for verb, sent in ((api.post, shown.data), (api.patch, {"name": "Other"})):
        assert b"s3cret" not in (await verb(path, sent)).expect(200).content
        assert await whole() == settings
    server = {"deeper": None, "secret_key": "s3cret-5"}
    changes: dict[str, Any] = {"server": server, "keys": [], "emptied": None}
    (await api.patch(path, {"settings": changes})).expect(200)
    assert await whole() == {
        "clientSecret": "s3cret-0",
        "server": {"host": "h", "secret_key": "s3cret-5"},
        "keys": [],
        "plain": [{"id": 1}],
    }


async def test_what_was_sealed_by_a_lost_secret_cannot_be_used(api: Api, tenant: str) -> None:
    own = await provide(api, tenant)
    await demand(api, tenant, own)
    lost = dict.fromkeys(("secret_key", "application_secret_key"), "of another server")
    store, place = api.gateway.services.store, Key(tenant.rpartition("/")[2], PROVIDER_TYPE, own)
    kept = await store.get(place)
    assert kept is not None
    await store.commit(Batch(puts=(Put(place, {**kept, SEALED: lost}, kept["_rev"]),)))
    assert (await log_in(api)).expect(401).data == UNUSABLE


async def test_what_is_no_confirmation_is_refused(api: Api, tenant: str) -> None:
    await demand(api, tenant, await provide(api, tenant))
    request = await challenge(api)
    good = confirmed(request)
    wrong: list[Any] = [
        "",
        ":",
        "x:y",
        5,
        [],
        {},
        "x" * 5000,
        request,
        good.partition(":")[0],
        good.replace("AUTH|", "APP|"),
        good[:-1] + ("0" if good[-1] != "0" else "1"),
        confirmed(request, user="0" * 32),
        confirmed(request, integration="DI" + "Y" * 18),
        confirmed(request, key="k" * 40),
        confirmed(request, prefix="TX"),
        confirmed(request, until=api.clock.unix()),
        confirmed(request, user="ü|x"),
    ]
    for response in wrong:
        answer = (await log_in(api, response)).expect(401)
        assert answer.data == {"message": "invalid credentials"}, response
    (await log_in(api, good)).expect(201)


async def test_a_confirmation_needs_right_credentials_and_is_of_one_user(
    api: Api, tenant: str
) -> None:
    await demand(api, tenant, await provide(api, tenant))
    good = confirmed(await challenge(api))
    bob = {**ANN, "username": "bob"}
    (await api.put(f"{tenant}/users", bob)).expect(201)
    sent = {**credentials("bob", "s3cret", "Tenant"), "multi_factor_response": good}
    (await api.put("/v2/user_auth", sent, token="")).expect(401)
    sent = {**credentials("ann", "wrong", "Tenant"), "multi_factor_response": good}
    refused = (await api.put("/v2/user_auth", sent, token="")).expect(401)
    assert "multi_factor_request" not in refused.data
    api.clock.advance(300)
    (await log_in(api, good)).expect(401)


@pytest.mark.parametrize(
    "changed",
    [
        {"enabled": False},
        {"provider_name": "other"},
        {"settings": {}},
        {"settings": {**SETTINGS, "secret_key": "short"}},
        {"settings": {**SETTINGS, "integration_key": "D|" + "X" * 18}},
        {"settings": {**SETTINGS, "application_secret_key": "ü" * 40}},
        {"settings": {**SETTINGS, "api_hostname": 5}},
        None,
    ],
)
async def test_nobody_comes_in_while_the_provider_is_not_usable(
    api: Api, tenant: str, changed: dict[str, Any] | None
) -> None:
    provider = await provide(api, tenant)
    await demand(api, tenant, provider)
    good = confirmed(await challenge(api))
    path = f"{tenant}/multi_factor/{provider}"
    if changed is None:
        (await api.delete(path)).expect(200)
    else:
        (await api.post(path, {**PROVIDER, **changed})).expect(200)
    for response in (None, good):
        answer = (await log_in(api, response)).expect(401)
        assert "second factor" in answer.data["message"]
        assert "multi_factor_request" not in answer.data


async def test_without_a_provider_of_ones_own_it_is_the_systems(api: Api, tenant: str) -> None:
    await demand(api, tenant)
    (await log_in(api)).expect(401)
    await provide(api, "/v2", enabled=False)
    assert "multi_factor_request" not in (await log_in(api)).expect(401).data
    lifetimes = {"duo_expire": 60, "app_expire": "long"}
    await provide(api, "/v2", settings={**SETTINGS, **lifetimes})
    good = confirmed(await challenge(api))
    (await log_in(api, good)).expect(201)
    api.clock.advance(60)
    (await log_in(api, good)).expect(401)


async def test_an_account_may_ask_for_a_second_factor_in_those_below(
    api: Api, tenant: str
) -> None:
    child = f"/v2/accounts/{await api.create_account('Child', tenant.rpartition('/')[2])}"
    (await api.put(f"{child}/users", ANN)).expect(201)
    provider = await provide(api, tenant)
    await demand(api, tenant, provider)
    (await log_in(api, name="Child")).expect(201)
    await demand(api, tenant, provider, include_subaccounts=True)
    answer = (await log_in(api, name="Child")).expect(401)
    request = answer.data["multi_factor_request"]["settings"]["duo_sig_request"]
    (await log_in(api, confirmed(request), name="Child")).expect(201)
    shown = (await api.get(f"{child}/security")).data["inherited_config"]["auth_modules"]
    assert shown["cb_user_auth"]["multi_factor"]["_read_only"] == {
        "name": "Ours",
        "provider_name": "duo",
    }
    await demand(api, child)
    own = (await api.get(f"{child}/security")).data["account"]["auth_modules"]
    assert own["cb_user_auth"]["multi_factor"]["_read_only"] == {
        "name": "Default System Provider",
        "provider_name": "duo",
    }
    (await log_in(api, name="Child")).expect(401)


async def test_a_provider_of_an_account_that_is_no_longer_above_is_none(
    api: Api, tenant: str
) -> None:
    child_id = await api.create_account("Child", tenant.rpartition("/")[2])
    child = f"/v2/accounts/{child_id}"
    (await api.put(f"{child}/users", ANN)).expect(201)
    provider = await provide(api, tenant)
    factor = {"configuration_id": provider, "account_id": tenant.rpartition("/")[2]}
    await demand(api, child, **factor, include_subaccounts=True)
    (await log_in(api, name="Child")).expect(401)
    (await api.post(f"{child}/move", {"to": api.master.account_id})).expect(200)
    answer = (await log_in(api, name="Child")).expect(401)
    assert "multi_factor_request" not in answer.data


async def test_basic_authentication_is_no_way_around_it(api: Api, tenant: str) -> None:
    account_id = tenant.rpartition("/")[2]
    (await api.patch(tenant, {"password": "of the account"})).expect(200)

    async def basic(secret: str) -> int:
        api.clock.advance(60)
        encoded = base64.b64encode(f"{account_id}:{secret}".encode()).decode()
        headers = {"Authorization": f"Basic {encoded}"}
        return (await api.get(f"{tenant}/users", token="", headers=headers)).status

    secrets = ("ann:s3cret", "of the account")
    assert [await basic(secret) for secret in secrets] == [200, 200]
    await demand(api, tenant, await provide(api, tenant))
    assert [await basic(secret) for secret in secrets] == [401, 200]
    closed = {"auth_modules": {"cb_api_auth": {"enabled": False}}}
    (await api.post(f"{tenant}/security", closed)).expect(200)
    assert [await basic(secret) for secret in secrets] == [200, 401]


async def test_api_keys_are_confirmed_too_where_that_is_asked(api: Api, tenant: str) -> None:
    key = {"api_key": (await api.get(f"{tenant}/api_key")).data["api_key"]}
    await demand(api, tenant, await provide(api, tenant), "cb_api_auth")
    answer = (await api.put("/v2/api_auth", key, token="")).expect(401)
    request = answer.data["multi_factor_request"]["settings"]["duo_sig_request"]
    sent = {**key, "multi_factor_response": confirmed(request)}
    (await api.put("/v2/api_auth", sent, token="")).expect(201)
    await set_private(api, tenant.rpartition("/")[2], pvt_enabled=False)
    refusal(await api.put("/v2/api_auth", sent, token=""), "account", "disabled")
