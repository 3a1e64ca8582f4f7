"""Logging in by the client's address."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Answer, Api
from tests.families.support import refusal

HERE = "203.0.113.5"


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"auth.by_address": True}


async def log_in(api: Api, address: str = HERE) -> Answer:
    return await api.put("/v2/ip_auth", {}, token="", headers={"X-Forwarded-For": address})


async def tenant_at(api: Api, name: str, *addresses: str) -> str:
    tenant = await api.create_account(name)
    sent = {"ips": {address: {"name": "office"} for address in addresses}}
    (await api.patch(f"/v2/accounts/{tenant}", sent)).expect(200)
    return tenant


async def test_the_only_account_that_lists_an_address_is_logged_in(api: Api) -> None:
    tenant = await tenant_at(api, "Tenant", HERE, "198.51.100.1")
    answer = (await log_in(api)).expect(201)
    assert answer.data["account_id"] == tenant
    assert "owner_id" not in answer.data
    token = answer.body["auth_token"]
    assert (await api.get("/v2/token_auth", token=token)).data["method"] == "cb_ip_auth"
    (await api.get(f"/v2/accounts/{tenant}", token=token)).expect(200)


@pytest.mark.parametrize(
    ("listed", "address"),
    [
        ("2001:DB8::1", "2001:db8:0:0::1"),
        ("::ffff:203.0.113.5", "203.0.113.5"),
        ("203.0.113.5", "::ffff:203.0.113.5"),
    ],
)
async def test_addresses_are_compared_however_they_are_written(
    api: Api, listed: str, address: str
) -> None:
    await tenant_at(api, "Tenant", listed)
    (await log_in(api, address)).expect(201)


async def test_addresses_that_nobody_or_several_list_let_nobody_in(api: Api) -> None:
    await tenant_at(api, "Tenant", HERE, "no address", "203.0.113.0/24")
    other = await tenant_at(api, "Other", HERE)
    for address in (HERE, "203.0.113.6", "no address", "203.0.113.0/24"):
        refused = (await log_in(api, address)).expect(401)
        assert refused.body["message"] == "invalid_credentials"
    (await api.patch(f"/v2/accounts/{other}", {"ips": {}})).expect(200)
    (await log_in(api)).expect(201)
    (await api.patch(f"/v2/accounts/{other}", {"ips": [HERE]})).expect(200)
    (await log_in(api)).expect(201)


async def test_the_account_decides_whether_this_way_is_open(api: Api) -> None:
    tenant = await tenant_at(api, "Tenant", HERE)
    closed = {"auth_modules": {"cb_ip_auth": {"enabled": False}}}
    (await api.post(f"/v2/accounts/{tenant}/security", closed)).expect(200)
    (await log_in(api)).expect(401)
    (await api.delete(f"/v2/accounts/{tenant}/security")).expect(200)
    (await api.patch(f"/v2/accounts/{tenant}", {"enabled": False})).expect(200)
    refusal(await log_in(api), "account", "disabled")


class TestSwitchedOff:
    @pytest.fixture
    def overrides(self) -> dict[str, Any]:
        return {}

    async def test_nobody_is_let_in(self, api: Api) -> None:
        await tenant_at(api, "Tenant", HERE)
        (await log_in(api)).expect(401)
