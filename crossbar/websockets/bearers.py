"""Whose token a connection was opened with, and whether it still is one."""

from __future__ import annotations

import time
from typing import NamedTuple

from crossbar.core.requests import Caller
from crossbar.errors import CrossbarError, TooManyRequests
from crossbar.identity.gate import Gate, Presented

TICK = 5.0
"""Seconds after which tokens are looked at again while nothing happens."""

TRUSTED = 1.0
"""Seconds that a key that was accepted is not looked at again; tokens always are."""


class _Accepted(NamedTuple):
    caller: Caller
    at: float


class Bearers:
    """The callers of one connection, which may last longer than what let it in."""

    def __init__(self, gate: Gate, address: str) -> None:
        self._gate = gate
        self._address = address
        self._accepted: dict[str, _Accepted] = {}

    async def of(self, token: str) -> Caller | None:
        """Whose token it is, if it is one now."""
        if (caller := self._gate.recall(token)) is not None:
            return caller
        known = self._accepted.get(token)
        if known is not None and known.at > time.monotonic() - TRUSTED:
            return known.caller
        presented = Presented(dialect="v2", token=token, address=self._address)
        try:
            caller = await self._gate.authenticate(presented)
        except TooManyRequests:  # a key that is good, and used too often for more than this
            caller = known.caller if known else None
        except CrossbarError:
            caller = None
        self.note(token, caller)
        return caller

    def note(self, token: str, caller: Caller | None) -> None:
        """Keep whose token it is, as was just found out; tokens of logins are kept by the gate."""
        self._accepted.pop(token, None)
        if caller is not None and caller.token is None:
            self._accepted[token] = _Accepted(caller, time.monotonic())
