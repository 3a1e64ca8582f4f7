"""Logging in with user_auth and api_auth: who gets in, and how alike all refusals are."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from tests.conftest import PASSWORD, Answer, Api, credentials
from tests.families.support import ANN, make, refusal, set_private
from tests.identity.support import count_verifications


def digest(method: str, text: str) -> str:
    return hashlib.new({"md5": "md5", "sha": "sha1"}[method], text.encode()).hexdigest()


async def log_in(api: Api, **sent: Any) -> Answer:
    known = credentials("admin", PASSWORD, "Master")["credentials"]
    return await api.put("/v2/user_auth", {"credentials": known, **sent}, token="")


@pytest.mark.parametrize("name", ["Master", "mAsTeR", " M.a-ster! "])
async def test_an_account_is_found_by_its_name_normalised(api: Api, name: str) -> None:
    answer = (await log_in(api, account_name=name)).expect(201)
    assert answer.data["account_id"] == api.master.account_id


@pytest.mark.parametrize("field", ["account_realm", "realm"])
async def test_an_account_is_found_by_its_realm_whatever_its_case(api: Api, field: str) -> None:
    answer = (await log_in(api, **{field: api.master.realm.upper()})).expect(201)
    assert answer.data["owner_id"] == api.master.user_id


async def test_the_realm_wins_over_the_name_unless_it_is_unknown(api: Api) -> None:
    await api.create_account("Other")
    realm = api.master.realm
    (await log_in(api, account_realm=realm, account_name="Other")).expect(201)
    (await log_in(api, account_realm="unknown.example.com", account_name="Master")).expect(201)


@pytest.mark.parametrize("method", ["md5", "sha"])
async def test_both_digests_are_accepted_and_their_case_does_not_matter(
    api: Api, method: str
) -> None:
    sent = digest(method, f"admin:{PASSWORD}").upper()
    answer = await log_in(api, credentials=sent, method=method, account_name="Master")
    answer.expect(201)


async def test_the_answer_says_who_and_where(api: Api) -> None:
    answer = (await log_in(api, account_name="Master")).expect(201)
    assert answer.data == {
        "account_id": api.master.account_id,
        "account_name": "Master",
        "owner_id": api.master.user_id,
        "language": "en-us",
        "is_reseller": True,
        "is_master_account": True,
        "reseller_id": api.master.account_id,
        "cluster_id": api.master.account_id,
        "apps": [],
        "capabilities": {"voicemail": {"transcription": {"available": False, "default": False}}},
        "ui_config": {},
    }
    assert answer.body["auth_token"].count(".") == 2
    assert answer.body["revision"] == "automatic"


async def test_the_language_is_the_users_else_the_accounts(api: Api) -> None:
    (await api.patch(api.account, {"language": "de-de"})).expect(200)
    assert (await log_in(api, account_name="Master")).data["language"] == "de-de"
    await make(api, "users", **ANN, language="fr-fr")
    sent = credentials("ann", "s3cret", "Master")
    assert (await api.put("/v2/user_auth", sent)).data["language"] == "fr-fr"


async def test_whatever_is_wrong_the_refusal_is_the_same(api: Api) -> None:
    await make(api, "users", **ANN, enabled=False)
    wrong: list[dict[str, Any]] = [
        {},
        {"account_name": "Nobody"},
        {"account_name": ".-!"},
        {"account_realm": "nobody.example.com"},
        {"phone_number": "+14155550100"},
        {"realm": 5},
        {"account_name": "Master", "credentials": "0" * 32},
        {"account_name": "Master", "credentials": "x"},
        {"account_name": "Master", "method": "sha"},
        credentials("nobody", PASSWORD, "Master"),
        credentials("admin", PASSWORD.upper(), "Master"),
        credentials("ann", "s3cret", "Master"),
    ]
    for sent in wrong:
        answer = (await log_in(api, **sent)).expect(401)
        assert answer.body["message"] == "invalid_credentials", sent
        assert answer.data == {"message": "invalid credentials"}, sent
        assert "auth_token" not in answer.body
        api.clock.advance(1000)


async def test_an_unknown_account_costs_a_verification_like_a_wrong_password(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified = count_verifications(api, monkeypatch)
    (await log_in(api, account_name="Nobody")).expect(401)
    assert verified == [None]


async def test_a_request_without_form_is_told_what_is_wrong(api: Api) -> None:
    answer = await api.put("/v2/user_auth", {"account_name": "Master"})
    refusal(answer, "credentials", "required")
    refusal(await log_in(api, method="sha1"), "method", "enum")
    too_long = await log_in(api, credentials="secret" * 20)
    refusal(too_long, "credentials", "maxLength")
    assert b"secretsecret" not in too_long.content
    (await api.get("/v2/user_auth")).expect(405)


async def test_user_names_are_compared_in_lower_case_and_passwords_are_not(api: Api) -> None:
    await make(api, "users", **ANN | {"username": "AnnLee"})
    (await log_in(api, **credentials("ANNLEE", "s3cret", "Master"))).expect(201)
    (await log_in(api, **credentials("annlee", "S3CRET", "Master"))).expect(401)


async def test_a_user_that_is_disabled_is_out_until_it_is_enabled(api: Api) -> None:
    user_id = await make(api, "users", **ANN)
    token = await api.login("ann", "s3cret", "Master")
    path = f"{api.account}/users/{user_id}"
    (await api.patch(path, {"enabled": False})).expect(200)
    (await api.get(api.account, token=token)).expect(401)
    (await log_in(api, **credentials("ann", "s3cret", "Master"))).expect(401)
    (await api.patch(path, {"enabled": True})).expect(200)
    await api.login("ann", "s3cret", "Master")
    (await api.delete(path)).expect(200)
    (await log_in(api, **credentials("ann", "s3cret", "Master"))).expect(401)


async def test_a_disabled_account_is_named_only_to_whom_knows_the_password(api: Api) -> None:
    tenant = await api.create_account("Tenant")
    (await api.put(f"/v2/accounts/{tenant}/users", ANN)).expect(201)
    key = (await api.get(f"/v2/accounts/{tenant}/api_key")).data["api_key"]
    token = await api.login("ann", "s3cret", "Tenant")
    (await api.patch(f"/v2/accounts/{tenant}", {"enabled": False})).expect(200)
    sent = credentials("ann", "s3cret", "Tenant")
    details = refusal(await api.put("/v2/user_auth", sent), "account", "disabled")
    assert details == {"message": "account disabled"}
    refusal(await api.put("/v2/api_auth", {"api_key": key}), "account", "disabled")
    (await log_in(api, account_name="Tenant", credentials="0" * 32)).expect(401)
    (await api.get(f"/v2/accounts/{tenant}", token=token)).expect(401)
    (await api.get(f"/v2/accounts/{tenant}")).expect(200)
    (await api.patch(f"/v2/accounts/{tenant}", {"enabled": True})).expect(200)
    (await api.get(f"/v2/accounts/{tenant}", token=token)).expect(200)


async def test_a_trial_ends_for_logins_and_for_tokens(api: Api) -> None:
    tenant = await api.create_account("Tenant")
    (await api.put(f"/v2/accounts/{tenant}/users", ANN)).expect(201)
    expires = api.clock.gregorian() + 60
    await set_private(api, tenant, pvt_trial_expires=expires)
    assert (await api.get(f"/v2/accounts/{tenant}")).data["trial_time_left"] == 60
    token = await api.login("ann", "s3cret", "Tenant")
    (await api.get(f"/v2/accounts/{tenant}", token=token)).expect(200)
    api.clock.advance(60)
    (await api.get(f"/v2/accounts/{tenant}", token=token)).expect(401)
    answer = await api.put("/v2/user_auth", credentials("ann", "s3cret", "Tenant"))
    details = refusal(answer, "account", "expired")
    assert details == {"message": "account expired", "cause": expires}


async def test_a_changed_password_or_name_kills_the_users_tokens_at_once(api: Api) -> None:
    user_id = await make(api, "users", **ANN)
    path = f"{api.account}/users/{user_id}"
    token = await api.login("ann", "s3cret", "Master")
    (await api.patch(path, {"password": "n3wpass"}, token=token)).expect(200)
    (await api.get(path, token=token)).expect(401)
    (await log_in(api, **credentials("ann", "s3cret", "Master"))).expect(401)
    token = await api.login("ann", "n3wpass", "Master")
    (await api.patch(path, {"username": "anna", "password": "n3wpass"}, token=token)).expect(200)
    (await api.get(path, token=token)).expect(401)
    (await api.get(path)).expect(200)


async def test_an_api_key_logs_an_account_in_without_a_user(api: Api) -> None:
    answer = (await api.put("/v2/api_auth", {"api_key": api.master.api_key}, token="")).expect(201)
    assert answer.data["account_id"] == api.master.account_id
    assert "owner_id" not in answer.data
    (await api.get(api.account, token=answer.body["auth_token"])).expect(200)


async def test_an_unknown_api_key_is_not_found_and_not_repeated(api: Api) -> None:
    answer = (await api.put("/v2/api_auth", {"api_key": "f" * 64}, token="")).expect(404)
    assert answer.body["message"] == "bad identifier"
    assert answer.data == []
    short = await api.put("/v2/api_auth", {"api_key": "f00f" * 3})
    refusal(short, "api_key", "minLength")
    assert b"f00f" not in short.content
    extra = await api.put("/v2/api_auth", {"api_key": "f" * 64, "more": 1})
    refusal(extra, "more", "additionalProperties")


async def test_a_login_needs_no_usable_token(api: Api) -> None:
    sent = credentials("admin", PASSWORD, "Master")
    (await api.put("/v2/user_auth", sent, token="undefined")).expect(201)
