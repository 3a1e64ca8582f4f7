"""What a write brings about: ranks and posts of people, answers, documents, news, events."""

from __future__ import annotations

from typing import Any

import pytest

from crossbar.clock import FixedClock
from tests.conftest import Api
from tests.dialects.v1.support import Client, client_of

TIMES = {"start": "2027-01-10T10:00", "end": "2027-01-10T12:00", "all_day": False}


@pytest.fixture
async def unit(v1: Client) -> Client:
    """A client of an organisation that has one row of each component that users refer to."""
    await v1.get("/users")
    for noun in ("ranks", "positions", "specialties", "units"):
        await v1.make(f"/{noun}", name=f"One of {noun}")
    for name in ("Active", "Away"):
        await v1.make("/statuses", name=name, text_color="#fff", bg_color="#000")
    return v1


async def user(client: Client) -> Any:
    return (await client.get("/users/1")).expect(200).data


async def test_a_rank_record_gives_the_rank(unit: Client) -> None:
    await unit.make("/users/1/rank-records", rank_id=1, type=2)
    assert (await user(unit))["rank_id"] == 1
    await unit.patch("/users/1", {"rank_id": None})
    record = await unit.make("/rank-records", user_id=1, rank_id=1, type=2)
    assert (await user(unit))["rank_id"] == 1
    await unit.patch("/users/1", {"rank_id": None})
    (await unit.patch(f"/rank-records/{record['id']}", {"text": "x"})).expect(200)
    assert (await user(unit))["rank_id"] is None


@pytest.mark.parametrize("kind", ["3", -1, "promotion"])
async def test_a_rank_record_is_of_one_of_three_types(unit: Client, kind: Any) -> None:
    refused = await unit.post("/rank-records", {"user_id": 1, "rank_id": 1, "type": kind})
    assert list(refused.expect(422).errors) == ["type"]


async def test_a_primary_assignment_gives_what_it_names(unit: Client) -> None:
    body = {"user_id": 1, "unit_id": 1, "position_id": 1, "specialty_id": 1, "status_id": 1}
    await unit.make("/assignment-records", **body, type="secondary")
    assert (await user(unit))["unit_id"] is None
    record = await unit.make("/assignment-records", **body)
    assert record["type"] == "primary"
    shown = await user(unit)
    assert {name: shown[name] for name in body if name != "user_id"} == {
        name: 1 for name in body if name != "user_id"
    }
    assert [each["id"] for each in (await unit.get("/users/1/status-records")).data] == [1]
    await unit.make("/assignment-records", user_id=1, unit_id=1)
    assert (await user(unit))["status_id"] == 1
    await unit.make("/assignment-records", user_id=1, status_id=None)
    assert (await user(unit))["status_id"] is None
    shown = (await unit.get("/users/1?include=primary_assignment_records")).data
    assert len(shown["primary_assignment_records"]) == 3


async def test_a_status_record_gives_the_status(unit: Client) -> None:
    for status in (1, 2):
        sent = {"resources": {str(status): {"text": "because"}}}
        (await unit.post("/users/1/status-records/attach", sent)).expect(200)
        assert (await user(unit))["status_id"] == status
    records = (await unit.get("/users/1/status-records?include=record")).data
    assert [(each["id"], each["record"]["text"]) for each in records] == [
        (1, "because"),
        (2, "because"),
    ]


async def test_a_submission_keeps_answers_and_gets_a_status(api: Api, unit: Client) -> None:
    form = await unit.make(
        "/forms", name="Join", slug="join", is_public=False, submission_status_id=2
    )
    assert form["is_public"] == 0
    body = {"form_id": form["id"], "why": "Fun", "age": 30, "id": 9, "data": {"x": 1}}
    made = await unit.make("/submissions", **body)
    assert (made["id"], made["why"], made["age"], made["user_id"]) == (1, "Fun", 30, None)
    assert "data" not in made
    (row,) = (await unit.get("/submissions?include=statuses,form")).data
    assert (row["statuses"][0]["name"], row["form"]["slug"]) == ("Away", "join")
    (await unit.patch("/submissions/1", {"age": 31, "more": [1]})).expect(200)
    shown = (await unit.get("/submissions/1")).data
    assert (shown["why"], shown["age"], shown["more"]) == ("Fun", 31, [1])
    own = await client_of(api, owner_id=api.master.user_id)
    assert (await own.make("/submissions", form_id=form["id"]))["user_id"] == 1


async def test_what_is_written_has_an_author(api: Api, unit: Client) -> None:
    own = await client_of(api, owner_id=api.master.user_id)
    document = await own.make("/documents", name="D", content="x")
    record = await own.make("/service-records", user_id=1, text="x")
    assert (document["author_id"], record["author_id"]) == (1, 1)
    assert (await unit.make("/documents", name="D", content="x"))["author_id"] is None


async def test_a_document_is_filled_in_by_its_record(unit: Client) -> None:
    content = "<p>{user_name}: {user_rank}, {award_record_award} {award_record_text} {other}</p>"
    document = await unit.make("/documents", name="D", content=content)
    award = await unit.make("/awards", name="Star & Bar")
    await unit.patch("/users/1", {"rank_id": 1})
    record = await unit.make(
        "/award-records",
        user_id=1,
        award_id=award["id"],
        document_id=document["id"],
        text="<script>",
    )
    assert record["document_parsed"] == (
        "<p>Account Admin: One of ranks, Star &amp; Bar &lt;script&gt; {other}</p>"
    )
    assert (await unit.make("/service-records", user_id=1, text="x"))["document_parsed"] is None


async def test_custom_fields_of_people(unit: Client) -> None:
    await unit.make("/users/1/fields", name="Shoe size", key="shoe", type="number")
    (field,) = (await unit.get("/users/1/fields")).data
    assert (field["cast"], field["fields"]["order"]) == ("integer", None)
    changed = await unit.patch("/users/1", {"shoe": 44, "hat": 7})
    assert changed.expect(200).data["shoe"] == 44
    assert "hat" not in await user(unit)
    assert (await user(unit))["shoe"] == 44


async def test_news_are_of_new_records(api: Api, unit: Client) -> None:
    own = await client_of(api, owner_id=api.master.user_id)
    await own.make("/service-records", user_id=1, text="Served well")
    (item,) = (await unit.get("/newsfeed")).data
    assert (item["author"], item["recipient"]) == ("Account Admin", "Account Admin")
    assert (item["type"], item["text"], item["event"]) == (
        "service record",
        "Served well",
        "created",
    )
    assert item["url"].endswith("/v1/service-records/1")
    await unit.make("/newsfeed", headline="Hello", text="All")
    seeing = await client_of(api, scopes=("view:servicerecord",))
    assert [each["id"] for each in (await seeing.get("/newsfeed")).data] == [1]
    assert (await seeing.get("/newsfeed/1")).status == 200
    assert (await seeing.get("/newsfeed/2")).kind == (403, "AuthorizationException")
    blind = await client_of(api, scopes=("view:user",))
    assert (await blind.get("/newsfeed")).data == []
    assert (await unit.get("/newsfeed")).data[0]["type"] == "message"


async def test_news_are_liked(unit: Client) -> None:
    await unit.make("/newsfeed", headline="Hello")
    base = "/newsfeed/1/likes"
    assert (await unit.post(f"{base}/attach", {"resources": [1]})).body == {"attached": [1]}
    assert [each["id"] for each in (await unit.get(f"{base}?include=rank")).data] == [1]
    assert (await unit.get("/newsfeed/1")).data["likes"][0]["name"] == "Account Admin"
    assert (await unit.patch(f"{base}/sync", {"resources": []})).body["detached"] == [1]
    assert (await unit.delete(f"{base}/detach", {"resources": [1]})).body == {"detached": []}


async def test_a_task_that_goes_leaves_its_people(unit: Client) -> None:
    task = await unit.make("/users/1/tasks", title="T")
    (await unit.delete(f"/tasks/{task['id']}")).expect(200)
    assert (await unit.get("/users/1/tasks")).data == []


async def test_the_contact_of_the_organisation_stays(api: Api, v1: Client) -> None:
    made = await v1.make("/users", name="Boss", email="boss@x.org")
    contact = {"contact": {"administrative": {"email": "Boss@x.org"}}}
    (await api.patch(api.account, contact)).expect(200)
    assert (await v1.delete(f"/users/{made['id']}")).kind == (403, "AuthorizationException")


@pytest.mark.parametrize(
    ("columns", "following"),
    [
        ({}, None),
        ({"repeats": True, "frequency": "DAILY", "interval": 4}, "2027-01-18T10:00"),
        ({"repeats": True, "frequency": "WEEKLY", "by_day": ["MO", "FR"]}, "2027-01-15T10:00"),
        ({"repeats": True, "frequency": "WEEKLY", "interval": 2}, "2027-01-24T10:00"),
        ({"repeats": True, "frequency": "MONTHLY"}, "2027-02-10T10:00"),
        ({"repeats": True, "frequency": "MONTHLY", "by_month_day": [20]}, "2027-01-20T10:00"),
        ({"repeats": True, "frequency": "MONTHLY", "by_day": ["TU"]}, "2027-01-19T10:00"),
        ({"repeats": True, "frequency": "YEARLY"}, "2028-01-10T10:00"),
        ({"repeats": True, "frequency": "YEARLY", "interval": 2}, "2029-01-10T10:00"),
        ({"repeats": True, "frequency": "YEARLY", "by_month": [3]}, "2027-03-10T10:00"),
        ({"repeats": True, "frequency": "HOURLY"}, None),
        ({"repeats": True, "frequency": "DAILY", "end_type": "after", "count": 3}, None),
        ({"repeats": True, "frequency": "DAILY", "end_type": "on", "until": "2027-01-12"}, None),
    ],
)
async def test_when_an_event_takes_place_next(
    v1: Client, columns: Any, following: str | None
) -> None:
    calendar = await v1.make("/calendars", name="C")
    event = await v1.make("/events", name="E", calendar_id=calendar["id"], **TIMES, **columns)
    expected = f"{following}:00.000000Z" if following else None
    assert event["next_occurrence"] == expected
    assert event["is_past"] is (following is None)
    ends = columns.get("until", "") if columns else "2027-01-10"
    assert (event["computed_end"] or "").startswith(ends)


async def test_events_of_a_period(v1: Client, clock: FixedClock) -> None:
    calendar = (await v1.make("/calendars", name="C"))["id"]
    weekly = {"repeats": True, "frequency": "WEEKLY"}
    await v1.make("/events", name="Once", calendar_id=calendar, **TIMES)
    await v1.make("/events", name="Weekly", calendar_id=calendar, **TIMES, **weekly)
    late = {**TIMES, "start": "2030-01-01", "end": "2030-01-02"}
    await v1.make("/events", name="Late", calendar_id=calendar, **late)

    async def between(*dates: str) -> list[int]:
        scopes = [{"name": "datePeriod", "parameters": list(dates)}]
        answer = await v1.post("/events/search", {"scopes": scopes})
        return [each["id"] for each in answer.expect(200).data]

    assert await between("2027-01-01", "2027-02-01") == [1, 2]
    assert await between("2027-01-10T11:00", "2027-01-10T11:30") == [1, 2]
    assert await between("2027-01-11", "2027-01-16") == []
    assert await between("2027-02-01", "2027-02-14T23:00") == [2]
    assert await between("2030-01-01", "2030-01-01") == [3]
    assert await between("2020-01-01", "2021-01-01") == []
