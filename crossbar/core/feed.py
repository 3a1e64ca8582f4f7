"""Following the event log: who is connected is told at once what happens in accounts.

The log is the store's, so it makes no difference which process wrote. Each process reads it once
for all its followers, and only while there are some. A follower keeps a bounded number of events;
one that does not take them is told that it is late, and can read the log from where it was.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress

import structlog

from crossbar.core.directory import ACCOUNT_TYPE, OWNER
from crossbar.storage import SYSTEM, Event, Numbered, Store

log = structlog.get_logger(__name__)

EVERYWHERE = "*"
"""Stands for all accounts."""

KEPT = 1000
"""Events that a follower keeps at most."""

PAUSE = 0.25
"""Seconds until the log is read again that could not be read."""


class Late(Exception):
    """Events were lost: the follower did not take them in time, or the log was trimmed."""


class Ended(Exception):
    """The server is about to stop."""


class Follower:
    """Events of the accounts that are :meth:`watch`-ed, in the order of the log.

    ``since`` is the number of the last event before it began.
    """

    def __init__(self, feed: Feed) -> None:
        self.since = 0
        self.accounts: set[str] = set()
        self._feed = feed
        self._waiting: deque[Numbered] = deque()
        self._woken = asyncio.Event()
        self._is_late = False

    def watch(self, account_id: str) -> None:
        """Be told of the account's events from now on; of all with :data:`EVERYWHERE`."""
        self.accounts.add(account_id)
        self._feed.watched[account_id].add(self)

    def unwatch(self, account_id: str) -> None:
        """Be told of no further events of the account."""
        self.accounts.discard(account_id)
        self._feed.watched[account_id].discard(self)
        if not self._feed.watched[account_id]:
            del self._feed.watched[account_id]

    def take(self, numbered: Numbered) -> None:
        """Keep an event until it is asked for."""
        if len(self._waiting) >= KEPT:
            self.miss()
        else:
            self._waiting.append(numbered)
            self._woken.set()

    def miss(self) -> None:
        """Note that events were lost; what was kept is of no use any more."""
        self._is_late = True
        self._waiting.clear()
        self._woken.set()

    async def next(self, timeout: float) -> list[Numbered]:
        """What has happened since the last call; empty after ``timeout`` seconds of silence.

        Raises :class:`Late` once for events that were lost, and :class:`Ended`.
        """
        if not (self._waiting or self._is_late or self._feed.is_ending):
            self._woken.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await self._woken.wait()
        if self._feed.is_ending:
            raise Ended
        if self._is_late:
            self._is_late = False
            raise Late
        taken = list(self._waiting)
        self._waiting.clear()
        return taken

    def wake(self) -> None:
        """Let :meth:`next` look anew."""
        self._woken.set()


class Feed:
    """The event log as one process's followers see it. A subscriber to its events.

    They have been told of what they watch up to the number ``position``.
    """

    def __init__(self, store: Store) -> None:
        self.watched: defaultdict[str, set[Follower]] = defaultdict(set)
        self.is_ending = False
        self._store = store
        self._followers: set[Follower] = set()
        self.position = 0
        self._turn = asyncio.Lock()
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def notice(self, event: Event) -> None:
        """There is something new in the log."""
        self._woken.set()

    def forget(self) -> None:
        """There may be something new in the log."""
        self._woken.set()

    def start(self) -> None:
        """Begin to read for followers."""
        self._task = asyncio.create_task(self._follow(), name="feed")

    async def stop(self) -> None:
        """Stop reading."""
        self.end()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def end(self) -> None:
        """Have every follower end, since the server is about to."""
        self.is_ending = True
        for follower in self._followers:
            follower.wake()

    @asynccontextmanager
    async def following(self, *account_ids: str) -> AsyncIterator[Follower]:
        """Follow the log from its present end for as long as the context is open."""
        follower = Follower(self)
        async with self._turn:
            if not self._followers:
                self.position = await self._store.last_event()
            follower.since = self.position
            self._followers.add(follower)
        for account_id in account_ids:
            follower.watch(account_id)
        try:
            yield follower
        finally:
            self._followers.discard(follower)
            for account_id in tuple(follower.accounts):
                follower.unwatch(account_id)

    async def _follow(self) -> None:
        is_readable = True
        while True:
            await self._woken.wait()
            self._woken.clear()
            try:
                async with self._turn:
                    await self._read_on()
                is_readable = True
            except Exception as error:  # without this loop nobody would be told anything
                if is_readable:
                    log.warning("feed_unreadable", error=repr(error))
                is_readable = False
                await asyncio.sleep(PAUSE)
                self._woken.set()

    async def _read_on(self) -> None:
        """Tell followers what is new in the log."""
        while self._followers and (found := await self._store.events(self.position)):
            if found[0].number != self.position + 1:  # forgotten before it was read
                for follower in self._followers:
                    follower.miss()
            self._tell(found)
            self.position = found[-1].number
            await asyncio.sleep(0)

    def _tell(self, found: Iterable[Numbered]) -> None:
        for numbered in found:
            account_id = account_of_event(numbered.event)
            for follower in (
                *self.watched.get(account_id, ()),
                *self.watched.get(EVERYWHERE, ()),
            ):
                follower.take(numbered)


def account_of_event(event: Event) -> str:
    """Whose event it is. What the system keeps of an account, such as its own document and its
    numbers, is the account's.
    """
    key = event.key
    if key.account_id != SYSTEM:
        return key.account_id
    if key.doc_type == ACCOUNT_TYPE:
        return key.doc_id
    owner: str = event.summary.get(OWNER, SYSTEM)
    return owner
