"""Rows below rows: records, links with their columns, the one that a column refers to."""

from __future__ import annotations

from typing import Any

import pytest

from crossbar.personnel.endpoints import MAY_LEAVE_OUT_ID
from crossbar.personnel.relations import RELATIONS, Kind, RelationPath
from tests.dialects.v1.kit import full_body, row_of
from tests.dialects.v1.support import Client, client_of

SEVERAL = [each for each in RELATIONS if each.kind in (Kind.HAS_MANY, Kind.MANY_TO_MANY)]
LINKED = [each for each in RELATIONS if each.kind is Kind.MANY_TO_MANY]
CURRENT = [each for each in RELATIONS if each.kind is Kind.BELONGS_TO]


def named(path: RelationPath) -> str:
    return f"{path.parent.noun}-{path.name}"


async def below(v1: Client, path: RelationPath) -> str:
    """The path of a relation, below a row that exists."""
    await v1.get("/users")
    return f"/{path.parent.noun}/{await row_of(v1, path.parent)}/{path.name}"


async def made(v1: Client, path: RelationPath, **more: Any) -> Any:
    body = await full_body(v1, path.place.component, least=True)
    body.pop("user_id", None)
    body.pop("form_id", None)
    return body | more


@pytest.mark.parametrize("path", [each for each in SEVERAL if each.name != "images"], ids=named)
async def test_rows_are_made_and_kept_below_a_row(v1: Client, path: RelationPath) -> None:
    base = await below(v1, path)
    row = (await v1.post(base, await made(v1, path))).expect(201).data
    item = f"{base}/{row['id']}"
    assert (await v1.get(item)).expect(200).data == row
    assert (await v1.get(base)).expect(200).data == [row]
    assert (await v1.post(f"{base}/search")).expect(200).data == [row]
    (await v1.patch(item, {})).expect(200)
    elsewhere = f"/{path.parent.noun}/4711/{path.name}"
    for answer in (
        await v1.get(elsewhere),
        await v1.post(elsewhere, await made(v1, path, slug="other")),
        await v1.get(f"{elsewhere}/{row['id']}"),
        await v1.get(f"{base}/4711"),
    ):
        assert answer.kind == (404, "ModelNotFoundException")
    resources: Any = {"resources": {str(row["id"]): {}, "4711": {}}}
    assert [each["id"] for each in (await v1.patch(f"{base}/batch", resources)).data] == [
        row["id"]
    ]
    gone = (await v1.delete(f"{base}/batch", {"resources": [row["id"], 4711]})).expect(200)
    assert [each["id"] for each in gone.data] == [row["id"]]
    several = {"resources": [await made(v1, path, slug=f"slug-{n}") for n in range(2)]}
    assert len((await v1.post(f"{base}/batch", several)).expect(200).data) == 2
    (await v1.delete(f"{base}/{(await v1.get(base)).data[0]['id']}")).expect(200)
    assert len((await v1.get(base)).data) == 1


@pytest.mark.parametrize("path", LINKED, ids=named)
async def test_rows_that_exist_are_linked_and_unlinked(v1: Client, path: RelationPath) -> None:
    base = await below(v1, path)
    component = path.place.component
    if component.noun == "fields":
        first, second = [(await v1.post(base, await made(v1, path))).data["id"] for _ in range(2)]
        (await v1.delete(f"{base}/detach", {"resources": [first, second]})).expect(200)
    else:
        bodies = [await full_body(v1, component, least=True) for _ in range(2)]
        bodies = [{**body, "slug": f"s-{at}"} for at, body in enumerate(bodies)]
        first, second = [(await v1.make(f"/{component.noun}", **body))["id"] for body in bodies]

    async def ids() -> list[int]:
        return sorted(each["id"] for each in (await v1.get(base)).expect(200).data)

    attach = {"resources": [first, 4711, "x"]}
    assert (await v1.post(f"{base}/attach", attach)).expect(200).body == {"attached": [first]}
    assert (await v1.post(f"{base}/attach", attach)).body == {"attached": []}
    assert await ids() == [first]
    again = {"resources": {str(first): []}, "duplicates": True}
    assert (await v1.post(f"{base}/attach", again)).body == {"attached": [first]}
    assert await ids() == [first, first]
    toggled = (await v1.patch(f"{base}/toggle", {"resources": [first, second]})).expect(200)
    assert toggled.body == {"attached": [second], "detached": [first]}
    synced = (await v1.patch(f"{base}/sync", {"resources": [first]})).expect(200)
    assert synced.body == {"attached": [first], "detached": [second], "updated": []}
    kept = (await v1.patch(f"{base}/sync", {"resources": [second], "detaching": False})).body
    assert kept == {"attached": [second], "detached": [], "updated": []}
    gone = await v1.delete(f"{base}/detach", {"resources": {str(first): {}, str(second): {}}})
    assert gone.expect(200).body == {"detached": [first, second]}
    assert await ids() == []
    for verb, name in (("POST", "attach"), ("PATCH", "sync"), ("DELETE", "detach")):
        assert list((await v1.request(verb, f"{base}/{name}", {})).errors) == ["resources"]
        wrong = await v1.request(verb, f"{base}/{name}", {"resources": "x"})
        assert list(wrong.errors) == ["resources"]
        assert (await v1.request(verb, f"{base}/{name}", {"resources": []})).status == 200


async def test_links_carry_columns(v1: Client) -> None:
    await v1.get("/users")
    task = await v1.make("/tasks", title="Clean up")
    sent = {str(task["id"]): {"due_at": "2027-02-01", "assigned_by_id": 1, "other": "x"}}
    (await v1.post("/users/1/tasks/attach", {"resources": sent})).expect(200)
    (row,) = (await v1.get("/users/1/tasks")).data
    assert row["assignment"] == {
        "id": 1,
        "user_id": 1,
        "task_id": task["id"],
        "assigned_by_id": 1,
        "assigned_at": None,
        "due_at": "2027-02-01T00:00:00.000000Z",
        "completed_at": None,
        "expires_at": None,
        "created_at": "2027-01-15T08:00:00.000000Z",
        "complete": False,
        "expired": False,
        "past_due": False,
        "status": "assigned",
    }
    for pivot, status in (
        ({"due_at": "2027-01-01"}, "past_due"),
        ({"completed_at": "2027-01-14"}, "complete_past_due"),
        ({"expires_at": "2027-01-10", "due_at": None}, "complete_expired"),
        ({"completed_at": None}, "expired"),
        ({"expires_at": None, "completed_at": "2027-01-14"}, "complete"),
    ):
        answer = await v1.patch(f"/users/1/tasks/{task['id']}/pivot", {"pivot": pivot})
        assert answer.expect(200).body == {"updated": [task["id"]]}
        (row,) = (await v1.get("/users/1/tasks")).data
        assert row["assignment"]["status"] == status
    synced = {str(task["id"]): {"assigned_by_id": 1, "due_at": "2028-01-01"}}
    assert (await v1.patch("/users/1/tasks/sync", {"resources": synced})).body["updated"] == [1]
    (shown,) = (await v1.get("/tasks?include=users")).data
    assert shown["users"][0]["assignment"]["due_at"].startswith("2028")


@pytest.mark.parametrize(
    "pivot", [None, [], "x", {"due_at": "soon"}, {"assigned_by_id": "one"}, {"due_at": 5}]
)
async def test_columns_of_links_are_judged(v1: Client, pivot: Any) -> None:
    await v1.get("/users")
    task = await v1.make("/tasks", title="Clean up")
    (await v1.post("/users/1/tasks/attach", {"resources": [task["id"]]})).expect(200)
    answer = await v1.patch(f"/users/1/tasks/{task['id']}/pivot", {"pivot": pivot})
    assert answer.kind == (422, "ValidationException")
    assert (await v1.patch("/users/1/tasks/9/pivot", {"pivot": {}})).status == 404


async def test_a_new_row_is_linked_with_columns(v1: Client) -> None:
    category = await v1.make("/categories", name="Medals", resource="awards")
    base = f"/categories/{category['id']}/awards"
    award = (await v1.post(base, {"name": "Star", "pivot": {"order": 4}})).expect(201).data
    assert award["pivot"]["order"] == 4
    (shown,) = (await v1.get("/categories?include=awards")).data
    assert [(each["id"], each["pivot"]["order"]) for each in shown["awards"]] == [(1, 4)]


async def test_what_may_not_be_viewed_is_not_linked(v1: Client) -> None:
    category = await v1.make("/categories", name="Medals", resource="awards")
    award = await v1.make("/awards", name="Star")
    blind = await client_of(v1.api, scopes=("update:category",))
    base = f"/categories/{category['id']}/awards"
    sent = {"resources": [award["id"]]}
    assert (await blind.post(f"{base}/attach", sent)).expect(200).body == {"attached": []}
    seeing = await client_of(v1.api, scopes=("update:category", "view:award"))
    assert (await seeing.post(f"{base}/attach", sent)).body == {"attached": [award["id"]]}


async def test_rows_are_associated_and_dissociated(v1: Client) -> None:
    await v1.get("/users")
    bob = await v1.make("/users", name="Bob", email="b@b.org")
    record = await v1.make("/users/1/service-records", text="Served")
    base = f"/users/{bob['id']}/service-records"
    moved = (await v1.post(f"{base}/associate", {"related_key": record["id"]})).expect(200)
    assert moved.data["user_id"] == bob["id"]
    assert (await v1.get("/users/1/service-records")).data == []
    free = (await v1.delete(f"{base}/{record['id']}/dissociate")).expect(200)
    assert free.data["user_id"] is None
    assert (await v1.get(base)).data == []
    assert list((await v1.post(f"{base}/associate", {})).errors) == ["related_key"]
    assert (await v1.post(f"{base}/associate", {"related_key": 4711})).status == 404
    form = await v1.make("/forms", name="F", slug="f", is_public=True)
    answer = await v1.make(f"/forms/{form['id']}/submissions")
    kept = await v1.delete(f"/forms/{form['id']}/submissions/{answer['id']}/dissociate")
    assert list(kept.expect(422).errors) == ["form_id"]


@pytest.mark.parametrize("path", CURRENT, ids=named)
async def test_the_row_that_a_column_refers_to(v1: Client, path: RelationPath) -> None:
    assert path.kind in MAY_LEAVE_OUT_ID
    await v1.get("/users")
    component = path.place.component
    row = await row_of(v1, component)
    base = f"/users/1/{path.name}"
    assert (await v1.get(base)).kind == (404, "ModelNotFoundException")
    (await v1.patch("/users/1", {f"{path.name}_id": row})).expect(200)
    for place in (base, f"{base}/{row}"):
        assert (await v1.get(place)).expect(200).data["id"] == row
        assert (await v1.patch(place, {"name": "Changed"})).expect(200).data["name"] == "Changed"
    assert (await v1.get(f"{base}/4711")).status == 404
    batch = {"resources": {str(row): {"name": "Again"}, "4711": {}}}
    changed = (await v1.patch(f"{base}/batch", batch)).expect(200).data
    assert [(each["id"], each["name"]) for each in changed] == [(row, "Again")]
    (await v1.delete(base)).expect(200)
    assert (await v1.get(f"/{component.noun}/{row}")).status == 404
    assert (await v1.get(f"/users/1?include={path.name}")).data[path.name] is None


async def test_links_end_with_what_they_join(v1: Client) -> None:
    await v1.get("/users")
    task = await v1.make("/tasks", title="Clean up")
    (await v1.post("/users/1/tasks/attach", {"resources": [task["id"]]})).expect(200)
    (await v1.delete(f"/tasks/{task['id']}")).expect(200)
    assert (await v1.get("/users/1/tasks")).data == []


async def test_a_row_is_found_only_below_what_it_belongs_to(v1: Client) -> None:
    await v1.get("/users")
    bob = await v1.make("/users", name="Bob Kay", email="bob@kay.org")
    await v1.make("/users/1/service-records", text="x")
    await v1.make("/users/1/tasks", title="t")
    rank = await v1.make("/ranks", name="Private")
    await v1.make("/ranks", name="Major")
    (await v1.patch("/users/1", {"rank_id": rank["id"]})).expect(200)
    for path in ("service-records", "tasks", "rank"):
        (await v1.get(f"/users/1/{path}/1")).expect(200)
        for own in (f"/users/1/{path}/2", f"/users/{bob['id']}/{path}/1"):
            for verb in ("GET", "PATCH", "DELETE"):
                answer = await v1.request(verb, own, {})
                assert answer.kind == (404, "ModelNotFoundException"), (verb, own)
