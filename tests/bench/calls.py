"""``make bench ARGS=calls``: many calls through the switch, made by SIPp (Debian: ``sip-tester``).

The switch is ``crossbar switch`` beside a store of its own, with the Asterisk that
``make asterisk`` gets.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from crossbar.app import Gateway, open_gateway
from crossbar.core.requests import Action, Actor, request_to
from crossbar.settings import Settings
from tests.bench.rating import Found
from tests.bench.servers import ROOT, resident_megabytes, running
from tests.bench.sites import master_of
from tests.ports import free_port
from tests.sipp import CALLED, CALLER, NUMBER, PASSWORD, Sipp

SECRET = "0123456789abcdef" * 4


@dataclass(frozen=True)
class Exchange:
    """A running switch with two phones; ``pid`` is the switch's, ``asterisk`` its Asterisk's."""

    folder: Path
    sipp: Sipp
    pid: int

    @property
    def asterisk(self) -> int:
        """The process id of Asterisk."""
        return int((self.folder / "switch/run/asterisk.pid").read_text())

    @property
    def megabytes(self) -> tuple[float, float]:
        """Memory of the switch and of its Asterisk."""
        return resident_megabytes(self.pid), resident_megabytes(self.asterisk)


async def seed(gateway: Gateway) -> str:
    """Two devices, and the number of one of them; the realm."""
    account, _ = await master_of(gateway)
    actor = Actor(
        services=gateway.services,
        account_id=account.account_id,
        account=account,
        request_id="bench",
    )
    path = ("accounts", account.account_id)

    async def add(noun: str, data: dict[str, object]) -> str:
        request = request_to(actor, Action.CREATE, *path, noun, data=data)
        return str((await request.operation.handler(request)).data["id"])

    await add("devices", {"name": CALLER, "sip": {"username": CALLER, "password": PASSWORD}})
    device_id = await add(
        "devices", {"name": CALLED, "sip": {"username": CALLED, "password": PASSWORD}}
    )
    flow = {"module": "device", "data": {"id": device_id}, "children": {}}
    await add("callflows", {"numbers": [NUMBER], "flow": flow})
    return account.realm


@contextmanager
def opened(folder: Path) -> Iterator[Exchange]:
    """A running switch with its store."""
    url, port = f"sqlite:///{folder / 'calls.db'}", free_port()
    settings = Settings.load(None, {}, {"storage.url": url, "secrets.values": [SECRET]})

    async def seeded() -> str:
        async with open_gateway(settings) as gateway:
            return await seed(gateway)

    realm = asyncio.run(seeded())
    (folder / "switch").mkdir()
    (folder / "switch/asterisk").symlink_to(ROOT / "build/switch/asterisk")
    file = folder / "crossbar.toml"
    file.write_text(
        f'[storage]\nurl = "{url}"\n[secrets]\nvalues = ["{SECRET}"]\n'
        f'[switch]\nfolder = "{folder / "switch"}"\nsip_port = {port}\n'
        "first_media_port = 45000\nlast_media_port = 48999\n"
    )
    log = folder / "switch.log"
    arguments = ("switch", "--config", str(file))
    with running("crossbar", *arguments, port=port, log=log, patience=30) as process:
        yield Exchange(folder, Sipp(folder, realm, port), process.pid)


def measure(folder: Path, many: int) -> Found:
    """Everything, one after the other."""
    found = Found()
    with opened(folder) as exchange, exchange.sipp.called_phone():
        calls = exchange.sipp.calls
        calls(count=5, rate=1, seconds=1)
        quiet = calls(count=30, rate=2, seconds=0.5)
        _times(found, "INVITE to 180, two calls/s", quiet)
        busy = calls(count=100, rate=5, seconds=10)
        found.add("calls at 5/s, 50 at once, complete", 100, "calls", "100", True)
        _times(found, "INVITE to 180, with 50 calls", busy)
        calls(count=many // 4, rate=10, seconds=1)
        before = exchange.megabytes
        calls(count=many, rate=10, seconds=1)
        after = exchange.megabytes
        for name, was, now in zip(("the switch", "Asterisk"), before, after, strict=True):
            found.add(f"memory of {name}", now, "MB", "", True)
            what = f"{name}: more after {many:,} calls"
            found.add(what, now - was, "MB", "< 10", now - was < 10)
    return found


def _times(found: Found, name: str, milliseconds: list[float]) -> None:
    p95 = statistics.quantiles(milliseconds, n=20)[-1]
    found.add(f"{name}, 95 %", p95, "ms", "< 150", p95 < 150)
    found.add(f"{name}, half", statistics.median(milliseconds), "ms", "", True)


def run(file: Path, many: int) -> bool:
    """Measure, print and write it; whether everything is as it should be."""
    if shutil.which("sipp") is None:
        print("SIPp is not here; make sipp installs it")
        return False
    os.environ["CROSSBAR_LOG__LEVEL"] = "info"
    with tempfile.TemporaryDirectory(prefix="crossbar-bench-") as folder:
        found = measure(Path(folder), many)
    return found.keep(file)
