"""Keys over the API: who may make them, for whom, for what; told once, used, changed, revoked."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Answer, Api
from tests.contract.conftest import on_every_store
from tests.families.support import ANN, make, refusal

ROBOT = {"name": "Robot", "scopes": ["*"]}
LATER = 10_000


def keys_path(api: Api) -> str:
    return f"{api.account}/api_keys"


async def create(api: Api, *, token: str | None = None, **fields: Any) -> tuple[str, str]:
    """A new key's path and text."""
    answer = (await api.put(keys_path(api), ROBOT | fields, token=token)).expect(201)
    return f"{keys_path(api)}/{answer.data['id']}", answer.data["_read_only"]["key"]


async def ann(api: Api, **more: Any) -> str:
    """The id of a user who is no administrator."""
    return await make(api, "users", **ANN | more)


async def test_every_scope_that_is_listed_can_be_given(api: Api) -> None:
    listed = (await api.get(f"{keys_path(api)}/scopes")).expect(200).data
    for dialect, scopes in listed.items():
        assert ("*" in scopes) == (dialect != "switch")
        path, _ = await create(api, dialect=dialect, scopes=scopes)
        assert (await api.get(path)).expect(200).data["scopes"] == scopes


@on_every_store
async def test_a_key_is_told_once_and_works(api: Api) -> None:
    fields = {"name": "Robot", "scopes": ["view:user", "view:account"], "rate_limit": 100}
    created = (await api.put(keys_path(api), fields)).expect(201)
    now = api.clock.gregorian()
    secret = created.data["_read_only"].pop("key")
    assert created.data == {
        **fields,
        "id": created.data["id"],
        "dialect": "v2",
        "enabled": True,
        "_read_only": {"prefix": secret[:16], "created": now},
    }
    path = f"{keys_path(api)}/{created.data['id']}"
    assert created.headers["Location"].endswith(created.data["id"])
    (await api.get(f"{api.account}/users", token=secret)).expect(200)
    shown = (await api.get(path)).expect(200)
    assert shown.data["_read_only"] == {
        "prefix": secret[:16],
        "created": now,
        "last_used": now,
        "last_used_from": "127.0.0.1",
    }
    (row,) = (await api.get(keys_path(api))).expect(200).data
    assert row == {
        "id": created.data["id"],
        "name": "Robot",
        "dialect": "v2",
        "scopes": ["view:user", "view:account"],
        "enabled": True,
        "prefix": secret[:16],
        "last_used": now,
    }
    for answer in (
        shown,
        await api.get(keys_path(api)),
        await api.get(f"{keys_path(api)}?full_docs=true"),
        await api.patch(path, {"name": "Other"}),
        await api.delete(path),
    ):
        assert secret not in answer.expect(200).content.decode()


async def test_a_key_of_v1_tells_the_number_of_its_account(api: Api) -> None:
    created = (await api.put(keys_path(api), ROBOT | {"dialect": "v1"})).expect(201).data
    assert created["_read_only"]["perscom_id"] == 1
    assert created["_read_only"]["key"].count(".") == 2
    assert "prefix" not in created["_read_only"]


async def test_a_disabled_key_is_nobody_until_it_is_enabled(api: Api) -> None:
    path, secret = await create(api)
    (await api.get(api.account, token=secret)).expect(200)
    (await api.patch(path, {"enabled": False})).expect(200)
    (await api.get(api.account, token=secret)).expect(401)
    (await api.patch(path, {"enabled": True})).expect(200)
    (await api.get(api.account, token=secret)).expect(200)


async def test_a_deleted_key_is_nobody_at_once(api: Api) -> None:
    path, secret = await create(api)
    (await api.get(api.account, token=secret)).expect(200)
    (await api.delete(path)).expect(200)
    (await api.get(api.account, token=secret)).expect(401)
    (await api.get(path)).expect(404)


async def test_scopes_can_be_changed_and_hold_at_once(api: Api) -> None:
    path, secret = await create(api)
    (await api.get(f"{api.account}/devices", token=secret)).expect(200)
    (await api.patch(path, {"scopes": ["view:user"]})).expect(200)
    (await api.get(f"{api.account}/devices", token=secret)).expect(403)
    (await api.get(f"{api.account}/users", token=secret)).expect(200)


async def test_a_replaced_key_keeps_its_text_dialect_and_owner(api: Api) -> None:
    user_id = await ann(api, priv_level="admin")
    path, secret = await create(api, owner_id=user_id, rate_limit=5)
    replaced = (await api.post(path, {"name": "New", "scopes": ["view:user"]})).expect(200).data
    assert (replaced["owner_id"], replaced["dialect"]) == (user_id, "v2")
    assert "rate_limit" not in replaced
    (await api.get(f"{api.account}/users", token=secret)).expect(200)


@pytest.mark.parametrize(
    ("fields", "path", "rule"),
    [
        ({"name": None}, "name", "required"),
        ({"scopes": None}, "scopes", "required"),
        ({"scopes": []}, "scopes", "minItems"),
        ({"scopes": "*"}, "scopes", "type"),
        ({"scopes": [1]}, "scopes.0", "type"),
        ({"scopes": ["*", "*"]}, "scopes", "uniqueItems"),
        ({"scopes": ["view:user", "view:unicorn"]}, "scopes.1", "enum"),
        ({"scopes": ["view:user"], "dialect": "v1_1"}, "scopes.0", "enum"),
        ({"dialect": "v3"}, "dialect", "enum"),
        ({"owner_id": "0" * 32}, "owner_id", "not_found"),
        ({"owner_id": "x"}, "owner_id", "minLength"),
        ({"expires": 1_800_000_000}, "expires", "minimum"),
        ({"rate_limit": 0}, "rate_limit", "minimum"),
        ({"rate_limit": 60_001}, "rate_limit", "maximum"),
    ],
)
async def test_what_no_key_can_have_is_refused(
    api: Api, fields: dict[str, Any], path: str, rule: str
) -> None:
    wanted = {name: value for name, value in (ROBOT | fields).items() if value is not None}
    refusal(await api.put(keys_path(api), wanted), path, rule)
    assert (await api.get(keys_path(api))).data == []


async def test_what_is_chosen_once_cannot_be_changed(api: Api) -> None:
    user_id = await ann(api)
    path, _ = await create(api)
    refusal(await api.patch(path, {"dialect": "v1"}), "dialect", "invalid")
    refusal(await api.patch(path, {"owner_id": user_id}), "owner_id", "invalid")


async def test_a_key_that_is_over_can_be_renamed(api: Api) -> None:
    path, secret = await create(api, expires=api.clock.gregorian() + 60)
    api.clock.advance(60)
    (await api.get(api.account, token=secret)).expect(401)
    (await api.patch(path, {"name": "Old"})).expect(200)
    (await api.patch(path, {"expires": None})).expect(200)
    (await api.get(api.account, token=secret)).expect(200)


async def test_only_administrators_see_and_make_keys(api: Api) -> None:
    account_id = await api.create_account("Child")
    base = f"/v2/accounts/{account_id}"
    for user in (ANN, {**ANN, "username": "boss", "priv_level": "admin"}):
        (await api.put(f"{base}/users", user)).expect(201)
    path = f"{base}/api_keys"
    boss = await api.login("boss", "s3cret", "Child")
    key_id = (await api.put(path, ROBOT, token=boss)).expect(201).data["id"]
    (await api.get(path, token=boss)).expect(200)
    plain = await api.login("ann", "s3cret", "Child")
    for answer in (
        await api.get(path, token=plain),
        await api.put(path, ROBOT, token=plain),
        await api.get(f"{path}/{key_id}", token=plain),
        await api.get(f"{path}/{'0' * 32}", token=plain),
        await api.post(f"{path}/{key_id}", ROBOT, token=plain),
        await api.patch(f"{path}/{key_id}", {}, token=plain),
        await api.delete(f"{path}/{key_id}", token=plain),
    ):
        answer.expect(403)
    (await api.get(path, token=await api.account_token(account_id))).expect(200)


# What a key may make


async def makes(api: Api, secret: str, **fields: Any) -> Answer:
    return await api.put(keys_path(api), ROBOT | fields, token=secret)


async def test_a_key_makes_keys_that_may_no_more_than_itself(api: Api) -> None:
    scopes = ["create:api_key", "view:user", "view:device"]
    _, secret = await create(api, scopes=scopes)
    (await makes(api, secret, scopes=["view:user"])).expect(201)
    (await makes(api, secret, scopes=scopes)).expect(201)
    for wrong in (["*"], ["view:user", "update:user"], ["delete:api_key"]):
        (await makes(api, secret, scopes=wrong)).expect(403)
    (await makes(api, secret, scopes=["view:user"], dialect="v1")).expect(403)
    (await makes(api, secret, scopes=["view:unicorn"])).expect(400)


async def test_a_key_without_the_scope_makes_none(api: Api) -> None:
    _, secret = await create(api, scopes=["view:api_key"])
    (await makes(api, secret, scopes=["view:api_key"])).expect(403)
    (await api.get(keys_path(api), token=secret)).expect(200)


async def test_a_key_for_everything_makes_any_key(api: Api) -> None:
    _, secret = await create(api)
    for fields in ({}, {"dialect": "v1"}, {"scopes": ["view:user"]}):
        (await makes(api, secret, **fields)).expect(201)


async def test_a_key_makes_none_that_lasts_longer(api: Api) -> None:
    expires = api.clock.gregorian() + LATER
    _, secret = await create(api, expires=expires)
    (await makes(api, secret)).expect(403)
    (await makes(api, secret, expires=expires + 1)).expect(403)
    (await makes(api, secret, expires=expires)).expect(201)


async def test_a_key_makes_none_that_acts_as_somebody_else(api: Api) -> None:
    user_id = await ann(api, priv_level="admin")
    _, secret = await create(api)
    (await makes(api, secret, owner_id=user_id)).expect(403)
    _, owned = await create(api, owner_id=user_id)
    (await makes(api, owned, owner_id=user_id)).expect(201)


async def test_a_key_changes_no_key_that_may_more(api: Api) -> None:
    own, secret = await create(api, scopes=["update:api_key", "view:user"])
    mighty, _ = await create(api)
    (await api.patch(own, {"name": "Me"}, token=secret)).expect(200)
    (await api.patch(own, {"scopes": ["*"]}, token=secret)).expect(403)
    (await api.patch(mighty, {"scopes": ["view:user"]}, token=secret)).expect(403)
    (await api.patch(mighty, {"enabled": False}, token=secret)).expect(403)


async def test_a_key_of_a_user_who_is_no_administrator_makes_none(api: Api) -> None:
    account_id = await api.create_account("Child")
    base = f"/v2/accounts/{account_id}"
    user_id = (await api.put(f"{base}/users", ANN)).expect(201).data["id"]
    created = await api.put(f"{base}/api_keys", ROBOT | {"owner_id": user_id})
    secret = created.expect(201).data["_read_only"]["key"]
    (await api.get(f"{base}/users", token=secret)).expect(200)
    (await api.put(f"{base}/api_keys", ROBOT, token=secret)).expect(403)


async def test_a_limited_key_does_not_get_at_the_key_of_the_account(api: Api) -> None:
    scopes = ["view:account", "create:account", "update:account"]
    _, secret = await create(api, owner_id=api.master.user_id, scopes=scopes)
    (await api.get(f"{api.account}/api_key", token=secret)).expect(403)
    (await api.put(f"{api.account}/api_key", token=secret)).expect(403)
    path = f"{api.account}?include_api_key=true"
    assert "api_key" not in (await api.get(path, token=secret)).expect(200).data
    assert "api_key" in (await api.get(path)).expect(200).data
    _, mighty = await create(api, owner_id=api.master.user_id)
    (await api.get(f"{api.account}/api_key", token=mighty)).expect(200)


async def test_the_one_key_of_the_account_goes_on_working(api: Api) -> None:
    await create(api)
    login = await api.put("/v2/api_auth", {"api_key": api.master.api_key}, token="")
    assert login.expect(201).body["auth_token"]


async def test_an_id_may_be_chosen_once(api: Api) -> None:
    chosen = "0123456789abcdef" * 2
    path, secret = await create(api, id=chosen)
    assert path.endswith(chosen)
    (await api.get(api.account, token=secret)).expect(200)
    (await api.put(keys_path(api), ROBOT | {"id": chosen})).expect(409)
    single = {"name": "Visitors", "dialect": "v1_1", "scopes": ["*"], "id": chosen}
    (await api.put(keys_path(api), single)).expect(409)


async def test_a_key_dies_with_its_account(api: Api) -> None:
    account_id = await api.create_account("Child")
    base = f"/v2/accounts/{account_id}"
    created = (await api.put(f"{base}/api_keys", ROBOT)).expect(201)
    secret = created.data["_read_only"]["key"]
    (await api.get(base, token=secret)).expect(200)
    (await api.delete(base)).expect(200)
    (await api.get("/v2/token_auth", token=secret)).expect(401)
