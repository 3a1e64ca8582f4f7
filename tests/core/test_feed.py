"""The feed: followers are told of what they watch, in order, and of what they have missed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from crossbar.core import feed as module
from crossbar.core.feed import EVERYWHERE, Ended, Feed, Follower, Late, account_of_event
from crossbar.storage import SYSTEM, Batch, Event, Key, Numbered, Unreachable
from crossbar.storage.sqlite import SQLiteStore


def event(account_id: str, name: str) -> Event:
    return Event("created", Key(account_id, "cat", name), "1-x", 0, {})


class Flaky(SQLiteStore):
    """A store whose log cannot always be read."""

    failures = 0

    async def events(self, after: int, limit: int = 500) -> list[Numbered]:
        if self.failures:
            self.failures -= 1
            raise Unreachable("away")
        return await super().events(after, limit)


@pytest.fixture
async def store() -> AsyncIterator[Flaky]:
    store = Flaky(":memory:")
    await store.open()
    yield store
    await store.close()


@pytest.fixture
async def feed(store: Flaky, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Feed]:
    monkeypatch.setattr(module, "PAUSE", 0.001)
    feed = Feed(store)
    feed.start()
    yield feed
    await feed.stop()


async def write(store: Flaky, feed: Feed, account_id: str, *names: str) -> None:
    events = [event(account_id, name) for name in names]
    await store.commit(Batch(events=events))
    feed.notice(events[-1])


async def names(follower: Follower, count: int) -> list[str]:
    found: list[str] = []
    while len(found) < count:
        found += [each.event.key.doc_id for each in await follower.next(20)]
    return found


async def test_a_follower_is_told_of_what_it_watches(store: Flaky, feed: Feed) -> None:
    await write(store, feed, "a", "before")
    async with feed.following("a") as one, feed.following(EVERYWHERE) as every:
        assert one.since == 1
        await write(store, feed, "a", "x")
        await write(store, feed, "b", "y")
        assert await names(every, 2) == ["x", "y"]
        assert await names(one, 1) == ["x"]
        assert await one.next(0.001) == []
        one.watch("b")
        one.unwatch("a")
        await write(store, feed, "a", "no")
        await write(store, feed, "b", "z")
        assert await names(one, 1) == ["z"]
    assert not feed.watched
    await write(store, feed, "a", "later")  # nobody is there to read it for
    async with feed.following("a") as again:
        assert again.since == 5 + 1


async def test_two_watch_the_same(store: Flaky, feed: Feed) -> None:
    async with feed.following("a") as one:
        async with feed.following("a"):
            pass
        await write(store, feed, "a", "x")
        assert await names(one, 1) == ["x"]


async def test_who_takes_nothing_is_late(
    store: Flaky, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEPT", 2)
    async with feed.following("a") as follower:
        await write(store, feed, "a", "x", "y", "z")
        with pytest.raises(Late):
            await follower.next(20)
        await write(store, feed, "a", "w")
        assert await names(follower, 1) == ["w"]


async def test_what_is_forgotten_unread_is_missed(store: Flaky, feed: Feed) -> None:
    async with feed.following("a") as follower:
        events = [event("a", "x"), event("a", "y"), event("a", "z")]
        await store.commit(Batch(events=events))
        await store.trim_events(2)
        feed.forget()
        with pytest.raises(Late):
            await follower.next(20)
        assert await names(follower, 1) == ["z"]


async def test_a_log_that_cannot_be_read_is_read_later(store: Flaky, feed: Feed) -> None:
    async with feed.following("a") as follower:
        store.failures = 3
        await write(store, feed, "a", "x")
        assert await names(follower, 1) == ["x"]


async def test_followers_end_with_the_server(feed: Feed) -> None:
    async with feed.following("a") as follower:
        waiting = asyncio.create_task(follower.next(20))
        await asyncio.sleep(0)
        feed.end()
        with pytest.raises(Ended):
            await waiting


async def test_a_feed_that_was_not_begun_can_be_stopped(store: Flaky) -> None:
    await Feed(store).stop()


def test_an_accounts_own_document_is_its_own() -> None:
    key = Key(SYSTEM, "account", "a")
    assert account_of_event(Event("changed", key, "", 0, {})) == "a"
    assert account_of_event(Event("changed", Key(SYSTEM, "job", "a"), "", 0, {})) == SYSTEM
    assert account_of_event(event("b", "x")) == "b"
