"""What a server counts, and how Prometheus is told.

The library only writes the text. Its own counters cost a request ten times as much as the plain
numbers here, and more where processes share them: several workers put up their numbers as files
for each other instead, so that whichever is asked can answer for all.
"""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import orjson
import structlog
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

log = structlog.get_logger(__name__)

CONTENT_TYPE = CONTENT_TYPE_LATEST

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SIZES = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0)

UNMATCHED = "unmatched"
"""The route of a request that was refused before it was known what it asks for."""

PUBLISHED = 1.0
"""Seconds between two times that a worker puts up its numbers."""

SILENT = 5.0
"""Seconds after which a worker that puts up nothing is taken to be gone, with its connections."""

Numbers = dict[str, dict[str, list[float]]]
"""By family and labels: the number of a counter; the sum and the buckets of a histogram.

Labels are one text, a line each, so that all of it can be a file.
"""


class Family(NamedTuple):
    """A name, what it is about, its labels, and the bounds of its buckets if it is a histogram."""

    name: str
    about: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()


REQUESTS = Family(
    "crossbar_requests", "Requests answered.", ("dialect", "method", "route", "status")
)
REQUEST_SECONDS = Family(
    "crossbar_request_seconds",
    "Seconds from a request's head to its answer.",
    ("dialect", "method", "route"),
    SECONDS,
)
COMMIT_SECONDS = Family(
    "crossbar_store_commit_seconds", "Seconds that a transaction of the store took.", (), SECONDS
)
COMMIT_BATCHES = Family(
    "crossbar_store_commit_batches", "Writes that were committed together.", (), SIZES
)
EVENTS = Family("crossbar_events", "Documents written, by type.", ("type", "action"))
LOGINS_REFUSED = Family(
    "crossbar_logins_refused", "Logins refused: wrong, or too soon after wrong ones.", ("reason",)
)
LOOP_LAG = Family(
    "crossbar_loop_lag_seconds", "Seconds that the event loop woke up too late.", (), SECONDS
)
FAMILIES = (
    REQUESTS,
    REQUEST_SECONDS,
    COMMIT_SECONDS,
    COMMIT_BATCHES,
    EVENTS,
    LOGINS_REFUSED,
    LOOP_LAG,
)


class Histogram:
    """Values sorted into buckets."""

    __slots__ = ("_bounds", "_buckets", "_sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._buckets = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def note(self, value: float) -> None:
        """Count a value."""
        self._sum += value
        self._buckets[bisect_left(self._bounds, value)] += 1

    def numbers(self) -> list[float]:
        """The sum and the buckets."""
        return [self._sum, *self._buckets]


class Route:
    """The requests that ask for the same thing."""

    __slots__ = ("_seconds", "_statuses")

    def __init__(self) -> None:
        self._seconds = Histogram(SECONDS)
        self._statuses: dict[int, int] = {}

    def note(self, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        self._statuses[status] = self._statuses.get(status, 0) + 1
        self._seconds.note(seconds)

    def add_to(self, numbers: Numbers, labels: str) -> None:
        """Enter what was counted."""
        if self._statuses:
            numbers[REQUEST_SECONDS.name][labels] = self._seconds.numbers()
        for status, count in self._statuses.items():
            numbers[REQUESTS.name][f"{labels}\n{status}"] = [count]


class Board:
    """Where the workers of a server put up their numbers, each in a file of its own.

    Who replaces a worker goes on from its predecessor's: a counter never decreases.
    """

    def __init__(self, folder: Path, number: int) -> None:
        self._folder = folder
        self._own = folder / str(number)

    def predecessor(self) -> Numbers:
        """The numbers with which this worker begins."""
        return _read(self._own)[1] if self._own.exists() else {}

    def put_up(self, numbers: Numbers, connections: int) -> None:
        """Replace what others see of this worker."""
        new = self._own.with_suffix(".new")
        new.write_bytes(orjson.dumps([time.monotonic(), numbers, connections]))
        new.replace(self._own)

    def others(self) -> Iterator[tuple[Numbers, int | None]]:
        """The numbers of the other workers, with their connections if they live."""
        for file in self._folder.glob("[0-9]*"):
            if file.suffix != ".new" and file != self._own:
                when, numbers, connections = _read(file)
                yield numbers, connections if time.monotonic() - when < SILENT else None


def _read(file: Path) -> tuple[float, Numbers, int]:
    when, numbers, connections = orjson.loads(file.read_bytes())
    return when, numbers, connections


class Metrics:
    """What one process counts."""

    def __init__(self) -> None:
        self._routes: defaultdict[str, Route] = defaultdict(Route)
        self._counts: dict[str, dict[str, list[float]]] = {
            EVENTS.name: {},
            LOGINS_REFUSED.name: {},
        }
        self._commit_seconds = Histogram(SECONDS)
        self._commit_batches = Histogram(SIZES)
        self._loop_lag = Histogram(SECONDS)
        self._board: Board | None = None
        self._before: Numbers = {}
        self._publishing = asyncio.Lock()
        self.connections: Callable[[], int] = lambda: 0

    def route(self, dialect: str, method: str, template: str) -> Route:
        """Where requests for the same thing are counted."""
        return self._routes[f"{dialect}\n{method}\n{template}"]

    def note_commit(self, batches: int, seconds: float) -> None:
        """Count a transaction of the store."""
        self._commit_seconds.note(seconds)
        self._commit_batches.note(batches)

    def note_event(self, doc_type: str, action: str) -> None:
        """Count a document that was created, changed or deleted."""
        self._count(EVENTS, f"{doc_type}\n{action}")

    def note_refused_login(self, reason: str) -> None:
        """Count a login that was refused."""
        self._count(LOGINS_REFUSED, reason)

    def note_lag(self, seconds: float) -> None:
        """Count how late the event loop was."""
        self._loop_lag.note(seconds)

    def _count(self, family: Family, labels: str) -> None:
        counts = self._counts[family.name]
        if labels in counts:
            counts[labels][0] += 1
        else:
            counts[labels] = [1]

    def share(self, board: Board) -> None:
        """Answer together with the other workers of this server from now on."""
        self._board = board
        self._before = board.predecessor()

    async def publish(self) -> Numbers:
        """What was counted so far, put up for the others too."""
        # One at a time: an older file must not replace a newer one.
        async with self._publishing:
            numbers = self._numbers()
            if self._board is not None:
                try:
                    await asyncio.to_thread(self._board.put_up, numbers, self.connections())
                except OSError as error:  # a full disk stops nobody from being served
                    log.warning("metrics_not_shared", error=str(error))
        return numbers

    async def text(self) -> bytes:
        """All of it as Prometheus reads it, made off the event loop.

        One's own numbers are put up first: another worker that is asked next knows no less.
        """
        numbers = await self.publish()
        return await asyncio.to_thread(self._written, numbers, self.connections())

    def _numbers(self) -> Numbers:
        numbers: Numbers = {family.name: {} for family in FAMILIES}
        for labels, route in self._routes.items():
            route.add_to(numbers, labels)
        for name, counts in self._counts.items():
            numbers[name] = {labels: [*count] for labels, count in counts.items()}
        numbers[COMMIT_SECONDS.name][""] = self._commit_seconds.numbers()
        numbers[COMMIT_BATCHES.name][""] = self._commit_batches.numbers()
        numbers[LOOP_LAG.name][""] = self._loop_lag.numbers()
        _add(numbers, self._before)
        return numbers

    def _written(self, numbers: Numbers, connections: int) -> bytes:
        workers = 1
        for others, theirs in self._board.others() if self._board else ():
            _add(numbers, others)
            if theirs is not None:
                workers, connections = workers + 1, connections + theirs
        return generate_latest(_Told(numbers, workers, connections))


def _add(numbers: Numbers, more: Mapping[str, Mapping[str, Sequence[float]]]) -> None:
    for name, rows in more.items():
        known = numbers[name]
        for labels, values in rows.items():
            sums = known.get(labels)
            known[labels] = (
                [*values] if sums is None else [a + b for a, b in zip(sums, values, strict=True)]
            )


class _Told(Collector):
    """The numbers in the library's words."""

    def __init__(self, numbers: Numbers, workers: int, connections: int) -> None:
        self._numbers = numbers
        self._workers = workers
        self._connections = connections

    def collect(self) -> Iterator[Metric]:
        """Every family."""
        for family in FAMILIES:
            rows = sorted(self._numbers[family.name].items())
            yield _histogram(family, rows) if family.bounds else _counter(family, rows)
        workers = "Server processes that answer together."
        yield GaugeMetricFamily("crossbar_workers", workers, value=self._workers)
        connections = "Connections that are open."
        yield GaugeMetricFamily("crossbar_connections", connections, value=self._connections)


Rows = Sequence[tuple[str, Sequence[float]]]


def _counter(family: Family, rows: Rows) -> Metric:
    told = CounterMetricFamily(family.name, family.about, labels=family.labels)
    for labels, (count,) in rows:
        told.add_metric(labels.split("\n"), count)
    return told


def _histogram(family: Family, rows: Rows) -> Metric:
    told = HistogramMetricFamily(family.name, family.about, labels=family.labels)
    for labels, (total, *counts) in rows:
        bounds = [*map(str, family.bounds), "+Inf"]
        below = [sum(counts[: place + 1]) for place in range(len(counts))]
        values = labels.split("\n") if family.labels else []
        told.add_metric(values, list(zip(bounds, below, strict=True)), total)
    return told
