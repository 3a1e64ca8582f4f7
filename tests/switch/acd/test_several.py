"""Several switches on one store: each knows what agents do, and one at a time rings them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest

from crossbar.app import open_gateway
from crossbar.core.services import Services
from crossbar.families.accounts import AGENT_HOLD_TYPE
from crossbar.storage import SYSTEM, Span
from crossbar.switch.acd import CallCenter, Status
from crossbar.switch.asterisk.telling import Teller
from crossbar.switch.leases import LEASE, MEDIA_SERVER, Lease
from tests.conftest import Api
from tests.contract.conftest import on_any_store
from tests.families.support import make
from tests.switch.acd.support import Hall, ScriptedVoice
from tests.switch.asterisk.phones import until

pytestmark = on_any_store

ONE, TWO = "one", "two"


@dataclass(eq=False)
class Beside(Hall):
    """The queues of a switch, with the store open by itself. Its callers hear nothing."""

    services: Services = field(kw_only=True)
    name: str = field(kw_only=True)
    queue_id: str = field(kw_only=True)

    def __post_init__(self) -> None:
        self.teller = Teller(self.services)
        self.teller.source = self.name
        lease = Lease(self.services, self.name)
        self.center = CallCenter(self.services, self.teller.tell, lease, _not_done, _not_lit)
        self.distributor = self.center.distributor
        self.agents = self.distributor.agents
        self.tasks: list[asyncio.Task[Any]] = []

    async def start(self) -> None:
        """Begin to work, and know what was before."""
        await self.center.begin()
        works = (self.distributor.work(), self.teller.work())
        self.tasks = [asyncio.create_task(work) for work in works]

    async def kill(self) -> None:
        """Stop at once."""
        tasks = [*self.tasks, *(voice.result for voice in self.voices if voice.result)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def called_by(self, call_id: str) -> ScriptedVoice:
        """Somebody calls the queue in this switch."""
        return await self.caller(call_id, queue_id=self.queue_id)

    def order(self, agent_id: str, order: str, pause: int = 0) -> None:
        """Tell an agent what to do."""
        self.agents.order(self.account_id, agent_id, order, pause)

    async def knows(self, agent_id: str, status: str) -> None:
        """Wait until an agent does this, as this switch knows."""
        await until(lambda: self.status(agent_id) == status, lambda: self.status(agent_id))

    def status(self, agent_id: str) -> str:
        """What an agent does, as this switch knows."""
        agent = self.agents.find(self.account_id, agent_id)
        return agent.status.value if agent else Status.LOGGED_OUT.value

    async def rings(self, agent_id: str) -> None:
        """Wait until an agent is rung."""
        await until(lambda: self.rung() == [agent_id])


def _not_done(work: Coroutine[Any, Any, None]) -> None:
    work.close()


def _not_lit(account_id: str, name: str, state: str) -> None:
    """There are no phones."""


@dataclass
class Site:
    """Two switches, and an agent of a queue that both serve."""

    api: Api
    switches: tuple[Beside, Beside]
    agent_id: str
    queue_id: str

    def switch(self, services: Services, name: str) -> Beside:
        """A switch on this store."""
        account_id = self.api.master.account_id
        queue_id = self.queue_id
        return Beside(self.api.clock, account_id, services=services, name=name, queue_id=queue_id)

    async def holds(self) -> list[str]:
        """Which switches hold an agent."""
        span = Span(account_id=SYSTEM, doc_type=AGENT_HOLD_TYPE)
        store = self.api.gateway.services.store
        return [row.document["switch"] async for row in store.scan(span)]

    async def are_free(self) -> None:
        """Wait until no agent is held."""
        while await self.holds():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


@pytest.fixture
async def site(api: Api) -> AsyncIterator[Site]:
    services = api.gateway.services
    queue_id = await make(api, "queues")
    user = {"first_name": "Ben", "last_name": "Lee", "queues": [queue_id]}
    agent_id = await make(api, "users", **user)
    async with AsyncExitStack() as stack:
        beside = await stack.enter_async_context(open_gateway(services.settings, clock=api.clock))
        opened = Site(api, (), agent_id, queue_id)  # type: ignore[arg-type]
        one, two = opened.switch(services, ONE), opened.switch(beside.services, TWO)
        opened.switches = (one, two)
        for each in opened.switches:
            stack.push_async_callback(each.kill)
            await each.start()
        one.order(agent_id, "login")
        await two.knows(agent_id, "ready")
        yield opened


async def test_an_agent_is_rung_by_one_switch_at_a_time(site: Site) -> None:
    for turn in range(3):
        await site.are_free()
        async with asyncio.timeout(10):
            voices = [await each.called_by(f"c{turn}") for each in site.switches]
        await until(lambda: any(each.bells for each in site.switches))
        for each in site.switches:
            each.distributor.wake()
        first = next(each for each in site.switches if each.bells)
        other = next(each for each in site.switches if each is not first)
        await other.knows(site.agent_id, "connecting")
        assert (first.rung(), other.rung()) == ([site.agent_id], [])
        assert await site.holds() == [first.name]
        await first.answers(site.agent_id)
        await other.knows(site.agent_id, "connected")
        voices[site.switches.index(first)].end()
        await other.rings(site.agent_id)
        assert first.rung() == []
        await other.answers(site.agent_id)
        voices[site.switches.index(other)].end()
        await first.knows(site.agent_id, "ready")


async def test_many_callers_in_both_have_all_agents_and_none_twice(site: Site) -> None:
    more = [
        await make(site.api, "users", first_name=name, last_name="Lee", queues=[site.queue_id])
        for name in ("Carl", "Dora", "Emil")
    ]
    one, two = site.switches
    for agent_id in more:
        one.order(agent_id, "login")
    for agent_id in more:
        await two.knows(agent_id, "ready")
    for turn in range(4):
        await asyncio.gather(*(each.called_by(f"c{turn}") for each in site.switches))
    await until(lambda: len(one.bells) + len(two.bells) == 4)
    assert sorted(one.rung() + two.rung()) == sorted([site.agent_id, *more])
    assert len(await site.holds()) == 4


async def test_what_a_killed_switch_had_goes_on_in_another(site: Site) -> None:
    one, two = site.switches
    await two.called_by("c1")
    await two.rings(site.agent_id)
    await one.knows(site.agent_id, "connecting")
    await two.kill()
    await one.called_by("c2")
    site.api.clock.advance(LEASE - 1)
    await one.center.look()
    assert one.status(site.agent_id) == "connecting"
    site.api.clock.advance(1)
    await one.center.look()
    await one.rings(site.agent_id)
    assert await site.holds() == [ONE]


async def test_a_switch_that_is_started_anew_gives_up_whom_it_rang(site: Site) -> None:
    one, two = site.switches
    await two.called_by("c1")
    await two.rings(site.agent_id)
    await one.knows(site.agent_id, "connecting")
    await two.kill()
    anew = site.switch(two.services, TWO)
    await anew.start()
    try:
        assert anew.status(site.agent_id) == "connecting"
        anew.distributor.settle()
        await one.knows(site.agent_id, "ready")
        await site.are_free()
    finally:
        await anew.kill()


async def test_orders_hold_wherever_they_are_given(site: Site) -> None:
    one, two = site.switches
    two.order(site.agent_id, "pause", 600)
    await one.knows(site.agent_id, "paused")
    one.order(site.agent_id, "resume")
    await two.knows(site.agent_id, "ready")
    voice = await two.called_by("c1")
    await two.rings(site.agent_id)
    await two.answers(site.agent_id)
    await one.knows(site.agent_id, "connected")
    one.order(site.agent_id, "pause")
    voice.end()
    await two.knows(site.agent_id, "paused")
    one.order(site.agent_id, "resume")
    await two.knows(site.agent_id, "ready")
    voice = await two.called_by("c2")
    await two.rings(site.agent_id)
    await two.answers(site.agent_id)
    await one.knows(site.agent_id, "connected")
    one.order(site.agent_id, "logout")
    agent = two.agents.find(two.account_id, site.agent_id)
    await until(lambda: agent is not None and agent.afterwards is Status.LOGGED_OUT)
    voice.end()
    for each in site.switches:
        await each.knows(site.agent_id, "logged_out")
    assert await two.called_by("c3") is not None
    assert two.rung() == []


async def test_a_pause_is_over_though_its_switch_is_gone(site: Site) -> None:
    one, two = site.switches
    two.order(site.agent_id, "pause", 2 * LEASE)
    await one.knows(site.agent_id, "paused")
    await two.kill()
    site.api.clock.advance(2 * LEASE - 1)
    await one.center.look()
    assert one.status(site.agent_id) == "paused"
    site.api.clock.advance(1)
    await one.center.look()
    assert one.status(site.agent_id) == "ready"


async def test_an_agent_is_rung_where_the_phone_is_registered(site: Site) -> None:
    one, two = site.switches
    sip = {"username": "ben", "password": "a long secret"}
    await make(site.api, "devices", name="Ben", owner_id=site.agent_id, sip=sip)
    phone = {"username": "ben", "contact": "sip:ben@192.0.2.7", "expires": 3600}
    two.teller.tell("register", two.account_id, {**phone, MEDIA_SERVER: TWO})
    await two.teller.settled()
    await one.called_by("c1")
    await two.called_by("c2")
    await two.rings(site.agent_id)
    assert one.rung() == []
    two.voices[0].hang_up()
    await site.are_free()
    await two.knows(site.agent_id, "ready")
    one.teller.tell("register", one.account_id, {**phone, MEDIA_SERVER: ONE})
    await one.rings(site.agent_id)


async def test_who_missed_events_reads_what_agents_do(site: Site) -> None:
    one, two = site.switches
    two.order(site.agent_id, "pause")
    await two.teller.settled()
    [colleagues] = [each for each in one.center.followers if each is not one.center.rosters]
    one.agents.dismiss(one.agents.find(one.account_id, site.agent_id) or pytest.fail("gone"))
    asked: list[Coroutine[Any, Any, None]] = []
    one.center._begin = asked.append
    colleagues.forget()
    [again] = asked
    await again
    assert one.status(site.agent_id) == "paused"
