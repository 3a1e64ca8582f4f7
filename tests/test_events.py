"""Events: everybody is told of everything, whoever wrote it, and no failure silences the rest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from crossbar import events as module
from crossbar.events import Events
from crossbar.storage import Batch, Event, Key, Numbered, Unreachable
from crossbar.storage.sqlite import SQLiteStore


def event(name: str) -> Event:
    return Event("created", Key("a", "cat", name), "1-x", 0, {})


class Listener:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.forgot = 0

    def notice(self, event: Event) -> None:
        self.told.append(event.key.doc_id)

    def forget(self) -> None:
        self.forgot += 1


class Broken(Listener):
    """Fails at everything."""

    def notice(self, event: Event) -> None:
        raise RuntimeError("broken")


class Flaky(SQLiteStore):
    """A store whose log cannot always be read, or not at once."""

    failure: Exception | None = None
    pause: asyncio.Event | None = None

    async def events(self, after: int, limit: int = 500) -> list[Numbered]:
        if self.failure is not None:
            raise self.failure
        found = await super().events(after, limit)
        if self.pause is not None:
            await self.pause.wait()
        return found


@pytest.fixture
async def store() -> AsyncIterator[Flaky]:
    store = Flaky(":memory:")
    await store.open()
    yield store
    await store.close()


@pytest.fixture
async def events(store: Flaky, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Events]:
    monkeypatch.setattr(module, "POLL_INTERVAL", 0.001)
    events = Events(store)
    yield events
    await events.stop()


async def write(store: Flaky, *names: str) -> None:
    await store.commit(Batch(events=[event(name) for name in names]))


async def write_here(store: Flaky, events: Events, *names: str) -> None:
    """Write as the process itself does: commit, then announce."""
    written = [event(name) for name in names]
    events.announce(written, await store.commit(Batch(events=written)))


async def until(condition: Callable[[], bool]) -> None:
    """Wait for it, at most two seconds."""
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it did not happen")


async def test_what_was_written_before_the_start_is_old_news(store: Flaky, events: Events) -> None:
    listener = Listener()
    await write(store, "old")
    events.subscribe(listener)
    await events.start()
    await write(store, "new", "newer")
    await until(lambda: listener.told == ["new", "newer"])


async def test_what_this_process_commits_is_told_at_once(events: Events) -> None:
    listeners = [Listener(), Listener()]
    for listener in listeners:
        events.subscribe(listener)
    events.announce([event("a"), event("b")], 2)
    assert [listener.told for listener in listeners] == [["a", "b"]] * 2


async def test_what_was_announced_is_not_read_back(store: Flaky, events: Events) -> None:
    listener = Listener()
    events.subscribe(listener)
    await write_here(store, events, "a", "b")
    await write_here(store, events, "c")
    await events.catch_up()
    assert listener.told == ["a", "b", "c"]


async def test_events_of_others_between_own_ones_are_read(store: Flaky, events: Events) -> None:
    listener = Listener()
    events.subscribe(listener)
    await write_here(store, events, "a")
    await write(store, "elsewhere")
    await write_here(store, events, "b")
    await events.catch_up()
    assert listener.told == ["a", "b", "elsewhere", "b"]
    await write_here(store, events, "c")
    await events.catch_up()
    assert listener.told == ["a", "b", "elsewhere", "b", "c"]


async def test_announcements_in_another_order_than_the_log_lose_nothing(
    store: Flaky, events: Events
) -> None:
    listener = Listener()
    events.subscribe(listener)
    for name in ("a", "b"):
        await write(store, name)
    events.announce([event("b")], 2)
    events.announce([event("a")], 1)
    await events.catch_up()
    assert listener.told == ["b", "a", "b"]


async def test_what_is_announced_while_the_log_is_read_stays_read(
    store: Flaky, events: Events
) -> None:
    listener = Listener()
    events.subscribe(listener)
    await write(store, "a", "b")
    store.pause = asyncio.Event()
    reading = asyncio.create_task(events.catch_up())
    await asyncio.sleep(0)
    for name, number in (("a", 1), ("b", 2), ("c", 3)):
        if name == "c":
            await write(store, name)
        events.announce([event(name)], number)
    store.pause.set()
    await reading
    assert listener.told == ["a", "b", "c", "a", "b"]


async def test_a_log_longer_than_one_reading_is_read_to_its_end(
    store: Flaky, events: Events
) -> None:
    listener = Listener()
    events.subscribe(listener)
    names = [str(number) for number in range(1200)]
    await write(store, *names)
    await events.catch_up()
    assert listener.told == names
    await events.catch_up()
    assert listener.told == names


@pytest.mark.parametrize("failure", [Unreachable("gone"), RuntimeError("odd")])
async def test_when_the_log_cannot_be_read_nothing_is_trusted_and_reading_goes_on(
    store: Flaky, events: Events, failure: Exception
) -> None:
    listener = Listener()
    events.subscribe(listener)
    await events.start()
    store.failure = failure
    await until(lambda: listener.forgot >= 2)
    await write(store, "late")
    store.failure = None
    await until(lambda: listener.told == ["late"])


async def test_a_subscriber_that_fails_forgets_and_silences_nobody(events: Events) -> None:
    broken, listener = Broken(), Listener()
    events.subscribe(broken)
    events.subscribe(listener)
    events.announce([event("a"), event("b")], 2)
    assert broken.forgot == 2
    assert listener.told == ["a", "b"]


async def test_stopping_twice_is_no_error(events: Events) -> None:
    await events.start()
    await events.stop()
    await events.stop()


async def numbers(store: Flaky) -> list[str]:
    return [numbered.event.key.doc_id for numbered in await store.events(0, 2000)]


async def test_who_missed_events_that_are_forgotten_trusts_nothing(
    store: Flaky, events: Events
) -> None:
    listener = Listener()
    events.subscribe(listener)
    await write(store, "a")
    await events.catch_up()
    await write(store, "b", "c")
    assert listener.forgot == 0
    await store.trim_events(2)
    await events.catch_up()
    assert (listener.forgot, listener.told) == (1, ["a", "c"])
    await write(store, "d")
    await events.catch_up()
    assert (listener.forgot, listener.told) == (1, ["a", "c", "d"])


async def test_old_events_are_forgotten_in_steps(
    store: Flaky, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TRIM_PAUSE", 0)
    old = [event(f"{number}") for number in range(1100)]
    await store.commit(Batch(events=old))
    await module.trim(store, 0)
    assert len(await numbers(store)) == 1100
    young = [event(name)._replace(at=10) for name in "ab"]
    await store.commit(Batch(events=young))
    await module.trim(store, 10)
    assert await numbers(store) == ["a", "b"]
    await module.trim(store, 11)
    assert await numbers(store) == ["b"]  # from which numbers are counted on
    await module.trim(store, 11)
