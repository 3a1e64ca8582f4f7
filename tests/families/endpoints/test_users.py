"""Users: credentials, uniqueness, what lists show, what deletion leaves alone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Api, credentials
from tests.families.support import ANN, BOB, make, refusal, row, shown, stored


async def test_a_user_is_created_without_its_password_coming_back(api: Api) -> None:
    answer = (await api.put(f"{api.account}/users", ANN | {"confirm_password": "s3cret"})).expect(
        201
    )
    assert answer.data["username"] == "ann"
    assert answer.data.keys().isdisjoint({"password", "confirm_password", "credentials"})
    assert b"s3cret" not in answer.content


async def test_user_names_are_unique_in_an_account_whatever_their_case(api: Api) -> None:
    await make(api, "users", **ANN)
    clash = await api.put(f"{api.account}/users", BOB | {"username": "ANN"})
    assert refusal(clash, "username", "unique") == {
        "message": "Username must be unique within account",
        "cause": "ann",
    }
    other = await api.create_account("Other")
    (await api.put(f"/v2/accounts/{other}/users", ANN)).expect(201)


async def test_a_deleted_users_name_is_free_again(api: Api) -> None:
    doc_id = await make(api, "users", **ANN)
    (await api.delete(f"{api.account}/users/{doc_id}")).expect(200)
    assert await make(api, "users", **ANN) != doc_id


async def test_uniqueness_is_reported_together_with_what_the_schema_refuses(api: Api) -> None:
    await make(api, "users", **ANN)
    answer = await api.put(f"{api.account}/users", {"username": "ann", "password": "x" * 8})
    refusal(answer, "username", "unique")
    refusal(answer, "first_name", "required")


async def test_hotdesk_ids_are_unique_in_an_account(api: Api) -> None:
    await make(api, "users", hotdesk={"id": "77"})
    clash = await api.put(f"{api.account}/users", BOB | {"hotdesk": {"id": "77"}})
    message = refusal(clash, "hotdesk.id", "unique")["message"]
    assert message == "Hotdesk ID must be unique within account"


async def test_a_new_user_name_needs_the_password_anew(api: Api) -> None:
    doc_id = await make(api, "users", **ANN)
    path = f"{api.account}/users/{doc_id}"
    refusal(await api.patch(path, {"username": "anna"}), "password", "required")
    refusal(await api.put(f"{api.account}/users", {**BOB, "password": ""}), "password", "required")
    (await api.patch(path, {"username": "anna", "password": "n3wpass"})).expect(200)
    await api.login("anna", "n3wpass", "Master")


async def test_a_password_without_a_user_name_gets_one_made_up(api: Api) -> None:
    doc_id = await make(api, "users", password="s3cret")
    username = (await shown(api, "users", doc_id))["username"]
    assert username.startswith("user_")
    assert len(username) == 21
    await api.login(username, "s3cret", "Master")


@pytest.mark.parametrize(
    "overrides",
    [{"users.generate_username_if_empty": False, "users.generate_password_if_empty": True}],
)
async def test_settings_decide_what_is_made_up(api: Api) -> None:
    without = {"first_name": "A", "last_name": "B", "password": "s3cret"}
    refusal(await api.put(f"{api.account}/users", without), "username", "required")
    doc_id = await make(api, "users", username="carl")
    user = await stored(api, "user", doc_id)
    assert user["pvt_md5_auth"]
    assert "password" not in user


async def test_without_name_and_password_no_secret_is_kept(api: Api) -> None:
    doc_id = await make(api, "users", **ANN)
    path = f"{api.account}/users/{doc_id}"
    token = await api.login("ann", "s3cret", "Master")
    (await api.post(path, {"first_name": "Ann", "last_name": "Lee"})).expect(200)
    user = await stored(api, "user", doc_id)
    assert user.keys().isdisjoint({"pvt_md5_auth", "pvt_sha1_auth", "pvt_login_marks"})
    (await api.get(path, token=token)).expect(401)


async def test_the_same_name_without_a_password_keeps_the_password_and_the_tokens(
    api: Api,
) -> None:
    doc_id = await make(api, "users", **ANN)
    path = f"{api.account}/users/{doc_id}"
    token = await api.login("ann", "s3cret", "Master")
    kept = {"username": "ANN", "first_name": "Anna", "last_name": "Lee"}
    (await api.post(path, kept, token=token)).expect(200)
    (await api.get(path, token=token)).expect(200)
    await api.login("ann", "s3cret", "Master")


async def test_a_digest_made_elsewhere_is_imported(api: Api) -> None:
    digest = credentials("ann", "s3cret", "")["credentials"]
    user = {"first_name": "Ann", "last_name": "Lee", "username": "ann", "credentials": digest}
    created = (await api.put(f"{api.account}/users", user)).expect(201)
    assert "credentials" not in created.data
    await api.login("ann", "s3cret", "Master")


@pytest.mark.parametrize("wrong", ["short", "g" * 32, 5, ["a"]])
async def test_a_digest_that_is_none_is_refused_with_the_other_fields(
    api: Api, wrong: Any
) -> None:
    answer = await api.put(f"{api.account}/users", {"username": "ann", "credentials": wrong})
    refusal(answer, "credentials", "invalid")
    refusal(answer, "last_name", "required")


async def test_a_digest_without_a_user_name_is_of_no_use_and_not_kept(api: Api) -> None:
    doc_id = await make(api, "users", credentials="0" * 32)
    user = await stored(api, "user", doc_id)
    assert "pvt_md5_auth" not in user


async def test_the_emergency_number_becomes_e164(api: Api) -> None:
    doc_id = await make(api, "users", caller_id={"emergency": {"number": "(415) 555-0100"}})
    caller_id = (await shown(api, "users", doc_id))["caller_id"]
    assert caller_id["emergency"]["number"] == "+14155550100"


async def test_an_empty_email_address_is_none(api: Api) -> None:
    """Monster UI writes back the whole user, with an empty address where there is none."""
    path = f"{api.account}/users/{await make(api, 'users', **ANN)}"
    (await api.post(path, ANN | {"email": ""})).expect(200)
    (await api.patch(path, {"email": "ann@example.com"})).expect(200)
    assert "email" not in (await api.patch(path, {"email": ""})).expect(200).data


async def test_a_request_to_resync_is_not_stored(api: Api) -> None:
    doc_id = await make(api, "users", sync=True)
    assert "sync" not in await shown(api, "users", doc_id)


async def test_users_are_listed_by_last_and_first_name(api: Api) -> None:
    for first, last in (("Bea", "Lee"), ("Ann", "Lee"), ("Zoe", "adams")):
        await make(api, "users", first_name=first, last_name=last)
    listed = (await api.get(f"{api.account}/users?ascending=true")).data
    names = [user["first_name"] for user in listed]
    assert names == ["Zoe", "Account", "Ann", "Bea"]
    descending = (await api.get(f"{api.account}/users")).data
    assert [user["first_name"] for user in descending] == names[::-1]


async def test_a_list_shows_the_features_that_are_on(api: Api) -> None:
    doc_id = await make(
        api,
        "users",
        features=["own", 5],
        smartpbx={"fax": {"enabled": True}, "off": {"enabled": False}, "odd": 5},
        hotdesk={"enabled": True},
        call_forward={"enabled": False, "failover": True},
        caller_id={"external": {"number": "+14155550100"}},
        music_on_hold={"media_id": "m"},
        do_not_disturb={"enabled": True},
        ctu={"enabled": True},
        desktop={"enabled": True},
        email="ann@example.com",
    )
    listed = await row(api, "users")
    features = set(listed.pop("features"))
    assert features == {
        "own",
        "fax",
        "hotdesk",
        "call_forward_failover",
        "caller_id",
        "vm_to_email",
        "music_on_hold",
        "do_not_disturb",
        "ctu",
        "desktop",
    }
    assert listed == {
        "id": doc_id,
        "first_name": "Ann",
        "last_name": "Lee",
        "email": "ann@example.com",
        "priv_level": "user",
        "flags": [],
    }


@pytest.mark.parametrize("odd", ["yes", 5, [1], {"a": "b"}, True])
async def test_a_list_bears_any_value_in_fields_that_no_schema_knows(api: Api, odd: Any) -> None:
    names = ("smartpbx", "features", "service", "ctu", "desktop")
    await make(api, "users", **dict.fromkeys(names, odd))
    (await api.get(f"{api.account}/users")).expect(200)


async def test_deleting_a_user_leaves_everything_else_alone(api: Api) -> None:
    user_id = await make(api, "users", **ANN)
    device_id = await make(api, "devices", owner_id=user_id)
    box_id = await make(api, "vmboxes", owner_id=user_id)
    group_id = await make(api, "groups", endpoints={user_id: {"type": "user"}})
    (await api.delete(f"{api.account}/users/{user_id}")).expect(200)
    assert (await shown(api, "devices", device_id))["owner_id"] == user_id
    assert (await shown(api, "vmboxes", box_id))["owner_id"] == user_id
    assert user_id in (await shown(api, "groups", group_id))["endpoints"]
    for noun in ("devices", "vmboxes", "groups", "callflows", "conferences"):
        gone = await api.get(f"{api.account}/users/{user_id}/{noun}")
        assert gone.expect(404).data["cause"] == user_id


@pytest.mark.parametrize("noun", ["callflows", "conferences", "vmboxes"])
async def test_lists_below_a_user_hold_what_it_owns(api: Api, noun: str) -> None:
    user_id = await make(api, "users", **ANN)
    owned: dict[str, dict[str, Any]] = {
        "conferences": {},
        "callflows": {"numbers": ["1"]},
        "vmboxes": {"mailbox": "1"},
    }
    doc_id = await make(api, noun, owner_id=user_id, **owned[noun])
    await make(api, noun)
    listed = (await api.get(f"{api.account}/users/{user_id}/{noun}")).data
    assert [document["id"] for document in listed] == [doc_id]
