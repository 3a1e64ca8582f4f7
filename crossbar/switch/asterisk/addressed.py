"""Phones that are known by the address that they call from, and by nothing else.

Such a phone proves nothing, so it gets no address by which others are known: carriers, and the
telephones of browsers. No two of them have the same, since it is unique in the API.
"""

from __future__ import annotations

import asyncio

import structlog

from crossbar.core.services import Services
from crossbar.families.endpoints import DEVICES, DEVICES_BY_ADDRESS
from crossbar.storage import Event, Key
from crossbar.switch.asterisk.carriers import Carriers
from crossbar.switch.asterisk.contacts import Row
from crossbar.switch.asterisk.gathering import MOST, fairly
from crossbar.switch.asterisk.phones import Phones, ip_of

log = structlog.get_logger(__name__)


class Addressed:
    """The addresses of such phones, as documents say. A subscriber to events."""

    def __init__(self, services: Services, phones: Phones, carriers: Carriers) -> None:
        self._services = services
        self._phones = phones
        self._carriers = carriers
        self._known: dict[Key, str] | None = None
        self._stale: set[Key] = set()
        self._is_forgotten = False
        self._turn = asyncio.Lock()

    async def rows(self) -> list[Row]:
        """Which phone is at which address, as Asterisk is told."""
        if not await self._carriers.are_asked_for():
            return []  # one of them may be at such an address
        taken, found = {*await self._carriers.addresses()}, []
        for key, address in await self._look():
            if address in taken:
                continue
            phone = await self._phones.find(f"{key.account_id}.{key.doc_id}")
            if phone is not None and phone.ip == address:
                row = {"id": f"at.{address}", "endpoint": phone.name, "match": address}
                found.append(row)
        return found

    def notice(self, event: Event) -> None:
        """Note what an event has made stale."""
        if event.key.doc_type == DEVICES.doc_type:
            self._stale.add(event.key)
            if len(self._stale) > MOST:
                self.forget()

    def forget(self) -> None:
        """Forget everything."""
        self._is_forgotten = True
        self._stale.clear()

    async def _look(self) -> list[tuple[Key, str]]:
        """The addresses of now, with the keys of devices; those that were known first."""
        async with self._turn:
            known = None if self._is_forgotten else self._known
            self._is_forgotten = False
            stale, self._stale = self._stale, set()
            try:
                if known is None:
                    known = await self._all()
                for key in stale:
                    known.pop(key, None)
                    device = await self._services.store.get(key)
                    if device is not None and (address := ip_of(device)):
                        known[key] = address
            except BaseException:
                self.forget()
                raise
            self._known = known
            return [*fairly(known.items(), lambda pair: pair[0].account_id)]

    async def _all(self) -> dict[Key, str]:
        found = {
            Key(owner, DEVICES.doc_type, device["_id"]): ip_of(device)
            async for owner, device in DEVICES_BY_ADDRESS.all(self._services.store)
        }
        if len(found) > MOST:
            log.warning("too_many_phones_by_address", most=MOST, there_are=len(found))
        return {key: address for key, address in found.items() if address}
