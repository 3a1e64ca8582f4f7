"""What the tests of places for files share: documents, uploads, and looking where they are."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from crossbar.core.jobs import JOB_TYPE, LEASE
from crossbar.core.shelved import shelved_key
from crossbar.documents import Document
from crossbar.storage import SYSTEM, Key, Span
from tests.conftest import Api

A, B = "a" * 32, "b" * 32
SOUND = b"RIFF" + bytes(range(256)) * 40


def folder(name: str = "one", **more: Any) -> dict[str, Any]:
    return {"handler": "folder", "settings": {"folder": name, **more}}


def everything(handler: str) -> dict[str, Any]:
    """A plan by which all attachments are kept in one place."""
    kept = {"attachments": {"handler": handler}}
    return {"account": kept, "modb": kept, "system": kept}


def at(place: dict[str, Any], handler: str = A) -> dict[str, Any]:
    """A storage document by which everything is kept in one place."""
    return {"attachments": {handler: place}, "plan": everything(handler)}


async def upload(api: Api, content: bytes = SOUND, account: str = "") -> str:
    """Media with audio; its id."""
    account = account or api.account
    media_id = (await api.put(f"{account}/media", {"name": "Greeting"})).expect(201).data["id"]
    headers = {"Content-Type": "audio/wav"}
    path = f"{account}/media/{media_id}/raw"
    (await api.post(path, raw=content, headers=headers)).expect(200)
    return str(media_id)


async def played(api: Api, media_id: str, **headers: str) -> bytes:
    answer = await api.get(f"{api.account}/media/{media_id}/raw", headers=headers)
    assert answer.status in (200, 206)
    return answer.content


async def jobs_done(api: Api) -> None:
    """Wait until nothing is to be moved or removed any more."""
    services = api.gateway.services
    while waiting := await moves_waiting(api):
        assert not any(job["attempts"] and job["due"] for job in waiting), waiting
        await services.jobs.idle(services)
        await asyncio.sleep(0)


async def moves_waiting(api: Api) -> list[Document]:
    """The jobs but for those of later; ``due`` is set for one that failed and waits."""
    now = int(api.clock.precise() * 1000)
    span = Span(account_id=SYSTEM, doc_type=JOB_TYPE)
    return [
        {**row.document, "due": now < int(row.position.sort) < now + (LEASE - 1) * 1000}
        async for row in api.gateway.services.store.scan(span)
        if row.document["kind"].startswith("shelf_")
        and (row.document["attempts"] or int(row.position.sort) <= now)
    ]


async def facts_of(api: Api, media_id: str) -> tuple[Document, Document]:
    """The document of media, and the facts of its attachment."""
    key = Key(api.master.account_id, "media", media_id)
    document = await api.gateway.services.store.get(key)
    assert document is not None
    (facts,) = document["pvt_attachments"].values()
    return document, facts


async def is_in_store(api: Api, attachment_id: str) -> bool:
    store = api.gateway.services.store
    try:
        return bool([c async for c in store.read_attachment(api.master.account_id, attachment_id)])
    except KeyError:
        return False


async def place_of(api: Api, media_id: str) -> Document | None:
    _, facts = await facts_of(api, media_id)
    key = shelved_key(api.master.account_id, facts["id"])
    return await api.gateway.services.store.get(key)


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
