"""What other switches of the store tell of agents: what they do there counts here as well."""

from __future__ import annotations

from collections.abc import Callable

from crossbar.core.telling import HAPPENING
from crossbar.storage import Event
from crossbar.switch.acd.agents import Agents
from crossbar.switch.leases import MEDIA_SERVER


class Colleagues:
    """Follows the event log for the agents of the switch of this ``name``.

    ``missed`` is called when events were lost.
    """

    def __init__(self, agents: Agents, name: str, missed: Callable[[], None]) -> None:
        self._agents = agents
        self._name = name
        self._missed = missed

    def notice(self, event: Event) -> None:
        """An agent does something else."""
        if event.key.doc_type != HAPPENING or event.action != "agent_status":
            return
        if event.summary.get(MEDIA_SERVER, self._name) != self._name:
            self._agents.follow(event.key.account_id, event.summary)

    def forget(self) -> None:
        """Events may have been missed."""
        self._missed()
