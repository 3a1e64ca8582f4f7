"""The seam to a live telephone switch: what the API tells it and asks of it.

Families reach a switch only through :class:`Switch`. There is none inside the gateway: the
default, :class:`NoSwitch`, takes what it is told, knows nothing when it is asked, and refuses what
would have to be done now.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple, Protocol

import structlog

from crossbar.documents import Document
from crossbar.errors import SwitchUnavailable

log = structlog.get_logger(__name__)

REMEMBERED = 1000
"""Commands that :class:`NoSwitch` keeps, so that an operator can see what would have been done."""


class Command(NamedTuple):
    """Something for the switch: ``name`` says what (``devices.sync``), ``data`` with what."""

    name: str
    account_id: str
    data: Document


class Switch(Protocol):
    """A telephone switch, or many of them."""

    async def tell(self, command: Command) -> None:
        """Pass a command on, without waiting for what comes of it."""
        ...

    async def ask(self, command: Command) -> list[Document]:
        """What those who know have answered in time; empty when nobody has."""
        ...

    async def order(self, command: Command, timeout: float) -> Document:
        """Have something done and wait, at most ``timeout`` seconds, for what came of it.

        Raises :class:`~crossbar.errors.SwitchUnavailable` where nobody could do it, and
        :class:`~crossbar.errors.SwitchTimedOut`.
        """
        ...


class NoSwitch:
    """What stands in while no switch is connected. ``told`` are the latest commands."""

    def __init__(self) -> None:
        self.told: deque[Command] = deque(maxlen=REMEMBERED)

    async def tell(self, command: Command) -> None:
        """Remember the command."""
        self.told.append(command)
        log.debug("no_switch", command=command.name, account_id=command.account_id)

    async def ask(self, command: Command) -> list[Document]:
        """Nothing: nobody is there to know."""
        return []

    async def order(self, command: Command, timeout: float) -> Document:
        """Refused at once: waiting would not help."""
        raise SwitchUnavailable
