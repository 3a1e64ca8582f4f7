"""An agent is rung by one switch at a time: the one that holds it, as the store says.

A hold is a document. It is taken before an agent is rung and given up when the call is over; what
a switch holds that has no lease, others may take.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from contextlib import suppress
from typing import Protocol

from crossbar.core.directory import OWNER
from crossbar.core.live import REGISTRATION, alive
from crossbar.core.services import Services
from crossbar.documents import Document, next_revision
from crossbar.errors import Conflict, NoSuchDocument
from crossbar.families.accounts import AGENT_HOLD_TYPE
from crossbar.storage import SYSTEM, Batch, Entry, Key, Put, Remove, Span
from crossbar.switch.leases import Lease

SWITCH = "switch"
"""The entry by which a switch finds what it holds."""

AgentKey = tuple[str, str]
"""The account and the id of an agent."""


class Holds(Protocol):
    """Who may be rung here."""

    async def take(self, agent: AgentKey) -> bool:
        """Hold an agent, unless another switch does, or the phones are registered there."""
        ...

    async def keep(self, agents: Collection[AgentKey]) -> None:
        """Hold these on, and give up all others."""
        ...


class NoOthers:
    """There is one switch, which may ring everybody."""

    async def take(self, agent: AgentKey) -> bool:
        """See :class:`Holds`."""
        return True

    async def keep(self, agents: Collection[AgentKey]) -> None:
        """See :class:`Holds`."""


class StoredHolds:
    """Holds of the switch that has the ``lease``."""

    def __init__(self, services: Services, lease: Lease) -> None:
        self._services = services
        self._lease = lease
        self._held: dict[AgentKey, str] = {}
        """What is held, and the revision of the document that says so."""

    async def begin(self) -> None:
        """Know what is left of a switch of this name that was killed."""
        await self._lease.hold()
        entry = Entry(SWITCH, self._lease.name)
        span = Span(account_id=SYSTEM, doc_type=AGENT_HOLD_TYPE, entry=entry)
        async for row in self._services.store.scan(span):
            document = row.document
            agent = (document["pvt_account_id"], document["agent_id"])
            self._held[agent] = document["_rev"]

    async def take(self, agent: AgentKey) -> bool:
        """See :class:`Holds`."""
        await self._lease.hold()
        before = await self._services.store.get(_key(agent))
        if before is not None and await self._lease.others([before[SWITCH]]):
            return False
        if await self._is_elsewhere(agent):
            return False
        put = self._put(agent, before)
        try:
            await self._services.commit(Batch(puts=[put]))
        except (Conflict, NoSuchDocument):  # another switch was quicker; the account is gone
            return False
        self._held[agent] = put.document["_rev"]
        return True

    async def keep(self, agents: Collection[AgentKey]) -> None:
        """See :class:`Holds`."""
        for agent in [each for each in self._held if each not in agents]:
            with suppress(Conflict):  # it was lost with the lease
                remove = Remove(_key(agent), self._held[agent])
                await self._services.commit(Batch(removes=[remove]))
            del self._held[agent]

    async def _is_elsewhere(self, agent: AgentKey) -> bool:
        """Whether the phones of an agent are registered, but none of them here."""
        account_id, agent_id = agent
        owned = alive(self._services, REGISTRATION, account_id, Entry("owner", agent_id))
        switches = {str(each.get("media_server", "")) async for each in owned}
        if not switches or self._lease.name in switches:
            return False
        return bool(await self._lease.others(switches))

    def _put(self, agent: AgentKey, before: Document | None) -> Put:
        key, (account_id, agent_id) = _key(agent), agent
        expected = before["_rev"] if before else None
        document = {
            "_id": key.doc_id,
            "_rev": next_revision(expected),
            "pvt_type": key.doc_type,
            "pvt_account_id": account_id,
            "agent_id": agent_id,
            SWITCH: self._lease.name,
        }
        entries = (Entry(OWNER, account_id), Entry(SWITCH, self._lease.name))
        return Put(key, document, expected, entries=entries)


def _key(agent: AgentKey) -> Key:
    digest = hashlib.sha256("/".join(agent).encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return Key(SYSTEM, AGENT_HOLD_TYPE, f"{AGENT_HOLD_TYPE}-{digest}")
