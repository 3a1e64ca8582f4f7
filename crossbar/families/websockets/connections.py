"""Who is connected to the socket: a document of the system for each, so that all servers see it.

It says until when it holds, since a server that is killed tells nobody. It goes with its account.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Any

from crossbar.core.directory import OWNER
from crossbar.core.jobs import Kind
from crossbar.core.services import Services
from crossbar.documents import Document, next_revision, public
from crossbar.errors import Conflict, CrossbarError
from crossbar.storage import SYSTEM, Batch, Entry, Key, Put, Remove, Span

CONNECTION_TYPE = "websocket"

LEASE = 600
"""Seconds that a connection is listed without being heard of."""

PORTION = 200
"""Connections that are removed in a commit."""


class Listed:
    """A connection as it is listed; ``doc_id`` is its own, other than what clients call it."""

    def __init__(self, services: Services, doc_id: str, facts: Document) -> None:
        self._services = services
        self._key = Key(SYSTEM, CONNECTION_TYPE, doc_id)
        self._facts = facts
        self._account_id = ""
        self._revision: str | None = None

    async def tell(
        self, account_id: str, bindings: Sequence[str], name: str, metadata: Document
    ) -> None:
        """Write how it is now, and that it is there."""
        self._account_id = self._account_id or account_id
        document: Document = {
            **self._facts,
            "bindings": list(bindings),
            "name": name,
            "metadata": metadata,
            "_id": self._key.doc_id,
            "_rev": next_revision(self._revision),
            "pvt_type": CONNECTION_TYPE,
            "pvt_account_id": self._account_id,
        }
        ends = self._services.clock.unix() + LEASE
        entries = (Entry(OWNER, self._account_id),)
        put = Put(self._key, document, self._revision, _place(ends), entries)
        try:
            await self._services.commit(Batch(puts=(put,)))
        except Conflict:  # it was taken for one that is gone
            self._revision = None
            raise
        self._revision = document["_rev"]

    async def end(self) -> None:
        """List it no more. What cannot be removed now ends by itself."""
        if self._revision is not None:
            with suppress(CrossbarError):
                await self._services.commit(Batch(removes=(Remove(self._key),)))


def _place(ends: int) -> str:
    """The place in listings of what ends at a time, in Unix seconds."""
    return f"{ends:012d}"


async def connections_of(services: Services, account_id: str) -> AsyncIterator[Document]:
    """The connections that an account's people and keys have, as they are shown."""
    span = Span(
        account_id=SYSTEM,
        doc_type=CONNECTION_TYPE,
        entry=Entry(OWNER, account_id),
        low=_place(services.clock.unix() + 1),
    )
    async for row in services.store.scan(span):
        yield public(row.document)


async def find_connection(services: Services, account_ids: Sequence[str], name: str) -> Any:
    """The connection that is called so; an empty object when there is none."""
    for account_id in account_ids:
        async for shown in connections_of(services, account_id):
            if shown["websocket_session_id"] == name:
                return shown
    return {}


async def _remove_ended(services: Services, about: Document) -> None:
    """Remove what servers have left behind that were killed."""
    high = _place(services.clock.unix())
    span = Span(account_id=SYSTEM, doc_type=CONNECTION_TYPE, high=high)
    removes: list[Remove] = []
    async for row in services.store.scan(span):
        key = Key(SYSTEM, CONNECTION_TYPE, row.position.doc_id)
        removes.append(Remove(key, row.document["_rev"]))
        if len(removes) == PORTION:
            break
    if removes:
        await services.commit(Batch(removes=removes))


REMOVE_ENDED = Kind(name="websockets", run=_remove_ended, every=300)
