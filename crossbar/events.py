"""Telling the parts of a process what was written, here or by another process.

The store's event log is the truth. A commit of this process is announced at once; what other
processes commit is read from the log a few times a second. Subscribers are told of every event at
least once, and may be told twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Protocol

import structlog

from crossbar.storage import Event, Store

log = structlog.get_logger(__name__)

TRIM_PAUSE = 0.02
"""Seconds between two steps of a trim, for others to write."""

POLL_INTERVAL = 0.25
"""Seconds between looks at the log. A change made elsewhere is noticed within this and a read."""


class Subscriber(Protocol):
    """A cache, or anything else that reacts to writes. Must be quick: it runs on the loop."""

    def notice(self, event: Event) -> None:
        """React to one event."""
        ...

    def forget(self) -> None:
        """Events may have been missed: trust nothing that was remembered."""
        ...


class Events:
    """Passes events from commits and from the log to subscribers."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._subscribers: list[Subscriber] = []
        self._seen = 0
        self._task: asyncio.Task[None] | None = None

    def subscribe(self, subscriber: Subscriber) -> None:
        """Tell ``subscriber`` of every event from now on."""
        self._subscribers.append(subscriber)

    def announce(self, events: Sequence[Event], last: int) -> None:
        """Tell everybody of events that this process has just committed, ``last`` as their end.

        When no other event is between them and what was read, there is no need to read them.
        """
        self._tell(events)
        if last - len(events) == self._seen:
            self._seen = last

    def _tell(self, events: Iterable[Event]) -> None:
        for event in events:
            for subscriber in self._subscribers:
                try:
                    subscriber.notice(event)
                except Exception:  # the write is done, and the others have to be told
                    log.exception("subscriber_failed", subscriber=type(subscriber).__name__)
                    subscriber.forget()

    async def start(self) -> None:
        """Begin to follow the log, from its present end."""
        self._seen = await self._store.last_event()
        self._task = asyncio.create_task(self._follow(), name="event-log")

    async def stop(self) -> None:
        """Stop following the log."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def catch_up(self) -> None:
        """Read the log up to its end and pass on what is new."""
        while numbered := await self._store.events(seen := self._seen):
            if numbered[0].number != seen + 1:  # forgotten before they were read
                self._forget()
            self._tell(event for _, event in numbered)
            # Own events may have been announced meanwhile, beyond those that were read.
            self._seen = max(self._seen, numbered[-1].number)

    async def _follow(self) -> None:
        is_readable = True
        while True:
            try:
                await self.catch_up()
                is_readable = True
            except Exception as error:  # without this loop everything remembered would go stale
                if is_readable:
                    log.warning("event_log_unreadable", error=repr(error))
                is_readable = False
                self._forget()
            await asyncio.sleep(POLL_INTERVAL)

    def _forget(self) -> None:
        for subscriber in self._subscribers:
            subscriber.forget()


async def trim(store: Store, before: int) -> None:
    """Forget the events from before a time, in Gregorian seconds, some after the other.

    Who follows the log is expected to have read them long since; who has not is told by a gap.
    """
    while True:
        oldest = await store.events(0)
        upto = max((number for number, event in oldest if event.at < before), default=0)
        if upto:
            await store.trim_events(upto)
        if len(oldest) < 2 or upto < oldest[-1].number:
            return
        await asyncio.sleep(TRIM_PAUSE)
