"""Moving attachments between the store and places outside of it, and reading them there.

Bytes are copied, read back and compared; one commit then says where they are and gives up where
they were; what was given up goes afterwards. All of it is done by jobs, which may be interrupted
at any point and begin again: what is where it belongs is left alone. Where that is,
:mod:`crossbar.core.shelf_plans` tells.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import suppress

from crossbar.core.change import Change
from crossbar.core.configuration import STORAGE
from crossbar.core.directory import ACCOUNT_TYPE, account_of
from crossbar.core.jobs import Kind, asked
from crossbar.core.ports import ShelfFailed
from crossbar.core.services import Services
from crossbar.core.shelf_errors import note_failure
from crossbar.core.shelf_plans import UNSAFE, Target, name_at, target_of
from crossbar.core.shelved import (
    LOCAL,
    leaving_puts,
    places_of,
    said_by,
    shelf_at,
    shelved_key,
    shelved_put,
    tidy,
    turn_put,
    where,
    whereabouts,
)
from crossbar.core.stamping import stamp
from crossbar.core.writing import persistently
from crossbar.documents import Document
from crossbar.errors import FileUnavailable, NoSuchDocument
from crossbar.storage import SYSTEM, Batch, Entry, Key, Put, Span

ATTACHMENTS = "pvt_attachments"
"""The field of a document that maps the names of its attachments to facts."""

SETTLED = 5.0
"""Seconds after which what a storage document says is done once more.

By then every process knows of it, and what was uploaded in the meantime is in the store.
"""

PORTION = 100.0
"""Seconds after which a job that moves much does the rest later."""


async def read_attachment(
    services: Services,
    account_id: str,
    attachment_id: str,
    start: int = 0,
    stop: int | None = None,
) -> AsyncIterator[bytes]:
    """The bytes from ``start`` up to, not including, ``stop``, wherever they are.

    They may be moved while they are read. Raises :class:`KeyError` when there is no such
    attachment, :class:`FileUnavailable` when the place where it is does not hand it out.
    """
    try:
        async for chunk in services.store.read_attachment(account_id, attachment_id, start, stop):
            start += len(chunk)
            yield chunk
    except KeyError:
        pass
    else:
        return
    seen = ""
    while True:
        place = await services.store.get(shelved_key(account_id, attachment_id))
        if place is None:
            raise KeyError(attachment_id)
        if place["_rev"] == seen:
            raise FileUnavailable
        seen = place["_rev"]
        end = place["length"] if stop is None else min(stop, place["length"])
        try:
            async for chunk in _read_at(services, account_id, place, start, end):
                start += len(chunk)
                yield chunk
        except KeyError:
            continue
        except ShelfFailed as failed:
            key = Key(account_id, place["document_type"], place["document_id"])
            handler = place.get("handler", "")
            await note_failure(services, key, place["attachment"], handler, "reading", failed)
            continue
        return


async def _read_at(
    services: Services, account_id: str, place: Document, start: int, stop: int
) -> AsyncIterator[bytes]:
    if LOCAL in place:
        chunks = services.store.read_attachment(account_id, place[LOCAL], start, stop)
    else:
        shelf = await shelf_at(services, place["holder"], place["handler"])
        chunks = shelf.read(place["name"], start, stop)
    read = 0
    async for chunk in chunks:
        read += len(chunk)
        yield chunk
    if read < stop - start:
        raise ShelfFailed("the file is shorter than it was")


async def _bytes_at(
    services: Services, key: Key, name: str, facts: Document, place: Document | None
) -> AsyncIterator[bytes]:
    """The bytes of an attachment from where it was, and from nowhere else, while they are moved.

    Where another process has moved it meanwhile is where they are to be written. Raises
    :class:`KeyError` when they are not there any more, and :class:`FileUnavailable`.
    """
    account_id = key.account_id
    if place is None:
        async for chunk in services.store.read_attachment(account_id, facts["id"]):
            yield chunk
        return
    try:
        async for chunk in _read_at(services, account_id, place, 0, place["length"]):
            yield chunk
    except ShelfFailed as failed:
        now = await services.store.get(shelved_key(account_id, facts["id"]))
        if now is None or now["_rev"] != place["_rev"]:
            raise KeyError(facts["id"]) from None
        await note_failure(services, key, name, place.get("handler", ""), "reading", failed)
        raise FileUnavailable from None


async def _same(chunks: AsyncIterator[bytes], facts: Document) -> bool:
    """Whether the bytes are those that were uploaded."""
    digest, length = hashlib.md5(usedforsecurity=False), 0
    async for chunk in chunks:
        digest.update(chunk)
        length += len(chunk)
    return bool(length == facts["length"] and digest.hexdigest() == facts["md5"])


async def settle(services: Services, key: Key, document: Document) -> bool:
    """Move the attachments of a document to where they belong; whether there were any to move.

    Raises :class:`ShelfFailed`.
    """
    attachments, moved = document.get(ATTACHMENTS, {}), False
    target = await target_of(services, key, document) if attachments else None
    for name, facts in attachments.items():
        place = await services.store.get(shelved_key(key.account_id, facts["id"]))
        if _is_settled(place, target):
            continue
        handler = target.handler if target else (place or {}).get("handler", "")
        try:
            await _move(services, key, document, name, place, target)
        except ShelfFailed as failed:
            await note_failure(services, key, name, handler, "moving", failed)
            raise
        except FileUnavailable:  # which is noted already
            raise ShelfFailed("the place where the file is did not hand it out") from None
        moved = True
    return moved


def _is_settled(place: Document | None, target: Target | None) -> bool:
    if target is None:
        return place is None or LOCAL in place
    if place is None or LOCAL in place:
        return False
    return bool(place["holder"] == target.holder and place["handler"] == target.handler)


async def _move(
    services: Services,
    key: Key,
    document: Document,
    name: str,
    place: Document | None,
    target: Target | None,
) -> None:
    facts = document[ATTACHMENTS][name]
    told = place or {}
    moves = told.get("moves", 0) + 1
    new: Document = {each: told[each] for each in ("_rev", "pvt_created") if each in told}
    new |= {"length": facts["length"], "moves": moves, "attachment": name}
    new |= {"document_type": key.doc_type, "document_id": key.doc_id}
    chunks = _bytes_at(services, key, name, facts, place)
    try:
        if target is not None:
            called = name_at(target, key, document, name, f"{facts['id']}-{moves}")
            shelf = services.shelves.open(target.entry["handler"], target.entry["settings"])
            new |= {"holder": target.holder, "handler": target.handler, "name": called}
            await shelf.put(called, chunks)
            if not await _same(shelf.read(called, 0, facts["length"]), facts):
                raise ShelfFailed("what the place hands out is not what it was given")
        else:
            stored = await services.put_attachment(key.account_id, chunks)
            if (stored.length, stored.md5) != (facts["length"], facts["md5"]):
                raise ShelfFailed("what the place hands out is not what it was given")
            new[LOCAL] = stored.attachment_id
    except KeyError:
        return  # it was dropped meanwhile, or moved: by now the copy's name may be the file's own
    if not await _switched(services, key, facts["id"], place, new, target):
        await _give_up(services, key.account_id, facts["id"], new, target)


async def _switched(
    services: Services,
    key: Key,
    attachment_id: str,
    place: Document | None,
    new: Document,
    target: Target | None,
) -> bool:
    """Say in one commit where the bytes are now, and give up where they were.

    Whether it could be said: the document, the file or the place may be gone meanwhile, or
    another may have moved it.
    """
    at, account_id = shelved_key(key.account_id, attachment_id), key.account_id
    before = (place or {}).get("_rev")

    async def attempt() -> bool:
        turns = [await turn_put(services, target.holder)] if target else []
        told = await services.store.get(at) or {}
        if told.get("_rev") != before or (target and not await _is_there(services, target)):
            return False
        now = services.clock.gregorian()
        stamped = stamp(at, dict(new), now=now, author=None, request_id=None)
        puts, drops = [shelved_put(account_id, at, stamped, before), *turns], []
        if place is None:  # else whoever drops it meanwhile is in conflict with us
            await _require_stored(services, account_id, attachment_id)
            drops = [(account_id, attachment_id)]
        elif LOCAL in place:
            drops = [(account_id, place[LOCAL])]
        else:
            puts += leaving_puts(services, place)
        await services.writer.commit(Batch(puts=puts, drop_attachments=drops, requires=(key,)))
        return True

    try:
        if not await persistently(attempt):
            return False
    except (NoSuchDocument, KeyError):
        return False
    document = await services.store.get(key)
    named = [facts["id"] for facts in (document or {}).get(ATTACHMENTS, {}).values()]
    if attachment_id not in named:
        await services.commit(Batch(drop_attachments=[(account_id, attachment_id)]))
    return True


async def _is_there(services: Services, target: Target, *, leaving: bool = False) -> bool:
    """Whether the place is still the one that it was when the copy was begun.

    With ``leaving`` also one that its storage document names no more, but that is remembered.
    """
    stored = await services.store.get(Key(SYSTEM, STORAGE, target.holder))
    places = said_by(services, stored).get("attachments", {})
    entry = (places_of(services, stored) if leaving else places).get(target.handler)
    return entry is not None and whereabouts(entry) == whereabouts(target.entry)


async def _require_stored(services: Services, account_id: str, attachment_id: str) -> None:
    """Raises :class:`KeyError` when an attachment is not in the store any more."""
    async for _ in services.store.read_attachment(account_id, attachment_id, 0, 1):
        pass


async def _give_up(
    services: Services, account_id: str, attachment_id: str, new: Document, target: Target | None
) -> None:
    """Remove a copy that nobody asked for in the end, unless another has made the same."""
    if target is None:
        await services.commit(Batch(drop_attachments=[(account_id, new[LOCAL])]))
        return
    if not await _is_there(services, target, leaving=True):  # nobody could open the place later
        with suppress(ShelfFailed):
            shelf = services.shelves.open(target.entry["handler"], target.entry["settings"])
            await shelf.remove(new["name"])
        return
    kept = await services.store.get(shelved_key(account_id, attachment_id)) or {}
    if [kept.get(each) for each in where(new)] != [*where(new).values()]:
        await services.commit(Batch(puts=leaving_puts(services, new)))


async def moves_of(services: Services, key: Key, document: Document) -> list[Put]:
    """The writes that ask for the attachments of a document to be moved, if they are to be."""
    if not document.get(ATTACHMENTS) or await target_of(services, key, document) is None:
        return []
    about = {"account": key.account_id, "type": key.doc_type, "id": key.doc_id}
    return [asked(services.clock, MOVE, about)]


async def ask_to_move(change: Change) -> None:
    """Have what a change attaches moved to where it belongs, once it is committed."""
    change.more += await moves_of(change.actor.services, change.key, change.document)


async def _move_one(services: Services, about: Document) -> None:
    key = Key(about["account"], about["type"], about["id"])
    document = await services.store.get(key)
    if document is not None:
        await settle(services, key, document)


MOVE = Kind(name="shelf_move", run=_move_one)


async def _accounts_of(services: Services, about: Document) -> list[str]:
    """Whose attachments a storage document may say something of, in order."""
    account_id = about["account"]
    if account_id == SYSTEM:
        span = Span(account_id=SYSTEM, doc_type=ACCOUNT_TYPE)
    else:
        span = Span(account_id=SYSTEM, doc_type=ACCOUNT_TYPE, entry=Entry("ancestor", account_id))
    found = [account_of(row.document) async for row in services.store.scan(span)]
    below = [each for each in found if account_id in (SYSTEM, each.reseller_id)]
    return sorted({account_id, *(each.account_id for each in below)})


async def _move_all(services: Services, about: Document) -> None:
    """Move what a changed storage document has to do with; the rest later, if it takes long."""
    began, failed = time.monotonic(), None
    first = about.get("from", "")
    async for account_id, put in _attached(services, await _accounts_of(services, about), first):
        try:
            moved = await settle(services, put.key, put.document)
        except ShelfFailed as error:
            failed = error
            continue
        if moved and time.monotonic() - began > PORTION:  # something was done, so it has an end
            rest = {**about, "from": account_id}
            await services.commit(Batch(puts=[asked(services.clock, MOVE_ALL, rest)]))
            break
    if failed is not None:
        raise failed
    await tidy(services, Key(SYSTEM, STORAGE, about["holder"]))


async def _attached(
    services: Services, accounts: list[str], first: str
) -> AsyncIterator[tuple[str, Put]]:
    """The documents with attachments of the accounts, from the first one on."""
    for account_id in accounts:
        if account_id >= first:
            async for put in services.store.walk(account_id):
                if put.document.get(ATTACHMENTS):
                    yield account_id, put


MOVE_ALL = Kind(name="shelf_move_all", run=_move_all)


def moves_of_all(services: Services, account_id: str, holder: str) -> list[Put]:
    """The writes that ask for files to be moved as a storage document now says."""
    about = {"account": account_id, "holder": holder}
    return [asked(services.clock, MOVE_ALL, about, after=after) for after in (0, SETTLED)]


async def probe(services: Services, entry: Document) -> None:
    """Write a small file to a place and read it. Raises :class:`ShelfFailed`."""
    shelf = services.shelves.open(entry["handler"], entry["settings"])
    base = str(entry["settings"].get("folder_base_path", "")).strip("/")
    clean = [UNSAFE.sub("_", part).strip(".") for part in base.split("/")]
    name = "/".join((*filter(None, clean), f"crossbar-test-{services.clock.gregorian()}.txt"))
    content = b"some random content: " + name.encode()

    async def chunks() -> AsyncIterator[bytes]:
        yield content

    await shelf.put(name, chunks())
    read = b"".join([chunk async for chunk in shelf.read(name, 0, len(content))])
    if read != content:
        raise ShelfFailed("what the place hands out is not what it was given")
    await shelf.remove(name)
