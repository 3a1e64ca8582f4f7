"""Attachments in the embedded store: bytes in pieces, written and read one at a time."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from functools import partial

from crossbar.documents import new_id
from crossbar.storage import Attachment, Key, StoreError
from crossbar.storage.sqlite.batches import add_piece, drop
from crossbar.storage.sqlite.database import Database
from crossbar.storage.sqlite.layout import PIECE

NAMES = 64
"""Names that are read at a time."""


class Attachments:
    """The attachments of one file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(
        self, account_id: str, chunks: AsyncIterator[bytes], requires: Sequence[Key]
    ) -> Attachment:
        """Store a stream and name it. When ``chunks`` raises, nothing is kept."""
        name, write = (account_id, new_id()), self._database.write
        digest, length, position = hashlib.md5(usedforsecurity=False), 0, 0
        waiting = bytearray()
        try:
            async for chunk in chunks:
                digest.update(chunk)
                length += len(chunk)
                waiting += chunk
                while len(waiting) > PIECE:
                    piece = bytes(waiting[:PIECE])
                    del waiting[:PIECE]
                    await write(partial(add_piece, name, position, piece, None, requires))
                    position += 1
            whole = Attachment(name[1], length, digest.hexdigest())
            await write(partial(add_piece, name, position, bytes(waiting), whole, requires))
        except BaseException:
            # Should this fail too, the next start removes what is abandoned.
            with suppress(StoreError):
                await write(partial(drop, [name]))
            raise
        return whole

    async def read(
        self, account_id: str, attachment_id: str, start: int, stop: int | None
    ) -> AsyncIterator[bytes]:
        """The bytes from ``start`` up to ``stop``. Raises :class:`KeyError` if there are none."""
        name, read = (account_id, attachment_id), self._database.read
        [(length,)] = read(
            "SELECT length FROM attachments WHERE account_id = ? AND attachment_id = ?", name
        ) or [(None,)]
        if length is None:  # unknown, or not yet whole
            raise KeyError(attachment_id)
        stop = length if stop is None else min(stop, length)
        sql = "SELECT data FROM pieces WHERE account_id = ? AND attachment_id = ? AND position = ?"
        while start < stop:
            position, offset = divmod(start, PIECE)
            found = read(sql, (*name, position))
            if not found:  # dropped since the last piece
                raise KeyError(attachment_id)
            data: bytes = found[0][0][offset : offset + stop - start]
            start += len(data)
            yield data
            await asyncio.sleep(0)

    async def stored(self, before: int) -> AsyncIterator[tuple[str, str]]:
        """The account and the id of those whose storing began before a time, in order."""
        sql = (
            "SELECT account_id, attachment_id FROM attachments"
            " WHERE length IS NOT NULL AND begun < ? AND (account_id, attachment_id) > (?, ?)"
            " ORDER BY account_id, attachment_id LIMIT ?"
        )
        last = ("", "")
        while found := self._database.read(sql, (before, *last, NAMES)):
            for last in found:
                yield last
            await asyncio.sleep(0)
