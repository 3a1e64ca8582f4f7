"""Basic authentication: account id, and one of several things as the password."""

from __future__ import annotations

import base64
import hashlib

import pytest

from tests.conftest import PASSWORD, Answer, Api
from tests.families.support import ANN, make
from tests.identity.support import count_verifications


async def ask(api: Api, account_id: str, secret: str, path: str = "") -> Answer:
    encoded = base64.b64encode(f"{account_id}:{secret}".encode()).decode()
    headers = {"Authorization": f"Basic {encoded}"}
    return await api.get(path or api.account, token="", headers=headers)


def digests() -> dict[str, str]:
    text = f"admin:{PASSWORD}".encode()
    return {"md5": hashlib.md5(text).hexdigest(), "sha1": hashlib.sha1(text).hexdigest()}


@pytest.mark.parametrize("form", ["own", "user", "USER", "md5", "sha1", "MD5"])
async def test_each_form_of_password_is_accepted(api: Api, form: str) -> None:
    secret = {
        "own": PASSWORD,
        "user": f"admin:{PASSWORD}",
        "USER": f"ADMIN:{PASSWORD}",
        "MD5": digests()["md5"].upper(),
        **digests(),
    }[form]
    answer = (await ask(api, api.master.account_id, secret)).expect(200)
    assert answer.data["id"] == api.master.account_id
    assert "auth_token" not in answer.body
    path = "/v2/token_auth"
    described = (await ask(api, api.master.account_id, secret, path)).expect(200).data
    assert described["method"] == "cb_basic_auth"
    assert ("owner_id" in described) is (form != "own")


@pytest.mark.parametrize(
    "secret", ["", "wrong", "admin:wrong", "nobody:x", "0" * 32, "0" * 40, ":", "x" * 5000]
)
async def test_a_wrong_password_is_nobody(api: Api, secret: str) -> None:
    answer = (await ask(api, api.master.account_id, secret)).expect(401)
    assert answer.body["message"] == "invalid_credentials"


@pytest.mark.parametrize("account_id", ["", "x", "0" * 32])
async def test_an_unknown_account_is_nobody(api: Api, account_id: str) -> None:
    (await ask(api, account_id, PASSWORD)).expect(401)


@pytest.mark.parametrize("encoded", ["", "%%%", "bm9jb2xvbg==", "/////w=="])
async def test_what_is_no_basic_header_is_nobody(api: Api, encoded: str) -> None:
    headers = {"Authorization": f"Basic {encoded}"}
    (await api.get(api.account, token="", headers=headers)).expect(401)


async def test_an_account_without_a_password_has_none_that_fits(api: Api) -> None:
    tenant = await api.create_account("Tenant")
    (await ask(api, tenant, "x", f"/v2/accounts/{tenant}")).expect(401)
    (await api.patch(f"/v2/accounts/{tenant}", {"password": "tenant pass"})).expect(200)
    answer = (await ask(api, tenant, "tenant pass", f"/v2/accounts/{tenant}")).expect(200)
    assert "password" not in answer.data
    for wrong in ("", 5, "x" * 1025):
        refused = await api.patch(f"/v2/accounts/{tenant}", {"password": wrong})
        assert "type" in refused.expect(400).data["password"]


async def test_a_verified_header_is_not_verified_again_for_a_minute(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified = count_verifications(api, monkeypatch)
    for _ in range(3):
        (await ask(api, api.master.account_id, PASSWORD)).expect(200)
    assert len(verified) == 1
    api.clock.advance(61)
    (await ask(api, api.master.account_id, PASSWORD)).expect(200)
    assert len(verified) == 2


async def test_what_is_remembered_does_not_outlive_a_password(api: Api) -> None:
    user_id = await make(api, "users", **ANN)
    (await ask(api, api.master.account_id, "ann:s3cret")).expect(200)
    (await ask(api, api.master.account_id, PASSWORD)).expect(200)
    (await api.patch(f"{api.account}/users/{user_id}", {"password": "n3wpass"})).expect(200)
    (await ask(api, api.master.account_id, "ann:s3cret")).expect(401)
    api.clock.advance(1)
    (await api.patch(api.account, {"password": "n3w account"})).expect(200)
    (await ask(api, api.master.account_id, PASSWORD)).expect(401)


async def test_what_is_remembered_does_not_outlive_an_account(api: Api) -> None:
    tenant = await api.create_account("Tenant")
    path = f"/v2/accounts/{tenant}"
    (await api.patch(path, {"password": "tenant pass"})).expect(200)
    (await ask(api, tenant, "tenant pass", path)).expect(200)
    (await api.patch(path, {"enabled": False})).expect(200)
    (await ask(api, tenant, "tenant pass", path)).expect(401)


async def test_no_token_is_given_for_basic(api: Api) -> None:
    encoded = base64.b64encode(f"{api.master.account_id}:{PASSWORD}".encode()).decode()
    headers = {"Authorization": f"Basic {encoded}"}
    refresh = await api.put("/v2/auth", {}, action="refresh_token", token="", headers=headers)
    refresh.expect(403)
    (await api.delete("/v2/token_auth", token="", headers=headers)).expect(200)


class TestSwitchedOff:
    @pytest.fixture
    def overrides(self) -> dict[str, object]:
        return {"auth.basic": False}

    async def test_basic_is_ignored(self, api: Api) -> None:
        (await ask(api, api.master.account_id, PASSWORD)).expect(401)
