"""Logging in with an identity of another service: providers, registrations, codes and links."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from aiohttp import web

from crossbar.storage import SYSTEM, Batch, Key, Put
from tests.conftest import Answer, Api
from tests.families.support import ANN, BOB, make, refusal
from tests.openid import CLIENT, RETURN_TO, OpenId, openid

PROVIDER = "/v2/auth/providers/example"
APP = "/v2/auth/apps/ours"
WHO = {"sub": "ann-at-example", "email": "ann@example.com"}


@pytest.fixture
async def provider(api: Api) -> AsyncIterator[OpenId]:
    """A provider that is known to the gateway, and has registered it."""
    async with openid() as provider:
        discovery = f"{provider.url}.well-known/openid-configuration"
        sent = {"id": "example", "name": "Example", "discovery": discovery}
        (await api.put("/v2/auth/providers", sent)).expect(201)
        ours = {**CLIENT, "id": "ours", "provider": "example", "name": "Ours"}
        (await api.put("/v2/auth/apps", ours)).expect(201)
        yield provider


@pytest.fixture
async def ann(api: Api) -> str:
    """A token of the user Ann."""
    await make(api, "users", **ANN)
    return await api.login("ann", ANN["password"], "Master")


async def come_back(api: Api, provider: OpenId, who: Any = WHO, /, **changed: Any) -> Answer:
    provider.profiles["code"] = who
    sent = {
        "provider": "example",
        "code": "code",
        "client_id": CLIENT["client_id"],
        "redirect_uri": RETURN_TO,
        **changed,
    }
    return await api.put("/v2/auth/callback", sent, token="")


async def linked(api: Api, provider: OpenId, token: str) -> str:
    """The id of Ann's identity, now hers here too."""
    link_id: str = (await come_back(api, provider)).expect(201).data["id"]
    (await api.put(f"/v2/auth/links/{link_id}", {}, token=token)).expect(201)
    return link_id


async def test_registrations_are_listed_as_documents_are(api: Api, provider: OpenId) -> None:
    other = {**CLIENT, "id": "other", "provider": "example", "name": "Other"}
    (await api.put("/v2/auth/apps", other)).expect(201)
    first = (await api.get("/v2/auth/apps?page_size=1")).expect(200)
    assert [row["id"] for row in first.data] == ["ours"]
    second = await api.get(f"/v2/auth/apps?start_key={first.body['next_start_key']}")
    assert [row["id"] for row in second.expect(200).data] == ["other"]
    filtered = await api.get("/v2/auth/apps?filter_name=Other&ascending=true")
    assert [row["id"] for row in filtered.expect(200).data] == ["other"]
    probed = await api.get(f"/v2/auth/apps?filter_client_id={CLIENT['client_id']}")
    assert probed.expect(200).data == []


async def test_an_identity_is_linked_once_and_logs_in_from_then_on(
    api: Api, provider: OpenId, ann: str
) -> None:
    first = (await come_back(api, provider)).expect(201)
    assert "auth_token" not in first.body
    link = first.data
    assert {**link, "id": ""} == {
        "id": "",
        "app": "ours",
        "provider": "example",
        "email": "ann@example.com",
    }
    path = f"/v2/auth/links/{link['id']}"
    (await api.get(path, token=ann)).expect(404)
    assert (await api.put(path, {}, token=ann)).expect(201).data == link
    assert (await api.get(path, token=ann)).expect(200).data == link
    assert (await api.get("/v2/auth/links", token=ann)).expect(200).data == [link]
    granted = (await come_back(api, provider)).expect(201)
    facts = (await api.get("/v2/token_auth", token=granted.body["auth_token"])).data
    assert (facts["method"], facts["account_id"]) == ("cb_auth", api.master.account_id)
    assert facts["owner_id"] == granted.data["owner_id"]


async def test_a_link_belongs_to_one_user(api: Api, provider: OpenId, ann: str) -> None:
    await make(api, "users", **BOB)
    bob = await api.login("bob", BOB["password"], "Master")
    path = f"/v2/auth/links/{await linked(api, provider, ann)}"
    for verb in ("GET", "PUT", "DELETE"):
        (await api.request(verb, path, {}, token=bob)).expect(404)
    assert (await api.get("/v2/auth/links", token=bob)).data == []
    (await api.put(path, {}, token=ann)).expect(201)
    (await api.get("/v2/auth/links", token="")).expect(401)
    (await api.get("/v2/auth/links/x", token=ann)).expect(404)
    key = await api.account_token(api.master.account_id)
    assert (await api.get("/v2/auth/links", token=key)).expect(200).data == []
    free = (await come_back(api, provider, {"sub": "nobody"})).expect(201).data["id"]
    (await api.put(f"/v2/auth/links/{free}", {}, token=key)).expect(403)


async def test_who_acts_as_a_user_links_nothing_that_would_outlive_that(
    api: Api, provider: OpenId
) -> None:
    free = (await come_back(api, provider, {"sub": "operator"})).expect(201).data["id"]
    path = f"/v2/auth/links/{free}"
    tenant = await api.create_account("Tenant")
    users = f"/v2/accounts/{tenant}/users"
    ann = (await api.put(users, ANN)).expect(201).data["id"]
    acting = await api.put(f"{users}/{ann}/user_auth", {}, action="impersonate_user")
    (await api.put(path, {}, token=acting.expect(201).body["auth_token"])).expect(403)
    sent = {"name": "bot", "scopes": ["*"], "owner_id": api.master.user_id}
    key = (await api.put(f"{api.account}/api_keys", sent)).expect(201).data["_read_only"]["key"]
    (await api.put(path, {}, token=key)).expect(403)
    (await api.put(path, {})).expect(201)


async def test_an_identity_that_was_given_up_has_to_be_proven_anew(
    api: Api, provider: OpenId, ann: str
) -> None:
    path = f"/v2/auth/links/{await linked(api, provider, ann)}"
    (await api.delete(path, token=ann)).expect(200)
    (await api.put(path, {}, token=ann)).expect(404)
    again = (await come_back(api, provider)).expect(201)
    assert "auth_token" not in again.body
    assert again.data["id"] not in path


async def test_a_link_that_nobody_took_soon_is_worthless(
    api: Api, provider: OpenId, ann: str
) -> None:
    first = (await come_back(api, provider)).expect(201).data["id"]
    second = (await come_back(api, provider)).expect(201).data["id"]
    (await api.put(f"/v2/auth/links/{first}", {}, token=ann)).expect(404)
    api.clock.advance(900)
    (await api.put(f"/v2/auth/links/{second}", {}, token=ann)).expect(404)


async def test_an_identity_of_a_user_who_is_gone_can_be_linked_again(
    api: Api, provider: OpenId, ann: str
) -> None:
    await linked(api, provider, ann)
    owner = (await api.get("/v2/token_auth", token=ann)).data["owner_id"]
    user = f"{api.account}/users/{owner}"
    (await api.patch(user, {"enabled": False})).expect(200)
    (await come_back(api, provider)).expect(401)
    (await api.delete(user)).expect(200)
    assert "auth_token" not in (await come_back(api, provider)).expect(201).body
    await make(api, "users", **BOB)
    await linked(api, provider, await api.login("bob", BOB["password"], "Master"))
    assert (await come_back(api, provider)).expect(201).data["owner_id"] != owner


async def test_two_that_come_at_once_make_one_link(api: Api, provider: OpenId, ann: str) -> None:
    codes = [str(number) for number in range(4)]
    provider.profiles |= dict.fromkeys(codes, WHO)
    answers = await asyncio.gather(*(come_back(api, provider, code=code) for code in codes))
    taken = [
        (await api.put(f"/v2/auth/links/{answer.data['id']}", {}, token=ann)).status
        for answer in answers
    ]
    assert taken.count(201) == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"provider": "other"},
        {"client_id": "other"},
        {"code": "other"},
        {"redirect_uri": "https://evil.example.com"},
    ],
)
async def test_what_does_not_fit_lets_nobody_in(
    api: Api, provider: OpenId, changed: dict[str, str]
) -> None:
    answer = (await come_back(api, provider, **changed)).expect(401)
    assert answer.data == {"message": "invalid credentials"}


@pytest.mark.parametrize("who", [{}, [], {"sub": ""}, {"sub": 5}, {"sub": "x" * 256}, "x"])
async def test_who_has_no_name_is_nobody(api: Api, provider: OpenId, who: Any) -> None:
    (await come_back(api, provider, who)).expect(401)


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/token", "/who"])
@pytest.mark.parametrize(
    "wrong",
    [
        {"status": 500},
        {"status": 302, "headers": {"Location": "https://evil.example.com"}},
        {"body": b"no json"},
        {"body": b"[]"},
        {"body": b'"' + b"x" * 1_000_000 + b'"'},
        {"body": b'{"token_endpoint": "http://198.51.100.1/", "userinfo_endpoint": "ftp://x/"}'},
    ],
)
async def test_a_provider_that_answers_wrongly_lets_nobody_in(
    api: Api, provider: OpenId, path: str, wrong: dict[str, Any]
) -> None:
    provider.wrong[path] = web.Response(**wrong)
    (await come_back(api, provider)).expect(401)
    assert provider.wrong == {}


async def test_a_provider_without_discovery_says_where_its_parts_are(
    api: Api, provider: OpenId
) -> None:
    places = {"access_code_url": f"{provider.url}token", "profile_url": f"{provider.url}who"}
    (await api.post(PROVIDER, places)).expect(200)
    (await come_back(api, provider)).expect(201)
    (await api.post(PROVIDER, {})).expect(200)
    (await come_back(api, provider)).expect(401)
    (await api.post(PROVIDER, {**places, "enabled": False})).expect(200)
    (await come_back(api, provider)).expect(401)


async def test_a_provider_that_is_not_there_lets_nobody_in(api: Api, provider: OpenId) -> None:
    (await api.post(PROVIDER, {"discovery": "http://127.0.0.1:1/"})).expect(200)
    (await come_back(api, provider)).expect(401)


async def test_this_way_in_is_held_to_the_settings_of_the_account(
    api: Api, provider: OpenId, ann: str
) -> None:
    await linked(api, provider, ann)
    closed = {"auth_modules": {"cb_auth": {"enabled": False}}}
    (await api.post(f"{api.account}/security", closed)).expect(200)
    (await come_back(api, provider)).expect(401)


async def test_who_guesses_codes_has_to_wait(api: Api, provider: OpenId) -> None:
    statuses = [(await come_back(api, provider, code="x")).status for _ in range(7)]
    assert statuses == [401] * 6 + [429]
    refusal(await api.put("/v2/auth/callback", {}, token=""), "code", "required")


async def test_providers_and_registrations_are_shown_without_secrets(
    api: Api, provider: OpenId, ann: str
) -> None:
    factor = {"enabled": True, "name": "Factor", "provider_name": "duo"}
    made = (await api.put("/v2/multi_factor", factor)).expect(201).data["id"]
    listed = (await api.get("/v2/auth/providers", token=ann)).expect(200).data
    assert listed == [
        {
            "id": "example",
            "name": "Example",
            "provider_name": "example",
            "provider_type": "oauth",
        },
        {**factor, "id": made, "provider_type": "multi_factor"},
    ]
    shown = (await api.get(PROVIDER, token=ann)).expect(200).data
    assert (shown["id"], shown["name"]) == ("example", "Example")
    (row,) = (await api.get("/v2/auth/apps?full_docs=true", token=ann)).expect(200).data
    assert row == {"id": "ours", "name": "Ours", "provider": "example"}
    app = (await api.get(APP, token=ann)).expect(200)
    assert app.data["client_id"] == CLIENT["client_id"]
    assert CLIENT["secret"].encode() not in app.content
    kept = await api.gateway.services.store.get(Key(SYSTEM, "auth_app", "ours"))
    assert CLIENT["secret"].encode() not in orjson.dumps(kept)


async def test_a_secret_that_a_lost_one_sealed_cannot_be_used(
    api: Api, provider: OpenId, ann: str
) -> None:
    store, place = api.gateway.services.store, Key(SYSTEM, "auth_app", "ours")
    kept = await store.get(place)
    assert kept is not None
    lost = {**kept, "pvt_secret_sealed": "by another server"}
    await store.commit(Batch(puts=(Put(place, lost, kept["_rev"]),)))
    (await come_back(api, provider)).expect(401)
    (await api.post(APP, {**CLIENT, "provider": "example"})).expect(200)
    (await come_back(api, provider)).expect(201)


async def test_only_operators_change_them(api: Api, provider: OpenId) -> None:
    token = await api.account_token(await api.create_account("Tenant"))
    for path in (PROVIDER, APP):
        (await api.get(path, token=token)).expect(200)
        (await api.post(path, {}, token=token)).expect(403)
        (await api.delete(path, token=token)).expect(403)
    in_use = (await api.delete(PROVIDER)).expect(409)
    assert in_use.body["message"] == "apps exist for provider"
    (await api.delete(APP)).expect(200)
    (await api.delete(PROVIDER)).expect(200)
    for path in (PROVIDER, APP):
        (await api.get(path)).expect(404)
        (await api.delete(path)).expect(404)


@pytest.mark.parametrize(
    "address", ["http://example.com/", "ftp://example.com", "https://", "x", 5, "https://[x"]
)
async def test_addresses_in_the_open_are_refused(api: Api, address: Any) -> None:
    sent = {"id": "example", "discovery": address}
    refusal(await api.put("/v2/auth/providers", sent), "discovery", "invalid")


@pytest.mark.parametrize("wrong", ["No Id", "", "x" * 65, 5, None])
async def test_ids_are_short_and_plain(api: Api, wrong: Any) -> None:
    sent = {**CLIENT, "provider": "example", "id": wrong}
    for path in ("/v2/auth/providers", "/v2/auth/apps"):
        refusal(await api.put(path, sent), "id", "invalid")
        (await api.put(path, [])).expect(400)


async def test_they_are_created_once_and_replaced(api: Api, provider: OpenId) -> None:
    refusal(await api.post(APP, {}), "secret", "required")
    stored = (await api.post(PROVIDER, {"id": "other"})).expect(200)
    assert stored.data["id"] == "example"
    (await api.put("/v2/auth/providers", {"id": "example"})).expect(409)
    (await api.post("/v2/auth/providers/other", {})).expect(404)
    created = await api.put("/v2/auth/providers", {"id": "other"})
    assert created.headers["Location"] == "/v2/auth/providers/other"
