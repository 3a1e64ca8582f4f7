"""Brands: one an account, found by host name before anybody has logged in, with their files."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest

from crossbar.families.brand import brand_of
from tests.conftest import Api
from tests.families.brand.support import HOST, PNG, new_account, upload
from tests.families.support import refusal

BRAND = {"company_name": "Acme", "domain": HOST, "hide_credits": True, "tagline": "We ring"}


async def branded(api: Api, account: str = "", **fields: Any) -> str:
    path = f"{account or api.account}/whitelabel"
    (await api.put(path, {**BRAND, **fields})).expect(201)
    return path


async def test_a_brand_is_found_by_its_host_name_without_a_token(api: Api) -> None:
    path = await branded(api, domain=" UI.Example.COM")
    own = (await api.get(path)).expect(200).data
    assert own["domain"] == HOST
    for token in ("", "undefined"):
        for name in (HOST, HOST.upper()):
            answer = await api.get(f"/v2/whitelabel/{name}", token=token)
            assert answer.expect(200).data == own
    assert own["tagline"] == "We ring"
    assert own["hide_powered"] is False


async def test_an_unknown_host_has_none(api: Api) -> None:
    answer = await api.get("/v2/whitelabel/other.example.com", token="")
    assert answer.expect(404).body["message"] == "bad_identifier"
    assert answer.data["cause"] == "other.example.com"


async def test_an_account_without_a_brand_has_none(api: Api) -> None:
    path = f"{api.account}/whitelabel"
    (await api.get(path)).expect(404)
    (await api.post(path, BRAND)).expect(404)
    (await api.delete(path)).expect(404)
    (await upload(api, f"{path}/logo")).expect(404)
    (await api.patch(path, BRAND)).expect(405)


async def test_a_second_brand_is_a_conflict(api: Api) -> None:
    path = await branded(api)
    assert (await api.put(path, BRAND)).expect(409).body["message"] == "datastore_conflict"


async def test_replacing_keeps_files_and_forgets_fields(api: Api) -> None:
    path = await branded(api)
    (await upload(api, f"{path}/logo")).expect(200)
    changed = (await api.post(path, {"domain": "new.example.com"})).expect(200).data
    assert "company_name" not in changed
    (await api.get(f"/v2/whitelabel/{HOST}", token="")).expect(404)
    answer = await api.get("/v2/whitelabel/new.example.com/logo", token="")
    assert answer.expect(200).content == PNG


async def test_a_removed_brand_leaves_its_domain_to_others(api: Api) -> None:
    path = await branded(api)
    removed = (await api.delete(path)).expect(200).data
    assert removed["_read_only"]["deleted"] is True
    (await api.get(f"/v2/whitelabel/{HOST}", token="")).expect(404)
    account, _ = await new_account(api, "Other")
    await branded(api, account)
    (await api.put(path, {"company_name": "Acme"})).expect(201)


async def test_a_domain_belongs_to_one_account(api: Api) -> None:
    await branded(api)
    account, token = await new_account(api, "Other")
    answer = await api.put(f"{account}/whitelabel", {"domain": "UI.example.com"}, token=token)
    found = answer.expect(400).data["domain"]["unique"]
    assert found["message"] == "White label domain is already in use"
    assert found["cause"] == HOST


async def test_of_accounts_that_want_a_domain_at_once_one_gets_it(api: Api) -> None:
    accounts = [(await new_account(api, f"Account {number}"))[0] for number in range(4)]
    for number in range(5):
        sent = {"domain": f"race{number}.example.com"}
        calls = [
            api.put(f"{account}/whitelabel", sent)
            if number == 0
            else api.post(f"{account}/whitelabel", sent)
            for account in accounts
        ]
        statuses = sorted([answer.status for answer in await asyncio.gather(*calls)])
        assert statuses == [200 if number else 201, 400, 400, 400]
        for account in accounts:
            if number == 0:
                await api.put(f"{account}/whitelabel", {})


@pytest.mark.parametrize("domain", ["https://ui.example.com/", "a b", "-x.com", "x" * 260, "a..b"])
async def test_a_domain_is_a_host_name(api: Api, domain: str) -> None:
    refusal(await api.put(f"{api.account}/whitelabel", {"domain": domain}), "domain", "invalid")


async def test_only_administrators_change_a_brand(api: Api) -> None:
    account, _ = await new_account(api, "Other")
    user = {"first_name": "Bob", "last_name": "Kay", "username": "bob", "password": "hunter22"}
    (await api.put(f"{account}/users", {**user, "priv_level": "user"})).expect(201)
    token = await api.login("bob", "hunter22", "Other")
    await branded(api, account)
    path = f"{account}/whitelabel"
    (await api.get(path, token=token)).expect(200)
    (await api.post(path, BRAND, token=token)).expect(403)
    (await api.delete(path, token=token)).expect(403)
    (await upload(api, f"{path}/logo", token=token)).expect(403)


@pytest.mark.parametrize(
    ("kind", "content_type", "extension"),
    [
        ("logo", "image/png", ".png"),
        ("logo", "image/svg+xml", ".svg"),
        ("icon", "image/vnd.microsoft.icon", ".ico"),
        ("icon", "image/jpeg", ".jpg"),
        ("welcome", "text/html", ".html"),
    ],
)
async def test_a_file_comes_down_as_it_went_up(
    api: Api, kind: str, content_type: str, extension: str
) -> None:
    path = await branded(api)
    (await upload(api, f"{path}/{kind}", kind=content_type)).expect(200)
    for place in (path, f"/v2/whitelabel/{HOST}"):
        answer = (await api.get(f"{place}/{kind}")).expect(200)
        assert answer.content == PNG
        assert answer.headers["Content-Type"] == content_type
        disposition = answer.headers["Content-Disposition"]
        assert disposition.startswith(f'attachment; filename="{kind}-')
        assert disposition.endswith(f'{extension}"')
        assert answer.headers["Content-Security-Policy"] == "sandbox"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_browsers_send_images_as_data_urls(api: Api) -> None:
    path = await branded(api)
    body = b"data:image/png;base64," + base64.b64encode(PNG)
    (await upload(api, f"{path}/logo", body, "application/x-base64")).expect(200)
    answer = (await api.get(f"/v2/whitelabel/{HOST}/logo", token="")).expect(200)
    assert answer.content == PNG
    assert answer.headers["Content-Type"] == "image/png"


async def test_a_file_replaces_the_one_of_its_kind_alone(api: Api) -> None:
    path = await branded(api)
    (await upload(api, f"{path}/icon", b"icon")).expect(200)
    (await upload(api, f"{path}/logo", b"old", filename=None)).expect(200)
    (await upload(api, f"{path}/logo?filename=new.png", b"new")).expect(200)
    answer = (await api.get(f"{path}/logo")).expect(200)
    assert answer.content == b"new"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="logo-new.png"'
    assert (await api.get(f"{path}/icon")).expect(200).content == b"icon"


async def test_a_missing_file_is_named(api: Api) -> None:
    path = await branded(api)
    for place in (path, f"/v2/whitelabel/{HOST}"):
        for kind in ("logo", "icon", "welcome"):
            answer = await api.get(f"{place}/{kind}")
            assert answer.expect(404).body["message"] == "bad identifier"
            assert answer.data == [kind]


async def test_an_upload_has_one_file_of_the_right_kind(api: Api) -> None:
    path = await branded(api)
    refusal(await api.post(f"{path}/logo", {}), "file", "required")
    part = b"--XX\r\nContent-Type: image/png\r\n\r\nx\r\n"
    answer = await upload(
        api, f"{path}/logo", part * 2 + b"--XX--\r\n", "multipart/mixed; boundary=XX"
    )
    refusal(answer, "file", "maxItems")
    page = b"data:text/html;base64," + base64.b64encode(b"<script>")
    for kind, content_type, content in (
        ("logo", "text/html", b"<script>"),
        ("icon", "application/x-base64", page),
        ("welcome", "image/png", PNG),
    ):
        (await upload(api, f"{path}/{kind}", content, content_type)).expect(415)
        (await api.get(f"{path}/{kind}")).expect(404)


async def test_a_brand_is_inherited_from_the_nearest_reseller(api: Api) -> None:
    services = api.gateway.services
    reseller = await api.create_account("Reseller")
    (await api.put(f"/v2/accounts/{reseller}/reseller")).expect(201)
    customer = await api.create_account("Customer", reseller)
    below = await api.create_account("Below", customer)

    async def company(account_id: str) -> Any:
        account = await services.accounts.get(account_id)
        assert account is not None
        return (await brand_of(services, account)).get("company_name")

    assert await company(below) is None
    await branded(api, company_name="Operator", domain="op.example.com")
    assert [await company(each) for each in (below, reseller)] == ["Operator"] * 2
    await branded(api, f"/v2/accounts/{reseller}", company_name="Resold", domain="re.example.com")
    assert [await company(each) for each in (below, customer, reseller)] == ["Resold"] * 3
    await branded(api, f"/v2/accounts/{below}", company_name="Own", domain="own.example.com")
    assert [await company(each) for each in (below, customer)] == ["Own", "Resold"]


async def test_no_customer_has_the_brand_of_the_server_itself(api: Api) -> None:
    child = f"/v2/accounts/{await api.create_account('Child')}/whitelabel"
    for domain in ("localhost", "LOCALHOST", "127.0.0.1"):
        refusal(await api.put(child, {"domain": domain}), "domain", "forbidden")
    (await api.put(f"{api.account}/whitelabel", {"domain": "localhost"})).expect(201)
