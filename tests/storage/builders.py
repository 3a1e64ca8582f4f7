"""Short ways to write the batches and questions of the storage tests. No test lives here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any

from crossbar.storage import (
    Attachment,
    Batch,
    Claim,
    Entry,
    Event,
    Key,
    Line,
    Put,
    Remove,
    Row,
    Span,
    Store,
)

ACCOUNT = "a" * 32
OTHER = "b" * 32

Opener = Callable[[], Awaitable[Store]]


def key(doc_id: str, doc_type: str = "user", account: str = ACCOUNT) -> Key:
    return Key(account, doc_type, doc_id)


def put(
    doc_id: str,
    *,
    doc_type: str = "user",
    account: str = ACCOUNT,
    rev: str = "1-a",
    expected: str | None = None,
    sort: str | None = "",
    entries: Iterable[tuple[str, str]] = (),
    claims: Iterable[Claim] = (),
    row: bytes | None = None,
    **fields: Any,
) -> Put:
    return Put(
        key(doc_id, doc_type, account),
        {"_rev": rev, **fields},
        expected,
        sort,
        [Entry(*entry) for entry in entries],
        list(claims),
        row,
    )


def claim(value: str, space: str = "users.username", scope: str = ACCOUNT) -> Claim:
    return Claim(space, scope, value)


def event(doc_id: str, action: str = "created", **summary: Any) -> Event:
    return Event(action, key(doc_id), "1-a", 63_000_000_000, summary)


async def write(store: Store, *puts: Put) -> None:
    await store.commit(Batch(puts=puts))


async def remove(store: Store, *keys: Key) -> None:
    await store.commit(Batch(removes=[Remove(each) for each in keys]))


def span(entry: tuple[str, str] | None = None, **bounds: Any) -> Span:
    """A span of the users of :data:`ACCOUNT` unless ``bounds`` says otherwise."""
    place = {"account_id": ACCOUNT, "doc_type": "user", **bounds}
    return Span(entry=Entry(*entry) if entry else None, **place)


async def rows(store: Store, walked: Span) -> list[Row]:
    return [row async for row in store.scan(walked)]


async def lines(store: Store, walked: Span) -> list[Line]:
    return [line async for portion in store.lines(walked) for line in portion]


async def ids(store: Store, entry: tuple[str, str] | None = None, **bounds: Any) -> list[str]:
    """The ids met by a scan, after checking that the count agrees."""
    walked = span(entry, **bounds)
    met = [row.position.doc_id for row in await rows(store, walked)]
    assert await store.count(walked) == len(met)
    return met


async def stream(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def attach(store: Store, *chunks: bytes, account: str = ACCOUNT) -> Attachment:
    return await store.put_attachment(account, stream(*chunks))


async def content(
    store: Store,
    attachment_id: str,
    start: int = 0,
    stop: int | None = None,
    account: str = ACCOUNT,
) -> bytes:
    chunks = store.read_attachment(account, attachment_id, start, stop)
    return b"".join([chunk async for chunk in chunks])
