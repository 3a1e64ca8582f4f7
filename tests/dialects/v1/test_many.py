"""Many rows: pages of them are read without reading all, and stay in order."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from crossbar.families.endpoints import HUNDRED
from crossbar.personnel import people as module
from crossbar.personnel.includes import MOST_ROWS
from crossbar.personnel.reading import DEEPEST
from crossbar.storage import Row, Span
from tests.conftest import Api
from tests.contract.conftest import on_every_store
from tests.dialects.v1.support import Client

PEOPLE = 229
"""The people that are made beside the one that a new account has."""


@pytest.fixture
async def people(v1: Client) -> Client:
    """A client of an account with 230 people; every tenth of the new ones has a position."""
    await v1.get("/users")
    await v1.make("/positions", name="Medic")
    bodies = [
        {
            "name": f"Person {PEOPLE - number:03d}",
            "email": f"p{number}@example.org",
            "position_id": 1 if number % 10 == 0 else None,
        }
        for number in range(PEOPLE)
    ]
    (await v1.post("/users/batch", {"resources": bodies})).expect(200)
    return v1


@pytest.fixture
def read(api: Api, monkeypatch: pytest.MonkeyPatch) -> list[Span]:
    """The spans of what is scanned from now on, but accounts; one for each document."""
    store, scanned = api.gateway.services.store, []
    scan = store.scan

    async def noted(span: Span) -> AsyncIterator[Row]:
        async for row in scan(span):
            if span.doc_type != "account":
                scanned.append(span)
            yield row

    monkeypatch.setattr(store, "scan", noted)
    return scanned


@on_every_store
async def test_people_are_listed_by_number_a_hundred_at_a_time(
    people: Client, read: list[Span]
) -> None:
    page = (await people.get("/users?limit=5")).expect(200).body
    assert [each["id"] for each in page["data"]] == [1, 2, 3, 4, 5]
    assert page["meta"]["total"] == PEOPLE + 1
    assert len(read) <= 100

    (await people.delete("/users/batch", {"resources": [2, 101, 230]})).expect(200)
    seen: list[int] = []
    for number in range(1, 4):
        page = (await people.get(f"/users?limit=90&page={number}")).expect(200).body
        seen += [each["id"] for each in page["data"]]
    assert seen == [each for each in range(1, 231) if each not in (2, 101, 230)]
    assert page["meta"]["total"] == len(seen)


@on_every_store
async def test_a_later_page_reads_no_more_than_the_first(people: Client, read: list[Span]) -> None:
    (await people.delete("/users/batch", {"resources": [2, 101, 150]})).expect(200)
    read.clear()
    page = (await people.get("/users?limit=5&page=40")).expect(200).body
    assert [each["id"] for each in page["data"]] == [199, 200, 201, 202, 203]
    assert len(read) <= 2 * HUNDRED
    beyond = (await people.get("/users?limit=50&page=9")).expect(200).body
    assert beyond["data"] == []

    ranks = [{"name": f"Rank {number}"} for number in range(60)]
    (await people.post("/ranks/batch", {"resources": ranks})).expect(200)
    read.clear()
    page = (await people.get("/ranks?limit=5&page=11")).expect(200).body
    assert [each["id"] for each in page["data"]] == [51, 52, 53, 54, 55]
    assert len(read) <= 5
    assert (await people.get("/ranks?limit=5&page=13")).expect(200).data == []


@on_every_store
async def test_very_many_get_their_numbers_step_by_step(
    api: Api, v1: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 5)
    monkeypatch.setattr(module, "AT_ONCE", 2)
    for number in range(12):
        body = {"first_name": f"User {number:02}", "last_name": "X"}
        (await api.put(f"{api.account}/users", body)).expect(201)
    page = (await v1.get("/users?limit=50")).expect(200).body
    assert [each["id"] for each in page["data"]] == [1, 2, 3, 4, 5]
    assert page["meta"]["total"] == 13
    services = api.gateway.services
    await services.jobs.idle(services)
    page = (await v1.get("/users?limit=50")).expect(200).body
    assert [each["id"] for each in page["data"]] == list(range(1, 14))
    assert len({each["name"] for each in page["data"]}) == 13
    assert page["meta"]["total"] == 13


@on_every_store
async def test_people_made_elsewhere_join_them(api: Api, people: Client, read: list[Span]) -> None:
    body = {"first_name": "Aaron", "last_name": "Aa"}
    (await api.put(f"{api.account}/users", body)).expect(201)
    read.clear()
    found = await people.post("/users/search", {"filters": [{"field": "id", "value": 231}]})
    assert [each["name"] for each in found.expect(200).data] == ["Aaron Aa"]
    assert len([span for span in read if span.entry is None]) == 0


@on_every_store
async def test_people_are_found_by_what_they_refer_to(people: Client, read: list[Span]) -> None:
    shown = (await people.get("/positions/1?include=users")).expect(200).data
    assert [each["id"] for each in shown["users"]] == list(range(2, 231, 10))
    assert len(read) == len(shown["users"])
    (await people.patch("/users/2", {"position_id": None})).expect(200)
    shown = (await people.get("/positions/1?include=users")).expect(200).data
    assert [each["id"] for each in shown["users"]] == list(range(12, 231, 10))


async def test_rows_below_others_are_read_as_far_as_they_are_shown(
    people: Client, read: list[Span]
) -> None:
    records = [{"user_id": 1 + number % 2, "text": f"{number}"} for number in range(60)]
    (await people.post("/service-records/batch", {"resources": records})).expect(200)
    read.clear()
    page = (await people.get("/users/2/service-records?limit=5&page=2")).expect(200).body
    assert [each["id"] for each in page["data"]] == [50, 48, 46, 44, 42]
    assert page["meta"]["total"] == 30
    assert len(read) < 20


async def test_an_answer_includes_a_bounded_number_of_rows(people: Client) -> None:
    records = [{"user_id": 1, "text": f"{number}"} for number in range(110)]
    (await people.post("/service-records/batch", {"resources": records})).expect(200)
    few = await people.get("/service-records?limit=10&include=user.service_records.author")
    assert [len(row["user"]["service_records"]) for row in few.expect(200).data] == [110] * 10
    for query in (
        "limit=100&include=user.service_records",  # 100 rows of a user with 110 rows
        "limit=1&include=user.service_records.user.service_records",  # 110 rows of such a user
        "limit=100&include=user.service_records.user.service_records.user",
    ):
        refused = (await people.get(f"/service-records?{query}")).expect(422)
        assert list(refused.errors) == ["include"]
        assert str(MOST_ROWS) in refused.errors["include"][0]


@on_every_store
async def test_rows_that_are_read_for_one_answer_are_bounded(
    people: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crossbar.personnel.includes.MOST_ROWS", 22)
    refused = (await people.get("/positions/1?include=users")).expect(422)
    assert list(refused.errors) == ["include"]
    monkeypatch.setattr("crossbar.personnel.includes.MOST_ROWS", 23)
    assert len((await people.get("/positions/1?include=users")).expect(200).data["users"]) == 23


async def test_pages_of_a_sorted_search_are_its_parts(people: Client) -> None:
    sort = {"sort": [{"field": "name"}], "filters": [{"field": "id", "operator": ">", "value": 1}]}
    seen: list[str] = []
    for number in range(1, 5):
        page = (await people.post(f"/users/search?limit=70&page={number}", sort)).expect(200).body
        seen += [each["name"] for each in page["data"]]
        assert page["meta"]["total"] == PEOPLE
    assert seen == [f"Person {number + 1:03d}" for number in range(PEOPLE)]


async def test_pages_of_a_search_in_default_order_are_its_parts(people: Client) -> None:
    wanted = {"filters": [{"field": "position_id", "value": 1}]}
    seen: list[int] = []
    for number in range(1, 5):
        page = (await people.post(f"/users/search?limit=7&page={number}", wanted)).expect(200).body
        seen += [each["id"] for each in page["data"]]
        assert page["meta"]["total"] == 23
    assert seen == list(range(2, 231, 10))


async def test_a_sorted_search_does_not_go_arbitrarily_deep(v1: Client) -> None:
    sort, last = {"sort": [{"field": "name"}]}, DEEPEST // 100
    (await v1.post(f"/ranks/search?limit=100&page={last}", sort)).expect(200)
    refused = await v1.post(f"/ranks/search?limit=100&page={last + 1}", sort)
    assert list(refused.expect(422).errors) == ["page"]
    (await v1.post(f"/ranks/search?limit=100&page={last + 1}", {})).expect(200)
