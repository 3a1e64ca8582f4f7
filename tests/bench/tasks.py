"""``make bench ARGS=tasks``: what a task of a hundred thousand rows costs.

All in this process, on a store of its own, with the jobs as servers do them. While the rows are
done another task wakes up every few milliseconds and notes how long it was kept waiting.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from crossbar.app import open_gateway
from crossbar.bootstrap import create_master
from crossbar.core.requests import Action, Actor, Caller, Query, Request, Upload
from crossbar.core.services import Services
from crossbar.server import run_loop
from crossbar.settings import Settings
from tests.bench.rating import Found, Watch, memory

ROWS = 100_000

CASES: tuple[tuple[str, str, Callable[[int], str]], ...] = (
    ("menus", "name,timeout,flags", lambda at: f"Menu {at},{at % 9000 + 1000},a;b"),
    ("users", "first_name,last_name,email", lambda at: f"Ann,Lee {at},ann{at}@example.com"),
    ("rates", "prefix,rate_cost,direction", lambda at: f"{49000000 + at},0.0125,outbound"),
)


async def _ask(actor: Actor, action: Action, *path: str, **more: Any) -> Any:
    operations, ids = actor.services.registry.match(path)
    request = Request(
        actor=actor, operation=operations[action], ids=ids, query=Query(filters=()), **more
    )
    return (await request.operation.handler(request)).data


async def measure_one(
    services: Services, actor: Actor, found: Found, case: tuple[str, str, Any], many: int
) -> None:
    """How fast the rows of a task are taken in and done, what it takes, whom it holds up."""
    category, header, line = case
    content = "\n".join((header, *map(line, range(many)))).encode()
    file = Upload(name="rows", content_type="text/csv", content=content)
    path = ("accounts", actor.account_id, "tasks")
    gc.collect()
    gc.freeze()  # as servers do when they begin
    watch, before = Watch(), memory()
    looking = asyncio.create_task(watch.look())
    began = time.perf_counter()
    controls = {"category": category, "action": "import"}
    made = await _ask(actor, Action.CREATE, *path, files=(file,), controls=controls)
    stored = time.perf_counter() - began
    began = time.perf_counter()
    await _ask(actor, Action.PATCH, *path, made["id"])
    task = made
    while task["_read_only"]["status"] in ("pending", "executing"):
        await asyncio.sleep(0.2)
        task = await _ask(actor, Action.FETCH, *path, made["id"])
    seconds = time.perf_counter() - began
    await services.jobs.idle(services)
    finished = time.perf_counter() - began - seconds
    looking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await looking
    if task["_read_only"]["status"] != "success":
        raise RuntimeError(f"{category}: {task}")
    grown, waits, worked = memory() - before, sorted(watch.waits), sorted(watch.worked)
    found.add(f"{category}: judge and store", many / stored, "/s", "", True)
    found.add(f"{category}: import", many / seconds, "/s", "> 200", many / seconds > 200)
    found.add(f"{category}: make one file", finished, "s", "", True)
    found.add(f"{category}: memory", grown, "MB", "< 80", grown < 80)
    found.add(f"{category}: others waited, median", statistics.median(waits), "ms", "", True)
    found.add(f"{category}: others waited, at most", waits[-1], "ms", "", True)
    found.add(f"{category}: the loop worked, at most", worked[-1], "ms", "< 50", worked[-1] < 50)


async def measure(folder: Path, many: int) -> Found:
    """Each case, one after the other."""
    overrides: dict[str, Any] = {
        "storage.url": f"sqlite:///{folder / 'tasks.db'}",
        "log.level": "error",
    }
    found = Found()
    async with open_gateway(Settings.load(None, {}, overrides)) as gateway, gateway.working():
        master = await create_master(gateway.services, password="bench-password")
        services = gateway.services
        account = await services.accounts.get(master.account_id)
        caller = Caller(
            account_id=master.account_id,
            user_id=master.user_id,
            method="cb_user_auth",
            priv_level="admin",
            is_superduper_admin=True,
            is_admin_user=True,
        )
        actor = Actor(
            services=services,
            account_id=master.account_id,
            account=account,
            caller=caller,
            request_id="bench",
        )
        for case in CASES:
            await measure_one(services, actor, found, case, many)
    size = (folder / "tasks.db").stat().st_size / 1e6
    found.add("size of the store", size, "MB", "", True)
    return found


def run(file: Path, many: int = ROWS) -> bool:
    """Measure, print and write it; whether everything is as it should be."""
    print(f"{many:,} rows")
    with tempfile.TemporaryDirectory(prefix="crossbar-bench-") as folder:
        found: Found = run_loop(measure(Path(folder), many))
    return found.keep(file)
