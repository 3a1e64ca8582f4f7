"""Files move out of every store, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Api
from tests.contract.conftest import on_every_store
from tests.families.system.support import (
    SOUND,
    at,
    facts_of,
    files_in,
    folder,
    is_in_store,
    jobs_done,
    played,
    upload,
)

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
