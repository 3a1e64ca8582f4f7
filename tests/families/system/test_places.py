"""Places for files: which ones may be named, and that none is forgotten with a file in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crossbar.core import shelving
from crossbar.core.ports import ShelfFailed
from crossbar.core.shelved import storage_key
from crossbar.outside import shelves_of
from crossbar.settings import Storage
from crossbar.storage import Key
from tests.conftest import Api
from tests.families.support import refusal
from tests.families.system.support import (
    A,
    at,
    everything,
    files_in,
    folder,
    jobs_done,
    upload,
)

OPENED = {"key": "c2VjcmV0", "secret": "c2VjcmV0"}


@pytest.mark.parametrize(
    ("handler", "settings"),
    [
        ("s3", {"bucket": "10.0.0.1/x?"}),
        ("s3", {"bucket": "u@10.0.0.1:80/"}),
        ("s3", {"bucket": "buckets", "region": "x.evil.example/"}),
        ("s3", {"bucket": "buckets", "region": "a@10.0.0.1#"}),
        ("s3", {"bucket": "evil.example#", "host": "known", "bucket_access_method": "vhost"}),
        ("azure", {"account": "10.0.0.1:80/", "container": "files"}),
        ("azure", {"account": "us", "container": "../x"}),
    ],
)
def test_no_name_leads_to_another_host(handler: str, settings: dict[str, Any]) -> None:
    with pytest.raises(ShelfFailed, match="letters, digits"):
        shelves_of(Storage(object_hosts=("known",))).open(handler, {**OPENED, **settings})


@pytest.mark.parametrize("wrong", [{"port": -1}, {"port": 99_999}, {"port": 9, "key": "k\x01"}])
async def test_what_no_address_can_have_is_refused(api: Api, wrong: dict[str, Any]) -> None:
    given = {**OPENED, "bucket": "buckets", "host": "127.0.0.1", "scheme": "http", **wrong}
    document = {"attachments": {A: {"handler": "s3", "settings": given}}}
    refusal(await api.put(f"{api.account}/storage", document), f"attachments.{A}", "invalid")


async def test_ids_of_places_are_each_tenants_own(api: Api) -> None:
    (await api.put(f"{api.account}/storage", at(folder()))).expect(201)
    await upload(api)
    await jobs_done(api)
    child = f"/v2/accounts/{await api.create_account('Child')}/storage"
    (await api.put(child, {"attachments": {A: folder("two")}})).expect(201)
    (await api.post(child, {"attachments": {A: folder("three")}})).expect(200)


async def test_an_upload_reads_nothing_more_where_no_place_is_named(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, read = api.gateway.services.store, list[Key]()
    get = type(store).get

    async def noted(self: Any, key: Key) -> Any:
        read.append(key)
        return await get(self, key)

    async def reads() -> int:
        read.clear()
        await upload(api)
        return sum(key.doc_type == "storage" for key in read)

    monkeypatch.setattr(type(store), "get", noted)
    assert await reads() == 0
    (await api.put(f"{api.account}/storage", at(folder()))).expect(201)
    await jobs_done(api)
    assert await reads() > 0  # in the process that wrote it, at once
    await jobs_done(api)
    assert len(files_in(tmp_path / "files")) == 2
    (await api.delete(f"{api.account}/storage")).expect(200)
    await jobs_done(api)
    await api.gateway.services.configuration.reload()
    assert await reads() == 0


async def test_what_another_process_stored_meanwhile_moves_a_little_later(
    api: Api, tmp_path: Path
) -> None:
    (await api.put(f"{api.account}/storage", at(folder()))).expect(201)
    await jobs_done(api)
    configuration = api.gateway.services.configuration
    await configuration.reload()
    configuration.has_storage = False  # as one that has not read the log yet
    await upload(api)
    assert files_in(tmp_path / "files") == []
    configuration.has_storage = True
    api.clock.advance(6)
    await jobs_done(api)
    assert len(files_in(tmp_path / "files")) == 1


async def test_the_files_of_one_account_are_moved_in_portions_too(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelving, "PORTION", -1)
    for _ in range(3):
        await upload(api)
    (await api.put(f"{api.account}/storage", {"attachments": {A: folder()}})).expect(201)
    await jobs_done(api)
    api.gateway.services.jobs.wake = lambda: None  # type: ignore[method-assign]
    (await api.patch(f"{api.account}/storage", {"plan": everything(A)})).expect(200)
    holder = storage_key(api.master.account_id).doc_id
    about = {"account": api.master.account_id, "holder": holder}
    await shelving.MOVE_ALL.run(api.gateway.services, about)
    assert len(files_in(tmp_path / "files")) == 1
    await jobs_done(api)
    assert len(files_in(tmp_path / "files")) == 3
