"""People: the same as the users of v2, with numbers, under concurrency and on both stores."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from crossbar.app import open_gateway
from tests.conftest import Api, GatewayServer
from tests.contract.conftest import on_every_store
from tests.dialects.v1.support import Client, client_of

ANN = {"name": "Ann Lee", "email": "Ann@Example.org"}


async def in_v2(api: Api, **wanted: Any) -> Any:
    """The user of the master account with these fields, as v2 shows it."""
    answer = await api.get(f"{api.account}/users?full_docs=true")
    found = [each for each in answer.data if wanted.items() <= each.items()]
    (only,) = found
    return only


@on_every_store
async def test_a_user_made_here_is_one_of_v2(api: Api, v1: Client) -> None:
    made = await v1.make("/users", **ANN, approved=False, notes="secret", rank_id=None)
    assert (made["name"], made["email"], made["approved"]) == ("Ann Lee", ANN["email"], False)
    user = await in_v2(api, first_name="Ann", last_name="Lee")
    assert (user["email"], user["username"], user["enabled"]) == (
        ANN["email"],
        "ann@example.org",
        False,
    )
    assert not {key for key in user if key.startswith("pvt_")}
    assert "notes" not in user


async def test_what_v2_changes_is_seen_here_and_the_other_way_round(api: Api, v1: Client) -> None:
    body = {"first_name": "Bob", "last_name": "Kay", "email": "bob@kay.org"}
    made = (await api.put(f"{api.account}/users", body)).expect(201).data
    row = next(each for each in (await v1.get("/users")).data if each["name"] == "Bob Kay")
    path = f"{api.account}/users/{made['id']}"
    (await api.patch(path, {"last_name": "Hill", "enabled": False})).expect(200)
    seen = (await v1.get(f"/users/{row['id']}")).expect(200).data
    assert (seen["name"], seen["approved"], seen["email"]) == ("Bob Hill", False, "bob@kay.org")

    rank = await v1.make("/ranks", name="Private")
    changes = {"name": "Robert Hill", "approved": True, "rank_id": rank["id"]}
    (await v1.patch(f"/users/{row['id']}", changes)).expect(200)
    user = (await api.get(path)).data
    assert (user["first_name"], user["enabled"]) == ("Robert", True)
    (await api.post(path, {"first_name": "Rob", "last_name": "Hill"})).expect(200)
    seen = (await v1.get(f"/users/{row['id']}")).data
    assert (seen["name"], seen["rank_id"]) == ("Rob Hill", rank["id"])

    (await api.delete(path)).expect(200)
    assert (await v1.get(f"/users/{row['id']}")).status == 404


async def test_a_user_deleted_here_is_gone_in_v2(api: Api, v1: Client) -> None:
    made = await v1.make("/users", **ANN)
    user = await in_v2(api, first_name="Ann")
    (await v1.delete(f"/users/{made['id']}")).expect(200)
    assert (await api.get(f"{api.account}/users/{user['id']}")).status == 404
    again = await v1.make("/users", **ANN)
    assert again["id"] == made["id"] + 1


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("Ann Lee", ("Ann", "Lee")),
        ("Ann Maria  Lee", ("Ann Maria", "Lee")),
        ("Cher", ("Cher", "Cher")),
        ("Jean van der Berg", ("Jean van der", "Berg")),
    ],
)
async def test_names_are_parted_and_joined(
    api: Api, v1: Client, name: str, parts: tuple[str, str]
) -> None:
    made = await v1.make("/users", name=name, email="x@y.z")
    assert made["name"] == " ".join(name.split())
    await in_v2(api, first_name=parts[0], last_name=parts[1])
    (await v1.patch(f"/users/{made['id']}", {"name": "New Name"})).expect(200)
    await in_v2(api, first_name="New", last_name="Name")


@on_every_store
async def test_an_address_belongs_to_one_person(api: Api, v1: Client) -> None:
    ann = await v1.make("/users", **ANN)
    taken = {"name": "Other", "email": "ANN@example.ORG"}
    assert list((await v1.post("/users", taken)).expect(422).errors) == ["email"]
    (await v1.patch(f"/users/{ann['id']}", {"email": "ann@example.org"})).expect(200)
    body = {"first_name": "Bob", "last_name": "Kay", "email": "bob@kay.org"}
    (await api.put(f"{api.account}/users", body)).expect(201)
    assert list((await v1.post("/users", {**ANN, "email": "bob@kay.org"})).errors) == ["email"]
    answers = await asyncio.gather(
        *(v1.post("/users", {"name": f"N {n}", "email": "same@x.org"}) for n in range(4))
    )
    assert sorted(answer.status for answer in answers) == [201, 422, 422, 422]


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"name": "A"}, {"email"}),
        ({"email": "a@b.c"}, {"name"}),
        ({"name": "A", "email": "no address"}, {"email"}),
        ({"name": "x" * 200, "email": "a@b.c"}, {"name"}),
        ({"name": "A", "email": "a@b.c", "rank_id": 9}, {"rank_id"}),
        ({"name": "A", "email": "a@b.c", "approved": None}, {"approved"}),
        ({"name": "A", "email": "a@b.c", "profile_photo": "text"}, {"profile_photo"}),
        ({"name": ["A"], "email": {"a": 1}}, {"name", "email"}),
    ],
)
async def test_what_is_wrong_with_a_user_is_named_by_its_columns(
    v1: Client, body: Any, wrong: set[str]
) -> None:
    assert set((await v1.post("/users", body)).expect(422).errors) == wrong


async def test_what_must_not_be_set_is_not_set(api: Api, v1: Client) -> None:
    made = await v1.make(
        "/users", **ANN, password="open sesame", priv_level="admin", username="root", id=7
    )
    user = await in_v2(api, first_name="Ann")
    assert (user["priv_level"], user["username"]) == ("user", "ann@example.org")
    (await v1.patch(f"/users/{made['id']}", {"password": "x", "priv_level": "admin"})).expect(200)
    assert (await in_v2(api, first_name="Ann"))["priv_level"] == "user"


@on_every_store
async def test_people_get_numbers_once_whoever_looks_first(api: Api, v1: Client) -> None:
    """Two processes that list at once give the same numbers."""
    for number in range(5):
        api.clock.advance(1)
        body = {"first_name": f"User {number}", "last_name": "X"}
        (await api.put(f"{api.account}/users", body)).expect(201)
    answers = await asyncio.gather(*(v1.get("/users") for _ in range(4)))
    lists = [[(each["id"], each["name"]) for each in answer.data] for answer in answers]
    assert lists[0][0][1] == "Account Admin"
    assert sorted(number for number, _ in lists[0]) == [1, 2, 3, 4, 5, 6]
    assert all(each == lists[0] for each in lists)


@on_every_store
async def test_creators_at_once_get_different_ids(api: Api) -> None:
    """Also those of two processes, which share nothing but the store."""
    first = await client_of(api)
    settings = api.gateway.services.settings
    async with (
        open_gateway(settings, clock=api.clock) as gateway,
        TestClient(GatewayServer(gateway)) as client,  # type: ignore[var-annotated]
    ):
        second = Client(replace(api, client=client), first.account_id, first.key, first.tenant)
        answers = await asyncio.gather(
            *(
                each.post("/ranks", {"name": f"Rank {number}"})
                for number in range(6)
                for each in (first, second)
            )
        )
    assert sorted(answer.expect(201).data["id"] for answer in answers) == list(range(1, 13))
