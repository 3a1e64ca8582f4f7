"""Documents that are found in all accounts together."""

from __future__ import annotations

from crossbar.core.change import Change
from crossbar.core.placing import Placing
from crossbar.core.requests import Actor
from crossbar.core.services import Services
from crossbar.documents import Document
from crossbar.storage import SYSTEM, Batch, Key, Put
from tests.core.test_service import cats

PLACING = Placing(doc_type="cat", place_type="cat_place", suffix="-here")
ACCOUNT = "a" * 32


async def added(services: Services, account_id: str, doc_id: str) -> list[Put]:
    """What an upgrade writes for a document."""
    key = Key(account_id, "cat", doc_id)
    change = Change(
        actor=Actor(services=services, request_id="test"), family=cats(), key=key, document={}
    )
    await PLACING.make_known(change)
    return [put for put in change.more if isinstance(put, Put)]


async def found(services: Services) -> list[tuple[str, str]]:
    return [(owner, cat["_id"]) async for owner, cat in PLACING.all(services.store)]


async def test_documents_of_an_earlier_version_are_found_while_they_are_there(
    services: Services,
) -> None:
    puts = await added(services, ACCOUNT, "tom")
    assert len(puts) == 1
    await services.store.commit(Batch(puts=puts))
    assert await added(services, ACCOUNT, "tom") == []
    assert await found(services) == []
    key, cat = Key(ACCOUNT, "cat", "tom"), dict[str, object](_id="tom", _rev="1-a")
    stored: Document = {**cat, "pvt_type": "cat"}
    await services.store.commit(Batch(puts=[Put(key, stored, None)]))
    assert await found(services) == [(ACCOUNT, "tom")]
    gone = {**stored, "_rev": "2-b", "pvt_deleted": True}
    await services.store.commit(Batch(puts=[Put(key, gone, "1-a")]))
    assert await found(services) == []


async def test_what_the_system_has_is_found_without(services: Services) -> None:
    assert await added(services, SYSTEM, "tom") == []
