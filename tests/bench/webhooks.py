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
from tests.bench.servers import free_port, running
from tests.ops.conftest import Installation
from tests.ops.killing import HERE, Kills, Listener
from tests.ops.processes import crossbar

PER_SECOND, SECONDS = 500, 20
TARGET_MS = 200.0
PASSWORD = "bench-password"


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
    delays: list[float] = []

    async def take(request: web.Request) -> web.Response:
        body = orjson.loads(await request.read())
        delays.append((time.time() - body["committed"]) * 1000)
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
        with _delivering(folder, url):
            await asyncio.sleep(3)
            await _write(gateway, master.account_id)
            for _ in range(600):
                if len(delays) >= PER_SECOND * SECONDS:
                    break
                await asyncio.sleep(0.1)
    dead.close()
    await runner.cleanup()
    delays.sort()
    at = {f"p{each}_ms": delays[len(delays) * each // 100] for each in (50, 95, 99)}
    return {"events": PER_SECOND * SECONDS, "received": len(delays), **at, "max_ms": delays[-1]}


@contextmanager
def _delivering(folder: Path, url: str) -> Iterator[None]:
    port = free_port()
    file = folder / "crossbar.toml"
    file.write_text(
        f'[storage]\nurl = "{url}"\n[webhooks]\nallow_private_addresses = true\n'
        f'[secrets]\nvalues = ["{"0123456789abcdef" * 4}"]\n'
    )
    arguments = ("serve", "--config", str(file), "--port", str(port))
    with running("crossbar", *arguments, port=port, log=folder / "server.log"):
        yield


async def _write(gateway: Gateway, account_id: str) -> None:
    """Commit events at an even pace, each in a commit of its own."""
    services, began = gateway.services, time.perf_counter()

    async def one(number: int) -> None:
        facts = {"call_id": str(number), "committed": time.time()}
        event = happening(services.clock, account_id, "channel_create", facts)
        await services.commit(Batch(events=(event,)))

    async with asyncio.TaskGroup() as group:
        for number in range(PER_SECOND * SECONDS):
            pause = began + number / PER_SECOND - time.perf_counter()
            if pause > 0:
                await asyncio.sleep(pause)
            group.create_task(one(number))


def kill(folder: Path, rounds: int) -> dict[str, Any]:
    """Kill a server again and again; what was acknowledged and not reported."""
    done = crossbar(folder, "init", "--json", "--password", PASSWORD)
    told = json.loads(done.stdout)
    kills = Kills(Installation(folder, told["account_id"], told["api_key"]), Listener())
    kills.begin()
    for number in range(rounds):
        kills.one(random.uniform(0.1, 0.8))
        if number % 50 == 49:
            print(f"  {number + 1} kills, {len(kills.acknowledged)} writes", flush=True)
    missing = kills.settle(1800)
    kills.listener.stop()
    return {
        "kills": rounds,
        "acknowledged": len(kills.acknowledged),
        "missing": len(missing),
        "with_two_ids": sum(len(ids) > 1 for ids in kills.listener.got.values()),
    }


def run(file: Path, kills: int) -> bool:
    """Measure, print, write; whether the targets are met."""
    with tempfile.TemporaryDirectory(prefix="crossbar-bench-") as name:
        folder = Path(name)
        delays = run_loop(measure(folder))
        print(delays, flush=True)
        (folder / "killed").mkdir()
        killed = kill(folder / "killed", kills) if kills else {"missing": 0}
        print(killed, flush=True)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"delays": delays, "killed": killed}, indent=2) + "\n")
    is_whole = delays["received"] >= delays["events"] and not killed["missing"]
    return is_whole and delays["p99_ms"] < TARGET_MS
