"""``make bench ARGS=records``: what a million call records cost: to list, to take out, to forget.

All in this process, on a store of its own. Tables are written by the dialect's own code, to
nobody.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from crossbar.app import open_gateway
from crossbar.core.journals import new_key, record_put
from crossbar.core.requests import Action, Actor, Request, request_to
from crossbar.core.services import Services
from crossbar.documents import Document, new_id
from crossbar.families.calls import CDRS, INTERACTIONS, interaction_key, with_leg
from crossbar.server import run_loop
from crossbar.settings import Settings
from crossbar.storage import PORTION, Batch, Key, Put
from crossbar.tables import lines_of
from tests.bench.rating import Found, memory
from tests.bench.sites import master_of

RECORDS = 1_000_000
AT_ONCE = 500
"""Legs in a commit."""

SPAN = 25 * 86_400
"""Seconds over which the calls are spread."""

WHILE_ROWS_GO = 15.0
"""Seconds for which others write while the rows of what was forgotten are removed."""

PAGES = 200
AT_LEAST = {"legs": 60_000}
"""Rows of tables that have to be made in a second of a processor, where more than 30,000."""

LEGS = 2
"""Legs of an interaction."""


def leg_of(number: int, many: int, now: int) -> Document:
    """One of many legs."""
    ended = now - SPAN * number // many
    first = number - number % LEGS
    begun = now - SPAN * first // many - 60
    return {
        "_rev": f"1-{new_id()}",
        "pvt_type": CDRS.doc_type,
        "pvt_created": ended,
        "pvt_modified": ended,
        "call_id": f"{number:08x}@192.0.2.10",
        "interaction_id": f"{begun:011d}-{first:08x}",
        "timestamp": ended,
        "duration_seconds": 60 + number % LEGS,
        "billing_seconds": 55,
        "call_direction": "inbound" if number % LEGS == 0 else "outbound",
        "hangup_cause": "NORMAL_CLEARING",
        "caller_id_number": f"+1415555{number % 10_000:04}",
        "caller_id_name": "Somebody",
        "callee_id_number": f"+4930{number % 1_000_000:06}",
        "from": f"1415555{number % 10_000:04}@bench.example",
        "to": f"4930{number % 1_000_000:06}@bench.example",
        "request": "100@bench.example",
        "media_server": "fs1.bench.example",
        "custom_channel_vars": {
            "owner_id": f"{number % 100:032x}",
            "account_billing": "per_minute",
            "rate": "100",
            "cost": "100",
        },
    }


async def seed(services: Services, account_id: str, found: Found, many: int) -> None:
    """Append the legs and their interactions, as the intake does, but without its judgement."""
    now = services.clock.gregorian()
    began = time.perf_counter()
    for start in range(0, many, AT_ONCE):
        records: list[Put] = []
        interactions: dict[str, Document] = {}
        for number in range(start, min(start + AT_ONCE, many)):
            leg = leg_of(number, many, now)
            key = new_key(
                CDRS, account_id, services.clock, seconds=leg["timestamp"], name=leg["call_id"]
            )
            leg |= {"_id": key.doc_id, "pvt_account_id": account_id}
            records.append(record_put(CDRS, key, leg))
            name = leg["interaction_id"]
            interactions[name] = with_leg(interactions.get(name), leg) or interactions[name]
        for name, each in interactions.items():
            key = interaction_key(account_id, name)
            each |= {"_id": key.doc_id, "_rev": f"1-{new_id()}", "pvt_account_id": account_id}
            records.append(record_put(INTERACTIONS, key, each))
        await services.commit(Batch(records=records))
    rate = many / (time.perf_counter() - began)
    found.add("legs appended", rate, "/s", "", True)


async def measure_pages(request: Request, name: str, found: Found) -> None:
    """How long pages of 50 take, the first and those after it."""
    taken: list[float] = []
    start_key = None
    for _ in range(PAGES):
        page = replace(request, query=replace(request.query, paginate=True, start_key=start_key))
        began = time.perf_counter()
        result = await page.operation.handler(page)
        taken.append((time.perf_counter() - began) * 1000)
        start_key = result.page.next_start_key if result.page else None
    middle = statistics.median(taken)
    found.add(f"{name}, page of 50", middle, "ms", "< 20", middle < 20)


async def measure_table(request: Request, name: str, found: Found, many: int) -> None:
    """How fast a table of everything is made, and what memory that takes."""
    gc.collect()
    gc.freeze()  # as a server does, whose collector need not walk over the whole program
    wanted = replace(request, accept=("text/csv",))
    before, most, rows = memory(), 0.0, 0
    began, busy = time.perf_counter(), time.process_time()
    result = await wanted.operation.handler(wanted)
    if result.portions is None:
        raise RuntimeError("no table")
    turns, turn = [], time.thread_time()
    async for portion in result.portions:
        lines_of(portion)
        turns.append((time.thread_time() - turn) * 1000)
        turn = time.thread_time()
        rows += len(portion)
        if rows // PORTION % 100 == 0:
            most = max(most, memory() - before)
    seconds, worked = time.perf_counter() - began, time.process_time() - busy
    if rows != many:
        raise RuntimeError(f"{rows} rows of {many}")
    found.add(f"{name}, table", rows / seconds, "rows/s", "", True)
    # What else a machine does is no news of the records.
    rate = rows / worked
    least = AT_LEAST.get(name, 30_000)
    found.add(f"{name}, table, processor", rate, "rows/s", f"> {least:,}", rate > least)
    held = sorted(turns)[len(turns) * 99 // 100]
    found.add(f"{name}, a turn of the loop, 99 %", held, "ms", "< 5", held < 5)
    found.add(f"{name}, memory of a table", most, "MB", "< 20", most < 20)


async def measure_forgetting(services: Services, account_id: str, found: Found) -> None:
    """How long it takes to forget the oldest month, and what others wait while rows go."""
    old = [
        (journal.doc_type, (await services.store.buckets(journal.doc_type))[0])
        for journal in (CDRS, INTERACTIONS)
    ]
    began = time.perf_counter()
    await services.commit(Batch(drop_buckets=old))
    taken = (time.perf_counter() - began) * 1000
    found.add("a month forgotten", taken, "ms", "< 100", taken < 100)
    waited: list[float] = []
    until = time.perf_counter() + WHILE_ROWS_GO
    while time.perf_counter() < until:
        began = time.perf_counter()
        document = {"_id": new_id(), "_rev": f"1-{new_id()}"}
        await services.commit(
            Batch(puts=(Put(Key(account_id, "note", document["_id"]), document, None),))
        )
        waited.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(0.02)
    waited.sort()
    middle, most = statistics.median(waited), waited[len(waited) * 99 // 100]
    found.add("a write while rows go, half", middle, "ms", "< 20", middle < 20)
    found.add("a write while rows go, 99 %", most, "ms", "< 100", most < 100)


async def measure(folder: Path, many: int) -> Found:
    """Everything, one after the other."""
    overrides: dict[str, Any] = {
        "storage.url": f"sqlite:///{folder / 'records.db'}",
        "log.level": "error",
    }
    found = Found()
    async with open_gateway(Settings.load(None, {}, overrides)) as gateway:
        services = gateway.services
        account, token = await master_of(gateway)
        actor = Actor(
            services=services,
            account_id=account.account_id,
            account=account,
            caller=await gateway.identity.read_token(token),
            request_id="bench",
        )
        await seed(services, account.account_id, found, many)
        path = ("accounts", account.account_id, "cdrs")
        now = services.clock.gregorian()
        upto = {"created_from": now - SPAN - 3600, "created_to": now + 3600}
        for name, tail, rows in (
            ("legs", (), many),
            ("interactions", ("interaction",), many // 2),
        ):
            request = request_to(actor, Action.LIST, *path, *tail, data=upto)
            await measure_pages(request, name, found)
            await measure_table(request, name, found, rows)
        await measure_forgetting(services, account.account_id, found)
    size = (folder / "records.db").stat().st_size / 1e6
    found.add("size of the store", size, "MB", "", True)
    return found


def run(file: Path, many: int = RECORDS) -> bool:
    """Measure, print and write it; whether everything is as it should be."""
    print(f"{many:,} call records, {LEGS} legs an interaction")
    with tempfile.TemporaryDirectory(prefix="crossbar-bench-") as folder:
        found: Found = run_loop(measure(Path(folder), many))
    return found.keep(file)
