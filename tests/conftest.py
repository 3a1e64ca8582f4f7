"""What every test shares: a real server on a real store, and a client that checks envelopes."""

from __future__ import annotations

import gc
import hashlib
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hypothesis
import orjson
import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import BaseTestServer, TestClient

from crossbar.app import Gateway, handler_of, open_gateway, web_server
from crossbar.bootstrap import Master, create_master
from crossbar.clock import FixedClock
from crossbar.core import jobs
from crossbar.core.ports.switch import NoSwitch, Switch
from crossbar.settings import Settings
from tests.described import complaint
from tests.seeding import Seeds
from tests.storage.mongo_server import Place, mongo_server, place

__all__ = ["mongo_server", "place"]

MEMORY = Path("/dev/shm")
ROOM = 2 << 30
"""Bytes that have to be free there: a run of everything takes a fraction of it."""

if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ROOM:
    # Stores flush at every commit, for which a disk takes longer than for all else that a test
    # does. What is flushed where survives a killed process in any case; no test cuts the power.
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))

NOW = 1_800_000_000
PASSWORD = "open sesame"

QUICK: dict[str, Any] = {
    "passwords.memory_kib": 8,
    "passwords.iterations": 1,
    "limits.enabled": False,
    "secrets.values": ["0123456789abcdef" * 4],
    "log.level": "error",
    "webhooks.deliver": False,
}
"""Settings for tests: cheap hashes, no rate limit, no real secret, nobody is reported to."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--stores",
        choices=("needed", "all"),
        default="needed",
        help="all: also run on MongoDB what no store makes a difference to (mark any_store), and"
        " what takes long (mark thorough)",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what would show the same again on another store, and what takes long.

    With ``--stores=all``, as before a merge, everything runs; so do the tests of a file that is
    named, however long they take.
    """
    if config.getoption("stores") == "all":
        return
    named = {Path(each.partition("::")[0]).resolve() for each in config.args}
    left_out = [item for item in items if _shows_nothing_more(item, named)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        gone = set(left_out)
        items[:] = [item for item in items if item not in gone]


gc.disable()  # until all is collected: the collector finds nothing, and takes a fifth of the time


def pytest_collection_finish() -> None:
    """What was collected stays until the end: the garbage collector need not walk over it."""
    gc.collect()
    gc.freeze()
    gc.enable()


def _shows_nothing_more(item: pytest.Item, named: set[Path]) -> bool:
    if item.get_closest_marker("thorough") is not None and item.path not in named:
        return True
    if item.get_closest_marker("any_store") is None or item.get_closest_marker("each_store"):
        return False
    callspec = getattr(item, "callspec", None)
    return callspec is not None and callspec.params.get("storage_url", "sqlite") != "sqlite"


@dataclass(frozen=True)
class Answer:
    """A response, read. ``body`` is the parsed envelope, ``None`` when the answer is no JSON."""

    status: int
    headers: Any
    content: bytes
    body: Any = None

    @property
    def data(self) -> Any:
        """The envelope's data."""
        return self.body["data"]

    def expect(self, status: int) -> Answer:
        """This answer, if it has the status; otherwise the test fails and shows the body."""
        assert self.status == status, (self.status, self.content[:2000])
        return self


ENVELOPE_KEYS = {"request_id", "status", "timestamp", "node"}


@dataclass
class Api:
    """A client of a running gateway. Every JSON answer is checked to be an envelope."""

    client: TestClient[Any, Any]
    gateway: Gateway
    clock: FixedClock
    master: Master
    token: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def account(self) -> str:
        """Path of the master account."""
        return f"/v2/accounts/{self.master.account_id}"

    async def request(
        self,
        method: str,
        path: str,
        data: Any = None,
        *,
        token: str | None = None,
        raw: bytes | None = None,
        headers: dict[str, str] | None = None,
        **envelope: Any,
    ) -> Answer:
        """Send ``data`` in an envelope (or ``raw`` bytes) with ``token``, "" for none."""
        sent = {**self.headers, **(headers or {})}
        token = self.token if token is None else token
        if token:
            sent.setdefault("X-Auth-Token", token)
        body = raw
        if body is None and (data is not None or envelope):
            body = orjson.dumps({"data": {} if data is None else data, **envelope})
            sent.setdefault("Content-Type", "application/json")
        async with self.client.request(method, path, data=body, headers=sent) as response:
            answer = await _read(response)
        self._compare(method, path, answer, envelope)
        return answer

    def _compare(self, method: str, path: str, answer: Answer, envelope: Any) -> None:
        """Hold an answer against the OpenAPI document, unless another verb was meant."""
        if "verb" in envelope or "verb=" in path:
            return
        content_type = answer.headers.get("Content-Type", "")
        wrong = complaint(method, path, answer.status, content_type, answer.body)
        assert wrong is None, f"{method} {path} {answer.status}: {wrong} {answer.content[:1000]!r}"

    async def get(self, path: str, **options: Any) -> Answer:
        return await self.request("GET", path, **options)

    async def put(self, path: str, data: Any = None, **options: Any) -> Answer:
        return await self.request("PUT", path, data, **options)

    async def post(self, path: str, data: Any = None, **options: Any) -> Answer:
        return await self.request("POST", path, data, **options)

    async def patch(self, path: str, data: Any = None, **options: Any) -> Answer:
        return await self.request("PATCH", path, data, **options)

    async def delete(self, path: str, **options: Any) -> Answer:
        return await self.request("DELETE", path, **options)

    async def login(self, username: str, password: str, account_name: str) -> str:
        """A user's token."""
        answer = await self.put("/v2/user_auth", credentials(username, password, account_name))
        token: str = answer.expect(201).body["auth_token"]
        return token

    async def create_account(self, name: str, parent: str | None = None) -> str:
        """A new account's id; below the master account unless ``parent`` is given."""
        path = f"/v2/accounts/{parent or self.master.account_id}"
        created: str = (await self.put(path, {"name": name})).expect(201).data["id"]
        return created

    async def account_token(self, account_id: str) -> str:
        """A token of an account, from its API key."""
        path = f"/v2/accounts/{account_id}/api_key"
        key = (await self.get(path)).expect(200).data["api_key"]
        answer = await self.put("/v2/api_auth", {"api_key": key}, token="")
        token: str = answer.expect(201).body["auth_token"]
        return token


def credentials(username: str, password: str, account_name: str) -> dict[str, str]:
    """What a client sends to log in."""
    digest = hashlib.md5(f"{username.lower()}:{password}".encode()).hexdigest()
    return {"credentials": digest, "account_name": account_name}


async def _read(response: ClientResponse) -> Answer:
    content = await response.read()
    body = None
    is_json = response.headers.get("Content-Type") == "application/json"
    if is_json and response.method != "HEAD":
        body = orjson.loads(content)
        assert body.keys() >= ENVELOPE_KEYS, body
        assert body["request_id"] == response.headers["X-Request-ID"]
        if response.status >= 400:
            assert body["status"] == "error"
            assert body["error"] == str(response.status)
            assert isinstance(body["message"], str)
            assert "data" in body
        else:
            assert body["status"] == "success"
    return Answer(response.status, response.headers, content, body)


hypothesis.settings.register_profile(
    "here", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("here")
"""How long an example takes is the machine's matter: tests of time measure it themselves."""

jobs.POLL = 3600.0
"""Jobs that a test asks for are begun at once; what is due by the clock, when a test says so."""


@pytest.fixture
def mongodb_url(place: Place) -> str:
    """A database of the test's own on the MongoDB server of this process."""
    return place.uri


@pytest.fixture(params=["sqlite"])
def storage_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where the gateway under test keeps its documents. Contract tests run on both stores."""
    if request.param == "mongodb":
        url: str = request.getfixturevalue("mongodb_url")
        return url
    return f"sqlite:///{tmp_path / 'crossbar.db'}"


@pytest.fixture
def overrides() -> dict[str, Any]:
    """Settings that a test module or test changes, by overriding this fixture."""
    return {}


@pytest.fixture
def settings(storage_url: str, overrides: dict[str, Any]) -> Settings:
    return Settings.load(None, {}, {"storage.url": storage_url, **QUICK, **overrides})


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def switch() -> Switch:
    """The switch that the gateway is connected to."""
    return NoSwitch()


class GatewayServer(BaseTestServer):
    """The gateway on a loopback port, as the command line would run it."""

    def __init__(self, gateway: Gateway) -> None:
        super().__init__()
        self._gateway = gateway

    async def _make_runner(self, **_: Any) -> web.ServerRunner:
        settings = self._gateway.services.settings
        return web.ServerRunner(web_server(settings, handler_of(self._gateway)))


@asynccontextmanager
async def running_api(
    settings: Settings,
    clock: FixedClock,
    master: Master | None = None,
    switch: Switch | None = None,
    token: str = "",
) -> AsyncIterator[Api]:
    """A running gateway and a client with its admin user's token.

    On a store that has a master account already, ``master`` says which; who has no ``token`` of
    its administrator logs in.
    """
    async with open_gateway(settings, clock=clock, switch=switch) as gateway, gateway.working():
        client: TestClient[Any, Any] = TestClient(GatewayServer(gateway))
        async with client:
            master = master or await create_master(gateway.services, password=PASSWORD)
            api = Api(client, gateway, clock, master)
            api.token = token or await api.login(master.username, PASSWORD, master.account_name)
            try:
                yield api
            finally:
                gateway.services.feed.end()  # or streams that say nothing are waited for


async def _fill(url: str) -> tuple[Master, str]:
    settings = Settings.load(None, {}, {"storage.url": url, **QUICK})
    async with running_api(settings, FixedClock(NOW)) as api:
        return api.master, api.token


@pytest.fixture(scope="session")
def seeds(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Seeds:
    """What stores are filled with before a test, for all tests of this process."""
    folder = tmp_path_factory.mktemp("seeds")
    return Seeds(folder, lambda: request.getfixturevalue("mongo_server"), _fill)


@pytest.fixture
async def api(
    settings: Settings, clock: FixedClock, switch: Switch, seeds: Seeds
) -> AsyncIterator[Api]:
    """A running gateway on a store with a master account; see :func:`running_api`."""
    seed = await seeds.plant(settings.storage.url)
    async with running_api(settings, clock, seed.master, switch, seed.token) as api:
        yield api
