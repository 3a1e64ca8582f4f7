"""A key does no more than its owner may: people come and go by administrators' keys."""

from __future__ import annotations

import pytest

from crossbar.app import PERSONNEL
from crossbar.core.shapes import POWERS
from tests.conftest import Api
from tests.dialects.v1.kit import VERBS, label, path_of
from tests.dialects.v1.support import Client, client_of
from tests.families.support import ANN, BOB, make

GUARDED = [each for each in PERSONNEL.operations() if each.access in POWERS]
BODY = {"name": "Eve Moe", "email": "eve@example.org"}


@pytest.fixture
async def plain(api: Api) -> Client:
    """A client with a key that may do everything, of a user who is no administrator."""
    return await client_of(api, owner_id=await make(api, "users", **ANN, email="ann@example.org"))


@pytest.fixture
async def other(api: Api, v1: Client) -> str:
    """The path of somebody else."""
    await make(api, "users", **BOB, email="bob@example.org", priv_level="admin")
    (found,) = (await v1.post("/users/search", {"search": {"value": "bob"}})).expect(200).data
    return f"/users/{found['id']}"


async def test_making_and_deleting_people_is_for_administrators(
    api: Api, v1: Client, plain: Client
) -> None:
    assert len(GUARDED) == 4
    for operation in GUARDED:
        answer = await plain.request(VERBS[operation.action], path_of(operation), BODY)
        assert answer.kind == (403, "AuthorizationException"), label(operation)
        assert answer.body["error"]["message"] == "only an administrator may do this"
    boss = await client_of(api, owner_id=await make(api, "users", **BOB, priv_level="admin"))
    for client, email in ((v1, "a@example.org"), (boss, "b@example.org")):
        made = await client.make("/users", name="Eve Moe", email=email)
        (await client.delete(f"/users/{made['id']}")).expect(200)


@pytest.mark.parametrize(
    ("change", "field"), [({"approved": False}, "enabled"), ({"email": "x@example.org"}, "email")]
)
async def test_others_are_let_in_by_administrators(
    v1: Client, plain: Client, other: str, change: dict[str, object], field: str
) -> None:
    number = other.rpartition("/")[2]
    for path, body in ((other, change), ("/users/batch", {"resources": {number: change}})):
        answer = await plain.patch(path, body)
        assert answer.kind == (403, "AuthorizationException")
        message = f"{field}: only an administrator may change this"
        assert answer.body["error"]["message"] == message
    (await plain.patch(other, {"name": "Robert Kay", "email": "bob@example.org"})).expect(200)
    (await v1.patch(other, change)).expect(200)


async def test_a_user_changes_itself_but_does_not_let_itself_in(plain: Client) -> None:
    (own,) = (await plain.get("/me")).data
    (await plain.patch(f"/users/{own['id']}", {"email": "ann.lee@example.org"})).expect(200)
    answer = await plain.patch(f"/users/{own['id']}", {"approved": False})
    assert answer.kind == (403, "AuthorizationException")
