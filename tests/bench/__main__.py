"""``make bench``: the gateway against a bare aiohttp handler that answers the same bytes.

Both are loaded in turn, several times, from this process. Prints a table and writes it as JSON.
With ``loop``: how long small requests wait while heavy ones are served. With ``lists``: lists of
an account with a million documents. With ``numbers``: lists
and searches among a hundred thousand telephone numbers. With ``rating``: what a million rates
cost. With ``records``: what a million call records cost. With ``tasks``: what a task of a hundred
thousand rows costs. With ``webhooks``: how soon reports are sent, and that kills lose none. With
``calls``: many calls through the switch. With ``feed``: what it costs to tell many clients what
happens. With ``scale``: whether requests cost the same with ten times as many accounts, and with a
million documents.
Ratios say more than rates: both sides share the machine and its mood.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import random
import re
import statistics
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvloop

from crossbar.app import Gateway, open_gateway
from crossbar.bootstrap import create_master
from crossbar.core.change import put_of
from crossbar.families.endpoints.users import USERS
from crossbar.identity.passwords import login_digests
from crossbar.settings import Settings
from crossbar.storage import Batch, Entry, Key, Put, Store
from tests.bench import (
    against,
    calls,
    feed,
    lists,
    numbers,
    rating,
    records,
    scale,
    tasks,
    webhooks,
)
from tests.bench import loop as waiting
from tests.bench.against import revision_of
from tests.bench.load import Load, Request, load, raw
from tests.bench.servers import (
    ROOT,
    processor_seconds,
    resident_megabytes,
    running,
)
from tests.ports import free_port

MANY = 100_000
FEW = 100
PATCHED = 1000
LOGINS_AMONG = 10_000
CLIENTS = 32


@dataclass(frozen=True)
class Row:
    """One line of the table: a measure, what it must reach, and whether it does."""

    name: str
    value: float
    unit: str
    target: str
    good: bool
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass
class Site:
    """A seeded store and who may read it."""

    folder: Path
    account_id: str = ""
    small_id: str = ""
    user_id: str = ""
    token: str = ""
    verification_ms: float = 0.0

    @property
    def database(self) -> Path:
        return self.folder / "bench.db"

    @property
    def url(self) -> str:
        return f"sqlite:///{self.database}"


async def seed(site: Site) -> None:
    """A master account with many users, a second account with few."""
    settings = Settings.load(None, {}, {"storage.url": site.url})
    async with open_gateway(settings) as gateway:
        master = await create_master(gateway.services, password=PASSWORD)
        site.account_id, site.user_id = master.account_id, master.user_id
        account = await gateway.services.accounts.get(master.account_id)
        assert account is not None
        site.token = await gateway.identity.issue_token(account, user=None, method="cb_api_auth")
        store = gateway.services.store
        template, _ = gateway.services.schemas.apply("users", USER)
        site.small_id = "f" * 32
        small = {
            **account.document,
            "_id": site.small_id,
            "name": "Small",
            "realm": "small.example",
        }
        small["pvt_tree"] = [site.account_id]
        await store.commit(
            Batch(puts=(Put(Key("system", "account", site.small_id), small, None),))
        )
        await seed_crowd(site, gateway, account.document, template)
        await fill(store, site.small_id, template, FEW)
        await fill(store, site.account_id, template, MANY)


async def seed_crowd(
    site: Site, gateway: Gateway, account: dict[str, Any], template: dict[str, Any]
) -> None:
    """An account of 10,000 users who can log in, and one more, whose password is known."""
    crowd_id, store, identity = "e" * 32, gateway.services.store, gateway.identity
    crowd = {**account, "_id": crowd_id, "name": "Crowd", "pvt_tree": [site.account_id]}
    entries = (Entry("name", "crowd"),)
    await store.commit(
        Batch(puts=(Put(Key("system", "account", crowd_id), crowd, None, entries=entries),))
    )
    started = time.perf_counter()
    hashed = await identity.passwords.hash("somebody else's")
    site.verification_ms = (time.perf_counter() - started) * 1000
    secrets = await identity.user_secrets(crowd_id, "ann", PASSWORD)
    known = {**template, **secrets, "_id": "d" * 32, "_rev": "1-0", "username": "ann"}
    puts = [_with_marks(crowd_id, known)]
    for number in range(LOGINS_AMONG):
        other = {**template, "_id": f"{number:032x}", "_rev": "1-0", "pvt_md5_auth": hashed}
        other["pvt_login_marks"] = [f"md5:{random.getrandbits(12):03x}"]
        puts.append(_with_marks(crowd_id, other))
    await store.commit(Batch(puts=puts))


def _with_marks(account_id: str, user: dict[str, Any]) -> Put:
    marks = tuple(Entry("login", mark) for mark in user["pvt_login_marks"])
    return Put(Key(account_id, "user", user["_id"]), user, None, entries=marks)


PASSWORD = "bench-password"

USER = {
    "first_name": "Ann",
    "last_name": "Lee",
    "email": "ann@example.com",
    "timezone": "Europe/Berlin",
    "caller_id": {"internal": {"name": "Ann Lee", "number": "1001"}},
    "call_forward": {"enabled": False, "number": "+14155550100"},
    "flags": ["one", "two"],
}


async def fill(store: Store, account_id: str, template: dict[str, Any], count: int) -> None:
    """Put users straight into the store, in large batches."""
    for start in range(0, count, 1000):
        puts = []
        for number in range(start, min(start + 1000, count)):
            document = dict(template)
            document |= {
                "_id": f"{number:032x}",
                "_rev": "1-" + "0" * 32,
                "username": f"user{number}",
                "last_name": f"Lee{number:06}",
                "pvt_type": "user",
                "pvt_account_id": account_id,
                "pvt_created": 63_000_000_000,
                "pvt_modified": 63_000_000_000,
            }
            key = Key(account_id, "user", document["_id"])
            puts.append(put_of(USERS, key, document, None))
        await store.commit(Batch(puts=puts))


@dataclass
class Bench:
    """The runs and what they found. ``noise`` is how far runs of the same thing were apart."""

    site: Site
    seconds: float
    rounds: int
    rows: list[Row] = field(default_factory=list)
    noise: list[float] = field(default_factory=list)
    first: int = 0

    async def load(self, port: int, request: Request, clients: int = CLIENTS) -> Load:
        """One run; refused requests make it worthless."""
        self.first += 1_000_000
        result = await load(
            "127.0.0.1", port, request, clients=clients, seconds=self.seconds, first=self.first
        )
        if result.failures:
            raise RuntimeError(f"{result.failures} failures: {result.example[:600]!r}")
        return result

    async def run(self, served: Served, request: Request) -> Run:
        """One run, with what it took of the server's processor."""
        before = processor_seconds(served.process_id)
        result = await self.load(served.port, request)
        spent = processor_seconds(served.process_id) - before
        return Run(result, spent / result.requests * 1e6)

    async def compare(self, name: str, request: Request, gateway: Served, target: float) -> float:
        """The bare handler's processor time a request as a share of the gateway's.

        Both run on the same event loop, in turn; the medians of several rounds are compared.
        Processor time is what neighbours on the machine disturb least. Rates stand beside it, also
        those of aiohttp on the event loop that it has by itself, and what the store alone would
        take (:mod:`tests.bench.floor`). Returns the gateway's rate.
        """
        example = (await load("127.0.0.1", gateway.port, request, clients=1, seconds=0.2)).example
        recorded = self.site.folder / "answer.http"
        recorded.write_bytes(example)
        ours: list[Run] = []
        theirs: dict[str, list[Run]] = {"asyncio": [], "uvloop": [], "floor": []}
        for _ in range(self.rounds):
            for other, runs in theirs.items():
                port, log = free_port(), self.site.folder / "other.log"
                module, *arguments = "tests.bench.bare", other, str(port), str(recorded)
                if other == "floor":
                    module, *arguments = "tests.bench.floor", str(port), str(self.site.database)
                with running(module, *arguments, port=port, log=log) as process:
                    runs.append(await self.run(Served(port, process.pid), request))
            ours.append(await self.run(gateway, request))
        for runs in (ours, *theirs.values()):
            self.noise.append(spread([run.microseconds for run in runs]))
        rate, cost = _rate(ours), _cost(ours)
        detail = {
            "us": round(cost),
            "bare_us": round(_cost(theirs["uvloop"])),
            "floor_us": round(_cost(theirs["floor"])),
            "per_s": round(rate),
            "bare_per_s": round(_rate(theirs["uvloop"])),
            "bare_asyncio_per_s": round(_rate(theirs["asyncio"])),
            "p50_ms": round(statistics.median(run.load.p50 for run in ours), 2),
            "p99_ms": round(statistics.median(run.load.p99 for run in ours), 2),
            "bytes": len(example),
        }
        ratio = _cost(theirs["uvloop"]) / cost
        self.add(name, ratio, "x bare", f">= {target}", ratio >= target, **detail)
        return rate

    def add(
        self, name: str, value: float, unit: str, target: str, good: bool, **detail: Any
    ) -> None:
        self.rows.append(Row(name, round(value, 3), unit, target, good, detail))
        print(f"  {name}: {value:.3f} {unit} (target {target})", flush=True)


@dataclass(frozen=True)
class Served:
    """Where a server listens, and its process."""

    port: int
    process_id: int


@dataclass(frozen=True)
class Run:
    """What a run measured, and the server's processor time a request, in microseconds."""

    load: Load
    microseconds: float


def _rate(runs: list[Run]) -> float:
    return statistics.median(run.load.per_second for run in runs)


def _cost(runs: list[Run]) -> float:
    return statistics.median(run.microseconds for run in runs)


def spread(values: list[float]) -> float:
    """How far values are apart, as a share of the middle one."""
    return (max(values) - min(values)) / statistics.median(values)


async def measure_one_worker(bench: Bench) -> float:
    """Everything that one server process is asked; its rate of reads."""
    site, port = bench.site, free_port()
    users = f"/v2/accounts/{site.account_id}/users"
    log = site.folder / "gateway.log"
    arguments = ("serve", "--storage", site.url, "--port", str(port))
    started = time.perf_counter()
    with running("crossbar", *arguments, port=port, log=log) as process:
        await load("127.0.0.1", port, lambda _: raw("GET", "/"), clients=1, seconds=0.01)
        first = time.perf_counter() - started
        bench.add("start to first answer", first, "s", "< 2", first < 2)
        idle = resident_megabytes(process.pid)
        bench.add("idle memory", idle, "MB", "< 100", idle < 100)
        one = raw("GET", f"{users}/{site.user_id}", token=site.token)
        served = Served(port, process.pid)
        reads = await bench.compare("GET user", lambda _: one, served, 0.8)
        await measure_lists(bench, served)
        await measure_writes(bench, served, users)
        await measure_login(bench, port)
        memory = resident_megabytes(process.pid)
        bench.add("memory after all this", memory, "MB", "< 150", memory < 150)
    return reads


async def measure_lists(bench: Bench, served: Served) -> None:
    """Lists of 50 rows, in an account with few and in one with many documents."""
    site, port = bench.site, served.port
    paths = [f"/v2/accounts/{account}/users" for account in (site.small_id, site.account_id)]
    requests = [raw("GET", path, token=site.token) for path in paths]

    def any_page(number: int) -> bytes:
        """One of so many that none is remembered."""
        key = f"lee{number * 977 % MANY:06}%20ann"
        return raw("GET", f"{paths[1]}?start_key={key}", token=site.token)

    await bench.compare("list of 50 among 100,000", any_page, served, 0.35)
    await bench.compare("the same page again", lambda _: requests[1], served, 0.45)
    few = [(await bench.load(port, lambda _: requests[0])).per_second for _ in range(bench.rounds)]
    again = [
        (await bench.load(port, lambda _: requests[1])).per_second for _ in range(bench.rounds)
    ]
    cost = statistics.median(few) / statistics.median(again)
    bench.add("list cost, 100,000 against 100", cost, "x", "<= 1.15", cost <= 1.15)


async def measure_writes(bench: Bench, served: Served, users: str) -> None:
    """Durable creates and merges from 32 clients."""
    token, port = bench.site.token, served.port

    def create(number: int) -> bytes:
        data = {**USER, "last_name": f"New{number}"}
        return raw("PUT", users, json.dumps({"data": data}).encode(), token=token)

    def merge(number: int) -> bytes:
        path = f"{users}/{number % PATCHED:032x}"
        body = json.dumps({"data": {"timezone": f"Europe/{number}"}}).encode()
        return raw("PATCH", path, body, token=token)

    flushes = flushes_a_second(bench.site.folder, bench.seconds)
    before = await commits_of(port)
    puts = await bench.compare("PUT user, durable", create, served, 0.28)
    transactions, writes = (
        after - then for after, then in zip(await commits_of(port), before, strict=True)
    )
    # One writer alone would be acknowledged as often as the disk flushes.
    bench.add(
        "32 writers, of what the disk can flush",
        puts / flushes,
        "x flushes",
        ">= 0.8",
        puts >= 0.8 * flushes,
        flushes_per_s=round(flushes),
        writes_per_s=round(puts),
        writes_a_transaction=round(writes / transactions, 1),
    )
    await bench.compare("PATCH of a thousand users in turn, durable", merge, served, 0.25)


def flushes_a_second(folder: Path, seconds: float) -> float:
    """How often a second a page that was appended to a file can be flushed, one at a time."""
    number, page = 0, b"x" * 4096
    with (folder / "flushed").open("wb", buffering=0) as file:
        began = time.perf_counter()
        while time.perf_counter() < began + seconds:
            file.write(page)
            os.fdatasync(file.fileno())
            number += 1
    return number / seconds


_COMMITS = re.compile(rb"^crossbar_store_commit_batches_(count|sum) ([0-9.e+]+)", re.MULTILINE)


async def commits_of(port: int) -> tuple[float, float]:
    """Transactions of the server so far, and what was written in them."""
    asked = raw("GET", "/metrics").replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(asked)
    found = dict(_COMMITS.findall(await reader.read()))
    writer.close()
    return float(found[b"count"]), float(found[b"sum"])


async def measure_login(bench: Bench, port: int) -> None:
    """What a login costs among 10,000 users: some verifications, not thousands."""
    site = bench.site
    digest = login_digests("ann", PASSWORD).md5
    body = json.dumps({"data": {"credentials": digest, "account_name": "crowd"}}).encode()
    request = raw("PUT", "/v2/user_auth", body)
    result = await bench.load(port, lambda _: request, clients=1)
    verifications = result.p50 / site.verification_ms
    bench.add(
        "verifications for a login among 10,000",
        verifications,
        "",
        "<= 12",
        verifications <= 12,
        p50_ms=round(result.p50, 1),
        one_ms=round(site.verification_ms, 1),
    )


async def measure_two_workers(bench: Bench) -> None:
    """Reads from two processes against one, in turn."""
    site = bench.site
    one = raw("GET", f"/v2/accounts/{site.account_id}/users/{site.user_id}", token=site.token)
    rates: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(bench.rounds):
        for workers, found in rates.items():
            port = free_port()
            arguments = (
                "serve",
                "--storage",
                site.url,
                "--port",
                str(port),
                "--workers",
                str(workers),
            )
            log = site.folder / f"workers{workers}.log"
            with running("crossbar", *arguments, port=port, log=log):
                await bench.load(port, lambda _: one, clients=64)
                found.append((await bench.load(port, lambda _: one, clients=64)).per_second)
    single, double = (statistics.median(found) for found in rates.values())
    detail = {"one_per_s": round(single), "two_per_s": round(double)}
    bench.add(
        "two workers, reads", double / single, "x one", ">= 1.6", double / single >= 1.6, **detail
    )


def machine() -> dict[str, Any]:
    """What the figures depend on: the Python that runs, and how it was built."""
    flags = f"{sysconfig.get_config_var('CONFIG_ARGS')}"
    return {
        "python": platform.python_version(),
        "optimised": "--enable-optimizations" in flags,
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
    }


def report(bench: Bench, file: Path) -> bool:
    """Print the table, write it, and say whether every target is met.

    Beside it a line is added to a history, which people and ``--against`` read.
    """
    width = max(len(row.name) for row in bench.rows)
    print(f"\n{'measure':{width}}  {'value':>10}  {'unit':8} {'target':16} ok")
    for row in bench.rows:
        mark = "yes" if row.good else "NO"
        print(
            f"{row.name:{width}}  {row.value:>10}  {row.unit:8} {row.target:16} {mark}  ", end=""
        )
        print(" ".join(f"{name}={value}" for name, value in row.detail.items()))
    about = {**machine(), "noise": round(statistics.median(bench.noise), 2)}
    print("\n" + ", ".join(f"{name}: {value}" for name, value in about.items()))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps([vars(row) for row in bench.rows], indent=2) + "\n")
    values = {row.name: row.value for row in bench.rows}
    with file.with_name("bench-history.jsonl").open("a") as history:
        history.write(
            json.dumps({"revision": revision_of(ROOT), **about, "values": values}) + "\n"
        )
    print(f"written to {file}")
    return all(row.good for row in bench.rows)


async def run(options: argparse.Namespace) -> bool:
    """The whole benchmark."""
    with tempfile.TemporaryDirectory(prefix="crossbar-bench-") as folder:
        site = Site(Path(folder))
        print(f"seeding {MANY:,} documents …", flush=True)
        await seed(site)
        bench = Bench(site, options.seconds, options.rounds)
        await measure_one_worker(bench)
        await measure_two_workers(bench)
        return report(bench, options.json)


def main() -> int:
    """Run it; exit status 1 when a target is missed."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="length of one run")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each side")
    choices = [
        "speed",
        "loop",
        "lists",
        "numbers",
        "rating",
        "records",
        "tasks",
        "webhooks",
        "feed",
        "calls",
        "scale",
    ]
    parser.add_argument("what", nargs="?", choices=choices, default="speed")
    parser.add_argument("--rates", type=int, default=rating.RATES, help="rates of the deck")
    parser.add_argument(
        "--documents",
        type=int,
        default=lists.DOCUMENTS,
        help="users in lists, and in one account of scale",
    )
    parser.add_argument("--accounts", type=int, default=scale.ACCOUNTS, help="of scale")
    parser.add_argument("--records", type=int, default=records.RECORDS, help="call records")
    parser.add_argument("--calls", type=int, default=2000, help="calls that memory is watched in")
    parser.add_argument("--kills", type=int, default=1000, help="kills of the server")
    parser.add_argument("--minutes", type=float, default=40, help="after which no more are killed")
    parser.add_argument("--json", type=Path, default=Path("build/bench.json"))
    parser.add_argument("--against", metavar="REV", help="measure that revision too, in turn")
    options = parser.parse_args()
    if options.against:
        return 0 if against.run(options.against, options.rounds, options.seconds) else 1
    return 0 if measured(options) else 1


def measured(options: argparse.Namespace) -> bool:
    """Measure what was asked for; whether every target is met."""
    file = options.json.with_name(f"{options.what}.json")
    programs: dict[str, Callable[[], bool]] = {
        "loop": lambda: waiting.run(file),
        "lists": lambda: lists.run(file, options.documents),
        "numbers": lambda: numbers.run(file),
        "rating": lambda: rating.run(file, options.rates),
        "tasks": lambda: tasks.run(file),
        "records": lambda: records.run(file, options.records),
        "webhooks": lambda: webhooks.run(file, options.kills, options.minutes),
        "feed": lambda: feed.run(file),
        "calls": lambda: calls.run(file, options.calls),
        "scale": lambda: scale.run(file, options.accounts, options.documents, options.rounds),
    }
    if program := programs.get(options.what):
        return program()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run(options))


if __name__ == "__main__":
    sys.exit(main())
