"""Apps: which an account is offered, which it has installed and for whom, which are hidden."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.conftest import Api
from tests.families.brand.support import (
    PNG,
    apps,
    new_account,
    register_one,
    register_usual,
    upload,
)
from tests.families.support import refusal

UNKNOWN = "0" * 32
ALL = {"allowed_users": "all", "users": []}
USUAL = [
    "accounts",
    "callflows",
    "csv-onboarding",
    "fax",
    "numbers",
    "pbxs",
    "voicemails",
    "voip",
    "webhooks",
]


async def test_a_new_system_has_apps_which_the_master_account_may_use(api: Api) -> None:
    assert await apps(api, api.account) == {}
    await register_usual(api)
    offered = await apps(api, api.account)
    assert list(offered) == USUAL
    for app in offered.values():
        assert app["allowed_users"] == "all"
        assert app["masqueradable"] is True
        assert app["account_id"] == api.master.account_id
        assert "api_url" not in app
        assert "source_url" not in app
        assert not [name for name in app if name.startswith("pvt_")]
    assert offered["voip"]["i18n"]["en-US"]["label"] == "SmartPBX"


async def test_other_accounts_install_what_they_like(api: Api) -> None:
    await register_usual(api)
    account, token = await new_account(api, "Customer")
    offered = await apps(api, account, token)
    assert list(offered) == USUAL
    assert not [name for name, app in offered.items() if "allowed_users" in app]
    path = f"{account}/apps_store/{offered['voip']['id']}"
    made = (await api.put(path, ALL, token=token)).expect(201).data
    assert made == {"name": "voip", **ALL}
    assert (await apps(api, account, token))["voip"]["allowed_users"] == "all"
    some = {"allowed_users": "specific", "users": [{"id": UNKNOWN}]}
    changed = (await api.post(path, some, token=token)).expect(200).data
    assert changed == {"name": "voip", **some}
    assert (await api.get(path, token=token)).expect(200).data["users"] == some["users"]
    assert (await api.delete(path, token=token)).expect(200).data == {}
    assert "allowed_users" not in (await apps(api, account, token))["voip"]


async def test_what_is_installed_is_known(api: Api) -> None:
    app_id = await register_one(api)
    account, token = await new_account(api, "Customer")
    path = f"{account}/apps_store/{app_id}"
    for answer in (await api.post(path, ALL, token=token), await api.delete(path, token=token)):
        assert answer.expect(400).body["message"] == "Application is not installed"
    (await api.put(path, ALL, token=token)).expect(201)
    again = await api.put(path, ALL, token=token)
    assert again.expect(400).body["message"] == "Application already installed"


async def test_an_app_that_is_not_offered(api: Api) -> None:
    path = f"{api.account}/apps_store/{UNKNOWN}"
    answer = await api.get(path)
    assert answer.expect(404).data["details"] == UNKNOWN
    for answer in (await api.put(path, ALL), await api.post(path, ALL), await api.delete(path)):
        assert answer.expect(403).data["details"] == UNKNOWN
    (await api.get(f"{path}/icon")).expect(404)


@pytest.mark.parametrize(
    ("sent", "field", "rule"),
    [
        ({"allowed_users": "some"}, "allowed_users", "enum"),
        ({"users": "ann"}, "users", "type"),
    ],
)
async def test_who_may_use_an_app_is_judged(
    api: Api, sent: dict[str, Any], field: str, rule: str
) -> None:
    app_id = await register_one(api)
    account, _ = await new_account(api, "Customer")
    refusal(await api.put(f"{account}/apps_store/{app_id}", sent), field, rule)


async def test_nothing_is_lost_when_many_install_at_once(api: Api) -> None:
    await register_usual(api)
    account, token = await new_account(api, "Customer")
    offered = await apps(api, account, token)
    calls = [
        api.put(f"{account}/apps_store/{app['id']}", ALL, token=token) for app in offered.values()
    ]
    assert {answer.status for answer in await asyncio.gather(*calls)} == {201}
    installed = await apps(api, account, token)
    assert {app["allowed_users"] for app in installed.values()} == {"all"}


async def test_only_administrators_install(api: Api) -> None:
    app_id = await register_one(api)
    account, token = await new_account(api, "Customer")
    bob = {"first_name": "Bob", "last_name": "Kay", "username": "bob", "password": "hunter22"}
    (await api.put(f"{account}/users", {**bob, "priv_level": "user"}, token=token)).expect(201)
    user = await api.login("bob", "hunter22", "Customer")
    path = f"{account}/apps_store/{app_id}"
    (await api.get(path, token=user)).expect(200)
    (await api.put(path, ALL, token=user)).expect(403)


async def test_accounts_above_hide_apps(api: Api) -> None:
    await register_usual(api)
    account, token = await new_account(api, "Customer")
    voip = (await apps(api, account))["voip"]["id"]
    path = f"{account}/apps_store/blacklist"
    for answer in (
        await api.get(path, token=token),
        await api.post(path, {"blacklist": []}, token=token),
    ):
        answer.expect(403)
    assert (await api.get(path)).expect(200).data == {"blacklist": []}
    (await api.put(f"{account}/apps_store/{voip}", ALL, token=token)).expect(201)
    hidden = {"blacklist": [voip]}
    assert (await api.post(path, hidden)).expect(200).data == hidden
    assert (await api.get(path)).expect(200).data == hidden
    assert "voip" not in await apps(api, account, token)
    (await api.get(f"{account}/apps_store/{voip}", token=token)).expect(404)
    (await api.post(f"{account}/apps_store/{voip}", ALL, token=token)).expect(403)
    refusal(await api.post(path, {}), "blacklist", "required")
    (await api.post(path, {"blacklist": []})).expect(200)
    assert (await apps(api, account, token))["voip"]["allowed_users"] == "all"


async def test_the_master_account_hides_nothing_from_itself(api: Api) -> None:
    (await api.get(f"{api.account}/apps_store/blacklist")).expect(403)


async def test_an_unpublished_app_is_the_operators_alone(api: Api) -> None:
    await register_one(api, published=False)
    account, token = await new_account(api, "Customer")
    assert list(await apps(api, api.account)) == ["shop"]
    assert await apps(api, account, token) == {}


async def test_a_brand_hides_the_app_for_porting_from_those_who_do_not_resell(api: Api) -> None:
    await register_one(api, name="port")
    account, token = await new_account(api, "Customer")
    assert "port" in await apps(api, account, token)
    (await api.put(f"{api.account}/whitelabel", {"hide_port": True})).expect(201)
    assert "port" not in await apps(api, account, token)
    assert "port" in await apps(api, api.account)


async def test_images_need_no_token(api: Api) -> None:
    images = {"icon.png": PNG, "one.png": b"1", "two.png": b"2"}
    app_id = await register_one(
        api, images, icon="icon.png", screenshots=["one.png", "two.png", "three.png"]
    )
    for place, token in ((f"{api.account}/apps_store", api.token), ("/v2/apps_store", "")):
        path = f"{place}/{app_id}"
        answer = (await api.get(f"{path}/icon", token=token)).expect(200)
        assert answer.content == PNG
        assert answer.headers["Content-Type"] == "image/png"
        assert answer.headers["Content-Disposition"] == 'attachment; filename="icon.png"'
        for number, content in enumerate((b"1", b"2")):
            answer = await api.get(f"{path}/screenshot/{number}", token=token)
            assert answer.expect(200).content == content
        for wrong in ("2", "3", "-1", "x", "٣", "99999999"):
            (await api.get(f"{path}/screenshot/{wrong}", token=token)).expect(404)
    (await api.get(f"/v2/apps_store/{UNKNOWN}/icon", token="")).expect(404)


async def test_an_app_without_images_has_none(api: Api) -> None:
    app_id = await register_one(api, icon="")
    answer = await api.get(f"/v2/apps_store/{app_id}/icon", token="")
    assert answer.expect(404).data == ["icon"]
    account, token = await new_account(api, "Customer")
    (await api.get(f"{account}/apps_store/{app_id}/screenshot/0", token=token)).expect(404)


async def test_registering_again_keeps_what_accounts_have_decided(api: Api) -> None:
    app_id = await register_one(api, {"icon.png": b"old"}, icon="icon.png")
    (await api.delete(f"{api.account}/apps_store/{app_id}")).expect(200)
    assert await register_one(api, {"icon.png": b"new"}, icon="icon.png", version="2") == app_id
    app = (await apps(api, api.account))["shop"]
    assert app["version"] == "2"
    assert "allowed_users" not in app
    assert (await api.get(f"/v2/apps_store/{app_id}/icon")).expect(200).content == b"new"
    await register_one(api, icon="icon.png", version="3")
    assert (await api.get(f"/v2/apps_store/{app_id}/icon")).expect(200).content == b"new"


async def test_logins_tell_which_apps_are_open(api: Api) -> None:
    await register_usual(api)
    account, token = await new_account(api, "Customer")
    bob = {"first_name": "Bob", "last_name": "Kay", "username": "bob", "password": "hunter22"}
    created = await api.put(f"{account}/users", {**bob, "priv_level": "user"}, token=token)
    bob_id = created.expect(201).data["id"]
    offered = await apps(api, account, token)
    for name, allowed, users in (
        ("voip", "all", []),
        ("callflows", "admins", []),
        ("fax", "specific", [{"id": bob_id}]),
        ("numbers", "specific", [bob_id]),
        ("pbxs", "specific", []),
    ):
        path = f"{account}/apps_store/{offered[name]['id']}"
        sent = {"allowed_users": allowed, "users": users}
        (await api.put(path, sent, token=token)).expect(201)

    async def told(token: str) -> list[Any]:
        answer = await api.get("/v2/apps_link/authorize", token=token)
        linked = answer.expect(200).data["auth_token"]["apps"]
        assert (await api.get("/v2/token_auth", token=token)).expect(200).data["apps"] == linked
        return [row["name"] for row in linked]

    assert await told(token) == ["callflows", "voip"]
    assert await told(await api.login("bob", "hunter22", "Customer")) == ["fax", "numbers", "voip"]


async def test_an_app_knows_whose_token_it_was_given(api: Api) -> None:
    account_id = await api.create_account("Customer")
    own = (await api.get("/v2/apps_link/authorize")).expect(200).data
    assert own["account"]["account_id"] == api.master.account_id
    assert own["account"]["is_master"] is True
    other = (await api.get(f"/v2/accounts/{account_id}/apps_link/authorize")).expect(200).data
    assert other["auth_token"] == own["auth_token"]
    assert other["account"] == {
        "account_id": account_id,
        "account_name": "Customer",
        "language": "en-us",
        "is_reseller": False,
        "reseller_id": api.master.account_id,
        "is_master": False,
    }
    facts = own["auth_token"]
    assert facts["account_id"] == api.master.account_id
    assert facts["owner_id"] == api.master.user_id
    assert facts["method"] == "cb_user_auth"
    assert facts["created"] == api.clock.gregorian()
    (await api.get("/v2/apps_link")).expect(404)
    (await api.put("/v2/apps_link/authorize", {})).expect(405)


async def test_labels_are_in_the_users_language(api: Api) -> None:
    texts = {
        language: {"label": label, "description": "Things"}
        for language, label in (("de-DE", "Laden"), ("en-US", "Shop"))
    }
    await register_one(api, i18n=texts)

    async def label() -> Any:
        data = (await api.get("/v2/apps_link/authorize")).expect(200).data
        return data["auth_token"]["apps"][0]["label"]

    assert await label() == "Shop"
    user = f"{api.account}/users/{api.master.user_id}"
    (await api.patch(user, {"language": "de-de"})).expect(200)
    assert await label() == "Laden"


async def test_there_is_no_market_place(api: Api) -> None:
    path = "/v2/apps_store/marketplace"
    assert (await api.get(path)).expect(200).data["enabled"] is False
    refusal(await api.patch(path, {"action": "enable"}), "action", "forbidden")
    _, token = await new_account(api, "Customer")
    (await api.get(path, token=token)).expect(403)


# What resellers change


async def reseller_with(api: Api, app_id: str) -> tuple[str, str, str]:
    """A reseller's path for its words about an app, the path of its store, and its token."""
    account, token = await new_account(api, "Reseller")
    (await api.put(f"{account}/reseller")).expect(201)
    token = await api.login("ann", "s3cret", "Reseller")
    return f"{account}/apps_store/{app_id}/override", account, token


WORDS = {"i18n": {"en-US": {"label": "My shop", "description": "All of mine"}}}


async def test_a_reseller_has_words_of_its_own(api: Api) -> None:
    app_id = await register_one(api, {"icon.png": PNG}, icon="icon.png")
    path, account, token = await reseller_with(api, app_id)
    (await api.get(path, token=token)).expect(404)
    (await api.post(path, WORDS, token=token)).expect(404)
    made = (await api.put(path, {**WORDS, "name": "other"}, token=token)).expect(201).data
    assert made["i18n"] == WORDS["i18n"]
    assert "name" not in made
    (await api.put(path, WORDS, token=token)).expect(409)
    customer, customers = await new_account(api, "Customer", account.rpartition("/")[2])
    for place, who in ((account, token), (customer, customers)):
        app = (await apps(api, place, who))["shop"]
        assert app["i18n"] == WORDS["i18n"]
        assert app["id"] == app_id
    assert (await apps(api, api.account))["shop"]["i18n"]["en-US"]["label"] == "SmartPBX"
    changed = (await api.post(path, {"tags": ["mine"]}, token=token)).expect(200).data
    assert "i18n" not in changed
    (await api.delete(path, token=token)).expect(200)
    assert (await apps(api, customer, customers))["shop"]["tags"] == ["admin"]


async def test_a_reseller_has_images_of_its_own(api: Api) -> None:
    app_id = await register_one(api, {"icon.png": PNG}, icon="icon.png", screenshots=["icon.png"])
    path, account, token = await reseller_with(api, app_id)
    (await upload(api, f"{path}/icon", b"mine", token=token)).expect(404)
    (await api.put(path, WORDS, token=token)).expect(201)
    store = f"{account}/apps_store/{app_id}"
    assert (await api.get(f"{store}/icon", token=token)).expect(200).content == PNG
    (await upload(api, f"{path}/icon", b"mine", token=token)).expect(200)
    assert (await api.get(f"{store}/icon", token=token)).expect(200).content == b"mine"
    for name in ("a", "b", "a"):
        content = name.encode() * 2
        place = f"{path}/screenshot?filename={name}.png"
        (await upload(api, place, content, token=token)).expect(200)
    assert (await api.get(f"{store}/screenshot/0", token=token)).expect(200).content == b"bb"
    assert (await api.get(f"{store}/screenshot/1", token=token)).expect(200).content == b"aa"
    (await api.post(path, WORDS, token=token)).expect(200)
    assert (await api.get(f"{store}/icon", token=token)).expect(200).content == b"mine"
    (await upload(api, f"{path}/icon", b"<script>", "text/html", token=token)).expect(415)
    (await api.delete(path, token=token)).expect(200)
    assert (await api.get(f"{store}/icon", token=token)).expect(200).content == PNG


async def test_a_reseller_has_not_any_number_of_images(api: Api) -> None:
    app_id = await register_one(api)
    path, _, token = await reseller_with(api, app_id)
    (await api.put(path, WORDS, token=token)).expect(201)
    for number in range(20):
        place = f"{path}/screenshot?filename={number}.png"
        (await upload(api, place, b"x", token=token)).expect(200)
    (await upload(api, f"{path}/screenshot", b"x", token=token)).expect(403)


async def test_only_resellers_change_apps_that_they_are_offered(api: Api) -> None:
    app_id = await register_one(api)
    account, token = await new_account(api, "Customer")
    (await api.put(f"{account}/apps_store/{app_id}/override", WORDS, token=token)).expect(403)
    (await api.put(f"{api.account}/apps_store/{UNKNOWN}/override", WORDS)).expect(403)
