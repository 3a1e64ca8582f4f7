"""Files move out of every store, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crossbar.core.shelving import settle
from crossbar.storage import Key
from tests.conftest import Api
from tests.contract.conftest import on_every_store
from tests.families.system.support import (
    SOUND,
    A,
    at,
    everything,
    facts_of,
    files_in,
    folder,
    is_in_store,
    jobs_done,
    played,
    upload,
)
from tests.families.system.test_shelving import with_fault

pytestmark = on_every_store


@pytest.fixture
def overrides(tmp_path: Path) -> dict[str, Any]:
    return {"storage.files_folder": str(tmp_path / "files")}


async def test_a_file_moves_and_comes_back(api: Api, tmp_path: Path) -> None:
    path, root = f"{api.account}/storage", tmp_path / "files"
    (await api.put(path, at(folder()))).expect(201)
    media_id = await upload(api)
    await jobs_done(api)
    _, facts = await facts_of(api, media_id)
    assert [file.read_bytes() for file in files_in(root)] == [SOUND]
    assert not await is_in_store(api, facts["id"])
    assert await played(api, media_id) == SOUND
    (await api.delete(path)).expect(200)
    await jobs_done(api)
    assert files_in(root) == []
    assert await played(api, media_id) == SOUND
    (await api.delete(f"{api.account}/media/{media_id}")).expect(200)
    (await api.get(path)).expect(404)


async def test_a_configuration_holds_at_once(api: Api) -> None:
    config = {"default": {"pagination_page_size": 1}}
    (await api.post("/v2/system_configs/crossbar", config)).expect(200)
    for name in ("One", "Two"):
        (await api.put(f"{api.account}/menus", {"name": name})).expect(201)
    assert len((await api.get(f"{api.account}/menus")).data) == 1


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
