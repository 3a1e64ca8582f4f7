"""Who makes a request: the one credential that came with it, whichever kind that is."""

from __future__ import annotations

from crossbar.clock import Clock
from crossbar.core.requests import Caller
from crossbar.errors import InvalidCredentials
from crossbar.identity.basic import Basic
from crossbar.identity.credentials import Identity
from crossbar.values import valueclass


@valueclass
class Presented:
    """The credentials that came with a request, unverified; ``dialect`` is the one it speaks."""

    dialect: str
    token: str | None = None
    basic: str | None = None
    account_id: str | None = None
    address: str = ""


class Gate:
    """Tells who calls. ``basic`` is ``None`` where Basic authentication is switched off."""

    def __init__(self, identity: Identity, clock: Clock, basic: Basic | None) -> None:
        self._identity = identity
        self._clock = clock
        self._basic = basic

    def recall(self, token: str) -> Caller | None:
        """Whose token it is, if it was verified before and nothing has changed since."""
        return self._identity.callers.recall(token, self._clock.precise())

    async def authenticate(self, presented: Presented) -> Caller | None:
        """The caller, or ``None``: a bad credential counts as none, so public paths still work.

        Raises :class:`TokenExpired` (on any path), :class:`TooManyRequests`.
        """
        try:
            if presented.token is not None:
                caller = await self._by_token(presented.token, presented)
            elif presented.basic is not None and self._basic is not None:
                caller = await self._basic.authenticate(presented.basic, presented.address)
            else:
                return None
        except InvalidCredentials:
            return None
        if presented.account_id is not None and presented.account_id != caller.account_id:
            return None
        return caller

    async def _by_token(self, token: str, presented: Presented) -> Caller:
        keys = self._identity.keys
        if kind := keys.kind_of(token, presented.dialect):
            return await keys.authenticate(token, kind, presented.address)
        return await self._identity.read_token(token)
