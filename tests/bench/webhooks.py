"""``make bench ARGS=webhooks``: how soon reports are sent, and that kills lose none.

A server delivers what this process commits to the same store, 500 events a second, as an intake
of a switch would. The receiver is here too, so one clock tells when an event was committed, and
when its report came. One of the two webhooks leads to a receiver that never answers. Then a server
is killed again and again while it is written to (``--kills``).
"""

from __future__ import annotations

import asyncio
import json
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

from crossbar.app import Gateway, open_gateway
from crossbar.bootstrap import create_master
from crossbar.core.change import Change
from crossbar.core.requests import Actor
from crossbar.core.telling import happening
from crossbar.core.writing import save
from crossbar.families.webhooks import WEBHOOKS
from crossbar.server import run_loop
from crossbar.settings import Settings
from crossbar.storage import Batch, Key
from tests.bench.servers import processor_seconds, resident_megabytes, running
from tests.ops.conftest import Installation
from tests.ops.killing import HERE, Kills, Receiver
from tests.ops.processes import crossbar
from tests.ports import free_port

PER_SECOND, SECONDS = 500, 20
TARGET_MS = 200.0
PASSWORD = "bench-password"

LIFE = 0.6
"""Seconds that a server lives at most, after its start, until it is killed."""

RECEIVERS = 0.3
"""The share of rounds in which the receiver is killed too."""

SETTLED = 1800.0
"""Seconds after the last kill in which everything has to arrive."""


async def add_hook(gateway: Gateway, account_id: str, uri: str, number: int) -> None:
    """A webhook for calls that begin."""
    account = await gateway.services.accounts.get(account_id)
    actor = Actor(
        services=gateway.services, account_id=account_id, account=account, request_id="bench"
    )
    document = {"name": "Calls", "hook": "channel_create", "uri": uri, "format": "json"}
    key = Key(account_id, "webhook", f"{number:032x}")
    await save(Change(actor=actor, family=WEBHOOKS, key=key, document=document), "created")


async def measure(folder: Path) -> dict[str, Any]:
    """The delays from a commit to the receipt of its report, in milliseconds."""
    received: dict[int, float] = {}
    committed: dict[int, float] = {}

    async def take(request: web.Request) -> web.Response:
        body = orjson.loads(await request.read())
        received.setdefault(int(body["call_id"]), time.perf_counter())
        return web.Response()

    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    application = web.Application()
    application.router.add_post("/in", take)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    port, dead = free_port(), await asyncio.start_server(never, HERE, 0)
    await web.TCPSite(runner, HERE, port).start()
    url = f"sqlite:///{folder / 'webhooks.db'}"
    changes = {"storage.url": url, "webhooks.deliver": False}
    secrets = {"secrets.values": ["0123456789abcdef" * 4]}
    settings = Settings.load(None, {}, {**changes, **secrets})
    async with open_gateway(settings) as gateway:
        master = await create_master(gateway.services, password=PASSWORD)
        await add_hook(gateway, master.account_id, f"http://{HERE}:{port}/in", 1)
        silent = dead.sockets[0].getsockname()[1]
        await add_hook(gateway, master.account_id, f"http://{HERE}:{silent}/", 2)
        with _delivering(folder, url) as process_id:
            await asyncio.sleep(3)
            before, memory = processor_seconds(process_id), resident_megabytes(process_id)
            took = await _write(gateway, master.account_id, committed)
            for _ in range(600):
                if len(received) >= PER_SECOND * SECONDS:
                    break
                await asyncio.sleep(0.1)
            cpu = (processor_seconds(process_id) - before) * 1000 / (PER_SECOND * SECONDS)
            more = resident_megabytes(process_id) - memory
    dead.close()
    await runner.cleanup()
    # A report may be quicker than the acknowledgement of its commit.
    delays = sorted(max(received[each] - committed[each], 0) * 1000 for each in received)
    took.sort()
    at = {f"p{each}_ms": delays[len(delays) * each // 100] for each in (50, 95, 99)}
    counts = {
        "events": PER_SECOND * SECONDS,
        "received": len(delays),
        "cpu_ms_each": round(cpu, 3),
        "more_memory_mb": round(more, 1),
        "commit_p99_ms": took[len(took) * 99 // 100],
    }
    return {**counts, **at, "max_ms": delays[-1]}


@contextmanager
def _delivering(folder: Path, url: str) -> Iterator[int]:
    port = free_port()
    file = folder / "crossbar.toml"
    file.write_text(
        f'[storage]\nurl = "{url}"\n[webhooks]\nallow_private_addresses = true\n'
        f'[secrets]\nvalues = ["{"0123456789abcdef" * 4}"]\n'
    )
    arguments = ("serve", "--config", str(file), "--port", str(port))
    with running("crossbar", *arguments, port=port, log=folder / "server.log") as process:
        yield process.pid


async def _write(gateway: Gateway, account_id: str, committed: dict[int, float]) -> list[float]:
    """Commit events at an even pace, each in a commit of its own; the milliseconds they took."""
    services, began = gateway.services, time.perf_counter()
    took: list[float] = []

    async def one(number: int) -> None:
        asked = time.perf_counter()
        event = happening(services.clock, account_id, "channel_create", {"call_id": str(number)})
        await services.commit(Batch(events=(event,)))
        committed[number] = time.perf_counter()
        took.append((committed[number] - asked) * 1000)

    async with asyncio.TaskGroup() as group:
        for number in range(PER_SECOND * SECONDS):
            pause = began + number / PER_SECOND - time.perf_counter()
            if pause > 0:
                await asyncio.sleep(pause)
            group.create_task(one(number))
    return took


def kill(folder: Path, rounds: int, seconds: float) -> dict[str, Any]:
    """Kill server and receiver again and again; what was acknowledged and not reported.

    No more rounds are begun after so many seconds.
    """
    done = crossbar(folder, "init", "--json", "--password", PASSWORD)
    told = json.loads(done.stdout)
    installation = Installation(folder, told["account_id"], told["api_key"])
    kills, began = Kills(installation, Receiver(folder)), time.monotonic()
    try:
        kills.begin()
        while kills.kills < rounds and time.monotonic() - began < seconds:
            kills.one(random.uniform(0, LIFE), receiver_too=random.random() < RECEIVERS)
            if kills.kills % 50 == 0:
                took = round(time.monotonic() - began)
                print(
                    f"  {kills.kills} kills, {len(kills.acknowledged)} writes, {took} s",
                    flush=True,
                )
        missing = kills.settle(SETTLED)
        taken = kills.receiver.taken()
    finally:
        kills.end()
    return {
        "kills": kills.kills,
        "kills_of_the_receiver": kills.receiver.kills - 1,  # the last one ended it
        "seconds": round(time.monotonic() - began),
        "acknowledged": len(kills.acknowledged),
        "missing": len(missing),
        "sent_again": sum(len(ids) for ids in taken.values()) - len(taken),
        "with_two_ids": sum(len(set(ids)) > 1 for ids in taken.values()),
    }


def run(file: Path, kills: int, minutes: float) -> bool:
    """Measure, print, write; whether the targets are met."""
    with tempfile.TemporaryDirectory(prefix="crossbar-bench-") as name:
        folder = Path(name)
        delays = run_loop(measure(folder))
        print(delays, flush=True)
        (folder / "killed").mkdir()
        killed: dict[str, Any] = {"missing": 0, "with_two_ids": 0}
        if kills:
            killed = kill(folder / "killed", kills, minutes * 60)
        print(killed, flush=True)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"delays": delays, "killed": killed}, indent=2) + "\n")
    is_whole = delays["received"] >= delays["events"]
    is_kept = not killed["missing"] and not killed["with_two_ids"]
    return is_whole and is_kept and delays["p99_ms"] < TARGET_MS
