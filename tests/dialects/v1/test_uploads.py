"""Pictures: of awards, ranks, qualifications and events, and photos of people."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from aiohttp import FormData

from tests.conftest import Api
from tests.contract.kit import bare_exchange, http
from tests.dialects.v1.support import Client

PICTURE = b"\x89PNG" + bytes(2000)
SIZES = {"http.max_upload_size": 12_000_000}

PLACES = ("/ranks/1/image", "/awards/1/image", "/qualifications/1/image", "/events/1/images")


@pytest.fixture
def overrides() -> dict[str, Any]:
    return SIZES


def picture(
    name: str = "image", content: bytes = PICTURE, kind: str = "image/png", **fields: str
) -> FormData:
    form = FormData(fields, default_to_multipart=True)
    form.add_field(name, content, filename="a-b.png", content_type=kind)
    return form


@pytest.fixture
async def owners(v1: Client) -> Client:
    """A client of an organisation with one row of everything that has pictures."""
    for noun in ("ranks", "awards", "qualifications", "calendars"):
        await v1.make(f"/{noun}", name="One")
    times = {"start": "2027-01-01", "end": "2027-01-02", "all_day": True}
    await v1.make("/events", name="E", calendar_id=1, **times)
    return v1


@pytest.mark.parametrize("place", PLACES)
async def test_a_picture_is_kept_shown_changed_and_removed(owners: Client, place: str) -> None:
    made = (await owners.request("POST", place, data=picture(label="x", title="y"))).expect(422)
    assert list(made.errors) == ["name"]
    form = FormData({"name": "Badge"}, default_to_multipart=True)
    form.add_field("image", PICTURE, filename="a-b.png", content_type="image/png")
    made = (await owners.request("POST", place, data=form)).expect(201)
    row = made.data
    noun = place.split("/")[1]
    assert (row["name"], row["filename"]) == ("Badge", "a-b.png")
    assert (row["model_type"], row["model_id"]) == (noun, "1")
    assert row["path"].endswith("/a-b.png")
    nobody = Client(owners.api, owners.account_id)
    got = await nobody.get(row["image_url"].partition("/v1")[2])
    assert (got.status, got.content) == (200, PICTURE)
    assert got.headers["Content-Type"] == "image/png"
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    asked = await bare_exchange(owners.api, http("HEAD", row["image_url"]))
    assert asked.headers["content-length"] == str(len(PICTURE))
    assert asked.content == b""

    again = FormData({"name": "Other"}, default_to_multipart=True)
    again.add_field("image", PICTURE, filename="b.png", content_type="image/png")
    assert (await owners.request("POST", place, data=again)).kind == (409, "HttpException")

    item = f"{place}/{row['id']}"
    for path in (item, place) if place.endswith("image") else (item,):
        assert (await owners.get(path)).expect(200).data == row
    change = picture(content=PICTURE + b"!", _method="put")
    changed = (await owners.request("POST", item, data=change)).expect(200).data
    assert changed["image_url"] != row["image_url"]
    assert (await nobody.get(row["image_url"].partition("/v1")[2])).status == 404
    got = await nobody.get(changed["image_url"].partition("/v1")[2])
    assert got.content == PICTURE + b"!"

    (await owners.delete(item)).expect(200)
    assert (await nobody.get(changed["image_url"].partition("/v1")[2])).status == 404
    assert (await owners.get(item)).status == 404


@pytest.mark.parametrize(
    ("content", "kind"),
    [(b"x" * 1000, "image/png"), (b"x" * 10_240_001, "image/png"), (PICTURE, "text/html")],
)
async def test_what_is_no_picture_of_the_right_size_is_refused(
    owners: Client, content: bytes, kind: str
) -> None:
    form = FormData({"name": "Badge"}, default_to_multipart=True)
    form.add_field("image", BytesIO(content), filename="a", content_type=kind)
    refused = await owners.request("POST", "/ranks/1/image", data=form)
    assert list(refused.expect(422).errors) == ["image"]


async def test_a_picture_must_be_sent(owners: Client) -> None:
    for body in ({"name": "Badge"}, {"name": "Badge", "image": "text"}):
        refused = await owners.post("/ranks/1/image", body)
        assert list(refused.expect(422).errors) == ["image"]
    assert (await owners.get("/ranks/1/image")).status == 404


async def test_pictures_are_included_and_go_with_what_they_show(owners: Client) -> None:
    form = FormData({"name": "Badge"}, default_to_multipart=True)
    form.add_field("image", PICTURE, filename="a.svg", content_type="image/svg+xml")
    made = (await owners.request("POST", "/ranks/1/image", data=form)).expect(201).data
    (rank,) = (await owners.get("/ranks?include=image")).data
    assert rank["image"]["id"] == made["id"]
    address = made["image_url"].partition("/v1")[2]
    got = await owners.get(address)
    assert got.headers["Content-Type"] == "application/octet-stream"
    (await owners.delete("/ranks/1")).expect(200)
    assert (await owners.get(address)).status == 404


async def test_photos_of_people_are_those_of_v2(api: Api, v1: Client) -> None:
    form = FormData({"name": "Ann Lee", "email": "a@b.c"}, default_to_multipart=True)
    for name in ("profile_photo", "cover_photo"):
        form.add_field(name, PICTURE + name.encode(), filename="p.png", content_type="image/png")
    made = (await v1.request("POST", "/users", data=form)).expect(201).data
    for name in ("profile_photo", "cover_photo"):
        assert made[name] == made[f"{name}_url"].partition("/v1/")[2]
        got = await v1.get(made[f"{name}_url"].partition("/v1")[2])
        assert got.content == PICTURE + name.encode()
    rows = (await api.get(f"{api.account}/users")).data
    user_id = next(each["id"] for each in rows if each["last_name"] == "Lee")
    photo = await api.get(f"{api.account}/users/{user_id}/photo")
    assert photo.content == PICTURE + b"profile_photo"

    item = f"/users/{made['id']}"
    change = picture("cover_photo", PICTURE + b"!", _method="patch")
    changed = (await v1.request("POST", item, data=change)).expect(200).data
    assert changed["profile_photo_url"] == made["profile_photo_url"]
    assert changed["cover_photo_url"] != made["cover_photo_url"]
    read = (await v1.get(item)).expect(200).data
    kept = (await v1.request("PUT", item, {**read, "name": "Ann Lea"})).expect(200).data
    assert kept["profile_photo_url"] == read["profile_photo_url"]
    assert kept["profile_photo"] == read["profile_photo"]
    refused = await v1.patch(item, {"cover_photo": read["profile_photo"]})
    assert list(refused.expect(422).errors) == ["cover_photo"]
    cleared = (await v1.patch(item, {"profile_photo": None})).expect(200).data
    assert cleared["profile_photo_url"] is None
    assert cleared["profile_photo"] is None
    assert cleared["cover_photo_url"] == changed["cover_photo_url"]
    assert (await api.get(f"{api.account}/users/{user_id}/photo")).status == 404


@pytest.mark.parametrize(
    "path",
    ["/files/x/user/y/z", "/files/{account}/account/{account}/z", "/files/{account}/user/x/y"],
)
async def test_other_files_are_not_found(v1: Client, path: str) -> None:
    answer = await v1.get(path.format(account=v1.account_id))
    assert answer.kind == (404, "ModelNotFoundException")
