"""``make bench ARGS=numbers``: a hundred thousand telephone numbers to be had, as many in use.

The inventory is filled by the command, from a file. Then one client asks a server again and again
for the same; what is told is how long it waits.
"""

from __future__ import annotations

import http.client
import json
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crossbar.app import open_gateway
from crossbar.core.change import put_of
from crossbar.families.numbers import NUMBERS, import_numbers, numbers_of
from crossbar.server import run_loop
from crossbar.settings import Settings
from crossbar.storage import SYSTEM, Batch, Key
from tests.bench.servers import resident_megabytes, running
from tests.bench.sites import master_of
from tests.ports import free_port

MANY = 100_000
GROUP = 1000
FIRST_OFFERED, FIRST_OWN = 14150000000, 12120000000
ROUNDS = 200


@dataclass(frozen=True)
class Case:
    """A path below the account's numbers, how often it is asked for, and what it may take."""

    name: str
    query: str
    target_ms: float
    rounds: int = ROUNDS


CASES = (
    Case("search of 15 by 3 digits", "?prefix=415&quantity=15", 5),
    Case("search of 15 by 7 digits", "?prefix=4150050&quantity=15", 5),
    Case("search of 500", "?prefix=415&quantity=500", 50),
    Case("search of 15 after 10,000", "?prefix=415&quantity=15&offset=10000", 250, 20),
    Case("list page of 50", "", 10),
    Case("list page of 50 in the middle", "?start_key=%2B12120050000", 10),
    Case("list of one state, all pages", '?filter_state=["reserved"]&paginate=false', 5000, 3),
    Case("one number", "/%2B12120050000", 5),
)


@dataclass
class Site:
    """A store with numbers, and who may read them."""

    folder: Path
    account_id: str = ""
    token: str = ""
    imported: float = 0.0

    @property
    def url(self) -> str:
        return f"sqlite:///{self.folder / 'numbers.db'}"


async def seed(site: Site) -> None:
    """A master account that has many numbers, and an inventory that has as many."""
    settings = Settings.load(None, {}, {"storage.url": site.url})
    async with open_gateway(settings) as gateway:
        account, site.token = await master_of(gateway)
        site.account_id = account.account_id
        last = FIRST_OFFERED + MANY - 1
        began = time.perf_counter()
        lines = ["number,last", f"+{FIRST_OFFERED},+{last}"]
        done = await import_numbers(gateway.services, numbers_of(lines))
        site.imported = done.added / (time.perf_counter() - began)
        for start in range(0, MANY, GROUP):
            puts = [own(site, FIRST_OWN + start + at) for at in range(GROUP)]
            await gateway.services.store.commit(Batch(puts=puts))


def own(site: Site, digits: int) -> Any:
    """A number that the account has in use."""
    number = f"+{digits}"
    document = {
        "_id": number,
        "_rev": "1-0",
        "pvt_type": NUMBERS.doc_type,
        "pvt_state": "in_service",
        "pvt_assigned_to": site.account_id,
        "pvt_module_name": "knm_local",
        "pvt_class": "did_us",
        "pvt_created": 63_900_000_000,
        "pvt_modified": 63_900_000_000,
    }
    return put_of(NUMBERS, Key(SYSTEM, NUMBERS.doc_type, number), document, None)


def measure(port: int, site: Site, case: Case) -> dict[str, Any]:
    """What one client waits for, in milliseconds."""
    path = f"/v2/accounts/{site.account_id}/phone_numbers{case.query}".replace('"', "%22")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    waited, size = [], 0
    for _ in range(case.rounds):
        began = time.perf_counter()
        connection.request("GET", path, headers={"X-Auth-Token": site.token})
        answer = connection.getresponse()
        size = len(answer.read())
        waited.append((time.perf_counter() - began) * 1000)
        if answer.status != http.client.OK:
            raise RuntimeError(f"{path}: {answer.status}")
    connection.close()
    waited.sort()
    median = statistics.median(waited)
    return {
        "case": case.name,
        "median_ms": round(median, 2),
        "p99_ms": round(waited[int(len(waited) * 0.99)], 2),
        "bytes": size,
        "target_ms": case.target_ms,
        "good": median <= case.target_ms,
    }


def run(file: Path) -> bool:
    """Every case; whether each meets its target."""
    with tempfile.TemporaryDirectory(prefix="crossbar-bench-") as folder:
        site = Site(Path(folder))
        print(f"seeding 2 x {MANY:,} numbers …", flush=True)
        run_loop(seed(site))
        print(f"{'import':32} {site.imported:>9,.0f} numbers/s", flush=True)
        port = free_port()
        arguments = ("serve", "--storage", site.url, "--port", str(port), "--no-init")
        log = site.folder / "numbers.log"
        with running("crossbar", *arguments, port=port, log=log) as process:
            idle = resident_megabytes(process.pid)
            rows = [measure(port, site, case) for case in CASES]
            memory = resident_megabytes(process.pid)
    for row in rows:
        print(
            f"{row['case']:32} median {row['median_ms']:>9} ms  p99 {row['p99_ms']:>9} ms"
            f"  {row['bytes']:>10,} B  {'yes' if row['good'] else 'NO'}"
        )
    print(f"{'memory':32} {idle:.0f} MB idle, {memory:.0f} MB after all this")
    file.parent.mkdir(parents=True, exist_ok=True)
    facts = {"import_per_s": site.imported, "idle_mb": idle, "memory_mb": memory, "cases": rows}
    file.write_text(json.dumps(facts, indent=2) + "\n")
    return all(row["good"] for row in rows)
