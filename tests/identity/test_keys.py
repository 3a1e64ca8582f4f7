"""Named API keys: made, recognised in their dialect only, limited, used up and revoked."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import replace
from typing import Any

import orjson
import pytest

from crossbar.app import open_gateway
from crossbar.core import writing
from crossbar.core.directory import Account
from crossbar.core.requests import Caller
from crossbar.documents import Document
from crossbar.errors import Conflict, InvalidCredentials, NoSuchDocument, TooManyRequests
from crossbar.identity.keys import Keys
from crossbar.storage import Batch, Key, Put, Remove, RevisionConflict, Unreachable
from tests.conftest import Api
from tests.contract.conftest import on_every_store
from tests.families.support import interrupt_commits, make, set_private, stored

DIALECTS = ("v2", "v1", "v1_1")
HOME = "127.0.0.1"


def keys_of(api: Api) -> Keys:
    return api.gateway.identity.keys


async def master_of(api: Api) -> Account:
    account = await api.gateway.services.accounts.get(api.master.account_id)
    assert account is not None
    return account


async def new_key(api: Api, dialect: str = "v2", **more: Any) -> tuple[Document, str]:
    return await keys_of(api).create(await master_of(api), dialect=dialect, name="K", **more)


async def caller_of(api: Api, secret: str, dialect: str = "v2") -> Caller:
    return await keys_of(api).authenticate(secret, dialect, HOME)


async def overwrite(api: Api, key: Document, **changes: Any) -> None:
    """Change a key's document, as other processes may."""
    services = api.gateway.services
    place = Key(api.master.account_id, "api_key", key["_id"])
    before = await stored(api, "api_key", key["_id"])
    after = {**before, **changes}
    await services.store.commit(Batch(puts=(Put(place, after, before["_rev"]),)))
    api.gateway.identity.callers.forget()


def claims_of(secret: str) -> Any:
    payload = secret.split(".")[1]
    return orjson.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


@on_every_store
@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_key_is_known_in_its_own_dialect_only(api: Api, dialect: str) -> None:
    key, secret = await new_key(api, dialect)
    for _ in range(2):  # verified, and then remembered
        for other in DIALECTS:
            if other != dialect:
                with pytest.raises(InvalidCredentials):
                    await caller_of(api, secret, other)
        caller = await caller_of(api, secret, dialect)
        assert (caller.account_id, caller.user_id) == (api.master.account_id, None)
        assert (caller.method, caller.token, caller.rules) == ("cb_api_keys", None, None)
        assert caller.claims["key_id"] == key["_id"]
        assert (caller.claims["dialect"], caller.claims["scopes"]) == (dialect, ["*"])


@on_every_store
async def test_only_a_keyed_hash_is_kept(api: Api) -> None:
    for dialect in DIALECTS:
        key, secret = await new_key(api, dialect)
        kept = orjson.dumps(await stored(api, "api_key", key["_id"])).decode()
        assert secret not in kept
        assert secret[30:] not in kept
        assert secret.rpartition(".")[2][-43:] not in kept


@pytest.mark.parametrize(("dialect", "prefix"), [("v2", "cbk2_"), ("v1_1", "cbk11_")])
async def test_a_secret_text_can_be_told_by_its_look(api: Api, dialect: str, prefix: str) -> None:
    key, secret = await new_key(api, dialect)
    assert secret.startswith(prefix)
    assert len(secret) == len(prefix) + 86
    assert key["pvt_prefix"] == secret[:16]


async def test_a_key_of_v1_is_a_jwt_that_clients_can_read(api: Api) -> None:
    user_id = await make(api, "users", username="ann", password="s3cret")
    expires = api.clock.gregorian() + 60
    key, secret = await new_key(
        api, "v1", scopes=("view:user",), expires=expires, owner_id=user_id
    )
    now = api.clock.unix()
    account = await master_of(api)
    assert claims_of(secret) == {
        "jti": key["_id"],
        "sub": user_id,
        "scopes": ["view:user"],
        "tenant": account.document["pvt_perscom_id"],
        "iat": now,
        "nbf": now,
        "exp": now + 60,
    }
    assert key["pvt_prefix"] is None


async def test_a_key_of_v1_without_owner_and_end_says_so(api: Api) -> None:
    _, secret = await new_key(api, "v1")
    claims = claims_of(secret)
    assert claims["sub"] == api.master.account_id
    assert "exp" not in claims


async def test_a_changed_text_is_nobody(api: Api) -> None:
    for dialect in DIALECTS:
        _, secret = await new_key(api, dialect)
        swapped = secret[:-2] + ("AA" if secret[-2:] != "AA" else "BB")
        for wrong in (swapped, secret + "A", secret[:-1], f"{secret} ", ""):
            with pytest.raises(InvalidCredentials):
                await caller_of(api, wrong, dialect)


def payload(**claims: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(claims)).decode().rstrip("=")


@pytest.mark.parametrize(
    "wrong",
    [
        "x",
        "a.b",
        "a.b.c.d",
        "..",
        "a.é.c",
        "a.e30.c",
        f"a.{base64.urlsafe_b64encode(b'[]').decode()}.c",
        f"a.{base64.urlsafe_b64encode(b'1').decode()}.c",
        f"a.{payload(tenant='1', jti='x')}.c",
        f"a.{payload(tenant=True, jti='x')}.c",
        f"a.{payload(tenant=1, jti=['x'])}.c",
        f"a.{payload(tenant=1, jti='x')}.c",
        f"a.{payload(tenant=99, jti='x')}.c",
        "a" * 9000,
    ],
)
async def test_texts_that_are_no_jwt_of_ours_are_nobody(api: Api, wrong: str) -> None:
    await new_key(api, "v1")
    with pytest.raises(InvalidCredentials):
        await caller_of(api, wrong, "v1")


async def test_a_key_acts_as_its_owner(api: Api) -> None:
    user_id = await make(api, "users", username="ann", password="s3cret")
    for dialect in DIALECTS:
        _, secret = await new_key(api, dialect, owner_id=user_id)
        caller = await caller_of(api, secret, dialect)
        assert (caller.user_id, caller.priv_level, caller.is_admin_user) == (
            user_id,
            "user",
            False,
        )


async def test_a_key_dies_with_its_owner(api: Api) -> None:
    user_id = await make(api, "users", username="ann", password="s3cret")
    _, secret = await new_key(api, owner_id=user_id)
    path = f"{api.account}/users/{user_id}"
    await caller_of(api, secret)
    (await api.patch(path, {"enabled": False})).expect(200)
    with pytest.raises(InvalidCredentials):
        await caller_of(api, secret)
    (await api.patch(path, {"enabled": True})).expect(200)
    await caller_of(api, secret)
    (await api.delete(path)).expect(200)
    with pytest.raises(InvalidCredentials):
        await caller_of(api, secret)


async def test_a_key_has_the_rules_of_its_scopes(api: Api) -> None:
    _, secret = await new_key(api, scopes=("view:user",))
    caller = await caller_of(api, secret)
    assert caller.rules == {"users": [{"rules": {"#": ["GET"]}}]}


async def test_a_key_is_nobody_from_its_end_on(api: Api) -> None:
    _, secret = await new_key(api, expires=api.clock.gregorian() + 60)
    await caller_of(api, secret)
    api.clock.advance(59)
    await caller_of(api, secret)
    api.clock.advance(1)
    for _ in range(2):
        with pytest.raises(InvalidCredentials):
            await caller_of(api, secret)


async def test_a_key_is_nobody_while_its_account_is_disabled_or_its_trial_over(api: Api) -> None:
    account_id = await api.create_account("Child")
    account = await api.gateway.services.accounts.get(account_id)
    assert account is not None
    _, secret = await keys_of(api).create(account, dialect="v2", name="K")
    await caller_of(api, secret)
    path = f"/v2/accounts/{account_id}"
    (await api.patch(path, {"enabled": False})).expect(200)
    with pytest.raises(InvalidCredentials):
        await caller_of(api, secret)
    (await api.patch(path, {"enabled": True})).expect(200)
    await set_private(api, account_id, pvt_trial_expires=api.clock.gregorian() + 10)
    await caller_of(api, secret)
    api.clock.advance(10)
    with pytest.raises(InvalidCredentials):
        await caller_of(api, secret)


@pytest.mark.parametrize("change", [{"enabled": False}, {"pvt_deleted": True}])
async def test_a_key_that_is_disabled_or_deleted_is_nobody(
    api: Api, change: dict[str, bool]
) -> None:
    key, secret = await new_key(api)
    await overwrite(api, key, **change)
    with pytest.raises(InvalidCredentials):
        await caller_of(api, secret)


@on_every_store
async def test_a_revoked_key_is_nobody_at_once(api: Api) -> None:
    for dialect in DIALECTS:
        key, secret = await new_key(api, dialect)
        await caller_of(api, secret, dialect)
        for _ in range(2):
            await keys_of(api).revoke(api.master.account_id, key["_id"])
            with pytest.raises(InvalidCredentials):
                await caller_of(api, secret, dialect)


@on_every_store
async def test_a_key_that_another_process_revoked_is_nobody_within_a_second(api: Api) -> None:
    services = api.gateway.services
    key, secret = await new_key(api)
    async with open_gateway(services.settings, clock=api.clock) as other:
        await other.identity.keys.authenticate(secret, "v2", HOME)
        await keys_of(api).revoke(api.master.account_id, key["_id"])
        for _ in range(10):
            await asyncio.sleep(0.1)
            try:
                await other.identity.keys.authenticate(secret, "v2", HOME)
            except InvalidCredentials:
                return
    pytest.fail("the key was still accepted after a second")


async def test_a_key_has_a_rate_limit_of_its_own(api: Api) -> None:
    _, secret = await new_key(api, rate_limit=3)
    _, unlimited = await new_key(api)
    for _ in range(3):
        await caller_of(api, secret)
    with pytest.raises(TooManyRequests) as refused:
        await caller_of(api, secret)
    assert refused.value.retry_after == 20
    await caller_of(api, unlimited)
    api.clock.advance(20)
    await caller_of(api, secret)
    with pytest.raises(TooManyRequests):
        await caller_of(api, secret)


@on_every_store
async def test_the_last_use_is_noted_once_a_minute_and_silently(api: Api) -> None:
    key, secret = await new_key(api)
    store = api.gateway.services.store
    events = await store.last_event()
    used = api.clock.gregorian()
    await caller_of(api, secret)
    api.clock.advance(59)
    await caller_of(api, secret)
    noted = await stored(api, "api_key", key["_id"])
    assert (noted["pvt_last_used"], noted["pvt_last_used_from"]) == (used, HOME)
    assert noted["_rev"] == key["_rev"]
    api.clock.advance(1)
    await caller_of(api, secret)
    assert (await stored(api, "api_key", key["_id"]))["pvt_last_used"] == used + 60
    assert await store.last_event() == events


async def test_a_use_that_cannot_be_noted_is_no_reason_to_refuse(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, secret = await new_key(api)
    store = api.gateway.services.store
    place = Key(api.master.account_id, "api_key", key["_id"])

    async def fail(batch: Batch) -> None:
        raise failures.pop()

    failures = [Unreachable(), RevisionConflict(place)]
    monkeypatch.setattr(store, "commit", fail)
    await caller_of(api, secret)
    api.clock.advance(60)
    await caller_of(api, secret)
    assert not failures


async def test_a_use_is_not_noted_of_a_key_that_has_just_gone(api: Api) -> None:
    key, secret = await new_key(api)
    await caller_of(api, secret)
    api.clock.advance(60)
    # Another process has revoked it, and this one has not heard of it yet.
    place = Key(api.master.account_id, "api_key", key["_id"])
    await api.gateway.services.store.commit(Batch(removes=(Remove(place),)))
    await caller_of(api, secret)
    assert await api.gateway.services.store.get(place) is None


async def test_notes_of_uses_do_not_grow_for_ever(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crossbar.identity.keys.MAX_NOTED", 1)
    for _ in range(3):
        await caller_of(api, (await new_key(api))[1])
    assert len(keys_of(api)._noted) == 1


async def test_keys_outlive_a_change_of_the_servers_secret(api: Api) -> None:
    made = {dialect: (await new_key(api, dialect))[1] for dialect in DIALECTS}
    settings = api.gateway.services.settings
    older, newer = settings.secrets.values[0], "n" * 64
    for values in ((newer, older), (newer,)):
        renewed_by = replace(settings, secrets=replace(settings.secrets, values=values))
        api.clock.advance(60)
        async with open_gateway(renewed_by, clock=api.clock) as renewed:
            for dialect, secret in made.items():
                await renewed.identity.keys.authenticate(secret, dialect, HOME)


# Account numbers


@on_every_store
async def test_accounts_get_numbers_when_they_are_first_needed(api: Api) -> None:
    accounts = api.gateway.services.accounts
    child_id = await api.create_account("Child")
    child = await accounts.get(child_id)
    assert child is not None
    assert "pvt_perscom_id" not in child.document
    await new_key(api, "v2")
    assert await accounts.find("perscom_id", "1") == []
    secrets = [(await keys_of(api).create(child, dialect="v1", name="K"))[1] for _ in range(2)]
    assert [claims_of(secret)["tenant"] for secret in secrets] == [1, 1]
    assert claims_of((await new_key(api, "v1"))[1])["tenant"] == 2
    (found,) = await accounts.find("perscom_id", "1")
    assert found.account_id == child_id
    known = await accounts.get(child_id)
    assert known is not None
    assert known.document["pvt_perscom_id"] == 1
    # The name and the realm are still claimed and found.
    assert [each.account_id for each in await accounts.find("name", "child")] == [child_id]
    (await api.put(api.account, {"name": "Child"})).expect(400)


@on_every_store
async def test_numbers_are_given_once_however_many_ask(api: Api) -> None:
    ids = [await api.create_account(f"A{number}") for number in range(5)]
    tenants = keys_of(api)._tenants
    numbers = await asyncio.gather(*(tenants.number_of(each) for each in ids * 2))
    assert sorted(numbers[:5]) == [1, 2, 3, 4, 5]
    assert numbers[:5] == numbers[5:]


async def test_a_number_for_nobody_and_one_that_is_never_to_be_had(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenants = keys_of(api)._tenants
    with pytest.raises(NoSuchDocument):
        await tenants.number_of("0" * 32)
    monkeypatch.setattr(writing, "PATIENCE", 0)
    interrupt_commits(api, monkeypatch, 1000)
    with pytest.raises(Conflict):
        await tenants.number_of(api.master.account_id)


# On /v2


async def test_a_key_is_accepted_wherever_tokens_are(api: Api) -> None:
    _, secret = await new_key(api)
    path = f"{api.account}/users"
    answer = (await api.get(path, token=secret)).expect(200)
    assert secret not in answer.content.decode()
    bearer = {"Authorization": f"Bearer {secret}"}
    (await api.get(path, token="", headers=bearer)).expect(200)
    (await api.get(f"{path}?auth_token={secret}", token="")).expect(200)
    (await api.get(path, token="", auth_token=secret)).expect(200)
    other = {"X-Auth-Account-ID": "0" * 32}
    (await api.get(path, token=secret, headers=other)).expect(401)


@pytest.mark.parametrize("dialect", ["v1", "v1_1"])
async def test_keys_of_other_dialects_are_nobody_on_v2(api: Api, dialect: str) -> None:
    _, secret = await new_key(api, dialect)
    await caller_of(api, secret, dialect)
    (await api.get(api.account, token=secret)).expect(401)
    (await api.get("/v2/schemas", token=secret)).expect(200)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_what_is_remembered_of_a_key_is_no_token(api: Api, dialect: str) -> None:
    _, secret = await new_key(api, dialect)
    await caller_of(api, secret, dialect)
    for credential in api.gateway.identity.callers._by_credential:
        assert secret not in credential
    (await api.get(api.account, token=f"{dialect} {secret}")).expect(401)


async def test_scopes_bind_keys_of_the_master_account_too(api: Api) -> None:
    _, secret = await new_key(api, scopes=("view:user",))
    (await api.get(f"{api.account}/users", token=secret)).expect(200)
    user = {"first_name": "Ann", "last_name": "Lee"}
    for refused in (
        await api.put(f"{api.account}/users", user, token=secret),
        await api.get(api.account, token=secret),
        await api.get(f"{api.account}/devices", token=secret),
        await api.put("/v2/auth", {"action": "refresh_token"}, token=secret),
    ):
        refused.expect(403)
    (await api.get("/v2/schemas", token=secret)).expect(200)


async def test_a_key_cannot_be_exchanged_for_a_token(api: Api) -> None:
    _, secret = await new_key(api)
    (await api.put("/v2/auth", {"action": "refresh_token"}, token=secret)).expect(403)


async def test_a_keys_rate_limit_is_told_to_clients(api: Api) -> None:
    _, secret = await new_key(api, rate_limit=1)
    (await api.get(api.account, token=secret)).expect(200)
    answer = (await api.get(api.account, token=secret)).expect(429)
    assert answer.headers["Retry-After"] == "60"


async def test_a_key_tells_whose_it_is(api: Api) -> None:
    key, secret = await new_key(api, scopes=("view:token_auth",))
    shown = (await api.get("/v2/token_auth", token=secret)).expect(200).data
    assert (shown["method"], shown["key_id"]) == ("cb_api_keys", key["_id"])


async def test_no_key_is_made_in_an_account_that_has_just_gone(api: Api) -> None:
    account_id = await api.create_account("Doomed")
    account = await api.gateway.services.accounts.get(account_id)
    assert account is not None
    (await api.delete(f"/v2/accounts/{account_id}")).expect(200)
    with pytest.raises(NoSuchDocument):
        await keys_of(api).create(account, dialect="v2", name="K")
    assert [put async for put in api.gateway.services.store.walk(account_id)] == []
