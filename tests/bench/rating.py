"""``make bench ARGS=rating``: what a million rates cost: to import, to keep, to find one's own.

All in this process, on a store of its own. While the table is imported another task wakes up
every few milliseconds and notes how long it was kept waiting.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import random
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from crossbar.app import open_gateway
from crossbar.bootstrap import create_master
from crossbar.core.requests import Action, Actor, request_to
from crossbar.core.services import Services
from crossbar.errors import NotFound
from crossbar.families.carriers import Asked, import_rates, rate_number
from crossbar.server import run_loop
from crossbar.settings import Settings

RATES = 1_000_000
ASKED = 5_000
"""Numbers that are rated."""

EVERY = 0.005
"""Seconds between two looks whether the event loop is free."""

COUNTRIES = ("1415", "33", "380", "44", "49", "55", "61", "81", "86", "91")

DECK = "bench"
CHUNK = 2_000
"""Lines that the table is read by at a time."""


@dataclass
class Found:
    """What was measured: name, value, unit, and whether it is as it should be."""

    rows: list[tuple[str, float, str, str, bool]] = field(default_factory=list)

    def add(self, name: str, value: float, unit: str, target: str, good: bool) -> None:
        value = round(value, 1)
        self.rows.append((name, value, unit, target, good))
        mark = "yes" if good else "NO"
        print(f"{name:36} {value:>12,.1f}  {unit:6} {target:12} {mark}", flush=True)

    def keep(self, file: Path) -> bool:
        """Write it as JSON; whether everything is as it should be."""
        file.parent.mkdir(parents=True, exist_ok=True)
        names = ("name", "value", "unit", "target", "good")
        rows = [dict(zip(names, row, strict=True)) for row in self.rows]
        file.write_text(json.dumps(rows, indent=2) + "\n")
        return all(row["good"] for row in rows)


def prefixes(many: int) -> Iterator[str]:
    """So many different prefixes of 4 to 9 digits, as a large deck has them."""
    rng, seen = random.Random(1), set[int]()
    while len(seen) < many:
        prefix = rng.randint(1_000, 10 ** rng.randint(4, 9) - 1)
        if prefix not in seen:
            seen.add(prefix)
            yield str(prefix)


async def table(many: int) -> AsyncIterator[bytes]:
    """A table of rates, a part at a time."""
    rng = random.Random(2)
    yield b"prefix,rate_cost,iso_country_code,description,rate_increment,rate_minimum\n"
    lines: list[str] = []
    for prefix in prefixes(many):
        lines.append(f"{prefix},0.{rng.randint(1, 99999):05},US,Somewhere far away,6,30\n")
        if len(lines) == CHUNK:
            yield "".join(lines).encode()
            lines = []
    yield "".join(lines).encode()


def memory() -> float:
    """Megabytes that are this process's own, without what files are mapped."""
    status = Path("/proc/self/status").read_text()
    [line] = (line for line in status.splitlines() if line.startswith("RssAnon"))
    return int(line.split()[1]) / 1024


class Watch:
    """How long the event loop has kept others waiting, in milliseconds, one for each look.

    ``worked`` is what of that time it had the processor, which other programs want too.
    """

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.worked: list[float] = []

    async def look(self) -> None:
        while True:
            due, busy = time.perf_counter() + EVERY, time.thread_time()
            await asyncio.sleep(EVERY)
            self.waits.append((time.perf_counter() - due) * 1000)
            self.worked.append((time.thread_time() - busy) * 1000)


async def measure_import(services: Services, found: Found, many: int) -> None:
    """How fast a table is taken in, what memory it takes, whom it holds up."""
    # What was drawn before is known, and would be counted as memory of the import.
    content = [chunk async for chunk in table(many)]

    async def chunks() -> AsyncIterator[bytes]:
        for chunk in content:
            yield chunk

    gc.collect()
    gc.freeze()  # as servers do when they begin
    watch, before = Watch(), memory()
    looking = asyncio.create_task(watch.look())
    began = time.perf_counter()
    done = await import_rates(Actor(services=services, request_id="bench"), chunks(), DECK)
    seconds = time.perf_counter() - began
    looking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await looking
    grown, waits, worked = memory() - before, sorted(watch.waits), sorted(watch.worked)
    if done.rates != many:
        raise RuntimeError(f"{done.rates} of {many} rates were imported: {done.faults[:3]}")
    found.add("import", many / seconds, "/s", ">= 2,000", many / seconds >= 2_000)
    found.add("memory that the import took", grown, "MB", "< 50", grown < 50)
    found.add("others waited, median", statistics.median(waits), "ms", "< 20", True)
    found.add("others waited, at most", waits[-1], "ms", "", True)
    found.add("the loop worked, 99.9 of 100", worked[int(len(worked) * 0.999)], "ms", "", True)
    found.add("the loop worked, at most", worked[-1], "ms", "< 50", worked[-1] < 50)


async def measure_rating(services: Services, found: Found) -> None:
    """How long it takes to find the rate of a number."""
    rng, rated, before = random.Random(3), 0, memory()
    taken, worked = list[float](), list[float]()
    for _ in range(ASKED):
        number = f"+{rng.choice(COUNTRIES)}{rng.randint(10**8, 10**9 - 1)}"
        began, busy = time.perf_counter(), time.process_time()
        try:
            await rate_number(services, Asked(number=number, deck=DECK))
            rated += 1
        except NotFound:
            pass
        worked.append((time.process_time() - busy) * 1_000_000)
        taken.append((time.perf_counter() - began) * 1_000_000)
    middle, late = statistics.median(taken), sorted(worked)[int(ASKED * 0.99)]
    found.add("rating, median", middle, "us", "< 500", middle < 500)
    # Of the processor's time: what else a machine does is no news of the rates.
    found.add("rating, 99 of 100, processor", late, "us", "< 2,000", late < 2_000)
    found.add("numbers that had a rate", 100 * rated / ASKED, "%", "", True)
    grown = memory() - before
    found.add("memory that rating took", grown, "MB", "< 50", grown < 50)


async def measure_lists(services: Services, found: Found) -> None:
    """How long a page of the list takes, and the candidates of a number."""
    actor = Actor(services=services, request_id="bench")
    all_rows = request_to(actor, Action.LIST, "rates", data={"ratedeck_id": DECK})
    paged = replace(all_rows, query=replace(all_rows.query, paginate=True))
    wanted = request_to(
        actor, Action.LIST, "rates", data={"ratedeck_id": DECK, "prefix": "491234567"}
    )
    for name, request in (("list of 50", paged), ("candidates by prefix", wanted)):
        taken = []
        for _ in range(200):
            began = time.perf_counter()
            await request.operation.handler(request)
            taken.append((time.perf_counter() - began) * 1000)
        middle = statistics.median(taken)
        found.add(name, middle, "ms", "< 10", middle < 10)


async def measure(folder: Path, many: int) -> Found:
    """Everything, one after the other."""
    overrides: dict[str, Any] = {
        "storage.url": f"sqlite:///{folder / 'rating.db'}",
        "log.level": "error",
    }
    found = Found()
    async with open_gateway(Settings.load(None, {}, overrides)) as gateway:
        await create_master(gateway.services, password="bench-password")
        await measure_import(gateway.services, found, many)
        await measure_rating(gateway.services, found)
        await measure_lists(gateway.services, found)
    size = (folder / "rating.db").stat().st_size / 1e6
    found.add("size of the store", size, "MB", "", True)
    return found


def run(file: Path, many: int = RATES) -> bool:
    """Measure, print and write it; whether everything is as it should be."""
    print(f"{many:,} rates")
    with tempfile.TemporaryDirectory(prefix="crossbar-bench-") as folder:
        found: Found = run_loop(measure(Path(folder), many))
    return found.keep(file)
