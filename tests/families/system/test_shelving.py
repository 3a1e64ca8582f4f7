"""Files that move between the store and places outside of it: none is lost, and none is left."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from crossbar.cli.upkeep import sweep
from crossbar.core import shelving
from crossbar.core.jobs import asked
from crossbar.core.ports import ShelfFailed
from crossbar.core.shelf_errors import note_failure
from crossbar.core.shelved import REMOVE, SHELVED, shelf_at, storage_key, tidy
from crossbar.core.shelving import MOVE, MOVE_ALL, probe, read_attachment, settle
from crossbar.outside import shelves_of
from crossbar.settings import Storage
from crossbar.storage import SYSTEM, Batch, Key, Span
from tests.conftest import PASSWORD, Api
from tests.families.system.conftest import Bucket
from tests.families.system.support import (
    SOUND,
    A,
    B,
    at,
    everything,
    facts_of,
    files_in,
    folder,
    is_in_store,
    jobs_done,
    place_of,
    played,
    upload,
)


async def test_files_move_to_a_bucket_and_back(api: Api, bucket: Bucket) -> None:
    before = await upload(api)
    path = f"{api.account}/storage"
    place = {"handler": "s3", "settings": {**bucket.settings, "folder_base_path": "calls"}}
    (await api.put(path, at(place))).expect(201)
    await jobs_done(api)
    after = await upload(api, SOUND[::-1])
    await jobs_done(api)
    names = await bucket.names()
    assert len(names) == 2
    assert all(name.startswith(f"calls/{api.master.account_id}/") for name in names)
    for media_id, content in ((before, SOUND), (after, SOUND[::-1])):
        _, facts = await facts_of(api, media_id)
        assert not await is_in_store(api, facts["id"])
        assert await played(api, media_id) == content
        assert await played(api, media_id, Range="bytes=10-19") == content[10:20]
    (await api.delete(path)).expect(200)
    await jobs_done(api)
    assert await bucket.names() == []
    assert await played(api, before) == SOUND
    assert await played(api, after) == SOUND[::-1]
    (await api.get(path)).expect(404)
    assert await api.gateway.services.store.get(storage_key(api.master.account_id)) is None


async def test_large_files_are_sent_in_parts(api: Api, bucket: Bucket) -> None:
    shelf = api.gateway.services.shelves.open("s3", bucket.settings)

    async def chunks() -> AsyncIterator[bytes]:
        for each in range(12):
            yield bytes([each]) * 1_000_000

    await shelf.put("large", chunks())
    assert await bucket.names() == ["large"]
    whole = b"".join([chunk async for chunk in shelf.read("large", 0, 12_000_000)])
    assert whole == b"".join([chunk async for chunk in chunks()])
    part = b"".join([chunk async for chunk in shelf.read("large", 7_999_999, 8_000_001)])
    assert part == b"\x07\x08"
    assert [chunk async for chunk in shelf.read("large", 5, 5)] == []


async def test_files_move_from_one_place_to_another(
    api: Api, bucket: Bucket, tmp_path: Path
) -> None:
    path, root = f"{api.account}/storage", tmp_path / "files"
    (await api.put(path, at(folder()))).expect(201)
    media_id = await upload(api)
    await jobs_done(api)
    document, _ = await facts_of(api, media_id)
    assert [file.read_bytes() for file in files_in(root)] == [SOUND]
    place = {"handler": "s3", "settings": bucket.settings}
    (await api.post(path, at(place, B))).expect(200)
    await jobs_done(api)
    assert files_in(root) == []
    assert len(await bucket.names()) == 1
    assert await played(api, media_id) == SOUND
    (await api.post(path, at(folder(), A))).expect(200)
    await jobs_done(api)
    assert await bucket.names() == []
    assert await played(api, media_id) == SOUND
    assert (await facts_of(api, media_id))[0] == document  # whoever holds its revision may write


async def test_what_is_deleted_or_replaced_goes_from_its_place(api: Api, tmp_path: Path) -> None:
    root = tmp_path / "files"
    (await api.put(f"{api.account}/storage", at(folder()))).expect(201)
    media_id = await upload(api)
    await jobs_done(api)
    headers = {"Content-Type": "audio/wav"}
    path = f"{api.account}/media/{media_id}"
    (await api.post(f"{path}/raw", raw=b"other", headers=headers)).expect(200)
    await jobs_done(api)
    assert [file.read_bytes() for file in files_in(root)] == [b"other"]
    (await api.delete(path)).expect(200)
    await jobs_done(api)
    assert files_in(root) == []
    span = Span(account_id=SYSTEM, doc_type=SHELVED)
    assert await api.gateway.services.store.count(span) == 0


async def test_what_came_back_moves_and_goes_as_well(api: Api, tmp_path: Path) -> None:
    path, root = f"{api.account}/storage", tmp_path / "files"
    (await api.put(path, at(folder()))).expect(201)
    media_id, other = await upload(api), await upload(api)
    await jobs_done(api)
    (await api.delete(path)).expect(200)
    await jobs_done(api)
    place = await place_of(api, media_id)
    assert place is not None
    api.clock.advance(3 * 86_400)
    api.token = ""
    api.token = await api.login(api.master.username, PASSWORD, api.master.account_name)
    assert await sweep(api.gateway.services) == 0
    assert await played(api, media_id) == SOUND
    (await api.delete(f"{api.account}/media/{other}")).expect(200)
    (await api.put(path, at(folder()))).expect(201)
    await jobs_done(api)
    assert not await is_in_store(api, place["local"])
    assert [file.read_bytes() for file in files_in(root)] == [SOUND]
    assert await played(api, media_id) == SOUND


async def test_an_account_that_is_deleted_leaves_nothing(api: Api, tmp_path: Path) -> None:
    root, child = tmp_path / "files", await api.create_account("Child")
    (await api.put(f"/v2/accounts/{child}/storage", at(folder()))).expect(201)
    await upload(api, account=f"/v2/accounts/{child}")
    await jobs_done(api)
    assert len(files_in(root)) == 1
    (await api.delete(f"/v2/accounts/{child}")).expect(200)
    await jobs_done(api)
    assert files_in(root) == []
    store = api.gateway.services.store
    assert await store.get(storage_key(child)) is None
    assert await store.count(Span(account_id=SYSTEM, doc_type=SHELVED)) == 0


async def test_a_customer_uses_the_place_of_its_reseller_and_of_the_system(
    api: Api, tmp_path: Path
) -> None:
    root, child = tmp_path / "files", await api.create_account("Child")
    await upload(api, account=f"/v2/accounts/{child}")
    (await api.put("/v2/storage", at(folder("system")))).expect(201)
    await jobs_done(api)
    assert [file.parts[len(root.parts)] for file in files_in(root)] == ["system"]
    (await api.put(f"{api.account}/storage", at(folder("reseller"), B))).expect(201)
    await jobs_done(api)
    assert [file.parts[len(root.parts)] for file in files_in(root)] == ["reseller"]
    own = {"plan": {"account": {"types": {"media": {"attachments": {"handler": A}}}}}}
    (await api.put(f"/v2/accounts/{child}/storage", own)).expect(201)
    await jobs_done(api)
    assert [file.parts[len(root.parts)] for file in files_in(root)] == ["system"]


class Faulty:
    """A place that fails in a chosen way."""

    def __init__(self, inner: Any, fault: str) -> None:
        self._inner = inner
        self.fault = fault
        self.meanwhile: Any = None

    def open(self, handler: str, settings: Any) -> Any:
        if self.fault == "open":
            raise ShelfFailed("closed", 503)
        self._shelf = self._inner.open(handler, settings)
        return self

    async def put(self, name: str, chunks: AsyncIterator[bytes]) -> None:
        if self.fault == "put":
            raise ShelfFailed("full", 507)
        await self._shelf.put(name, chunks)
        if self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            await meanwhile()

    async def read(self, name: str, start: int, stop: int) -> AsyncIterator[bytes]:
        if self.fault == "read":
            raise ShelfFailed("gone", 404)
        async for chunk in self._shelf.read(name, start, stop):
            yield b"x" + chunk[1:] if self.fault == "change" else chunk

    async def remove(self, name: str) -> None:
        await self._shelf.remove(name)


def with_fault(api: Api, fault: str) -> Any:
    """The services of a gateway whose places fail."""
    services = api.gateway.services
    return dataclasses.replace(services, shelves=Faulty(services.shelves, fault))


@pytest.mark.parametrize(
    ("fault", "reason", "code"),
    [
        ("open", "closed", 503),
        ("put", "full", 507),
        ("change", "what the place hands out is not what it was given", 0),
    ],
)
async def test_a_place_that_fails_is_told_of_and_loses_nothing(
    api: Api, fault: str, reason: str, code: int
) -> None:
    (await api.put(f"{api.account}/storage", at(folder()))).expect(201)
    await jobs_done(api)
    api.gateway.services.jobs.wake = lambda: None  # type: ignore[method-assign]
    media_id = await upload(api)
    document, _ = await facts_of(api, media_id)
    key = Key(api.master.account_id, "media", media_id)
    services = with_fault(api, fault)
    fresh = {**document, "pvt_attachments": document["pvt_attachments"]}
    with pytest.raises(ShelfFailed):
        await settle(services, key, fresh)
    assert await played(api, media_id) == SOUND
    errors = f"{api.account}/att_handlers_errors"
    (row,) = (await api.get(errors)).expect(200).data
    assert {name: row[name] for name in ("reason", "resp_code")} == {
        "reason": reason,
        "resp_code": code,
    }
    assert row["attachment_name"] in document["pvt_attachments"]
    assert (await api.get(f"{errors}/handler/{A}")).data == [row]
    assert (await api.get(f"{errors}/handler/{B}")).data == []
    one = (await api.get(f"{errors}/{row['id']}")).expect(200).data
    assert one["document_id"] == media_id
    assert one["handler_id"] == A
    (await api.get(f"{errors}/202611-{A}")).expect(404)
    await settle(api.gateway.services, key, document)
    assert await played(api, media_id) == SOUND


async def test_who_comes_too_late_to_move_a_file_does_not_touch_it(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (await api.put(f"{api.account}/storage", at(folder()))).expect(201)
    await jobs_done(api)
    media_id = await upload(api)
    await jobs_done(api)
    document, _ = await facts_of(api, media_id)
    late = with_fault(api, "change")
    get, seen = late.store.get, list[Key]()

    async def as_it_was(key: Key) -> Any:
        stored = await get(key)
        if key.doc_type == SHELVED and not seen:
            seen.append(key)
            return None
        return stored

    monkeypatch.setattr(late.store, "get", as_it_was)
    await settle(late, Key(api.master.account_id, "media", media_id), document)
    assert seen
    assert [file.read_bytes() for file in files_in(tmp_path / "files")] == [SOUND]


async def test_what_another_has_moved_elsewhere_is_left_there(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (await api.put(f"{api.account}/storage", at(folder()))).expect(201)
    await jobs_done(api)
    media_id = await upload(api)
    await jobs_done(api)
    document, _ = await facts_of(api, media_id)
    services = api.gateway.services
    get, seen = services.store.get, list[Key]()

    async def as_it_was(key: Key) -> Any:
        """In a place of before, which is forgotten since."""
        stored = await get(key)
        if key.doc_type == SHELVED and not seen:
            seen.append(key)
            return {**(stored or {}), "handler": B, "_rev": "1-before"}
        return stored

    monkeypatch.setattr(services.store, "get", as_it_was)
    await settle(services, Key(api.master.account_id, "media", media_id), document)
    assert seen
    assert [file.read_bytes() for file in files_in(tmp_path / "files")] == [SOUND]
    assert (await api.get(f"{api.account}/att_handlers_errors")).data == []


async def test_a_move_that_is_cut_off_begins_again(api: Api, tmp_path: Path) -> None:
    media_id = await upload(api)
    document, _ = await facts_of(api, media_id)
    (await api.put(f"{api.account}/storage", {"attachments": {A: folder()}})).expect(201)
    await jobs_done(api)
    api.gateway.services.jobs.wake = lambda: None  # type: ignore[method-assign]
    (await api.patch(f"{api.account}/storage", {"plan": everything(A)})).expect(200)
    key = Key(api.master.account_id, "media", media_id)
    services = with_fault(api, "")

    async def end() -> None:
        raise asyncio.CancelledError

    services.shelves.meanwhile = end  # when the copy is made, and nothing says so yet
    with pytest.raises(asyncio.CancelledError):
        await settle(services, key, document)
    assert len(files_in(tmp_path / "files")) == 1
    assert await played(api, media_id) == SOUND
    await settle(services, key, document)
    assert [file.read_bytes() for file in files_in(tmp_path / "files")] == [SOUND]
    assert await played(api, media_id) == SOUND


async def test_half_a_file_is_none(tmp_path: Path) -> None:
    place = shelves_of(Storage(files_folder=str(tmp_path))).open("folder", {"folder": "one"})

    async def chunks() -> AsyncIterator[bytes]:
        yield b"half"
        raise ShelfFailed("cut off")

    with pytest.raises(ShelfFailed):
        await place.put("a/b", chunks())
    assert files_in(tmp_path) == []


@pytest.mark.parametrize(
    ("handler", "settings"),
    [
        ("azure", {"container": "files", "account": "us", "key": "c2VjcmV0"}),
        ("s3", {"bucket": "buckets", "key": "k", "secret": "s"}),
        ("s3", {"bucket": "buckets", "key": "k", "secret": "s", "bucket_after_host": True}),
        (
            "s3",
            {
                "bucket": "buckets",
                "key": "k",
                "secret": "s",
                "host": "s3.example.com",
                "bucket_access_method": "vhost",
                "region": "eu-1",
            },
        ),
    ],
)
def test_places_are_opened_without_asking_them(handler: str, settings: dict[str, Any]) -> None:
    assert shelves_of(Storage(object_hosts=("s3.example.com",))).open(handler, settings)


async def test_a_place_that_hands_nothing_out_is_503(api: Api, tmp_path: Path) -> None:
    (await api.put(f"{api.account}/storage", at(folder()))).expect(201)
    media_id = await upload(api)
    await jobs_done(api)
    (file,) = files_in(tmp_path / "files")
    content = file.read_bytes()
    file.unlink()
    answer = await api.get(f"{api.account}/media/{media_id}/raw")
    assert (answer.status, answer.body["message"]) == (503, "attachment_unavailable")
    (row,) = (await api.get(f"{api.account}/att_handlers_errors")).data
    assert row["resp_code"] == 404
    file.write_bytes(content[:-1])
    services = api.gateway.services
    _, facts = await facts_of(api, media_id)
    with pytest.raises(Exception, match="did not answer"):
        async for _ in read_attachment(services, api.master.account_id, facts["id"]):
            pass
    file.write_bytes(content)
    assert await played(api, media_id) == SOUND


async def test_a_document_that_is_deleted_while_it_moves_leaves_nothing(
    api: Api, tmp_path: Path
) -> None:
    media_id = await upload(api)
    document, _ = await facts_of(api, media_id)
    (await api.put(f"{api.account}/storage", {"attachments": {A: folder()}})).expect(201)
    await jobs_done(api)
    plan = {"plan": everything(A)}
    services = with_fault(api, "")

    async def delete() -> None:
        (await api.delete(f"{api.account}/media/{media_id}")).expect(200)

    services.shelves.meanwhile = delete
    key = Key(api.master.account_id, "media", media_id)
    api.gateway.services.jobs.wake = lambda: None  # type: ignore[method-assign]
    (await api.patch(f"{api.account}/storage", plan)).expect(200)
    await settle(services, key, document)
    assert len(files_in(tmp_path / "files")) == 1
    await jobs_done(api)
    assert files_in(tmp_path / "files") == []
    span = Span(account_id=SYSTEM, doc_type=SHELVED)
    assert await services.store.count(span) == 0


async def test_two_that_move_the_same_leave_one_copy(api: Api, tmp_path: Path) -> None:
    media_id = await upload(api)
    document, _ = await facts_of(api, media_id)
    key = Key(api.master.account_id, "media", media_id)
    (await api.put(f"{api.account}/storage", at(folder()))).expect(201)
    services = api.gateway.services
    await asyncio.gather(*(settle(services, key, document) for _ in range(5)))
    await jobs_done(api)
    assert [file.read_bytes() for file in files_in(tmp_path / "files")] == [SOUND]
    assert await played(api, media_id) == SOUND


async def test_a_file_is_read_on_while_it_moves(api: Api) -> None:
    content = bytes(range(256)) * 3500
    media_id = await upload(api, content)
    _, facts = await facts_of(api, media_id)
    services = api.gateway.services
    read = read_attachment(services, api.master.account_id, facts["id"])
    found = await anext(read)
    (await api.put(f"{api.account}/storage", at(folder()))).expect(201)
    await jobs_done(api)
    assert not await is_in_store(api, facts["id"])
    assert found + b"".join([chunk async for chunk in read]) == content


async def test_an_orphan_is_swept(api: Api, tmp_path: Path) -> None:
    (await api.put(f"{api.account}/storage", at(folder()))).expect(201)
    media_id = await upload(api)
    await jobs_done(api)
    key = Key(api.master.account_id, "media", media_id)
    services = api.gateway.services
    document = await services.store.get(key)
    assert document is not None
    document.pop("pvt_attachments")
    from crossbar.core.change import put_of
    from crossbar.documents import next_revision
    from crossbar.families.media.media import MEDIA

    old, document["_rev"] = document["_rev"], next_revision(document["_rev"])
    await services.commit(Batch(puts=[put_of(MEDIA, key, document, old)]))
    assert await sweep(services) == 0
    api.clock.advance(2 * 86_400)
    assert await sweep(services) == 1
    await jobs_done(api)
    assert files_in(tmp_path / "files") == []


async def test_a_move_of_what_is_gone_is_done(api: Api) -> None:
    services = api.gateway.services
    about = {"account": api.master.account_id, "type": "media", "id": A}
    await services.commit(Batch(puts=[asked(services.clock, MOVE, about)]))
    await jobs_done(api)
    assert await services.store.count(Span(account_id=SYSTEM, doc_type="failed_job")) == 0


async def test_what_is_read_on_may_have_moved_twice(api: Api) -> None:
    path, content = f"{api.account}/storage", bytes(range(256)) * 3500
    (await api.put(path, at(folder()))).expect(201)
    media_id = await upload(api, content)
    await jobs_done(api)
    (await api.delete(path)).expect(200)
    await jobs_done(api)
    _, facts = await facts_of(api, media_id)
    read = read_attachment(api.gateway.services, api.master.account_id, facts["id"])
    found = await anext(read)
    (await api.put(path, at(folder()))).expect(201)
    await jobs_done(api)
    assert found + b"".join([chunk async for chunk in read]) == content


async def test_a_place_that_has_lost_a_file_does_not_give_it_back(
    api: Api, tmp_path: Path
) -> None:
    (await api.put(f"{api.account}/storage", at(folder()))).expect(201)
    media_id = await upload(api)
    await jobs_done(api)
    document, _ = await facts_of(api, media_id)
    key = Key(api.master.account_id, "media", media_id)
    (await api.patch(f"{api.account}/storage", {"plan": None})).expect(200)
    (file,) = files_in(tmp_path / "files")
    content = file.read_bytes()
    services = api.gateway.services
    api.gateway.services.jobs.wake = lambda: None  # type: ignore[method-assign]
    for broken in (b"", content[::-1]):
        if broken:
            file.write_bytes(broken)
        else:
            file.unlink()
        with pytest.raises(ShelfFailed):
            await settle(services, key, document)
        assert "local" not in (await place_of(api, media_id) or {})
    file.write_bytes(content)
    await asyncio.gather(*(settle(services, key, document) for _ in range(4)))
    assert await played(api, media_id) == SOUND


async def test_bytes_that_nobody_names_do_not_stay_in_a_place(api: Api, tmp_path: Path) -> None:
    media_id = await upload(api)
    document, facts = await facts_of(api, media_id)
    services, key = api.gateway.services, Key(api.master.account_id, "media", media_id)
    read = services.store.read_attachment(key.account_id, facts["id"])
    unnamed = await services.put_attachment(key.account_id, read)
    (await api.put(f"{api.account}/storage", at(folder()))).expect(201)
    await jobs_done(api)
    stale = {**document, "pvt_attachments": {"x": {**facts, "id": unnamed.attachment_id}}}
    await settle(services, key, stale)
    await jobs_done(api)
    assert len(files_in(tmp_path / "files")) == 1
    assert not await is_in_store(api, unnamed.attachment_id)


async def test_files_of_the_system_move_as_its_own_plan_says(api: Api, tmp_path: Path) -> None:
    (await api.put("/v2/storage", at(folder()))).expect(201)
    media_id = (await api.put("/v2/media", {"name": "Prompt"})).expect(201).data["id"]
    path, headers = f"/v2/media/{media_id}/raw", {"Content-Type": "audio/wav"}
    (await api.post(path, raw=SOUND, headers=headers)).expect(200)
    await jobs_done(api)
    assert [file.read_bytes() for file in files_in(tmp_path / "files")] == [SOUND]
    assert (await api.get(path)).content == SOUND


async def test_what_takes_long_is_done_in_portions(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelving, "PORTION", -1)
    for name in ("One", "Two", "Three"):
        account_id = await api.create_account(name)
        await upload(api, account=f"/v2/accounts/{account_id}")
    (await api.put("/v2/storage", at(folder()))).expect(201)
    await jobs_done(api)
    assert len(files_in(tmp_path / "files")) == 3


async def test_one_file_that_fails_keeps_no_other_waiting(api: Api) -> None:
    for _ in range(2):
        await upload(api)
    (await api.put(f"{api.account}/storage", {"attachments": {A: folder()}})).expect(201)
    await jobs_done(api)
    api.gateway.services.jobs.wake = lambda: None  # type: ignore[method-assign]
    (await api.patch(f"{api.account}/storage", {"plan": everything(A)})).expect(200)
    holder = storage_key(api.master.account_id).doc_id
    about = {"account": api.master.account_id, "holder": holder}
    with pytest.raises(ShelfFailed):
        await MOVE_ALL.run(with_fault(api, "put"), about)
    assert len((await api.get(f"{api.account}/att_handlers_errors")).data) == 2


async def test_a_place_that_garbles_is_not_saved(api: Api) -> None:
    with pytest.raises(ShelfFailed):
        await probe(with_fault(api, "change"), folder())


async def test_an_account_that_is_deleted_takes_along_what_came_back(api: Api) -> None:
    child = await api.create_account("Child")
    path = f"/v2/accounts/{child}/storage"
    (await api.put(path, at(folder()))).expect(201)
    await upload(api, account=f"/v2/accounts/{child}")
    await jobs_done(api)
    (await api.delete(path)).expect(200)
    await jobs_done(api)
    (await api.delete(f"/v2/accounts/{child}")).expect(200)
    await jobs_done(api)
    span = Span(account_id=SYSTEM, doc_type=SHELVED)
    assert await api.gateway.services.store.count(span) == 0


async def test_what_is_gone_already_needs_nothing_done(api: Api) -> None:
    services = api.gateway.services
    await REMOVE.run(services, {"id": "none"})
    await tidy(services, storage_key("none"))
    with pytest.raises(ShelfFailed):
        await shelf_at(services, "storage-none", A)
    gone = Key(B, "media", A)
    await note_failure(services, gone, "x", A, "moving", ShelfFailed("late"))
    await settle(services, gone, {"pvt_attachments": {}})
