"""``make bench ARGS=feed``: what it costs to tell many clients what happens, and who is dropped.

A server follows the store that this process writes to. Clients of its socket and of its change
feed are here, so one clock tells when an event was committed and when it came. The server's own
time on the processor is divided by what it has sent: what clients cost this process is not in it.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
from aiohttp import ClientSession, ClientTimeout, TCPConnector, WSMsgType

from crossbar.app import Gateway, open_gateway
from crossbar.core.telling import happening
from crossbar.server import run_loop
from crossbar.settings import Settings
from crossbar.storage import Batch, Event, Key
from tests.bench.rating import Found
from tests.bench.servers import resident_megabytes, running
from tests.bench.sites import master_of
from tests.ports import free_port

CLIENTS = 100
IDLE = 900
"""Further connections, for what memory each takes."""

PER_SECOND, SECONDS = 100, 10
SECRET = "0123456789abcdef" * 4
HERE = "127.0.0.1"
PATIENCE = 120.0

Make = Callable[[int], Event]


class Client:
    """What one client has received; ``delays`` are in milliseconds."""

    def __init__(self) -> None:
        self.received = 0
        self.delays: list[float] = []

    def take(self, committed: float | None) -> None:
        """Count an event, and how long it took."""
        self.received += 1
        if committed is not None:
            self.delays.append((time.time() - committed) * 1000)


class Site:
    """A store that is written here, and the server that follows it."""

    def __init__(self, gateway: Gateway, account_id: str, token: str, port: int, process: int):
        self.gateway = gateway
        self.account_id = account_id
        self.token = token
        self.port = port
        self.process = process

    def worked(self) -> float:
        """Seconds that the server has had of a processor."""
        fields = Path(f"/proc/{self.process}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def write(self, make: Make) -> float:
        """Commit events at an even pace; what the server has worked until then."""
        worked, began = self.worked(), time.perf_counter()
        for number in range(PER_SECOND * SECONDS):
            pause = began + number / PER_SECOND - time.perf_counter()
            if pause > 0:
                await asyncio.sleep(pause)
            await self.gateway.services.commit(Batch(events=(make(number),)))
        return worked

    def call(self, number: int) -> Event:
        """A call that begins now."""
        facts = {"call_id": str(number), "committed": time.time()}
        return happening(self.gateway.services.clock, self.account_id, "channel_create", facts)

    def change(self, number: int) -> Event:
        """A menu that changes now."""
        key = Key(self.account_id, "menu", f"{number:032x}")
        clock = self.gateway.services.clock
        return Event("changed", key, "2-0", clock.gregorian(), {"name": str(time.time())})


async def subscribe(site: Site, session: ClientSession) -> Any:
    """A socket that is told of calls."""
    socket = await session.ws_connect(f"http://{HERE}:{site.port}/websockets", max_msg_size=0)
    data = {"account_id": site.account_id, "binding": "call.*"}
    await socket.send_json({"action": "subscribe", "auth_token": site.token, "data": data})
    answer = await socket.receive_json()
    if answer["status"] != "success":
        raise RuntimeError(str(answer))
    return socket


async def read_socket(socket: Any, client: Client, *, is_timed: bool) -> None:
    """Take what a socket tells."""
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            client.take(orjson.loads(message.data)["data"]["committed"] if is_timed else None)


async def read_stream(
    site: Site, session: ClientSession, client: Client, *, is_timed: bool
) -> None:
    """Take what the change feed tells as Server-Sent Events."""
    url = f"http://{HERE}:{site.port}/v2/accounts/{site.account_id}/changes?since=now"
    headers = {"X-Auth-Token": site.token, "Accept": "text/event-stream"}
    async with session.get(url, headers=headers) as response:
        async for line in response.content:
            if line.startswith(b"data: "):
                told = orjson.loads(line[6:])
                client.take(float(told["name"]) if is_timed else None)


async def until_so(holds: Callable[[], bool]) -> None:
    """Wait for something, but not for ever."""
    for _ in range(int(PATIENCE / 0.05)):
        if holds():
            return
        await asyncio.sleep(0.05)


async def measure_clients(site: Site, found: Found, name: str, make: Make, readers: Any) -> None:
    """Write while so many clients read; what came, when, and what it cost."""
    clients = [Client() for _ in range(CLIENTS)]
    tasks = [asyncio.create_task(readers(each, n == 0)) for n, each in enumerate(clients)]
    await asyncio.sleep(2)
    worked, wanted = await site.write(make), PER_SECOND * SECONDS
    await until_so(lambda: min(each.received for each in clients) >= wanted)
    cost = (site.worked() - worked) / (wanted * CLIENTS)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    least = min(each.received for each in clients)
    lost = f"= {wanted:,}"
    found.add(f"{name}: events to each of {CLIENTS}", least, "", lost, least == wanted)
    found.add(f"{name}: processor for one to one", cost * 1e6, "us", "", True)
    found.add(f"{name}: told in a second of it", 1 / cost, "/s", "> 5,000", cost < 1 / 5000)
    delays = sorted(clients[0].delays)
    for percent in (50, 99):
        delay = delays[len(delays) * percent // 100]
        found.add(f"{name}: {percent} % come within", delay, "ms", "", True)


async def measure_slow(site: Site, found: Found, session: ClientSession) -> None:
    """A client that takes nothing: it is dropped, and what it had not taken takes no memory."""
    for _ in range(600):
        if not await connections(site, session):
            break
        await asyncio.sleep(0.1)
    socket, before = await subscribe(site, session), resident_megabytes(site.process)
    await asyncio.sleep(1)  # until it is listed
    transport = socket._response.connection.transport
    transport.pause_reading()
    clock, began = site.gateway.services.clock, time.perf_counter()
    facts = {"call_id": "slow", "committed": 0.0, "filling": "x" * 10_000}
    most, is_dropped = 0.0, False
    while not is_dropped and time.perf_counter() - began < PATIENCE:
        events = [
            happening(clock, site.account_id, "channel_create", facts) for _ in range(PER_SECOND)
        ]
        await site.gateway.services.commit(Batch(events=events))
        await asyncio.sleep(0.1)
        most = max(most, resident_megabytes(site.process) - before)
        is_dropped = not await connections(site, session)
    taken = time.perf_counter() - began
    found.add("slow client: dropped within", taken, "s", "< 60", is_dropped and taken < 60)
    found.add("slow client: memory, at most", most, "MB", "< 50", most < 50)
    transport.abort()


async def connections(site: Site, session: ClientSession) -> int:
    """How many sockets the server lists."""
    url = f"http://{HERE}:{site.port}/v2/accounts/{site.account_id}/websockets"
    async with session.get(url, headers={"X-Auth-Token": site.token}) as response:
        return len((await response.json())["data"])


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Site]:
    """A server and the store that it follows."""
    url, port = f"sqlite:///{folder / 'feed.db'}", free_port()
    file = folder / "crossbar.toml"
    file.write_text(
        f'[storage]\nurl = "{url}"\n[secrets]\nvalues = ["{SECRET}"]\n'
        "[websockets]\nmax_connections = 5000\nmax_connections_per_address = 5000\n"
    )
    settings = Settings.load(None, {}, {"storage.url": url, "secrets.values": [SECRET]})
    async with open_gateway(settings) as gateway:
        account, token = await master_of(gateway)
        arguments = ("serve", "--config", str(file), "--port", str(port))
        log = folder / "server.log"
        with running("crossbar", *arguments, port=port, log=log) as server:
            yield Site(gateway, account.account_id, token, port, server.pid)


async def measure(folder: Path) -> Found:
    """Everything, one after the other."""
    found = Found()
    async with AsyncExitStack() as stack:
        site = await stack.enter_async_context(opened(folder))
        connector = TCPConnector(limit=0)
        session = await stack.enter_async_context(
            ClientSession(connector=connector, timeout=ClientTimeout(total=None))
        )
        before = resident_megabytes(site.process)
        sockets = [await subscribe(site, session) for _ in range(IDLE)]
        each = (resident_megabytes(site.process) - before) / IDLE * 1000
        found.add("a socket's memory", each, "kB", "< 100", each < 100)
        for socket in sockets:
            await socket.close()

        async def socket_reader(client: Client, is_timed: bool) -> None:
            socket = await subscribe(site, session)
            try:
                await read_socket(socket, client, is_timed=is_timed)
            finally:
                await socket.close()

        async def stream_reader(client: Client, is_timed: bool) -> None:
            await read_stream(site, session, client, is_timed=is_timed)

        await measure_clients(site, found, "sockets", site.call, socket_reader)
        await measure_clients(site, found, "feed", site.change, stream_reader)
        await measure_slow(site, found, session)
    return found


def run(file: Path) -> bool:
    """Measure, print and write it; whether everything is as it should be."""
    with tempfile.TemporaryDirectory(prefix="crossbar-bench-") as folder:
        found: Found = run_loop(measure(Path(folder)))
    return found.keep(file)
