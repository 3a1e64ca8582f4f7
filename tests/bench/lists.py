"""``make bench ARGS=lists``: what lists of an account with a million documents cost.

Each is asked of a server process while a small GET is sent every 10 ms, whose longest wait is
shown beside the processor time and the memory that the server took.
"""

from __future__ import annotations

import http.client
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from crossbar.app import Gateway, open_gateway
from crossbar.core.change import put_of
from crossbar.families.endpoints.users import USERS
from crossbar.server import run_loop
from crossbar.settings import Settings
from crossbar.storage import Batch, Key
from tests.bench.heavy import Site
from tests.bench.loop import waits
from tests.bench.rating import Found
from tests.bench.servers import processor_seconds, resident_megabytes, running
from tests.bench.sites import master_of
from tests.ports import free_port

DOCUMENTS = 1_000_000
AT_ONCE = 2000


async def seed(site: Site, many: int) -> None:
    """A master account with so many users."""
    settings = Settings.load(None, {}, {"storage.url": site.url, "log.level": "error"})
    async with open_gateway(settings) as gateway:
        account, site.token = await master_of(gateway)
        site.account_id = account.account_id
        for start in range(0, many, AT_ONCE):
            await fill(gateway, site.account_id, start, min(AT_ONCE, many - start))


async def fill(gateway: Gateway, account_id: str, start: int, many: int) -> None:
    """So many users of an account in one commit, numbered from ``start``."""
    template, _ = gateway.services.schemas.apply("users", {"first_name": "Ann", "last_name": ""})
    puts = []
    for number in range(start, start + many):
        key = Key(account_id, "user", f"{number:032x}")
        document = {
            **template,
            "_id": key.doc_id,
            "_rev": "1-" + "0" * 32,
            "username": f"user{number}",
            "last_name": f"Lee{number:07}",
            "email": f"user{number}@example.com",
            "caller_id": {"internal": {"name": "Ann Lee", "number": f"{number}"}},
            "pvt_type": "user",
            "pvt_account_id": account_id,
            "pvt_created": 63_000_000_000,
            "pvt_modified": 63_000_000_000,
        }
        puts.append(put_of(USERS, key, document, None))
    await gateway.services.store.commit(Batch(puts=puts))


@dataclass(frozen=True)
class Case:
    """A list; ``rows`` says whether its time is told as rows a second."""

    name: str
    query: str
    rows: bool = False
    target_ms: float = 0.0


CASES = (
    Case("a page", "?page_size=50&x=1"),
    Case("a page from the middle", "?start_key=lee0500000"),
    Case("filter_username, no such", "?filter_username=nobody", target_ms=5),
    Case("filter_username, one", "?filter_username=user777", target_ms=5),
    Case("filter without an index", "?filter_timezone=Mars"),
    Case("paginate=false", "?paginate=false", rows=True),
    Case("paginate=false, whole documents", "?paginate=false&full_docs=true", rows=True),
    Case("a table", "?paginate=false&accept=csv", rows=True),
    Case("a table of whole documents", "?paginate=false&full_docs=true&accept=csv", rows=True),
)


@dataclass
class Run:
    """One request: its status, bytes and seconds; the server's processor seconds."""

    status: int = 0
    length: int = 0
    seconds: float = 0.0
    processor: float = 0.0


def ask(port: int, site: Site, query: str, process_id: int, run: Run) -> None:
    """Send the request and read all of its answer, keeping nothing."""
    before, began = processor_seconds(process_id), time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    path = f"/v2/accounts/{site.account_id}/users{query}"
    connection.request("GET", path, headers={"X-Auth-Token": site.token})
    answer = connection.getresponse()
    while chunk := answer.read(1 << 20):
        run.length += len(chunk)
    connection.close()
    run.status, run.seconds = answer.status, time.perf_counter() - began
    run.processor = processor_seconds(process_id) - before


def measure(port: int, site: Site, case: Case, process_id: int, found: Found, many: int) -> None:
    """One case."""
    run, most = Run(), resident_megabytes(process_id)
    idle = most
    arguments = (port, site, case.query, process_id, run)
    asking = threading.Thread(target=ask, args=arguments, daemon=True)
    asking.start()
    longest = 0.0
    while asking.is_alive():
        for waited in waits(port, site, lambda: not asking.is_alive()):
            longest = max(longest, waited)
            most = max(most, resident_megabytes(process_id))
    name = f"{case.name} ({run.status})"
    if case.rows:
        rate = many / run.seconds
        found.add(name, rate, "rows/s", ">= 100,000", rate >= 100_000)
        found.add("  of processor time", many / max(run.processor, 0.001), "rows/s", "", True)
        grown = most - idle
        found.add("  memory beside", grown, "MB", "< 50", grown < 50)
        found.add("  longest wait of others", longest, "ms", "< 50", longest < 50)
    else:
        quick, processor = _best(port, site, case, process_id)
        target = f"< {case.target_ms:g}" if case.target_ms else ""
        good = not case.target_ms or quick < case.target_ms
        found.add(name, quick, "ms", target, good)
        found.add("  of processor time", processor, "ms", "", True)
        found.add("  longest wait of others", longest, "ms", "< 50", longest < 50)


def _best(port: int, site: Site, case: Case, process_id: int) -> tuple[float, float]:
    """Milliseconds of the middle one of some requests, and of the processors for each on average;
    of a long one, of one."""
    taken = []
    before = processor_seconds(process_id)
    for _ in range(9):
        run = Run()
        ask(port, site, case.query, process_id, run)
        taken.append(run.seconds * 1000)
        if run.seconds > 1:
            break
    processor = (processor_seconds(process_id) - before) * 1000 / len(taken)
    return sorted(taken)[len(taken) // 2], processor


def run(file: Path, many: int = DOCUMENTS) -> bool:
    """Every case; whether each meets its target."""
    with tempfile.TemporaryDirectory(prefix="crossbar-bench-") as folder:
        site, found = Site(Path(folder)), Found()
        began = time.perf_counter()
        run_loop(seed(site, many))
        found.add("documents put", many / (time.perf_counter() - began), "/s", "", True)
        port, log = free_port(), site.folder / "lists.log"
        arguments = ("serve", "--storage", site.url, "--port", str(port), "--no-init")
        with running("crossbar", *arguments, port=port, log=log) as process:
            list(waits(port, site, lambda: True))
            for case in CASES:
                measure(port, site, case, process.pid, found, many)
        return found.keep(file)
