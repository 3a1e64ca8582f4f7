"""What accounts demand of logins, and the log of who tried."""

from __future__ import annotations

from typing import Any

import pytest

from crossbar.core.jobs import Jobs
from crossbar.core.journals import forget, stretch_of
from crossbar.core.requests import Actor
from crossbar.core.services import Services
from crossbar.families.logins import FAILED_LOGIN, LOGIN_ATTEMPTS
from crossbar.families.logins.attempts import SUCCESS, Way
from crossbar.families.logins.rules import USER_METHOD, note, rules_of
from crossbar.storage import Batch, Row
from tests.conftest import Answer, Api, credentials
from tests.families.support import ANN, refusal
from tests.mailbox import Mailbox, text_of

CONFIG = "configs_crossbar.auth"


def rules(method: str = "cb_user_auth", **changed: Any) -> dict[str, Any]:
    return {"auth_modules": {method: changed}}


async def configure(api: Api, account_id: str, sent: dict[str, Any]) -> Answer:
    return (await api.post(f"/v2/accounts/{account_id}/security", sent)).expect(200)


async def log_in(api: Api, name: str = "Tenant", password: str = ANN["password"]) -> Answer:
    sent = credentials("ann", password, name)
    return await api.put("/v2/user_auth", sent, token="")


async def attempts(api: Api, account_id: str, of: str = "security") -> list[dict[str, Any]]:
    """The log of logins, once what is under way is written."""
    await api.gateway.services.jobs.idle(api.gateway.services)
    path = f"/v2/accounts/{account_id}/{of}/attempts"
    rows: list[dict[str, Any]] = (await api.get(path)).expect(200).data
    return rows


@pytest.fixture
async def tenant(api: Api) -> str:
    """An account with the user Ann."""
    account_id = await api.create_account("Tenant")
    (await api.put(f"/v2/accounts/{account_id}/users", ANN)).expect(201)
    return account_id


def lifetime(api: Api, answer: Answer) -> int:
    """How long the token of a login lives, in seconds."""
    identity = api.gateway.identity
    claims = identity.bearers.tokens.read(answer.body["auth_token"])
    return int(claims["exp"] - claims["iat"])


async def test_an_account_without_settings_has_those_of_the_system(api: Api, tenant: str) -> None:
    shown = (await api.get(f"/v2/accounts/{tenant}/security")).expect(200).data
    usual = {
        "enabled": True,
        "token_auth_expiry_s": 3600,
        "log_failed_attempts": True,
        "log_successful_attempts": False,
    }
    assert shown["account"] == {}
    assert shown["inherited_config"]["auth_modules"] == {
        "cb_api_auth": usual,
        "cb_auth": usual,
        "cb_ip_auth": usual,
        "cb_user_auth": {**usual, "log_successful_attempts": True},
    }
    methods = (await api.get("/v2/security")).expect(200).data["available_auth_methods"]
    assert methods == ["cb_api_auth", "cb_auth", "cb_ip_auth", "cb_user_auth"]


async def test_settings_are_written_merged_and_removed(api: Api, tenant: str) -> None:
    path = f"/v2/accounts/{tenant}/security"
    (await api.delete(path)).expect(404)
    sent = rules(enabled=True, token_auth_expiry_s=60)
    assert (await configure(api, tenant, sent)).data == {"id": CONFIG, **sent}
    everything = (await configure(api, tenant, {})).data["auth_modules"]
    assert everything["cb_user_auth"]["token_auth_expiry_s"] == 3600
    (await configure(api, tenant, sent)).expect(200)
    merged = (await api.patch(path, rules("cb_auth", enabled=False))).expect(200).data
    assert merged["auth_modules"].keys() == {"cb_user_auth", "cb_auth"}
    shown = (await api.get(path)).expect(200)
    assert shown.data["account"] == merged
    assert shown.data["inherited_config"]["auth_modules"]["cb_auth"]["enabled"] is True
    (await api.post(path, shown.data["account"])).expect(200)
    assert (await api.delete(path)).expect(200).data["id"] == CONFIG
    assert (await api.get(path)).expect(200).data["account"] == {}


@pytest.mark.parametrize(
    ("sent", "path", "rule"),
    [
        ({"auth_modules": 5}, "auth_modules", "type"),
        (rules("cb_other"), "auth_modules.cb_other", "additionalProperties"),
        (rules(enabled="maybe"), "auth_modules.cb_user_auth.enabled", "type"),
        (
            rules(token_auth_expiry_s=0),
            "auth_modules.cb_user_auth.token_auth_expiry_s",
            "minimum",
        ),
        (
            rules(token_auth_expiry_s=10**12),
            "auth_modules.cb_user_auth.token_auth_expiry_s",
            "maximum",
        ),
        (
            rules(multi_factor={"more": 1}),
            "auth_modules.cb_user_auth.multi_factor.more",
            "additionalProperties",
        ),
        (
            rules(multi_factor={"enabled": True, "configuration_id": "x"}),
            "auth_modules.cb_user_auth.account_id",
            "required",
        ),
        (
            rules(multi_factor={"configuration_id": "x", "account_id": "0" * 32}),
            "auth_modules.cb_user_auth.account_id",
            "forbidden",
        ),
    ],
)
async def test_settings_without_form_are_refused(
    api: Api, tenant: str, sent: dict[str, Any], path: str, rule: str
) -> None:
    refusal(await api.post(f"/v2/accounts/{tenant}/security", sent), path, rule)
    assert (await api.get(f"/v2/accounts/{tenant}/security")).data["account"] == {}


async def test_only_the_account_and_those_above_may_see_and_set_them(
    api: Api, tenant: str
) -> None:
    stranger = await api.account_token(await api.create_account("Stranger"))
    own = await api.account_token(tenant)
    path = f"/v2/accounts/{tenant}/security"
    for each in (path, f"{path}/attempts", f"/v2/accounts/{tenant}/multi_factor"):
        (await api.get(each, token=stranger)).expect(403)
        (await api.get(each, token=own)).expect(200)
    (await api.post(path, rules(), token=stranger)).expect(403)
    (await api.get("/v2/security", token="")).expect(401)


async def test_the_lifetime_of_tokens_is_as_set_for_the_way_in(api: Api, tenant: str) -> None:
    login = (await log_in(api)).expect(201)
    assert lifetime(api, login) == 3600
    await configure(api, tenant, rules(token_auth_expiry_s=60))
    login = (await log_in(api)).expect(201)
    assert lifetime(api, login) == 60
    refreshed = await api.put(
        "/v2/auth", {}, token=login.body["auth_token"], action="refresh_token"
    )
    assert lifetime(api, refreshed.expect(201)) == 3600
    await configure(api, tenant, rules("cb_auth", token_auth_expiry_s=90))
    again = await api.put("/v2/auth", {}, token=login.body["auth_token"], action="refresh_token")
    assert lifetime(api, again.expect(201)) == 90


async def test_a_way_in_that_is_closed_lets_nobody_in(api: Api, tenant: str) -> None:
    key = (await api.get(f"/v2/accounts/{tenant}/api_key")).data["api_key"]
    token = (await log_in(api)).expect(201).body["auth_token"]
    closed = {
        "auth_modules": {
            method: {"enabled": False} for method in ("cb_user_auth", "cb_api_auth", "cb_auth")
        }
    }
    await configure(api, tenant, closed)
    api.clock.advance(1)
    renewal = api.put("/v2/auth", {}, token=token, action="refresh_token")
    by_key = api.put("/v2/api_auth", {"api_key": key}, token="")
    for answer in (await log_in(api), await by_key, await renewal):
        assert answer.expect(401).body["message"] == "invalid credentials"
        assert answer.data == {}
    newest = (await attempts(api, tenant))[0]
    assert newest["status"] == "failed"
    (await api.delete(f"/v2/accounts/{tenant}/security")).expect(200)
    (await log_in(api)).expect(201)


async def test_settings_are_inherited_from_the_nearest_reseller_down(api: Api) -> None:
    reseller = await api.create_account("Reseller")
    (await api.put(f"/v2/accounts/{reseller}/reseller", {})).expect(201)
    middle = await api.create_account("Middle", reseller)
    leaf = await api.create_account("Tenant", middle)
    (await api.put(f"/v2/accounts/{leaf}/users", ANN)).expect(201)
    await configure(api, api.master.account_id, rules(token_auth_expiry_s=1))
    await configure(api, reseller, rules(token_auth_expiry_s=2, log_failed_attempts=False))
    assert lifetime(api, (await log_in(api)).expect(201)) == 2
    await configure(api, middle, rules(token_auth_expiry_s=3))
    assert lifetime(api, (await log_in(api)).expect(201)) == 3
    await configure(api, leaf, rules(token_auth_expiry_s=4))
    assert lifetime(api, (await log_in(api)).expect(201)) == 4
    inherited = (await api.get(f"/v2/accounts/{leaf}/security")).data["inherited_config"]
    assert inherited["auth_modules"]["cb_user_auth"]["token_auth_expiry_s"] == 3
    assert inherited["auth_modules"]["cb_user_auth"]["log_failed_attempts"] is False
    above = (await api.get(f"/v2/accounts/{reseller}/security")).data["inherited_config"]
    assert above["auth_modules"]["cb_user_auth"]["token_auth_expiry_s"] == 3600


async def test_who_tried_to_log_in_is_recorded_newest_first(api: Api, tenant: str) -> None:
    (await log_in(api)).expect(201)
    api.clock.advance(10)
    (await log_in(api, password="wrong")).expect(401)
    failed, succeeded = await attempts(api, tenant)
    assert failed == {
        "id": failed["id"],
        "auth_type": "credentials",
        "auth_module": "cb_user_auth",
        "status": "failed",
        "message": "invalid credentials",
        "timestamp": api.clock.gregorian(),
        "client_ip": "127.0.0.1",
    }
    assert (succeeded["status"], succeeded["message"]) == ("success", "")
    assert succeeded["id"].startswith("202701-")
    path = f"/v2/accounts/{tenant}/security/attempts"
    whole = (await api.get(f"{path}/{succeeded['id']}")).expect(200).data
    assert whole["metadata"].keys() == {"account_id", "owner_id"}
    assert len(whole["crossbar_request_id"]) == 32
    (await api.get(f"{path}/202701-x")).expect(404)
    ranged = await api.get(f"{path}?created_from={api.clock.gregorian()}")
    assert [row["id"] for row in ranged.expect(200).data] == [failed["id"]]


async def test_what_is_recorded_is_as_set(api: Api, tenant: str) -> None:
    key = (await api.get(f"/v2/accounts/{tenant}/api_key")).data["api_key"]
    quiet = {
        "auth_modules": {
            "cb_user_auth": {"log_failed_attempts": False, "log_successful_attempts": False},
            "cb_api_auth": {"log_successful_attempts": True},
        }
    }
    (await api.put("/v2/api_auth", {"api_key": key}, token="")).expect(201)
    assert await attempts(api, tenant) == []
    await configure(api, tenant, quiet)
    (await log_in(api)).expect(201)
    (await log_in(api, password="wrong")).expect(401)
    (await api.put("/v2/api_auth", {"api_key": key}, token="")).expect(201)
    (row,) = await attempts(api, tenant)
    assert (row["auth_type"], row["auth_module"]) == ("account_api_token", "cb_api_auth")


async def test_impersonation_and_closed_accounts_are_recorded(api: Api, tenant: str) -> None:
    (user,) = (await api.get(f"/v2/accounts/{tenant}/users")).data
    path = f"/v2/accounts/{tenant}/users/{user['id']}/user_auth"
    (await api.put(path, {}, action="impersonate_user")).expect(201)
    (row,) = await attempts(api, tenant)
    assert (row["auth_type"], row["status"]) == ("impersonate_user", "success")
    (await api.patch(f"/v2/accounts/{tenant}", {"enabled": False})).expect(200)
    api.clock.advance(1)
    refusal(await log_in(api), "account", "disabled")
    assert (await attempts(api, tenant))[0]["status"] == "failed"


async def test_what_is_too_old_is_hidden_and_then_forgotten(api: Api, tenant: str) -> None:
    services = api.gateway.services
    (await log_in(api)).expect(201)
    [old] = await attempts(api, tenant)
    one = f"/v2/accounts/{tenant}/security/attempts/{old['id']}"
    (await api.get(one)).expect(200)
    assert await forget(services) == 0
    api.clock.advance(2_682_001)
    api.token = ""
    api.token = await api.login(api.master.username, "open sesame", api.master.account_name)
    (await log_in(api)).expect(201)
    [new] = await attempts(api, tenant)
    assert new["id"] != old["id"]
    earlier = f"created_from={old['timestamp']}&created_to={old['timestamp'] + 1}"
    path = f"/v2/accounts/{tenant}/security/attempts"
    assert (await api.get(f"{path}?{earlier}")).expect(200).data == []
    (await api.get(one)).expect(404)
    api.clock.advance(31 * 86_400)
    assert await forget(services) == 1
    assert await services.store.count(stretch_of(LOGIN_ATTEMPTS, tenant)) == 1


class TestRecovery:
    @pytest.fixture
    def overrides(self, box: Mailbox) -> dict[str, Any]:
        return box.settings() | {"recovery.ui_urls": ["https://ui.example.com"]}

    async def test_a_mailed_link_is_a_way_in_like_others(
        self, api: Api, box: Mailbox, tenant: str
    ) -> None:
        (user,) = (await api.get(f"/v2/accounts/{tenant}/users")).data
        path = f"/v2/accounts/{tenant}/users/{user['id']}"
        (await api.patch(path, {"email": "ann@example.com"})).expect(200)
        sent = {
            "username": "ann",
            "account_name": "Tenant",
            "ui_url": "https://ui.example.com/",
        }
        (await api.put("/v2/user_auth/recovery", sent, token="")).expect(201)
        reset = {"reset_id": text_of(await box.next()).split("recovery=")[1].split()[0]}
        await configure(api, tenant, rules(enabled=False))
        (await api.post("/v2/user_auth/recovery", reset, token="")).expect(401)
        await configure(api, tenant, rules(token_auth_expiry_s=60))
        granted = (await api.post("/v2/user_auth/recovery", reset, token="")).expect(200)
        assert lifetime(api, granted) == 60
        found = {(row["auth_type"], row["status"]) for row in await attempts(api, tenant)}
        assert found == {
            ("user_auth_recovery_reset", "failed"),
            ("user_auth_recovery_reset", "success"),
        }


async def test_a_failed_login_takes_the_same_writes_whoever_is_named(
    api: Api, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await configure(api, api.master.account_id, rules(log_failed_attempts=False))
    await configure(api, tenant, rules(log_failed_attempts=True))
    services = api.gateway.services
    written: list[Batch] = []

    async def noted(batch: Batch) -> None:
        written.append(batch)
        await services.writer.commit(batch)

    async def nothing_is_due(_: Jobs, services: Services) -> list[Row]:
        return []

    shapes = []
    with monkeypatch.context() as patched:
        patched.setattr(Services, "commit", lambda _, batch: noted(batch))
        patched.setattr(Jobs, "_due", nothing_is_due)
        for name in ("Tenant", api.master.account_name, "Nobody"):
            written.clear()
            (await log_in(api, name, "wrong")).expect(401)
            [batch] = written
            shapes.append([put.key.doc_type for put in batch.puts])
            assert not batch.records
    assert shapes == [["job"]] * 3
    assert [row["status"] for row in await attempts(api, tenant)] == ["failed"]


async def test_a_failed_login_is_recorded_once(api: Api, tenant: str) -> None:
    services = api.gateway.services
    (await log_in(api)).expect(201)
    [row] = await attempts(api, tenant)
    gone = await api.create_account("Gone")
    (await api.delete(f"/v2/accounts/{gone}")).expect(200)
    attempt = {**row, "crossbar_request_id": "r", "metadata": {}}
    about = {"accounts": [gone, tenant], "attempt": attempt, "name": "x"}
    for _ in range(2):  # a job may be done again
        await FAILED_LOGIN.run(services, about)
    assert len(await attempts(api, tenant)) == 2


async def test_a_login_at_an_account_that_has_just_gone_is_not_recorded(
    api: Api, tenant: str
) -> None:
    services = api.gateway.services
    account = await services.accounts.get(tenant)
    assert account is not None
    (await api.delete(f"/v2/accounts/{tenant}")).expect(200)
    found = await rules_of(services, account, USER_METHOD)
    actor = Actor(services=services, request_id="r")
    await note(actor, account, found, Way(method=USER_METHOD, proof="x"), SUCCESS)
    assert await services.store.count(stretch_of(LOGIN_ATTEMPTS, tenant)) == 0


async def test_an_unknown_account_has_no_log(api: Api) -> None:
    logged = await attempts(api, api.master.account_id)
    (await log_in(api, "Nobody")).expect(401)
    assert await attempts(api, api.master.account_id) == logged
