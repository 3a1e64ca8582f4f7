"""Deleted rows that are kept: shown to whoever asks for them, until they are removed for good."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.conftest import on_every_store
from tests.dialects.v1.support import Client, client_of


@pytest.fixture
async def ranks(v1: Client) -> Client:
    """A client of an account with three ranks, the second of which is deleted."""
    for name, order in (("Private", 3), ("Major", 1), ("General", 2)):
        await v1.make("/ranks", name=name, order=order)
    (await v1.delete("/ranks/2")).expect(200)
    return v1


async def ids(client: Client, path: str, body: Any = None) -> list[int]:
    answer = await (client.get(path) if body is None else client.post(path, body))
    rows = answer.expect(200).body
    assert rows["meta"]["total"] == len(rows["data"])
    return [row["id"] for row in rows["data"]]


@on_every_store
async def test_lists_and_searches_show_them_to_whoever_asks(ranks: Client) -> None:
    assert await ids(ranks, "/ranks") == [3, 1]
    for value in ("true", "1"):
        assert await ids(ranks, f"/ranks?with_trashed={value}") == [2, 3, 1]
        assert await ids(ranks, f"/ranks?only_trashed={value}") == [2]
    assert await ids(ranks, "/ranks?with_trashed=false&only_trashed=0") == [3, 1]
    wanted = {"filters": [{"field": "order", "operator": "<", "value": 3}]}
    assert await ids(ranks, "/ranks/search?with_trashed=1", wanted) == [2, 3]
    by_name = {"sort": [{"field": "name", "direction": "desc"}]}
    assert await ids(ranks, "/ranks/search?with_trashed=1", by_name) == [1, 2, 3]
    page = (await ranks.get("/ranks?with_trashed=1&limit=1&page=2")).body
    assert ([row["id"] for row in page["data"]], page["meta"]["total"]) == ([3], 3)


async def test_a_single_one_is_shown_to_whoever_asks(ranks: Client) -> None:
    shown = (await ranks.get("/ranks/2?with_trashed=1")).expect(200).data
    assert (shown["name"], shown["deleted_at"]) == ("Major", "2027-01-15T08:00:00.000000Z")
    assert (await ranks.get("/ranks/2?only_trashed=1")).data == shown
    assert (await ranks.get("/ranks/1?with_trashed=1")).expect(200).data["name"] == "Private"
    for path in ("/ranks/2", "/ranks/1?only_trashed=1", "/ranks/9?with_trashed=1"):
        assert (await ranks.get(path)).status == 404
    nobody = await client_of(ranks.api, scopes=("view:unit",))
    assert (await nobody.get("/ranks/2?with_trashed=1")).status == 403


async def test_they_stay_where_they_were(v1: Client) -> None:
    await v1.get("/users")
    other = await v1.make("/users", name="Bob Kay", email="bob@kay.org")
    for user in (1, other["id"], 1):
        await v1.make(f"/users/{user}/service-records", text="x")
    for number in (1, 2):
        (await v1.delete(f"/service-records/{number}")).expect(200)
    assert await ids(v1, "/service-records?with_trashed=1") == [3, 2, 1]
    assert await ids(v1, "/users/1/service-records?with_trashed=1") == [3, 1]
    assert await ids(v1, "/users/1/service-records?only_trashed=1") == [1]
    (await v1.get("/users/1/service-records/1?with_trashed=1")).expect(200)
    assert (await v1.get("/users/1/service-records/2?with_trashed=1")).status == 404


async def test_deleted_people_and_links_are_not_kept(v1: Client) -> None:
    await v1.get("/users")
    bob = await v1.make("/users", name="Bob Kay", email="bob@kay.org")
    task = await v1.make("/tasks", title="t")
    await v1.post("/users/1/tasks/attach", {"resources": [task["id"]]})
    assert await ids(v1, "/users/1/tasks?with_trashed=1") == [1]
    (await v1.delete("/tasks/1")).expect(200)
    (await v1.delete(f"/users/{bob['id']}")).expect(200)
    for path in ("/users/1/tasks", "/users"):
        assert await ids(v1, f"{path}?only_trashed=1") == []
    assert await ids(v1, "/users?with_trashed=1") == [1]
    assert (await v1.get("/users/1?with_trashed=1")).status == 200
    assert (await v1.get(f"/users/{bob['id']}?only_trashed=1")).status == 404


@on_every_store
async def test_force_removes_them_for_good(ranks: Client) -> None:
    assert (await ranks.delete("/ranks/2")).status == 404
    gone = (await ranks.delete("/ranks/2?force=true")).expect(200).data
    assert (gone["id"], "deleted_at" in gone) == (2, True)
    (await ranks.delete("/ranks/1")).expect(200)
    removed = await ranks.delete("/ranks/batch?force=1", {"resources": [1, 2, 3]})
    assert [row["id"] for row in removed.expect(200).data] == [1, 3]
    assert await ids(ranks, "/ranks?with_trashed=1") == []
