"""Photos of users: up, down and away."""

from __future__ import annotations

import base64

import pytest

from tests.conftest import Answer, Api
from tests.families.support import ANN, make, refusal, shown, stored

PNG = b"\x89PNG" + bytes(range(256))


async def upload(api: Api, doc_id: str, content: bytes = PNG, kind: str = "image/png") -> Answer:
    path = f"{api.account}/users/{doc_id}/photo"
    return await api.post(path, raw=content, headers={"Content-Type": kind})


async def expect_gone(api: Api, attachment_id: str) -> None:
    store = api.gateway.services.store
    read = store.read_attachment(api.master.account_id, attachment_id)
    with pytest.raises(KeyError):
        await anext(aiter(read))


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("*/*", "application/octet-stream"),
        ("application/octet-stream", "application/octet-stream"),
        ("application/base64", "application/base64"),
    ],
)
async def test_a_photo_comes_down_as_it_went_up(api: Api, accept: str, content_type: str) -> None:
    doc_id = await make(api, "users", **ANN)
    user = await shown(api, "users", doc_id)
    assert (await upload(api, doc_id)).expect(200).data == user
    answer = await api.get(f"{api.account}/users/{doc_id}/photo", headers={"Accept": accept})
    assert answer.expect(200).content == PNG
    assert answer.headers["Content-Type"] == content_type
    assert answer.headers["Content-Disposition"] == 'attachment; filename="photo"'


async def test_a_photo_may_be_base64_or_a_part(api: Api) -> None:
    doc_id = await make(api, "users")
    path = f"{api.account}/users/{doc_id}/photo"
    uri = b"data:image/png;base64," + base64.b64encode(PNG)
    (await upload(api, doc_id, uri, "application/base64")).expect(200)
    assert (await api.get(path)).content == PNG
    part = b"--X\r\nContent-Type: image/gif\r\n\r\nGIF\r\n--X--\r\n"
    (await upload(api, doc_id, part, "multipart/form-data; boundary=X")).expect(200)
    assert (await api.get(path)).content == b"GIF"


async def test_a_photo_that_is_replaced_or_removed_is_gone(api: Api) -> None:
    doc_id = await make(api, "users")
    path = f"{api.account}/users/{doc_id}/photo"
    (await api.get(path)).expect(404)
    assert (await api.delete(path)).expect(200).data == {}
    (await upload(api, doc_id)).expect(200)
    first = (await stored(api, "user", doc_id))["pvt_attachments"]["photo"]["id"]
    (await upload(api, doc_id, b"other")).expect(200)
    assert (await api.get(path)).content == b"other"
    assert (await api.delete(path)).expect(200).data == {}
    (await api.get(path)).expect(404)
    await expect_gone(api, first)


async def test_a_photo_stays_when_the_user_changes_and_goes_with_the_user(api: Api) -> None:
    doc_id = await make(api, "users", **ANN)
    (await upload(api, doc_id)).expect(200)
    path = f"{api.account}/users/{doc_id}"
    (await api.patch(path, {"timezone": "UTC"})).expect(200)
    assert (await api.get(f"{path}/photo")).expect(200).content == PNG
    await api.login("ann", "s3cret", "Master")
    attachment = (await stored(api, "user", doc_id))["pvt_attachments"]["photo"]["id"]
    (await api.delete(path)).expect(200)
    await expect_gone(api, attachment)


async def test_what_is_no_photo_is_refused(api: Api) -> None:
    doc_id = await make(api, "users")
    refusal(await api.post(f"{api.account}/users/{doc_id}/photo", {}), "file", "required")
    (await upload(api, doc_id, kind="application/pdf")).expect(415)
    (await api.get(f"{api.account}/users/{doc_id}/photo")).expect(404)
