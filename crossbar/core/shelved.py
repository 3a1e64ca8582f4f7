"""Attachments that are kept outside of the store: which ones, where, and how they go.

A document goes on naming the same attachment wherever its bytes are: a document of the system
beside it says where, if not in the store. So moving bytes changes no revision, and the pointer is
switched in one commit. Storage documents, which name the places, are documents of the system too;
what they say is kept sealed, since it opens those places.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import orjson

from crossbar.core.configuration import STORAGE
from crossbar.core.directory import OWNER
from crossbar.core.jobs import Kind, asked
from crossbar.core.ports import Shelf, ShelfFailed
from crossbar.core.stamping import fresh_id
from crossbar.core.writing import persistently
from crossbar.documents import Document, next_revision
from crossbar.storage import SYSTEM, Batch, Entry, Key, Put, Remove, Span

if TYPE_CHECKING:
    from crossbar.core.services import Services

SHELVED = "shelved"
LEFT = "shelf_left"
"""The type of what is to be removed from its place."""

WHOSE = "pvt_owner"
"""The field of a storage document that says whose account's it is."""

PLACE = "place"
"""The entry by which what is kept in a place is found."""

TURN = "shelf_turn"
"""The type of what is written along when a file comes into a place, and when one is forgotten."""

WHEREABOUTS = ("bucket", "host", "port", "scheme", "container", "account", "folder")
"""Settings that say where a place is, not how it is opened."""

SEALED = "pvt_sealed"
LEAVING = "pvt_leaving"
PURPOSE = "storage"
"""What storage documents are sealed for."""

LOCAL = "local"
"""The key under which the id is of an attachment that came back into the store."""


def shelved_key(account_id: str, attachment_id: str) -> Key:
    """Where it is said where an attachment is."""
    return Key(SYSTEM, SHELVED, f"{account_id}-{attachment_id}")


def shelved_put(account_id: str, key: Key, document: Document, expected: str | None) -> Put:
    """The write that says where an attachment is, of a stamped document."""
    entries = [Entry(OWNER, account_id)]
    if LOCAL not in document:
        entries.append(place_entry(document["holder"], document["handler"]))
    return Put(key, document, expected, "", entries)


def place_entry(holder: str, handler: str) -> Entry:
    """The entry of what is kept in a place. Tenants choose the ids of their places themselves."""
    return Entry(PLACE, f"{holder}/{handler}")


def storage_key(account_id: str, user_id: str = "") -> Key:
    """Where the storage document of the system, of an account or of a user is kept."""
    return Key(SYSTEM, STORAGE, "-".join(filter(None, (STORAGE, account_id, user_id))))


def sealed(services: Services, content: Document) -> str:
    """What a storage document says, to be stored."""
    return services.credentials.seal(PURPOSE, orjson.dumps(content).decode())


def unsealed(services: Services, text: str | None) -> Document:
    """What was sealed; empty when the server's secret is another one now."""
    opened = services.credentials.unseal(PURPOSE, text) if text else None
    found: Document = orjson.loads(opened) if opened else {}
    return found


def said_by(services: Services, stored: Document | None) -> Document:
    """What a storage document says; nothing, when there is none or none any more."""
    if stored is None or stored.get("pvt_deleted"):
        return {}
    return unsealed(services, stored.get(SEALED))


async def shelf_at(services: Services, holder: str, handler: str) -> Shelf:
    """A place by the id of the storage document that names it, and by its own.

    Also one that the document names no more, as long as there are files in it. Raises
    :class:`ShelfFailed`.
    """
    stored = await services.store.get(Key(SYSTEM, STORAGE, holder))
    entry = places_of(services, stored).get(handler)
    if entry is None:
        raise ShelfFailed("no storage document names the place any more")
    return services.shelves.open(entry["handler"], entry["settings"])


def places_of(services: Services, stored: Document | None) -> Document:
    """The places of a storage document, by id; those too that it names no more."""
    leaving = unsealed(services, (stored or {}).get(LEAVING))
    return {**leaving, **said_by(services, stored).get("attachments", {})}


def whereabouts(entry: Document) -> list[object]:
    """What of a place's settings its files would be lost with."""
    return [entry["handler"], *(entry["settings"].get(name) for name in WHEREABOUTS)]


async def turn_put(services: Services, holder: str) -> Put:
    """The write by which a commit is in conflict with others about a storage document's places.

    Of two commits, one that puts a file into a place and one that forgets the place because it is
    empty, the later one fails. Ask for it before what the commit depends on is read.
    """
    key = Key(SYSTEM, TURN, f"{TURN}-{holder}")
    before = (await services.store.get(key) or {}).get("_rev")
    document = {"_id": key.doc_id, "_rev": next_revision(before), "pvt_type": TURN}
    return Put(key, document, before, sort=None)


async def with_shelved(services: Services, batch: Batch) -> Batch:
    """The batch, which also drops what is kept outside of the store of the attachments it drops.

    The files themselves go by jobs afterwards. Whoever moves one of them at the same moment is in
    conflict with the batch.
    """
    removes, puts, drops = list(batch.removes), list(batch.puts), list(batch.drop_attachments)
    for account_id, attachment_id in batch.drop_attachments:
        key = shelved_key(account_id, attachment_id)
        place = await services.store.get(key)
        if place is not None:
            removes.append(Remove(key, place["_rev"]))
            if LOCAL in place:
                drops.append((account_id, place[LOCAL]))
            else:
                puts += leaving_puts(services, place)
    return replace(batch, removes=removes, puts=puts, drop_attachments=drops)


def where(place: Document) -> Document:
    """A place and a name in it, as jobs are told of them."""
    return {name: place[name] for name in ("holder", "handler", "name")}


def leaving_puts(services: Services, place: Document) -> list[Put]:
    """The writes that have a file removed that nothing names any more.

    Until that is done its place counts as used, and is remembered.
    """
    key = Key(SYSTEM, LEFT, fresh_id(services.clock))
    document = {"_id": key.doc_id, "_rev": next_revision(None), "pvt_type": LEFT, **where(place)}
    put = Put(key, document, None, "", [place_entry(place["holder"], place["handler"])])
    return [put, asked(services.clock, REMOVE, {"id": key.doc_id})]


async def _remove(services: Services, about: Document) -> None:
    """Remove a file that no document names any more, and forget its place if it was the last."""
    key = Key(SYSTEM, LEFT, about["id"])
    left = await services.store.get(key)
    if left is not None:
        await _remove_file(services, left)
        await services.commit(Batch(removes=[Remove(key)]))
        await tidy(services, Key(SYSTEM, STORAGE, left["holder"]))


async def _remove_file(services: Services, place: Document) -> None:
    shelf = await shelf_at(services, place["holder"], place["handler"])
    await shelf.remove(place["name"])


REMOVE = Kind(name="shelf_remove", run=_remove)


async def tidy(services: Services, key: Key) -> None:
    """Forget places that a storage document names no more, and that are empty.

    A document that was deleted goes with the last of them.
    """
    await persistently(partial(_tidy, services, key))


async def _tidy(services: Services, key: Key) -> None:
    turn = await turn_put(services, key.doc_id)
    stored = await services.store.get(key)
    if stored is None:
        return
    leaving = unsealed(services, stored.get(LEAVING))
    kept = {
        each: entry for each, entry in leaving.items() if await is_used(services, key.doc_id, each)
    }
    if stored.get("pvt_deleted") and not kept:
        removes = [Remove(key, stored["_rev"]), Remove(turn.key, turn.expected)]
        await services.commit(Batch(removes=removes))
    elif kept != leaving:
        await services.commit(Batch(puts=[_rewritten(services, key, stored, kept), turn]))


def _rewritten(services: Services, key: Key, stored: Document, leaving: Document) -> Put:
    document = {
        **stored,
        LEAVING: sealed(services, leaving),
        "_rev": next_revision(stored["_rev"]),
    }
    sort = None if stored.get("pvt_deleted") else ""
    return Put(key, document, stored["_rev"], sort, storage_entries(document))


def storage_entries(document: Document) -> list[Entry]:
    """The entries of a storage document: whose it is."""
    return [Entry(OWNER, document[WHOSE])] if WHOSE in document else []


async def has_shelved(services: Services, account_id: str) -> bool:
    """Whether an account has storage documents, or anything elsewhere than it was stored."""
    entry = Entry(OWNER, account_id)
    spans = (
        Span(account_id=SYSTEM, doc_type=doc_type, entry=entry) for doc_type in (STORAGE, SHELVED)
    )
    return any([await services.store.count(span, 1) for span in spans])


async def _clear(services: Services, about: Document) -> None:
    """Remove what an account that is gone has left outside of the store, then its documents."""
    account_id, store = about["account"], services.store
    async for key, place in shelved_of(services, account_id):
        if LOCAL not in place:
            await _remove_file(services, place)
        await services.commit(Batch(removes=[Remove(key)]))
    span = Span(account_id=SYSTEM, doc_type=STORAGE, entry=Entry(OWNER, account_id))
    found = [(Key(SYSTEM, STORAGE, row[0].doc_id), row[1]) async for row in store.scan(span)]
    for key, stored in found:
        leaving = unsealed(services, stored.get(LEAVING))
        leaving |= said_by(services, stored).get("attachments", {})
        gone = {name: stored[name] for name in stored if name != WHOSE} | {"pvt_deleted": True}
        await services.commit(Batch(puts=[_rewritten(services, key, gone, leaving)]))
        await tidy(services, key)


CLEAR = Kind(name="shelf_clear", run=_clear)
"""Asked for by who deletes an account."""


async def shelved_of(services: Services, account_id: str) -> AsyncIterator[tuple[Key, Document]]:
    """What of an account is kept elsewhere than where it was stored."""
    span = Span(account_id=SYSTEM, doc_type=SHELVED, entry=Entry(OWNER, account_id))
    async for row in services.store.scan(span):
        yield Key(SYSTEM, SHELVED, row.position.doc_id), row.document


async def is_used(services: Services, holder: str, handler: str) -> bool:
    """Whether there are files in a place."""
    entry = place_entry(holder, handler)
    spans = (Span(account_id=SYSTEM, doc_type=each, entry=entry) for each in (SHELVED, LEFT))
    return any([await services.store.count(span, 1) for span in spans])


async def shelved_before(services: Services, before: int) -> AsyncIterator[tuple[str, str]]:
    """What was moved before a time, in Gregorian seconds: pairs of account and attachment id."""
    async for row in services.store.scan(Span(account_id=SYSTEM, doc_type=SHELVED)):
        if row.document["pvt_created"] < before:
            account_id, _, attachment_id = row.position.doc_id.partition("-")
            yield account_id, attachment_id


async def kept_here(services: Services, account_id: str) -> set[str]:
    """The ids of attachments that came back into the store, which no document names."""
    return {place[LOCAL] async for _, place in shelved_of(services, account_id) if LOCAL in place}
