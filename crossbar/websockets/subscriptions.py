"""What one connection is subscribed to, by which token, and of which events it is told."""

from __future__ import annotations

from typing import NamedTuple

from crossbar.core.directory import Account, is_at_or_below
from crossbar.core.feed import EVERYWHERE, Follower, account_of_event
from crossbar.core.requests import Caller
from crossbar.core.services import Services
from crossbar.families.websockets import (
    OBJECT,
    Binding,
    Heard,
    binding_of,
    facts_of,
    heard,
    place_of,
)
from crossbar.identity.gate import Gate
from crossbar.storage import Numbered
from crossbar.websockets.bearers import Bearers
from crossbar.websockets.frames import BAD_TOKEN, NO_TOKEN, Frame, Refused, event

MISSING = "missing required keys : "


class Subscription(NamedTuple):
    """A binding of an account, and the token by which the client may have it."""

    account_id: str
    binding: Binding
    token: str


class Subscriptions:
    """The subscriptions of one connection; ``follower`` watches their accounts."""

    def __init__(
        self, services: Services, gate: Gate, follower: Follower, address: str, most: int
    ) -> None:
        self._services = services
        self._follower = follower
        self._bearers = Bearers(gate, address)
        self._most = most
        self._all: dict[tuple[str, str], Subscription] = {}

    @property
    def bindings(self) -> list[str]:
        """All bindings, as they were written."""
        return list(dict.fromkeys(text for _, text in self._all))

    async def authenticate(self, token: str) -> Caller:
        """Whose token it is. Raises :class:`Refused`."""
        if not token:
            raise Refused(NO_TOKEN)
        caller = await self._bearers.of(token)
        if caller is None:
            raise Refused(BAD_TOKEN)
        return caller

    async def add(self, frame: Frame, token: str, caller: Caller) -> list[str]:
        """Subscribe to the bindings of a frame: all of them or none. Raises :class:`Refused`."""
        lacking = [
            name
            for name, value in (("account_id", frame.account_id), ("binding", frame.bindings))
            if not value
        ]
        if lacking:
            raise Refused(MISSING + ",".join(lacking))
        await self._require_account(frame.account_id, caller)
        try:
            bindings = [binding_of(text) for text in frame.bindings]
        except ValueError as error:
            raise Refused(str(error)) from None
        new = {(frame.account_id, each.text) for each in bindings} - self._all.keys()
        if len(self._all) + len(new) > self._most:
            raise Refused(f"a connection can have {self._most} bindings at most")
        for each in bindings:
            self._all[frame.account_id, each.text] = Subscription(frame.account_id, each, token)
        self._follower.watch(frame.account_id)
        return self.bindings

    def remove(self, frame: Frame) -> list[str]:
        """End the subscriptions to the bindings of a frame; all of them if it names none."""
        ended = [
            key
            for key in self._all
            if frame.account_id in ("", key[0])
            and (not frame.bindings or key[1] in frame.bindings)
        ]
        return self._end(ended)

    async def end_worthless(self) -> list[str]:
        """End the subscriptions whose tokens are worth nothing any more."""
        tokens = {each.token for each in self._all.values()}
        worthless = {token for token in tokens if await self._bearers.of(token) is None}
        return self._end([key for key, each in self._all.items() if each.token in worthless])

    def _end(self, keys: list[tuple[str, str]]) -> list[str]:
        for key in keys:
            self._all.pop(key, None)
        watched = {account_id for account_id, _ in self._all}
        for account_id in self._follower.accounts - watched:
            self._follower.unwatch(account_id)
        return list(dict.fromkeys(text for _, text in keys))

    async def _require_account(self, account_id: str, caller: Caller) -> None:
        if account_id == EVERYWHERE:
            if not caller.is_operator:
                raise Refused("unauthorized wildcard account id")
            return
        account = await self._services.accounts.get(account_id)
        is_above = account is not None and is_at_or_below(account, caller.account_id)
        if account is None or not (caller.is_superduper_admin or is_above):
            raise Refused("unauthorized account id")

    async def frames_of(self, numbered: Numbered) -> list[str]:
        """What the client is told of an event: a frame for each binding that asks for it."""
        account_id, what = account_of_event(numbered.event), heard(numbered.event)
        if what is None:
            return []
        asking = [
            each
            for each in self._all.values()
            if each.account_id in (account_id, EVERYWHERE) and each.binding.covers(what)
        ]
        account = await self._services.accounts.get(account_id) if asking else None
        if account is None:
            return []
        may = {
            token: await self._may_hear(token, account, what, numbered)
            for token in {each.token for each in asking}
        }
        data = facts_of(numbered.event, account_id, what)
        key = f"{what.kind}.{account_id}.{what.event}.{what.about}"
        return [
            event(each.binding.text, key, what.event, numbered.number, data)
            for each in asking
            if may[each.token]
        ]

    async def _may_hear(
        self, token: str, account: Account, what: Heard, numbered: Numbered
    ) -> bool:
        """Whether the bearer of a token may read what an event is about."""
        caller = await self._bearers.of(token)
        if caller is None:
            return False
        sight = self._services.sight
        if what.kind == OBJECT:
            return bool(await sight.places(caller, account, numbered.event))
        return await sight.may_read(caller, account, place_of(what))
