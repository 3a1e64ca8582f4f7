"""Rows of every component: made, read, listed, changed, deleted."""

from __future__ import annotations

from typing import Any

import pytest

from crossbar.personnel.components import COMPONENTS
from crossbar.personnel.shapes import Component
from tests.dialects.v1.kit import WRITABLE, full_body, value_of, written
from tests.dialects.v1.support import Client

ON_BOTH = ("ranks", "users", "events", "rank-records", "submissions")

CASES = [
    pytest.param(COMPONENTS[noun], store, id=f"{noun}-{store}")
    for noun in (each.noun for each in WRITABLE)
    for store in (("sqlite", "mongodb") if noun in ON_BOTH else ("sqlite",))
]

every_component = pytest.mark.parametrize(
    ("component", "storage_url"), CASES, indirect=["storage_url"]
)


@every_component
async def test_a_row_is_made_read_listed_changed_and_deleted(
    v1: Client, component: Component
) -> None:
    path = f"/{component.noun}"
    body = await full_body(v1, component)
    made = (await v1.post(path, body)).expect(201).data
    hidden = {each.name for each in component.fields if each.hidden}
    shown = {name: made.get(name) for name in body if name not in hidden}
    if "is_public" in shown:
        shown["is_public"] = bool(shown["is_public"])
    assert shown == {name: value for name, value in body.items() if name not in hidden}
    assert hidden.isdisjoint(made)
    assert {"id", "created_at", "updated_at"} <= made.keys()

    item = f"{path}/{made['id']}"
    assert (await v1.get(item)).expect(200).data == made
    assert made in (await v1.get(path)).expect(200).data
    assert made in (await v1.post(f"{path}/search")).expect(200).data

    texts = [each for each in written(component) if each.kind == "text" and not each.schema]
    name = next((each.name for each in texts if not each.hidden), "answer")
    if component.noun == "users":
        name = "name"
    for verb in ("PATCH", "PUT"):
        changed = (await v1.request(verb, item, {name: f"by {verb}"})).expect(200).data
        assert changed[name] == f"by {verb}"
        assert changed["created_at"] == made["created_at"]

    gone = (await v1.delete(item)).expect(200).data
    assert (gone["id"], "deleted_at" in gone) == (made["id"], True)
    assert (await v1.get(item)).kind == (404, "ModelNotFoundException")
    assert (await v1.patch(item, {})).status == 404
    assert (await v1.delete(item)).status == 404
    assert made["id"] not in [each["id"] for each in (await v1.get(path)).data]


async def test_what_a_create_must_have_is_named(v1: Client) -> None:
    for component in WRITABLE:
        refused = (await v1.post(f"/{component.noun}", {})).expect(422)
        required = {each.name for each in component.fields if each.required}
        assert set(refused.errors) == required
        assert refused.kind == (422, "ValidationException")


async def test_a_column_of_another_type_is_refused(v1: Client) -> None:
    for component in WRITABLE:
        body = await full_body(v1, component)
        for field in written(component):
            wrong = {"not": ["what"]} if field.kind != "object" else "text"
            refused = await v1.post(f"/{component.noun}", {**body, field.name: wrong})
            assert refused.status == 422, (field.name, refused.content)
            assert field.name in refused.errors


async def test_a_column_can_be_emptied_or_must_not_be(v1: Client) -> None:
    for component in WRITABLE:
        body = await full_body(v1, component)
        row = (await v1.post(f"/{component.noun}", body)).expect(201).data
        item = f"/{component.noun}/{row['id']}"
        for field in written(component):
            answer = await v1.patch(item, {field.name: None})
            if not field.null:
                assert list(answer.expect(422).errors) == [field.name]
            elif not field.hidden:
                emptied = field.schema.get("default")
                assert answer.expect(200).data[field.name] == emptied
            if field.null:
                await v1.patch(item, {field.name: body[field.name]})


async def test_an_id_must_exist(v1: Client) -> None:
    for component in WRITABLE:
        body = await full_body(v1, component)
        for field in written(component):
            if field.refers:
                refused = await v1.post(f"/{component.noun}", {**body, field.name: 4711})
                assert list(refused.expect(422).errors) == [field.name]


async def test_texts_are_trimmed_and_empty_ones_are_null(v1: Client) -> None:
    rank = await v1.make("/ranks", name="  Private ", description="   ", abbreviation="")
    assert (rank["name"], rank["description"], rank["abbreviation"]) == ("Private", None, None)
    assert (await v1.post("/ranks", {"name": " "})).expect(422).errors.keys() == {"name"}


async def test_times_are_taken_in_many_forms_and_shown_in_one(v1: Client) -> None:
    news: Any = {"title": "A", "content": "B", "color": "info"}
    for sent, shown in (
        ("2027-03-01", "2027-03-01T00:00:00.000000Z"),
        ("2027-03-01 12:30", "2027-03-01T12:30:00.000000Z"),
        ("2027-03-01T12:30:00+02:00", "2027-03-01T10:30:00.000000Z"),
        ("Mon, 01 Mar 2027 12:30:00 GMT", "2027-03-01T12:30:00.000000Z"),
        ("03/01/2027", "2027-03-01T00:00:00.000000Z"),
    ):
        made = await v1.make("/announcements", **news, expires_at=sent)
        assert made["expires_at"] == shown
    for wrong in ("tomorrow-ish", "2027-13-01", "0001-01-01T00:00:00+14:00", "0" * 65, 5):
        refused = await v1.post("/announcements", {**news, "expires_at": wrong})
        assert list(refused.expect(422).errors) == ["expires_at"]


async def test_times_of_a_row_may_be_set(v1: Client) -> None:
    times = {"created_at": "2020-01-01T00:00:00.000000Z", "updated_at": "2021-01-01 10:00"}
    rank = await v1.make("/ranks", name="Private", **times)
    assert rank["created_at"] == times["created_at"]
    assert rank["updated_at"] == "2021-01-01T10:00:00.000000Z"


@pytest.mark.parametrize("nothing", [None, ""])
async def test_times_of_a_row_cannot_be_emptied(v1: Client, nothing: Any) -> None:
    (user,) = (await v1.get("/users")).data
    record = await v1.make("/service-records", user_id=1, text="S", created_at=nothing)
    for path, made in (("/service-records/1", record), ("/users/1", user)):
        sent = {"created_at": nothing, "updated_at": nothing}
        for changed in (await v1.patch(path, sent), await v1.request("PUT", path, sent)):
            assert changed.expect(200).data["created_at"] == made["created_at"]
            assert changed.data["updated_at"] >= made["updated_at"]
    assert [row["id"] for row in (await v1.get("/service-records")).data] == [1]


async def test_numbers_and_truths_are_taken_as_text(v1: Client) -> None:
    group = await v1.make("/groups", name="First", hidden="1", order="12")
    assert (group["hidden"], group["order"]) == (True, 12)
    group = await v1.make("/groups", name="Second", hidden=0, order=3.0)
    assert (group["hidden"], group["order"]) == (False, 3)


async def test_a_row_without_a_place_comes_last(v1: Client) -> None:
    for order in (5, None, -3, None):
        await v1.make("/ranks", name="Rank", **({"order": order} if order is not None else {}))
    rows = (await v1.get("/ranks")).data
    assert [(row["id"], row["order"]) for row in rows] == [(3, -3), (1, 5), (2, 6), (4, 7)]


async def test_the_newest_record_comes_first(v1: Client) -> None:
    await v1.get("/users")
    for year in (2001, 2003, 2002):
        await v1.make("/service-records", user_id=1, text="x", created_at=f"{year}-01-01")
    rows = (await v1.get("/service-records")).data
    assert [row["id"] for row in rows] == [2, 3, 1]


async def test_ids_are_counted_by_component_and_are_never_used_again(v1: Client) -> None:
    assert [(await v1.make("/ranks", name="R"))["id"] for _ in range(3)] == [1, 2, 3]
    await v1.delete("/ranks/3?force=1")
    assert (await v1.make("/ranks", name="R"))["id"] == 4
    assert (await v1.make("/units", name="U"))["id"] == 1


@pytest.mark.parametrize("wanted", ["0", "-1", "x", "1.0", "²", "1" * 40, "%00", "1%2F2"])
async def test_what_is_no_id_is_not_found(v1: Client, wanted: str) -> None:
    await v1.make("/ranks", name="R")
    assert (await v1.get(f"/ranks/{wanted}")).status == 404


async def test_a_column_that_is_not_listed_cannot_be_set(v1: Client) -> None:
    rank = await v1.make(
        "/ranks", name="R", id=77, pvt_seq=78, _id="x", secret="y", deleted_at="z"
    )
    assert rank["id"] == 1
    assert {"secret", "pvt_seq", "deleted_at"}.isdisjoint(rank)


async def test_the_end_of_an_event_comes_after_its_start(v1: Client) -> None:
    body = await full_body(v1, COMPONENTS["events"])
    refused = await v1.post("/events", {**body, "end": body["start"]})
    assert list(refused.expect(422).errors) == ["end"]
    event = await v1.make("/events", **body)
    late = {"end": "2027-02-28"}
    assert list((await v1.patch(f"/events/{event['id']}", late)).errors) == ["end"]
    moved = {"start": "2027-02-27", **late}
    assert (await v1.patch(f"/events/{event['id']}", moved)).status == 200


async def test_a_slug_is_unique_whatever_its_case(v1: Client) -> None:
    form = {"name": "F", "slug": "join-us", "is_public": True}
    await v1.make("/forms", **form)
    assert list((await v1.post("/forms", {**form, "slug": "Join-Us"})).errors) == ["slug"]
    other = await v1.make("/forms", **{**form, "slug": "leave"})
    assert (await v1.patch(f"/forms/{other['id']}", {"slug": "leave"})).status == 200
    assert list((await v1.patch(f"/forms/{other['id']}", {"slug": "join-us"})).errors) == ["slug"]


def test_every_kind_of_column_has_a_value_to_send() -> None:
    fields = [each for component in WRITABLE for each in written(component)]
    assert {type(value_of(each)) for each in fields} == {str, int, bool, list}
