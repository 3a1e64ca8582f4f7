"""Attachments of the MongoDB store: bytes in GridFS, and the removal of those nobody wants.

What is to be removed is named in ``litter`` first, with the time from which it may go: an upload
in progress (it may never be finished) a day later, a dropped attachment at once. So whatever a
process leaves behind when it dies, another one sweeps up.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Collection
from contextlib import suppress
from datetime import UTC, datetime

from gridfs.asynchronous import AsyncGridIn
from gridfs.errors import NoFile
from pymongo import ASCENDING, ReplaceOne
from pymongo.asynchronous.client_session import AsyncClientSession

from crossbar.clock import Clock
from crossbar.documents import new_id
from crossbar.storage import Attachment
from crossbar.storage.mongodb.driver import FAILURES, Connection, closed, settled, translated
from crossbar.storage.mongodb.journals import Journals
from crossbar.storage.mongodb.records import named

LONGEST_UPLOAD = 24 * 3600
"""Seconds after which an unfinished upload counts as abandoned."""

BATCH = 100
"""Names that are read, or removed, at a time."""

_OWNER = "metadata.account_id"


class Files:
    """The attachments of one database."""

    def __init__(self, connection: Connection, journals: Journals, clock: Clock) -> None:
        self._bucket = connection.bucket
        self._files = connection.database["fs.files"]
        self._chunks = connection.database["fs.chunks"]
        self._litter = connection.database["litter"]
        self._journals = journals
        self._clock = clock
        self._swept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._swept.set_result(None)

    async def prepare(self) -> None:
        """Create whatever structure is missing."""
        await self._files.create_index([(_OWNER, ASCENDING)])
        await self._litter.create_index([("due", ASCENDING)])

    async def close(self) -> None:
        """Finish sweeping."""
        await self._swept

    async def put(self, account_id: str, chunks: AsyncIterator[bytes]) -> Attachment:
        """Store a stream and name it. When ``chunks`` raises, nothing is kept."""
        attachment_id = new_id()
        name = named(account_id, attachment_id)
        with translated():
            due = self._clock.unix() + LONGEST_UPLOAD
            await self._litter.insert_one({"_id": name, "due": due})
        grid = self._bucket.open_upload_stream_with_id(name, attachment_id)
        try:
            digest, length = await _pour(chunks, grid)
            with translated():
                await grid.set("metadata", {"account_id": account_id, "md5": digest})
                await grid.close()
                await self._litter.delete_one({"_id": name})
        except BaseException:
            # Should this fail as well, the upload stays in the litter.
            with suppress(*FAILURES):
                await grid.abort()
                await self._litter.delete_one({"_id": name})
            raise
        return Attachment(attachment_id, length, digest)

    async def read(
        self, account_id: str, attachment_id: str, start: int, stop: int | None
    ) -> AsyncIterator[bytes]:
        """The bytes from ``start`` up to ``stop``. Raises :class:`KeyError` if there are none."""
        with translated():
            try:
                out = await self._bucket.open_download_stream(named(account_id, attachment_id))
            except NoFile:
                raise KeyError(attachment_id) from None
        left = (out.length if stop is None else min(stop, out.length)) - start
        try:
            if left > 0:
                await settled(out.seek(start))
            while left > 0:
                with translated():
                    chunk = (await out.readchunk())[:left]
                left -= len(chunk)
                yield chunk
        finally:
            await closed(out.close)

    async def stored(self, before: int) -> AsyncIterator[tuple[str, str]]:
        """The account and the id of those that were stored before a time, in order."""
        last, until = "", datetime.fromtimestamp(before, UTC)
        while True:
            wanted = {"_id": {"$gt": last}, "uploadDate": {"$lt": until}}
            cursor = self._files.find(wanted, {_OWNER: 1, "filename": 1}).sort("_id", ASCENDING)
            with translated():
                found = await cursor.limit(BATCH).to_list(BATCH)
            for record in found:
                yield record["metadata"]["account_id"], record["filename"]
            if len(found) < BATCH:
                return
            last = found[-1]["_id"]

    async def drop(
        self,
        session: AsyncClientSession,
        attachments: Collection[tuple[str, str]],
        accounts: Collection[str],
    ) -> None:
        """Within a transaction: make attachments, and all of some accounts, litter."""
        names = {named(*attachment) for attachment in attachments}
        if accounts:
            owned = self._files.find(
                {_OWNER: {"$in": sorted(accounts)}}, {"_id": 1}, session=session
            )
            names |= {record["_id"] for record in await owned.to_list(None)}
        if names:
            await self._files.delete_many({"_id": {"$in": sorted(names)}}, session=session)
            litter = [
                ReplaceOne({"_id": name}, {"_id": name, "due": 0}, upsert=True)
                for name in sorted(names)
            ]
            await self._litter.bulk_write(litter, session=session)

    def sweep_soon(self) -> None:
        """Have due litter removed in the background, by one sweep after the other."""
        self._swept = asyncio.create_task(self._sweep(self._swept))

    async def _sweep(self, earlier: asyncio.Future[None]) -> None:
        """Remove due litter. What a failure leaves is found by the next sweep."""
        await earlier
        due = {"due": {"$lte": self._clock.unix()}}
        with suppress(*FAILURES):
            while found := await self._litter.find(due).limit(BATCH).to_list(BATCH):
                await self._journals.sweep(found)
                names = {"$in": [record["_id"] for record in found]}
                await self._chunks.delete_many({"files_id": names})
                await self._files.delete_many({"_id": names})
                await self._litter.delete_many({"_id": names})


async def _pour(chunks: AsyncIterator[bytes], grid: AsyncGridIn) -> tuple[str, int]:
    """Write the stream; its MD5 and length. Errors of the stream itself pass as they are."""
    digest, length = hashlib.md5(usedforsecurity=False), 0
    async for chunk in chunks:
        digest.update(chunk)
        length += len(chunk)
        with translated():
            await grid.write(chunk)
    return digest.hexdigest(), length
