"""The queues of a switch as a whole: who waits and who answers, and what documents say of both."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from crossbar.core.jobs import asked
from crossbar.core.services import Services
from crossbar.documents import Document
from crossbar.storage import Batch
from crossbar.switch.acd.agents import Tell
from crossbar.switch.acd.distributor import Distributor
from crossbar.switch.acd.rosters import Rosters
from crossbar.switch.executor import REPORT


class CallCenter:
    """The distributor of a switch. ``rosters`` follows the events of the gateway.

    ``source`` is the name of the switch, ``begin`` has something done beside calls, and ``light``
    shows an account's lamp in a state.
    """

    def __init__(
        self,
        services: Services,
        tell: Tell,
        source: str,
        begin: Callable[[Coroutine[Any, Any, None]], None],
        light: Callable[[str, str, str], None],
    ) -> None:
        self._services = services
        self._begin = begin
        self._tell_gateway = tell
        self._light = light
        self.rosters = Rosters(services, self._look_again, self._log_out)
        self.distributor = Distributor(
            self._tell, self.rosters.find, services.clock, source=source, report=self._report
        )

    def _tell(self, type: str, account_id: str, facts: Document) -> None:
        """Tell an event; phones that watch a lamp are shown what is told of it."""
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
