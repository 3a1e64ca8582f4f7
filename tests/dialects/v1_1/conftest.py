"""What tests of v1.1 share: a client of a team, its pages, and the agents that watch them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from aiohttp.test_utils import TestClient

from crossbar.core.directory import Account, account_key
from crossbar.storage import Batch, Event, Put
from tests.conftest import Api

CHROME = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_13_3) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/65.0.3325.181 Safari/537.36"
)
PUBLIC_URL = "http://watch.example.com"
ORIGIN = "https://shop.example.com"


@dataclass(frozen=True)
class Told:
    """A response, read."""

    status: int
    headers: Any
    text: str

    @property
    def body(self) -> Any:
        """The JSON of the answer."""
        assert self.headers["Content-Type"] == "application/json; charset=utf-8"
        return orjson.loads(self.text)

    def expect(self, status: int) -> Told:
        """This answer, if it has the status."""
        assert self.status == status, (self.status, self.text)
        return self

    def refused(self, status: int, error: str) -> Told:
        """This answer, if it is that refusal and says no more."""
        wanted = {"status": "error", "error": error}
        told = {name: value for name, value in self.body.items() if name != "fields"}
        assert (self.status, told) == (status, wanted), self.text
        return self


@dataclass
class Page:
    """A visitor's page, connected."""

    team: Team
    short_id: str
    secret: str
    connection_id: str

    async def send(self, method: str, path: str, body: Any = None) -> Told:
        headers = {
            "X-Public-Key": self.team.public_key,
            "X-Connection-Secret": self.secret,
            "User-Agent": CHROME,
        }
        return await self.team.request(method, path, body, headers)

    async def beat(self, **sent: Any) -> Any:
        path = f"/ext/visitors/{self.short_id}/heartbeat.json"
        return (await self.send("POST", path, sent)).expect(200).body["session"]

    async def event(self, number: int, kind: str, **more: Any) -> Told:
        return await self.send("POST", f"/ext/sessions/{number}/events", {"type": kind, **more})

    async def hang_up(self) -> None:
        (await self.send("DELETE", f"/ext/visitors/{self.short_id}/connection")).expect(200)

    async def start(self) -> int:
        """Let the session begin that waits; its number."""
        session = await self.beat()
        (await self.event(session["id"], "start")).expect(200)
        number: int = session["id"]
        return number


@dataclass
class Team:
    """An account with a key, and visitors."""

    api: Api
    client: TestClient[Any, Any]
    account_id: str
    key: str

    @property
    def public_key(self) -> str:
        return f"pk_{self.account_id}"

    async def request(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Told:
        self.client.session.cookie_jar.clear()
        data = (
            body if isinstance(body, bytes) else orjson.dumps(body) if body is not None else None
        )
        async with self.client.request(
            method, f"/v1.1{path}", data=data, headers=headers or {}, allow_redirects=False
        ) as response:
            return Told(response.status, response.headers, await response.text())

    async def send(self, method: str, path: str, body: Any = None) -> Told:
        """A request with the secret key."""
        return await self.request(method, path, body, {"X-Api-Key": self.key})

    async def get(self, path: str) -> Told:
        return await self.send("GET", path)

    async def connect(self, **sent: Any) -> Page:
        headers = {"X-Public-Key": self.public_key, "User-Agent": CHROME}
        body = (await self.request("POST", "/ext/visitors", sent, headers)).expect(201).body
        return Page(self, body["visitor"]["short_id"], body["secret"], body["connection_id"])

    async def visitor(self, short_id: str) -> Any:
        return (await self.get(f"/visitors/{short_id}.json")).expect(200).body["visitor"]

    async def usage(self) -> Any:
        return (await self.get("/usage.json")).expect(200).body["usage"]

    async def wish(self, short_id: str, agent: str = "42", **more: Any) -> Told:
        body = {"agent": {"id": agent, "name": f"Agent {agent}"}, **more}
        return await self.send("POST", f"/visitors/{short_id}/watch_url.json", body)

    async def link(self, short_id: str, agent: str = "42", **more: Any) -> str:
        """The path of a link, with its token."""
        url = (await self.wish(short_id, agent, **more)).expect(200).body["watch_url"]
        assert url.startswith(f"{PUBLIC_URL}/v1.1/watch?")
        return str(url.removeprefix(f"{PUBLIC_URL}/v1.1"))

    async def open(self, short_id: str, agent: str = "42", **more: Any) -> tuple[str, str]:
        """A link made and opened: the path of its page, and its browser's cookie."""
        answer = (await self.request("GET", await self.link(short_id, agent, **more))).expect(303)
        target = answer.headers["Location"].removeprefix(f"{PUBLIC_URL}/v1.1")
        return target, answer.headers["Set-Cookie"].partition(";")[0]

    async def set_private(self, **fields: Any) -> None:
        """Change private fields of the account, as an operator does."""
        services, key = self.api.gateway.services, account_key(self.account_id)
        before = await services.store.get(key)
        assert before is not None
        after = {**before, **fields, "_rev": f"{before['_rev']}0"}
        event = Event("changed", key, after["_rev"], services.clock.gregorian(), {})
        await services.commit(Batch(puts=(Put(key, after, before["_rev"]),), events=(event,)))

    async def plan(self, **facts: Any) -> None:
        """Give the account a plan of its own."""
        await self.set_private(pvt_dialects={"v1_1": facts})


async def account_of(api: Api, account_id: str) -> Account:
    account = await api.gateway.services.accounts.get(account_id, anew=True)
    assert account is not None
    return account


async def new_team(api: Api, name: str) -> Team:
    """An account below the master account, with a key and pages that may report."""
    account_id = await api.create_account(name)
    account = await account_of(api, account_id)
    _, key = await api.gateway.identity.keys.create(account, dialect="v1_1", name="Team")
    settings = {"enabled": True, "origins": [ORIGIN]}
    (await api.post(f"/v2/accounts/{account_id}/visitor_settings", settings)).expect(200)
    return Team(api, api.client, account_id, key)


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"visitors.public_url": PUBLIC_URL}


@pytest.fixture
async def team(api: Api) -> Team:
    """A team; see :func:`new_team`."""
    return await new_team(api, "Shop")
