"""Logins wait in lines of their clients, not for ever, and not for each other's hashes."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from aiohttp import ClientSession, TCPConnector

from crossbar.errors import Busy
from tests.conftest import PASSWORD, Api, credentials
from tests.families.support import ANN

GUESSERS = [f"192.0.2.{number}" for number in range(1, 11)]
GOOD = "198.51.100.1"
MASTER = credentials("admin", PASSWORD, "Master")


class Crowd:
    """Many clients at once, and a note of what is verified, in order."""

    def __init__(self, api: Api, session: ClientSession) -> None:
        self.api = api
        self.session = session
        self.verified: list[str] = []
        self.queue = api.gateway.identity.passwords._queue
        self.held = AsyncExitStack()

    async def hold(self) -> None:
        """Take all turns, until they are let go."""
        for _ in range(self.api.gateway.services.settings.passwords.concurrency):
            await self.held.enter_async_context(self.queue.turn())

    async def log_in(self, sent: dict[str, Any], address: str) -> tuple[int, str | None]:
        headers = {"X-Forwarded-For": address}
        url = self.api.client.make_url("/v2/user_auth")
        async with self.session.put(url, json={"data": sent}, headers=headers) as response:
            await response.read()
            return response.status, response.headers.get("Retry-After")

    def waiting(self) -> int:
        return len(list(self.queue._everybody()))


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not is_so():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.fixture
async def crowd(api: Api, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Crowd]:
    async with ClientSession(connector=TCPConnector(limit=0)) as session:
        crowd = Crowd(api, session)
        passwords = api.gateway.identity.passwords
        verify = passwords.verify

        async def noted(text: str, hashed: str | None) -> bool:
            crowd.verified.append(text)
            return await verify(text, hashed)

        monkeypatch.setattr(passwords, "verify", noted)
        yield crowd
        await crowd.held.aclose()


def wrong(number: int) -> dict[str, str]:
    return MASTER | {"credentials": f"{number:032x}"}


def start(crowd: Crowd, number: int) -> list[asyncio.Task[tuple[int, str | None]]]:
    return [
        asyncio.create_task(crowd.log_in(wrong(each), GUESSERS[each % len(GUESSERS)]))
        for each in range(number)
    ]


async def test_a_good_login_waits_for_one_hash_of_each_guesser_at_most(crowd: Crowd) -> None:
    await crowd.hold()
    bad = start(crowd, 200)
    await until(lambda: crowd.waiting() + sum(each.done() for each in bad) == 200)
    assert crowd.waiting() == 100, "the queue is bounded"
    refused = [each.result() for each in bad if each.done()]
    assert set(refused) == {(503, "1")}
    assert crowd.verified == [], "they were refused before any effort"
    good = asyncio.create_task(crowd.log_in(MASTER, GOOD))
    await until(lambda: sum(each.done() for each in bad) == 101)  # one gave way
    await crowd.held.aclose()
    assert (await good)[0] == 201
    before = crowd.verified.index(MASTER["credentials"])
    assert before <= len(GUESSERS) + 1
    await asyncio.gather(*bad)
    assert {each.result()[0] for each in bad} == {401, 429, 503}
    assert len(crowd.verified) == 100


async def test_who_is_gone_while_waiting_costs_no_hash(crowd: Crowd) -> None:
    await crowd.hold()
    bad = start(crowd, 20)
    await until(lambda: crowd.waiting() == 20)
    gone, left = bad[:15], bad[15:]
    for each in gone:
        each.cancel()
    await asyncio.gather(*gone, return_exceptions=True)
    await until(lambda: sum(not each.is_wanted for _, each in crowd.queue._everybody()) == 15)
    await crowd.held.aclose()
    assert {status for status, _ in await asyncio.gather(*left)} == {401}
    assert len(crowd.verified) == 5


class TestWithASmallQueue:
    @pytest.fixture
    def overrides(self) -> dict[str, Any]:
        return {"passwords.queue": 2, "passwords.concurrency": 1}

    async def test_those_who_are_gone_make_room(self, crowd: Crowd) -> None:
        await crowd.hold()
        bad = start(crowd, 2)
        await until(lambda: crowd.waiting() == 2)
        assert (await crowd.log_in(wrong(3), GUESSERS[5]))[0] == 503
        bad[0].cancel()
        await asyncio.gather(bad[0], return_exceptions=True)
        await until(lambda: any(not each.is_wanted for _, each in crowd.queue._everybody()))
        good = asyncio.create_task(crowd.log_in(MASTER, GOOD))
        await until(lambda: all(each.is_wanted for _, each in crowd.queue._everybody()))
        await crowd.held.aclose()
        assert (await good)[0] == 201
        assert (await bad[1])[0] == 401

    async def test_everything_that_hashes_is_bounded(self, crowd: Crowd) -> None:
        api = crowd.api
        await crowd.hold()
        bad = start(crowd, 2)
        await until(lambda: crowd.waiting() == 2)
        text = base64.b64encode(f"{api.master.account_id}:wrong".encode()).decode()
        elsewhere = {"X-Forwarded-For": GUESSERS[7]}
        headers = {"Authorization": f"Basic {text}"} | elsewhere
        for answer in (
            await api.get(api.account, token="", headers=headers),
            await api.put(f"{api.account}/users", ANN, headers=elsewhere),
            await api.patch(api.account, {"password": "another"}, headers=elsewhere),
        ):
            assert answer.expect(503).headers["Retry-After"] == "1"
        await crowd.held.aclose()
        await asyncio.gather(*bad)
        (await api.put(f"{api.account}/users", ANN)).expect(201)

    async def test_a_login_succeeds_though_its_hash_cannot_be_renewed(
        self, crowd: Crowd, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        passwords = crowd.api.gateway.identity.passwords
        crowded: list[str] = []

        async def no_place(text: str) -> str:
            crowded.append(text)
            raise Busy

        monkeypatch.setattr(passwords, "needs_update", lambda hashed: True)
        monkeypatch.setattr(passwords, "hash", no_place)
        assert (await crowd.log_in(MASTER, GOOD))[0] == 201
        assert crowded == [MASTER["credentials"]]
