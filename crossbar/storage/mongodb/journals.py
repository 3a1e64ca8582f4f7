"""Journals of the MongoDB store: a collection for each bucket of each journal.

``buckets`` names the collection of every bucket, by ``journal/bucket``. To forget a bucket is to
take it from there, in a commit, and to drop its collection after: that deletes a file and does not
read it. A bucket that begins anew has a collection of another name, so nobody writes to one that
is being dropped. Deleting by a range of keys would cost a write to every index for every record.

What is to be dropped is named in ``litter``, as attachments are, and so is an account whose
records are to go: they may be too many for the transaction that purges the account.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from pymongo import ASCENDING, DeleteOne, IndexModel, InsertOne, ReplaceOne, ReturnDocument
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection

from crossbar.documents import Document, new_id
from crossbar.storage import Batch, Key, Span, bucket_of
from crossbar.storage.mongodb import plans, records
from crossbar.storage.mongodb.driver import Connection, Record, translated

_INDEXES = [
    IndexModel([(name, ASCENDING) for name in names])
    for names in (("account_id", "place"), ("account_id", "entries", "place"))
]

Collection = AsyncCollection[Record]


class Bucket(NamedTuple):
    """A bucket of a journal, of all accounts."""

    journal: str
    bucket: str

    @property
    def name(self) -> str:
        """Its ``_id`` in ``buckets``."""
        return records.named(*self)


class BucketGone(Exception):
    """A bucket was dropped, or never made, since it was last seen: make it and try again."""


def bucket_with(key: Key) -> Bucket:
    """The bucket of a record."""
    return Bucket(key.doc_type, bucket_of(key.doc_id))


class Journals:
    """The journals of one database."""

    def __init__(self, connection: Connection) -> None:
        self._database = connection.database
        self._buckets = self._database["buckets"]
        self._litter = self._database["litter"]
        self._ready: dict[str, str] = {}
        """The collections, by bucket, that are known to have their indexes."""

    async def prepare(self, batches: Iterable[Batch]) -> None:
        """Outside of a transaction: make the collections of buckets that are written to."""
        for bucket in sorted({bucket_with(put.key) for put in plans.puts_of(batches)}):
            if bucket.name not in self._ready:
                await self._make(bucket)

    async def _make(self, bucket: Bucket) -> None:
        collection = f"records.{bucket.journal}.{bucket.bucket}.{new_id()[:8]}"
        facts = {**bucket._asdict(), "collection": collection}
        wanted = {"_id": bucket.name}
        # Of two processes that make it at once, one may be told of none.
        found: Any = await self._buckets.find_one_and_update(
            wanted, {"$setOnInsert": facts}, upsert=True, return_document=ReturnDocument.AFTER
        ) or await self._buckets.find_one(wanted)
        # Who names the collection may die before it has indexes, so everybody sees to them.
        await self._database[found["collection"]].create_indexes(_INDEXES)
        self._ready[bucket.name] = found["collection"]

    async def read(
        self, session: AsyncClientSession, batches: Iterable[Batch]
    ) -> tuple[dict[Bucket, str], dict[Key, str]]:
        """Within a transaction: the collections of buckets, and the revisions of records, that
        the batches touch. Raises :class:`BucketGone`.
        """
        keys = {each.key for batch in batches for each in batch.records}
        if not keys:
            return {}, {}
        touched = {bucket_with(key).name for key in keys}
        cursor = self._buckets.find({"_id": {"$in": sorted(touched)}}, session=session)
        named = {
            Bucket(each["journal"], each["bucket"]): each["collection"]
            for each in await cursor.to_list(None)
        }
        for put in plans.puts_of(batches):
            bucket = bucket_with(put.key)
            if self._ready.get(bucket.name) != named.get(bucket):
                self._ready.pop(bucket.name, None)
                raise BucketGone
        revisions: dict[Key, str] = {}
        for bucket, name in named.items():
            here = {
                records.document_id(key.account_id, key.doc_id): key
                for key in keys
                if bucket_with(key) == bucket
            }
            cursor = self._database[name].find(
                {"_id": {"$in": sorted(here)}}, {"rev": 1}, session=session
            )
            revisions |= {here[each["_id"]]: each["rev"] for each in await cursor.to_list(None)}
        return named, revisions

    async def write(
        self,
        session: AsyncClientSession,
        named: Mapping[Bucket, str],
        changes: Iterable[plans.RecordChange],
    ) -> None:
        """Within a transaction: write what a plan changes."""
        writes: dict[str, list[InsertOne[Record] | ReplaceOne[Record] | DeleteOne]] = {}
        for change in changes:
            place = {"_id": records.document_id(change.key.account_id, change.key.doc_id)}
            write: InsertOne[Record] | ReplaceOne[Record] | DeleteOne
            if change.record is None:
                write = DeleteOne(place)
            elif change.rev is None:
                write = InsertOne(change.record)
            else:
                write = ReplaceOne(place, change.record)
            writes.setdefault(named[bucket_with(change.key)], []).append(write)
        for name, some in writes.items():
            await self._database[name].bulk_write(some, session=session)

    async def forget(
        self,
        session: AsyncClientSession,
        buckets: Iterable[tuple[str, str]],
        accounts: Iterable[str],
    ) -> None:
        """Within a transaction: make buckets, and the records of some accounts, litter."""
        litter: list[Record] = [
            {"_id": records.named("", account_id), "due": 0, "account_id": account_id}
            for account_id in accounts
        ]
        for bucket in buckets:
            found = await self._buckets.find_one_and_delete(
                {"_id": records.named(*bucket)}, session=session
            )
            if found:
                name = found["collection"]
                litter.append({"_id": records.named("", name), "due": 0, "collection": name})
        for each in litter:
            await self._litter.replace_one(
                {"_id": each["_id"]}, each, upsert=True, session=session
            )

    async def sweep(self, litter: Iterable[Record]) -> None:
        """Remove what is named in the litter and is of a journal."""
        for each in litter:
            if "collection" in each:
                await self._database[each["collection"]].drop()
            elif "account_id" in each:
                async for bucket in self._buckets.find():
                    collection = self._database[bucket["collection"]]
                    await collection.delete_many({"account_id": each["account_id"]})

    async def get(self, key: Key, shown: Record) -> Document | None:
        """One record."""
        with translated():
            bucket = await self._buckets.find_one({"_id": bucket_with(key).name})
            if bucket is None:
                return None
            wanted = {"_id": records.document_id(key.account_id, key.doc_id)}
            found = await self._database[bucket["collection"]].find_one(wanted, shown)
        return None if found is None else records.unpacked(found)

    async def within(self, span: Span) -> list[Collection]:
        """The collections of a span, in the order in which it is walked."""
        low, high = span.buckets or ("", "")
        wanted = {"journal": span.doc_type, "bucket": {"$gte": low, "$lte": high}}
        with translated():
            found = await self._buckets.find(wanted).to_list(None)
        found.sort(key=lambda each: str(each["bucket"]), reverse=span.descending)
        return [self._database[each["collection"]] for each in found]

    async def buckets(self, journal: str) -> list[str]:
        """The buckets of a journal, the oldest first."""
        with translated():
            found = await self._buckets.find({"journal": journal}).to_list(None)
        return sorted(each["bucket"] for each in found)
