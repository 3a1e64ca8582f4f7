"""Places for files: which ones may be named, and that none is forgotten with a file in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crossbar.core.ports import ShelfFailed
from crossbar.core.shelving import settle
from crossbar.outside import shelves_of
from crossbar.settings import Storage
from crossbar.storage import Key
from tests.conftest import Api
from tests.families.system.support import (
    SOUND,
    A,
    at,
    everything,
    facts_of,
    files_in,
    folder,
    jobs_done,
    played,
    upload,
)
from tests.families.system.test_shelving import with_fault

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


@pytest.mark.parametrize("change", ["drop", "delete", "other", "anew"])
async def test_a_place_that_is_forgotten_while_a_file_comes_loses_nothing(
    api: Api, tmp_path: Path, change: str
) -> None:
    path, root = f"{api.account}/storage", tmp_path / "files"
    media_id = await upload(api)
    document, _ = await facts_of(api, media_id)
    (await api.put(path, {"attachments": {A: folder()}})).expect(201)
    await jobs_done(api)
    api.gateway.services.jobs.wake = lambda: None  # type: ignore[method-assign]
    (await api.patch(path, {"plan": everything(A)})).expect(200)
    services = with_fault(api, "")

    async def forget() -> None:
        if change == "other":
            (await api.post(path, {"attachments": {A: folder("two")}})).expect(200)
        elif change == "drop":
            (await api.post(path, {})).expect(200)
        else:
            (await api.delete(path)).expect(200)
        # What another process does while the copy is not named by anything yet.
        await jobs_done(api)
        if change == "anew":
            (await api.put(path, at(folder("two")))).expect(201)
            await jobs_done(api)

    services.shelves.meanwhile = forget
    await settle(services, Key(api.master.account_id, "media", media_id), document)
    await jobs_done(api)
    assert await played(api, media_id) == SOUND
    assert len(files_in(root)) == (change == "anew")


async def test_ids_of_places_are_each_tenants_own(api: Api) -> None:
    (await api.put(f"{api.account}/storage", at(folder()))).expect(201)
    await upload(api)
    await jobs_done(api)
    child = f"/v2/accounts/{await api.create_account('Child')}/storage"
    (await api.put(child, {"attachments": {A: folder("two")}})).expect(201)
    (await api.post(child, {"attachments": {A: folder("three")}})).expect(200)
