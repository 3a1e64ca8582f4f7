"""What accounts change of the configuration: inherited, merged, and kept as differences."""

from __future__ import annotations

from typing import Any

import pytest

from crossbar.core.configuration import account_config_key
from tests.conftest import Api
from tests.families.support import refusal


async def stored(api: Api, account_id: str, name: str) -> Any:
    return await api.gateway.services.store.get(account_config_key(account_id, name))


@pytest.fixture
async def levels(api: Api) -> tuple[str, str]:
    """A reseller and a customer of its."""
    reseller = await api.create_account("Reseller")
    (await api.put(f"/v2/accounts/{reseller}/reseller")).expect(201)
    return reseller, await api.create_account("Customer", reseller)


async def test_a_configuration_is_answered_whatever_its_name(api: Api) -> None:
    found = (await api.get(f"{api.account}/configs/kazoo_endpoint")).expect(200).data
    assert found == {"id": "configs_kazoo_endpoint", "default_can_text_self": True}
    found = (await api.get(f"{api.account}/configs/no.such")).expect(200).data
    assert found == {"id": "configs_no.such"}
    (await api.get(f"{api.account}/configs/{'n' * 129}")).expect(404)
    (await api.get(f"{api.account}/configs")).expect(404)


async def test_each_level_is_laid_over_those_above(api: Api, levels: tuple[str, str]) -> None:
    reseller, customer = levels
    path = f"/v2/accounts/{customer}/configs/fax"
    assert (await api.get(path)).data["max_outbound"] == 10
    system = {"default": {"max_outbound": 11, "smtp_port": 2525}}
    (await api.post("/v2/system_configs/fax", system)).expect(200)
    found = (await api.get(path)).expect(200).data
    assert found["max_outbound"] == 11
    assert "smtp_port" not in found  # accounts know of it nothing
    (await api.post(f"/v2/accounts/{reseller}/configs/fax", {"max_outbound": 12})).expect(200)
    assert (await api.get(path)).data["max_outbound"] == 12
    assert (await api.get(f"{api.account}/configs/fax")).data["max_outbound"] == 11
    (await api.post(path, {"max_outbound": 13})).expect(200)
    assert (await api.get(path)).data["max_outbound"] == 13
    (await api.delete(path)).expect(200)
    assert (await api.get(path)).data["max_outbound"] == 12


async def test_only_what_differs_is_kept(api: Api) -> None:
    path, account_id = f"{api.account}/configs/fax", api.master.account_id
    sent = {"max_outbound": 20, "log_faxbox_errors": True, "unknown": 1}
    answered = (await api.put(path, sent)).expect(201).data
    assert answered["max_outbound"] == 20
    assert "unknown" not in answered
    kept = await stored(api, account_id, "fax")
    assert {name for name in kept if name[0] not in "_p"} == {"max_outbound"}
    (await api.post(path, {"max_outbound": 10})).expect(200)
    assert await stored(api, account_id, "fax") is None


async def test_a_patch_keeps_what_it_does_not_name(api: Api) -> None:
    path = f"{api.account}/configs/fax"
    (await api.patch(path, {"max_outbound": 20})).expect(200)
    (await api.patch(path, {"log_faxbox_errors": False})).expect(200)
    found = (await api.get(path)).data
    assert (found["max_outbound"], found["log_faxbox_errors"]) == (20, False)
    (await api.patch(path, {"max_outbound": None})).expect(200)
    found = (await api.get(path)).data
    assert (found["max_outbound"], found["log_faxbox_errors"]) == (10, False)
    (await api.patch(path, {"log_faxbox_errors": True})).expect(200)
    assert await stored(api, api.master.account_id, "fax") is None


async def test_what_holds_is_judged_by_the_schema(api: Api) -> None:
    refusal(
        await api.post(f"{api.account}/configs/fax", {"max_outbound": {}}), "max_outbound", "type"
    )
    (await api.post(f"{api.account}/configs/fax", {"max_outbound": "7"})).expect(200)
    assert (await api.get(f"{api.account}/configs/fax")).data["max_outbound"] == 7


async def test_a_configuration_without_a_schema_is_any_object(api: Api) -> None:
    path = f"{api.account}/configs/my.app"
    (await api.put(path, {"a": {"b": 1}})).expect(201)
    assert (await api.patch(path, {"a": {"c": 2}})).data["a"] == {"b": 1, "c": 2}
    assert (await api.delete(path)).data["a"] == {"b": 1, "c": 2}
    assert (await api.delete(path)).expect(200).data == {}


async def test_accounts_see_nothing_of_what_is_for_operators_alone(api: Api) -> None:
    secret = {"default": {"password": "s3cret"}}
    (await api.post("/v2/system_configs/smtp_client", secret)).expect(200)
    found = (await api.get(f"{api.account}/configs/smtp_client")).expect(200).data
    assert found == {"id": "configs_smtp_client"}


async def test_a_write_holds_to_its_precondition(api: Api) -> None:
    path = f"{api.account}/configs/fax"
    first = (await api.post(path, {"max_outbound": 20})).expect(200)
    (await api.post(path, {"max_outbound": 21})).expect(200)
    headers = {"If-Match": first.body["revision"]}
    (await api.post(path, {"max_outbound": 22}, headers=headers)).expect(412)
    (await api.delete(path, headers=headers)).expect(412)


async def test_login_settings_are_the_same_here_and_there(
    api: Api, levels: tuple[str, str]
) -> None:
    _, customer = levels
    path = f"/v2/accounts/{customer}/configs/crossbar.auth"
    modules: dict[str, Any] = {"cb_api_auth": {"enabled": False}}
    answered = (await api.patch(path, {"auth_modules": modules})).expect(200).data
    assert answered["auth_modules"]["cb_api_auth"]["enabled"] is False
    assert answered["auth_modules"]["cb_user_auth"]["enabled"] is True
    own = (await api.get(f"/v2/accounts/{customer}/security")).expect(200).data["account"]
    assert own["auth_modules"] == modules
    key = (await api.get(f"/v2/accounts/{customer}/api_key")).data["api_key"]
    (await api.put("/v2/api_auth", {"api_key": key}, token="")).expect(401)
    modules["cb_api_auth"] = {"token_auth_expiry_s": 0}
    answer = await api.patch(path, {"auth_modules": modules})
    refusal(answer, "auth_modules.cb_api_auth.token_auth_expiry_s", "minimum")


async def test_a_new_fax_box_is_given_the_domain_of_its_account(
    api: Api, levels: tuple[str, str]
) -> None:
    reseller, customer = levels
    config = {"default_smtp_domain": "fax.example.com"}
    (await api.post(f"/v2/accounts/{reseller}/configs/fax", config)).expect(200)
    box = (await api.put(f"/v2/accounts/{customer}/faxboxes", {"name": "Box"})).expect(201).data
    assert box["smtp_email_address"].endswith(".fax.example.com")


async def test_a_user_without_powers_reads_and_does_not_write(api: Api) -> None:
    user = {"first_name": "Bo", "last_name": "Li", "username": "bo", "password": "hunter22"}
    (await api.put(f"{api.account}/users", {**user, "priv_level": "user"})).expect(201)
    token = await api.login("bo", "hunter22", api.master.account_name)
    (await api.get(f"{api.account}/configs/fax", token=token)).expect(200)
    (await api.post(f"{api.account}/configs/fax", {}, token=token)).expect(403)
