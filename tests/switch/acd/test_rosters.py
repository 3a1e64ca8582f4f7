"""Who answers which queue follows the documents of users."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from crossbar.core.live import AGENT, QUEUE_CALL, alive
from crossbar.switch.acd import CallCenter
from crossbar.switch.acd.restoring import open_calls, restore_agents
from crossbar.switch.asterisk.telling import Teller
from crossbar.switch.leases import Lease
from tests.conftest import Api
from tests.families.support import make


def center_of(api: Api) -> tuple[CallCenter, Teller]:
    services = api.gateway.services
    teller = Teller(services)
    center = CallCenter(services, teller.tell, Lease(services, teller.source), _not_done, _not_lit)
    services.events.subscribe(center.rosters)
    return center, teller


def _not_done(work: Coroutine[Any, Any, None]) -> None:
    work.close()


def _not_lit(account_id: str, name: str, state: str) -> None:
    """There are no phones."""


async def test_a_roster_follows_users(api: Api) -> None:
    center, _ = center_of(api)
    account_id = api.master.account_id
    queue_id = await make(api, "queues")
    assert await center.rosters.find(account_id, queue_id) == {}
    user_id = await make(api, "users", first_name="Ben", last_name="Lee", queues=[queue_id])
    off = await make(
        api, "users", first_name="Off", last_name="Lee", queues=[queue_id], enabled=False
    )
    assert list(await center.rosters.find(account_id, queue_id)) == [user_id]
    other = await api.create_account("Other")
    assert await center.rosters.find(other, queue_id) == {}
    (await api.post(f"{api.account}/queues/{queue_id}/roster", [off])).expect(200)
    assert await center.rosters.find(account_id, queue_id) == {}


async def test_a_user_who_is_deleted_is_on_duty_no_more(api: Api) -> None:
    center, _ = center_of(api)
    user_id = await make(api, "users", first_name="Ben", last_name="Lee", queues=["q"])
    agents = center.distributor.agents
    agents.order(api.master.account_id, user_id, "login")
    (await api.delete(f"{api.account}/users/{user_id}")).expect(200)
    assert agents.find(api.master.account_id, user_id) is None


async def test_agents_do_after_a_restart_what_they_did(api: Api) -> None:
    center, teller = center_of(api)
    account_id, services = api.master.account_id, api.gateway.services
    agents = center.distributor.agents
    for name, order, pause in (
        ("ready", "resume", 0),
        ("out", "logout", 0),
        ("break", "pause", 60),
        ("late", "pause", 10),
        ("away", "pause", 0),
    ):
        agents.order(account_id, name, "login")
        agents.order(account_id, name, order, pause)
    while teller._waiting:
        await teller._send()
    api.clock.advance(20)
    assert len([each async for each in alive(services, AGENT, account_id)]) == 5
    center, _ = center_of(api)
    await restore_agents(services, center.distributor)
    found = {name: center.distributor.agents.find(account_id, name) for name in NAMES}
    statuses = {name: agent.status.value for name, agent in found.items() if agent}
    assert statuses == {"ready": "ready", "break": "paused", "late": "paused", "away": "paused"}
    timers = {name: agent.timer is not None for name, agent in found.items() if agent}
    assert timers == {"ready": False, "break": True, "late": True, "away": False}
    for agent in found.values():
        if agent and agent.timer:
            agent.timer.cancel()


NAMES = ("ready", "out", "break", "late", "away")


async def test_a_call_is_open_until_it_is_over(api: Api) -> None:
    _, teller = center_of(api)
    services, account_id = api.gateway.services, api.master.account_id
    facts = {"call_id": "c1", "queue_id": "q", "entered_timestamp": api.clock.gregorian()}
    for status in ("waiting", "handled"):
        told = {**facts, "status": status, "media_server": teller.source}
        teller.tell("queue.call", account_id, told)
        await teller._send()
        [call] = await open_calls(services, teller.source)
        assert call["status"] == status
        assert await open_calls(services, "another") == []
    teller.tell("queue.call", account_id, {**facts, "status": "processed"})
    await teller._send()
    assert [each async for each in alive(services, QUEUE_CALL, account_id)] == []
