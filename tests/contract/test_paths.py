"""Paths: versions, aliases, slashes, nesting (docs/protocol.md §1)."""

from __future__ import annotations

import pytest

from tests.conftest import Api
from tests.contract.conftest import Tree, on_any_store
from tests.contract.kit import UNKNOWN, bare_exchange, create_all, http, ids

pytestmark = on_any_store

USER = {"first_name": "Ann", "last_name": "Lee"}


@pytest.mark.parametrize("verb", ["GET", "POST"])
async def test_the_root_greets(api: Api, verb: str) -> None:
    for target in ("/", "/?v2", "http://gateway.example", "http://gateway.example/"):
        answer = (await bare_exchange(api, http(verb, target))).expect(200)
        assert answer.headers["content-type"] == "text/plain; charset=utf-8", target
        assert b"/v2/" in answer.content, target


@pytest.mark.parametrize("verb", ["GET", "POST"])
@pytest.mark.parametrize(
    "path",
    [
        "/x",
        "/v",
        "/version",
        "/V2",
        "/v2x/schemas",
        "//",
        "//v2",
        "/%76%32",
        "/vv2/",
        "/%FF",
        "/.well-known/x",
    ],
)
async def test_nothing_else_is_found_outside_of_the_api(api: Api, verb: str, path: str) -> None:
    answer = (await bare_exchange(api, http(verb, path))).expect(404)
    assert answer.body["message"] == "not_found"
    assert answer.headers["x-request-id"] == answer.body["request_id"]


async def test_nobody_is_told_that_there_is_a_tunnel(api: Api) -> None:
    answer = await bare_exchange(api, http("CONNECT", "example.com:443"))
    assert answer.expect(501).content == b""


async def test_version_1_is_gone(api: Api) -> None:
    for path in ("/v1", "/v1/accounts", "/v1/accounts/nope", "/v1/user_auth", "/v1?x=1"):
        for verb in ("GET", "PUT", "DELETE"):
            for token in ("", api.token):
                answer = (await api.request(verb, path, token=token)).expect(410)
                assert answer.body["message"] == "gone"
                assert "version 2" in answer.data["message"]


@pytest.mark.parametrize("path", ["/v3", "/v3/schemas", "/v0/", "/v22/schemas", "/v3?x"])
async def test_other_versions_are_404(api: Api, path: str) -> None:
    assert (await api.get(path)).expect(404).body["message"] == "not_found"


@pytest.mark.parametrize(
    "path",
    [
        "/v2",
        "/v2/",
        "/v2?x=1",
        "/v2/nope",
        "/v2/Schemas",
        "/v2//schemas",
        "/v2/schemas//users",
        "/v2/schemas/users/nope",
        "/v2/accounts//users",
    ],
)
async def test_an_unknown_path_is_404_for_everybody(api: Api, tree: Tree, path: str) -> None:
    for token in ("", api.token, tree.tokens["child"]):
        answer = (await api.get(path, token=token)).expect(404)
        assert answer.body["message"] == "not_found"
        assert answer.data == {"message": "not found"}


async def test_an_unknown_path_below_an_account_is_404_for_everybody(api: Api, tree: Tree) -> None:
    for account_id in (api.master.account_id, UNKNOWN, "x"):
        for end in ("nope", "menus/x/y", "users/x/nope", "users//devices", "menus//x", "Menus"):
            for token in ("", api.token, tree.tokens["stranger"]):
                answer = await api.get(f"/v2/accounts/{account_id}/{end}", token=token)
                assert answer.expect(404).body["message"] == "not_found", end


async def test_the_account_of_the_caller_has_an_alias(api: Api, tree: Tree) -> None:
    token = tree.tokens["child"]
    (await api.put("/v2/account/menus", {"name": "x"}, token=token)).expect(201)
    by_alias = (await api.get("/v2/account/menus/", token=token)).expect(200)
    by_id = (await api.get(f"/v2/accounts/{tree.child}/menus", token=token)).expect(200)
    assert by_alias.data == by_id.data != []
    own = (await api.get("/v2/account", token=token)).expect(200)
    assert own.data["id"] == tree.child
    for bad in ("", "garbage"):
        answer = await api.get("/v2/account/menus", token=bad)
        assert answer.expect(401).body["message"] == "invalid_credentials"


async def test_accounts_alone_take_only_put(api: Api, tree: Tree) -> None:
    for verb in ("GET", "POST", "PATCH", "DELETE"):
        answer = await api.request(verb, "/v2/accounts", token="")
        assert answer.expect(405).headers["Allow"] == "PUT"
    created = await api.put("/v2/accounts", {"name": "Below"}, token=tree.tokens["child"])
    path = f"/v2/accounts/{created.expect(201).data['id']}"
    assert created.headers["Location"] == path
    rows = (await api.get(f"{path}/tree")).expect(200).data
    assert [row["id"] for row in rows][-1] == tree.child


async def test_an_id_is_compared_by_its_case(api: Api) -> None:
    [menu] = await create_all(api, f"{api.account}/menus", [{"name": "x", "id": "ab" * 16}])
    (await api.get(f"{api.account}/menus/{menu.upper()}")).expect(404)
    (await api.get(f"/v2/accounts/{api.master.account_id.upper()}")).expect(404)


async def test_encoded_tokens_are_the_same_tokens(api: Api) -> None:
    for path in ("/v2/%73chemas/user%73", f"/v2/account%73/{api.master.account_id}/%6denus"):
        target = f"{path}?auth_token={api.token}"
        (await bare_exchange(api, http("GET", target))).expect(200)


async def test_a_target_may_be_a_whole_url(api: Api) -> None:
    for target in ("http://gateway.example/v2/schemas", "HTTPS://gateway.example:80/v2/schemas?x"):
        answer = await bare_exchange(api, http("GET", target))
        assert "users" in answer.expect(200).data


async def test_a_schema_may_be_called_like_a_family(api: Api) -> None:
    for name in ("devices", "accounts", "schemas.x"):
        answer = await api.get(f"/v2/schemas/{name}", token="")
        assert answer.status == (404 if name == "schemas.x" else 200)


@pytest.mark.parametrize("noun", ["devices", "vmboxes", "callflows", "conferences"])
async def test_a_nested_path_is_scoped_by_its_user(api: Api, noun: str) -> None:
    users = f"{api.account}/users"
    ann, bob = await create_all(api, users, [USER, USER])
    sent = {"name": "x", "numbers": ["2001"], "mailbox": "1", "owner_id": ann}
    if noun == "conferences":
        sent = {"name": "x", "owner_id": ann}
    [owned] = await create_all(api, f"{api.account}/{noun}", [sent])
    assert ids(await api.get(f"{users}/{ann}/{noun}")) == [owned]
    assert ids(await api.get(f"{users}/{bob}/{noun}")) == []
    (await api.get(f"{users}/{ann}/{noun}/{owned}")).expect(200)
    (await api.delete(f"{users}/{ann}")).expect(200)
    answer = (await api.get(f"{users}/{ann}/{noun}")).expect(404)
    assert answer.data == {"message": "bad identifier", "cause": ann}


async def test_creating_below_a_user_answers_a_location_that_works(api: Api) -> None:
    [ann] = await create_all(api, f"{api.account}/users", [USER])
    path = f"{api.account}/users/{ann}/devices"
    answer = (await api.put(path, {"name": "x", "owner_id": ann})).expect(201)
    location = answer.headers["Location"]
    assert location == f"{path}/{answer.data['id']}"
    assert (await api.get(location)).expect(200).data == answer.data
    assert ids(await api.get(path)) == [answer.data["id"]]
