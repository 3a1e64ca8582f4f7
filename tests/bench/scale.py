"""``make bench ARGS=scale``: whether a request costs the same in a large store as in a small one.

Three stores are served at once and asked in turn: one of 1,000 accounts, one of ten times as many,
and one of 1,000 of which one has a million documents. Processor time is what the server's threads
used, to the nanosecond; the ratios are the medians of several rounds, in which each store is asked
right after the small one. The seconds are those on the wall.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import socket
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crossbar.app import Gateway, open_gateway
from crossbar.core.change import put_of
from crossbar.families.endpoints.users import USERS
from crossbar.server import run_loop
from crossbar.settings import Settings
from crossbar.storage import Batch, Key
from tests.bench.heavy import put_accounts
from tests.bench.lists import AT_ONCE, fill
from tests.bench.load import raw
from tests.bench.servers import running
from tests.bench.sites import PASSWORD, master_of
from tests.ports import free_port

ACCOUNTS = 1_000
TIMES = 10
FEW = 5_000
"""Documents of an account in the small store: more than a server remembers."""

BELOW = 50
"""Accounts below each account that has any, but the master account."""

WORKS_IN, BRANCH, CHILD = "a" * 32, "b" * 32, f"{0:032x}"
WANTED = 1.2
"""How much more of the processor's time a request may take than in the small store."""

STARTS = 3


@dataclass
class Store:
    """A store on disk, and the server that is asked for it."""

    name: str
    accounts: int
    documents: int
    folder: Path
    token: str = ""
    master_id: str = ""
    port: int = 0
    process_id: int = 0
    made: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"sqlite:///{self.folder / 'scale.db'}"

    @contextmanager
    def served(self) -> Iterator[None]:
        """A server process of its own."""
        self.port = free_port()
        arguments = ("serve", "--storage", self.url, "--port", str(self.port), "--no-init")
        log = self.folder / "log"
        with running("crossbar", *arguments, port=self.port, log=log) as process:
            self.process_id = process.pid
            yield

    def spent(self) -> float:
        """What the server's threads have used of the processors, in seconds."""
        tasks = Path(f"/proc/{self.process_id}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9

    def path(self, *, user: int | None = None, query: str = "") -> str:
        """The users of the account that is worked in, or one of them."""
        path = f"/v2/accounts/{WORKS_IN}/users"
        return f"{path}/{user:032x}" if user is not None else f"{path}{query}"

    def any_user(self) -> int:
        """The number of one of its users."""
        return random.randrange(self.documents)


async def seed(store: Store) -> None:
    """Accounts in branches of the same size, one of which has the documents."""
    settings = Settings.load(None, {}, {"storage.url": store.url, "log.level": "error"})
    async with open_gateway(settings) as gateway:
        master, store.token = await master_of(gateway)
        store.master_id = master.account_id
        above = [master.account_id]
        await put_accounts(gateway, master, [WORKS_IN], above)
        for start in range(0, store.accounts - 2, BELOW + 1):
            branch = f"{start + (1 << 64):032x}" if start else BRANCH
            await put_accounts(gateway, master, [branch], above)
            below = [f"{number:032x}" for number in range(start, start + BELOW)]
            await put_accounts(gateway, master, below, [*above, branch])
        for start in range(0, store.documents, AT_ONCE):
            await fill(gateway, WORKS_IN, start, min(AT_ONCE, store.documents - start))
        await _put_user_who_logs_in(gateway)


async def _put_user_who_logs_in(gateway: Gateway) -> None:
    secrets = await gateway.identity.user_secrets(WORKS_IN, "ann", PASSWORD)
    template, _ = gateway.services.schemas.apply("users", {"first_name": "A", "last_name": "L"})
    key = Key(WORKS_IN, "user", "d" * 32)
    facts = {"_id": key.doc_id, "_rev": "1-0", "username": "ann", "pvt_type": "user"}
    document = {**template, **secrets, **facts, "pvt_account_id": WORKS_IN}
    await gateway.services.store.commit(Batch(puts=[put_of(USERS, key, document, None)]))


class Client:
    """One connection that is kept."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), 60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self._socket.makefile("rb")

    def ask(self, request: bytes) -> bytes:
        """The body of the answer. Raises :class:`RuntimeError` for a refusal."""
        self._socket.sendall(request)
        status, length = self._file.readline(), 0
        while (line := self._file.readline()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        body = self._file.read(length)
        if status[9:10] != b"2":
            raise RuntimeError(f"{status!r} {body[:500]!r} to {request[:200]!r}")
        return body

    def close(self) -> None:
        self._file.close()
        self._socket.close()


@dataclass(frozen=True)
class Case:
    """Requests of a kind, so many a round; ``make`` makes one of them for a store."""

    name: str
    make: Callable[[Store], bytes]
    many: int = 100
    note: Callable[[Store, bytes], None] = lambda store, body: None


def _login(store: Store) -> bytes:
    data = {"credentials": _md5("ann", PASSWORD), "account_name": f"Account {WORKS_IN}"}
    return raw("PUT", "/v2/user_auth", json.dumps({"data": data}).encode())


def _md5(name: str, password: str) -> str:
    return hashlib.md5(f"{name}:{password}".encode(), usedforsecurity=False).hexdigest()


def _get(path: Callable[[Store], str]) -> Callable[[Store], bytes]:
    return lambda store: raw("GET", path(store), token=store.token)


def _patch(store: Store) -> bytes:
    body = json.dumps({"data": {"timezone": random.choice(("Europe/Rome", "Asia/Tokyo"))}})
    return raw("PATCH", store.path(user=store.any_user()), body.encode(), token=store.token)


def _create(store: Store) -> bytes:
    body = json.dumps({"data": {"name": f"New {random.getrandbits(64):x}"}}).encode()
    return raw("PUT", f"/v2/accounts/{store.master_id}", body, token=store.token)


def _delete(store: Store) -> bytes:
    return raw("DELETE", f"/v2/accounts/{store.made.pop()}", token=store.token)


def _note_made(store: Store, body: bytes) -> None:
    store.made.append(json.loads(body)["data"]["id"])


def _anywhere(store: Store) -> str:
    return store.path(query=f"?start_key=lee{store.any_user():07}")


def _named(store: Store) -> str:
    return store.path(query=f"?filter_username=user{store.any_user()}")


CASES = (
    Case("GET of a user", _get(lambda store: store.path(user=store.any_user())), 200),
    Case("a page of users", _get(_anywhere)),
    Case("a user by its name", _get(_named)),
    Case("PATCH of a user", _patch),
    Case("login", _login, 10),
    Case(
        "descendants of a branch",
        _get(lambda _: f"/v2/accounts/{BRANCH}/descendants"),
    ),
    Case("descendants of the master", _get(lambda s: f"/v2/accounts/{s.master_id}/descendants")),
    Case(
        "children of the master",
        _get(lambda s: f"/v2/accounts/{s.master_id}/children?page_size=10"),
    ),
    Case("tree of an account", _get(lambda _: f"/v2/accounts/{CHILD}/tree")),
    Case("creation of an account", _create, 30, _note_made),
    Case("deletion of an account", _delete, 30),
)


@dataclass(frozen=True)
class Cost:
    """Milliseconds a request: of the processors, and on the wall."""

    processor: float
    wall: float


def ask(store: Store, case: Case) -> Cost:
    """Send the requests of one round."""
    client = Client(store.port)
    client.ask(raw("GET", f"/v2/accounts/{WORKS_IN}", token=store.token))
    requests = [case.make(store) for _ in range(case.many)]
    before, began = store.spent(), time.perf_counter()
    bodies = [client.ask(request) for request in requests]
    cost = Cost(
        (store.spent() - before) * 1000 / case.many,
        (time.perf_counter() - began) * 1000 / case.many,
    )
    client.close()
    for body in bodies:
        case.note(store, body)
    return cost


def start(store: Store) -> Cost:
    """Start a server and ask it for a page."""
    began = time.perf_counter()
    with store.served():
        client = Client(store.port)
        client.ask(raw("GET", store.path(), token=store.token))
        cost = Cost(store.spent() * 1000, (time.perf_counter() - began) * 1000)
        client.close()
    return cost


@dataclass
class Table:
    """What was measured; each line is printed when it is known."""

    rows: list[dict[str, Any]] = field(default_factory=list)

    def add(self, name: str, stores: list[Store], rounds: list[list[Cost]]) -> None:
        """A line for each store, with its ratio to the small one."""
        for at, store in enumerate(stores):
            processor = statistics.median(costs[at].processor for costs in rounds)
            wall = statistics.median(costs[at].wall for costs in rounds)
            ratio = statistics.median(costs[at].processor / costs[0].processor for costs in rounds)
            good = ratio < WANTED
            row = {"name": name, "store": store.name, "processor_ms": round(processor, 3)}
            self.rows.append({**row, "wall_ms": round(wall, 3), "ratio": round(ratio, 2)})
            mark = "" if good else "NO"
            print(
                f"{name:26} {store.name:20} {processor:10,.2f} ms CPU {wall:10,.2f} ms"
                f" {ratio:6.2f} {mark}",
                flush=True,
            )

    def keep(self, file: Path) -> bool:
        """Write it as JSON; whether all is as wanted."""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(self.rows, indent=2) + "\n")
        return all(row["ratio"] < WANTED for row in self.rows)


def run(file: Path, accounts: int, documents: int, rounds: int) -> bool:
    """Every case in every store; whether all cost what they cost in the small one."""
    table, stores = Table(), list[Store]()
    sizes = {
        f"{accounts:,} accounts": (accounts, FEW),
        f"{accounts * TIMES:,} accounts": (accounts * TIMES, FEW),
        f"{documents:,} documents": (accounts, documents),
    }
    with tempfile.TemporaryDirectory(prefix="crossbar-bench-") as folder, ExitStack() as served:
        for name, (number, owned) in sizes.items():
            store = Store(name, number, owned, Path(folder, str(len(stores))))
            store.folder.mkdir()
            run_loop(seed(store))
            stores.append(store)
        starts = [[start(store) for store in stores] for _ in range(STARTS)]
        table.add("start to the first answer", stores, starts)
        for store in stores:
            served.enter_context(store.served())
        for case in CASES:
            costs = [[ask(store, case) for store in stores] for _ in range(rounds)]
            table.add(case.name, stores, costs)
        print(f"load of the machine: {os.getloadavg()[0]:.1f}")
        return table.keep(file)
