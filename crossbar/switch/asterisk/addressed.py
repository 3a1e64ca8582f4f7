"""Phones that are known by the address that they call from, and by nothing else.

Such a phone proves nothing, so it gets no address by which others are known: carriers, and the
telephones of browsers. No two of them have the same, since it is unique in the API.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from crossbar.core.services import Services
from crossbar.documents import Document
from crossbar.families.endpoints import DEVICES, DEVICES_BY_ADDRESS
from crossbar.storage import Event
from crossbar.switch.asterisk.carriers import Carriers
from crossbar.switch.asterisk.contacts import Row
from crossbar.switch.asterisk.gathering import MOST, Gathered, fairly
from crossbar.switch.asterisk.phones import Phones, ip_of

log = structlog.get_logger(__name__)

Known = tuple[str, str, str]
"""An account, a device's id and its address."""


class Addressed:
    """The addresses of such phones, as documents say. A subscriber to events."""

    def __init__(self, services: Services, phones: Phones, carriers: Carriers) -> None:
        self._phones = phones
        self._carriers = carriers
        self._devices = Gathered(
            services.store,
            DEVICES.doc_type,
            DEVICES_BY_ADDRESS.all,
            _known_by,
            lambda: None,
        )

    async def rows(self) -> list[Row]:
        """Which phone is at which address, as Asterisk is told."""
        if not await self._carriers.are_asked_for():
            return []  # one of them may be at such an address
        taken, found = {*await self._carriers.addresses()}, []
        for account_id, device_id, address in await self._look():
            if address in taken:
                continue
            phone = await self._phones.find(f"{account_id}.{device_id}")
            if phone is not None and phone.ip == address:
                row = {"id": f"at.{address}", "endpoint": phone.name, "match": address}
                found.append(row)
        return found

    def notice(self, event: Event) -> None:
        """Note what an event has made stale."""
        self._devices.notice(event)

    def forget(self) -> None:
        """Forget everything."""
        self._devices.forget()

    async def _look(self) -> list[Known]:
        """Who is known now; those who were known first come first."""
        if await self._devices.look() and (count := sum(1 for _ in self._devices)) > MOST:
            log.warning("too_many_phones_by_address", most=MOST, there_are=count)
        return [*fairly(self._devices, lambda known: known[0])]


def _known_by(account_id: str, device: Document) -> Sequence[Known]:
    """Where a device is known, if it is by its address."""
    address = "" if device.get("pvt_deleted") else ip_of(device)
    return [(account_id, device["_id"], address)] if address else []
