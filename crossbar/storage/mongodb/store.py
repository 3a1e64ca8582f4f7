"""The cluster store: MongoDB as a replica set or a sharded cluster, through Motor or PyMongo.

Collections:

* ``documents``: ``_id`` ``account/id``, the document as ``body`` (or as JSON ``text`` where BSON
  cannot hold it), its ``rev``, ``place`` in listings, ``entries`` and ``claims``. To be sharded,
  if at all, by ``account_id``.
* ``claims``: ``_id`` ``space/scope/value``, and the holder. Unique by the ``_id`` alone, so also
  when documents are spread over shards.
* ``records.…``: those of one bucket of one journal, which ``buckets`` names; see ``journals``.
* ``events``: ``_id`` is the number. ``counters`` has the last one.
* ``fs.files``, ``fs.chunks``: attachments, in GridFS. ``litter`` names what is to be removed.

Reads ask the primary for what a majority has: they see every acknowledged write. How a commit
works is told in ``commits``. This file and its mates ``driver``, ``commits``, ``journals`` and
``files`` are the only ones that import a driver.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import TypeVar

from pymongo import ASCENDING, IndexModel
from pymongo.errors import PyMongoError

from crossbar.clock import Clock
from crossbar.documents import Document, json_of, new_id, private, public
from crossbar.storage import (
    LAST_BUCKET,
    PORTION,
    Attachment,
    Batch,
    Claim,
    Key,
    Line,
    Maker,
    Missing,
    Numbered,
    Observer,
    Put,
    Row,
    Shown,
    Span,
    unobserved,
)
from crossbar.storage.mongodb import records
from crossbar.storage.mongodb.commits import COUNTER, Commits
from crossbar.storage.mongodb.driver import (
    DRIVERS,
    Connection,
    Refused,
    check_uri,
    lacks_transactions,
    settled,
    translated,
)
from crossbar.storage.mongodb.files import Files
from crossbar.storage.mongodb.journals import Collection, Journals
from crossbar.storage.mongodb.walks import Walk

T = TypeVar("T")

BATCH = 100
"""Rows that a scan reads at a time."""

_UNBOUND = 2**62

_SHOWN = {"_id": 0, "doc_id": 1, "sort": 1, "place": 1, "body": 1, "text": 1}

_LISTED = {"_id": 0, "doc_id": 1, "sort": 1, "place": 1, "row": 1}

_LISTINGS = [
    IndexModel([(name, ASCENDING) for name in names])
    for names in (
        ("account_id", "doc_type", "place"),
        ("account_id", "doc_type", "entries", "place"),
    )
]

_NO_TRANSACTIONS = (
    "the MongoDB server has no transactions, so a commit could be half done: it runs alone, or is "
    "no real MongoDB. A replica set of one node is enough: start mongod with --replSet rs0, then "
    "once: mongosh --eval 'rs.initiate()'"
)


class MongoStore:
    """A :class:`~crossbar.storage.Store` on MongoDB.

    ``uri`` is a MongoDB connection string; its path names the database (``crossbar`` if absent).
    ``driver`` is ``motor`` or ``pymongo``. Raises :class:`ValueError` for another driver, and for
    a URI that weakens write concern, read concern or read preference.
    """

    def __init__(
        self,
        uri: str,
        *,
        driver: str = "motor",
        clock: Clock | None = None,
        observer: Observer = unobserved,
    ) -> None:
        if driver not in DRIVERS:
            raise ValueError(f"no MongoDB driver {driver!r}: choose from {', '.join(DRIVERS)}")
        check_uri(uri)
        self._uri = uri
        self._driver = driver
        self._clock = clock or Clock()
        self._observer = observer

    async def open(self) -> None:
        """Connect, and create whatever structure is missing.

        Raises :class:`~crossbar.storage.Unreachable`, or
        :class:`~crossbar.storage.mongodb.driver.Refused` when the server has no transactions.
        """
        self._connection = Connection(self._uri, self._driver)
        self._database = self._connection.database
        self._documents = self._database["documents"]
        self._journals = Journals(self._connection)
        self._files = Files(self._connection, self._journals, self._clock)
        self._commits = Commits(self._connection, self._files, self._journals, self._observer)
        try:
            with translated():
                await self._prove_transactions()
                await self._documents.create_indexes(_LISTINGS)
                for name in ("buckets", "claims", "events"):
                    # They have this index anyway; a transaction cannot everywhere create them.
                    await self._database[name].create_index("_id", name="_id_")
                await self._files.prepare()
        except BaseException:
            await self._connection.close()
            raise
        self._files.sweep_soon()

    async def _prove_transactions(self) -> None:
        """Refuse a server that has none, or that shows others what may yet be undone."""
        counters, marker = self._database["counters"], {"_id": new_id()}
        try:
            await counters.update_one(COUNTER, {"$setOnInsert": {"number": 0}}, upsert=True)
            async with self._connection.transaction() as session:
                await counters.insert_one(marker, session=session)
                leaked = await counters.find_one(marker)
            leaked = leaked or await counters.find_one(marker)
        except PyMongoError as error:
            if lacks_transactions(error):
                raise Refused(_NO_TRANSACTIONS) from error
            raise
        if leaked:
            raise Refused(_NO_TRANSACTIONS)

    async def close(self) -> None:
        """Finish waiting writes and disconnect."""
        await self._commits.close()
        await self._files.close()
        await self._connection.close()

    async def ping(self) -> None:
        """Return when a primary answers. Raises :class:`~crossbar.storage.Unreachable`."""
        with translated():
            await self._database.command("ping")

    async def get(self, key: Key) -> Document | None:
        """The document, or ``None`` if there is none of that type. Includes soft-deleted ones."""
        # The account beside the id that has it tells a sharded cluster which shard to ask.
        wanted = {"_id": records.document_id(key.account_id, key.doc_id), **key._asdict()}
        with translated():
            found = await self._documents.find_one(wanted, _SHOWN)
        return None if found is None else records.unpacked(found)

    async def get_many(self, account_id: str, ids: Iterable[str]) -> dict[str, Document]:
        """Those of the documents that exist, of whatever type, by id."""
        names = [records.document_id(account_id, doc_id) for doc_id in set(ids)]
        wanted = {"_id": {"$in": names}, "account_id": account_id}
        with translated():
            found = await self._documents.find(wanted, _SHOWN).to_list(None)
        return {record["doc_id"]: records.unpacked(record) for record in found}

    async def get_shown(self, key: Key) -> Shown | None:
        """The same in two parts; here it costs as much, since BSON has to be made JSON."""
        document = await self.get(key)
        return None if document is None else Shown(private(document), json_of(public(document)))

    async def scan(self, span: Span) -> AsyncIterator[Row]:
        """Walk the span in (sort, id) order, lazily, from the last row met and not by offset."""
        async for found in self._found(span, _SHOWN, span.portion or BATCH):
            for record in found:
                yield records.row(record)

    async def portions(self, span: Span) -> AsyncIterator[list[Document]]:
        """See :meth:`crossbar.storage.Store.portions`."""
        async for found in self._found(span, _SHOWN, span.portion or PORTION):
            yield [records.unpacked(record) for record in found]

    async def lines(self, span: Span) -> AsyncIterator[list[Line]]:
        """See :meth:`crossbar.storage.Store.lines`."""
        async for found in self._found(span, _LISTED, span.portion or PORTION):
            yield [records.line(each) for each in found]

    async def page(self, span: Span, make: Maker[T]) -> T:
        """See :meth:`crossbar.storage.Store.page`."""
        made, _ = make(await anext(self.lines(span), []))
        return made

    async def _found(
        self, span: Span, shown: Mapping[str, int], portion: int
    ) -> AsyncIterator[list[records.Record]]:
        """What is kept of the documents of a span, so many at a time."""
        for collection in await self._within(span):
            walk = Walk(collection, shown, span.descending, portion)
            wanted = records.within(span)
            walked = walk.sifted(wanted, span.sieve) if span.sieve else walk.portions(wanted)
            async for found in walked:
                yield found

    async def _within(self, span: Span) -> list[Collection]:
        """The collections of a span, in the order in which it is walked."""
        if span.buckets is None:
            return [self._documents]
        return await self._journals.within(span)

    async def walk(self, account_id: str, journal: str = "") -> AsyncIterator[Put]:
        """See :meth:`crossbar.storage.Store.walk`."""
        everything = Span(
            account_id=account_id,
            doc_type=journal,
            buckets=("", LAST_BUCKET) if journal else None,
        )
        first = records.document_id(account_id, "")
        for collection in await self._within(everything):
            wanted: records.Record = {"account_id": account_id}
            # Up to the character after the slash.
            wanted["_id"] = {"$gt": first, "$lt": f"{first[:-1]}0"}
            more = True
            while more:
                cursor = collection.find(wanted).sort("_id", ASCENDING).limit(BATCH)
                with translated():
                    found = await cursor.to_list(BATCH)
                for record in found:
                    yield records.put_from(record)
                more = len(found) == BATCH
                if more:
                    wanted["_id"]["$gt"] = found[-1]["_id"]

    async def count(self, span: Span, at_most: int | None = None) -> int:
        """How many documents the span holds (``start`` included), or ``at_most``."""
        number, limit = 0, _UNBOUND if at_most is None else at_most
        for collection in await self._within(span):
            if number < limit:
                with translated():
                    number += await collection.count_documents(
                        records.within(span), limit=limit - number
                    )
        return number

    async def tally(
        self, account_id: str, doc_type: str, name: str, values: Iterable[str]
    ) -> dict[str, int]:
        """How many documents have each of the values as an entry ``name``."""
        wanted = [records.named(name, value) for value in set(values)]
        span = records.within(Span(account_id=account_id, doc_type=doc_type))
        steps: list[records.Record] = [
            {"$match": {**span, "entries": {"$in": wanted}}},
            {"$project": {"entries": 1}},
            {"$unwind": "$entries"},
            {"$match": {"entries": {"$in": wanted}}},
            {"$group": {"_id": "$entries", "number": {"$sum": 1}}},
        ]
        with translated():
            cursor = await settled(self._documents.aggregate(steps))
            found = await cursor.to_list(None)
        return {records.parts(each["_id"])[1]: each["number"] for each in found}

    async def get_record(self, key: Key) -> Document | None:
        """The record, by one look-up in its bucket; ``None`` when there is none."""
        return await self._journals.get(key, _SHOWN)

    async def buckets(self, journal: str) -> list[str]:
        """The buckets of the journal that were written to, by any account; the oldest first."""
        return await self._journals.buckets(journal)

    async def holders(self, claims: Iterable[Claim]) -> dict[Claim, Key]:
        """Which of the claims are held, and by whom."""
        asked = {records.named(*claim): claim for claim in claims}
        with translated():
            held = await self._database["claims"].find({"_id": {"$in": list(asked)}}).to_list(None)
        return {asked[record["_id"]]: records.holder(record) for record in held}

    async def commit(self, batch: Batch) -> int:
        """Write the batch, durably and atomically; see :meth:`crossbar.storage.Store.commit`."""
        return await self._commits.commit(batch)

    async def events(self, after: int, limit: int = 500) -> list[Numbered]:
        """Events with numbers above ``after``, in order."""
        cursor = self._database["events"].find({"_id": {"$gt": after}})
        with translated():
            found = await cursor.sort("_id", ASCENDING).limit(limit).to_list(limit)
        return [records.numbered(record) for record in found]

    async def last_event(self) -> int:
        """The number of the newest event; 0 when there is none."""
        with translated():
            counter = await self._database["counters"].find_one(COUNTER)
        return int(counter["number"]) if counter else 0

    async def trim_events(self, upto: int) -> None:
        """Forget the events with numbers up to ``upto``, but never the newest one of all."""
        upto = min(upto, await self.last_event() - 1)
        with translated():
            await self._database["events"].delete_many({"_id": {"$lte": upto}})

    async def put_attachment(
        self, account_id: str, chunks: AsyncIterator[bytes], requires: Sequence[Key] = ()
    ) -> Attachment:
        """Store a stream of bytes durably and name it. When ``chunks`` raises, nothing is kept."""
        stored = await self._files.put(account_id, chunks)
        if requires:
            # Commits happen one after the other: a purge that comes later finds the bytes.
            try:
                await self.commit(Batch(requires=requires))
            except Missing:
                await self.commit(Batch(drop_attachments=[(account_id, stored.attachment_id)]))
                raise
        return stored

    def attachments(self, before: int) -> AsyncIterator[tuple[str, str]]:
        """The attachments that were stored before a time, in Unix seconds, account by account."""
        return self._files.stored(before)

    def read_attachment(
        self, account_id: str, attachment_id: str, start: int = 0, stop: int | None = None
    ) -> AsyncIterator[bytes]:
        """The bytes from ``start`` up to, not including, ``stop``, in chunks of up to 255 KiB.

        Raises :class:`KeyError` when there is no such attachment.
        """
        return self._files.read(account_id, attachment_id, start, stop)
