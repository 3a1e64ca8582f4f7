"""What the agents do, and who is in the queues, after the switch was replaced.

An agent goes on doing what it did. Who talks with an agent goes on talking; who waits comes back
into the queue, at the place that it had. Calls that are over meanwhile are told to be.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from crossbar.core.live import AGENT, QUEUE_CALL, span_of_live
from crossbar.core.services import Services
from crossbar.documents import Document
from crossbar.storage import Key
from crossbar.switch.acd.distributor import Distributor
from crossbar.switch.acd.members import Member, Who
from crossbar.switch.executor import Place
from crossbar.switch.leases import MEDIA_SERVER


class Running(NamedTuple):
    """A leg that runs. ``other`` is whom it talks with, ``owner_id`` whose it is."""

    account_id: str
    owner_id: str
    other: str = ""


async def restore_agents(services: Services, distributor: Distributor) -> None:
    """Know what the agents did last, before anything else happens."""
    now = services.clock.gregorian()
    for each in await _told_last(services):
        if each.get(MEDIA_SERVER, distributor.source) == distributor.source:
            distributor.agents.restore(each, now)
        else:
            distributor.agents.follow(each["pvt_account_id"], each)


async def follow_agents(services: Services, distributor: Distributor) -> None:
    """Know what other switches have told of agents, where that may not have been heard."""
    for each in await _told_last(services):
        if each.get(MEDIA_SERVER, distributor.source) != distributor.source:
            distributor.agents.follow(each["pvt_account_id"], each)


async def _told_last(services: Services) -> list[Document]:
    """What is stored of all agents, the longest first."""
    span = span_of_live(services.clock, AGENT)
    stored = [row.document async for row in services.store.scan(span)]
    return sorted(stored, key=lambda each: each["timestamp"])


async def open_calls(services: Services, source: str) -> list[Document]:
    """The calls in the queues of a switch, as the gateway knows them; the longest first."""
    span = span_of_live(services.clock, QUEUE_CALL)
    rows = [row.document async for row in services.store.scan(span)]
    found = [each for each in rows if each.get("media_server") == source]
    return sorted(found, key=lambda each: each["entered_timestamp"])


async def restore_calls(
    services: Services,
    distributor: Distributor,
    calls: list[Document],
    running: Mapping[str, Running],
) -> None:
    """Know again who talks with whom; those who wait are expected."""
    of_queues = {call["call_id"] for call in calls}
    for call_id, leg in running.items():
        if call_id not in of_queues and leg.other not in of_queues:
            distributor.agents.begin_call(leg.account_id, leg.owner_id, call_id)
    for call in calls:
        await _restore(services, distributor, call, running)
    distributor.settle()


async def _restore(
    services: Services, distributor: Distributor, call: Document, running: Mapping[str, Running]
) -> None:
    member = await _member(services, distributor, call)
    account_id, leg = call["pvt_account_id"], running.get(call["call_id"])
    peer = running.get(leg.other) if leg else None
    agent_id = call.get("agent_id") or (peer.owner_id if peer else "")
    agent = distributor.agents.find(account_id, agent_id)
    if call["status"] == "handled":
        distributor.resume(member, agent, leg.other if leg else "")
    elif leg is not None and leg.other and agent is not None:
        distributor.handle(member, agent)  # it was not told in time
        distributor.resume(member, agent, leg.other)
    elif leg is not None:
        distributor.expect(member)
    else:
        distributor.abandon(member, "member_hangup")


async def _member(services: Services, distributor: Distributor, call: Document) -> Member:
    account_id, queue_id = call["pvt_account_id"], call["queue_id"]
    queue = await services.store.get(Key(account_id, "queue", queue_id))
    who = Who(
        account_id=account_id,
        call_id=call["call_id"],
        name=call.get("caller_id_name", ""),
        number=call.get("caller_id_number", ""),
    )
    member = distributor.member(who, Place(queue_id=queue_id, queue=queue or {}, resumed=call))
    member.handled = call.get("handled_timestamp", 0)
    return member
