"""Finding a user by nothing but a digest: few verifications however many users there are."""

from __future__ import annotations

import base64
import random
from typing import Any

import pytest

from crossbar.core.change import put_of
from crossbar.documents import new_id, next_revision
from crossbar.families.endpoints.users import USERS
from crossbar.storage import Batch, Key
from tests.conftest import PASSWORD, Api, credentials
from tests.families.support import ANN, make, stored, stored_account
from tests.identity.support import count_verifications
from tests.support import quick_settings, running

USERS_IN_ALL = 2000
OLD, NEW = "0123456789abcdef" * 4, "fedcba9876543210" * 4


async def add_users(api: Api) -> None:
    """Two thousand users with marks at random, as if each had a password of its own."""
    dice = random.Random(7)
    foreign = "$argon2id$v=19$m=8,t=1,p=1$" + "A" * 22 + "$" + "A" * 43
    puts = []
    for number in range(USERS_IN_ALL):
        key = Key(api.master.account_id, "user", new_id())
        document: dict[str, Any] = {
            "_id": key.doc_id,
            "_rev": next_revision(None),
            "pvt_type": "user",
            "username": f"user{number}",
            "pvt_md5_auth": foreign,
            "pvt_login_marks": [
                f"{method}:{dice.randrange(4096):03x}" for method in ("md5", "sha")
            ],
        }
        puts.append(put_of(USERS, key, document, None))
    await api.gateway.services.store.commit(Batch(puts=puts))


async def test_a_login_among_thousands_costs_a_handful_of_verifications(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make(api, "users", **ANN)
    await add_users(api)
    verified = count_verifications(api, monkeypatch)
    (await api.put("/v2/user_auth", credentials("ann", "s3cret", "Master"))).expect(201)
    assert 1 <= len(verified) <= 8
    verified.clear()
    for attempt in range(20):
        wrong = credentials("ann", f"wrong {attempt}", "Master")
        (await api.put("/v2/user_auth", wrong)).expect(401)
        api.clock.advance(60)
    assert 20 <= len(verified) <= 60


async def marks_of(api: Api, doc_id: str) -> tuple[str, list[str]]:
    """A user's revision and login marks."""
    user = await stored(api, "user", doc_id)
    return user["_rev"], user["pvt_login_marks"]


async def test_logins_after_a_rotation_renew_what_they_were_found_by(storage_url: str) -> None:
    async with running(quick_settings(storage_url, secrets__values=[OLD])) as api:
        master, old_token = api.master, api.token
        ann = await make(api, "users", **ANN)
        _, old_marks = await marks_of(api, ann)
    async with running(quick_settings(storage_url, secrets__values=[NEW, OLD]), master) as api:
        (await api.get(api.account, token=old_token)).expect(200)
        sent = credentials("ann", "s3cret", "Master")
        token = (await api.put("/v2/user_auth", sent)).expect(201).body["auth_token"]
        revision, marks = await marks_of(api, ann)
        assert [mark.split(":")[0] for mark in marks] == ["md5", "sha"]
        assert marks[0] != old_marks[0]
        assert marks[1] == old_marks[1]
        (await api.get(api.account, token=token)).expect(200)
        (await api.put("/v2/user_auth", sent)).expect(201)
        assert await marks_of(api, ann) == (revision, marks)
        key = {"api_key": master.api_key}
        (await api.put("/v2/api_auth", key)).expect(201)
        revision = (await stored_account(api, master.account_id))["_rev"]
        (await api.put("/v2/api_auth", key)).expect(201)
        assert (await stored_account(api, master.account_id))["_rev"] == revision
    async with running(quick_settings(storage_url, secrets__values=[NEW]), master) as api:
        await api.login("ann", "s3cret", "Master")
        assert (await api.get(f"{api.account}/api_key")).data == key
        (await api.put("/v2/api_auth", key)).expect(201)


async def test_an_api_key_that_cannot_be_opened_is_left_out(storage_url: str) -> None:
    async with running(quick_settings(storage_url, secrets__values=[OLD])) as api:
        master = api.master
        tenant = await api.create_account("Tenant")
    async with running(quick_settings(storage_url, secrets__values=[NEW, OLD]), master) as api:
        pass  # the administrator's login, which moves the store to the new secret
    async with running(quick_settings(storage_url, secrets__values=[NEW]), master) as api:
        assert (await api.get(f"/v2/accounts/{tenant}/api_key")).expect(200).data == {}
        shown = (await api.get(f"/v2/accounts/{tenant}?include_api_key=true")).expect(200)
        assert "api_key" not in shown.data


async def test_a_login_makes_a_hash_of_other_parameters_anew(storage_url: str) -> None:
    async with running(quick_settings(storage_url)) as api:
        master = api.master
        before = await stored(api, "user", master.user_id)
    costlier = quick_settings(storage_url, passwords__iterations=2)
    async with running(costlier, master) as api:
        after = await stored(api, "user", master.user_id)
        assert "t=2" in after["pvt_md5_auth"]
        assert after["pvt_sha1_auth"] == before["pvt_sha1_auth"]
        assert after["pvt_login_marks"] == before["pvt_login_marks"]
        await api.login("admin", PASSWORD, "Master")


async def test_basic_logins_after_a_rotation_renew_the_mark_too(storage_url: str) -> None:
    async with running(quick_settings(storage_url, secrets__values=[OLD])) as api:
        master = api.master
        ann = await make(api, "users", **ANN)
        _, old_marks = await marks_of(api, ann)
    secret = f"{master.account_id}:ann:s3cret".encode()
    basic = {"Authorization": f"Basic {base64.b64encode(secret).decode()}"}
    async with running(quick_settings(storage_url, secrets__values=[NEW, OLD]), master) as api:
        (await api.get(api.account, token="", headers=basic)).expect(200)
        revision, marks = await marks_of(api, ann)
        assert marks[0] != old_marks[0]
        assert marks[1] == old_marks[1]
        (await api.get(api.account, token="", headers=basic)).expect(200)
        assert await marks_of(api, ann) == (revision, marks)
    async with running(quick_settings(storage_url, secrets__values=[NEW]), master) as api:
        (await api.get(api.account, token="", headers=basic)).expect(200)


async def test_a_login_that_another_write_overtakes_renews_nothing(
    storage_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(quick_settings(storage_url)) as api:
        master = api.master
        ann = await make(api, "users", **ANN)
    async with running(quick_settings(storage_url, passwords__iterations=2), master) as api:
        passwords = api.gateway.identity.passwords
        really = passwords.hash

        async def overtaken(text: str) -> str:
            changed = {"timezone": "Europe/Berlin"}
            (await api.patch(f"{api.account}/users/{ann}", changed)).expect(200)
            return await really(text)

        monkeypatch.setattr(passwords, "hash", overtaken)
        await api.login("ann", "s3cret", "Master")
        after = await stored(api, "user", ann)
        assert after["timezone"] == "Europe/Berlin"
        assert "t=1" in after["pvt_md5_auth"]
