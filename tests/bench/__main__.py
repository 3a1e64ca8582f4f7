"""``make bench``: the gateway against a bare aiohttp handler that answers the same bytes.

Both are loaded in turn, several times, from this process. Prints a table and writes it as JSON.
With ``loop``: how long small requests wait while heavy ones are served. With ``numbers``: lists
and searches among a hundred thousand telephone numbers. With ``rating``: what a million rates
cost. With ``records``: what a million call records cost. With ``webhooks``: how soon reports are
sent, and that kills lose none.
Ratios say more than rates: both sides share the machine and its mood.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import uvloop

from crossbar.app import Gateway, open_gateway
from crossbar.bootstrap import create_master
from crossbar.families.endpoints.users import full_name
from crossbar.identity.passwords import login_digests
from crossbar.settings import Settings
from crossbar.storage import Batch, Entry, Key, Put, Store
from tests.bench import loop as waiting
from tests.bench import numbers, rating, records, webhooks
from tests.bench.load import Load, Request, load, raw
from tests.bench.servers import free_port, resident_megabytes, running

MANY = 100_000
FEW = 100
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
    def url(self) -> str:
        return f"sqlite:///{self.folder / 'bench.db'}"


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
            entries = (Entry("username", document["username"]),)
            key = Key(account_id, "user", document["_id"])
            puts.append(Put(key, document, None, sort=full_name(document), entries=entries))
        await store.commit(Batch(puts=puts))


@dataclass
class Bench:
    """The runs and what they found."""

    site: Site
    seconds: float
    rounds: int
    rows: list[Row] = field(default_factory=list)
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

    async def compare(self, name: str, request: Request, gateway: int, target: float) -> float:
        """The gateway's rate as a share of the bare handler's, the median of several rounds.

        The target is meant against aiohttp as it comes; the share of the same on uvloop stands
        beside it.
        """
        example = (await load("127.0.0.1", gateway, request, clients=1, seconds=0.2)).example
        recorded = self.site.folder / "answer.http"
        recorded.write_bytes(example)
        ours: list[Load] = []
        theirs: dict[str, list[Load]] = {"asyncio": [], "uvloop": []}
        for _ in range(self.rounds):
            for loop, runs in theirs.items():
                bare, log = free_port(), self.site.folder / "bare.log"
                arguments = (loop, str(bare), str(recorded))
                with running("tests.bench.bare", *arguments, port=bare, log=log):
                    runs.append(await self.load(bare, request))
            ours.append(await self.load(gateway, request))
        rate, bare_rate = _median(ours), _median(theirs["asyncio"])
        ratio = rate / bare_rate
        detail = {
            "gateway_per_s": round(rate),
            "bare_per_s": round(bare_rate),
            "bare_uvloop_per_s": round(_median(theirs["uvloop"])),
            "x_bare_uvloop": round(rate / _median(theirs["uvloop"]), 3),
            "p50_ms": round(statistics.median(run.p50 for run in ours), 2),
            "p99_ms": round(statistics.median(run.p99 for run in ours), 2),
            "bytes": len(example),
        }
        self.add(name, ratio, "x bare", f">= {target}", ratio >= target, **detail)
        return rate

    def add(
        self, name: str, value: float, unit: str, target: str, good: bool, **detail: Any
    ) -> None:
        self.rows.append(Row(name, round(value, 3), unit, target, good, detail))
        print(f"  {name}: {value:.3f} {unit} (target {target})", flush=True)


def _median(runs: list[Load]) -> float:
    return statistics.median(run.per_second for run in runs)


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
        reads = await bench.compare("GET user", lambda _: one, port, 0.6)
        await measure_lists(bench, port)
        await measure_writes(bench, port, users)
        await measure_login(bench, port)
        memory = resident_megabytes(process.pid)
        bench.add("memory after all this", memory, "MB", "< 150", memory < 150)
    return reads


async def measure_lists(bench: Bench, port: int) -> None:
    """Lists of 50 rows, in an account with few and in one with many documents."""
    site = bench.site
    paths = [f"/v2/accounts/{account}/users" for account in (site.small_id, site.account_id)]
    requests = [raw("GET", path, token=site.token) for path in paths]
    many = await bench.compare("list of 50 among 100,000", lambda _: requests[1], port, 0.12)
    either = bench.rows[-1].good or many >= 800
    bench.rows[-1] = replace(bench.rows[-1], target=">= 0.12 or 800/s", good=either)
    few = [(await bench.load(port, lambda _: requests[0])).per_second for _ in range(bench.rounds)]
    again = [
        (await bench.load(port, lambda _: requests[1])).per_second for _ in range(bench.rounds)
    ]
    cost = statistics.median(few) / statistics.median(again)
    bench.add("list cost, 100,000 against 100", cost, "x", "<= 1.15", cost <= 1.15)


async def measure_writes(bench: Bench, port: int, users: str) -> None:
    """Durable creates and merges from 32 clients."""
    token = bench.site.token

    def create(number: int) -> bytes:
        data = {**USER, "last_name": f"New{number}"}
        return raw("PUT", users, json.dumps({"data": data}).encode(), token=token)

    def merge(number: int) -> bytes:
        path = f"{users}/{number % MANY:032x}"
        body = json.dumps({"data": {"timezone": f"Europe/{number}"}}).encode()
        return raw("PATCH", path, body, token=token)

    await bench.compare("PUT user, durable", create, port, 0.3)
    await bench.compare("PATCH user, durable", merge, port, 0.3)


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


def report(bench: Bench, file: Path) -> bool:
    """Print the table, write it, and say whether every target is met."""
    width = max(len(row.name) for row in bench.rows)
    print(f"\n{'measure':{width}}  {'value':>10}  {'unit':8} {'target':16} ok")
    for row in bench.rows:
        mark = "yes" if row.good else "NO"
        print(
            f"{row.name:{width}}  {row.value:>10}  {row.unit:8} {row.target:16} {mark}  ", end=""
        )
        print(" ".join(f"{name}={value}" for name, value in row.detail.items()))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps([vars(row) for row in bench.rows], indent=2) + "\n")
    print(f"\nwritten to {file}")
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
    choices = ["speed", "loop", "numbers", "rating", "records", "webhooks"]
    parser.add_argument("what", nargs="?", choices=choices, default="speed")
    parser.add_argument("--rates", type=int, default=rating.RATES, help="rates of the deck")
    parser.add_argument("--records", type=int, default=records.RECORDS, help="call records")
    parser.add_argument("--kills", type=int, default=1000, help="kills of the server")
    parser.add_argument("--json", type=Path, default=Path("build/bench.json"))
    options = parser.parse_args()
    if options.what == "loop":
        return 0 if waiting.run(options.json.with_name("loop.json")) else 1
    if options.what == "numbers":
        return 0 if numbers.run(options.json.with_name("numbers.json")) else 1
    if options.what == "rating":
        return 0 if rating.run(options.json.with_name("rating.json"), options.rates) else 1
    if options.what == "records":
        return 0 if records.run(options.json.with_name("records.json"), options.records) else 1
    if options.what == "webhooks":
        return 0 if webhooks.run(options.json.with_name("webhooks.json"), options.kills) else 1
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return 0 if runner.run(run(options)) else 1


if __name__ == "__main__":
    sys.exit(main())
