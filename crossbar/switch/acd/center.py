"""The queues of a switch as a whole: who waits and who answers, and what documents say of both."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from crossbar.core.jobs import asked
from crossbar.core.services import Services
from crossbar.documents import Document
from crossbar.events import Subscriber
from crossbar.storage import Batch
from crossbar.switch.acd.agents import Tell
from crossbar.switch.acd.colleagues import Colleagues
from crossbar.switch.acd.distributor import Distributor
from crossbar.switch.acd.holds import StoredHolds
from crossbar.switch.acd.restoring import follow_agents, restore_agents
from crossbar.switch.acd.rosters import Rosters
from crossbar.switch.executor import REPORT
from crossbar.switch.leases import MEDIA_SERVER, Lease

LOOK = 5.0
"""Seconds between looks at whether the switches are there whose agents one knows."""


class CallCenter:
    """The distributor of a switch.

    ``lease`` is that of the switch, ``begin`` has something done beside calls, and ``light`` shows
    an account's lamp in a state.
    """

    def __init__(
        self,
        services: Services,
        tell: Tell,
        lease: Lease,
        begin: Callable[[Coroutine[Any, Any, None]], None],
        light: Callable[[str, str, str], None],
    ) -> None:
        self._services = services
        self._begin = begin
        self._tell_gateway = tell
        self._light = light
        self._lease = lease
        self.holds = StoredHolds(services, lease)
        self.rosters = Rosters(services, self._look_again, self._log_out)
        self.distributor = Distributor(
            self._tell,
            self.rosters.find,
            services.clock,
            source=lease.name,
            report=self._report,
            holds=self.holds,
        )
        agents = self.distributor.agents
        colleagues = Colleagues(agents, lease.name, self._ask_again)
        self.followers: Sequence[Subscriber] = (self.rosters, colleagues)

    async def begin(self) -> None:
        """Know what the agents did last, before anything else happens, and what they do next."""
        for follower in self.followers:
            self._services.events.subscribe(follower)
        await restore_agents(self._services, self.distributor)
        await self.holds.begin()

    async def work(self) -> None:
        """Have agents go on whose switch is gone, for ever."""
        while True:
            await asyncio.sleep(LOOK)
            await self.look()

    async def look(self) -> None:
        """Have agents go on now whose switch is gone."""
        agents = self.distributor.agents
        if names := agents.elsewhere():
            agents.inherit(await self._lease.others(names), self._services.clock.gregorian())

    def _ask_again(self) -> None:
        """What other switches tell was not heard."""
        self._begin(follow_agents(self._services, self.distributor))

    def _tell(self, type: str, account_id: str, facts: Document) -> None:
        """Tell an event; phones that watch a lamp are shown what is told of it."""
        if type == "agent":
            facts = {**facts, MEDIA_SERVER: self._lease.name}
        self._tell_gateway(type, account_id, facts)
        if type == "presence":
            self._light(account_id, facts["presence_id"], facts["state"])

    def show(self, account_id: str, presence_id: str, state: str) -> None:
        """Have a lamp show ``terminated``, ``early`` or ``confirmed``."""
        self._tell("presence", account_id, {"presence_id": presence_id, "state": state})

    def _look_again(self) -> None:
        """Who answers which queue has changed."""
        self.distributor.wake()

    def _log_out(self, account_id: str, user_id: str) -> None:
        """A user is not there any more."""
        if self.distributor.agents.find(account_id, user_id):
            self.distributor.agents.order(account_id, user_id, "logout")

    def _report(self, about: Document) -> None:
        """Have a server told of a call, however long that takes."""
        self._begin(self._ask(about))

    async def _ask(self, about: Document) -> None:
        put = asked(self._services.clock, REPORT, about)
        await self._services.commit(Batch(puts=[put]))
