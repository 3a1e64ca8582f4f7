"""Upkeep of journals: taking in what an older version kept as documents, and indexing anew."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from crossbar.cli.placing import GROUP, UNFIT, Reindexed, is_in_place
from crossbar.core.journals import bucket_at, new_key, record_put, time_of
from crossbar.core.paging import in_groups
from crossbar.core.services import Services
from crossbar.core.shapes import Journal
from crossbar.documents import Document
from crossbar.errors import Conflict, NoSuchDocument
from crossbar.storage import Batch, Key, Put, Remove, Span, bucket_of


async def take_in(services: Services, journal: Journal, account_id: str, done: Reindexed) -> None:
    """Move an account's documents of the journal's type to the journal.

    An id that begins with no bucket gets one before it.
    """
    async for group in in_groups(_older(services, journal, account_id), GROUP):
        moves = []
        done.looked_at += len(group)
        for document in group:
            try:
                moves.append(_move(services, journal, account_id, document))
            except UNFIT as error:
                done.fault(f"{_named(journal, account_id, document)} cannot be moved: {error!r}")
        for batch in await _commit(services, moves, done):
            document = batch.records[0].document if isinstance(batch.records[0], Put) else {}
            done.fault(f"{_named(journal, account_id, document)} is there already, or was written")


async def _older(services: Services, journal: Journal, account_id: str) -> AsyncIterator[Document]:
    if journal.older:
        async for document in journal.older(services.store, account_id):
            yield document
        return
    async for row in services.store.scan(Span(account_id=account_id, doc_type=journal.doc_type)):
        yield row.document


def _move(services: Services, journal: Journal, account_id: str, document: Document) -> Batch:
    old = key = Key(account_id, journal.doc_type, document["_id"])
    seconds = time_of(journal, document)
    if bucket_of(old.doc_id) != bucket_at(journal, seconds):
        key = new_key(journal, account_id, services.clock, seconds=seconds, name=old.doc_id)
    put = record_put(journal, key, {**document, "_id": key.doc_id})
    return Batch(records=(put,), removes=(Remove(old, document["_rev"]),))


async def index_anew(
    services: Services, journal: Journal, account_id: str, done: Reindexed
) -> None:
    """Make places and entries of an account's records those of today's declaration."""
    records = services.store.walk(account_id, journal.doc_type)
    async for group in in_groups(records, GROUP):
        writes = []
        done.looked_at += len(group)
        for stored in group:
            try:
                put = record_put(journal, stored.key, stored.document, stored.expected)
            except UNFIT as error:
                named = _named(journal, account_id, stored.document)
                done.fault(f"{named} cannot be indexed: {error!r}")
            else:
                if not is_in_place(stored, put):
                    writes.append(Batch(records=(put,)))
        # Whoever wrote one meanwhile has indexed it.
        await _commit(services, writes, done)


async def _commit(services: Services, batches: Sequence[Batch], done: Reindexed) -> list[Batch]:
    """Commit batches, together if that can be done. Those that others were faster for."""
    if not batches:
        return []
    together = Batch(
        records=[each for batch in batches for each in batch.records],
        removes=[each for batch in batches for each in batch.removes],
    )
    try:
        await services.commit(together)
    except (Conflict, NoSuchDocument):
        return await _commit_each(services, batches, done)
    done.written += len(batches)
    return []


async def _commit_each(
    services: Services, batches: Sequence[Batch], done: Reindexed
) -> list[Batch]:
    refused = []
    for batch in batches:
        try:
            await services.commit(batch)
        except Conflict:
            refused.append(batch)
        except NoSuchDocument:
            pass  # the account was deleted meanwhile
        else:
            done.written += 1
    return refused


def _named(journal: Journal, account_id: str, document: Document) -> str:
    return f"{journal.doc_type} {document.get('_id')} of account {account_id}"
