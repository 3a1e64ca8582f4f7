"""Upkeep of journals: taking in what an older version kept as documents, and indexing anew."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from crossbar.core.journals import bucket_at, new_key, record_put, stretch_of, time_of
from crossbar.core.paging import in_groups
from crossbar.core.services import Services
from crossbar.core.shapes import Journal
from crossbar.documents import Document
from crossbar.errors import Conflict, NoSuchDocument
from crossbar.storage import Batch, Key, Put, Remove, Span, bucket_of

GROUP = 50
"""Records that one commit takes."""

UNFIT = (TypeError, ValueError, LookupError, AttributeError)
"""What comes of a document that is no record of the journal."""


async def take_in(services: Services, journal: Journal, account_id: str) -> AsyncIterator[str]:
    """Move an account's documents of the journal's type to the journal.

    An id that begins with no bucket gets one before it. Yields what cannot be done, in words.
    """
    async for group in in_groups(_older(services, journal, account_id), GROUP):
        moves = []
        for document in group:
            try:
                moves.append(_move(services, journal, account_id, document))
            except UNFIT as error:
                yield f"{_named(journal, account_id, document)} cannot be moved: {error!r}"
        async for batch in _refused(services, moves):
            document = batch.records[0].document if isinstance(batch.records[0], Put) else {}
            yield f"{_named(journal, account_id, document)} is there already, or was written"


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


async def index_anew(services: Services, journal: Journal, account_id: str) -> AsyncIterator[str]:
    """Make places and entries of an account's records those of today's declaration.

    Yields what cannot be done, in words.
    """
    async for group in in_groups(services.store.scan(stretch_of(journal, account_id)), GROUP):
        writes = []
        for row in group:
            key = Key(account_id, journal.doc_type, row.position.doc_id)
            try:
                put = record_put(journal, key, row.document, row.document["_rev"])
            except UNFIT as error:
                yield f"{_named(journal, account_id, row.document)} cannot be indexed: {error!r}"
            else:
                writes.append(Batch(records=(put,)))
        async for _ in _refused(services, writes):
            pass  # whoever wrote it meanwhile has indexed it


async def _refused(services: Services, batches: Sequence[Batch]) -> AsyncIterator[Batch]:
    """Commit batches, together if that can be done. Yields those that others were faster for."""
    together = Batch(
        records=[each for batch in batches for each in batch.records],
        removes=[each for batch in batches for each in batch.removes],
    )
    try:
        await services.commit(together)
    except (Conflict, NoSuchDocument):
        for batch in batches:
            try:
                await services.commit(batch)
            except Conflict:
                yield batch
            except NoSuchDocument:
                pass  # the account was deleted meanwhile


def _named(journal: Journal, account_id: str, document: Document) -> str:
    return f"{journal.doc_type} {document.get('_id')} of account {account_id}"
