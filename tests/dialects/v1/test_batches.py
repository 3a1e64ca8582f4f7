"""Several rows in one request: all of them or none."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.conftest import on_every_store
from tests.dialects.v1.support import Client


async def names(v1: Client, path: str = "/ranks") -> list[str]:
    return [each["name"] for each in (await v1.get(path)).expect(200).data]


async def test_rows_are_made_together(v1: Client) -> None:
    sent = {"resources": [{"name": "Private"}, {"name": "Major"}, {"name": "First", "order": 0}]}
    answer = (await v1.post("/ranks/batch", sent)).expect(200)
    assert [(each["id"], each["order"]) for each in answer.data] == [(1, 1), (2, 2), (3, 0)]
    assert set(answer.body) == {"data"}
    assert await names(v1) == ["First", "Private", "Major"]


async def test_one_bad_row_keeps_all_from_being_made(v1: Client) -> None:
    sent = {"resources": [{"name": "Private"}, {}, {"name": "x", "order": "y"}, "z"]}
    refused = (await v1.post("/ranks/batch", sent)).expect(422)
    assert set(refused.errors) == {"resources.1.name", "resources.2.order", "resources.3"}
    assert await names(v1) == []


@on_every_store
async def test_one_row_that_clashes_keeps_all_from_being_made(v1: Client) -> None:
    forms = [{"name": "F", "slug": "same", "is_public": True} for _ in range(2)]
    refused = (await v1.post("/forms/batch", {"resources": forms})).expect(422)
    assert any("slug" in name for name in refused.errors)
    assert await names(v1, "/forms") == []
    people = [{"name": f"N {n}", "email": "same@x.org"} for n in range(2)]
    refused = (await v1.post("/users/batch", {"resources": people})).expect(422)
    assert len(await names(v1, "/users")) == 1


@on_every_store
async def test_rows_are_changed_together_or_not_at_all(v1: Client) -> None:
    for name in ("A", "B"):
        await v1.make("/ranks", name=name)
    bad = {"resources": {"1": {"name": "C"}, "2": {"name": None}}}
    refused = (await v1.patch("/ranks/batch", bad)).expect(422)
    assert set(refused.errors) == {"resources.2.name"}
    assert await names(v1) == ["A", "B"]
    good = {"resources": {"1": {"name": "C"}, "2": {"name": "D"}, "99": {"name": "E"}, "x": {}}}
    answer = (await v1.patch("/ranks/batch", good)).expect(200)
    assert [each["name"] for each in answer.data] == ["C", "D"]
    assert await names(v1) == ["C", "D"]


@on_every_store
async def test_rows_are_deleted_together(v1: Client) -> None:
    for name in ("A", "B", "C"):
        await v1.make("/ranks", name=name)
    answer = (await v1.delete("/ranks/batch", {"resources": [1, "2", 1, 99, None]})).expect(200)
    assert [each["id"] for each in answer.data] == [1, 2]
    assert all("deleted_at" in each for each in answer.data)
    assert await names(v1) == ["C"]
    empty: list[Any] = [{}, {"resources": []}, {"resources": None}]
    for body in empty:
        assert (await v1.delete("/ranks/batch", body)).expect(200).data == []


@pytest.mark.parametrize("resources", [None, [], {}, "x", 5, [[]] * 1001])
async def test_a_batch_must_name_rows(v1: Client, resources: Any) -> None:
    answer = await v1.post("/ranks/batch", {"resources": resources})
    assert next(iter(answer.expect(422).errors)).startswith("resources")
    answer = await v1.patch("/ranks/batch", {"resources": resources})
    assert list(answer.expect(422).errors) == ["resources"]


async def test_one_status_may_be_given_twice_at_once(v1: Client) -> None:
    await v1.get("/users")
    await v1.make("/statuses", name="Active", text_color="#fff", bg_color="#000")
    records = [{"user_id": 1, "status_id": 1} for _ in range(2)]
    (await v1.post("/assignment-records/batch", {"resources": records})).expect(200)
    assert len((await v1.get("/users/1/status-records")).data) == 2


async def test_records_of_one_person_are_made_together(v1: Client) -> None:
    """Both change the same user, in one commit."""
    await v1.get("/users")
    for name in ("A", "B"):
        await v1.make("/ranks", name=name)
    records = [{"user_id": 1, "rank_id": rank, "type": 0} for rank in (1, 2)]
    (await v1.post("/rank-records/batch", {"resources": records})).expect(200)
    assert (await v1.get("/users/1")).data["rank_id"] == 2
